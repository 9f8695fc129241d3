"""What a status says of checks: what they showed, what failed, what is still being asked."""

from dataclasses import replace

import pytest
from test_record_statuses import COMMIT, CONFIG, HALF, PLAN, SERVER, held, hold, observed

from reconciler.record import statuses
from reconciler.state.check import Check, CheckDue, CheckResult, CheckVerdict
from reconciler.state.desired import DesiredServer
from reconciler.state.observed import Observed
from reconciler.state.outcome import Condition, ConditionStatus, ConditionType, Health
from reconciler.state.plan import Action, ActionKind, HoldReason, Pass, PassKind, ServerPlan

GOLDEN = Check("golden", request="{}", expect="{}")
CHECKED = replace(SERVER, models=(replace(HALF, checks=(GOLDEN,)),))


def result(verdict: CheckVerdict = CheckVerdict.PASSED, version: int = 2) -> CheckResult:
    return CheckResult(CheckDue("half", version, "golden", GOLDEN.digest), verdict, 99.0, "took 2 ms")


def said(plan: ServerPlan, seen: Observed, server: DesiredServer = CHECKED) -> Condition | None:
    half = next(each for each in statuses(COMMIT, server, plan, seen, ()) if each.model == "half")
    return next((each for each in half.conditions if each.type is ConditionType.CHECKS_PASSED), None)


def test_checks_that_passed_stand_in_the_status_with_what_they_showed() -> None:
    found = said(PLAN, replace(observed(), checks=(result(), result(version=1))))
    assert found is not None
    assert (found.status, found.reason, found.message) == (
        ConditionStatus.TRUE,
        "Passed",
        "golden of 2: took 2 ms",
    )


@pytest.mark.parametrize(
    ("reason", "status"),
    [(HoldReason.CHECK_FAILED, ConditionStatus.FALSE), (HoldReason.CHECKING, ConditionStatus.UNKNOWN)],
)
def test_a_hold_for_a_check_stands_in_the_status_with_its_evidence(reason: HoldReason, status: ConditionStatus) -> None:
    found = said(held(hold(reason)), replace(observed(), checks=(result(),)))
    assert found is not None
    assert (found.status, found.reason, found.message) == (status, reason.value, "this is why")


def test_a_model_without_checks_or_without_results_says_nothing_of_them() -> None:
    seen = replace(observed(), checks=(result(),))
    assert said(PLAN, seen, SERVER) is None
    assert said(PLAN, observed()) is None
    assert said(PLAN, replace(observed(), checks=(result(CheckVerdict.UNANSWERED),))) is None


def test_a_model_whose_check_failed_is_degraded_and_one_that_is_checked_makes_progress() -> None:
    check = Action(ActionKind.CHECK, "half", 2, check="golden")
    body = Pass(1, PassKind.CHECK, (check,), CONFIG)
    running = replace(held(hold(HoldReason.CHECKING, progressing=True)), passes=(body,))
    found = [
        statuses(COMMIT, CHECKED, plan, observed(stable=1), ())[1].health
        for plan in (held(hold(HoldReason.CHECK_FAILED)), running)
    ]
    assert found == [Health.DEGRADED, Health.PROGRESSING]
