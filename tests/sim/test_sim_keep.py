"""adopt: keep, end to end: nothing is sent to a server that holds what git does not name, until git names it."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from reconciler.sim import World, model
from reconciler.state.config import ModelConfig, ServerConfig
from reconciler.state.desired import Adopt
from reconciler.state.look import Page
from reconciler.state.plan import HoldReason
from reconciler.state.versions import specific

HELD = ServerConfig(tuple(ModelConfig(name, f"/models/{name}", specific(1)) for name in ("half", "other")))
PAGE = Page(("half",), ("/models/half", "/models/other"))


@pytest.fixture
def world() -> Iterator[World]:
    with World(seed=14) as world:
        world.fleet = replace(world.fleet, adopt=Adopt.KEEP)
        for name in ("half", "other"):
            world.model_files(name, 1)
        world.server("gpu-1", HELD).page = PAGE
        yield world
        assert world.lost == []
        assert world.troubles == []


def test_what_git_does_not_name_stays_until_git_names_it(world: World) -> None:
    world.commit(model("half", 1, stable=1))
    world.run(30)
    assert world.holds("gpu-1") == {HoldReason.ADOPTION_UNCONFIRMED}
    assert world.pages.intents == []
    world.commit(model("half", 1, stable=1), model("other", 1, stable=1))
    world.run_until_converged(limit=30)
    assert world.serves("gpu-1") == {"half": (1,), "other": (1,)}


def test_a_page_that_comes_up_later_is_read_then(world: World) -> None:
    world.servers["gpu-1"].page = Page(unseen="it answers 404")
    world.commit(model("half", 1, stable=1), model("other", 1, stable=1))
    world.run(15)
    assert world.holds("gpu-1") == {HoldReason.ADOPTION_UNCONFIRMED}
    world.servers["gpu-1"].page = PAGE
    world.run_until_converged(limit=30)


def test_a_record_that_was_lost_meets_the_server_again_without_taking_anything_away(world: World) -> None:
    world.commit(model("half", 1, stable=1), model("other", 1, stable=1))
    world.run_until_converged(limit=30)
    world.crash()
    world.forget()
    world.start()
    world.run_until_converged(limit=30)
    assert world.answers("gpu-1", "other", "stable") == 1
