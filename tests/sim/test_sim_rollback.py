"""Automatic rollback on the simulated world: what a failed spec leads to, once, and what it never leads to."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from reconciler.propose import Bot, Waiting
from reconciler.sim import CrashPoint, World, model
from reconciler.sim.predictions import Behaviour, plus
from reconciler.state.automation import Automation, OnFailure
from reconciler.state.check import Check
from reconciler.state.desired import DesiredModel, Retry, Rollout, Wave
from reconciler.state.outcome import ConditionType
from reconciler.state.plan import HoldReason

GOLDEN = Check("golden", request='{"instances": [[1.0], [2.5]]}', expect='{"predictions": [[1.0], [2.5]]}')


@pytest.fixture
def world() -> Iterator[World]:
    with World(seed=7) as world:
        world.bots = True
        world.server("gpu-1")
        world.model_files("half", 1, 2, 3, 4, 5)
        yield world
        assert world.lost == []
        assert world.troubles == []


def half(*versions: int, then: OnFailure = OnFailure.PUSH, **labels: int) -> DesiredModel:
    wanted = replace(model("half", *versions), labels=tuple(sorted(labels.items())), checks=(GOLDEN,))
    return replace(wanted, automation=Automation(then), retry=Retry(limit=1))


def live(world: World, then: OnFailure = OnFailure.PUSH) -> None:
    """Version 1 is stable."""
    world.commit(half(1, then=then, stable=1))
    world.run_until_converged(limit=400)


def wrong(world: World, *versions: int) -> None:
    """These versions answer otherwise than git expects."""
    for version in versions:
        world.network.predictions.script("half", version, Behaviour(plus(1.0)))


def break_it(world: World, version: int = 2, then: OnFailure = OnFailure.PUSH) -> None:
    """A commit asks for a version that answers wrongly."""
    wrong(world, version)
    world.commit(half(version, then=then, stable=version))


def line(world: World) -> list[str]:
    """The commits of the branch."""
    return [each.commit.id for each in world.repository.line]


def trailers(world: World) -> dict[str, str]:
    """Those of the newest commit."""
    return dict(world.repository.line[-1].commit.trailers)


def waits(world: World) -> list[tuple[Bot, str]]:
    """What bots wait for."""
    assert world.process is not None
    assert world.process.bots is not None
    return [
        (each.bot, each.reason)
        for said in world.process.bots.said.values()
        for each in said
        if isinstance(each, Waiting)
    ]


def reloads_after(world: World, commit: str) -> list[str]:
    """What was sent to servers from that commit on."""
    assert world.repository.head is not None
    lines = world.timeline.text(times=False).splitlines()
    start = lines.index(f"commit {commit} in force")
    return [each for each in lines[start:] if "  change: " in each or "  add: " in each]


def test_a_failed_check_is_followed_by_one_commit_that_takes_the_spec_back(world: World) -> None:
    live(world)
    break_it(world)
    world.run_until(lambda: len(line(world)) == 3, limit=10)
    world.run_until_converged()
    world.run(120)
    assert line(world) == ["c1", "c2", "b1"]
    assert world.answers("gpu-1", "half", "stable") == 1
    assert world.converged()


def test_the_commit_says_what_it_takes_back_to_what_and_why(world: World) -> None:
    live(world)
    break_it(world)
    world.run_until(lambda: len(line(world)) == 3, limit=10)
    said = trailers(world)
    assert (said["Rollback-Of"], said["Rollback-To"], said["Rollback-Scope"]) == ("c2", "c1", "half")
    assert (said["Rollback-Trigger"], said["Reconciler-Bot"]) == ("auto", "rollback")
    assert "predictions[0][0]: expected 1, got 2" in said["Rollback-Reason"]
    first = next(each.id for each in world.pages.entries if each.commit == "c2")
    assert said["Deployment-Id"] == f"d{first}"


def test_the_revert_sends_no_reload_because_no_label_ever_moved(world: World) -> None:
    live(world)
    break_it(world)
    world.run_until(lambda: len(line(world)) == 3, limit=10)
    world.run_until_converged()
    assert reloads_after(world, "b1") == []


def test_a_version_that_cannot_load_is_taken_back_too(world: World) -> None:
    world.model_files("half", 9, error="Can't parse saved_model.pb as binary proto")
    live(world)
    world.commit(half(9, stable=9))
    world.run_until(lambda: len(line(world)) == 3, limit=20)
    world.run_until_converged()
    assert "Quarantined on eu/gpu-1: version 9 failed to load" in trailers(world)["Rollback-Reason"]
    assert reloads_after(world, "b1") == []


@pytest.mark.parametrize("then", [OnFailure.HOLD, OnFailure.PUSH])
def test_without_consent_or_without_being_asked_nothing_is_committed(then: OnFailure) -> None:
    with World(seed=7) as world:
        world.bots = then is OnFailure.HOLD
        world.server("gpu-1")
        world.model_files("half", 1, 2)
        live(world, then)
        break_it(world, then=then)
        world.run(120)
        assert line(world) == ["c1", "c2"]
        assert HoldReason.CHECK_FAILED in world.holds("gpu-1")
        assert waits(world) == ([] if world.bots else [(Bot.ROLLBACK, "NoConsent")])


def test_with_branch_the_commit_waits_on_a_branch_named_after_the_spec(world: World) -> None:
    live(world, OnFailure.BRANCH)
    break_it(world, then=OnFailure.BRANCH)
    world.run(120)
    (branch,) = world.repository.branches
    assert branch.startswith("reconciler/rollback/half-")
    assert line(world) == ["c1", "c2"]
    assert waits(world) == [(Bot.ROLLBACK, "Proposed")]


def test_the_status_says_that_the_spec_was_taken_back_until_git_says_so(world: World) -> None:
    live(world, OnFailure.BRANCH)
    break_it(world, then=OnFailure.BRANCH)
    world.run(60)
    (said,) = rolled_back(world)
    assert said.startswith("Proposed: the last good spec is served; merge branch reconciler/rollback/half-")
    made = world.repository.made["b1"][1]
    world.push(made)
    world.run_until_converged()
    world.run(30)
    assert rolled_back(world) == []


def rolled_back(world: World) -> list[str]:
    return [
        f"{each.reason}: {each.message}"
        for status in world.pages.statuses["eu/gpu-1"]
        for each in status.conditions
        if each.type is ConditionType.ROLLED_BACK
    ]


def test_a_spec_that_a_person_brings_back_is_not_taken_back_again(world: World) -> None:
    live(world)
    break_it(world)
    world.run_until(lambda: len(line(world)) == 3, limit=10)
    world.run_until_converged()
    break_it(world)
    world.run(120)
    assert line(world) == ["c1", "c2", "b1", "c3"]
    assert waits(world) == [(Bot.ROLLBACK, "HadBefore")]
    assert world.answers("gpu-1", "half", "stable") == 1


def test_a_commit_that_calls_itself_a_rollback_is_taken_back_like_any_other(world: World) -> None:
    """Trailers are what anybody may write; that it goes back to something, its documents would have to say."""
    live(world)
    world.commit(half(2, stable=2))
    world.run_until_converged()
    break_it(world, 3)
    world.run_until(lambda: len(line(world)) == 4, limit=10)
    world.run_until_converged()
    bad = world.repository.line[-1]
    wrong(world, 4)
    servers = tuple(replace(each, models=(half(4, stable=4),)) for each in bad.servers)
    world.push(replace(bad, commit=replace(bad.commit, id="forged"), servers=servers))
    world.run(120)
    assert line(world)[-2:] == ["forged", "b2"]
    assert world.answers("gpu-1", "half", "stable") == 2


def test_the_third_failure_in_a_row_is_left_to_a_person(world: World) -> None:
    live(world)
    for version in (2, 3):
        break_it(world, version)
        world.run_until(lambda: line(world)[-1].startswith("b"), limit=10)
        world.run_until_converged()
    break_it(world, 4)
    world.run(120)
    assert line(world) == ["c1", "c2", "b1", "c3", "b2", "c4"]
    assert waits(world) == [(Bot.ROLLBACK, "TooManyInARow")]


def test_after_a_spec_that_stayed_the_count_begins_anew(world: World) -> None:
    live(world)
    for version in (2, 3):
        break_it(world, version)
        world.run_until(lambda: line(world)[-1].startswith("b"), limit=10)
        world.run_until_converged()
    world.commit(half(5, stable=5))
    world.run_until_converged()
    break_it(world, 4)
    world.run_until(lambda: line(world)[-1] == "b3", limit=10)
    world.run_until_converged()
    assert world.answers("gpu-1", "half", "stable") == 5


def test_a_first_spec_that_fails_has_nothing_to_go_back_to(world: World) -> None:
    break_it(world, 1)
    world.run(60)
    assert line(world) == ["c1"]
    assert waits(world) == [(Bot.ROLLBACK, "NothingGood")]


def test_a_push_of_a_person_comes_first(world: World) -> None:
    live(world)
    break_it(world)
    world.repository.meanwhile = lambda: world.commit(half(3, stable=3))
    world.run_until(lambda: len(line(world)) == 3, limit=10)
    world.run_until_converged()
    world.run(60)
    assert line(world) == ["c1", "c2", "c3"]
    assert [*world.repository.made] == ["b1"]
    assert world.answers("gpu-1", "half", "stable") == 3


def test_a_push_of_a_person_that_leaves_the_spec_as_it_is_is_stood_upon(world: World) -> None:
    live(world)
    world.model_files("other", 1)
    break_it(world)
    world.repository.meanwhile = lambda: world.commit(half(2, stable=2), model("other", 1, stable=1))
    world.run_until(lambda: len(line(world)) == 4, limit=30)
    world.run_until_converged()
    assert line(world) == ["c1", "c2", "c3", "b2"]
    assert dict(world.serves("gpu-1")) == {"half": (1,), "other": (1,)}


def test_a_refused_push_is_said_and_tried_again_later_without_a_second_commit(world: World) -> None:
    live(world)
    world.repository.refuses = "remote rejected: protected branch"
    break_it(world)
    world.run(120)
    assert waits(world) == [(Bot.ROLLBACK, "PushRefused")]
    (said,) = rolled_back(world)
    assert "remote rejected: protected branch" in said
    world.repository.refuses = ""
    world.run_until(lambda: len(line(world)) == 3, limit=700)
    assert [*world.repository.made] == ["b1"]


@pytest.mark.parametrize("point", [CrashPoint.COMMIT_MADE, CrashPoint.COMMIT_NOTED, CrashPoint.COMMIT_PUSHED])
@pytest.mark.parametrize("then", [OnFailure.PUSH, OnFailure.BRANCH])
def test_killed_at_any_point_of_it_there_is_one_commit_in_the_end(
    world: World, point: CrashPoint, then: OnFailure
) -> None:
    live(world, then)
    world.crash_at(point)
    break_it(world, then=then)
    world.run_until_crashed()
    world.start()
    world.run(120)
    proposed = [*world.repository.branches.values()]
    assert len(line(world)[2:] + proposed) == 1
    assert HoldReason.CHECK_FAILED in world.holds("gpu-1") or world.converged()


def test_while_the_remote_is_in_trouble_nothing_is_committed(world: World) -> None:
    live(world)
    break_it(world)
    world.run(0.5)
    world.repository.trouble = ("SourceUnavailable", "no route to host")
    world.process.service.trigger()  # type: ignore[union-attr]
    world.run(60)
    assert waits(world) == [(Bot.ROLLBACK, "HeadNotInForce")]
    world.repository.trouble = None
    world.run_until(lambda: len(line(world)) == 3, limit=60)


@pytest.mark.parametrize("count", [3, 10])
def test_in_a_fleet_what_the_first_wave_has_served_goes_back_with_the_revert(count: int) -> None:
    """On the canary the spec was wholly reached, so it stays there until git takes it back; nobody else begins it."""
    with World(seed=6) as world:
        world.bots = True
        waves = (Wave("first", (("tier", "canary"),), pause=10.0), Wave("rest"))
        world.fleet = replace(world.fleet, rollout=Rollout(2, 1, waves))
        names = [f"gpu-{number:03}" for number in range(count)]
        for number, name in enumerate(names):
            world.server(name, tier="canary" if number == 0 else "prod")
        world.model_files("half", 1, 2)
        live(world)
        world.commit(half(2, stable=2))
        world.run_until(lambda: world.answers(names[0], "half", "stable") == 2, limit=20)
        wrong(world, 2)
        world.run_until(lambda: len(line(world)) == 3, limit=120)
        world.run_until_converged(limit=60)
        assert {world.answers(name, "half", "stable") for name in names} == {1}
        sent = {each.split()[0] for each in reloads_after(world, "b1")}
        assert sent <= {names[0]}
        assert trailers(world)["Rollback-Of"] == "c2"
        assert (world.lost, world.troubles) == ([], [])


def test_the_commit_is_told_once(world: World) -> None:
    live(world)
    break_it(world)
    world.run_until(lambda: len(line(world)) == 3, limit=10)
    world.run(30)
    said = [each for each in world.timeline.text(times=False).splitlines() if each.startswith("bot ")]
    assert len(said) == 1
    assert said[0].startswith("bot rollback of half: commit b1: CheckFailed on eu/gpu-1: check golden failed")
