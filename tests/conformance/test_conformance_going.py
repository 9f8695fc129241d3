"""Files that cannot be read, and directories that go while they are loaded."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from conformance_cases import case
from conformance_world import World

from reconciler.modelserver.core import Code, Status


@case("S112", process_only="permissions are of real files")
@pytest.mark.skipif(os.geteuid() == 0, reason="root can read everything")
def test_files_that_cannot_be_read_fail_the_load(world: World) -> None:
    m, other = world.model("m", 1), world.model("other", 1)
    Path(m.path(1), "saved_model.pb").chmod(0)
    assert world.reload(m(1), other(1)).code is Code.UNKNOWN
    assert str(m.error(1)) == f"PERMISSION_DENIED: {m.path(1)}/saved_model.pb; Permission denied"
    assert other.states() == {1: "AVAILABLE"}


@case("S114", process_only="files go while they are read")
def test_a_directory_that_goes_while_it_loads_fails_the_load_at_its_end(world: World) -> None:
    m, other = world.model("m").publish(1, seconds=1.2), world.model("other", 1)
    world.serve(other(1))
    sent = world.send(m(1), other(1))
    m.until_state(1, "LOADING")
    world.wait(0.4)  # its files are read first
    m.remove(1)
    gone = Status(Code.NOT_FOUND, f"{m.path(1)} not found")
    assert str(world.answer(sent)) == m.not_up(1, error=gone)
    assert (m.states(), m.error(1), other.asks()) == ({1: "END"}, gone, 1)
