"""The owner of the core: one event loop, real time, real loads.

Here: every call into the core, the timer that drives it, threads for loads and inferences, the loaded models by the
core's keys. What the core asks for is carried out on the event loop; requests find their version and give it back in
threads of their own. So every call into the core is made under one lock, which is held for microseconds.

Each load or unload gets a thread of its own (the core decides how many there are at once); inferences run in the
threads of the gRPC server, those of the REST API in a pool. So no number of loads can delay one by queueing.

A call goes on when its client has gone: a reload lives in the core's ticket, an inference keeps its lease until its
thread has finished, because freeing a model somebody still computes with would crash the process.

Not here: any rule of TensorFlow Serving (the core), the meaning of requests (the fronts).
"""

import asyncio
import logging
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar

from reconciler.modelserver import runtime
from reconciler.modelserver.core import (
    OK,
    Code,
    Core,
    Effect,
    Lease,
    LoadKey,
    Log,
    Look,
    Measure,
    Published,
    ReadConfigFile,
    ServerConfig,
    Sight,
    StartLoad,
    StartUnload,
    Status,
    Ticket,
    VersionState,
    VersionStatus,
)
from reconciler.modelserver.savedmodel import SavedModel
from reconciler.modelserver.statuses import StatusError
from reconciler.modelserver.telemetry import Telemetry

Work = TypeVar("Work")
_journal = logging.getLogger(__name__)
_SAID = {  # the lines of core/loader_harness.cc that people look for
    VersionState.LOADING: "Loading",
    VersionState.AVAILABLE: "Successfully loaded",
    VersionState.UNLOADING: "Quiescing",
    VersionState.END: "Done unloading",
}


@dataclass(frozen=True, slots=True)
class ModelChoice:
    """Which model and version a request means."""

    name: str
    version: int | None = None
    label: str | None = None


@dataclass(frozen=True, slots=True)
class Servable:
    """A loaded version, for the time of one request."""

    name: str
    version: int
    saved_model: SavedModel


@dataclass(frozen=True, slots=True)
class Outside:
    """What the host does not do itself."""

    load: Callable[[str], SavedModel]
    read_config: Callable[[], ServerConfig | Status]


