"""What a git host is told of commits that real lanes carry out, on the simulated world."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from reconciler.record import reports as wording
from reconciler.sim import World, model
from reconciler.state.desired import Suspend
from reconciler.state.report import Report, ReportState


@pytest.fixture
def world() -> Iterator[World]:
    with World(seed=5) as world:
        for name in ("gpu-1", "gpu-2"):
            world.server(name)
        world.model_files("half", 1, 2)
        world.commit(model("half", 1, stable=1))
        world.run_until_converged()
        yield world


def report(world: World) -> Report:
    """What is told of the commit in force."""
    assert world.process is not None
    service = world.process.service
    assert service is not None
    assert service.desired is not None
    lanes = {name: lane.statuses for name, lane in service.lanes.lanes.items()}
    (found,) = wording.reports(service.desired, lanes)
    return found


def told(world: World) -> tuple[ReportState, str]:
    found = report(world)
    return found.state, found.text


def test_a_commit_that_is_there_has_succeeded(world: World) -> None:
    assert told(world) == (ReportState.SUCCESS, "2 of 2 servers converged")


def test_a_commit_that_changes_nothing_succeeds_at_once(world: World) -> None:
    world.commit(model("half", 1, stable=1))
    world.run_until(lambda: report(world).commit == "c2", limit=5)
    world.run_until(lambda: report(world).state is ReportState.SUCCESS, limit=15)


def test_a_promotion_is_pending_until_the_last_server_has_it(world: World) -> None:
    world.commit(model("half", 2, stable=2))
    world.run_until(lambda: report(world).commit == "c2", limit=5)
    assert report(world).state is ReportState.PENDING
    world.run_until_converged()
    world.run(1)
    assert told(world) == (ReportState.SUCCESS, "2 of 2 servers converged")


def test_a_version_that_is_not_there_is_a_failure_until_it_appears(world: World) -> None:
    world.commit(model("half", 1, 9, stable=9))
    world.run(10)
    assert told(world) == (
        ReportState.FAILURE,
        "0 of 2 servers converged; gpu-1 held: ArtifactMissing; gpu-2 held: ArtifactMissing",
    )
    world.model_files("half", 9)
    world.run_until(lambda: report(world).state is ReportState.SUCCESS, limit=60)


def test_a_server_that_is_down_is_waited_for(world: World) -> None:
    world.servers["gpu-2"].kill()
    world.commit(model("half", 2, stable=2))
    world.run(20)
    assert told(world) == (ReportState.PENDING, "1 of 2 servers converged; gpu-2 waits: Unreachable")


def test_a_model_that_git_drops_without_consent_is_kept_and_no_failure(world: World) -> None:
    world.model_files("other", 1)
    world.commit(model("half", 1, stable=1), model("other", 1))
    world.run_until_converged()
    world.commit(model("half", 1, stable=1))
    world.run(10)
    assert told(world) == (
        ReportState.SUCCESS,
        "2 of 2 servers converged; gpu-1 kept: PruneGuard; gpu-2 kept: PruneGuard",
    )


def test_a_suspended_fleet_is_waited_for(world: World) -> None:
    desired = world.repository.head
    assert desired is not None
    suspend = Suspend("moving racks", "bo")
    servers = tuple(
        replace(each, models=(replace(model("half", 2, stable=2), suspend=suspend),)) for each in desired.servers
    )
    world.push(replace(desired, commit=replace(desired.commit, id="c2"), servers=servers))
    world.run(10)
    assert told(world) == (
        ReportState.PENDING,
        "0 of 2 servers converged; gpu-1 waits: Suspended; gpu-2 waits: Suspended",
    )
