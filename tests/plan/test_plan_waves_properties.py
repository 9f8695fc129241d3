"""Properties of waves: whatever state the servers of a fleet are in, who may begin what."""

from collections.abc import Mapping
from dataclasses import replace

from builders import FLEET
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.plan.progress import Part, Progress, Stage
from reconciler.plan.waves import may_begin, vetoes, waves
from reconciler.state.desired import DesiredServer, Rollout, Wave

TIERS = ("canary", "prod")
WAVES = ((), (Wave("first", (("tier", "canary"),), None, 60.0),), (Wave("one", (), 1), Wave("two")))
parts = st.builds(
    Part,
    st.just(""),
    st.sampled_from([stage for stage in Stage if stage is not Stage.UNKNOWN]),
    st.sampled_from((0.0, 900.0, 1000.0)),
    st.just("why"),
    st.booleans(),
    st.booleans(),
)


@st.composite
def progresses(draw: st.DrawFn) -> Progress:
    found = [replace(draw(parts), document=name) for name in ("a", "b") if draw(st.booleans())]
    lost = draw(st.sampled_from(("", "", "", "down")))
    return Progress(tuple(found), lost, unknown=not found and draw(st.booleans()))


@st.composite
def fleets(draw: st.DrawFn) -> tuple[list[DesiredServer], Mapping[str, Progress], frozenset[str]]:
    rules = Rollout(
        draw(st.integers(1, 3)),
        draw(st.integers(1, 3)),
        draw(
            st.sampled_from(
                ((), (Wave("first", (("tier", "canary"),), None, 60.0),), (Wave("one", (), 1), Wave("two")))
            )
        ),
    )
    fleet = replace(FLEET, rollout=rules)
    servers = [
        DesiredServer(fleet, f"gpu-{number}", "", labels=(("tier", draw(st.sampled_from(TIERS))),))
        for number in range(draw(st.integers(1, 5)))
    ]
    found = {server.id: draw(progresses()) for server in servers}
    return servers, found, frozenset(draw(st.sets(st.sampled_from([server.id for server in servers]), max_size=1)))


Case = tuple[list[DesiredServer], Mapping[str, Progress], frozenset[str]]


def beginning(case: Case) -> dict[str, set[str]]:
    """What may begin, by server."""
    servers, found, holders = case
    held = vetoes(servers, found, holders, 1000.0)
    return {
        name: {part.document for part in each.pending if part.document not in held.get(name, {})}
        for name, each in found.items()
        if may_begin(each, held.get(name, {}))
    }


def rules_of(case: Case) -> Rollout:
    rules = case[0][0].fleet.rollout
    assert rules is not None
    return rules


@given(fleets())
@settings(max_examples=200)
def test_no_more_servers_change_than_may(case: Case) -> None:
    _, found, holders = case
    busy = {name for name, each in found.items() if each.changing or each.unknown}
    busy |= {name for name in holders if found[name].pending}
    begun = set(beginning(case)) - busy
    assert not begun or len(busy | begun) <= rules_of(case).max_concurrent


@given(fleets())
@settings(max_examples=200)
def test_what_failed_somewhere_begins_nowhere_but_where_it_goes_back(case: Case) -> None:
    _, found, _ = case
    failed = {
        part.document
        for each in found.values()
        for part in each.parts
        if part.stage is Stage.FAILED and not each.lost and not each.unknown
    }
    for name, documents in beginning(case).items():
        for document in documents & failed:
            part = found[name].part(document)
            assert part is not None
            assert part.back


@given(fleets())
@settings(max_examples=200)
def test_a_wave_begins_only_after_those_before_it_are_through(case: Case) -> None:
    servers, found, _ = case
    earlier: set[str] = set()
    begun = beginning(case)
    for _, names in waves(rules_of(case), servers):
        for name in names:
            for document in begun.get(name, ()):
                part = found[name].part(document)
                behind = [
                    other
                    for other in earlier
                    if not found[other].lost
                    and (found[other].unknown or (seen := found[other].part(document)) is not None)
                    and (found[other].unknown or seen is None or seen.stage is not Stage.DONE)
                ]
                assert part is not None
                assert part.back or not behind
        earlier |= set(names)


@given(fleets())
@settings(max_examples=200)
def test_whatever_is_held_says_why_and_only_what_is_to_begin_is_held(case: Case) -> None:
    servers, found, holders = case
    for name, held in vetoes(servers, found, holders, 1000.0).items():
        assert set(held) <= {part.document for part in found[name].pending}
        assert all(hold.detail and hold.released_by for hold in held.values())


@given(fleets())
@settings(max_examples=100)
def test_a_rollout_that_nothing_stops_goes_on_somewhere(case: Case) -> None:
    """Where everybody is done or still to change, and pauses are over, somebody may begin."""
    servers, found, _ = case
    calm = {
        name: Progress(
            tuple(
                replace(part, stage=Stage.PENDING if part.stage is Stage.PENDING else Stage.DONE, since=0.0)
                for part in each.parts
            )
        )
        for name, each in found.items()
    }
    if any(each.pending for each in calm.values()):
        assert beginning((servers, calm, frozenset()))
