"""The process: from a command line to open ports, and out again.

Here: start-up in the order of the real server (flags, configuration, models, then ports), what it prints on standard
output, signals and exit codes, after model_servers/main.cc. Called by ``reconciler.modelserver.main``. TensorFlow is
imported by a thread of its own from the first moment on: a server that begins without models opens its ports while that
is still going on.

Not here: what a start reads (startup), the ports (listening), what happens once a request is in (fronts, host, core).
"""

import asyncio
import contextlib
import importlib.metadata
import logging
import os
import signal
import sys
import threading
from collections.abc import Sequence
from typing import Any

from reconciler import __version__
from reconciler.modelserver import configs, flagsyntax, grpcfront, journal, listening, runtime, startup
from reconciler.modelserver.batching import Batching, Scheduler
from reconciler.modelserver.core import Core, Flags, Status
from reconciler.modelserver.disk import LocalDisk
from reconciler.modelserver.flags import CPUS, ServerFlags
from reconciler.modelserver.host import Host, Outside
from reconciler.modelserver.loader import Loader
from reconciler.modelserver.restfront import RestFront, RestSettings
from reconciler.modelserver.statuses import StatusError
from reconciler.modelserver.telemetry import Telemetry
from reconciler.modelserver.warmup import Warmup

_PROGRAM = "reconciler model-server"
_journal = logging.getLogger(__name__)


def main(argv: Sequence[str]) -> int:
    """Parse, serve, and leave. Ends the process itself where TensorFlow cannot be interrupted."""
    voice = journal.open_voice()
    journal.start(voice)
    parsed = flagsyntax.parse(argv)
    for error in parsed.errors:
        _journal.error("%s", error)
    if parsed.errors or parsed.help_wanted:
        _say(flagsyntax.usage(_PROGRAM))
        return 1 if parsed.errors else 0
    if parsed.flags.version:
        _say(_versions())
        return 0
    if parsed.unknown:
        _say(f"unknown argument: {parsed.unknown[0]}\n{flagsyntax.usage(_PROGRAM)}")
    process = _Process(parsed.flags)
    code = asyncio.run(process.run())
    if not process.idle:
        voice.flush()
        os._exit(code)  # a load or an inference in C++ cannot be stopped, and nothing of it is worth waiting for
    return code


def _say(text: str) -> None:
    """Print on standard output, as the real server does with what is not its log."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def _versions() -> str:
    tensorflow = importlib.metadata.version("tensorflow")
    return f"TensorFlow ModelServer: reconciler {__version__}\nTensorFlow Library: {tensorflow}"


class _Process:
    """One run of the server."""

    def __init__(self, wanted: ServerFlags) -> None:
        self._flags = wanted
        self._importing = threading.Thread(target=runtime.prepare, name="tensorflow", daemon=True)
        self.idle = True
        """Whether no thread is left that would keep the process from ending."""

    async def run(self) -> int:
        """Load, open, wait for a signal, close; returns the exit code."""
        told_to_stop = _on_signals()
        self._importing.start()
        try:
            await self._serve(startup.prepare(self._flags), told_to_stop)
        except StatusError as error:
            _say(f"Failed to start server. Error: {error.status}")
            return 1
        finally:
            self.idle = self.idle and not self._importing.is_alive()
        return 0

    async def _serve(self, plan: startup.Plan, told_to_stop: asyncio.Event) -> None:
        host = self._host(plan)
        try:
            status = await _first(host.start(plan.config), told_to_stop)
            if isinstance(status, Status) and not status.ok:
                raise StatusError(status.code, status.message)
            if not told_to_stop.is_set():
                async with contextlib.AsyncExitStack() as ports:
                    await self._open(host, plan, ports)
                    await told_to_stop.wait()
        finally:
            self.idle = host.close()

    def _host(self, plan: startup.Plan) -> Host:
        wanted = self._flags
        telemetry = Telemetry()
        outside = Outside(
            load=_loader(wanted, plan, telemetry).load,
            read_config=lambda: configs.read_again(wanted.model_config_file),
        )
        core = Core(_core_flags(wanted), LocalDisk(), asyncio.get_running_loop().time())
        return Host(core, outside, max(1, wanted.grpc_max_threads), telemetry)

    async def _open(self, host: Host, plan: startup.Plan, ports: contextlib.AsyncExitStack) -> None:
        wanted = self._flags
        server = grpcfront.build(
            host,
            check_method=wanted.enable_signature_method_name_check,
            as_content=wanted.enable_serialization_as_tensor_content,
            health_service=wanted.enable_grpc_healthcheck_service,
            channel_arguments=wanted.grpc_channel_arguments,
        )
        ports.push_async_callback(await listening.open_grpc(server, wanted, plan.credentials))
        if wanted.rest_api_port and wanted.rest_api_port == wanted.port:
            _journal.error(
                "server_options.http_port cannot be same as grpc_port. Please use a different port for HTTP/REST API. "
                "Skipped exporting HTTP/REST API."
            )
        elif wanted.rest_api_port:
            close = listening.open_rest(self._rest_front(host), wanted)
            if close is not None:
                ports.push_async_callback(close)

    def _rest_front(self, host: Host) -> RestFront:
        wanted = self._flags
        settings = RestSettings(
            timeout_ms=wanted.rest_api_timeout_in_ms,
            threads=wanted.rest_api_num_threads,
            cors=wanted.rest_api_enable_cors_support,
            check_method=wanted.enable_signature_method_name_check,
            metrics_path=startup.metrics_path(wanted.monitoring_config_file),
        )
        return RestFront(host, settings)


def _loader(wanted: ServerFlags, plan: startup.Plan, telemetry: Telemetry) -> Loader:
    warm_up = Warmup(telemetry, max(wanted.num_request_iterations_for_warmup, 1))
    batching = None
    if plan.batching is not None:
        read = startup.read_batching if wanted.enable_per_model_batching_parameters else None
        batching = Batching(plan.batching, telemetry, Scheduler(plan.batching.num_batch_threads), read)
    return Loader(plan.sessions, telemetry, warm_up if wanted.enable_model_warmup else None, batching)


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
        startup_load_threads=4 * CPUS,
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
