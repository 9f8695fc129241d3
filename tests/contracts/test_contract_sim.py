"""The serving and storage contracts on the simulator."""

import asyncio
import random
from collections.abc import Callable
from typing import Any

import pytest
from serving_contract import ServingContract
from storage_contract import StorageContract

from reconciler.modelserver.core import Flags
from reconciler.sim.clients import Network, SimClient, to_core
from reconciler.sim.server import SimServer
from reconciler.sim.storage import Files, Storage
from reconciler.state.config import ModelConfig, ServerConfig
from reconciler.state.desired import Deadlines, DesiredServer, Fleet
from reconciler.state.versions import specific


class HandClock:
    """Server time that passes only when told to; answers are awaited on the real loop."""

    def __init__(self) -> None:
        self.now = 0.0

    def time(self) -> float:
        return self.now

    def call_at(self, when: float, callback: Callable[[], None], /) -> asyncio.Handle:
        del when  # the rig brings the server up to date itself
        return asyncio.Handle(callback, (), asyncio.get_running_loop())

    def create_future(self) -> asyncio.Future[Any]:
        return asyncio.get_running_loop().create_future()


class ServerRig:
    def __init__(self) -> None:
        self._clock = HandClock()
        storage = Storage()
        for name in ("m", "n"):
            for version in (1, 2, 3):
                storage.put(f"/models/{name}", version, Files(f"{name}/{version}"))
        flags = Flags(num_load_threads=2, max_num_load_retries=0, allow_version_labels_for_unavailable_models=True)
        self.server = SimServer("gpu-1", flags, storage, self._clock)
        wanted = ModelConfig("m", "/models/m", specific(1), (("stable", 1),))
        self.server.start(to_core(ServerConfig((wanted,))))
        desired = DesiredServer(Fleet("eu", deadlines=Deadlines(reload=0.05)), "gpu-1", "gpu-1")
        self.client = SimClient(self.server, desired, Network(random.Random(1)))

    async def passes(self, seconds: float) -> None:
        self._clock.now += seconds
        self.server.catch_up()
        self.server.settle()

    async def kill(self) -> None:
        self.server.kill()


class TestSimulatedServer(ServingContract):
    @pytest.fixture
    async def rig(self) -> ServerRig:
        rig = ServerRig()
        await rig.passes(3)
        return rig


class StoreRig:
    def __init__(self) -> None:
        self.store = Storage(unseen={"/elsewhere/m"})
        self.server = DesiredServer(Fleet("eu"), "gpu-1", "gpu-1")

    def publish(self, base_path: str, version: int) -> None:
        self.store.put(base_path, version, Files(f"{base_path}/{version}"))

    def spoil(self, base_path: str, version: int) -> None:
        self.store.change(base_path, version, lacks=("variables",))

    def withdraw(self, base_path: str, version: int) -> None:
        self.store.remove(f"{base_path}/{version}")


class TestSimulatedStorage(StorageContract):
    @pytest.fixture
    def rig(self) -> StoreRig:
        return StoreRig()
