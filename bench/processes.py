"""A model server process with both its ports, the models it is to serve, and what they cost.

For the benchmarks of the model server itself; `servers` is for those of the reconciler, which want bare calls.
"""

import contextlib
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import grpc
import psutil

from reconciler.state.config import ModelConfig, ServerConfig
from reconciler.state.versions import specific
from reconciler.wire import config as wire
from reconciler.wire import stubs

LIGHT, HEAVY = "half", "heavy"
END = 50
_EXPORT = """
import sys, pathlib
from reconciler.modelserver import samples
samples.export("half-plus", pathlib.Path(sys.argv[1]) / "half", 1)
samples.export("half-plus", pathlib.Path(sys.argv[1]) / "heavy", 1, ballast=int(sys.argv[2]))
"""


def export(folder: Path, heavy: int = 4) -> None:
    """A tiny model, and one of that many bytes, in a process of its own because TensorFlow is heavy."""
    command = [sys.executable, "-c", _EXPORT, str(folder), str(heavy)]
    subprocess.run(command, check=True, capture_output=True)


@dataclass(frozen=True, slots=True)
class Served:
    """A running server."""

    folder: Path
    ports: dict[str, int]
    channel: grpc.Channel
    process: psutil.Process

    def reload(self, *names: str) -> None:
        """Serve version 1 of these models and no others; returns when those that are new are up."""
        models = tuple(ModelConfig(name, str(self.folder / name), specific(1)) for name in names)
        request = stubs.model_management_pb2.ReloadConfigRequest(config=wire.to_proto(ServerConfig(models)))
        stubs.model_service_pb2_grpc.ModelServiceStub(self.channel).HandleReloadConfigRequest(request, timeout=60)

    def until_ended(self, name: str) -> None:
        """Wait until the version is unloaded."""
        request = stubs.get_model_status_pb2.GetModelStatusRequest()
        request.model_spec.name = name
        stub = stubs.model_service_pb2_grpc.ModelServiceStub(self.channel)
        while stub.GetModelStatus(request, timeout=10).model_version_status[0].state != END:
            time.sleep(0.01)

    def memory(self) -> int:
        """Resident bytes."""
        return int(self.process.memory_info().rss)


@contextlib.contextmanager
def serving(folder: Path, *names: str) -> Iterator[Served]:
    """A server that starts with these models, and has both ports open."""
    ports = dict(zip(("grpc", "rest"), _free_ports(), strict=True))
    with subprocess.Popen(
        command(folder, ports, *names), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as server:
        try:
            with grpc.insecure_channel(f"127.0.0.1:{ports['grpc']}") as channel:
                until_open(ports)
                yield Served(folder, ports, channel, psutil.Process(server.pid))
        finally:
            server.terminate()


def command(folder: Path, ports: dict[str, int], *names: str) -> list[str]:
    """The command line of such a server."""
    entries = (
        f'config {{ name: "{name}" base_path: "{folder / name}" model_platform: "tensorflow" }}' for name in names
    )
    config = folder / "models.config"
    config.write_text(f"model_config_list {{ {' '.join(entries)} }}\n", encoding="utf-8")
    flags = [f"--port={ports['grpc']}", f"--rest_api_port={ports['rest']}", f"--model_config_file={config}"]
    return [sys.executable, "-m", "reconciler.modelserver", *flags, "--max_num_load_retries=0", "--num_load_threads=2"]


def until_open(ports: dict[str, int]) -> None:
    """Wait until both ports take connections."""
    for port in ports.values():
        for _ in range(6000):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
                break
            time.sleep(0.01)


def _free_ports() -> list[int]:
    with contextlib.ExitStack() as held:
        sockets = [held.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(2)]
        return [int(each.getsockname()[1]) for each in sockets]
