"""Reading a repository over http, beside a service that follows it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from cli_world import World, promoted
from githost import Host, serving

from reconciler.adapters.lock import StateDirectory


@pytest.fixture
def world(tmp_path: Path) -> World:
    return promoted(tmp_path)


@pytest.fixture
def host(world: World) -> Iterator[Host]:
    with serving(world.folder) as host:
        yield host


def test_plan_of_a_remote_repository_needs_no_lock_and_leaves_the_services_mirror_alone(
    world: World, host: Host
) -> None:
    with StateDirectory(world.state).locked("reconciler run"):
        shown = world.call("plan", "--repo", f"{host.url}/repo", "--from", "main~1", "--to", "main")
    assert (shown.code, shown.err) == (0, "")
    assert "+ half  load 2" in shown.out
    assert not StateDirectory(world.state).mirror.exists()


def test_plan_of_a_rewritten_branch_warns_that_a_service_refuses_it(world: World, host: Host) -> None:
    address = ("--repo", f"{host.url}/repo")
    world.call("validate", *address)
    world.git("commit", "--quiet", "--amend", "--message", "rewritten")
    shown = world.call("diff", *address)
    assert shown.err.startswith("warning: ")
    assert "acknowledge-rewrite" in shown.err


def test_host_that_is_gone_is_a_sentence(world: World, host: Host) -> None:
    shown = world.call("plan", "--repo", "http://127.0.0.1:9/repo")
    assert shown.code == 1
    assert shown.err.startswith("Error: ")


def test_address_of_an_unknown_kind_is_a_usage_error(world: World) -> None:
    assert world.call("plan", "--repo", "ftp://example.org/repo").code == 2
