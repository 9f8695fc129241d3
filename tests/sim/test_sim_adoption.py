"""Servers whose config is only seen, not known: it is sent once, even where nothing seems to differ."""

from collections.abc import Iterator

import pytest

from reconciler.modelserver.core import Flags
from reconciler.sim import World, model
from reconciler.state.config import ModelConfig, ServerConfig
from reconciler.state.memory import Standing
from reconciler.state.versions import Latest, specific

FLAGS = Flags(
    num_load_threads=2,
    num_unload_threads=1,
    max_num_load_retries=0,
    allow_version_labels_for_unavailable_models=True,
)
LATEST = ServerConfig((ModelConfig("half", "/models/half", Latest(1), (("stable", 1),)),))


@pytest.fixture
def world() -> Iterator[World]:
    with World(seed=8, flags=FLAGS) as world:
        world.model_files("half", 1)
        yield world
        assert world.lost == []
        assert world.troubles == []


def test_adopted_server_with_latest_in_its_file_keeps_what_git_names(world: World) -> None:
    world.server("gpu-1", LATEST)
    world.commit(model("half", 1, stable=1))
    world.run_until_converged(limit=15)
    world.run(10)
    assert world.observed("gpu-1").standing is Standing.KNOWN
    world.model_files("half", 2)
    world.run(20)
    assert world.answers("gpu-1", "half", "stable") == 1


def test_adopted_server_loses_the_models_that_git_does_not_name(world: World) -> None:
    world.model_files("stranger", 1)
    half, stranger = (ModelConfig(name, f"/models/{name}", specific(1)) for name in ("half", "stranger"))
    world.server("gpu-1", ServerConfig((half, stranger)))
    world.commit(model("half", 1))
    world.run(20)
    assert world.servers["gpu-1"].resolve("half") == 1
    assert not isinstance(world.servers["gpu-1"].resolve("stranger"), int)


def test_config_that_was_seen_is_sent_only_once(world: World) -> None:
    world.server("gpu-1", LATEST)
    world.commit(model("half", 1, stable=1))
    world.run(120)
    assert len(world.pages.intents) == 1
