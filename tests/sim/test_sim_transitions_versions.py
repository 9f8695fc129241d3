"""Transitions of versions and labels of models that a server has, driven end to end in the simulator.

After each: no labelled request lost, no invariant broken (both checked by the fixture), and the outcome named.
"""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from reconciler.sim import World, model
from reconciler.sim.world import resource
from reconciler.state.outcome import OutcomeKind
from reconciler.state.plan import HoldReason
from reconciler.state.versions import Latest


@pytest.fixture
def world() -> Iterator[World]:
    with World(seed=7) as world:
        world.server("gpu-1")
        yield world
        assert world.lost == []
        assert world.troubles == []


def served(world: World) -> dict[str, tuple[int, ...]]:
    return world.serves("gpu-1")


def test_stable_moves_from_one_version_to_the_next(world: World) -> None:
    world.model_files("half", 1, 2)
    world.commit(model("half", 1, stable=1))
    world.run_until_converged()
    world.commit(model("half", 2, stable=2))
    world.run_until_converged(limit=5)
    assert served(world) == {"half": (2,)}
    assert world.answers("gpu-1", "half", "stable") == 2


def test_label_moves_while_another_model_loads_for_five_minutes(world: World) -> None:
    world.model_files("half", 1, 2)
    world.model_files("large", 1)
    world.model_files("large", 2, seconds=300)
    world.commit(model("half", 1, stable=1), model("large", 1, stable=1))
    world.run_until_converged()
    world.commit(model("half", 2, stable=2), model("large", 2, stable=2))
    world.run_until(lambda: world.answers("gpu-1", "half", "stable") == 2, limit=5)
    world.run_until(lambda: served(world)["half"] == (2,), limit=5)
    world.run(10)
    assert world.answers("gpu-1", "large", "stable") == 1
    assert HoldReason.LOADING in world.holds("gpu-1")


def test_a_window_of_two_versions_moves_up_by_one(world: World) -> None:
    world.model_files("half", 1, 2, 3)
    world.commit(model("half", 1, 2, stable=1))
    world.run_until_converged()
    world.commit(model("half", 2, 3, stable=3))
    world.run_until_converged(limit=6)
    assert served(world) == {"half": (2, 3)}


def test_resource_transition_never_holds_both_versions(world: World) -> None:
    world.model_files("half", 1, 2)
    world.commit(resource(model("half", 1, stable=1)))
    world.run_until_converged()
    world.commit(resource(model("half", 2, stable=2)))
    both = False
    while not world.converged():
        world.run(0.01)
        both |= len(served(world).get("half", ())) > 1
    assert not both
    assert served(world) == {"half": (2,)}
    assert len(world.traffic.gaps) == 1
    assert world.traffic.gaps[0][1] < 3.0


def test_resource_transitions_of_many_models_go_one_at_a_time(world: World) -> None:
    names = ["a", "b", "c"]
    for name in names:
        world.model_files(name, 1, 2)
    world.commit(*(resource(model(name, 1, stable=1)) for name in names))
    world.run_until_converged()
    world.commit(*(resource(model(name, 2, stable=2)) for name in names))
    fewest = 3
    while not world.converged():
        world.run(0.01)
        fewest = min(fewest, len(served(world)))
    assert fewest == 2
    assert served(world) == {"a": (2,), "b": (2,), "c": (2,)}


def test_resource_transition_whose_new_version_fails_restores_the_old_one(world: World) -> None:
    world.model_files("half", 1)
    world.model_files("half", 2, error="Can't parse saved_model.pb")
    world.commit(resource(model("half", 1, stable=1)))
    world.run_until_converged()
    world.commit(resource(model("half", 2, stable=2)))
    world.run_until(lambda: HoldReason.RESTORED_AFTER_FAILED_LOAD in world.holds("gpu-1"), limit=10)
    world.run_until(lambda: world.answers("gpu-1", "half", "stable") == 1, limit=10)
    assert served(world) == {"half": (1,)}


def test_label_flips_while_another_model_carries_a_stale_label(world: World) -> None:
    world.model_files("half", 1, 2)
    world.model_files("other", 1, 2)
    world.commit(model("half", 1, 2, stable=1), model("other", 1, 2, stable=1, canary=2))
    world.run_until_converged()
    world.traffic.excuse("gpu-1", "other")
    world.storage.remove("/models/other/2")  # the server unloads it within a second, and the label dangles
    world.run(3)
    world.commit(model("half", 1, 2, stable=2), model("other", 1, 2, stable=1, canary=2))
    world.run_until(lambda: world.answers("gpu-1", "half", "stable") == 2, limit=12)
    assert world.answers("gpu-1", "other", "stable") == 1


def test_specific_becomes_latest_and_specific_again(world: World) -> None:
    world.model_files("half", 1, 2, 3)
    world.commit(model("half", 2))
    world.run_until_converged()
    world.commit(model("half", policy=Latest(1)))
    world.run_until_converged(limit=10)
    assert served(world) == {"half": (3,)}
    world.commit(model("half", 2))
    world.run_until_converged(limit=10)
    assert served(world) == {"half": (2,)}


def test_latest_follows_a_version_that_appears_in_storage(world: World) -> None:
    world.model_files("half", 1)
    world.commit(model("half", policy=Latest(1)))
    world.run_until_converged()
    world.model_files("half", 2)
    world.run(15)
    assert served(world) == {"half": (2,)}
    assert world.converged()


