"""A bootstrap file that cannot be written is said, and keeps nobody from healing the server."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from reconciler.sim import World, model
from reconciler.sim.process import Process
from reconciler.state.config import ServerConfig
from reconciler.state.desired import Delivery


class FullDisk(dict[str, ServerConfig]):
    """Where bootstrap files go; no room while `full`."""

    full = True

    def __setitem__(self, path: str, config: ServerConfig) -> None:
        if self.full:
            raise OSError(28, "No space left on device")
        super().__setitem__(path, config)


@pytest.fixture
def world() -> Iterator[World]:
    with World(seed=6) as world:
        world.fleet = replace(world.fleet, delivery=Delivery(bootstrap_file="/boot/{server}"))
        world.server("gpu-1")
        world.model_files("half", 1)
        world.start()
        yield world


def started_on(world: World, disk: FullDisk) -> Process:
    """The process before its first lane, with that disk."""
    process = world.process
    assert process is not None
    assert process.service is not None
    process.bootstrap = disk
    tools = process.tools(world.timeline.hear)
    process.service.lanes._tools = tools
    return process


def test_server_is_healed_though_its_bootstrap_file_cannot_be_written(world: World) -> None:
    started_on(world, FullDisk())
    world.commit(model("half", 1, stable=1))
    world.run(20)
    world.restart("gpu-1")
    world.run_until(lambda: world.answers("gpu-1", "half", "stable") == 1, limit=10)
    assert [text.count("/boot/gpu-1") for text in world.troubles] == [1]


def test_bootstrap_file_is_written_when_there_is_room_again(world: World) -> None:
    disk = FullDisk()
    started_on(world, disk)
    world.commit(model("half", 1, stable=1))
    world.run(20)
    disk.full = False
    world.run(15)
    assert disk["/boot/gpu-1"].names == {"half"}
