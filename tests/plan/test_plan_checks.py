"""Checks in plans: no label goes to a version before it has passed, and a version that fails goes again."""

from dataclasses import replace

import pytest
from builders import (
    COMMIT,
    at,
    available,
    checked,
    checking,
    compared,
    empty,
    failure,
    lines,
    listing,
    loading,
    model,
    next_lines,
    planned,
    reading,
    reasons,
    resource,
    seen,
    server,
    stored,
)

from reconciler.plan import progress, reached, spec_digest
from reconciler.plan.progress import Stage
from reconciler.state.check import Check, CheckVerdict
from reconciler.state.desired import DesiredModel, DesiredServer
from reconciler.state.look import Presence
from reconciler.state.memory import Served
from reconciler.state.observed import Observed
from reconciler.state.plan import HoldReason, PassKind, ServerPlan

GOLDEN, DRIFT = checking("golden"), compared("drift")
FAILED, UNANSWERED = CheckVerdict.FAILED, CheckVerdict.UNANSWERED


def half(*versions: int, checks: tuple[Check, ...] = (GOLDEN,), **labels: int) -> DesiredModel:
    return replace(model("half", versions), labels=tuple(sorted(labels.items())), checks=checks)


ONE, TWO = server(half(1, stable=1)), server(half(2, stable=2))


def settled(before: DesiredServer, after: DesiredServer) -> Observed:
    """At rest on a spec that was reached, with the files of the next one."""
    observed = at(before, after)
    return replace(observed, good=reached(before, observed))


def loaded(before: DesiredServer = ONE, after: DesiredServer = TWO) -> Observed:
    """The same, and the new version is loaded and answers."""
    observed = listing(settled(before, after), "half", 1, 2, **dict(before.models[0].labels))
    return seen(observed, "half", available(1), available(2))


def due(plan: ServerPlan) -> list[tuple[int, str]]:
    return [(each.version, each.check) for each in plan.checks]


# the road


def test_the_road_of_a_promotion_checks_between_load_and_label() -> None:
    assert lines(planned(TWO, settled(ONE, TWO))) == [
        "1 load half 2",
        "2 check half 2",
        "3 label half stable 1>2",
        "4 unload half 1",
    ]


def test_a_pass_of_checks_sends_nothing_and_carries_the_config_in_force() -> None:
    body = planned(TWO, loaded()).passes[0]
    assert (body.kind, body.config) == (PassKind.CHECK, loaded().sent)
    assert [(each.check, each.version) for each in body.actions] == [("golden", 2)]


def test_checks_that_are_due_are_no_reload() -> None:
    plan = planned(TWO, loaded())
    assert (plan.next_pass, plan.waiting) == (None, False)
    assert due(plan) == [(2, "golden")]
    assert reasons(plan) == {"Checking"}


def test_a_label_moves_when_every_check_has_passed() -> None:
    observed = checked(loaded(), "half", 2, GOLDEN)
    assert next_lines(planned(TWO, observed)) == ["label half stable 1>2"]
    both = server(half(2, checks=(GOLDEN, DRIFT), stable=2))
    assert due(planned(both, observed)) == [(2, "drift")]


def test_a_first_label_waits_for_the_checks_too() -> None:
    observed = seen(listing(empty(ONE), "half", 1), "half", available(1))
    assert due(planned(ONE, observed)) == [(1, "golden")]
    assert next_lines(planned(ONE, checked(observed, "half", 1, GOLDEN))) == ["label half stable ->1"]


def test_a_version_that_still_loads_is_not_asked() -> None:
    observed = seen(loaded(), "half", loading(2))
    assert planned(TWO, observed).checks == ()


def test_reloads_of_other_models_do_not_wait_for_checks() -> None:
    other, next_one = model("other", (1,), stable=1), model("other", (2,), stable=2)
    before, after = server(*ONE.models, other), server(*TWO.models, next_one)
    observed = listing(settled(before, after), "half", 1, 2, stable=1)
    plan = planned(after, seen(observed, "half", available(1), available(2)))
    assert next_lines(plan) == ["load other 2"]
    assert due(plan) == [(2, "golden")]
    assert [body.kind for body in plan.passes[:2]] == [PassKind.CHANGE, PassKind.CHECK]


