"""Conditions and statuses from plan and observation."""

from dataclasses import replace

import pytest

from reconciler.record import halted, same_statuses, statuses
from reconciler.state.config import ModelConfig, ServerConfig
from reconciler.state.desired import Commit, DesiredModel, DesiredServer, Fleet
from reconciler.state.look import LabelKind, LabelReading, Reach, ReachKind, ServingError, VersionState
from reconciler.state.memory import Doubt
from reconciler.state.observed import Observed, ObservedModel, ObservedVersion
from reconciler.state.outcome import Condition, ConditionStatus, ConditionType, Health, Status, Sync
from reconciler.state.plan import (
    Action,
    ActionKind,
    Difference,
    DifferenceKind,
    Hold,
    HoldReason,
    Pass,
    PassKind,
    ServerPlan,
)
from reconciler.state.versions import specific

COMMIT = Commit("c1")
HALF = DesiredModel("half", "half", "/models/half", specific(2), (("stable", 2),))
OTHER = DesiredModel("other", "other", "/models/other", specific(1))
SERVER = DesiredServer(Fleet("eu"), "gpu-1", "gpu-1:8500", models=(HALF, OTHER))
CONFIG = ServerConfig(
    (
        ModelConfig("half", "/models/half", specific(2), (("stable", 2),)),
        ModelConfig("other", "/models/other", specific(1)),
    )
)
PLAN = ServerPlan("eu/gpu-1")
MISSING = Difference(DifferenceKind.VERSION_MISSING, "half", "AVAILABLE", "ABSENT", 2)
LOAD = Action(ActionKind.LOAD, "half", 2)
DUE = replace(PLAN, differences=(MISSING,), passes=(Pass(1, PassKind.CHANGE, (LOAD,), CONFIG),))


def observed(at: float = 100.0, stable: int = 2) -> Observed:
    version = ObservedVersion(2, VersionState.AVAILABLE, listed=True, proven=True)
    reading = LabelReading(LabelKind.RESOLVES, stable)
    half = ObservedModel("half", (version,), (("stable", reading),))
    other = ObservedModel("other", (ObservedVersion(1, VersionState.AVAILABLE, listed=True, proven=True),))
    return Observed("eu/gpu-1", at, sent=CONFIG, models=(half, other))


def held(hold: Hold) -> ServerPlan:
    return replace(PLAN, differences=(MISSING,), holds=(hold,))


def hold(reason: HoldReason, *, model: str = "half", progressing: bool = False) -> Hold:
    return Hold(reason, model, "this is why", "this releases it", progressing=progressing)


def told(plan: ServerPlan, seen: Observed, previous: tuple[Status, ...] = ()) -> dict[str, Status]:
    return {each.model: each for each in statuses(COMMIT, SERVER, plan, seen, previous)}


def condition(status: Status, kind: ConditionType) -> Condition | None:
    return next((each for each in status.conditions if each.type is kind), None)


def the(status: Status, kind: ConditionType) -> Condition:
    found = condition(status, kind)
    assert found is not None
    return found


def test_converged_server_is_synced_healthy_and_ready() -> None:
    found = told(PLAN, observed())
    assert [(each.sync, each.health) for each in found.values()] == [(Sync.SYNCED, Health.HEALTHY)] * 3
    assert the(found[""], ConditionType.READY).status is ConditionStatus.TRUE
    assert condition(found["half"], ConditionType.RECONCILING) is None


def test_labels_are_applied_when_they_were_read_back() -> None:
    assert the(told(PLAN, observed())["half"], ConditionType.LABELS_APPLIED).status is ConditionStatus.TRUE


def test_model_without_labels_says_nothing_of_labels() -> None:
    assert condition(told(PLAN, observed())["other"], ConditionType.LABELS_APPLIED) is None


def test_model_with_actions_due_is_progressing_and_its_neighbour_is_not() -> None:
    found = told(DUE, observed(stable=1))
    assert (found["half"].sync, found["half"].health) == (Sync.OUT_OF_SYNC, Health.PROGRESSING)
    assert the(found["half"], ConditionType.READY).status is ConditionStatus.FALSE
    assert the(found["half"], ConditionType.RECONCILING).message == "load 2"
    assert "stable → 2 (reads 1)" in the(found["half"], ConditionType.LABELS_APPLIED).message
    assert found["other"].health is Health.HEALTHY


def test_server_is_as_bad_as_its_worst_model() -> None:
    found = told(DUE, observed())
    assert (found[""].sync, found[""].health) == (Sync.OUT_OF_SYNC, Health.PROGRESSING)
    assert the(found[""], ConditionType.READY).message.startswith("half: ")


def test_hold_that_needs_somebody_stalls_and_degrades() -> None:
    half = told(held(hold(HoldReason.ARTIFACT_MISSING)), observed())["half"]
    assert half.health is Health.DEGRADED
    assert the(half, ConditionType.STALLED).reason == "ArtifactMissing"
    assert the(half, ConditionType.STALLED).message == "this is why; released by this releases it"
    assert the(half, ConditionType.ARTIFACT_AVAILABLE).status is ConditionStatus.FALSE


