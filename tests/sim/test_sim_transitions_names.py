"""Transitions in which model names come and go, and servers come back, driven end to end in the simulator."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from reconciler.sim import World, model
from reconciler.state.config import ModelConfig, ServerConfig
from reconciler.state.outcome import OutcomeKind
from reconciler.state.plan import HoldReason
from reconciler.state.versions import specific

TEN = [f"m{number}" for number in range(10)]


@pytest.fixture
def world() -> Iterator[World]:
    with World(seed=3) as world:
        world.server("gpu-1")
        yield world
        assert world.lost == []
        assert world.troubles == []


def served(world: World) -> dict[str, tuple[int, ...]]:
    return world.serves("gpu-1")


def test_new_model_with_labels_is_loaded_then_labelled(world: World) -> None:
    world.model_files("half", 1, 2)
    world.commit(model("half", 1, 2, stable=1, canary=2))
    world.run_until_converged(limit=8)
    assert world.answers("gpu-1", "half", "stable") == 1
    assert world.answers("gpu-1", "half", "canary") == 2


def test_new_model_with_a_missing_version_is_never_sent(world: World) -> None:
    world.model_files("half", 1)
    world.commit(model("half", 1, stable=1), model("ghost", 7, stable=7))
    world.run_until(lambda: world.answers("gpu-1", "half", "stable") == 1, limit=10)
    world.run(10)
    assert HoldReason.ARTIFACT_MISSING in world.holds("gpu-1")
    assert all(intent.body.config.model("ghost") is None for intent in world.pages.intents)


def test_new_model_that_is_corrupt_does_not_keep_others_back(world: World) -> None:
    world.model_files("half", 1, 2)
    world.model_files("bad", 1, error="Can't parse saved_model.pb")
    world.commit(model("half", 1, stable=1), model("bad", 1, stable=1))
    world.run_until(lambda: world.answers("gpu-1", "half", "stable") == 1, limit=15)
    assert OutcomeKind.FAILED in world.outcomes()
    world.commit(model("half", 2, stable=2), model("bad", 1, stable=1))
    world.run_until(lambda: world.answers("gpu-1", "half", "stable") == 2, limit=15)
    assert served(world) == {"half": (2,)} or served(world) == {"half": (1, 2)}


def test_new_model_that_loads_for_a_minute_is_unsettled_and_then_served(world: World) -> None:
    world.model_files("slow", 1, seconds=60)
    world.commit(model("slow", 1, stable=1))
    world.run(30)
    assert HoldReason.UNSETTLED in world.holds("gpu-1")
    world.run_until_converged(limit=40)
    assert served(world) == {"slow": (1,)}


def test_ten_new_models_come_up_together(world: World) -> None:
    for name in TEN:
        world.model_files(name, 1)
    world.commit(*(model(name, 1, stable=1) for name in TEN))
    world.run_until_converged(limit=12)
    assert served(world) == dict.fromkeys(TEN, (1,))


def test_server_that_starts_empty_again_is_healed_in_two_phases(world: World) -> None:
    for name in TEN:
        world.model_files(name, 1)
    world.commit(*(model(name, 1, stable=1) for name in TEN))
    world.run_until_converged(limit=12)
    sent = len(world.pages.intents)
    world.restart("gpu-1")
    world.run(1)
    world.run_until_converged(limit=6)
    assert len(world.pages.intents) == sent + 2
    assert served(world) == dict.fromkeys(TEN, (1,))


def test_server_that_starts_from_its_file_gets_its_labels_back(world: World) -> None:
    world.model_files("half", 1, 2)
    world.commit(model("half", 1, 2, stable=1, canary=2))
    world.run_until_converged()
    world.restart("gpu-1", ServerConfig((ModelConfig("half", "/models/half", specific(1, 2)),)))
    world.run(1)
    world.run_until_converged(limit=6)
    assert world.answers("gpu-1", "half", "canary") == 2


def test_removed_model_is_kept_with_its_labels_while_prune_is_off(world: World) -> None:
    world.model_files("half", 1)
    world.model_files("other", 1, 2)
    world.commit(model("half", 1, stable=1), model("other", 1, stable=1))
    world.run_until_converged()
    world.commit(model("other", 2, stable=2))
    world.run_until_at_rest(limit=10)
    assert world.holds("gpu-1") == {HoldReason.PRUNE_GUARD}
    assert world.answers("gpu-1", "half", "stable") == 1
    assert world.answers("gpu-1", "other", "stable") == 2


def test_removed_model_goes_where_the_fleet_prunes(world: World) -> None:
    world.fleet = replace(world.fleet, prune=True)
    world.model_files("half", 1)
    world.model_files("other", 1)
    world.commit(model("half", 1, stable=1), model("other", 1, stable=1))
    world.run_until_converged()
    world.commit(model("other", 1, stable=1))
    world.run_until_converged(limit=10)
    world.run_until(lambda: served(world) == {"other": (1,)}, limit=2)


def test_last_model_goes_only_with_consent_in_the_commit(world: World) -> None:
    world.fleet = replace(world.fleet, prune=True)
    world.model_files("half", 1)
    world.commit(model("half", 1, stable=1))
    world.run_until_converged()
    world.commit()
    world.run_until_at_rest(limit=10)
    assert world.holds("gpu-1") == {HoldReason.EMPTYING_GUARD}
    assert served(world) == {"half": (1,)}
    world.commit(prune_all=True)
    world.run_until_converged(limit=10)
    world.run_until(lambda: served(world) == {}, limit=2)


def test_model_removed_while_it_waits_to_load_can_come_back(world: World) -> None:
    world.fleet = replace(world.fleet, prune=True)
    world.model_files("half", 1)
    world.model_files("other", 1)
    world.model_files("other", 2, seconds=3)
    world.commit(model("half", 1, stable=1), model("other", 1, stable=1))
    world.run_until_converged()
    world.commit(model("half", 1, stable=1), model("other", 1, 2, stable=1))
    world.run(0.5)
    world.commit(model("half", 1, stable=1))
    world.run(0.7)
    world.commit(model("half", 1, stable=1), model("other", 1, 2, stable=2))
    world.run_until_converged(limit=40)
    assert world.answers("gpu-1", "other", "stable") == 2


def test_server_that_leaves_its_fleet_is_let_go_and_serves_on(world: World) -> None:
    world.server("gpu-2")
    world.model_files("half", 1, 2)
    world.commit(model("half", 1, stable=1))
    world.run_until_converged()
    gone = world.servers.pop("gpu-2")
    world.commit(model("half", 2, stable=2))
    world.run_until_converged()
    assert gone.resolve("half", label="stable") == 1
    assert served(world) == {"half": (2,)}
