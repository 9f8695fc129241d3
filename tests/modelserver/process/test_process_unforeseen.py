"""Faults of ours in the threads of the host: each ends in a status, so that the core never waits for ever."""

import asyncio
from pathlib import Path

from reconciler.modelserver.core import Code, Core, Flags, Latest, ModelConfig, ServerConfig, Status
from reconciler.modelserver.disk import LocalDisk
from reconciler.modelserver.host import Host, Outside
from reconciler.modelserver.savedmodel import SavedModel
from reconciler.modelserver.statuses import StatusError


def fails(_: str = "") -> SavedModel:
    raise ValueError("a fault of ours")


def never_read() -> Status:
    return Status(Code.UNKNOWN, "there is no file")


class FaultyDisk(LocalDisk):
    """Everything is there, but listing a base path fails ``faults`` times, and looking into versions always."""

    def __init__(self, faults: int) -> None:
        self._faults = faults

    def get_children(self, path: str) -> tuple[str, ...] | Status:
        if self._faults or Path(path).name == "1":
            self._faults = max(self._faults - 1, 0)
            raise ValueError("a fault of ours")
        return super().get_children(path)


def one_model(root: Path) -> ServerConfig:
    (root / "1").mkdir(exist_ok=True)
    return ServerConfig((ModelConfig("m", str(root), policy=Latest()),))


async def test_a_load_with_a_fault_of_ours_ends_like_one_that_failed(tmp_path: Path) -> None:
    host = Host(Core(Flags(max_num_load_retries=0), LocalDisk(), 0.0), Outside(fails, never_read), 1)
    status = await host.start(one_model(tmp_path))
    host.close()
    assert "{name: m version: 1} due to error: INTERNAL: ValueError: a fault of ours}" in status.message


async def test_looking_at_the_disk_with_a_fault_of_ours_is_tried_again(tmp_path: Path) -> None:
    flags = Flags(max_num_load_retries=0, file_system_poll_wait_seconds=0.05)
    host = Host(Core(flags, FaultyDisk(1), 0.0), Outside(fails, never_read), 1)
    status = await host.start(one_model(tmp_path))
    host.close()
    assert "resources to load servable {name: m version: 1}: ValueError: a fault of ours" in status.message


async def test_a_config_file_is_read_again_after_a_fault_of_ours(tmp_path: Path) -> None:
    readings = iter(["fault", "fault"])

    def read() -> ServerConfig:
        if next(readings, None):
            raise ValueError("a fault of ours")
        return one_model(tmp_path)

    flags = Flags(max_num_load_retries=0, file_system_poll_wait_seconds=0.05, model_config_file_poll_wait_seconds=0.05)
    host = Host(Core(flags, LocalDisk(), 0.0), Outside(fails, read), 1)
    await host.start(ServerConfig(()))
    async with asyncio.timeout(20):
        while not is_known(host):  # noqa: ASYNC110  # nothing but a look tells
            await asyncio.sleep(0.01)
    host.close()


def is_known(host: Host) -> bool:
    try:
        return bool(host.get_model_status("m", None))
    except StatusError:
        return False