def test_a_model_without_checks_has_the_spec_digest_that_it_always_had() -> None:
    bare = replace(TWO.models[0], checks=())
    assert spec_digest(bare, loaded()) != spec_digest(TWO.models[0], loaded())
    assert spec_digest(bare, loaded()) == spec_digest(model("half", (2,), stable=2), loaded())


def test_a_plan_says_that_checks_come_after_unlabelled_requests() -> None:
    (warning,) = planned(TWO, settled(ONE, TWO)).warnings
    assert warning.endswith("no check can shield those clients: its checks (golden) run after that")


# labels that go together


def test_labels_of_one_model_wait_for_each_other() -> None:
    after = server(half(2, 3, stable=2, canary=3))
    observed = stored(loaded(after=after), "/models/half", 1, 2, 3)
    plan = planned(after, checked(observed, "half", 2, GOLDEN))
    assert next_lines(plan) == ["load half 3"]
    assert [(hold.label, hold.version) for hold in plan.holds if hold.reason is HoldReason.CHANGES_FIRST] == []
    assert "check half 3" in " ".join(lines(plan))
    moves = [line for line in lines(plan) if " label " in line]
    assert len({line.split()[0] for line in moves}) == 1


def test_a_label_that_waits_for_a_version_that_cannot_load_is_no_progress() -> None:
    after = server(half(2, 3, stable=2, canary=3))
    observed = checked(stored(loaded(after=after), "/models/half", 1, 2), "half", 2, GOLDEN)
    plan = planned(after, observed)
    assert plan.next_pass is None
    assert not any(hold.progressing for hold in plan.holds)
    assert reasons(plan) == {"ArtifactMissing", "ChangesFirst"}


def test_under_resource_a_label_goes_when_its_own_version_has_passed() -> None:
    after = server(resource(half(2, 3, stable=2, canary=3)))
    observed = stored(loaded(after=after), "/models/half", 1, 2)
    plan = planned(after, checked(observed, "half", 2, GOLDEN))
    assert next_lines(plan) == ["label half stable 1>2"]


# what failed


def test_a_failed_check_leaves_the_label_and_unloads_the_version_in_the_next_pass() -> None:
    plan = planned(TWO, checked(loaded(), "half", 2, GOLDEN, FAILED))
    assert next_lines(plan) == ["unload half 2"]
    (hold,) = [each for each in plan.holds if each.reason is HoldReason.CHECK_FAILED]
    assert (hold.version, hold.progressing) == (2, False)
    assert "check golden failed on version 2: predictions[0][0]: expected 1, got 2" in hold.detail


def test_a_failed_check_is_not_run_again_and_the_version_is_not_loaded_again() -> None:
    plan = planned(TWO, checked(settled(ONE, TWO), "half", 2, GOLDEN, FAILED))
    assert (plan.passes, plan.checks, reasons(plan)) == ((), (), {"CheckFailed"})


def test_repaired_files_under_the_same_number_are_tried_anew() -> None:
    failed = checked(stored(settled(ONE, TWO), "/models/half", 1, 2), "half", 2, GOLDEN, FAILED)
    again = replace(failed, paths=settled(ONE, TWO).paths)
    assert lines(planned(TWO, failed)) == []
    assert lines(planned(TWO, again))[:2] == ["1 load half 2", "2 check half 2"]


def test_a_check_that_expects_something_else_is_run_anew() -> None:
    failed = checked(settled(ONE, TWO), "half", 2, GOLDEN, FAILED)
    mended = server(half(2, checks=(replace(GOLDEN, expect='{"predictions": [[2.0]]}'),), stable=2))
    assert lines(planned(mended, failed))[:2] == ["1 load half 2", "2 check half 2"]


def test_what_failed_stays_failed_while_storage_cannot_be_seen() -> None:
    failed = checked(settled(ONE, TWO), "half", 2, GOLDEN, FAILED)
    unseen = stored(failed, "/models/half", presence=Presence.UNSEEN)
    assert "CheckFailed" in reasons(planned(TWO, unseen))


