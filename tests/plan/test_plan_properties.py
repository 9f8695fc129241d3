"""What holds of every plan, whatever git says and whatever is believed of a server."""

from collections.abc import Iterator
from dataclasses import replace

from builders import COMMIT
from hypothesis import given, settings
from hypothesis import strategies as st
from plan_strategies import Change, changes, desired_servers, observations, situations

from reconciler.invariants import check_pass
from reconciler.plan import at_rest, checks, forecast, plan, plan_server
from reconciler.state.desired import Desired, DesiredServer, TransitionPolicy
from reconciler.state.look import LabelKind, Reach, ReachKind
from reconciler.state.observed import Observed
from reconciler.state.plan import ActionKind, Gap, HoldReason, Pass, PassKind, ServerPlan

LONGEST = 80
"""Steps, waits included, within which every road must end."""

Situation = tuple[DesiredServer, Observed]


def drive(server: DesiredServer, observed: Observed) -> Iterator[tuple[ServerPlan, Observed]]:
    """Plan, let the next pass or the wait come true as forecast, plan again: every plan with what it was made from."""
    waited = False
    for _ in range(LONGEST):
        now = plan_server(COMMIT, server, observed)
        yield now, observed
        idle = now.next_pass is None and not now.checks
        if idle and (waited or not any(hold.progressing for hold in now.holds)):
            return
        waited = idle
        observed = checks.assumed(forecast.settle(server, observed, now.next_pass), now.checks)
    raise AssertionError(f"no end after {LONGEST} steps: {[body.actions for body in now.passes]}")


def bare(body: Pass) -> Pass:
    return replace(body, number=0, specs=())


def shuffled(observed: Observed) -> Observed:
    """The same belief with its unordered parts turned round."""
    return replace(
        observed,
        models=observed.models[::-1],
        paths=observed.paths[::-1],
        failures=observed.failures[::-1],
        good=observed.good[::-1],
    )


# on any belief


@given(situations())
@settings(max_examples=80)
def test_equal_inputs_give_equal_plans_in_whatever_order_they_come(situation: Situation) -> None:
    server, observed = situation

    assert plan_server(COMMIT, server, observed) == plan_server(COMMIT, server, shuffled(observed))


@given(situations())
@settings(max_examples=150)
def test_the_pass_that_may_go_now_breaks_no_invariant(situation: Situation) -> None:
    server, observed = situation

    body = plan_server(COMMIT, server, observed).next_pass

    assert body is None or check_pass(server, observed, body) == ()


@given(situations())
@settings(max_examples=80)
def test_no_pass_on_the_road_from_anywhere_breaks_an_invariant(situation: Situation) -> None:
    server, observed = situation

    broken = [
        check_pass(server, seen, now.next_pass) for now, seen in drive(server, observed) if now.next_pass is not None
    ]

    assert not any(broken)


@given(situations())
@settings(max_examples=80)
def test_every_difference_is_acted_on_or_held_for_a_reason_of_its_own(situation: Situation) -> None:
    """The hold for what nothing accounts for is a last net; no difference may need it."""
    server, observed = situation

    net = [
        hold for hold in plan_server(COMMIT, server, observed).holds if hold.released_by == "another look at the server"
    ]

    assert net == []


@given(situations())
@settings(max_examples=80)
def test_a_plan_touches_only_models_that_git_or_the_server_names(situation: Situation) -> None:
    server, observed = situation
    named = {model.name for model in server.models} | observed.sent.names | observed.known_as.names
    named |= observed.outstanding.config.names if observed.outstanding is not None else set()

    now = plan_server(COMMIT, server, observed)

    assert {action.model for body in now.passes for action in body.actions} <= named
    if now.next_pass is not None and observed.outstanding is None:
        acted = {action.model for action in now.next_pass.actions}
        assert all(
            observed.sent.model(each.name) == each for each in now.next_pass.config.models if each.name not in acted
        )


@given(situations(), st.sampled_from([kind for kind in ReachKind if kind is not ReachKind.ANSWERING]))
@settings(max_examples=30)
def test_a_server_that_does_not_answer_gets_no_pass_and_no_road(situation: Situation, kind: ReachKind) -> None:
    server, observed = situation

    assert plan_server(COMMIT, server, replace(observed, reach=Reach(kind, "no answer"))).passes == ()


@given(situations())
@settings(max_examples=80)
def test_every_hold_says_why_and_what_releases_it(situation: Situation) -> None:
    server, observed = situation

    holds = plan_server(COMMIT, server, observed).holds

    assert all(hold.detail.strip() and hold.released_by.strip() for hold in holds)


@given(situations())
@settings(max_examples=80)
def test_the_next_look_comes_when_the_first_hold_may_be_released_by_time(situation: Situation) -> None:
    server, observed = situation

    now = plan_server(COMMIT, server, observed)

    times = [hold.until for hold in now.holds if hold.until is not None and observed.at < hold.until]
    assert now.look_again_at == min(times, default=None)


@given(situations(), st.data())
@settings(max_examples=80)
def test_fingerprints_are_equal_exactly_where_plans_are(situation: Situation, data: st.DataObject) -> None:
    server, observed = situation
    other = data.draw(st.one_of(st.just(observed), observations(server)))

    one, two = plan_server(COMMIT, server, observed), plan_server(COMMIT, server, other)

    assert (one.fingerprint == two.fingerprint) == (essence(one) == essence(two))


def essence(now: ServerPlan) -> object:
    """A plan without its times and wording."""
    passes = [(body.kind, [replace(action, because="") for action in body.actions], body.config) for body in now.passes]
    return now.differences, passes, [(hold.reason, hold.model, hold.version, hold.label) for hold in now.holds]