def test_hold_that_passes_by_itself_is_progress() -> None:
    half = told(held(hold(HoldReason.LOADING, progressing=True)), observed())["half"]
    assert half.health is Health.PROGRESSING
    assert the(half, ConditionType.READY).reason == "Loading"
    assert condition(half, ConditionType.STALLED) is None


def test_guarded_model_is_out_of_sync_and_healthy() -> None:
    gone = Difference(DifferenceKind.MODEL_EXTRA, "old", "not served", "served")
    plan = replace(PLAN, differences=(gone,), holds=(hold(HoldReason.PRUNE_GUARD, model="old"),))
    old = told(plan, observed())["old"]
    assert (old.sync, old.health) == (Sync.OUT_OF_SYNC, Health.HEALTHY)


@pytest.mark.parametrize(
    ("reason", "kind"),
    [
        (HoldReason.QUARANTINED, ConditionType.QUARANTINED),
        (HoldReason.VERSION_WEDGED, ConditionType.WEDGED),
    ],
)
def test_special_hold_of_a_model_is_a_condition_of_its_own(reason: HoldReason, kind: ConditionType) -> None:
    assert the(told(held(hold(reason)), observed())["half"], kind).status is ConditionStatus.TRUE


def test_hold_on_the_whole_server_is_the_servers_condition() -> None:
    found = told(held(hold(HoldReason.UNSETTLED, model="", progressing=True)), observed())
    assert the(found[""], ConditionType.UNSETTLED).status is ConditionStatus.TRUE
    assert the(found[""], ConditionType.READY).reason == "Unsettled"


def test_server_that_does_not_answer_is_unknown_everywhere() -> None:
    down = replace(observed(), reach=Reach(ReachKind.UNREACHABLE, "Connection refused"))
    found = told(held(hold(HoldReason.UNREACHABLE, model="")), down)
    assert {(each.sync, each.health) for each in found.values()} == {(Sync.UNKNOWN, Health.UNKNOWN)}
    assert the(found[""], ConditionType.READY).status is ConditionStatus.UNKNOWN


def test_converged_server_that_falls_silent_is_unknown_even_before_a_plan_says_so() -> None:
    down = replace(observed(), reach=Reach(ReachKind.SLOW, "Deadline Exceeded"))
    assert the(told(PLAN, down)["half"], ConditionType.READY).reason == "Slow"


def test_listed_version_that_failed_degrades_its_model() -> None:
    failed = ObservedVersion(2, VersionState.END, ServingError(15, "corrupt"), listed=True)
    seen = observed()
    seen = replace(seen, models=(replace(seen.models[0], versions=(failed,)), seen.models[1]))
    assert told(DUE, seen)["half"].health is Health.DEGRADED


def test_standing_doubt_is_drift() -> None:
    seen = replace(observed(), doubts=(Doubt("half", 2, "it is listed, but absent", 50.0, 1),))
    assert "half 2: it is listed" in the(told(PLAN, seen)[""], ConditionType.DRIFTED).message


def test_condition_keeps_its_since_while_status_and_reason_stay() -> None:
    first = statuses(COMMIT, SERVER, DUE, observed(at=100.0, stable=1), ())
    later = told(DUE, observed(at=160.0, stable=1), first)
    assert the(later["half"], ConditionType.READY).since == 100.0


def test_condition_begins_anew_when_its_reason_changes() -> None:
    first = statuses(COMMIT, SERVER, DUE, observed(at=100.0), ())
    later = told(held(hold(HoldReason.LOADING, progressing=True)), observed(at=160.0), first)
    assert the(later["half"], ConditionType.READY).since == 160.0


def test_another_look_with_the_same_result_is_the_same_status() -> None:
    first = statuses(COMMIT, SERVER, DUE, observed(at=100.0), ())
    assert same_statuses(first, statuses(COMMIT, SERVER, DUE, observed(at=160.0), first))


def test_another_commit_is_another_status() -> None:
    first = statuses(COMMIT, SERVER, PLAN, observed(), ())
    assert not same_statuses(first, statuses(Commit("c2"), SERVER, PLAN, observed(), first))


def test_server_without_models_is_synced_on_its_commit() -> None:
    found = statuses(COMMIT, replace(SERVER, models=()), PLAN, observed(), ())
    assert [(each.sync, each.commit) for each in found] == [(Sync.SYNCED, "c1")]


def test_halted_lane_keeps_what_was_told_of_models_and_stalls_the_server() -> None:
    before = statuses(COMMIT, SERVER, PLAN, observed(), ())
    found = halted(COMMIT, SERVER, ("InvariantBroken", "pass 1 would empty the server"), 200.0, before)
    assert the(found[0], ConditionType.STALLED).message == "pass 1 would empty the server"
    assert found[1:] == before[1:]


def test_halted_lane_is_never_in_sync_whatever_its_models_were_told_before() -> None:
    before = statuses(COMMIT, SERVER, ServerPlan(SERVER.id), observed(), ())
    trouble = ("InternalError", "an error of the reconciler itself")
    found = [halted(Commit("c2"), SERVER, trouble, 200.0, told)[0] for told in (before, ())]
    assert [(each.sync, each.health, each.commit) for each in found] == [(Sync.UNKNOWN, Health.DEGRADED, "c2")] * 2