def test_without_a_good_spec_no_label_is_set_and_the_only_version_stays() -> None:
    observed = seen(listing(empty(ONE), "half", 1), "half", available(1))
    plan = planned(ONE, checked(observed, "half", 1, GOLDEN, FAILED))
    assert (lines(plan), reasons(plan)) == ([], {"CheckFailed"})
    assert "no label goes to it" in plan.holds[0].detail


def test_without_a_good_spec_the_labels_on_versions_that_pass_are_set() -> None:
    wanted = server(half(1, 2, stable=1, canary=2))
    observed = seen(listing(empty(wanted), "half", 1, 2), "half", available(1), available(2))
    observed = checked(checked(observed, "half", 1, GOLDEN), "half", 2, GOLDEN, FAILED)
    assert lines(planned(wanted, observed)) == ["1 label half stable ->1", "2 unload half 2"]


def test_without_a_good_spec_a_label_stays_where_it_is() -> None:
    adopted = replace(loaded(), good=())
    plan = planned(TWO, checked(adopted, "half", 2, GOLDEN, FAILED))
    assert lines(plan) == ["1 unload half 2"]


def test_a_spec_whose_check_failed_stops_its_rollout() -> None:
    observed = checked(loaded(), "half", 2, GOLDEN, FAILED)
    (part,) = progress(COMMIT, TWO, observed, planned(TWO, observed)).parts
    assert part.stage is Stage.FAILED
    assert "check golden failed" in part.why


def test_a_server_whose_checks_run_is_being_changed() -> None:
    observed = replace(loaded(), specs=(("half", spec_digest(TWO.models[0], loaded())),))
    (part,) = progress(COMMIT, TWO, observed, planned(TWO, observed)).parts
    assert part.stage is Stage.CHANGING


def test_a_failed_load_and_a_failed_check_are_both_said() -> None:
    wanted = server(half(1, 2, stable=1, canary=2))
    observed = seen(listing(empty(wanted), "half", 1, 2), "half", available(1))
    observed = checked(observed, "half", 1, GOLDEN, FAILED)
    digest = spec_digest(wanted.models[0], observed)
    plan = planned(wanted, replace(observed, failures=(failure("half", 2, digest, count=3),)))
    assert {"Quarantined", "CheckFailed"} <= reasons(plan)


# no answer


def test_a_check_without_an_answer_is_asked_again_after_a_pause() -> None:
    observed = checked(loaded(), "half", 2, GOLDEN, UNANSWERED, when=999.5)
    plan = planned(TWO, observed)
    (hold,) = plan.holds
    assert (plan.checks, hold.reason, hold.until, hold.progressing) == ((), HoldReason.CHECKING, 1000.5, True)
    assert plan.look_again_at == 1000.5
    assert due(planned(TWO, replace(observed, at=1000.5))) == [(2, "golden")]


def test_a_check_without_an_answer_for_long_needs_somebody_and_is_tried_all_the_same() -> None:
    observed = checked(loaded(), "half", 2, GOLDEN, UNANSWERED, when=900.0, tries=3)
    plan = planned(TWO, observed)
    assert due(plan) == [(2, "golden")]
    assert plan.blocked
    assert "was tried 3 times and brought no answer" in plan.holds[0].detail


def test_no_answer_fails_nothing() -> None:
    plan = planned(TWO, checked(loaded(), "half", 2, GOLDEN, UNANSWERED, tries=9))
    assert "unload half 2" not in " ".join(next_lines(plan))


# comparing


def test_a_new_version_is_compared_with_the_one_that_the_label_is_on() -> None:
    after = server(half(2, checks=(DRIFT,), stable=2))
    (check,) = planned(after, loaded(after=after)).checks
    assert (check.version, check.against) == (2, 1)


def test_there_is_nothing_to_compare_on_a_first_start() -> None:
    wanted = server(half(1, checks=(DRIFT,), stable=1))
    observed = seen(listing(empty(wanted), "half", 1), "half", available(1))
    assert next_lines(planned(wanted, observed)) == ["label half stable ->1"]


