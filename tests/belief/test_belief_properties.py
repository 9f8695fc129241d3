"""Whatever a server says, and in whatever order: folding is deterministic, total and bounded."""

from dataclasses import fields

from belief_lane import AVAILABLE, BROKEN, END, LOADING, START, UNLOADING, HandWorld, Lane, config, desired, listing
from hypothesis import given
from hypothesis import strategies as st

from reconciler import belief
from reconciler.belief import learning
from reconciler.state.look import LabelKind, ReachKind, ServingError, VersionState
from reconciler.state.memory import Answer, AnswerKind, Memory
from reconciler.state.observed import Observed

states = st.sampled_from([START, LOADING, AVAILABLE, UNLOADING, END, BROKEN])
models = st.dictionaries(
    st.sampled_from(["m", "n"]), st.dictionaries(st.integers(1, 4), states, max_size=4), max_size=2
)
events = st.tuples(
    st.sampled_from(["look", "break", "down", "blind", "send", "answer"]),
    models,
    st.sampled_from(list(AnswerKind)),
    st.sampled_from([0.05, 0.5, 2.0, 7.0, 70.0]),
)
Event = tuple[str, dict[str, dict[int, VersionState | ServingError]], AnswerKind, float]


def live(story: list[Event]) -> tuple[Lane, list[Observed]]:
    world = HandWorld()
    lane = Lane(desired(listing("m", 1, 2, stable=1), listing("n", 1)), world)
    at, seen = 1.0, [lane.look(1.0)]
    for what, said, kind, pause in story:
        at += pause
        world.models = said
        world.labels = {("m", "stable"): min(said.get("m", {1: AVAILABLE}), default=1)} if pause < 7 else {}
        lane.broke, lane.blind = what == "break", {"m"} if what == "blind" else set()
        lane.down(ReachKind.SLOW) if what == "down" else lane.up()
        if what == "send":
            sent = config(*(listing(name, *versions) for name, versions in said.items()))
            lane.sending(sent, at, m=f"spec-{len(said)}")
        if what == "answer":
            lane.memory = belief.answered(lane.server, lane.memory, Answer(kind), at)
        seen.append(lane.look(at + 0.01))
    return lane, seen


@given(st.lists(events, max_size=12))
def test_equal_stories_end_in_equal_memories_and_views(story: list[Event]) -> None:
    first, second = live(story), live(story)
    assert first[0].memory == second[0].memory
    assert first[1] == second[1]


@given(st.lists(events, max_size=12))
def test_view_never_contradicts_itself(story: list[Event]) -> None:
    for seen in live(story)[1]:
        for model in seen.models:
            sent = seen.sent.model(model.name)
            for version in model.versions:
                assert not (version.listed and version.going)
                assert not (version.proven and (version.suspect or model.unseen))
                assert not version.proven or version.state is AVAILABLE
                assert version.listed is (sent is not None and version.version in sent.listed)
            assert [each.version for each in model.versions] == sorted({each.version for each in model.versions})
        assert not any(reading.kind is LabelKind.UNSEEN for model in seen.models for _, reading in model.labels)


@given(st.lists(events, max_size=12))
def test_asking_and_viewing_change_nothing(story: list[Event]) -> None:
    lane, _ = live(story)
    before = lane.memory
    asked = belief.questions(lane.server, before, 9999.0)
    assert asked == belief.questions(lane.server, before, 9999.0)
    assert asked.models == tuple(sorted(set(asked.models)))
    assert lane.memory is before


def size(memory: Memory) -> int:
    return sum(len(value) for each in fields(memory) if isinstance(value := getattr(memory, each.name), tuple))


def test_memory_stays_bounded_over_a_long_life() -> None:
    """Hundreds of versions come, serve, fail or end; models come and go; the server remembers every one of them."""
    world = HandWorld(models={"m": {}})
    lane = Lane(desired(listing("m", 1)), world)
    sizes = []
    for number in range(1, 301):
        at = number * 60.0
        gone = f"g{number}"
        world.models[gone] = {1: END}
        lane.send(config(listing("m", number), listing(gone, 1)), at, spec=f"d{number}", m=f"d{number}")
        world.models["m"].update({number: BROKEN if number % 3 else AVAILABLE, number - 1: END})
        lane.look(at + 30.0)
        sizes.append(size(lane.memory))
    assert max(sizes[200:]) <= max(sizes[:200])
    assert len(lane.memory.failures) <= learning.KEPT_FAILURES * 70
