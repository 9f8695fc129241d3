"""One load and one unload, from the executor's first step to the last published state.

Order and locks are those of ``core/basic_manager.cc`` (``HandleLoadOrUnloadRequest``, ``ExecuteLoad``,
``ExecuteUnload``), ``core/loader_harness.cc``, ``util/retrier.cc``. The owner does the loading itself: a ``StartLoad``
leaves here, and its answer wakes the thread that waits for it. Used by the manager.
Deliberately not here: which version is loaded or unloaded, and when (manager).
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from dataclasses import replace

from reconciler.modelserver.core.board import servable_id
from reconciler.modelserver.core.lifecycle import Event, Held
from reconciler.modelserver.core.machine import Machine, later
from reconciler.modelserver.core.ports import StartLoad, StartUnload
from reconciler.modelserver.core.schedule import Gate, Thread, Wait
from reconciler.modelserver.core.values import OK, Code, LoadKey, Status, VersionState

CANCELLED = Status(Code.CANCELLED, "Loading of servable cancelled")


class _Question:
    """An effect that left and has no answer yet."""

    __slots__ = ("answer", "gate")

    def __init__(self) -> None:
        self.gate = Gate()
        self.answer: Status | None = None


class Loading:
    """Loads and unloads held versions. ``ready`` lists what belongs in the lookup table; ``stir`` wakes the manager."""

    __slots__ = ("_machine", "_questions", "_races", "_ready", "_stir", "_withheld")

    def __init__(self, machine: Machine, ready: Callable[[], Iterable[LoadKey]], stir: Callable[[], None]) -> None:
        self._machine = machine
        self._ready = ready
        self._stir = stir
        self._questions: dict[LoadKey, _Question] = {}
        self._races: dict[tuple[str, int], float] = {}
        self._withheld: set[Held] = set()

    def answer(self, key: LoadKey, status: Status) -> None:
        """The owner's answer to a StartLoad or StartUnload; KeyError if nothing was asked."""
        question = self._questions.pop(key)
        question.answer = status
        self._machine.scheduler.open(question.gate)

    def arm_race(self, model: str, version: int, seconds: float) -> None:
        """Let the next AVAILABLE of this version come late: after the END of an unload that overtakes it."""
        self._races[model, version] = seconds

    def load(self, held: Held) -> Thread:
        """Estimate, try and retry, publish (``HandleLoadOrUnloadRequest`` for a load)."""
        if not (yield from self._approve(held)):
            return
        held.on(Event.LOAD)
        self._publish(held, VersionState.LOADING)
        status = yield from self._retry(held, self._try)
        if not status.ok:
            self._end_with_error(held, Event.FAIL, status)
        elif held.cancelled:
            yield from self._discard(held)
        else:
            held.on(Event.SUCCEED)
            self._stir()
            yield from self._show_in_table()
            self._publish_available(held)

    def unload(self, held: Held) -> Thread:
        """Retire, wait for the requests on the old table, free (``ExecuteUnload``)."""
        lock = self._machine.lock
        yield from lock.acquire()
        held.on(Event.RETIRE)
        self._publish(held, VersionState.UNLOADING)
        yield from self._machine.table.replace(self._ready())
        held.on(Event.DRAIN)
        lock.release()
        held.on(Event.UNLOAD)
        yield from self._free(held)
        self._publish(held, VersionState.END)
        if held in self._withheld:
            self._publish_withheld(held)

    def _approve(self, held: Held) -> Generator[Wait, None, bool]:
        """Estimate the size. The central lock is held through all retries: everything else stands still."""
        lock = self._machine.lock
        yield from lock.acquire()
        status = yield from self._retry(held, self._estimate)
        if status.ok:
            held.on(Event.APPROVE)
        else:
            where = servable_id(held.key.model, held.key.version)
            text = f"Error while attempting to reserve resources to load servable {where}: {status.message}"
            self._end_with_error(held, Event.REJECT, Status(Code.INTERNAL, text))
        lock.release()
        return status.ok

    def _retry(
        self, held: Held, attempt: Callable[[Held, int], Generator[Wait, None, Status]]
    ) -> Generator[Wait, None, Status]:
        """Try, sleep, try again (``util/retrier.cc``).

        A cancellation is seen after a try only, so one more try follows a sleep during which it came; and it is never
        seen while the thread that would cancel is this one.
        """
        flags = self._machine.flags
        tries = 0
        while True:
            status = yield from attempt(held, tries + 1)
            tries += 1
            if status.ok or held.cancelled or tries > flags.max_num_load_retries:
                return status
            yield later(self._machine.scheduler.now, flags.load_retry_interval)

    def _try(self, held: Held, number: int) -> Generator[Wait, None, Status]:
        held.key = replace(held.key, attempt=number)
        self._machine.outbox.append(StartLoad(held.key))
        status = yield from self._ask(held.key)
        if not status.ok:
            self._machine.log(f"Loading servable: {servable_id(held.key.model, held.key.version)} failed: {status}")
        return status

    def _estimate(self, held: Held, _number: int) -> Generator[Wait, None, Status]:
        yield from ()  # takes no time on this clock; the owner's disk is asked at once
        path, disk = held.key.path, self._machine.disk
        if disk.is_dir(path):
            return OK
        if disk.exists(path):
            return Status(Code.FAILED_PRECONDITION, f"{path}; Not a directory")
        return Status(Code.NOT_FOUND, f"{path}; No such file or directory")

    def _discard(self, held: Held) -> Thread:
        """It loaded, but was un-wanted meanwhile: free it and say so (since TensorFlow Serving 2.19)."""
        held.on(Event.DISCARD)
        yield from self._free(held)
        self._publish(held, VersionState.END, CANCELLED)

    def _free(self, held: Held) -> Thread:
        self._machine.outbox.append(StartUnload(held.key))
        yield from self._ask(held.key)
        held.on(Event.FREE)
        self._stir()

    def _ask(self, key: LoadKey) -> Generator[Wait, None, Status]:
        question = self._questions[key] = _Question()
        while question.answer is None:
            yield question.gate
        return question.answer

    def _show_in_table(self) -> Thread:
        yield from self._machine.lock.acquire()
        yield from self._machine.table.replace(self._ready())
        self._machine.lock.release()

    def _end_with_error(self, held: Held, event: Event, status: Status) -> None:
        held.fail(event, status)
        self._publish(held, VersionState.END, status)
        self._stir()

    def _publish(self, held: Held, state: VersionState, status: Status = OK) -> None:
        self._machine.board.publish(held.key.model, held.key.version, state, status)

    def _publish_available(self, held: Held) -> None:
        """AVAILABLE is published without the central lock, so an unload can overtake it: rare, hence armed by hand."""
        seconds = self._races.pop((held.key.model, held.key.version), None)
        if seconds is None:
            self._publish(held, VersionState.AVAILABLE)
            return
        self._withheld.add(held)
        self._machine.scheduler.spawn(self._publish_late(held, seconds))

    def _publish_late(self, held: Held, seconds: float) -> Thread:
        yield later(self._machine.scheduler.now, seconds)
        if held in self._withheld:
            self._publish_withheld(held)

    def _publish_withheld(self, held: Held) -> None:
        self._withheld.discard(held)
        self._publish(held, VersionState.AVAILABLE)
