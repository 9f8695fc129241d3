"""keepPrevious: a version that a label left for a higher one stays for a while; going back is a label flip."""

from dataclasses import replace

import pytest
from builders import COMMIT, at, lines, listing, model, next_lines, planned, server

from reconciler.plan import plan_server
from reconciler.state.desired import DesiredModel, Transition, TransitionPolicy
from reconciler.state.memory import Departure, GoodSpec
from reconciler.state.observed import Observed
from reconciler.state.plan import Hold, HoldReason, Retained, ServerPlan

KEPT = 600.0


def keeping(wanted: DesiredModel, policy: TransitionPolicy = TransitionPolicy.AVAILABILITY) -> DesiredModel:
    return replace(wanted, transition=Transition(policy, keep_previous=KEPT))


OLD, NEW = server(keeping(model("half", (1,), stable=1))), server(keeping(model("half", (2,), stable=2)))


def moved(when: float = 1000.0, *, left: int = 1, to: int = 2) -> Observed:
    """The label has moved to the new version a moment ago; both are loaded."""
    after = server(keeping(model("half", (1, 2), stable=to)))
    return replace(at(after), departures=(Departure("half", left, when),))


def test_the_road_of_a_promotion_ends_before_the_old_version_is_unloaded() -> None:
    assert lines(planned(NEW, at(OLD, NEW))) == ["1 load half 2", "2 label half stable 1>2"]


def test_the_plan_of_a_promotion_says_what_will_stay_loaded() -> None:
    (kept,) = planned(NEW, at(OLD, NEW)).retained
    assert (kept.model, kept.version) == ("half", 1)


def test_a_version_kept_is_no_difference() -> None:
    plan = planned(NEW, moved())
    assert plan.as_git_says
    assert plan.retained == (Retained("half", 1, 1000.0 + KEPT),)


def test_the_plan_is_made_again_when_the_time_of_a_kept_version_ends() -> None:
    assert planned(NEW, moved()).look_again_at == 1000.0 + KEPT


def test_a_version_is_unloaded_when_its_time_has_passed() -> None:
    assert lines(planned(NEW, moved(1000.0 - KEPT))) == ["1 unload half 1"]


def test_going_back_within_the_time_is_a_label_flip_and_no_load() -> None:
    assert lines(planned(OLD, moved())) == ["1 label half stable 2>1", "2 unload half 2"]


def test_the_plan_of_going_back_says_that_no_load_is_needed() -> None:
    body = planned(OLD, moved()).next_pass
    assert body is not None
    assert "no load is needed" in body.actions[0].because


def test_the_higher_version_is_not_kept_because_unlabelled_requests_follow_it() -> None:
    assert lines(planned(OLD, moved(left=2, to=1))) == ["1 unload half 2"]


@pytest.mark.parametrize("policy", [TransitionPolicy.AVAILABILITY, TransitionPolicy.RESOURCE])
def test_a_model_that_keeps_nothing_unloads_at_once(policy: TransitionPolicy) -> None:
    keep = None if policy is TransitionPolicy.AVAILABILITY else KEPT
    wanted = replace(model("half", (2,), stable=2), transition=Transition(policy, keep_previous=keep))
    assert lines(planned(server(wanted), moved())) == ["1 unload half 1"]


def test_what_is_no_longer_loaded_is_not_brought_back_to_be_kept() -> None:
    gone = listing(replace(at(NEW), departures=(Departure("half", 1, 1000.0),)), "half", 2, stable=2)
    plan = planned(NEW, gone)
    assert (plan.passes, plan.retained) == ((), ())


def test_other_changes_of_the_model_leave_the_kept_version_alone() -> None:
    third = server(keeping(model("half", (2, 3), stable=2, canary=3)))
    observed = replace(at(server(keeping(model("half", (1, 2), stable=2))), third), departures=moved().departures)
    assert lines(planned(third, observed)) == ["1 load half 3", "2 label half canary ->3"]


def test_of_two_promotions_in_a_row_both_earlier_versions_stay() -> None:
    after = server(keeping(model("half", (3,), stable=3)))
    both = server(keeping(model("half", (1, 2, 3), stable=3)))
    left = (Departure("half", 1, 900.0), Departure("half", 2, 1000.0))
    plan = planned(after, replace(at(both), departures=left))
    assert [each.version for each in plan.retained] == [1, 2]
    assert plan.look_again_at == 900.0 + KEPT


def test_a_kept_version_changes_the_plan_and_its_fingerprint() -> None:
    plans: list[ServerPlan] = [planned(NEW, moved()), planned(NEW, moved(1000.0 - KEPT))]
    assert plans[0].fingerprint != plans[1].fingerprint


def test_nothing_goes_while_only_a_kept_version_is_there_beyond_what_git_names() -> None:
    assert next_lines(planned(NEW, moved())) == []


WAIT = Hold(HoldReason.WAVE_TURN, "", "another server goes first", "its convergence", progressing=True)


def waiting(wanted: DesiredModel, when: float = 1000.0) -> ServerPlan:
    """The plan of a change that may not begin, where 2 is what was reached last and 1 was left at a time."""
    both = server(keeping(model("half", (1, 2), stable=2)))
    observed = replace(at(both, server(wanted)), departures=(Departure("half", 1, when),))
    reached_last = at(NEW).sent.models[0]
    good = GoodSpec(reached_last, "sha256:2", 900.0)
    return plan_server(COMMIT, server(wanted), replace(observed, good=(good,)), {wanted.document: WAIT})


@pytest.mark.parametrize("keep", [KEPT, None], ids=["keeping on", "keeping no more"])
def test_a_revert_that_waits_for_its_turn_does_not_unload_what_it_goes_back_to(keep: float | None) -> None:
    plan = waiting(replace(model("half", (1,), stable=1), transition=Transition(keep_previous=keep)))
    assert (plan.next_pass, plan.waiting) == (None, True)
    assert lines(plan) == ["1 label half stable 2>1", "2 unload half 2"]


def test_a_change_that_waits_for_its_turn_leaves_the_kept_version_alone() -> None:
    plan = waiting(keeping(model("half", (3,), stable=3)))
    assert lines(plan) == ["1 load half 3", "2 label half stable 2>3"]


def test_a_kept_version_that_git_does_not_name_goes_in_its_time_however_long_a_change_waits() -> None:
    assert next_lines(waiting(keeping(model("half", (3,), stable=3)), 1000.0 - KEPT)) == ["unload half 1"]