@given(situations())
@settings(max_examples=150)
def test_no_label_goes_to_a_version_with_a_failed_or_missing_check(situation: Situation) -> None:
    server, observed = situation

    body = plan_server(COMMIT, server, observed).next_pass

    wanted = {model.name: model for model in server.models if model.checks}
    for action in body.actions if body is not None else ():
        model = wanted.get(action.model)
        if model is None or action.kind is not ActionKind.LABEL or not action.label or not action.version:
            continue
        if dict(model.labels).get(action.label) != action.version:
            assert observed.good_spec(action.model) is not None  # on the way back to it
        elif not checks.exempt(model, observed, action.label, action.version):
            found = checks.standings(model.name, model.base_path, model.checks, observed, action.version)
            assert all(each.passed for each in found)


# at rest, and from rest to rest


@given(desired_servers())
def test_a_converged_server_has_an_empty_plan(server: DesiredServer) -> None:
    now = plan_server(COMMIT, server, at_rest(server, 1000.0))

    assert (now.converged, now.passes, now.holds) == (True, (), ())


@given(changes(), st.floats(0, 1e9))
def test_a_plan_does_not_depend_on_when_it_is_made(change: Change, later: float) -> None:
    start = change.start

    one, two = (plan_server(COMMIT, change.after, replace(start, at=at)) for at in (1.0, 1.0 + later))

    assert (one.fingerprint, one.passes, one.holds) == (two.fingerprint, two.passes, two.holds)


@given(changes())
@settings(max_examples=80)
def test_every_road_from_rest_converges_and_breaks_no_invariant(change: Change) -> None:
    for now, seen in drive(change.after, change.start):
        assert now.next_pass is None or check_pass(change.after, seen, now.next_pass) == ()

    assert now.converged
    assert {hold.reason for hold in now.holds} <= {HoldReason.PRUNE_GUARD}


@given(changes())
@settings(max_examples=60)
def test_the_road_shown_is_the_road_driven_when_the_forecast_comes_true(change: Change) -> None:
    shown = plan_server(COMMIT, change.after, change.start).passes

    driven = [now.next_pass for now, _ in drive(change.after, change.start) if now.next_pass is not None]

    assert [bare(body) for body in shown if body.kind is not PassKind.CHECK] == [bare(body) for body in driven]


@given(changes())
@settings(max_examples=60)
def test_the_checks_shown_are_the_checks_run_when_the_forecast_comes_true(change: Change) -> None:
    shown = plan_server(COMMIT, change.after, change.start).passes

    run = [(due.model, due.version, due.check) for now, _ in drive(change.after, change.start) for due in now.checks]

    assert run == [
        (each.model, each.version, each.check) for body in shown for each in body.actions if body.kind is PassKind.CHECK
    ]


@given(changes(), st.integers(0, 12))
@settings(max_examples=80)
def test_a_change_of_mind_after_any_prefix_converges_and_breaks_no_invariant(change: Change, prefix: int) -> None:
    road = [seen for _, seen in drive(change.after, change.start)]
    middle = road[min(prefix, len(road) - 1)]

    for now, seen in drive(change.other, middle):
        assert now.next_pass is None or check_pass(change.other, seen, now.next_pass) == ()

    assert now.converged


@given(changes())
@settings(max_examples=80)
def test_a_label_resolves_to_its_old_or_new_target_at_every_point_unless_a_gap_was_stated(change: Change) -> None:
    protected = list(kept_labels(change))
    stated: set[tuple[str, str]] = set()

    for now, seen in drive(change.after, change.start):
        for name, label, old, new in protected:
            if (name, label) not in stated:
                reading = seen.model(name).reading(label)
                assert reading.kind is LabelKind.RESOLVES
                assert reading.version in (old, new)
        stated |= {(gap.model, gap.label) for gap in gaps(now.next_pass)}


def kept_labels(change: Change) -> Iterator[tuple[str, str, int, int]]:
    """(model, label, old target, new target) of every label that exists before and after."""
    for before in change.before.models:
        after = change.after.model(before.name)
        for label, old in before.labels:
            if after is not None and label in dict(after.labels):
                yield before.name, label, old, dict(after.labels)[label]


def gaps(body: Pass | None) -> tuple[Gap, ...]:
    return body.gaps if body is not None else ()


@given(changes())
@settings(max_examples=60)
def test_only_the_policy_resource_ever_states_a_gap(change: Change) -> None:
    passes = plan_server(COMMIT, change.after, change.start).passes

    models = {gap.model for body in passes for gap in body.gaps}

    policies = {model.name: model.transition.policy for model in change.after.models}
    assert {policies[name] for name in models} <= {TransitionPolicy.RESOURCE}


@given(st.lists(situations(), min_size=2, max_size=3))
@settings(max_examples=30)
def test_servers_are_planned_alone_in_whatever_order_they_come(cases: list[Situation]) -> None:
    """Nothing joins servers but permits, and servers of different fleets do not even share those."""
    named = [
        (
            replace(server, fleet=replace(server.fleet, name=f"eu-{number}")),
            replace(observed, server=f"eu-{number}/gpu-1"),
        )
        for number, (server, observed) in enumerate(cases)
    ]
    beliefs = {observed.server: observed for _, observed in named}
    desired = Desired(COMMIT, tuple(server for server, _ in named))

    whole = plan(desired, dict(reversed(beliefs.items())))

    assert whole.servers == tuple(plan_server(COMMIT, server, observed) for server, observed in named)