class Host:
    """Drives a core in real time. Construct and use it within one running event loop."""

    def __init__(
        self, core: Core, outside: Outside, inference_threads: int, telemetry: Telemetry | None = None
    ) -> None:
        self.telemetry = telemetry or Telemetry()
        """What the fronts and the loader report to."""
        self.inference_threads = inference_threads
        """How many inferences are meant to run at the same time."""
        self._core = core
        self._core_lock = threading.Lock()
        self._outside = outside
        self._loop = asyncio.get_running_loop()
        self._models: dict[LoadKey, SavedModel] = {}
        self._waiting: list[tuple[Ticket, asyncio.Future[Status]]] = []
        self._timer: asyncio.TimerHandle | None = None
        self._pool = ThreadPoolExecutor(inference_threads, thread_name_prefix="inference")
        self._threads: set[threading.Thread] = set()
        self._running = 0
        self._waiters = 0
        self._due: float | None = None
        self._closed = False

    # -- on the loop --------------------------------------------------------------------------------------------------

    async def start(self, config: ServerConfig) -> Status:
        """Load what the server begins with; with a model that never comes up, this never returns."""
        return await self._answer(self._core.start, config)

    async def reload(self, config: ServerConfig) -> Status:
        """Replace the configuration."""
        return await self._answer(self._core.reload, config)

    async def infer(self, choice: ModelChoice, work: Callable[[Servable], Work]) -> Work:
        """Do ``work`` with the version ``choice`` means, in a thread."""
        return await asyncio.shield(asyncio.wrap_future(self._pool.submit(self.serve, choice, work)))

    async def compute(self, work: Callable[[], Work]) -> Work:
        """Do something slow that needs no model, in a thread."""
        return await asyncio.wrap_future(self._pool.submit(work))

    # -- on any thread ------------------------------------------------------------------------------------------------

    def get_model_status(self, name: str, version: int | None) -> tuple[VersionStatus, ...]:
        """Every version known of a model, or the one asked for."""
        with self._core_lock:
            found = self._core.get_model_status(name, version)
        if isinstance(found, Status):
            raise StatusError(found.code, found.message)
        return found

    def serve(self, choice: ModelChoice, work: Callable[[Servable], Work]) -> Work:
        """Do ``work`` with the version ``choice`` means, in this thread."""
        with self._core_lock:
            found = self._core.resolve(choice.name, choice.version, choice.label)
            if isinstance(found, Status):
                raise StatusError(found.code, found.message)
            version, lease = found
            servable = Servable(choice.name, version, self._models[lease.key])
            self._running += 1
        try:
            return work(servable)
        finally:
            self._release(lease)

    def wait_for(self, work: Coroutine[Any, Any, Work]) -> Work:
        """Do something of the loop's and wait for it here, in a thread that is not the loop's."""
        self._waiters += 1
        try:
            return asyncio.run_coroutine_threadsafe(work, self._loop).result()
        finally:
            self._waiters -= 1

    def close(self) -> bool:
        """Stop driving the core. False if threads are left that cannot be interrupted."""
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()
        self._pool.shutdown(wait=False, cancel_futures=True)
        return not self._running and not self._waiters and not any(thread.is_alive() for thread in self._threads)

    # -- driving ------------------------------------------------------------------------------------------------------

    async def _answer(self, ask: Callable[[ServerConfig, float], Ticket], config: ServerConfig) -> Status:
        future: asyncio.Future[Status] = self._loop.create_future()
        with self._core_lock:
            ticket = ask(config, self._loop.time())
        self._waiting.append((ticket, future))
        self._turn()
        return await future

    def _turn(self) -> None:
        """Let the core do what is due, carry out what it asks for, pass on its answers, set the timer."""
        if self._closed:
            return
        while effects := self._advance():
            for effect in effects:
                self._carry_out(effect)
        self._pass_on_answers()
        if self._timer is not None:
            self._timer.cancel()
        with self._core_lock:
            self._due = self._core.next_at()
        self._timer = None if self._due is None else self._loop.call_at(self._due, self._turn)

    def _advance(self) -> tuple[Effect, ...]:
        with self._core_lock:
            return self._core.advance(self._loop.time())

    def _pass_on_answers(self) -> None:
        for ticket, future in self._waiting:
            if ticket.status is not None and not future.done():
                future.set_result(ticket.status)
        self._waiting = [waiting for waiting in self._waiting if not waiting[0].done]

    def _carry_out(self, effect: Effect) -> None:
        match effect:
            case StartLoad(key):
                self._in_thread(f"load {key.model} {key.version}", lambda: self._load(key))
            case StartUnload(key):
                saved_model = self._models.pop(key)
                self._in_thread(f"unload {key.model} {key.version}", lambda: self._unload(key, saved_model))
            case Look() | Measure() as question:
                self._in_thread("look", lambda: self._look(question))
            case ReadConfigFile():
                self._in_thread("config file", self._read_config)
            case Published(model, entry):
                _log_state(model, entry)
            case Log(text):
                _journal.info("%s", text)

    # -- in threads ---------------------------------------------------------------------------------------------------

    def _in_thread(self, name: str, work: Callable[[], None]) -> None:
        self._threads = {thread for thread in self._threads if thread.is_alive()}
        thread = threading.Thread(target=work, name=name, daemon=True)
        self._threads.add(thread)
        thread.start()

    def _load(self, key: LoadKey) -> None:
        _journal.info("Loading %s version %d from %s", key.model, key.version, key.path)
        try:
            saved_model = self._outside.load(key.path)
        except Exception as error:
            _journal.warning("Loading %s version %d failed: %s", key.model, key.version, error)
            self._back_on_loop(self._core.load_finished, key, _as_status(error))
        else:
            self._models[key] = saved_model
            self._back_on_loop(self._core.load_finished, key, OK)

    def _look(self, question: Look | Measure) -> None:
        answer: Sight | Status
        try:
            answer = question.run()
        except Exception as error:
            status = _as_status(error)
            answer = Sight(failure=status.message) if isinstance(question, Look) else status
        self._back_on_loop(self._core.answered, question, answer)

    def _read_config(self) -> None:
        read: ServerConfig | Status
        try:
            read = self._outside.read_config()
        except Exception as error:
            read = _as_status(error)
        self._back_on_loop(self._core.reload_from_file, read)

    def _unload(self, key: LoadKey, saved_model: SavedModel) -> None:
        saved_model.close()
        runtime.give_memory_back()
        _journal.info("Unloaded %s version %d", key.model, key.version)
        self._back_on_loop(self._core.unload_finished, key)

    def _release(self, lease: Lease) -> None:
        """Give a lease back; the loop hears of it only if the core has something to do now."""
        with self._core_lock:
            self._running -= 1
            if self._closed:
                return
            self._core.release(lease, self._loop.time())
            due = self._core.next_at()
            sooner = due is not None and (self._due is None or due < self._due)
        if sooner:
            self._on_loop(self._turn)

    def _back_on_loop(self, call: Callable[..., object], *arguments: object) -> None:
        """Tell the core from a thread, with the time at which it hears of it."""

        def tell() -> None:
            if not self._closed:
                self._tell_core(call, *arguments)
                self._turn()

        self._on_loop(tell)

    def _tell_core(self, call: Callable[..., object], *arguments: object) -> None:
        with self._core_lock:
            call(*arguments, self._loop.time())

    def _on_loop(self, call: Callable[[], None]) -> None:
        try:
            self._loop.call_soon_threadsafe(call)
        except RuntimeError:  # the loop is closed: the process is ending
            _journal.debug("A thread finished after the end")


def _as_status(error: Exception) -> Status:
    """What a thread ended with, foreseen or not: a core without an answer stands still, and every model with it."""
    if isinstance(error, StatusError):
        return error.status
    _journal.error("A thread failed", exc_info=error)
    return Status(Code.INTERNAL, f"{type(error).__name__}: {error}")


def _log_state(model: str, entry: VersionStatus) -> None:
    if entry.status.ok and entry.state in _SAID:  # what failed, the core has said
        _journal.info("%s servable version {name: %s version: %d}", _SAID[entry.state], model, entry.version)