def test_revert_while_the_new_version_loads(world: World) -> None:
    world.model_files("half", 1)
    world.model_files("half", 2, seconds=20)
    world.commit(model("half", 1, stable=1))
    world.run_until_converged()
    world.commit(model("half", 2, stable=2))
    world.run(5)
    world.commit(model("half", 1, stable=1))
    world.run_until_converged(limit=40)
    assert served(world) == {"half": (1,)}


def test_failed_load_is_followed_by_a_good_one_under_a_new_number(world: World) -> None:
    world.model_files("half", 1, 3)
    world.model_files("half", 2, error="Can't parse saved_model.pb")
    world.commit(model("half", 1, stable=1))
    world.run_until_converged()
    world.commit(model("half", 2, stable=2))
    world.run(10)
    assert OutcomeKind.FAILED in world.outcomes()
    assert world.answers("gpu-1", "half", "stable") == 1
    world.commit(model("half", 3, stable=3))
    world.run_until_converged(limit=6)
    assert served(world) == {"half": (3,)}


def test_failed_load_is_tried_again_when_its_files_are_mended(world: World) -> None:
    world.model_files("half", 1)
    world.model_files("half", 2, error="Can't parse saved_model.pb")
    world.commit(model("half", 1, stable=1))
    world.run_until_converged()
    world.commit(model("half", 2, stable=2))
    world.run(10)
    world.model_files("half", 2)
    world.storage.change("/models/half", 2, content="half/2 mended")
    world.run_until_converged(limit=180)
    assert served(world) == {"half": (2,)}


def test_missing_version_is_held_until_it_appears(world: World) -> None:
    world.model_files("half", 1)
    world.commit(model("half", 1, stable=1))
    world.run_until_converged()
    world.commit(model("half", 2, stable=2))
    world.run(20)
    assert HoldReason.ARTIFACT_MISSING in world.holds("gpu-1")
    assert world.answers("gpu-1", "half", "stable") == 1
    world.model_files("half", 2)
    world.run_until_converged(limit=20)
    assert served(world) == {"half": (2,)}


def test_missing_base_path_of_a_neighbour_holds_loads_but_not_label_moves(world: World) -> None:
    world.model_files("half", 1, 2, 3)
    world.model_files("other", 1)
    world.commit(model("half", 1, 2, stable=1), model("other", 1, stable=1))
    world.run_until_converged()
    world.storage.remove("/models/other")
    world.run(15)
    world.commit(model("half", 1, 2, 3, stable=2), model("other", 1, stable=1))
    world.run_until(lambda: world.answers("gpu-1", "half", "stable") == 2, limit=12)
    assert HoldReason.DISCOVERY_FROZEN in world.holds("gpu-1")
    assert world.answers("gpu-1", "other", "stable") == 1
    world.model_files("other", 1)
    world.run_until_converged(limit=30)
    assert served(world) == {"half": (1, 2, 3), "other": (1,)}


def test_base_path_changes_where_the_files_are_the_same(world: World) -> None:
    world.model_files("half", 1)
    world.commit(model("half", 1, stable=1))
    world.run_until_converged()
    world.storage.copy("/models/half", "/new/half")
    world.commit(replace(model("half", 1, stable=1), base_path="/new/half"))
    world.run_until_converged(limit=5)
    assert served(world) == {"half": (1,)}


@pytest.mark.parametrize("other_bytes", [False, True], ids=["absent", "other bytes"])
def test_base_path_change_is_held_where_old_files_are_not_there_alike(world: World, other_bytes: bool) -> None:
    world.model_files("half", 1, 2)
    world.commit(model("half", 1, stable=1))
    world.run_until_converged()
    world.storage.copy("/models/half", "/new/half")
    world.storage.remove("/new/half/1")
    if other_bytes:
        world.storage.copy("/models/half", "/new/half")
        world.storage.change("/new/half", 1, content="something else")
    world.commit(replace(model("half", 1, 2, stable=1), base_path="/new/half"))
    world.run(15)
    assert HoldReason.BASE_PATH_NEEDS_COPY in world.holds("gpu-1")
    assert world.answers("gpu-1", "half", "stable") == 1


def test_version_dropped_and_listed_again_while_it_loads(world: World) -> None:
    world.model_files("half", 1)
    world.model_files("half", 2, seconds=4)
    world.commit(model("half", 1, stable=1))
    world.run_until_converged()
    world.commit(model("half", 1, 2, stable=2))
    world.run(1.5)
    world.commit(model("half", 1, stable=1))
    world.run(1.5)
    world.commit(model("half", 1, 2, stable=2))
    world.run_until_converged(limit=30)
    assert world.answers("gpu-1", "half", "stable") == 2


@pytest.mark.parametrize("seed", range(6))
def test_desired_state_that_flaps_twice_a_second_loses_nothing(seed: int) -> None:
    with World(seed=seed) as world:
        world.server("gpu-1")
        world.model_files("half", 1, 2)
        one, two = model("half", 1, stable=1), model("half", 2, stable=2)
        world.commit(one)
        world.run_until_converged()
        for turn in range(30):
            world.commit(two if turn % 2 == 0 else one)
            world.run(world.random.uniform(0, 0.9))
        world.run_until_converged(limit=20)
        assert served(world) == {"half": (1,)}
        assert world.lost == []
        assert world.troubles == []
