"""The table of a version's life, and what holds for every history: random ones included."""

from __future__ import annotations

from dataclasses import replace

import pytest
from core_world import CORRUPT, QUICK, World, model, serving
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.modelserver.core import OK, TRANSITIONS, Load, LoadPlan, ModelConfig, Specific, Stage, Status, mermaid
from reconciler.modelserver.core.lifecycle import FORGETTABLE, Event, Held
from reconciler.modelserver.core.values import LoadKey

NAMES = ("a", "b")
VERSIONS = (1, 2, 3)


def test_every_stage_is_reachable_and_every_road_ends_where_a_version_can_be_forgotten() -> None:
    """The table is whole."""
    reached, frontier = {Stage.NEW}, {Stage.NEW}
    while frontier:
        frontier = {b for (a, _), b in TRANSITIONS.items() if a in frontier} - reached
        reached |= frontier
    assert reached == set(Stage)
    assert set(Stage) - {a for a, _ in TRANSITIONS} == FORGETTABLE - {Stage.NEW}


def test_a_move_the_table_does_not_know_is_an_error() -> None:
    """Behaviour 15.2."""
    held = Held(LoadKey("m", 1, "/m/1", 1))
    with pytest.raises(AssertionError, match="cannot take SUCCEED in stage new"):
        held.on(Event.SUCCEED)


def test_the_drawing_shows_every_row_of_the_table() -> None:
    """The drawing is made from the table."""
    drawing = mermaid()
    assert drawing.startswith("stateDiagram-v2")
    assert all(f"{a.name} --> {b.name}: {event.value}" in drawing for (a, event), b in TRANSITIONS.items())


def test_an_unwanted_version_that_failed_is_not_cancelled() -> None:
    """``GetHealthyHarness``: a failed version takes no cancellation."""
    held = Held(LoadKey("m", 1, "/m/1", 1))
    held.on(Event.REQUEST_LOAD)
    held.on(Event.REJECT)
    held.error = CORRUPT
    held.unwant()
    assert (held.wanted, held.cancelled) == (False, False)


Wish = tuple[tuple[int, ...] | None, ...]
wishes = st.tuples(*(st.none() | st.sets(st.sampled_from(VERSIONS)).map(lambda s: tuple(sorted(s))) for _ in NAMES))
steps = st.lists(st.tuples(wishes, st.floats(0.0, 2.5), st.booleans()), min_size=1, max_size=8)
plans = st.dictionaries(
    st.tuples(st.sampled_from(NAMES), st.sampled_from(VERSIONS)),
    st.tuples(st.floats(0.0, 1.5), st.booleans()),
    max_size=4,
)

AFTER = {
    "START": {"LOADING", "END", "START"},
    "LOADING": {"AVAILABLE", "END"},
    "AVAILABLE": {"UNLOADING"},
    "UNLOADING": {"END"},
    "END": {"START"},
}
"""What may follow a state in GetModelStatus. START follows itself when a forgotten version is accepted again."""


def play(
    script: list[tuple[Wish, float, bool]], plan: dict[tuple[str, int], tuple[float, bool]], threads: int
) -> World:
    """Start empty, then send one list after another, with a request in flight here and there."""
    disk = dict.fromkeys(NAMES, VERSIONS)
    world = serving(on_disk=disk, flags=replace(QUICK, num_load_threads=threads, num_unload_threads=threads))
    for (name, version), (seconds, good) in plan.items():
        world.loads(name, version, seconds=seconds, status=OK if good else CORRUPT)
    for wish, pause, busy in script:
        world.send(*(model(name, *wanted) for name, wanted in zip(NAMES, wish, strict=True) if wanted is not None))
        if busy:
            world.asks("a", seconds=0.7)
        world.run_for(pause)
    return world


@settings(max_examples=40, deadline=None)
@given(steps, plans, st.sampled_from([0, 2]))
def test_every_history_follows_the_states_of_a_version(
    script: list[tuple[Wish, float, bool]], plan: dict[tuple[str, int], tuple[float, bool]], threads: int
) -> None:
    """Behaviour 2."""
    world = play(script, plan, threads)
    last: dict[tuple[str, int], str] = {}
    for seen in world.history:
        key = (seen.model, seen.status.version)
        assert seen.state.name in AFTER[last.get(key, "END")]
        last[key] = seen.state.name


@settings(max_examples=20, deadline=None)
@given(steps, plans, st.sampled_from([0, 2]))
def test_equal_scripts_give_equal_histories(
    script: list[tuple[Wish, float, bool]], plan: dict[tuple[str, int], tuple[float, bool]], threads: int
) -> None:
    """Deterministic."""
    assert play(script, plan, threads).history == play(script, plan, threads).history


@settings(max_examples=30, deadline=None)
@given(steps, plans, st.sampled_from([0, 2]))
def test_what_is_available_answers_once_everything_is_quiet(
    script: list[tuple[Wish, float, bool]], plan: dict[tuple[str, int], tuple[float, bool]], threads: int
) -> None:
    """Without an injected race, status and lookup agree in the end."""
    world = play(script, plan, threads)
    world.run_for(10.0)
    for name in NAMES:
        available = [version for version, state in world.states(name).items() if state == "AVAILABLE"]
        assert tuple(available) == world.core.loaded(name)


@pytest.mark.parametrize("step", [0.001, 0.05, 0.37, 5.0])
def test_how_often_the_owner_looks_does_not_change_what_happens(step: float) -> None:
    """A late ``advance`` does what was due at the times it was due, as far as no answer of the owner is involved."""
    world = serving(model("m", 1, 2, 3), on_disk={"m": (1, 2, 3)})
    world.send(model("m", 3))
    end = world.now + 5.0
    while world.now < end:
        world.run_until(min(world.now + step, end))
    assert world.states("m") == {3: "AVAILABLE", 2: "END", 1: "END"}
    assert [round(seen.at % 1.0, 6) for seen in list(world.history)[-4:]] == [0.05, 0.05, 0.15, 0.15]


def test_a_plan_gives_out_its_loads_in_turn_and_repeats_the_last() -> None:
    """The script of loads."""
    plan = LoadPlan()
    plan.set("m", 1, Load(1.0), Load(2.0))
    key = LoadKey("m", 1, "/m/1", 1)
    assert [plan.take(key).seconds for _ in range(3)] == [1.0, 2.0, 2.0]
    plan.set("m", 1)
    assert plan.take(key) == plan.default


def test_a_removed_directory_takes_what_is_in_it_along() -> None:
    """The disk of the script."""
    world = serving(on_disk={"m": (1,)})
    world.disk.write("/models/m/1/saved_model.pb")
    world.disk.remove("/models/m")
    assert not any(world.disk.exists(path) for path in ("/models/m", "/models/m/1", "/models/m/1/saved_model.pb"))
    assert world.disk.children("/models") == ()
    with pytest.raises(FileNotFoundError):
        world.disk.children("/models/m")


def test_the_core_asks_its_disk_and_says_so_in_the_key() -> None:
    """A key names the path the version was found at."""
    world = serving(on_disk={"m": ()})
    world.disk.make("/models/m/0007")
    world.apply(ModelConfig("m", "/models/m", policy=Specific((7,))))
    found = world.core.resolve("m", 7)
    assert not isinstance(found, Status)
    assert found[1].key.path == "/models/m/0007"
