"""What the ledger says of whole stories on the real loop: who began a pass, and what stood there before."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from reconciler.sim import World, model
from reconciler.sim.world import resource
from reconciler.state.desired import DesiredModel, Retry, Transition
from reconciler.state.entry import Entry, EntryKind


@pytest.fixture
def world() -> Iterator[World]:
    """Version 1 is stable by c1."""
    with World(seed=31) as world:
        world.server("gpu-1")
        world.model_files("half", 1, 2)
        world.commit(half(1), subject="One")
        world.run_until_converged()
        yield world


def half(version: int, keep: float | None = None) -> DesiredModel:
    return replace(model("half", version, stable=version), transition=Transition(keep_previous=keep))


def lines(world: World, after: int = 0) -> list[Entry]:
    return [each for each in world.pages.entries[after:] if each.kind is EntryKind.INTENT]


def told(found: list[Entry]) -> set[tuple[str, str, str]]:
    return {(each.commit, each.parent, each.initiated_by) for each in found}


def test_a_first_commit_has_no_parent(world: World) -> None:
    assert told(lines(world)) == {("c1", "", "commit")}


def test_every_pass_of_a_promotion_is_the_commits_and_its_parent_is_what_stood_before(world: World) -> None:
    before = len(world.pages.entries)
    world.commit(half(2), subject="Two")
    world.run_until_converged()
    assert len(lines(world, before)) >= 3
    assert told(lines(world, before)) == {("c2", "c1", "commit")}
    assert {each.reason for each in lines(world, before)} == {"Two"}


def test_a_revert_is_a_rollback_from_what_it_reverts(world: World) -> None:
    world.commit(half(2), subject="Two")
    world.run_until_converged()
    before = len(world.pages.entries)
    world.commit(half(1), subject='Revert "Two"')
    world.run_until_converged()
    assert told(lines(world, before)) == {("c3", "c2", "rollback")}


def test_a_restarted_server_is_healed_from_drift(world: World) -> None:
    before = len(world.pages.entries)
    world.restart("gpu-1")
    world.run_until(lambda: world.answers("gpu-1", "half", "stable") == 1, limit=10)
    assert told(lines(world, before)) == {("c1", "c1", "drift")}


def test_a_version_that_was_kept_for_a_while_goes_by_the_commit_that_replaced_it(world: World) -> None:
    world.commit(half(2, keep=600.0), subject="Two")
    world.run_until_converged(limit=5)
    before = len(world.pages.entries)
    world.run(620)
    assert world.serves("gpu-1") == {"half": (2,)}
    assert [each.initiated_by for each in lines(world, before)] == ["commit"]


def test_putting_back_what_stood_before_a_failed_load_is_a_restore(world: World) -> None:
    retry = Retry(limit=1, backoff=5.0, max=60.0)
    world.storage.change("/models/half", 2, error="corrupt")
    before = len(world.pages.entries)
    world.commit(replace(resource(model("half", 2, stable=2)), retry=retry), subject="Two")
    world.run(30)
    assert world.answers("gpu-1", "half", "stable") == 1
    found = lines(world, before)
    assert [each.initiated_by for each in found] == ["commit"] * 2 + ["restore"] * 3
    assert {(each.commit, each.parent) for each in found} == {("c2", "c1")}
