"""drift: report. What somebody else changed is said and left as it is; what git changes, or a restart lost, is not."""

from dataclasses import replace

import pytest
from builders import COMMIT, FLEET, at, available, empty, lines, listing, model, planned, reading, reasons, seen, server

from reconciler import record
from reconciler.plan import reached
from reconciler.state.desired import DesiredServer, Drift, Fleet
from reconciler.state.look import PathFacts, Presence, VersionState
from reconciler.state.memory import Departure, Standing
from reconciler.state.observed import Observed, ObservedVersion
from reconciler.state.outcome import ConditionStatus, ConditionType, Sync
from reconciler.state.plan import HoldReason

REPORT = replace(FLEET, drift=Drift.REPORT)
HALF = model("half", (1, 2), stable=1, canary=2)


def wanted(fleet: Fleet = REPORT, *, other: int = 1) -> DesiredServer:
    return server(HALF, model("other", (other,), stable=other), fleet=fleet)


def settled(fleet: Fleet = REPORT) -> Observed:
    """The server as git says, and remembered to have been so; the files of a version 2 of `other` are there too."""
    rest = at(wanted(fleet), wanted(fleet, other=2))
    return replace(rest, good=reached(wanted(fleet), rest), steady=("half", "other"))


def unloaded(observed: Observed) -> Observed:
    return seen(observed, "half", ObservedVersion(2, VersionState.END, listed=True, since=990.0))


CHANGES = {
    "version unloaded": unloaded(settled()),
    "version loaded": seen(settled(), "half", available(3, listed=False)),
    "label moved": reading(settled(), "half", "canary", 1),
    "label taken away": reading(settled(), "half", "canary", None),
    "label added": reading(settled(), "half", "beta", 1),
}


@pytest.mark.parametrize("observed", CHANGES.values(), ids=CHANGES)
@pytest.mark.parametrize("standing", [Standing.KNOWN, Standing.LOST])
def test_what_somebody_else_changed_is_reported_and_nothing_is_sent(observed: Observed, standing: Standing) -> None:
    plan = planned(wanted(), replace(observed, standing=standing))
    assert (plan.passes, reasons(plan), plan.blocked) == ((), {"DriftReported"}, True)
    assert plan.differences


@pytest.mark.parametrize("observed", CHANGES.values(), ids=CHANGES)
def test_the_same_is_put_right_or_waited_for_where_drift_is_healed(observed: Observed) -> None:
    assert "DriftReported" not in reasons(planned(wanted(FLEET), observed))


def test_the_hold_says_what_and_since_when() -> None:
    (hold,) = planned(wanted(), unloaded(settled())).holds
    assert "version 2 is END" in hold.detail
    assert hold.since == 990.0


def test_the_model_is_out_of_sync_and_drifted() -> None:
    observed = unloaded(settled())
    _, half, _ = record.statuses(COMMIT, wanted(), planned(wanted(), observed), observed, ())
    drifted = next(each for each in half.conditions if each.type is ConditionType.DRIFTED)
    assert half.sync is Sync.OUT_OF_SYNC
    assert (drifted.status, drifted.reason) == (ConditionStatus.TRUE, "DriftReported")


def test_others_change_and_carry_the_drifted_model_as_it_is() -> None:
    drifted = listing(reading(settled(), "half", "canary", 1), "half", 1, 2, stable=1, canary=1)
    plan = planned(wanted(other=2), replace(drifted, standing=Standing.LOST))
    assert lines(plan)[0] == "1 load other 2"
    assert all(body.config.model("half") == drifted.sent.model("half") for body in plan.passes)
    assert "half" not in dict(plan.passes[0].specs)


def test_a_commit_that_changes_the_model_takes_over() -> None:
    after = server(model("half", (1, 2), stable=2, canary=2), model("other", (1,), stable=1), fleet=REPORT)
    plan = planned(after, reading(settled(), "half", "canary", None))
    assert HoldReason.DRIFT_REPORTED not in {hold.reason for hold in plan.holds}
    assert "label half stable 1>2" in " ".join(lines(plan))


def test_what_a_restart_lost_is_healed() -> None:
    gone = replace(empty(wanted()), standing=Standing.RESTARTED, good=settled().good, known_as=settled().sent)
    assert {line.split()[1] for line in lines(planned(wanted(), gone))} >= {"addModel", "label"}


def test_what_git_has_not_reached_yet_is_no_drift() -> None:
    plan = planned(wanted(), replace(unloaded(settled()), steady=()))
    assert "DriftReported" not in reasons(plan)


def test_files_that_went_are_a_hold_of_their_own() -> None:
    observed = unloaded(settled())
    paths = tuple(each for each in observed.paths if each.base_path != "/models/half")
    left = next(each for each in observed.paths if each.base_path == "/models/half")
    kept = PathFacts("/models/half", Presence.SEEN, tuple(each for each in left.versions if each.version == 1))
    assert reasons(planned(wanted(), replace(observed, paths=(*paths, kept)))) == {"ArtifactMissing"}


def test_a_version_whose_time_is_over_is_no_drift() -> None:
    kept = listing(seen(settled(), "half", available(3)), "half", 1, 2, 3, stable=1, canary=2)
    plan = planned(wanted(), replace(kept, departures=(Departure("half", 3, 100.0),)))
    assert lines(plan) == ["1 unload half 3"]


def test_nothing_is_told_of_a_server_whose_answer_may_be_an_echo() -> None:
    assert "DriftReported" not in reasons(planned(wanted(), replace(unloaded(settled()), fence_until=1001.0)))
