"""The processes of the demo: two model servers and the service, each in a process group of its own, all on loopback.

Made by `__init__`, steered by `story.py`. Whatever happens, `close` leaves nothing running: groups are ended by signal.
"""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

SERVER_FLAGS = (
    "--file_system_poll_wait_seconds=1",
    "--num_load_threads=2",
    "--num_unload_threads=1",
    "--max_num_load_retries=0",
)
START_WITHIN = 60.0


class DidNotStart(Exception):
    """A process of the demo ended or stayed silent; the message quotes its log."""


@dataclass(slots=True)
class ModelServer:
    """One model server: its id (fleet/server), its ports, and the process that runs now."""

    name: str
    grpc_port: int
    rest_port: int
    folder: Path
    process: subprocess.Popen[bytes] | None = None

    @property
    def log(self) -> Path:
        """Where it writes."""
        return self.folder / f"{self.name.replace('/', '-')}.log"

    def start(self) -> None:
        """Start it empty, as after a crash: with an explicit empty list."""
        config = self.folder / "empty.config"
        config.write_text("model_config_list {}\n")
        ports = (f"--port={self.grpc_port}", f"--rest_api_port={self.rest_port}")
        argv = ["model-server", *ports, f"--model_config_file={config}", *SERVER_FLAGS]
        self.process = _start(argv, self.log)

    def kill(self) -> None:
        """End it as a crash would: SIGKILL, no goodbye."""
        if self.process is not None:
            _end(self.process, signal.SIGKILL, 5.0)

    def wait(self) -> None:
        """Wait until its ports take connections. Raises DidNotStart."""
        deadline = time.monotonic() + START_WITHIN
        while not (_listens(self.grpc_port) and _listens(self.rest_port)):
            if self.process is None or self.process.poll() is not None or time.monotonic() > deadline:
                raise DidNotStart(f"Model server {self.name} did not start:\n{tail(self.log)}")
            time.sleep(0.05)


@dataclass(slots=True)
class Processes:
    """Everything the demo starts."""

    folder: Path
    servers: list[ModelServer] = field(default_factory=list)
    exporting: list[subprocess.Popen[bytes]] = field(default_factory=list)
    service: subprocess.Popen[bytes] | None = None

    def add(self, name: str) -> ModelServer:
        """A model server on free ports, not yet started."""
        grpc_port, rest_port = free_ports(2)
        server = ModelServer(name, grpc_port, rest_port, self.folder)
        self.servers.append(server)
        return server

    def start_service(self, repository: Path, state: Path) -> None:
        """Start `reconciler run` on the demo's repository, as its user would, with the right to commit."""
        argv = ["run", "--repo", str(repository), "--state", str(state), "--interval", "2", "--observe-interval", "2"]
        self.service = _start([*argv, "--log-format", "json", "--bots"], self.service_log)

    @property
    def service_log(self) -> Path:
        """Where the service writes."""
        return self.folder / "service.log"

    def close(self) -> float:
        """End everything; the seconds that the service took to end by itself after SIGTERM."""
        began = time.monotonic()
        if self.service is not None:
            _end(self.service, signal.SIGTERM, 6.0)
        took = time.monotonic() - began
        for process in [*self.exporting, *(each.process for each in self.servers if each.process is not None)]:
            _end(process, signal.SIGTERM, 3.0)
        return took


def free_ports(count: int) -> list[int]:
    """Ports of loopback that nobody uses now."""
    with contextlib.ExitStack() as stack:
        taken = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in taken:
            each.bind(("127.0.0.1", 0))
        return [int(each.getsockname()[1]) for each in taken]


def tail(log: Path, lines: int = 15) -> str:
    """The end of a log."""
    return "\n".join(log.read_text(errors="replace").splitlines()[-lines:]) if log.exists() else "(no log)"


def _start(argv: list[str], log: Path) -> subprocess.Popen[bytes]:
    environment = {
        **os.environ,
        "CUDA_VISIBLE_DEVICES": "-1",
        "TF_CPP_MIN_LOG_LEVEL": "2",
        "TF_ENABLE_ONEDNN_OPTS": "0",
    }
    with log.open("ab") as out:
        return subprocess.Popen(  # noqa: S603 - our own module
            [sys.executable, "-m", "reconciler", *argv],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            env=environment,
            start_new_session=True,  # a group of its own: Ctrl-C reaches the demo alone, which then ends all in order
        )


def _end(process: subprocess.Popen[bytes], how: signal.Signals, within: float) -> None:
    """Signal the process's group, and kill what is left of it."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, how)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(within)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait(5.0)


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(0.2)
        return probe.connect_ex(("127.0.0.1", port)) == 0
