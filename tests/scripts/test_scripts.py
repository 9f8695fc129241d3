"""Short scripts on the simulated world, and what their timelines say word for word.

What is expected, and how it is written anew: `scripts_expected.py`.
"""

from collections.abc import Callable
from dataclasses import replace

import pytest
from scripts_expected import same_as_expected

from reconciler.sim import CrashPoint, World, model
from reconciler.sim.predictions import Behaviour, plus
from reconciler.sim.world import resource
from reconciler.state.check import Check, CheckKind
from reconciler.state.desired import DesiredModel
from reconciler.state.plan import ActionKind


def promote_and_revert(world: World) -> None:
    """Load a canary, give it all, go back."""
    world.model_files("half", 1, 2)
    world.commit(model("half", 1, stable=1))
    world.run_until_converged()
    world.commit(model("half", 1, 2, stable=1, canary=2))
    world.run_until_converged()
    world.commit(model("half", 2, stable=2))
    world.run_until_converged()
    world.commit(model("half", 1, 2, stable=1, canary=2))
    world.run_until_converged()


def version_that_does_not_exist(world: World) -> None:
    """Held, nothing unloaded, until the files are there."""
    world.model_files("half", 1)
    world.commit(model("half", 1, stable=1))
    world.run_until_converged()
    world.commit(model("half", 9, stable=9))
    world.run(12)
    world.model_files("half", 9)
    world.run_until_converged()


def resource_exchange(world: World) -> None:
    """The old goes before the new comes."""
    world.model_files("big", 1, 2, seconds=1.0)
    world.commit(resource(model("big", 1, stable=1)))
    world.run_until_converged()
    world.commit(resource(model("big", 2, stable=2)))
    world.run_until_converged()


def empty_restart(world: World) -> None:
    """A server comes back with nothing: versions first, then labels."""
    world.model_files("a", 1, 2)
    world.model_files("b", 1)
    world.commit(model("a", 1, 2, stable=1, canary=2), model("b", 1, stable=1))
    world.run_until_converged()
    world.restart("gpu-1")
    world.run(1)
    world.run_until_converged()


def load_that_fails(world: World) -> None:
    """The label stays; a commit with another number goes through."""
    world.model_files("half", 1, 3)
    world.model_files("half", 2, error="Can't parse saved_model.pb")
    world.commit(model("half", 1, stable=1))
    world.run_until_converged()
    world.commit(model("half", 2, stable=2))
    world.run(8)
    world.commit(model("half", 3, stable=3))
    world.run_until_converged()


def check_that_fails(world: World) -> None:
    """The label stays, the version goes, the evidence is written; another version passes."""
    golden = Check("golden", request='{"instances": [[1.0]]}', expect='{"predictions": [[1.0]]}')
    drift = Check("drift", CheckKind.COMPARE, request='{"instances": [[1.0]]}', against="stable")

    def half(version: int) -> DesiredModel:
        return replace(model("half", version, stable=version), checks=(golden, drift))

    world.model_files("half", 1, 2, 3)
    world.commit(half(1))
    world.run_until_converged()
    world.network.predictions.script("half", 2, Behaviour(plus(1.0)))
    world.commit(half(2))
    world.run_until_at_rest()
    world.commit(half(3))
    world.run_until_converged()
    world.commit(half(1))
    world.run_until_converged()


def killed_with_a_reload_in_flight(world: World) -> None:
    """The reconciler dies after its RPC left, and goes on from its record."""
    world.model_files("half", 1, 2)
    world.commit(model("half", 1, stable=1))
    world.run_until_converged()
    world.crash_at(CrashPoint.RPC_SENT, ActionKind.LOAD)
    world.commit(model("half", 2, stable=2))
    world.run_until_crashed()
    world.start()
    world.run_until_converged()


SCRIPTS = [
    promote_and_revert,
    version_that_does_not_exist,
    resource_exchange,
    empty_restart,
    load_that_fails,
    check_that_fails,
    killed_with_a_reload_in_flight,
]


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.__name__)
def test_script_goes_as_written_down(script: Callable[[World], None]) -> None:
    with World(seed=42) as world:
        world.server("gpu-1")
        script(world)
        assert world.lost == []
        assert same_as_expected(f"{script.__name__}.txt", world.timeline.text(times=False))


def test_equal_scripts_give_equal_histories_to_the_microsecond() -> None:
    def history() -> str:
        with World(seed=42) as world:
            world.server("gpu-1")
            promote_and_revert(world)
            return world.timeline.text()

    assert history() == history()
