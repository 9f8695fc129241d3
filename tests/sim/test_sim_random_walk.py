"""Random commits and faults: no label is lost at any point, and when the faults stop everything converges."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from reconciler.modelserver.core import Flags
from reconciler.sim import World, model
from reconciler.sim.world import resource
from reconciler.state.config import ModelConfig, ServerConfig
from reconciler.state.desired import DesiredModel
from reconciler.state.plan import HoldReason
from reconciler.state.versions import specific

NAMES = ("a", "b")
VERSIONS = (1, 2, 3, 4)


def random_model(world: World, name: str) -> DesiredModel:
    """Any window of versions, with `stable` and perhaps `canary` somewhere in it."""
    chance = world.random
    window = sorted(chance.sample(VERSIONS, chance.randint(1, 3)))
    labels = {"stable": chance.choice(window)}
    if chance.random() < 0.4:
        labels["canary"] = chance.choice(window)
    wanted = replace(model(name, *window), labels=tuple(sorted(labels.items())))
    return resource(wanted) if chance.random() < 0.2 else wanted


def commit(world: World) -> None:
    names = [name for name in NAMES if name == "a" or world.random.random() < 0.8]
    world.commit(*(random_model(world, name) for name in names))


def restart_empty(world: World) -> None:
    world.restart("gpu-1")


def restart_from_file(world: World) -> None:
    world.restart("gpu-1", ServerConfig((ModelConfig("a", "/models/a", specific(1)),)))


def lose_something(world: World) -> None:
    world.random.choice([world.lose_answers, world.lose_answers])("gpu-1")


def kill_the_reconciler(world: World) -> None:
    world.crash()
    world.run(world.random.uniform(0, 2))
    world.start()


def lose_the_record(world: World) -> None:
    world.crash()
    world.forget()
    world.start()


def partition(world: World) -> None:
    world.servers["gpu-1"].silent = True
    world.run(world.random.uniform(0, 6))
    world.servers["gpu-1"].silent = False


def corrupt_for_a_while(world: World) -> None:
    name, version = world.random.choice(NAMES), world.random.choice(VERSIONS)
    error = world.random.choice(["", "Can't parse saved_model.pb"])
    world.storage.change(f"/models/{name}", version, error=error, seconds=world.random.uniform(0.05, 3))


CALM: tuple[Callable[[World], None], ...] = (commit, commit, commit, kill_the_reconciler)
ROUGH = (*CALM, restart_empty, restart_from_file, lose_something, lose_the_record, partition, corrupt_for_a_while)


IN_LINE = Flags(num_load_threads=0, num_unload_threads=0, max_num_load_retries=0)


def world_with_files(seed: int, flags: Flags | None = None) -> World:
    world = World(seed, flags=flags)
    world.fleet = replace(world.fleet, prune=True)
    world.server("gpu-1")
    for name in NAMES:
        world.model_files(name, *VERSIONS, seconds=world.random.uniform(0.05, 1.5))
    return world


def walk(world: World, steps: tuple[Callable[[World], None], ...], count: int) -> None:
    commit(world)
    for _ in range(count):
        world.run(world.random.expovariate(0.4))
        world.random.choice(steps)(world)


def mend(world: World) -> None:
    for name in NAMES:
        for version in VERSIONS:
            # Other bytes: what was quarantined is tried again, if the last commit happens to ask for it.
            mended = {"error": "", "seconds": 0.2, "content": f"{name}/{version} mended"}
            world.storage.change(f"/models/{name}", version, **mended)
    world.network.lost_answers.clear()
    if not world.servers["gpu-1"].up:  # it started from files that were corrupt then, and exits
        restart_empty(world)
    commit(world)


def as_wanted(world: World) -> bool:
    head = world.repository.head
    assert head is not None
    wanted = {each.name: each for each in head.servers[0].models}
    served = world.serves("gpu-1")
    labels = [(each.name, label, target) for each in wanted.values() for label, target in each.labels]
    right = {name: each.policy.versions for name, each in wanted.items()}  # type: ignore[union-attr]
    return served == right and all(world.answers("gpu-1", name, label) == target for name, label, target in labels)


@pytest.mark.parametrize("seed", range(12))
def test_random_commits_and_crashes_lose_no_label(seed: int) -> None:
    with world_with_files(seed) as world:
        walk(world, CALM, 20)
        assert world.lost == []
        assert world.troubles == []
        world.run_until(lambda: as_wanted(world), limit=60)


@pytest.mark.parametrize("seed", range(16))
def test_random_faults_lose_no_label_and_end_in_convergence(seed: int) -> None:
    with world_with_files(1000 + seed) as world:
        walk(world, ROUGH, 20)
        mend(world)
        world.run_until(lambda: as_wanted(world), limit=400)
        assert world.lost == []
        assert world.troubles == []
        assert HoldReason.WEDGED not in world.holds("gpu-1")


@pytest.mark.parametrize("seed", [201, 217, 5237, 226])
def test_random_faults_on_a_server_that_loads_in_line_end_in_convergence(seed: int) -> None:
    with world_with_files(seed, IN_LINE) as world:
        walk(world, ROUGH, 20)
        mend(world)
        world.run_until(lambda: as_wanted(world), limit=400)
        assert world.lost == []
        assert world.troubles == []
