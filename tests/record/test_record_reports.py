from dataclasses import replace

import pytest

from reconciler.record import reports as wording
from reconciler.state.desired import Commit, Desired, DesiredServer, Fleet
from reconciler.state.outcome import Condition, ConditionStatus, ConditionType, Health, Status, Sync
from reconciler.state.report import LONGEST, Report, ReportState

COMMIT = Commit("c" * 40)
DESIRED = Desired(COMMIT, tuple(DesiredServer(Fleet("eu"), f"gpu-{number}", "a:1") for number in (1, 2, 3)))


def condition(kind: ConditionType, status: ConditionStatus, reason: str) -> Condition:
    return Condition(kind, status, reason, "…", 0.0)


def synced(server: str, commit: str = COMMIT.id) -> tuple[Status, ...]:
    ready = (condition(ConditionType.READY, ConditionStatus.TRUE, "Synced"),)
    return tuple(
        Status(f"eu/{server}", model, Sync.SYNCED, Health.HEALTHY, ready, commit, 1.0) for model in ("", "half")
    )


def differing(server: str, reason: str, *, stalled: bool, sync: Sync = Sync.OUT_OF_SYNC) -> tuple[Status, ...]:
    kind = ConditionType.STALLED if stalled else ConditionType.RECONCILING
    said = (
        condition(ConditionType.READY, ConditionStatus.FALSE, reason),
        condition(kind, ConditionStatus.TRUE, reason),
    )
    return tuple(Status(f"eu/{server}", model, sync, Health.DEGRADED, said, COMMIT.id, 1.0) for model in ("", "half"))


def told(*statuses: tuple[Status, ...]) -> Report:
    (report,) = wording.reports(DESIRED, {each[0].server: each for each in statuses})
    return report


def test_a_commit_has_succeeded_when_every_server_is_what_it_asks_for() -> None:
    report = told(synced("gpu-1"), synced("gpu-2"), synced("gpu-3"))
    assert report == Report(COMMIT.id, "eu", ReportState.SUCCESS, "3 of 3 servers converged")


def test_a_server_of_which_nothing_was_told_yet_is_on_its_way() -> None:
    assert told(synced("gpu-1")) == Report(COMMIT.id, "eu", ReportState.PENDING, "1 of 3 servers converged")


def test_what_was_told_of_an_earlier_commit_says_nothing_of_this_one() -> None:
    report = told(synced("gpu-1", "older"), synced("gpu-2"), synced("gpu-3"))
    assert (report.state, report.text) == (ReportState.PENDING, "2 of 3 servers converged")


def test_a_server_that_stands_still_makes_the_commit_fail_and_says_why() -> None:
    report = told(synced("gpu-1"), synced("gpu-2"), differing("gpu-3", "CheckFailed", stalled=True))
    assert (report.state, report.text) == (
        ReportState.FAILURE,
        "2 of 3 servers converged; gpu-3 held: CheckFailed",
    )


def test_a_server_that_moves_is_no_failure_and_needs_no_remark() -> None:
    report = told(synced("gpu-1"), synced("gpu-2"), differing("gpu-3", "Loading", stalled=False))
    assert (report.state, report.text) == (ReportState.PENDING, "2 of 3 servers converged")


@pytest.mark.parametrize(("reason", "stalled"), [("Frozen", False), ("Suspended", False), ("Unreachable", True)])
def test_what_somebody_wants_or_what_may_come_back_is_waited_for(reason: str, stalled: bool) -> None:
    report = told(synced("gpu-1"), synced("gpu-2"), differing("gpu-3", reason, stalled=stalled))
    assert (report.state, report.text) == (ReportState.PENDING, f"2 of 3 servers converged; gpu-3 waits: {reason}")


def test_a_guard_that_stands_at_every_later_commit_too_is_told_and_is_no_failure() -> None:
    report = told(synced("gpu-1"), synced("gpu-2"), differing("gpu-3", "PruneGuard", stalled=True))
    assert (report.state, report.text) == (ReportState.SUCCESS, "3 of 3 servers converged; gpu-3 kept: PruneGuard")


def test_a_guard_of_one_model_does_not_hide_the_failure_of_another() -> None:
    whole, guarded = differing("gpu-3", "PruneGuard", stalled=True)
    failed = replace(differing("gpu-3", "CheckFailed", stalled=True)[1], model="other")
    report = told(synced("gpu-1"), synced("gpu-2"), (whole, guarded, failed))
    assert (report.state, report.text) == (ReportState.FAILURE, "2 of 3 servers converged; gpu-3 held: CheckFailed")


def test_a_lane_that_had_to_stop_makes_the_commit_fail_whatever_its_models_were() -> None:
    whole = differing("gpu-3", "RecordError", stalled=True, sync=Sync.UNKNOWN)[0]
    report = told(synced("gpu-1"), synced("gpu-2"), (whole, synced("gpu-3")[1]))
    assert report.text == "2 of 3 servers converged; gpu-3 held: RecordError"


def test_of_many_servers_two_are_named_and_the_others_counted() -> None:
    servers = tuple(DesiredServer(Fleet("eu"), f"gpu-{number}", "a:1") for number in range(5))
    statuses = {server.id: differing(server.name, "CheckFailed", stalled=True) for server in servers}
    (report,) = wording.reports(Desired(COMMIT, servers), statuses)
    assert report.text == "0 of 5 servers converged; gpu-0 held: CheckFailed; gpu-1 held: CheckFailed; 3 more held"


def test_every_fleet_has_a_report_of_its_own() -> None:
    servers = (*DESIRED.servers, DesiredServer(Fleet("us"), "gpu-1", "b:1"))
    assert [each.fleet for each in wording.reports(Desired(COMMIT, servers), {})] == ["eu", "us"]


def test_no_description_is_longer_than_a_host_takes() -> None:
    servers = tuple(DesiredServer(Fleet("eu"), "gpu-" + "x" * 100 + str(number), "a:1") for number in range(3))
    statuses = {server.id: differing(server.name, "CheckFailed", stalled=True) for server in servers}
    (report,) = wording.reports(Desired(COMMIT, servers), statuses)
    assert len(report.text) == LONGEST
    assert report.text.endswith("…")


def test_a_commit_that_is_not_put_in_force_has_failed_with_the_first_problem() -> None:
    (report,) = wording.refused(
        COMMIT, ["eu"], "DesiredInvalid", ["a.yaml:1:1 unknown-field x — remove it", "b.yaml:1:1 y"]
    )
    assert report.state is ReportState.FAILURE
    assert report.text == "not put in force (and 1 more): a.yaml:1:1 unknown-field x — remove it"


def test_a_commit_that_is_overtaken_says_by_which_and_how_far_it_had_come() -> None:
    before = Report("a" * 40, "eu", ReportState.PENDING, "1 of 3 servers converged")
    after = wording.overtaken(before, COMMIT.id)
    assert (after.state, after.text) == (
        ReportState.OVERTAKEN,
        "overtaken by cccccccccc at: 1 of 3 servers converged",
    )


def test_a_success_is_never_taken_back_and_nothing_is_told_twice() -> None:
    done = Report("c", "eu", ReportState.SUCCESS, "3 of 3")
    failed = Report("c", "eu", ReportState.FAILURE, "2 of 3")
    assert not wording.follows(done, failed)
    assert not wording.follows(failed, failed)
    assert wording.follows(failed, done)
    assert wording.follows(None, done)
