"""What holds of a whole fleet on its way from one commit to another, however its servers take turns.

Each round plans all servers at once, lets what may go now come true as forecast, and remembers what a lane remembers:
which spec was sent, which was reached, and when.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from builders import COMMIT, FLEET
from hypothesis import given, settings
from hypothesis import strategies as st
from plan_strategies import NAMES, NOW, SPECS

from reconciler.belief import reached as booked
from reconciler.invariants import check_pass
from reconciler.plan import at_rest, checks, forecast, plan, reached, spec_digest
from reconciler.plan.waves import waves
from reconciler.state.desired import (
    Desired,
    DesiredModel,
    DesiredServer,
    Rollout,
    Transition,
    TransitionPolicy,
    Wave,
)
from reconciler.state.memory import Memory
from reconciler.state.observed import Observed
from reconciler.state.plan import ActionKind, Freeze, Plan, ServerPlan
from reconciler.state.versions import Specific

LONGEST = 120
NAMED = tuple(spec for spec in SPECS if isinstance(spec[0], Specific))
ORDERS = (
    (),
    (Wave("first", (("tier", "canary"),), pause=3.0),),
    (Wave("one", (), 1), Wave("two", (("tier", "canary"),), pause=2.0), Wave("three")),
)
WAYS = (*(Transition(policy, allow_downtime=True) for policy in TransitionPolicy), Transition(keep_previous=600.0))


@dataclass(frozen=True, slots=True)
class Turns:
    """Servers at rest on one commit, for which git now says another."""

    before: Desired
    after: Desired

    @property
    def rules(self) -> Rollout:
        rules = self.after.servers[0].fleet.rollout
        assert rules is not None
        return rules

    def start(self) -> dict[str, Observed]:
        found = {}
        for old, new in zip(self.before.servers, self.after.servers, strict=True):
            observed = replace(at_rest(old, NOW, also=new), server=old.id)
            found[old.id] = _remembered(old, observed)
        return found


def _remembered(server: DesiredServer, observed: Observed) -> Observed:
    """What was reached is booked, as a lane does it."""
    memory = Memory(server.id, server.grpc, good=observed.good, past=observed.past)
    memory = booked(memory, reached(server, observed))
    return replace(observed, good=memory.good, past=memory.past, steady=memory.steady)


@st.composite
def models(draw: st.DrawFn) -> tuple[DesiredModel, ...]:
    found = []
    for name in NAMES[: draw(st.integers(1, 2))]:
        policy, labels = draw(st.sampled_from(NAMED))
        found.append(DesiredModel(name, name, f"/models/{name}", policy, labels, draw(st.sampled_from(WAYS))))
    return tuple(found)


@st.composite
def turns(draw: st.DrawFn) -> Turns:
    rules = Rollout(draw(st.integers(1, 3)), 1, draw(st.sampled_from(ORDERS)))
    fleet = replace(FLEET, rollout=rules, prune=draw(st.booleans()))
    old, new = draw(models()), draw(models())
    tiers = [draw(st.sampled_from(("canary", "prod"))) for _ in range(draw(st.integers(2, 5)))]
    servers = [DesiredServer(fleet, f"gpu-{n}", "", labels=(("tier", tier),)) for n, tier in enumerate(tiers)]
    return Turns(
        Desired(replace(COMMIT, id="before"), tuple(replace(each, models=old) for each in servers)),
        Desired(replace(COMMIT, id="after"), tuple(replace(each, models=new) for each in servers)),
    )


@dataclass(frozen=True, slots=True)
class Round:
    """One moment of the fleet: what is believed of each server, and what is planned."""

    seen: dict[str, Observed]
    planned: Plan

    def changing(self, desired: Desired) -> set[str]:
        """The servers that have begun something and are not through with it."""
        return {
            server.id
            for server in desired.servers
            for model in server.models
            if dict(self.seen[server.id].specs).get(model.name) == spec_digest(model, self.seen[server.id])
            and not self._reached(server, model)
        }

    def _reached(self, server: DesiredServer, model: DesiredModel) -> bool:
        good = self.seen[server.id].good_spec(model.name)
        return good is not None and good.digest == spec_digest(model, self.seen[server.id])

    def through(self, server: DesiredServer) -> bool:
        """Whether that server has all of the commit."""
        return all(self._reached(server, model) for model in server.models)

    def sending(self) -> set[str]:
        return {each.server for each in self.planned.servers if each.next_pass is not None}


def drive(desired: Desired, seen: dict[str, Observed], freeze: Freeze | None = None) -> Iterator[Round]:
    """Round after round until nothing goes any more and no time that was named is still to come."""
    frozen = {"eu": freeze} if freeze is not None else {}
    quiet = 0
    for _ in range(LONGEST):
        now = Round(seen, plan(desired, seen, frozen))
        yield now
        plans = {each.server: each for each in now.planned.servers}
        quiet = 0 if any(each.next_pass is not None or each.checks for each in plans.values()) else quiet + 1
        if quiet > 4:
            return
        seen = {server.id: _after(server, seen[server.id], plans[server.id]) for server in desired.servers}
    raise AssertionError("no end of the rollout")


def _after(server: DesiredServer, observed: Observed, planned: ServerPlan) -> Observed:
    body, due = planned.next_pass, planned.checks
    settled = checks.assumed(forecast.settle(server, observed, body), due)
    specs = dict(observed.specs) | dict(body.specs if body is not None else ())
    return _remembered(server, replace(settled, specs=tuple(sorted(specs.items())), foreseen=False))


@given(turns())
@settings(max_examples=25)
def test_no_more_servers_change_at_once_than_may_and_all_arrive(case: Turns) -> None:
    rounds = list(drive(case.after, case.start()))

    for now in rounds:
        begun = now.changing(case.after)
        assert len(begun) <= case.rules.max_concurrent
    assert all(each.converged for each in rounds[-1].planned.servers)


@given(turns())
@settings(max_examples=25)
def test_no_pass_of_a_rollout_breaks_an_invariant(case: Turns) -> None:
    for now in drive(case.after, case.start()):
        for server, each in zip(case.after.servers, now.planned.servers, strict=True):
            if each.next_pass is not None:
                assert check_pass(server, now.seen[server.id], each.next_pass) == ()


@given(turns())
@settings(max_examples=25)
def test_no_label_of_a_later_wave_moves_while_an_earlier_one_is_not_through(case: Turns) -> None:
    order = waves(case.rules, case.after.servers)
    by_id = {server.id: server for server in case.after.servers}

    for now in drive(case.after, case.start()):
        begun = now.changing(case.after)
        for number, (_, names) in enumerate(order):
            if begun & set(names):
                earlier = [name for _, before in order[:number] for name in before]
                assert all(_done_with(now, by_id[name], begun & set(names), by_id) for name in earlier)


def _done_with(now: Round, server: DesiredServer, others: set[str], by_id: dict[str, DesiredServer]) -> bool:
    """Whether a server has reached every document that is under way on the others, or they go back to it."""
    for name in others:
        for model in by_id[name].models:
            observed = now.seen[name]
            digest = spec_digest(model, observed)
            good = observed.good_spec(model.name)
            under_way = dict(observed.specs).get(model.name) == digest and not (good and good.digest == digest)
            mine = server.model(model.name)
            if under_way and mine is not None and (model.name, digest) not in observed.past:
                own = now.seen[server.id].good_spec(model.name)
                if own is None or own.digest != spec_digest(mine, now.seen[server.id]):
                    return False
    return True


@given(turns())
@settings(max_examples=25)
def test_in_a_freeze_nothing_begins_on_any_server(case: Turns) -> None:
    for now in drive(case.after, case.start(), Freeze("window weekend", 900.0, None, rollbacks=False)):
        assert now.sending() == set()


@given(turns())
@settings(max_examples=25)
def test_the_way_back_goes_out_of_order_and_keeps_to_the_number_at_once(case: Turns) -> None:
    *_, there = drive(case.after, case.start())
    back = replace(case.before, commit=replace(COMMIT, id="revert"))

    rounds = list(drive(back, there.seen))

    assert all(len(now.changing(back)) <= case.rules.max_concurrent for now in rounds)
    assert all(each.converged for each in rounds[-1].planned.servers)


# going back within keepPrevious

KEPT = Transition(keep_previous=600.0)


@st.composite
def kept(draw: st.DrawFn) -> Turns:
    """Every model keeps its previous version, and goes to a higher one; the files of all are there."""
    case = draw(turns())
    return Turns(_keeping(case.before), _keeping(case.after))


def _keeping(desired: Desired) -> Desired:
    servers = (
        replace(each, models=tuple(replace(model, transition=KEPT) for model in each.models))
        for each in desired.servers
    )
    return replace(desired, servers=tuple(servers))


@given(kept())
@settings(max_examples=25)
def test_going_back_in_time_loads_nothing_that_a_label_left_for_a_higher_version(case: Turns) -> None:
    *_, there = drive(case.after, case.start())
    back = replace(case.before, commit=replace(COMMIT, id="revert"))

    loaded = {
        (server.server, action.model, action.version)
        for now in drive(back, there.seen)
        for server in now.planned.servers
        for action in (server.next_pass.actions if server.next_pass is not None else ())
        if action.kind is ActionKind.LOAD
    }

    assert not loaded & set(left_for_higher(case))


def left_for_higher(case: Turns) -> Iterator[tuple[str, str, int]]:
    """The versions that a label is on before the change, and that are lower than what git names after it."""
    for old, new in zip(case.before.servers, case.after.servers, strict=True):
        for before in old.models:
            after = new.model(before.name)
            if after is not None and isinstance(after.policy, Specific):
                yield from ((old.id, before.name, at) for _, at in before.labels if at < max(after.policy.versions))
