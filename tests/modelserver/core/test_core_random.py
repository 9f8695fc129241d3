"""What the C++ guarantees whatever happens: random reloads, label moves, changes on disk, requests and waits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from core_world import CORRUPT, QUICK, World
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.modelserver.core import (
    OK,
    All,
    Code,
    Flags,
    Latest,
    ModelConfig,
    ServerConfig,
    Specific,
    Status,
    Ticket,
)

NAMES = ("a", "b", "c")
VERSIONS = (1, 2, 3)
AFTER = {
    "START": {"LOADING", "END", "START"},
    "LOADING": {"AVAILABLE", "END"},
    "AVAILABLE": {"UNLOADING"},
    "UNLOADING": {"END"},
    "END": {"START"},
}
"""What may follow a state in GetModelStatus. START follows itself when a forgotten version is accepted again."""


@dataclass
class Play:
    """A server, what it was sent and how it answered, and all that was ever seen of it."""

    world: World
    sent: list[tuple[ServerConfig, Ticket]] = field(default_factory=list)
    known: set[tuple[str, int]] = field(default_factory=set)
    trail: list[object] = field(default_factory=list)


Step = Callable[[Play], None]
names = st.sampled_from(NAMES)
versions = st.sampled_from(VERSIONS)
some = st.sets(versions).map(lambda chosen: tuple(sorted(chosen)))
policies = st.one_of(some.map(Specific), some.map(Specific), st.just(All()), st.just(Latest()), st.just(Latest(2)))
labels = st.dictionaries(st.sampled_from(("s", "t")), versions, max_size=2).map(lambda found: tuple(found.items()))
platforms = st.sampled_from(("tensorflow",) * 20 + ("", "pytorch"))


@st.composite
def models(draw: st.DrawFn) -> tuple[ModelConfig, ...]:
    chosen = []
    for name in draw(st.lists(names, unique=True)):
        base = draw(st.sampled_from((f"/models/{name}",) * 10 + ("/elsewhere", "relative")))
        chosen.append(ModelConfig(name, base, draw(platforms), policy=draw(policies), labels=draw(labels)))
    return tuple(chosen)


def reload(chosen: tuple[ModelConfig, ...]) -> Step:
    def step(play: Play) -> None:
        config = ServerConfig(chosen)
        before = {name: play.world.core.labels_of(name) for name in NAMES}
        ticket = play.world.reload(config)
        play.sent.append((config, ticket))
        if ticket.status is not None and ticket.status.code is Code.FAILED_PRECONDITION:
            assert {name: play.world.core.labels_of(name) for name in NAMES} == before

    return step


def pause(seconds: float) -> Step:
    return lambda play: play.world.run_for(seconds)


def ask(name: str, seconds: float) -> Step:
    return lambda play: play.trail.append(play.world.asks(name, seconds=seconds))


def put(name: str, version: int, good: bool, seconds: float) -> Step:
    def step(play: Play) -> None:
        play.world.disk.add(f"/models/{name}", version)
        play.world.loads(name, version, seconds=seconds, status=OK if good else CORRUPT)

    return step


def take(path: str) -> Step:
    return lambda play: play.world.disk.remove(path)


def scribble(name: str, version: int) -> Step:
    def step(play: Play) -> None:
        play.world.disk.remove(f"/models/{name}/{version}")
        play.world.disk.write(f"/models/{name}/{version}")

    return step


reloads = models().map(reload)
pauses = st.floats(0.0, 2.5).map(pause)
steps = st.lists(
    st.one_of(
        reloads,
        reloads,
        pauses,
        pauses,
        st.builds(ask, names, st.sampled_from((0.0, 0.3, 1.7))),
        st.builds(put, names, versions, st.booleans(), st.sampled_from((0.0, 0.05, 1.3))),
        st.builds(lambda name, version: take(f"/models/{name}/{version}"), names, versions),
        st.builds(lambda name: take(f"/models/{name}"), names),
        st.builds(scribble, names, versions),
    ),
    min_size=1,
    max_size=14,
)
server_flags = st.builds(
    lambda loads, unloads, retries, allow: replace(
        QUICK,
        num_load_threads=loads,
        num_unload_threads=unloads,
        max_num_load_retries=retries,
        load_retry_interval_micros=400_000,
        allow_version_labels_for_unavailable_models=allow,
    ),
    st.sampled_from((0, 1, 2)),
    st.sampled_from((0, 1)),
    st.sampled_from((0, 0, 2)),
    st.booleans(),
)


def play(script: list[Step], flags: Flags, check: Callable[[Play], None] = lambda _: None) -> Play:
    """Begin with no models and every version on disk, then do one step after another and let it all settle."""
    world = World(dict.fromkeys(NAMES, VERSIONS), flags)
    world.start(ServerConfig(()))
    played = Play(world)
    for step in [*script, pause(8.0)]:
        step(played)
        check(played)
    return played


def truths(played: Play) -> None:
    """What holds at every moment."""
    world = played.world
    answered = [ticket.done for _, ticket in played.sent]
    assert answered == sorted(answered, reverse=True), "a reload went past an earlier one"
    states = {(name, version): state for name in NAMES for version, state in world.states(name).items()}
    assert played.known <= set(states), "an entry vanished"
    played.known |= set(states)
    under_way = [*states.values()].count("LOADING")
    assert under_way <= max(world.core.flags.num_load_threads, 1), "more loads than threads"
    for name in NAMES:
        loaded = world.core.loaded(name)
        assert world.asks(name) == (max(loaded) if loaded else f"Servable not found for request: Latest({name})")
        assert all(states[name, version] in {"LOADING", "AVAILABLE"} for version in loaded)


@settings(max_examples=150, deadline=None)
@given(steps, server_flags)
def test_at_every_moment_the_structural_truths_hold(script: list[Step], flags: Flags) -> None:
    """Reloads exclude each other, entries stay, threads bound loads, the highest loaded version is the default."""
    play(script, flags, truths)


@settings(max_examples=100, deadline=None)
@given(steps, server_flags)
def test_every_version_goes_a_legal_way(script: list[Step], flags: Flags) -> None:
    """Behaviour 2."""
    last: dict[tuple[str, int], str] = {}
    for seen in play(script, flags).world.history:
        key = (seen.model, seen.status.version)
        assert seen.state.name in AFTER[last.get(key, "END")]
        last[key] = seen.state.name


@settings(max_examples=100, deadline=None)
@given(steps, server_flags)
def test_labels_come_from_accepted_configurations_as_a_whole(script: list[Step], flags: Flags) -> None:
    """Behaviour 3.2 step 6: the map is the one of the last request whose labels were accepted."""
    played = play(script, flags)
    applied = [
        config
        for config, ticket in played.sent
        if ticket.status is None
        or ticket.status.ok
        or "platform" in ticket.status.message
        or ticket.status.code is Code.UNKNOWN
    ]
    current = {name: played.world.core.labels_of(name) for name in NAMES}
    maps = [{name: {} for name in NAMES}, *({**{name: {} for name in NAMES}, **labelled(config)} for config in applied)]
    assert current in maps
    if played.sent and played.sent[-1][1].status == OK:
        assert current == maps[-1]


def labelled(config: ServerConfig) -> dict[str, dict[str, int]]:
    return {each.name: dict(each.labels) for each in config.models or ()}


@settings(max_examples=100, deadline=None)
@given(steps, server_flags.map(lambda flags: replace(flags, num_load_threads=0, num_unload_threads=0)))
def test_with_everything_in_line_no_tick_takes_more_than_one_action(script: list[Step], flags: Flags) -> None:
    """Behaviour 5.1: a load or an unload begins, and the next one not before the next tick."""
    begun = [seen.at for seen in play(script, flags).world.history if seen.state.name in {"LOADING", "UNLOADING"}]
    assert len(begun) == len(set(begun))


@settings(max_examples=100, deadline=None)
@given(steps, server_flags)
def test_when_all_is_quiet_the_status_tells_the_truth(script: list[Step], flags: Flags) -> None:
    """Without an injected race, what is AVAILABLE answers, and nothing else does."""
    played = play(script, flags)
    played.world.run_for(20.0)
    for name in NAMES:
        available = [version for version, state in played.world.states(name).items() if state == "AVAILABLE"]
        assert tuple(available) == played.world.core.loaded(name)


@settings(max_examples=50, deadline=None)
@given(steps, server_flags)
def test_equal_scripts_give_equal_worlds(script: list[Step], flags: Flags) -> None:
    """Deterministic, down to the log."""

    def record() -> tuple[object, ...]:
        played = play(script, flags)
        answers = [(ticket.status, ticket.finished_at) for _, ticket in played.sent]
        return played.world.history, played.world.logs, answers, played.trail

    assert record() == record()


@settings(max_examples=50, deadline=None)
@given(steps, server_flags, st.integers(0, 5))
def test_a_refused_configuration_loads_and_unloads_nothing(script: list[Step], flags: Flags, spoil: int) -> None:
    """Behaviour 3.5: a request that is refused for its labels leaves the versions as they are."""
    played = play(script[: spoil + 1], flags)
    before = len(played.world.history), played.world.core.applied_config()
    refused = played.world.send(ModelConfig("z", "/models/z", policy=Specific((9,)), labels=(("s", 9),)))
    if refused.status is None or flags.allow_version_labels_for_unavailable_models:
        return
    assert isinstance(refused.status, Status)
    assert not refused.status.ok
    assert (len(played.world.history), played.world.core.applied_config()) == before
