import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from reconciler.adapters.lock import StateDirectory
from reconciler.errors import RecordError, StateLocked

HOLD = """
import sys
from pathlib import Path
from reconciler.adapters.lock import StateDirectory
with StateDirectory(Path(sys.argv[1])).locked("reconciler run"):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def state(tmp_path: Path) -> StateDirectory:
    return StateDirectory(tmp_path / "state")


def test_a_new_state_directory_is_readable_by_its_owner_alone(state: StateDirectory) -> None:
    state.create()
    assert stat.S_IMODE(state.path.stat().st_mode) == 0o700


def test_a_second_writer_is_refused_and_told_who_the_first_is(state: StateDirectory) -> None:
    with state.locked("reconciler run"), pytest.raises(StateLocked) as refusal, state.locked("reconciler apply"):
        pass
    assert "reconciler run" in refusal.value.holder
    assert str(os.getpid()) in str(refusal.value)
    assert str(state.path) in str(refusal.value)


def test_a_directory_given_back_can_be_taken_again(state: StateDirectory) -> None:
    with state.locked("reconciler run"):
        pass
    with state.locked("reconciler apply"):
        holder = state.holder()
        assert holder is not None
        assert holder.command == "reconciler apply"
    assert state.holder() is None


def test_a_body_that_fails_gives_the_directory_back(state: StateDirectory) -> None:
    with pytest.raises(ZeroDivisionError), state.locked("reconciler run"):
        raise ZeroDivisionError
    with state.locked("reconciler apply"):
        pass


def test_a_killed_holder_leaves_a_name_but_no_lock(state: StateDirectory) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(state.path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        with pytest.raises(StateLocked, match=f"process {other.pid}"), state.locked("reconciler apply"):
            pass
        other.send_signal(signal.SIGKILL)
        other.wait()
    with state.locked("reconciler apply"):
        holder = state.holder()
        assert holder is not None
        assert holder.pid == os.getpid()


def test_a_lock_file_with_other_content_names_nobody_and_hinders_nobody(state: StateDirectory) -> None:
    state.create()
    state.lock_file.write_text("{half a na")
    assert state.holder() is None
    with state.locked("reconciler run"):
        holder = state.holder()
    assert holder is not None


def test_a_state_directory_that_cannot_be_made_is_an_error_with_its_path(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("")
    with pytest.raises(RecordError, match=r"Cannot make the state directory .*file/state"):
        StateDirectory(file / "state").create()
