"""Delivery by file: a config written where a server polls it, whole or not at all.

For fleets whose servers run with `--model_config_file_poll_wait_seconds` above 0: there an RPC would be undone at the
next poll (rule E32). Also writes the label-free bootstrap file that a server reads at its start (rules E33, E34).

What a server thinks of a file it never tells: ACCEPTED means written. Deliberately not here: which config, and when.
"""

import asyncio
import contextlib
import os
import tempfile
from dataclasses import replace
from pathlib import Path

from reconciler.ports import ServingClient
from reconciler.state.config import ServerConfig
from reconciler.state.desired import DesiredServer
from reconciler.state.inference import Prediction, Question, Signatures
from reconciler.state.look import LabelReading, ModelLook, Page, ProofLook, Reach
from reconciler.state.memory import Answer, AnswerKind
from reconciler.wire import text

NOT_WRITTEN = 5
"""The code of a refusal that is ours: NOT_FOUND where the folder is missing, else any other failure to write."""

_MODE = 0o644
"""Readable by the server's user, who is hardly ever ours."""


def path_for(template: str | None, server: DesiredServer) -> str | None:
    """The file of one server: `{server}` in the Fleet's path stands for its name."""
    return template.replace("{server}", server.name) if template else template


def without_labels(config: ServerConfig) -> ServerConfig:
    """The config as a server may read it at its start: labels there end the process (rule E33)."""
    return ServerConfig(tuple(replace(model, labels=()) for model in config.models))


def write_config_file(path: str, config: ServerConfig) -> bool:
    """Write a config as text proto: a temporary file beside it, fsync, rename. A reader sees the old or the new whole.

    Returns:
        False where the file held exactly this already and was left alone.

    Raises:
        OSError: the folder is missing, not writable, or full; the old file is as it was.
    """
    target, content = Path(path), text.render(config).encode()
    with contextlib.suppress(OSError):
        if target.read_bytes() == content:
            return False
    handle, temporary = tempfile.mkstemp(prefix=f".{target.name}.", suffix=".tmp", dir=target.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fchmod(file.fileno(), _MODE)
            os.fsync(file.fileno())
        Path(temporary).replace(target)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    _sync_folder(target.parent)
    return True


class FileDelivery:
    """A server whose reloads are a file: everything else goes to the client within."""

    def __init__(self, client: ServingClient, path: str) -> None:
        self._client = client
        self._path = path

    def __repr__(self) -> str:
        return f"FileDelivery({self._client!r}, {self._path})"

    async def reload(self, config: ServerConfig) -> Answer:
        """Write the config file. REFUSED, with the reason, where it could not be written."""
        try:
            await asyncio.to_thread(write_config_file, self._path, config)
        except OSError as error:
            said = f"the config file {self._path} was not written: {error.strerror or error}"
            return Answer(AnswerKind.REFUSED, NOT_WRITTEN, said)
        return Answer(AnswerKind.ACCEPTED)

    async def reach(self) -> Reach:
        """See `ports.ServingClient`."""
        return await self._client.reach()

    async def status(self, model: str) -> ModelLook:
        """See `ports.ServingClient`."""
        return await self._client.status(model)

    async def read_label(self, model: str, label: str) -> LabelReading:
        """See `ports.ServingClient`."""
        return await self._client.read_label(model, label)

    async def page(self) -> Page:
        """See `ports.ServingClient`."""
        return await self._client.page()

    async def prove(self, model: str, version: int) -> ProofLook:
        """See `ports.ServingClient`."""
        return await self._client.prove(model, version)

    async def signatures(self, model: str, version: int) -> Signatures:
        """See `ports.ServingClient`."""
        return await self._client.signatures(model, version)

    async def predict(self, question: Question, deadline: float) -> Prediction:
        """See `ports.ServingClient`."""
        return await self._client.predict(question, deadline)

    def dropped(self) -> bool:
        """See `ports.ServingClient`."""
        return self._client.dropped()

    async def close(self) -> None:
        """See `ports.ServingClient`."""
        await self._client.close()


def _sync_folder(folder: Path) -> None:
    """Make the rename itself durable, where the file system lets folders be synced."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        with contextlib.suppress(OSError):
            os.fsync(handle)
    finally:
        os.close(handle)
