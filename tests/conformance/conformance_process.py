"""Worlds on real processes: one started here, or somebody's server that is reached by its address alone.

Here: the process and its files, and the world on top of a client. Used by the suite's conftest, which decides who
shares a server. Deliberately not here: messages (``conformance_client``).
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shlex
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from conformance_client import Client, to_proto
from conformance_exports import Export
from conformance_world import InFlight, Pending, Statuses, World
from google.protobuf import text_format

from reconciler.modelserver.core import ModelConfig, ServerConfig, Specific, Status

REPOSITORY = Path(__file__).resolve().parents[2]
EMBEDDED = shlex.join([sys.executable, "-m", "reconciler.modelserver"])
UNREADABLE = "model_config_list { config { name: \n"


def quiet_ports() -> tuple[int, int]:
    """Two free ports that nobody is given by chance: below those that systems hand out for outgoing connections.

    A server opens its ports only when its models are up, so there is time for others to take them.
    """
    found: list[int] = []
    while len(found) < 2:
        port = 20_000 + secrets.randbelow(12_000)
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
            found.append(port)
    return found[0], found[1]


class Server:
    """A process and a client of its ports; not started yet."""

    def __init__(self, command: str, flags: Sequence[str], folder: Path) -> None:
        self.flags = tuple(flags)
        self.config_file = folder / "models.config"
        self.models = folder / "models"
        self.models.mkdir(parents=True)
        self.blocked = False
        self._command = command
        self._folder = folder
        self._output = tempfile.TemporaryFile()  # noqa: SIM115  # lives as long as the process
        self._process: subprocess.Popen[bytes] | None = None
        port, rest_port = quiet_ports()
        self._ports = (f"--port={port}", f"--rest_api_port={rest_port}")
        self.client = Client(f"127.0.0.1:{port}", f"127.0.0.1:{rest_port}")

    def start(self) -> None:
        """Start the process with the config file as it is."""
        self._process = subprocess.Popen(
            [*shlex.split(self._command), *self._ports, f"--model_config_file={self.config_file}", *self.flags],
            stdout=self._output,
            stderr=subprocess.STDOUT,
            cwd=REPOSITORY,
            env=os.environ | {"CUDA_VISIBLE_DEVICES": "-1"},
            start_new_session=True,
        )

    def output(self) -> str:
        """What the process has written so far."""
        return os.pread(self._output.fileno(), 10_000_000, 0).decode(errors="replace")

    def exit_code(self) -> int | None:
        """None while it runs."""
        return self._process.poll() if self._process else None

    def kill(self) -> None:
        """End it as a crash does."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def close(self) -> None:
        """End it and everything that belongs to it."""
        self.client.close()
        self.kill()
        self._output.close()
        shutil.rmtree(self._folder, ignore_errors=True)