def test_a_comparison_waits_for_the_other_version_to_answer() -> None:
    after = server(half(2, checks=(DRIFT,), stable=2))
    plan = planned(after, seen(loaded(after=after), "half", loading(1)))
    assert plan.checks == ()
    assert "compared with version 1, which does not answer yet" in " ".join(hold.detail for hold in plan.holds)


def test_a_comparison_that_failed_stays_failed_when_the_labels_were_lost() -> None:
    after = server(half(2, checks=(DRIFT,), stable=2))
    failed = checked(settled(server(half(1, checks=(DRIFT,), stable=1)), after), "half", 2, DRIFT, FAILED)
    lost = reading(listing(failed, "half", 1), "half", "stable", None)
    assert lines(planned(after, lost)) == ["1 label half stable ->1"]


def test_a_canary_that_was_compared_is_not_compared_again_when_it_is_promoted() -> None:
    checks = (GOLDEN, DRIFT)
    canary, stable = server(half(1, 2, checks=checks, stable=1, canary=2)), server(half(2, checks=checks, stable=2))
    observed = settled(canary, stable)
    observed = checked(checked(observed, "half", 2, GOLDEN), "half", 2, DRIFT)
    assert set(next_lines(planned(stable, observed))) == {"label half stable 1>2", "unlabel half canary"}


def test_a_check_added_with_a_promotion_is_run_although_another_label_is_there() -> None:
    canary, stable = server(half(1, 2, checks=(), stable=1, canary=2)), server(half(2, stable=2))
    assert due(planned(stable, settled(canary, stable))) == [(2, "golden")]


# going back


def test_going_back_needs_no_check() -> None:
    observed = settled(TWO, ONE)
    observed = seen(listing(observed, "half", 1, 2, stable=2), "half", available(1), available(2))
    before = replace(observed, served=(Served("half", "stable", 1, ""),))
    assert due(planned(ONE, observed)) == [(1, "golden")]
    assert next_lines(planned(ONE, before)) == ["label half stable 2>1"]


def test_going_back_does_not_wait_for_a_check_that_a_version_failed() -> None:
    observed = seen(listing(settled(TWO, ONE), "half", 1, 2, stable=2), "half", available(1), available(2))
    observed = replace(checked(observed, "half", 1, GOLDEN, FAILED), served=(Served("half", "stable", 1),))
    assert next_lines(planned(ONE, observed)) == ["label half stable 2>1"]


def test_a_label_that_was_lost_is_set_again_without_a_check() -> None:
    lost = reading(listing(settled(ONE, ONE), "half", 1), "half", "stable", None)
    assert next_lines(planned(ONE, lost)) == ["label half stable ->1"]


def test_a_label_that_is_there_already_needs_no_check_that_was_added_later() -> None:
    before = server(half(1, checks=(), stable=1))
    plan = planned(ONE, settled(before, ONE))
    assert (plan.passes, plan.holds) == ((), ())


def test_other_files_under_a_number_that_was_served_are_checked() -> None:
    observed = replace(loaded(), served=(Served("half", "stable", 2, "sha256:other"),))
    assert due(planned(TWO, observed)) == [(2, "golden")]


def test_a_result_belongs_to_the_files_that_were_loaded_not_to_those_that_lie_there_now() -> None:
    observed = stored(loaded(), "/models/half", 1, 2)
    old = seen(observed, "half", replace(available(2), fingerprint="sha256:old"))
    (check,) = planned(TWO, old).checks
    assert check.fingerprint == "sha256:old"
    assert due(planned(TWO, checked(observed, "half", 2, GOLDEN))) == []
    assert due(planned(TWO, replace(old, checks=checked(observed, "half", 2, GOLDEN).checks))) == [(2, "golden")]


@pytest.mark.parametrize("verdict", [FAILED, CheckVerdict.PASSED])
def test_plans_with_other_verdicts_have_other_fingerprints(verdict: CheckVerdict) -> None:
    plans = [planned(TWO, loaded()), planned(TWO, checked(loaded(), "half", 2, GOLDEN, verdict))]
    assert plans[0].fingerprint != plans[1].fingerprint
