"""The same failures on fleets of 10 and 100 servers: who is told what, counted; every line would be too many to read.

What is expected, and how it is written anew: `scripts_expected.py`.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace

import pytest
from scripts_expected import same_as_expected

from reconciler.sim import World, model
from reconciler.sim.storage import USUAL, Files
from reconciler.state.config import ModelConfig, ServerConfig
from reconciler.state.desired import BlastRadius, DesiredModel, MemoryBudget, Retry, Rollout, Suspend, Transition
from reconciler.state.desired import TransitionPolicy as Policy
from reconciler.state.export import TensorSpec
from reconciler.state.versions import specific

RENAMED = replace(USUAL, signatures=(replace(USUAL.signatures[0], inputs=(TensorSpec("pixels", "float", (-1,)),)),))
TAKEN = ServerConfig((ModelConfig("half", "/models/half", specific(1)),))


def half(version: int) -> DesiredModel:
    return model("half", version, stable=version)


def breaking_signature(world: World) -> None:
    world.storage.put("/models/half", 2, Files("half/2", export=RENAMED))
    world.commit(half(2))
    world.run(15)


def kept_and_taken_back(world: World) -> None:
    keep = Transition(keep_previous=600.0)
    world.commit(replace(half(2), transition=keep))
    world.run_until_converged(120)
    world.commit(replace(half(1), transition=keep))
    world.run_until_converged(120)


def load_that_fails_everywhere(world: World) -> None:
    world.model_files("half", 2, error="Can't parse saved_model.pb as binary proto")
    world.commit(replace(half(2), retry=Retry(1)))
    world.run(30)


def load_that_fails_in_a_rollout(world: World) -> None:
    world.fleet = replace(world.fleet, rollout=Rollout(2))
    world.model_files("half", 2, error="Can't parse saved_model.pb as binary proto")
    world.commit(replace(half(2), retry=Retry(1)))
    world.run(30)


def too_little_memory(world: World) -> None:
    world.memory = MemoryBudget(2000)
    world.commit(half(2))
    world.run(15)


def exchanges_one_after_the_other(world: World) -> None:
    world.commit(replace(half(2), transition=Transition(Policy.RESOURCE)))
    world.run_until_converged(1200)


def second_writer_everywhere(world: World) -> None:
    for name in world.servers:
        world.foreign_reload(name, TAKEN)
    world.run(30)


def too_many_removals(world: World) -> None:
    world.fleet = replace(world.fleet, prune=True, blast_radius=BlastRadius(2))
    world.commit(model("other", 1))
    world.run(15)


def suspended_for_a_while(world: World) -> None:
    world.fleet = replace(world.fleet, suspend=Suspend("the rack is moved", "ada", world.clock.now() + 20))
    world.commit(half(2))
    world.run(10)


SCRIPTS = [
    breaking_signature,
    kept_and_taken_back,
    load_that_fails_everywhere,
    load_that_fails_in_a_rollout,
    too_little_memory,
    exchanges_one_after_the_other,
    second_writer_everywhere,
    too_many_removals,
    suspended_for_a_while,
]


def summary(world: World) -> str:
    """Each line of the timeline without its server, with how many servers it was said of."""
    said = Counter(line.partition("  ")[2] for _, line in world.timeline.lines if line.startswith("gpu-"))
    held = Counter(
        f"{hold.reason.value} {hold.model}".rstrip() for plan in world.plans().values() for hold in plan.holds
    )
    return "".join(f"{count:4}  {line}\n" for line, count in said.items()) + "".join(
        f"{count:4}  holds stand: {line}\n" for line, count in sorted(held.items())
    )


@pytest.mark.parametrize("count", [10, 100])
@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.__name__)
def test_a_fleet_is_told_as_written_down(script: Callable[[World], None], count: int) -> None:
    with World(seed=42) as world:
        for number in range(1, count + 1):
            world.server(f"gpu-{number:03}")
        world.model_files("half", 1, 2)
        world.model_files("other", 1)
        world.commit(half(1))
        world.run_until_converged(120)
        world.timeline.clear()
        script(world)
        assert (world.lost, world.troubles) == ([], [])
        assert same_as_expected(f"{count}_{script.__name__}.txt", summary(world))
