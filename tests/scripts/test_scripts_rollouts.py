"""Scripts of rollouts on the simulated world: what their timelines say word for word, at 1, 10 and 100 servers.

What is expected, and how it is written anew: `scripts_expected.py`. Of a hundred servers only the order is written
down, not every line.
"""

from collections.abc import Callable
from dataclasses import replace

import pytest
from scripts_expected import same_as_expected

from reconciler.sim import World, model
from reconciler.sim.storage import USUAL, Files
from reconciler.state.desired import DesiredModel, Retry, Rollout, Suspend, Transition, Wave
from reconciler.state.export import TensorSpec

CANARY = Rollout(2, 1, (Wave("first", (("tier", "canary"),), pause=60.0), Wave("rest")))
RENAMED = replace(USUAL, signatures=(replace(USUAL.signatures[0], inputs=(TensorSpec("pixels", "float", (-1,)),)),))


def fleet(world: World, count: int) -> None:
    """So many servers under the rules, the first of them a canary, all on version 1."""
    world.fleet = replace(world.fleet, rollout=CANARY)
    for number in range(1, count + 1):
        world.server(f"gpu-{number:03}", tier="canary" if number == 1 else "prod")
    world.model_files("half", 1, 2)
    world.commit(model("half", 1, stable=1))
    world.run_until_converged(limit=600)
    world.timeline.clear()


def keeping(version: int) -> DesiredModel:
    return replace(model("half", version, stable=version), transition=Transition(keep_previous=60.0))


def kept_version(world: World) -> None:
    """A revert within the time flips the label; without one the old version goes when its time is over."""
    world.server("gpu-1")
    world.model_files("half", 1, 2)
    world.commit(keeping(1))
    world.run_until_converged()
    world.commit(keeping(2))
    world.run_until_converged()
    world.commit(keeping(1))
    world.run_until_converged()
    world.commit(keeping(2))
    world.run_until_converged()
    world.run(70)


def breaking_signature(world: World) -> None:
    """Held before anything is touched; another version goes through."""
    world.server("gpu-1")
    world.model_files("half", 1, 3)
    world.storage.put("/models/half", 2, Files("half/2", export=RENAMED))
    world.commit(model("half", 1, stable=1))
    world.run_until_converged()
    world.commit(model("half", 2, stable=2))
    world.run(12)
    world.commit(model("half", 3, stable=3))
    world.run_until_converged()


def suspended_model(world: World) -> None:
    """Nothing is changed until the suspension ends by itself."""
    world.server("gpu-1")
    world.model_files("half", 1, 2)
    world.commit(model("half", 1, stable=1))
    world.run_until_converged()
    until = world.clock.now() + 30
    world.commit(replace(model("half", 2, stable=2), suspend=Suspend("an incident", "ada", until)))
    world.run(40)


def retried_version(world: World) -> None:
    """Quarantined at once, and tried again when a person says so."""
    world.server("gpu-1")
    world.model_files("half", 1)
    world.model_files("half", 2, error="Can't parse saved_model.pb as binary proto")
    world.commit(model("half", 1, stable=1))
    world.run_until_converged()
    world.commit(replace(model("half", 2, stable=2), retry=Retry(limit=1)))
    world.run(12)
    world.storage.change("/models/half", 2, error="")
    assert world.process is not None
    assert world.process.service is not None
    world.process.service.lanes.retry("half")
    world.run(12)


def three_servers_in_waves(world: World) -> None:
    """The canary first, a pause, then the rest."""
    fleet(world, 3)
    world.commit(model("half", 2, stable=2))
    world.run_until_converged(limit=200)


def failure_in_the_first_wave(world: World) -> None:
    """It stops the rest; the revert goes through at once."""
    fleet(world, 3)
    world.model_files("half", 3, error="Can't parse saved_model.pb as binary proto")
    world.commit(replace(model("half", 3, stable=3), retry=Retry(limit=1)))
    world.run(90)
    world.commit(model("half", 1, stable=1))
    world.run_until_converged(limit=30)


SCRIPTS = [
    kept_version,
    breaking_signature,
    suspended_model,
    retried_version,
    three_servers_in_waves,
    failure_in_the_first_wave,
]


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.__name__)
def test_rollout_goes_as_written_down(script: Callable[[World], None]) -> None:
    with World(seed=42) as world:
        script(world)
        assert (world.lost, world.troubles) == ([], [])
        assert same_as_expected(f"{script.__name__}.txt", world.timeline.text(times=False))


@pytest.mark.parametrize("count", [10, 100])
def test_many_servers_change_in_the_order_written_down(count: int) -> None:
    with World(seed=42) as world:
        fleet(world, count)
        world.commit(model("half", 2, stable=2))
        world.run_until_converged(limit=600)
        done = [line for line in world.timeline.text(times=False).splitlines() if "converged" in line]
        assert (world.lost, world.troubles) == ([], [])
        assert same_as_expected(f"waves_of_{count}_servers.txt", "\n".join(done) + "\n")
