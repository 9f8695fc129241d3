"""The process: from a command line to open ports, and out again.

Here: start-up in the order of the real server (flags, configuration, models, then ports), the words it prints, signals
and exit codes. Called by ``reconciler.modelserver.main``. TensorFlow is imported by a thread of its own from the first
moment on: a server that begins without models opens its ports while that is still going on.

Not here: what happens once a request is in (fronts, host, core).
"""

import asyncio
import contextlib
import importlib.metadata
import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, TextIO

import uvicorn

from reconciler import __version__
from reconciler.modelserver import configs, flags, grpcfront, runtime
from reconciler.modelserver.core import Core, Flags, Status
from reconciler.modelserver.disk import LocalDisk
from reconciler.modelserver.flags import ServerFlags
from reconciler.modelserver.host import Host, Outside
from reconciler.modelserver.loader import Loader
from reconciler.modelserver.restfront import RestFront
from reconciler.modelserver.savedmodel import SessionSettings
from reconciler.modelserver.statuses import Code, StatusError
from reconciler.modelserver.telemetry import Telemetry
from reconciler.modelserver.warmup import Warmup

_PROGRAM = "reconciler model-server"
_GRACE = 0.3  # seconds for requests in flight when told to stop; the real server gives none
_journal = logging.getLogger("reconciler.modelserver")


def main(argv: Sequence[str]) -> int:
    """Parse, serve, and leave. Ends the process itself where TensorFlow cannot be interrupted."""
    voice = _open_voice()
    try:
        parsed = flags.parse(argv)
    except StatusError as error:
        voice.write(f"{error.status.message}\n{flags.usage(_PROGRAM)}\n")
        return 1
    if parsed.help_wanted or parsed.flags.version:
        sys.stdout.write(f"{_versions() if parsed.flags.version else flags.usage(_PROGRAM)}\n")
        return 0
    if parsed.unknown:
        voice.write(f"unknown argument: {parsed.unknown[0]}\n{flags.usage(_PROGRAM)}\n")
    _start_journal(voice)
    process = _Process(parsed.flags, voice)
    code = asyncio.run(process.run())
    if not process.idle:
        voice.flush()
        os._exit(code)  # a load or an inference in C++ cannot be stopped, and nothing of it is worth waiting for
    return code


def _versions() -> str:
    tensorflow = importlib.metadata.version("tensorflow")
    return f"TensorFlow ModelServer: reconciler {__version__}\nTensorFlow Library: {tensorflow}"


def _open_voice() -> TextIO:
    """A stream to standard error that stays open while TensorFlow's chatter is turned away from descriptor 2."""
    return os.fdopen(os.dup(2), "w", buffering=1)


def _start_journal(voice: TextIO) -> None:
    handler = logging.StreamHandler(voice)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname).1s %(message)s"))
    _journal.handlers[:] = [handler]
    _journal.setLevel(logging.INFO)
    _journal.propagate = False


