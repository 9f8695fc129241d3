"""The seven traps met while a planner drove the real server (observed page, last section)."""

from __future__ import annotations

from dataclasses import replace

from core_world import CORRUPT, QUICK, World, model, serving

from reconciler.modelserver.core import OK, VersionState

INLINE = replace(QUICK, num_load_threads=0)


def just_accepted(versions: tuple[int, ...] = (1, 2, 3)) -> World:
    """Model m has just been accepted: its highest version loads, the others are START and not loading."""
    world = serving(model("keep", 1), on_disk={"m": versions, "keep": (1,)}, flags=replace(QUICK, num_load_threads=4))
    for version in versions:
        world.loads("m", version, seconds=0.5)
    world.send(model("keep", 1), model("m", max(versions)))
    world.run_for(3.0)
    world.send(model("keep", 1), model("m", *versions))
    while world.state("m", versions[0]) != "START":
        world.run_for(0.01)
    return world


def test_trap_1_a_model_dropped_while_a_version_is_start_leaves_it_at_start_for_ever() -> None:
    """Trap 1: phantom START, 12 of 12."""
    world = just_accepted()
    world.send(model("keep", 1))
    world.run_for(600.0)
    assert world.states("m") == {3: "END", 2: "END", 1: "START"}


def test_trap_1_a_version_dropped_while_it_is_start_ends() -> None:
    """Trap 1: 24 of 24, because the poll that drops it comes after its load began."""
    world = just_accepted()
    world.send(model("keep", 1), model("m", 3))
    world.run_for(5.0)
    assert world.states("m") == {3: "AVAILABLE", 2: "END", 1: "END"}


def test_trap_1_naming_nothing_while_a_version_is_start_ends_it() -> None:
    """Trap 1: the same for an empty specific list."""
    world = just_accepted()
    world.send(model("keep", 1), model("m"))
    world.run_for(5.0)
    assert world.states("m") == {3: "END", 2: "END", 1: "END"}


def test_trap_1_a_phantom_start_is_no_configured_model_and_adding_it_waits_as_for_a_new_one() -> None:
    """Trap 1: one that takes START for configured adds the name as existing, and blocks."""
    world = just_accepted()
    world.send(model("keep", 1))
    world.run_for(5.0)
    assert not world.send(model("keep", 1), model("m", 1)).done
    world.run_for(3.0)
    assert world.state("m", 1) == "AVAILABLE"


def test_trap_2_an_unload_that_overtakes_the_publication_leaves_a_phantom_available() -> None:
    """Trap 2: unloaded, yet AVAILABLE in the status until loaded again; a lookup tells the truth, a label is fooled."""
    world = serving(model("m", 1), on_disk={"m": (1, 2)})
    world.loads("m", 2, seconds=0.5)
    world.core.publish_race("m", 2)
    world.send(model("m", 1, 2))
    while world.core.loaded("m") != (2, 1):
        world.run_for(0.01)
    world.send()
    world.run_for(60.0)
    assert world.states("m") == {2: "AVAILABLE", 1: "END"}
    assert world.story("m")[-3:] == [(2, "UNLOADING"), (2, "END"), (2, "AVAILABLE")]
    assert world.moment("m", 2, VersionState.AVAILABLE) == world.moment("m", 2, VersionState.END)
    assert world.asks("m", 2) == "Servable not found for request: Specific(m, 2)"
    assert world.apply(model("m", 2)) == OK
    assert world.asks("m", 2) == 2


def test_trap_2_an_armed_race_that_nothing_overtakes_only_delays_the_publication() -> None:
    """Trap 2: the hook does no harm by itself."""
    world = serving(on_disk={"m": (1,)})
    world.core.publish_race("m", 1, seconds=0.4)
    assert world.apply(model("m", 1)) == OK
    loading, available = world.moment("m", 1, VersionState.LOADING), world.moment("m", 1, VersionState.AVAILABLE)
    assert 0.4 <= available - loading <= 0.6


def test_trap_3_available_may_belong_to_an_earlier_life_and_the_label_moved_there_dangles() -> None:
    """Trap 3: accepted, read back right, and within 0.2 s UNLOADING.

    The drop was polled while the load held the manager's thread, and is applied right after the load, although the
    version is listed again by then. An unload of another model goes first, which gives the label time to move.
    """
    world = serving(model("z", 1), model("m", 1, labels={"stable": 1}), on_disk={"m": (1, 2)}, flags=INLINE)
    world.loads("m", 2, seconds=2.45)
    world.run_until(9.5)
    world.send(model("z", 1), model("m", 1, 2, labels={"stable": 1}))
    world.run_until(10.3)
    world.send(model("z", 1), model("m", 1, labels={"stable": 1}))
    world.run_until(12.3)
    assert world.state("m", 2) == "LOADING"
    world.send(model("m", 1, 2, labels={"stable": 1}))
    while world.state("m", 2) != "AVAILABLE":
        world.run_for(0.01)
    assert world.now < 13.0
    assert world.send(model("m", 1, 2, labels={"stable": 2})).status == OK
    assert world.asks("m", label="stable") == 2
    world.run_for(0.2)
    assert world.state("m", 2) == "END"
    assert world.asks("m", label="stable") == "Servable not found for request: Specific(m, 2)"
    world.run_for(5.0)
    assert world.asks("m", label="stable") == 2