class ProcessWorld(World):
    """A world that is real. Without a server of ours, what needs one fails."""

    def __init__(self, tag: str, client: Client, root: Path, server: Server | None) -> None:
        super().__init__(tag)
        self.client = client
        self.kind = "foreign" if server is None else "embedded"
        self.flags = () if server is None else server.flags
        self._root = root
        self._server = server
        self._sent: list[tuple[ServerConfig, Pending]] = []

    @property
    def server(self) -> Server:
        """The process."""
        assert self._server is not None, "a foreign server can be asked, but not started, stopped or read"
        return self._server

    # -- the disk -----------------------------------------------------------------------------------------------------

    @property
    def root(self) -> str:
        return str(self._root)

    def make(self, path: str) -> None:
        Path(path).mkdir(parents=True, exist_ok=True)

    def put(self, path: str, export: Export) -> None:
        target = Path(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        scratch = Path(tempfile.mkdtemp(prefix="new-", suffix=".tmp", dir=target.parent))
        scratch.chmod(0o755)
        _fill(scratch, export)
        scratch.rename(target)

    def overwrite(self, path: str, export: Export) -> None:
        _fill(Path(path), export)

    def write(self, path: str) -> None:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Path(path).touch()

    def remove(self, path: str) -> None:
        target = Path(path)
        if target.is_dir():
            gone = target.rename(target.with_name(f"{target.name}.gone-{time.monotonic_ns()}"))
            shutil.rmtree(gone)
        else:
            target.unlink(missing_ok=True)

    # -- the server ---------------------------------------------------------------------------------------------------

    def start(self, config: ServerConfig | None) -> None:
        self.start_with(_text(config) if config else "\n")

    def start_with(self, text: str) -> None:
        """Start the process with a config file that says just this."""
        self.server.config_file.write_text(text)
        self.server.start()

    def is_open(self) -> bool:
        assert self.server.exit_code() is None, self.server.output()
        return self.client.answers()

    def last_words(self) -> str | None:
        if self.server.exit_code() is None:
            return None
        said = [line for line in self.server.output().splitlines() if "Failed to start server" in line]
        return said[-1][said[-1].index("Failed") :] if said else ""

    def restart(self) -> None:
        self.server.kill()
        self.server.start()
        self.until(self.is_open)

    def write_config(self, config: ServerConfig | None) -> None:
        text = UNREADABLE if config is None else _text(config)
        scratch = self.server.config_file.with_suffix(".new")
        scratch.write_text(text)
        scratch.rename(self.server.config_file)

    def log(self) -> str:
        return self.server.output()

    def send(self, *configs: ModelConfig, config: ServerConfig | None = None) -> Pending:
        sending = config if config is not None else ServerConfig(configs)
        began = self.now
        pending = self.client.send_reload(sending)
        pending.seconds = self.now - began
        self._sent.append((sending, pending))
        return pending

    def get_model_status(self, name: str, version: int | None = None, label: str | None = None) -> Statuses | Status:
        return self.client.get_model_status(name, version, label)

    def resolve(self, name: str, version: int | None = None, label: str | None = None) -> int | Status:
        return self.client.resolve(name, version, label)

    def content(self, name: str, version: int | None = None) -> int | Status:
        return self.client.content(name, version)

    def occupy(self, name: str, version: int | None, seconds: float) -> InFlight:
        return self.client.occupy(name, version, seconds)

    # -- time ---------------------------------------------------------------------------------------------------------

    @property
    def now(self) -> float:
        return time.monotonic()

    def wait(self, seconds: float) -> None:
        time.sleep(seconds)

    def pause(self, end: float) -> None:
        time.sleep(max(0.0, min(0.02, end - self.now)))

    # -- afterwards ---------------------------------------------------------------------------------------------------

    def leave_clean(self) -> bool:
        """Unload everything and say whether the next case can have this server."""
        self._heal()
        last = self.send()
        end = self.now + 4.0
        while self.now < end and not self._is_clean(last):
            self.pause(end)
        clean = self._is_clean(last, gone=frozenset({"END", "START"}))  # a START left now is a phantom (O82)
        shutil.rmtree(self._root, ignore_errors=True)
        return clean

    def _is_clean(self, last: Pending, gone: frozenset[str] = frozenset({"END"})) -> bool:
        answered = last.status is not None and last.status.ok
        return answered and all(set(model.states().values()) <= gone for model in self.models.values())

    def _heal(self) -> None:
        """Give a reload that still waits for a new model what it waits for."""
        for config, pending in self._sent:
            for model in config.models or () if pending.status is None else ():
                wanted = model.policy.versions if isinstance(model.policy, Specific) else (1,)
                for version in wanted:
                    path = f"{model.base_path}/{version}"
                    if model.base_path.startswith(self.root) and not Path(path).exists():
                        self.put(path, Export(version))


def _fill(folder: Path, export: Export) -> None:
    for name, content in export.files().items():
        (folder / name).write_bytes(content)


def _text(config: ServerConfig) -> str:
    message = to_proto(config)
    return "model_config_list {}\n" if config.models == () else str(text_format.MessageToString(message))