class _Process:
    """One run of the server."""

    def __init__(self, wanted: ServerFlags, voice: TextIO) -> None:
        self._flags = wanted
        self._voice = voice
        self._importing = threading.Thread(target=runtime.prepare, name="tensorflow", daemon=True)
        self.idle = True
        """Whether no thread is left that would keep the process from ending."""

    async def run(self) -> int:
        """Load, open, wait for a signal, close."""
        told_to_stop = _on_signals()
        self._importing.start()
        host = self._host()
        try:
            status = await _first(self._start(host), told_to_stop)
            if isinstance(status, Status) and not status.ok:
                self._voice.write(f"Failed to start server. Error: {status}\n")
                return 1
            if not told_to_stop.is_set():
                await self._serve(host, told_to_stop)
        except StatusError as error:
            self._voice.write(f"Failed to start server. Error: {error.status}\n")
            return 1
        finally:
            self.idle = host.close() and not self._importing.is_alive()
        return 0

    def _host(self) -> Host:
        wanted = self._flags
        telemetry = Telemetry()
        outside = Outside(
            load=_loader(wanted, telemetry).load,
            read_config=lambda: configs.read_again(Path(wanted.model_config_file)),
        )
        core = Core(_core_flags(wanted), LocalDisk(), asyncio.get_running_loop().time())
        return Host(core, outside, wanted.grpc_max_threads, telemetry)

    async def _start(self, host: Host) -> Status:
        if not self._flags.port and not self._flags.grpc_socket_path:
            raise StatusError(Code.INVALID_ARGUMENT, "server_options.grpc_port is not set.")
        return await host.start(configs.at_start(self._flags))

    async def _serve(self, host: Host, told_to_stop: asyncio.Event) -> None:
        wanted = self._flags
        async with contextlib.AsyncExitStack() as ports:
            for address in self._grpc_addresses():
                await self._open_grpc(host, address, ports)
            if wanted.rest_api_port and wanted.rest_api_port == wanted.port:
                _journal.error("--rest_api_port cannot be same as --port. Please use different port for HTTP/REST API.")
            elif wanted.rest_api_port:
                await self._open_rest(host, ports)
            await told_to_stop.wait()

    def _grpc_addresses(self) -> Iterator[str]:
        if self._flags.port:
            yield f"{self._flags.bind_address}:{self._flags.port}"
        if self._flags.grpc_socket_path:
            yield f"unix:{self._flags.grpc_socket_path}"

    async def _open_grpc(self, host: Host, address: str, ports: contextlib.AsyncExitStack) -> None:
        server = grpcfront.build(
            host,
            check_method=self._flags.enable_signature_method_name_check,
            as_content=self._flags.enable_serialization_as_tensor_content,
            channel_arguments=self._flags.grpc_channel_arguments,
        )
        try:
            server.add_insecure_port(address)
        except RuntimeError as error:
            raise StatusError(Code.UNKNOWN, f"Failed to start. Error: {error}") from error
        await server.start()
        ports.push_async_callback(server.stop, _GRACE)
        self._voice.write(f"Running gRPC ModelServer at {address} ...\n")

    async def _open_rest(self, host: Host, ports: contextlib.AsyncExitStack) -> None:
        address = (self._flags.bind_address, self._flags.rest_api_port)
        try:
            listener = socket.create_server(address, backlog=1024)
        except OSError as error:
            raise StatusError(Code.UNKNOWN, f"HTTP/REST API at {address[0]}:{address[1]}: {error.strerror}") from error
        front = RestFront(host, self._flags.rest_api_timeout_in_ms / 1000)
        ports.push_async_callback(_run_uvicorn(front, listener))
        self._voice.write(f"Exporting HTTP/REST API at:{address[0]}:{address[1]} ...\n")


def _loader(wanted: ServerFlags, telemetry: Telemetry) -> Loader:
    settings = SessionSettings(
        frozenset(wanted.saved_model_tags.split(",")),
        wanted.tensorflow_intra_op_parallelism or wanted.tensorflow_session_parallelism,
        wanted.tensorflow_inter_op_parallelism or wanted.tensorflow_session_parallelism,
        wanted.per_process_gpu_memory_fraction,
    )
    warm_up = Warmup(telemetry, max(wanted.num_request_iterations_for_warmup, 1))
    return Loader(settings, telemetry, warm_up if wanted.enable_model_warmup else None)


def _core_flags(wanted: ServerFlags) -> Flags:
    return Flags(
        file_system_poll_wait_seconds=wanted.file_system_poll_wait_seconds,
        num_load_threads=wanted.num_load_threads,
        num_unload_threads=wanted.num_unload_threads,
        max_num_load_retries=wanted.max_num_load_retries,
        load_retry_interval_micros=wanted.load_retry_interval_micros,
        allow_version_labels_for_unavailable_models=wanted.allow_version_labels_for_unavailable_models,
        model_config_file_poll_wait_seconds=wanted.model_config_file_poll_wait_seconds
        if wanted.model_config_file
        else 0,
        startup_load_threads=4 * (os.cpu_count() or 1),
    )


def _on_signals() -> asyncio.Event:
    told_to_stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, told_to_stop.set)
    return told_to_stop


async def _first(start: Any, told_to_stop: asyncio.Event) -> Status | None:
    """The status of the start, or None if the process is told to stop before there is one."""
    starting, stopping = asyncio.ensure_future(start), asyncio.ensure_future(told_to_stop.wait())
    await asyncio.wait({starting, stopping}, return_when=asyncio.FIRST_COMPLETED)
    for pending in (starting, stopping):
        if not pending.done():
            pending.cancel()
    return await starting if starting.done() and not starting.cancelled() else None


class _Uvicorn(uvicorn.Server):
    """uvicorn without signal handlers: the process has its own."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _run_uvicorn(front: RestFront, listener: socket.socket) -> Any:
    """Start serving on a bound socket; returns what stops it."""
    config = uvicorn.Config(
        front,
        lifespan="off",
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=1,
        timeout_keep_alive=75,  # a client that reuses a connection must not race with its closing
    )
    server = _Uvicorn(config)
    serving = asyncio.ensure_future(server.serve(sockets=[listener]))

    async def stop() -> None:
        server.should_exit = True
        await serving

    return stop
