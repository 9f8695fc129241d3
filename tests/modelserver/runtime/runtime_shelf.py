"""Exported SavedModels for the tests of the runtime: load them, call them, damage copies of them."""

import os
import shutil
import struct
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from reconciler.modelserver import savedmodel
from reconciler.modelserver.ctensors import Array
from reconciler.modelserver.savedmodel import SavedModel, SessionSettings
from reconciler.modelserver.statuses import StatusError
from reconciler.wire.stubs import saved_model_pb2

ROOT = Path(__file__).parents[3]
EXPORTS = Path(__file__).with_name("runtime_exports.py")
SETTINGS = SessionSettings()


def export_into(folder: Path) -> Path:
    """Run the export in a process of its own."""
    command = [sys.executable, str(EXPORTS), str(folder)]
    subprocess.run(command, check=True, timeout=120, capture_output=True, env=_environment())
    return folder


def _environment() -> dict[str, str]:
    return os.environ | {"PYTHONPATH": str(ROOT), "CUDA_VISIBLE_DEVICES": "-1"}


@contextmanager
def loaded(path: Path, settings: SessionSettings = SETTINGS) -> Iterator[SavedModel]:
    """A SavedModel for the time of a block."""
    saved_model = savedmodel.load(str(path), settings)
    try:
        yield saved_model
    finally:
        saved_model.close()


def call(
    saved_model: SavedModel, inputs: Mapping[str, Any], signature: str = "serving_default", timeout_ms: int = 0
) -> dict[str, Array]:
    """Run a signature by its aliases."""
    served = saved_model.signatures[signature]
    feeds = {served.inputs[alias].name: np.asarray(value) for alias, value in inputs.items()}
    names = sorted(served.outputs)
    values = saved_model.run(feeds, [served.outputs[alias].name for alias in names], timeout_ms)
    return dict(zip(names, values, strict=True))


def text(*values: bytes) -> Array:
    """Strings as the server passes them on."""
    return np.array(values, dtype=object)


def refused(work: Callable[[], object]) -> tuple[str, str]:
    """Code name and text of the StatusError some work ends in."""
    try:
        work()
    except StatusError as error:
        return error.status.code.name, error.status.message
    raise AssertionError("not refused")


@dataclass(frozen=True, slots=True)
class Copy:
    """A version directory of half-plus to damage."""

    path: Path

    @property
    def graph(self) -> Path:
        return self.path / "saved_model.pb"

    @property
    def index(self) -> Path:
        return self.path / "variables" / "variables.index"

    @property
    def data(self) -> Path:
        return self.path / "variables" / "variables.data-00000-of-00001"

    def message(self) -> Any:
        return saved_model_pb2.SavedModel.FromString(self.graph.read_bytes())

    def edit(self, change: Callable[[Any], object]) -> None:
        message = self.message()
        change(message.meta_graphs[0])
        self.graph.write_bytes(message.SerializeToString())

    def load(self, settings: SessionSettings = SETTINGS) -> SavedModel:
        savedmodel.check_kind(str(self.path))
        return savedmodel.load(str(self.path), settings)


def copied(exported: Path, folder: Path) -> Copy:
    return Copy(Path(shutil.copytree(exported, folder)))


# -- TFRecord files ---------------------------------------------------------------------------------------------------


def record(content: bytes) -> bytes:
    """One record of a TFRecord file."""
    length = struct.pack("<Q", len(content))
    return length + _masked(length) + content + _masked(content)


def _masked(content: bytes) -> bytes:
    crc = 0xFFFFFFFF
    for byte in content:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ (0x82F63B78 if crc & 1 else 0)
    crc ^= 0xFFFFFFFF
    return struct.pack("<I", (((crc >> 15) | (crc << 17)) + 0xA282EAD8) & 0xFFFFFFFF)
