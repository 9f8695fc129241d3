"""The manager: what is loaded and unloaded in which order, what is postponed, how fast it goes."""

from __future__ import annotations

from dataclasses import replace

import pytest
from core_world import CORRUPT, QUICK, model, serving

from reconciler.modelserver.core import OK, Latest, VersionState

INLINE = replace(QUICK, num_load_threads=0)


def test_a_switch_loads_the_new_version_and_then_unloads_the_old_without_a_gap() -> None:
    """C43, observed (switch)."""
    world = serving(model("m", 1), on_disk={"m": (1, 2)})
    since = world.now
    world.send(model("m", 2))
    while world.state("m", 1) != "END":
        assert world.asks("m") in {1, 2}
        world.run_for(0.01)
    assert world.story("m", since) == [
        (2, "START"),
        (2, "LOADING"),
        (2, "AVAILABLE"),
        (1, "UNLOADING"),
        (1, "END"),
    ]


def test_switching_two_versions_to_a_third_unloads_the_lowest_first() -> None:
    """Observed (switch [1,2]->[3])."""
    world = serving(model("m", 1, 2), on_disk={"m": (1, 2, 3)})
    since = world.now
    world.send(model("m", 3))
    world.run_for(3.0)
    ends = [entry for entry in world.story("m", since) if entry[1] in {"AVAILABLE", "END"}]
    assert ends == [(1, "END"), (3, "AVAILABLE"), (2, "END")]


def test_sliding_two_versions_by_one_unloads_the_lowest_before_the_load() -> None:
    """Observed ([1,2]->[2,3]); C44 with latest 2."""
    world = serving(model("m", policy=Latest(2)), on_disk={"m": (1, 2)})
    world.run_for(2.0)
    world.loads("m", 3, seconds=5.0)
    world.disk.add("/models/m", 3)
    world.run_for(2.0)
    assert world.states("m") == {3: "LOADING", 2: "AVAILABLE", 1: "END"}


def test_several_versions_load_highest_first() -> None:
    """Observed (b/c5)."""
    world = serving(on_disk={"m": (1, 2, 3)})
    world.apply(model("m", 1, 2, 3))
    world.run_for(2.0)
    assert [number for number, state in world.story("m") if state == "LOADING"] == [3, 2, 1]


def test_a_failed_successor_leaves_the_old_version_serving_though_it_is_not_listed() -> None:
    """C45, observed ([1]->[4 corrupt])."""
    world = serving(model("m", policy=Latest()), on_disk={"m": (1,)})
    world.loads("m", 2, status=CORRUPT)
    world.disk.add("/models/m", 2)
    world.run_for(5.0)
    assert world.states("m") == {2: "END", 1: "AVAILABLE"}
    assert world.error("m", 2) == CORRUPT
    assert world.asks("m") == 1


def test_going_back_after_a_failed_switch_wedges_the_model_and_a_list_without_the_old_frees_it() -> None:
    """C46, E14, E15, trap 6, behaviour 5.4."""
    world = serving(model("m", 1), on_disk={"m": (1, 2, 3)})
    world.loads("m", 2, status=CORRUPT)
    world.send(model("m", 2))
    world.run_for(2.0)
    for versions in ((1,), (1, 3)):
        assert world.send(model("m", *versions)).status == OK
        world.run_for(4.0)
    assert world.states("m") == {2: "END", 1: "AVAILABLE"}
    world.send(model("m", 3))
    world.run_for(2.0)
    assert world.states("m") == {3: "AVAILABLE", 2: "END", 1: "END"}


def test_keeping_the_old_version_listed_makes_backing_out_clean() -> None:
    """C47."""
    world = serving(model("m", 1), on_disk={"m": (1, 2, 3)})
    world.loads("m", 2, status=CORRUPT)
    for versions in ((1, 2), (1,), (1, 3)):
        world.send(model("m", *versions))
        world.run_for(2.0)
    assert world.states("m") == {3: "AVAILABLE", 2: "END", 1: "AVAILABLE"}


def test_a_failed_version_dropped_and_listed_within_one_poll_is_not_retried() -> None:
    """C48."""
    world = serving(model("m", 1), on_disk={"m": (1, 2)})
    world.loads("m", 2, status=CORRUPT)
    world.send(model("m", 1, 2))
    world.run_for(2.2)
    world.loads("m", 2)
    world.send(model("m", 1))
    world.run_for(0.3)
    world.send(model("m", 1, 2))
    world.run_for(10.0)
    assert world.state("m", 2) == "END"


def test_a_failed_version_dropped_for_longer_than_a_poll_is_retried() -> None:
    """C49, E13."""
    world = serving(model("m", 1), on_disk={"m": (1, 2)})
    world.loads("m", 2, status=CORRUPT)
    world.send(model("m", 1, 2))
    world.run_for(2.2)
    world.loads("m", 2)
    world.send(model("m", 1))
    world.run_for(1.5)
    assert world.state("m", 2) == "END"
    world.send(model("m", 1, 2))
    world.run_for(1.5)
    assert world.state("m", 2) == "AVAILABLE"


