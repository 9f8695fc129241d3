"""The storage contract on fsspec: a local disk, and an object store."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import fsspec
import pytest
from exports import saved_model
from storage_contract import StorageContract

from reconciler.adapters.storage import FsspecStore
from reconciler.state.desired import DesiredServer, Fleet, StorageMapping

FILES = {
    "saved_model.pb": saved_model(),
    "variables/variables.index": b"index",
    "variables/variables.data-00000-of-00001": b"tensors",
}


def mapped(url: str) -> DesiredServer:
    return DesiredServer(Fleet("f", storage=(StorageMapping("/models", url),)), "s", "here:8500")


class DiskRig:
    def __init__(self, root: Path) -> None:
        self.store = FsspecStore(shared_for=0.0, still_after=0.0)
        self.server = mapped(f"file://{root}")
        self._root = root

    def publish(self, base_path: str, version: int) -> None:
        for name, content in FILES.items():
            file = self._at(base_path, version) / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)

    def spoil(self, base_path: str, version: int) -> None:
        shutil.rmtree(self._at(base_path, version) / "variables")

    def withdraw(self, base_path: str, version: int) -> None:
        shutil.rmtree(self._at(base_path, version))

    def _at(self, base_path: str, version: int) -> Path:
        return self._root / base_path.removeprefix("/models/") / str(version)


class BucketRig:
    def __init__(self, bucket: str) -> None:
        self.store = FsspecStore(shared_for=0.0, still_after=0.0)
        self.server = mapped(f"memory://{bucket}")
        self._bucket = bucket
        self._memory = fsspec.filesystem("memory")

    def publish(self, base_path: str, version: int) -> None:
        for name, content in FILES.items():
            self._memory.pipe(f"{self._at(base_path, version)}/{name}", content)

    def spoil(self, base_path: str, version: int) -> None:
        self._memory.rm(f"{self._at(base_path, version)}/variables", recursive=True)

    def withdraw(self, base_path: str, version: int) -> None:
        self._memory.rm(self._at(base_path, version), recursive=True)

    def _at(self, base_path: str, version: int) -> str:
        return f"/{self._bucket}/{base_path.removeprefix('/models/')}/{version}"


class TestLocalDisk(StorageContract):
    """All of the contract on a local disk."""

    @pytest.fixture
    def rig(self, tmp_path: Path) -> Iterator[DiskRig]:
        rig = DiskRig(tmp_path)
        yield rig
        rig.store.close()


class TestObjectStore(StorageContract):
    """All of the contract on an object store."""

    @pytest.fixture
    def rig(self, request: pytest.FixtureRequest) -> Iterator[BucketRig]:
        rig = BucketRig(f"contract-{request.node.name}")
        yield rig
        rig.store.close()
