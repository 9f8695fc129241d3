"""What holds of every plan on a server where something may not begin: freezes, turns, suspensions, blast radius."""

from collections.abc import Iterator
from dataclasses import replace

from builders import COMMIT
from hypothesis import given, settings
from plan_strategies import NOW, Guarded, guarded_situations

from reconciler.invariants import check_pass
from reconciler.plan import checks, forecast, plan_server
from reconciler.plan.target import begins, resolve
from reconciler.state.observed import Observed
from reconciler.state.plan import ActionKind, Hold, HoldReason, ServerPlan

LONGEST = 80
"""Steps, waits included, within which every road must end."""

TAKEN_AWAY = (ActionKind.UNLABEL,)


def drive(case: Guarded) -> Iterator[tuple[ServerPlan, Observed]]:
    """Plan, let the next pass or the wait come true as forecast, plan again; nothing that holds is lifted."""
    observed, waited = case.observed, False
    for _ in range(LONGEST):
        now = case.plan(observed)
        yield now, observed
        idle = now.next_pass is None and not now.checks
        if idle and (waited or not any(hold.progressing for hold in now.holds)):
            return
        waited = idle
        observed = checks.assumed(forecast.settle(case.server, observed, now.next_pass), now.checks)
    raise AssertionError(f"no end after {LONGEST} steps: {[body.actions for body in now.passes]}")


def stands(hold: Hold, now: ServerPlan) -> bool:
    return any((each.reason, each.model) == (hold.reason, hold.model) for each in now.holds)


@given(guarded_situations())
@settings(max_examples=150)
def test_no_pass_on_a_road_with_holds_breaks_an_invariant(case: Guarded) -> None:
    for now, seen in drive(case):
        assert now.next_pass is None or check_pass(case.server, seen, now.next_pass) == ()


@given(guarded_situations())
@settings(max_examples=150)
def test_every_difference_is_acted_on_or_held_for_a_reason_of_its_own_whatever_is_held(case: Guarded) -> None:
    assert [each for each in case.plan(case.observed).holds if each.released_by == "another look at the server"] == []


@given(guarded_situations())
@settings(max_examples=60)
def test_equal_inputs_give_equal_plans_whatever_is_held(case: Guarded) -> None:
    seen = case.observed
    other = {"models": seen.models[::-1], "paths": seen.paths[::-1], "specs": seen.specs[::-1], "past": seen.past[::-1]}
    shuffled = Guarded(case.server, _with(seen, **other), case.freeze, dict([*case.turns.items()][::-1]))

    assert case.plan(seen) == shuffled.plan(shuffled.observed)


def _with(observed: Observed, **changes: object) -> Observed:
    return replace(observed, **changes)  # type: ignore[arg-type]  # by name


@given(guarded_situations())
@settings(max_examples=100)
def test_a_suspended_server_is_sent_and_asked_nothing(case: Guarded) -> None:
    whole = (case.server.suspend, case.server.fleet.suspend)
    now = case.plan(case.observed)

    if any(each is not None and each.stands(NOW) for each in whole) and case.observed.reach.answers:
        assert (now.next_pass, now.checks) == (None, ())
        assert HoldReason.SUSPENDED in {hold.reason for hold in now.holds}


@given(guarded_situations())
@settings(max_examples=150)
def test_of_a_suspended_model_nothing_is_sent_but_labels_that_would_refuse_the_reloads_of_others(case: Guarded) -> None:
    held = {each.name for each in case.server.models if each.suspend is not None and each.suspend.stands(NOW)}
    body = case.plan(case.observed).next_pass

    for name in held if body is not None and case.observed.outstanding is None else ():
        assert body is not None
        before, after = case.observed.sent.model(name), body.config.model(name)
        kinds = {action.kind for action in body.actions if action.model == name}
        if name not in {model.name for model in case.server.models if _waits(case, model.name)}:
            assert kinds <= set(TAKEN_AWAY)
            assert (before and before.policy) == (after and after.policy)


def _waits(case: Guarded, name: str) -> bool:
    """Whether a veto goes first: then the model is healed to what it was, whatever git says of it now."""
    wanted = case.server.model(name)
    return wanted is not None and wanted.document in case.vetoes(case.observed) and begins(wanted, case.observed)


@given(guarded_situations())
@settings(max_examples=150)
def test_a_change_that_may_not_begin_lists_and_labels_only_what_was_good_or_is_in_force(case: Guarded) -> None:
    body = case.plan(case.observed).next_pass

    for wanted in case.server.models if body is not None and case.observed.outstanding is None else ():
        assert body is not None
        after, good = body.config.model(wanted.name), case.observed.good_spec(wanted.name)
        configs = (case.observed.sent.model(wanted.name), good.config if good is not None else None)
        if after is None or not _waits(case, wanted.name):
            continue
        known = [each for each in configs if each is not None]
        listed = {version for each in known for version in resolve(each.policy, each.base_path, case.observed)}
        labels = {pair for each in known for pair in each.labels}
        serving = set(case.observed.model(wanted.name).proven)
        assert set(after.listed) <= listed | serving
        assert set(after.labels) <= labels


@given(guarded_situations())
@settings(max_examples=100)
def test_what_the_blast_radius_holds_is_carried(case: Guarded) -> None:
    blast, body = case.server.blast, case.plan(case.observed).next_pass

    if blast is not None and body is not None:
        assert set(blast.models) <= body.config.names


@given(guarded_situations())
@settings(max_examples=100)
def test_a_road_that_is_only_shown_is_not_driven(case: Guarded) -> None:
    now = case.plan(case.observed)

    assert not (now.waiting and now.next_pass is not None)


@given(guarded_situations())
@settings(max_examples=60)
def test_a_guard_says_nothing_of_a_server_that_is_as_git_says(case: Guarded) -> None:
    alone = replace(case, turns={})
    *_, (end, seen) = drive(alone)
    free = plan_server(COMMIT, case.server, seen)

    if free.converged and not free.holds:
        assert (end.passes, end.holds) == ((), ())