def test_a_version_dropped_and_listed_again_within_one_poll_is_not_touched() -> None:
    """Observed (versions)."""
    world = serving(model("m", 1, 2))
    before = len(world.history)
    world.send(model("m", 1))
    world.send(model("m", 1, 2))
    world.run_for(5.0)
    assert len(world.history) == before


def test_a_list_that_wants_a_leaving_version_back_is_postponed_until_it_is_gone() -> None:
    """Behaviour 5.1: as a whole, with what else is in the list."""
    world = serving(model("m", 1, 2), on_disk={"m": (1, 2, 3)})
    world.plan.unload_seconds = 4.0
    world.send(model("m", 2))
    world.run_for(1.5)
    assert world.state("m", 1) == "UNLOADING"
    world.send(model("m", 1, 2, 3))
    world.run_for(2.0)
    assert world.state("m", 3) is None
    world.run_for(3.0)
    assert world.states("m") == {3: "AVAILABLE", 2: "AVAILABLE", 1: "AVAILABLE"}


def test_unloads_go_one_per_tick_so_no_fixed_wait_bounds_them() -> None:
    """Trap 4: six models of three versions still serve after 1.6 s, and adding one then goes wrong."""
    models = [model(f"m{number}", 1, 2, 3) for number in range(6)]
    world = serving(*models)
    world.run_for(2.0)
    world.send()
    world.run_for(1.6)
    left = {each.name: [*world.states(each.name).values()].count("AVAILABLE") for each in models}
    assert sorted(left.values()) == [0, 0, 0, 0, 0, 2]
    last = next(name for name, count in left.items() if count)
    status = world.apply(model(last, 1, 2, 3))
    assert status is not None
    assert status.message.startswith(f"1 model(s) did not become available: {{{{{{name: {last} version: ")


def test_an_unload_of_one_model_comes_before_a_load_of_another() -> None:
    """Behaviour 5.1: one action in all, unloads first."""
    world = serving(model("a", 1), model("z", 1, 2), on_disk={"a": (1, 2)})
    world.send(model("a", 1, 2), model("z", 2))
    world.run_for(3.0)
    assert world.moment("z", 1, VersionState.END) < world.moment("a", 2, VersionState.LOADING)


def test_a_version_added_starts_within_a_poll_and_a_tick() -> None:
    """Observed table: p50 588 ms, max 1,026 ms until the first change."""
    world = serving(model("m", 1), on_disk={"m": (1, 2)})
    delays = []
    for _ in range(20):
        world.run_for(0.137)
        began = world.now
        world.send(model("m", 1, 2))
        world.run_for(2.0)
        delays.append(world.moment("m", 2, VersionState.START) - began)
        world.send(model("m", 1))
        world.run_for(2.0)
    assert min(delays) >= 0.05
    assert max(delays) <= 1.1
    assert 0.4 <= sum(delays) / len(delays) <= 0.8


def test_a_dropped_and_added_model_after_a_witnessed_end_is_ok() -> None:
    """Observed: 40 of 40 at once."""
    world = serving(model("m", 1))
    for _ in range(10):
        world.send()
        while world.state("m", 1) != "END":
            world.run_for(0.05)
        assert world.apply(model("m", 1)) == OK


@pytest.mark.parametrize(("load", "next_load"), [(0.05, 0.1), (0.25, 0.25)])
def test_ticks_keep_their_rhythm_and_come_at_once_after_a_longer_inline_load(load: float, next_load: float) -> None:
    """Behaviour 5.1: the period runs from where a tick began, and a late tick is not waited for."""
    world = serving(on_disk={"m": (1, 2)}, flags=INLINE)
    world.loads("m", 2, seconds=load)
    world.apply(model("m", 1, 2))
    world.run_for(2.0)
    first, second = (world.moment("m", version, VersionState.LOADING) for version in (2, 1))
    assert second - first == pytest.approx(next_load)


def test_an_idle_server_does_nothing_between_polls() -> None:
    """Not a rule of TensorFlow Serving: it keeps a thousand idle simulated servers cheap."""
    world = serving(model("m", 1))
    world.run_for(2.0)
    world.run_until(float(int(world.now) + 1))
    assert world.next_at() == world.now + 1.0


def test_inline_or_threaded_the_end_state_is_the_same() -> None:
    """Behaviour 5.3: executors change when, not what."""
    for flags in (INLINE, QUICK, replace(QUICK, num_load_threads=8, num_unload_threads=8)):
        world = serving(model("m", 1, 2), model("n", 1), on_disk={"m": (1, 2, 3), "n": (1, 2)}, flags=flags)
        world.send(model("m", 2, 3), model("n", 2))
        world.run_for(3.0)
        assert world.states("m") == {3: "AVAILABLE", 2: "AVAILABLE", 1: "END"}
        assert world.states("n") == {2: "AVAILABLE", 1: "END"}
