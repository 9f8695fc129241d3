"""Scripts of bots on the simulated world: what their timelines say word for word, at 1 and 10 servers.

What is expected, and how it is written anew: `scripts_expected.py`. Of ten servers only the bots, the commits and how
many converged are written down, not every line.
"""

import itertools
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from scripts_expected import same_as_expected

from reconciler.sim import World, model
from reconciler.sim.predictions import Behaviour, plus
from reconciler.state.automation import Automation, Discover, OnFailure, Promotion
from reconciler.state.check import Check
from reconciler.state.desired import DesiredModel, Retry, Rollout, Wave

GOLDEN = Check("golden", request='{"instances": [[1.0], [2.5]]}', expect='{"predictions": [[1.0], [2.5]]}')
CANARY = Rollout(2, 1, (Wave("first", (("tier", "canary"),), pause=30.0), Wave("rest")))


def half(how: Automation, *versions: int, **labels: int) -> DesiredModel:
    wanted = replace(model("half", *versions), labels=tuple(sorted(labels.items())), checks=(GOLDEN,))
    return replace(wanted, automation=how, retry=Retry(limit=1))


def automatic_rollback(world: World) -> None:
    """A version that answers wrongly is taken back by a commit; the next one is taken up as usual."""
    push = Automation(OnFailure.PUSH)
    world.commit(half(push, 1, stable=1))
    world.run_until_converged(limit=400)
    world.timeline.clear()
    world.network.predictions.script("half", 2, Behaviour(plus(1.0)))
    world.commit(half(push, 2, stable=2))
    world.run_until(lambda: len(world.repository.line) == 3, limit=60)
    world.run_until_converged(limit=60)
    world.commit(half(push, 3, stable=3))
    world.run_until_converged(limit=400)


def promotion_after_its_time(world: World) -> None:
    """The canary stands well for two minutes; stable follows, and the old version leaves."""
    auto = Automation(promotion=Promotion(bake=120.0, drop_old=True))
    world.commit(half(auto, 1, 2, stable=1, canary=2))
    world.run_until_converged(limit=400)
    world.timeline.clear()
    world.run_until(lambda: len(world.repository.line) == 2, limit=300)
    world.run_until_converged(limit=400)


def version_from_storage(world: World) -> None:
    """A good version goes the whole way; a bad one is taken back once and not taken up again."""
    everything = Automation(OnFailure.PUSH, Promotion(bake=60.0, drop_old=True), Discover())
    world.commit(half(everything, 1, stable=1, canary=1))
    world.run_until_converged(limit=400)
    world.timeline.clear()
    world.model_files("half", 4)
    world.run_until(lambda: len(world.repository.line) == 3, limit=600)
    world.run_until_converged(limit=400)
    world.network.predictions.script("half", 5, Behaviour(plus(1.0)))
    world.model_files("half", 5)
    world.run_until(lambda: len(world.repository.line) == 5, limit=300)
    world.run_until_converged(limit=400)
    world.run(300)


SCRIPTS = [automatic_rollback, promotion_after_its_time, version_from_storage]


def files(world: World, script: Callable[[World], None]) -> None:
    """What is in storage when the script begins: with bots that look there, only what is live."""
    world.bots = True
    world.model_files("half", 1)
    if script is not version_from_storage:
        world.model_files("half", 2, 3)


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.__name__)
def test_bots_go_on_as_written_down(script: Callable[[World], None]) -> None:
    with World(seed=42) as world:
        files(world, script)
        world.server("gpu-1")
        script(world)
        assert (world.lost, world.troubles) == ([], [])
        assert same_as_expected(f"{script.__name__}.txt", world.timeline.text(times=False))


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.__name__)
def test_with_ten_servers_in_waves_bots_act_once_for_all(script: Callable[[World], None]) -> None:
    with World(seed=42) as world:
        files(world, script)
        world.fleet = replace(world.fleet, rollout=CANARY)
        for number in range(1, 11):
            world.server(f"gpu-{number:03}", tier="canary" if number == 1 else "prod")
        script(world)
        assert (world.lost, world.troubles) == ([], [])
        told = of_note(world.timeline.text(times=False).splitlines())
        assert same_as_expected(f"{script.__name__}_on_10_servers.txt", "".join(f"{line}\n" for line in told))


def of_note(lines: list[str]) -> Iterator[str]:
    """Commits, what bots say, and how many servers converged; in which order they did is of no interest here."""
    words = (line.partition("  ")[2] if "  converged on " in line else line for line in lines)
    for line, group in itertools.groupby(each for each in words if each.startswith(("bot ", "commit ", "converged "))):
        yield f"{len([*group])} servers {line}" if line.startswith("converged ") else line