def test_trap_4_a_label_once_accepted_is_refused_after_a_hasty_drop_and_return() -> None:
    """Trap 4: some versions still serve after a long wait, then they are gone."""
    models = [model(f"m{number}", 1, 2, 3) for number in range(6)]
    world = serving(*models)
    world.send()
    world.run_for(1.6)
    last = [each for each in models if world.asks(each.name, 3) == 3]
    labelled = [replace(each, labels=(("x", 3),)) for each in last]
    assert len(labelled) == 1
    world.send(*labelled)
    world.run_for(0.35)
    status = world.send(*labelled)
    world.run_for(5.0)
    assert status.status is not None
    assert not status.status.ok


def test_trap_6_the_way_out_of_the_wedge_takes_a_poll_a_load_and_a_tick() -> None:
    """Trap 6: after [5 corrupt], [1, 2] did nothing in 4 s; [2] alone loads, the label moves, then 1 ends."""
    world = serving(model("m", 1, labels={"stable": 1}), on_disk={"m": (1, 2, 5)})
    world.loads("m", 5, status=CORRUPT)
    world.send(model("m", 5, labels={"stable": 1}))
    world.run_for(2.0)
    world.send(model("m", 1, 2, labels={"stable": 1}))
    world.run_for(4.0)
    assert world.state("m", 2) is None
    world.send(model("m", 2, labels={"stable": 1}))
    while world.state("m", 2) != "AVAILABLE":
        assert world.asks("m", label="stable") == 1
        world.run_for(0.01)
    assert world.send(model("m", 2, labels={"stable": 2})).status == OK
    while world.state("m", 1) != "END":
        assert world.asks("m", label="stable") == 2
        world.run_for(0.01)
    assert world.now - world.moment("m", 2, VersionState.AVAILABLE) <= 0.25


def test_trap_6_a_label_moved_later_than_a_tick_finds_its_version_gone() -> None:
    """Trap 6: a loop slower than 100 ms lost requests there."""
    world = serving(model("m", 1, labels={"stable": 1}), on_disk={"m": (1, 2, 5)})
    world.loads("m", 5, status=CORRUPT)
    world.send(model("m", 5, labels={"stable": 1}))
    world.run_for(2.0)
    world.send(model("m", 2, labels={"stable": 1}))
    while world.state("m", 2) != "AVAILABLE":
        world.run_for(0.01)
    world.run_for(0.2)
    assert world.asks("m", label="stable") == "Servable not found for request: Specific(m, 1)"


def test_trap_7_with_inline_loads_one_loading_version_stretches_every_other_wait() -> None:
    """Trap 7."""
    world = serving(model("a", 1), model("b", 1), on_disk={"a": (1, 2), "b": (1, 2)}, flags=INLINE)
    world.loads("b", 2, seconds=20.0)
    world.send(model("a", 1, 2), model("b", 1, 2))
    world.run_for(15.0)
    assert world.state("a", 2) == "START"
    world.run_for(7.0)
    assert world.state("a", 2) == "AVAILABLE"


def test_trap_1_even_a_dropped_version_stays_at_start_if_a_load_holds_the_manager_over_the_poll() -> None:
    """Trap 1 is a matter of who is quicker: here the poll is, because a load in line takes longer than its period."""
    world = serving(model("m", 3), on_disk={"m": (1, 2, 3)}, flags=INLINE)
    world.loads("m", 2, seconds=5.0)
    world.send(model("m", 1, 2, 3))
    world.run_for(2.0)
    assert world.states("m") == {3: "AVAILABLE", 2: "LOADING", 1: "START"}
    world.send(model("m", 2, 3))
    world.run_for(60.0)
    assert world.states("m") == {3: "AVAILABLE", 2: "AVAILABLE", 1: "START"}


def test_trap_1_a_phantom_start_is_overwritten_when_the_version_is_listed_again() -> None:
    """Trap 1: it is only a status; nothing is held under it."""
    world = just_accepted()
    world.send(model("keep", 1))
    world.run_for(5.0)
    world.send(model("keep", 1), model("m", 1))
    world.run_for(3.0)
    world.send(model("keep", 1))
    world.run_for(3.0)
    assert world.states("m") == {3: "END", 2: "END", 1: "END"}
