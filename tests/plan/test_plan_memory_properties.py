"""What holds of every plan for a server with a memory budget: it is kept, everything arrives, and no choice flaps."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from builders import COMMIT, FLEET, UNIT, sized
from hypothesis import given, settings
from hypothesis import strategies as st
from plan_strategies import NAMES, NOW, SPECS, chosen, situations
from test_plan_properties import Situation, drive

from reconciler.invariants import check_pass
from reconciler.plan import at_rest, plan_server
from reconciler.plan.auto import aims
from reconciler.state import footprint
from reconciler.state.desired import (
    DesiredModel,
    DesiredServer,
    Fleet,
    MemoryBudget,
    Retry,
    Transition,
    TransitionPolicy,
)
from reconciler.state.look import LabelKind
from reconciler.state.memory import Departure, GoodSpec
from reconciler.state.observed import Observed
from reconciler.state.plan import HoldReason
from reconciler.state.versions import Specific

NAMED = tuple(spec for spec in SPECS if isinstance(spec[0], Specific))
WAYS = (
    *(Transition(policy) for policy in TransitionPolicy),
    Transition(TransitionPolicy.AUTO),
    Transition(TransitionPolicy.AUTO, keep_previous=600.0),
    Transition(keep_previous=600.0),
)
Sizes = Mapping[str, Mapping[int, int]]


@dataclass(frozen=True, slots=True)
class Change:
    """A server at rest on `before`, for which git now says `after`: with sizes in units, and a budget."""

    before: DesiredServer
    after: DesiredServer
    sizes: Sizes

    @property
    def start(self) -> Observed:
        everything = replace(self.after, models=(*self.after.models, *self.before.models))
        observed = sized(at_rest(self.before, NOW, also=everything), **self.sizes)
        left = [Departure(model.name, min(_versions(model)), 900.0) for model in self.before.models]
        good = tuple(GoodSpec(config, "sha256:good", 1.0) for config in observed.sent.models)
        return replace(observed, departures=tuple(left), good=good)

    def take(self, server: DesiredServer) -> dict[str, int]:
        """What each model of it takes, in units."""
        return {each.name: sum(self.sizes[each.name][version] for version in _versions(each)) for each in server.models}


def _versions(wanted: DesiredModel) -> tuple[int, ...]:
    assert isinstance(wanted.policy, Specific)
    return wanted.policy.versions


@st.composite
def servers(draw: st.DrawFn, fleet: Fleet, ways: tuple[Transition, ...]) -> DesiredServer:
    """One to four models whose versions git names."""
    models = []
    for name in draw(chosen(4)):
        policy, labels = draw(st.sampled_from(NAMED))
        transition, limit = draw(st.sampled_from(ways)), draw(st.sampled_from((1, 3)))
        models.append(DesiredModel(name, name, f"/models/{name}", policy, labels, transition, Retry(limit, 10.0, 60.0)))
    return DesiredServer(fleet, "gpu-1", "127.0.0.1:8500", models=tuple(models))


@st.composite
def changes(draw: st.DrawFn, ways: tuple[Transition, ...] = WAYS, spare: int = 8) -> Change:
    """What is there fits; so many units more may be used."""
    fleet = replace(FLEET, prune=draw(st.booleans()))
    before, after = draw(servers(fleet, ways)), draw(servers(fleet, ways))
    sizes = {name: {number: draw(st.integers(1, 4)) for number in (1, 2, 3, 4)} for name in NAMES}
    change = Change(before, after, sizes)
    room = sum(change.take(before).values()) + draw(st.integers(0, spare))
    return replace(change, after=replace(after, memory=MemoryBudget(room * UNIT)))


@st.composite
def roomy(draw: st.DrawFn) -> Change:
    """Every model under `auto`, and room for each at its larger."""
    change = draw(changes((Transition(TransitionPolicy.AUTO),)))
    one, other = change.take(change.before), change.take(change.after)
    room = sum(max(one.get(name, 0), other.get(name, 0)) for name in NAMES) + draw(st.integers(0, 2))
    return replace(change, after=replace(change.after, memory=MemoryBudget(room * UNIT)))


@st.composite
def weighed(draw: st.DrawFn) -> Situation:
    """Any belief about a server with any budget; some sizes are known."""
    server, observed = draw(situations())
    auto = tuple(
        replace(model, transition=Transition(TransitionPolicy.AUTO)) if isinstance(model.policy, Specific) else model
        for model in server.models
    )
    units = draw(st.integers(1, 12))
    weights = draw(st.sampled_from((1, 2, 3))), draw(st.sampled_from((0, 1, 4)))
    paths = tuple(
        replace(
            path,
            versions=tuple(replace(files, size=5 * weights[files.version % 2]) for files in path.versions),
        )
        for path in observed.paths
    )
    limited = replace(server, memory=MemoryBudget(units * UNIT), models=auto if draw(st.booleans()) else server.models)
    return limited, replace(observed, paths=paths)


def used(observed: Observed) -> int:
    return footprint.total(footprint.held(observed))


@given(changes())
@settings(max_examples=80)
def test_nothing_on_any_road_takes_more_than_the_budget(change: Change) -> None:
    assert change.after.memory is not None
    for now, seen in drive(change.after, change.start):
        assert used(seen) <= change.after.memory.usable
        if now.next_pass is not None:
            assert check_pass(change.after, seen, now.next_pass) == ()
            assert footprint.total(footprint.peak(seen, now.next_pass.config)) <= change.after.memory.usable


@given(changes())
@settings(max_examples=80)
def test_what_is_forecast_of_memory_is_what_comes(change: Change) -> None:
    first, *_ = stations = list(drive(change.after, change.start))
    shown = first[0].memory
    assert shown is not None
    tops = [footprint.total(footprint.peak(seen, now.next_pass.config)) for now, seen in stations if now.next_pass]
    assert shown.before == used(change.start)
    assert shown.peak == max([*map(used, (seen for _, seen in stations)), *tops])
    assert shown.after == used(stations[-1][1])


@given(changes())
@settings(max_examples=80)
def test_every_difference_is_acted_on_or_held_where_memory_is_short(change: Change) -> None:
    for now, _ in drive(change.after, change.start):
        assert not [hold for hold in now.holds if hold.released_by == "another look at the server"]


@given(changes())
@settings(max_examples=80)
def test_a_road_ends_converged_or_held_for_memory(change: Change) -> None:
    *_, (end, _) = drive(change.after, change.start)
    reasons = {hold.reason for hold in end.holds if not hold.progressing} - {HoldReason.PRUNE_GUARD}
    assert end.converged == (not reasons)
    assert reasons <= {HoldReason.MEMORY_SHORT, HoldReason.MEMORY_TURN, HoldReason.CHANGES_FIRST}


@given(roomy())
@settings(max_examples=80)
def test_under_auto_everything_arrives_where_there_is_room_for_each_model_at_its_larger(change: Change) -> None:
    *_, (end, _) = drive(change.after, change.start)
    assert end.converged
    assert {hold.reason for hold in end.holds} <= {HoldReason.PRUNE_GUARD}


@given(changes((Transition(TransitionPolicy.AUTO),)), st.integers(1, 60))
@settings(max_examples=80)
def test_what_auto_came_to_stays_so_until_the_change_is_through_whatever_the_budget_says(
    change: Change, other: int
) -> None:
    begun: dict[tuple[str, tuple[int, ...]], TransitionPolicy] = {}
    for now, seen in drive(change.after, change.start):
        for server in (change.after, replace(change.after, memory=MemoryBudget(other * UNIT))):
            for target in aims(COMMIT, server, seen).models:
                key = (target.name, target.asked)
                assert begun.get(key, target.transition.policy) is target.transition.policy
        for way in now.next_pass.ways if now.next_pass is not None else ():
            begun.setdefault((way.model, way.versions), way.policy)


@given(changes((Transition(TransitionPolicy.AUTO),)))
@settings(max_examples=80)
def test_under_auto_a_label_pauses_only_where_old_and_new_did_not_fit(change: Change) -> None:
    assert change.after.memory is not None
    for now, seen in drive(change.after, change.start):
        for gap in now.next_pass.gaps if now.next_pass is not None else ():
            wanted, config = change.after.model(gap.model), seen.sent.model(gap.model)
            assert wanted is not None
            assert config is not None
            new = set(_versions(wanted)) - set(config.listed)
            more = sum(change.sizes[gap.model][version] for version in new) * UNIT
            assert used(seen) + more > change.after.memory.usable


@given(changes())
@settings(max_examples=80)
def test_the_order_of_what_is_believed_changes_no_plan_for_a_limited_server(change: Change) -> None:
    seen = change.start
    other = replace(seen, models=seen.models[::-1], paths=seen.paths[::-1], departures=seen.departures[::-1])
    assert plan_server(COMMIT, change.after, seen) == plan_server(COMMIT, change.after, other)


@given(weighed())
@settings(max_examples=80)
def test_from_anywhere_no_pass_breaks_an_invariant_on_a_limited_server(situation: Situation) -> None:
    server, observed = situation
    for now, seen in drive(server, observed):
        assert now.next_pass is None or check_pass(server, seen, now.next_pass) == ()


@given(changes())
@settings(max_examples=80)
def test_no_label_is_taken_away_for_a_load_that_never_fits(change: Change) -> None:
    stations = list(drive(change.after, change.start))
    end, seen = stations[-1]
    short = {hold.model for hold in end.holds if hold.reason is HoldReason.MEMORY_SHORT}
    assert not short & {gap.model for now, _ in stations if now.next_pass for gap in now.next_pass.gaps}
    for name in short & change.start.sent.names:
        labels = dict(change.after.model(name).labels) if change.after.model(name) else {}  # type: ignore[union-attr]
        for label, reading in change.start.model(name).labels:
            if label in labels and reading.kind is LabelKind.RESOLVES:
                assert seen.model(name).reading(label).kind is LabelKind.RESOLVES
