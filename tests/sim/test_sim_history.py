"""The history of what the real loop did: its own ledger lines and statuses, joined with the commits it followed."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from reconciler.record.deployments import Told, rows
from reconciler.sim import World, model
from reconciler.state.desired import Desired, Place, Transition
from reconciler.state.history import Asked, Fate, Row, Spec, Step


@pytest.fixture
def world() -> Iterator[World]:
    with World(seed=7) as world:
        world.server("gpu-1")
        world.server("gpu-2")
        world.model_files("half", 1, 2, 3)
        yield world
        assert world.troubles == []


def spec(desired: Desired, name: str) -> Spec | None:
    there = [(server.id, found) for server in desired.servers if (found := server.model(name)) is not None]
    if not there:
        return None
    wanted, servers = there[0][1], tuple(server for server, _ in there)
    return Spec(wanted, Place("half.yaml"), repr((wanted, servers)), servers)


def history(world: World, name: str = "half") -> dict[str, Row]:
    """The rows of a model by commit."""
    line = world.repository.line
    specs = [None, *(spec(desired, name) for desired in line)]
    changed = [
        Step(len(line) - 1 - number, desired.commit, (Asked(name, specs[number], specs[number + 1]),))
        for number, desired in enumerate(line)
        if specs[number] != specs[number + 1]
    ]
    told = Told(
        entries=[each for each in world.pages.entries if each.model == name],
        statuses=[each for one in world.pages.statuses.values() for each in one],
        positions={desired.commit.id: len(line) - 1 - number for number, desired in enumerate(line)},
        commits={desired.commit.id: desired.commit for desired in line},
        in_force=world.repository.known.commit.id if world.repository.known is not None else "",
        begins=world.pages.entries[0].commit,
    )
    return {row.step.commit.id: row for row in rows(changed[::-1], told)}


def fates(row: Row) -> set[Fate]:
    return {each.fate for each in row.landings}


def test_a_promotion_and_its_revert_are_done_and_tied_together(world: World) -> None:
    first = world.commit(model("half", 1, stable=1)).id
    world.run_until_converged()
    second = world.commit(model("half", 1, 2, stable=2)).id
    world.run_until_converged()
    third = world.commit(model("half", 1, stable=1)).id
    world.run_until_converged()
    found = history(world)
    assert [fates(found[each]) for each in (first, second, third)] == [{Fate.DONE}] * 3
    assert found[third].back_to == first
    assert [each.commit for each in found[second].rolled_back_by] == [third]
    numbers = [found[each].deployment for each in (first, second, third)]
    assert numbers == sorted(numbers)
    assert numbers[0] == 1


def test_a_commit_that_comes_while_the_one_before_still_loads_overtakes_it(world: World) -> None:
    world.model_files("half", 4, seconds=20.0)
    world.commit(model("half", 1, stable=1))
    world.run_until_converged()
    second = world.commit(model("half", 1, 4, stable=4)).id
    world.run(5.0)
    third = world.commit(model("half", 1, 3, stable=3)).id
    world.run_until_converged(60)
    found = history(world)
    assert fates(found[second]) == {Fate.OVERTAKEN}
    assert found[second].overtaken_by == third
    assert fates(found[third]) == {Fate.DONE}


def test_a_commit_that_was_never_in_force_was_never_applied(world: World) -> None:
    world.commit(model("half", 1, stable=1))
    world.run_until_converged()
    skipped = world.commit(model("half", 1, 2, stable=2)).id
    third = world.commit(model("half", 1, 3, stable=3)).id
    world.run_until_converged()
    found = history(world)
    assert fates(found[skipped]) == {Fate.NEVER}
    assert found[skipped].overtaken_by == third


def test_a_revert_that_comes_before_its_commit_was_in_force_has_nothing_to_send(world: World) -> None:
    world.commit(model("half", 1, stable=1))
    world.run_until_converged()
    world.commit(model("half", 1, 2, stable=2))
    third = world.commit(model("half", 1, stable=1)).id
    world.run_until_converged()
    assert fates(history(world)[third]) == {Fate.NOTHING}


def test_a_load_that_fails_is_told_with_what_the_server_said(world: World) -> None:
    world.model_files("half", 9, error="cannot parse saved_model.pb")
    world.commit(model("half", 1, stable=1))
    world.run_until_converged()
    second = world.commit(model("half", 1, 9, stable=9)).id
    world.run(60)
    meanwhile = history(world)[second]
    assert fates(meanwhile) == {Fate.UNDER_WAY}
    assert meanwhile.landings[0].because.startswith("RetryPause: version 9 failed to load once")
    world.run(600)
    found = history(world)[second]
    assert fates(found) == {Fate.FAILED}
    assert found.landings[0].because == "cannot parse saved_model.pb (code 15)"


def test_what_failed_stays_failed_when_the_server_restarts_and_when_a_newer_commit_comes(world: World) -> None:
    world.model_files("half", 9, error="cannot parse saved_model.pb")
    world.commit(model("half", 1, stable=1))
    world.run_until_converged()
    second = world.commit(model("half", 1, 9, stable=9)).id
    world.run(660)
    world.restart("gpu-1")
    world.run(60)
    assert fates(history(world)[second]) == {Fate.FAILED}
    world.commit(model("half", 1, 2, stable=2))
    world.run_until_converged()
    assert fates(history(world)[second]) == {Fate.FAILED}
    assert {each.healed for each in history(world)[second].landings} == {0}


def test_what_failed_and_was_overtaken_between_two_tries_is_told_as_failed(world: World) -> None:
    world.model_files("half", 9, error="cannot parse saved_model.pb")
    world.commit(model("half", 1, stable=1))
    world.run_until_converged()
    second = world.commit(model("half", 1, 9, stable=9)).id
    world.run(60)
    world.commit(model("half", 1, 2, stable=2))
    world.run_until_converged()
    assert fates(history(world)[second]) == {Fate.FAILED}


def test_a_missing_version_is_held(world: World) -> None:
    world.commit(model("half", 1, stable=1))
    world.run_until_converged()
    second = world.commit(model("half", 1, 8, stable=8)).id
    world.run(20)
    found = history(world)[second]
    assert fates(found) == {Fate.HELD}
    assert found.landings[0].because.startswith("ArtifactMissing: ")


def test_a_server_that_restarts_is_put_right_and_stays_done(world: World) -> None:
    first = world.commit(model("half", 1, stable=1)).id
    world.run_until_converged()
    world.restart("gpu-1")
    world.run(30)
    there, elsewhere = history(world)[first].landings
    assert (there.fate, elsewhere.fate) == (Fate.DONE, Fate.DONE)
    assert there.healed >= 1
    assert elsewhere.healed == 0


def test_a_restart_under_a_commit_about_another_model_is_a_row_of_that_commit(world: World) -> None:
    world.model_files("other", 1)
    first = world.commit(model("half", 1, stable=1)).id
    world.run_until_converged()
    second = world.commit(model("half", 1, stable=1), model("other", 1)).id
    world.run_until_converged()
    world.restart("gpu-2")
    world.run(30)
    found = history(world)
    assert found[second].asked is None
    assert [each.server for each in found[second].landings] == ["eu/gpu-2"]
    assert fates(found[first]) == {Fate.DONE}


def test_what_a_commit_before_asked_is_carried_out_under_the_one_that_came_with_it(world: World) -> None:
    world.model_files("other", 1)
    first = world.commit(model("half", 1, stable=1)).id
    second = world.commit(model("half", 1, stable=1), model("other", 1)).id
    world.run_until_converged()
    found = history(world)
    assert second not in found
    assert {(each.fate, each.by) for each in found[first].landings} == {(Fate.DONE, second)}


def test_a_server_that_joins_is_part_of_the_commit_that_adds_it(world: World) -> None:
    world.commit(model("half", 1, stable=1))
    world.run_until_converged()
    world.server("gpu-3")
    second = world.commit(model("half", 1, stable=1)).id
    world.run_until_converged()
    landings = {each.server: each for each in history(world)[second].landings}
    assert landings["eu/gpu-3"].fate is Fate.DONE
    assert landings["eu/gpu-1"].fate is Fate.NOTHING


def test_a_version_that_was_kept_for_a_while_is_no_part_of_how_long_it_took(world: World) -> None:
    kept = Transition(keep_previous=300.0)
    world.commit(replace(model("half", 1, stable=1), transition=kept))
    world.run_until_converged()
    second = world.commit(replace(model("half", 2, stable=2), transition=kept)).id
    world.run(400)
    landing = history(world)[second].landings[0]
    assert world.serves("gpu-1") == {"half": (2,)}
    assert landing.started is not None
    assert landing.finished is not None
    assert landing.finished - landing.started < 10.0


def test_a_reconciler_that_is_killed_and_comes_back_tells_the_same_history(world: World) -> None:
    world.commit(model("half", 1, stable=1))
    world.run_until_converged()
    second = world.commit(model("half", 1, 2, stable=2)).id
    world.run(0.5)
    world.crash()
    world.start()
    world.run_until_converged()
    assert fates(history(world)[second]) == {Fate.DONE}
