"""Checks end to end: a version answers before a label goes to it, or the label stays. No labelled request is lost."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from reconciler.sim import CrashPoint, World, model
from reconciler.sim.predictions import Behaviour, constant, plus
from reconciler.sim.world import resource
from reconciler.state.check import Check, CheckKind
from reconciler.state.desired import DesiredModel, Rollout, Wave
from reconciler.state.inference import Heard
from reconciler.state.outcome import Condition, ConditionType, OutcomeKind
from reconciler.state.plan import ActionKind, HoldReason

GOLDEN = Check("golden", request='{"instances": [[1.0], [2.5]]}', expect='{"predictions": [[1.0], [2.5]]}')
QUICK = replace(GOLDEN, name="quick", max_latency=0.05, repetitions=3)
DRIFT = Check("drift", CheckKind.COMPARE, request='{"instances": [[1.0]]}', against="stable", max_slowdown=2.0)


@pytest.fixture
def world() -> Iterator[World]:
    with World(seed=5) as world:
        world.server("gpu-1")
        world.model_files("half", 1, 2, 3)
        yield world
        assert world.lost == []
        assert world.troubles == []


def half(*versions: int, checks: tuple[Check, ...] = (GOLDEN,), **labels: int) -> DesiredModel:
    return replace(model("half", *versions), labels=tuple(sorted(labels.items())), checks=checks)


def live(world: World, *checks: Check) -> None:
    """Version 1 is stable."""
    world.commit(half(1, checks=checks or (GOLDEN,), stable=1))
    world.run_until_converged()


def promote(world: World, *checks: Check, limit: float = 10.0) -> None:
    """Git says that 2 is stable; until everything has come to rest."""
    world.commit(half(2, checks=checks or (GOLDEN,), stable=2))
    world.run_until_at_rest(limit=limit)


def behaves(world: World, version: int, behaviour: Behaviour) -> None:
    world.network.predictions.script("half", version, behaviour)


def asked(world: World, version: int, server: str = "gpu-1") -> int:
    return world.network.predictions.asked[server, "half", version]


def evidence(world: World, kind: OutcomeKind) -> list[str]:
    """What the ledger holds of checks that ended so."""
    found = [outcome for each in world.pages.outcomes.values() for outcome in each.values()]
    return [each.evidence for each in found if each.action.kind is ActionKind.CHECK and each.kind is kind]


def condition(world: World, kind: ConditionType) -> Condition:
    """That condition of the model."""
    return next(
        condition
        for status in world.pages.statuses["eu/gpu-1"]
        if status.model == "half"
        for condition in status.conditions
        if condition.type is kind
    )


def test_a_promotion_checks_first_and_then_moves_the_label(world: World) -> None:
    live(world)
    promote(world)
    assert world.answers("gpu-1", "half", "stable") == 2
    assert asked(world, 2) == 1
    assert condition(world, ConditionType.CHECKS_PASSED).message.startswith("golden of 2: as expected, no difference")
    assert evidence(world, OutcomeKind.DONE)[-1].startswith("as expected")


WRONG = [
    (Behaviour(plus(1.0)), "predictions[0][0]: expected 1, got 2"),
    (Behaviour(constant("float", 1.0, float("nan"))), "predictions[1][0]: expected 2.5, got nan"),
    (Behaviour(constant("string", b"1", b"2.5")), "predictions[0][0]: expected 1, got '1'"),
    (Behaviour(constant("float", 1.0)), "expected shape [2,1], got [1,1]"),
    (Behaviour(error=(Heard.REFUSED, "No hash table")), "answered with an error: No hash table"),
    (Behaviour(signatures=()), "the version has no signature serving_default"),
]


@pytest.mark.parametrize(("behaviour", "words"), WRONG, ids=lambda each: each if isinstance(each, str) else "")
def test_a_wrong_answer_leaves_the_label_and_unloads_the_version(
    world: World, behaviour: Behaviour, words: str
) -> None:
    live(world)
    behaves(world, 2, behaviour)
    promote(world)
    assert world.answers("gpu-1", "half", "stable") == 1
    assert world.serves("gpu-1") == {"half": (1,)}
    assert words in condition(world, ConditionType.CHECKS_PASSED).message
    assert words in condition(world, ConditionType.READY).message
    (told,) = evidence(world, OutcomeKind.FAILED)
    assert words in told


def test_a_version_that_failed_is_neither_asked_nor_loaded_again(world: World) -> None:
    live(world)
    behaves(world, 2, Behaviour(plus(1.0)))
    promote(world)
    before = asked(world, 2)
    world.run(600)
    world.commit(half(2, stable=2), model("half-other", 1), subject="something else")
    world.run(20)
    assert (asked(world, 2), world.serves("gpu-1")) == (before, {"half": (1,)})


def test_after_a_failed_check_another_version_goes_through(world: World) -> None:
    live(world)
    behaves(world, 2, Behaviour(plus(1.0)))
    promote(world)
    world.commit(half(3, stable=3))
    world.run_until_converged(limit=10)
    assert world.answers("gpu-1", "half", "stable") == 3


def test_a_corrected_expectation_is_tried_at_once(world: World) -> None:
    live(world)
    behaves(world, 2, Behaviour(plus(1.0)))
    promote(world)
    promote(world, replace(GOLDEN, expect='{"predictions": [[2.0], [3.5]]}'))
    assert world.answers("gpu-1", "half", "stable") == 2


def test_retry_runs_a_failed_check_again(world: World) -> None:
    live(world)
    behaves(world, 2, Behaviour(plus(1.0)))
    promote(world)
    behaves(world, 2, Behaviour())
    assert world.process is not None
    assert world.process.service is not None
    assert world.process.service.lanes.retry("half") == ("eu/gpu-1/half",)
    world.run_until(lambda: world.answers("gpu-1", "half", "stable") == 2, limit=10)


def test_a_slow_version_fails_with_the_time_that_it_took(world: World) -> None:
    live(world)
    behaves(world, 2, Behaviour(seconds=0.08))
    promote(world, QUICK)
    assert world.answers("gpu-1", "half", "stable") == 1
    assert "allowed are 50 ms" in condition(world, ConditionType.CHECKS_PASSED).message


def test_a_version_that_is_slower_than_every_deadline_fails_where_a_latency_is_asked_for(world: World) -> None:
    live(world)
    behaves(world, 2, Behaviour(seconds=1000.0))
    promote(world, QUICK, limit=30)
    assert world.answers("gpu-1", "half", "stable") == 1
    assert "did not answer within 1 s" in condition(world, ConditionType.CHECKS_PASSED).message


def test_a_version_that_never_answers_is_no_verdict_and_somebody_is_told_after_three_tries(world: World) -> None:
    live(world)
    behaves(world, 2, Behaviour(seconds=1000.0))
    world.commit(half(2, stable=2))
    world.run(15)
    assert world.plans()["gpu-1"].blocked is False
    world.run(60)
    assert world.plans()["gpu-1"].blocked
    assert world.answers("gpu-1", "half", "stable") == 1
    assert 2 in world.serves("gpu-1")["half"]
    assert "Deadline Exceeded" in condition(world, ConditionType.CHECKS_PASSED).message
    behaves(world, 2, Behaviour())
    world.run_until_converged(limit=120)
    assert world.answers("gpu-1", "half", "stable") == 2


def test_an_answer_that_is_lost_is_asked_for_again(world: World) -> None:
    live(world)
    behaves(world, 2, Behaviour(error=(Heard.LOST, "OOM when allocating tensor")))
    world.commit(half(2, stable=2))
    world.run(5)
    assert HoldReason.CHECKING in world.holds("gpu-1")
    behaves(world, 2, Behaviour())
    world.run_until_converged(limit=20)
    assert "OOM" in evidence(world, OutcomeKind.TIMED_OUT)[0]


def test_a_comparison_passes_reports_the_difference_and_is_made_on_both_versions(world: World) -> None:
    live(world, DRIFT)
    behaves(world, 2, Behaviour(plus(1e-6)))
    promote(world, DRIFT)
    assert world.answers("gpu-1", "half", "stable") == 2
    assert asked(world, 1) == asked(world, 2) == 1
    assert "as version 1, the largest difference is" in evidence(world, OutcomeKind.DONE)[-1]


def test_a_comparison_that_differs_leaves_the_label(world: World) -> None:
    live(world, DRIFT)
    behaves(world, 2, Behaviour(plus(0.5)))
    promote(world, DRIFT)
    assert world.answers("gpu-1", "half", "stable") == 1
    assert "y[0][0]: expected 1, got 1.5" in condition(world, ConditionType.CHECKS_PASSED).message


def test_a_version_much_slower_than_the_one_in_use_fails_its_comparison(world: World) -> None:
    live(world, DRIFT)
    behaves(world, 2, Behaviour(seconds=0.1))
    promote(world, DRIFT)
    assert "more than 2 times as long" in condition(world, ConditionType.CHECKS_PASSED).message
    assert world.answers("gpu-1", "half", "stable") == 1


def test_the_first_label_ever_is_checked_and_not_set_where_the_check_fails(world: World) -> None:
    behaves(world, 1, Behaviour(plus(1.0)))
    world.commit(half(1, stable=1))
    world.run_until_at_rest()
    assert not isinstance(world.answers("gpu-1", "half", "stable"), int)
    assert world.serves("gpu-1") == {"half": (1,)}
    assert HoldReason.CHECK_FAILED in world.holds("gpu-1")


def test_a_revert_needs_no_check(world: World) -> None:
    live(world)
    promote(world)
    behaves(world, 1, Behaviour(plus(1.0)))
    before = asked(world, 1)
    live(world)
    assert (world.answers("gpu-1", "half", "stable"), asked(world, 1)) == (1, before)


def test_apply_waits_for_checks_and_ends_when_one_has_failed(world: World) -> None:
    world.commit(half(1, stable=1))
    assert world.apply().converged == ("eu/gpu-1",)
    behaves(world, 2, Behaviour(plus(1.0), seconds=2.0))
    world.commit(half(2, stable=2))
    assert world.apply().blocked == ("eu/gpu-1",)
    assert (world.answers("gpu-1", "half", "stable"), asked(world, 1)) == (1, 1)


def test_many_versions_are_checked_a_few_at_a_time_and_all_get_their_labels(world: World) -> None:
    names = [f"m{number}" for number in range(10)]
    for name in names:
        world.model_files(name, 1)
        world.network.predictions.script(name, 1, Behaviour(seconds=1.0))
    world.commit(*(replace(model(name, 1, stable=1), checks=(GOLDEN,)) for name in names))
    world.run_until_converged(limit=40)
    assert {world.answers("gpu-1", name, "stable") for name in names} == {1}


def test_a_restart_of_the_reconciler_runs_no_check_again(world: World) -> None:
    live(world)
    promote(world)
    world.crash()
    world.start()
    world.run(30)
    assert (asked(world, 1), asked(world, 2)) == (1, 1)
    assert world.converged()


def test_a_restart_of_the_reconciler_remembers_what_failed(world: World) -> None:
    live(world)
    behaves(world, 2, Behaviour(plus(1.0)))
    promote(world)
    world.crash()
    behaves(world, 2, Behaviour())
    world.start()
    world.run(30)
    assert (asked(world, 2), world.answers("gpu-1", "half", "stable")) == (1, 1)
    assert HoldReason.CHECK_FAILED in world.holds("gpu-1")


def test_a_restart_of_the_server_sets_its_labels_again_without_a_check(world: World) -> None:
    live(world)
    promote(world)
    world.restart("gpu-1")
    world.run(1)
    world.run_until_converged(limit=20)
    assert (world.answers("gpu-1", "half", "stable"), asked(world, 2)) == (2, 1)


def test_with_the_record_lost_labels_that_are_there_stay_and_nothing_is_asked(world: World) -> None:
    live(world)
    world.crash()
    world.forget()
    world.start()
    world.run_until_converged(limit=20)
    assert (world.answers("gpu-1", "half", "stable"), asked(world, 1)) == (1, 1)


@pytest.mark.parametrize("point", [CrashPoint.BEFORE_INTENT, CrashPoint.AFTER_INTENT, CrashPoint.OUTCOME_WRITTEN])
def test_a_reconciler_killed_around_a_check_goes_on_from_its_record(world: World, point: CrashPoint) -> None:
    live(world)
    world.crash_at(point, ActionKind.CHECK)
    world.commit(half(2, stable=2))
    world.run_until_crashed()
    world.start()
    world.run_until_converged(limit=30)
    assert world.answers("gpu-1", "half", "stable") == 2
    assert all(len(world.pages.outcomes[each.id]) == len(each.body.actions) for each in world.pages.intents)


def test_a_reconciler_killed_while_a_check_runs_asks_again(world: World) -> None:
    live(world)
    behaves(world, 2, Behaviour(seconds=2.0))
    world.commit(half(2, stable=2))
    world.run_until(lambda: asked(world, 2) == 1, limit=10)
    world.crash()
    world.start()
    world.run_until_converged(limit=30)
    assert asked(world, 2) == 2
    assert all(len(world.pages.outcomes[each.id]) == len(each.body.actions) for each in world.pages.intents)


def test_a_newer_commit_ends_a_check_that_it_has_no_use_for(world: World) -> None:
    live(world)
    behaves(world, 2, Behaviour(seconds=9.0))
    world.commit(half(2, stable=2))
    world.run_until(lambda: asked(world, 2) == 1, limit=10)
    world.commit(half(1, stable=1))
    took = world.run_until_converged(limit=5)
    assert took < 3
    assert evidence(world, OutcomeKind.OVERTAKEN) == ["another spec is wanted by now"]


def test_a_server_that_restarts_during_a_check_is_checked_once_it_is_back(world: World) -> None:
    live(world)
    behaves(world, 2, Behaviour(seconds=2.0))
    world.commit(half(2, stable=2))
    world.run_until(lambda: asked(world, 2) == 1, limit=10)
    world.restart("gpu-1")
    world.run(1)
    world.run_until_converged(limit=40)
    assert world.answers("gpu-1", "half", "stable") == 2


def test_while_a_check_runs_other_models_change_and_the_server_is_healed(world: World) -> None:
    world.model_files("other", 1, 2)
    world.commit(half(1, stable=1), model("other", 1, stable=1))
    world.run_until_converged()
    behaves(world, 2, Behaviour(seconds=8.0))
    world.commit(half(2, stable=2), model("other", 2, stable=2))
    world.run_until(lambda: world.serves("gpu-1").get("other") == (2,), limit=6)
    assert world.answers("gpu-1", "half", "stable") == 1
    world.run_until_converged(limit=20)


def test_labels_of_a_model_move_together_or_not_at_all(world: World) -> None:
    live(world)
    behaves(world, 3, Behaviour(plus(1.0)))
    world.commit(half(2, 3, stable=2, canary=3))
    world.run_until_at_rest(limit=20)
    assert world.answers("gpu-1", "half", "stable") == 1
    assert world.serves("gpu-1") == {"half": (1,)}


def test_under_resource_a_failed_check_brings_the_old_version_back(world: World) -> None:
    world.commit(resource(half(1, stable=1)))
    world.run_until_converged()
    behaves(world, 2, Behaviour(plus(1.0)))
    world.commit(resource(half(2, stable=2)))
    world.run_until_at_rest(limit=30)
    assert world.answers("gpu-1", "half", "stable") == 1
    assert world.serves("gpu-1") == {"half": (1,)}


@pytest.mark.parametrize(("count", "canaries"), [(3, 1), (10, 2), (100, 5)])
def test_a_version_that_fails_its_check_in_the_first_wave_reaches_no_other(count: int, canaries: int) -> None:
    with World(seed=6) as world:
        rules = Rollout(max(canaries, 20), 1, (Wave("first", (("tier", "canary"),), pause=10.0), Wave("rest")))
        world.fleet = replace(world.fleet, rollout=rules)
        names = [f"gpu-{number:03}" for number in range(count)]
        for number, name in enumerate(names):
            world.server(name, tier="canary" if number < canaries else "prod")
        world.model_files("half", 1, 2)
        world.commit(half(1, stable=1))
        world.run_until_converged(limit=400)
        behaves(world, 2, Behaviour(plus(1.0)))
        world.commit(half(2, stable=2))
        world.run(60)
        assert {world.answers(name, "half", "stable") for name in names} == {1}
        assert all(asked(world, 2, name) == 0 for name in names[canaries:])
        assert HoldReason.ROLLOUT_STOPPED in world.holds(names[-1])
        assert (world.lost, world.troubles) == ([], [])
