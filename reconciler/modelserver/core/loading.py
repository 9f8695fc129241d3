"""One load and one unload, from the executor's first step to the last published state.

Order and locks are those of ``core/basic_manager.cc`` (``HandleLoadOrUnloadRequest``, ``ExecuteLoad``,
``ExecuteUnload``), ``core/loader_harness.cc``, ``core/simple_loader.h`` and ``util/retrier.cc``. The owner does the
work itself: a question leaves here, and its answer wakes the thread that waits for it. Used by the manager.
Deliberately not here: which version is loaded or unloaded, and when (manager).
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from dataclasses import replace

from reconciler.modelserver.core.board import servable_id
from reconciler.modelserver.core.lifecycle import SHOWS, Event, Held
from reconciler.modelserver.core.looking import Measure
from reconciler.modelserver.core.machine import Machine, later
from reconciler.modelserver.core.ports import StartLoad, StartUnload
from reconciler.modelserver.core.schedule import Thread, Wait
from reconciler.modelserver.core.values import OK, Code, LoadKey, Status, VersionState

CANCELLED = Status(Code.CANCELLED, "Loading of servable cancelled")


Attempt = Callable[[Held, int], Generator[Wait, None, Status]]


class Loading:
    """Loads and unloads held versions. ``ready`` lists what belongs in the lookup table; ``stir`` wakes the manager."""

    __slots__ = ("_machine", "_races", "_ready", "_stir", "_withheld")

    def __init__(self, machine: Machine, ready: Callable[[], Iterable[LoadKey]], stir: Callable[[], None]) -> None:
        self._machine = machine
        self._ready = ready
        self._stir = stir
        self._races: dict[tuple[str, int], float] = {}
        self._withheld: set[Held] = set()

    def arm_race(self, model: str, version: int, seconds: float) -> None:
        """Let the next AVAILABLE of this version come late: after the END of an unload that overtakes it."""
        self._races[model, version] = seconds

    def load(self, held: Held) -> Thread:
        """Estimate, try and retry, publish (``HandleLoadOrUnloadRequest`` for a load)."""
        if not (yield from self._approve(held)):
            return
        self._move(held, Event.LOAD)
        status = yield from self._retry(held, f"Loading servable: {_name(held)}", self._try)
        if not status.ok:
            self._end_with_error(held, Event.FAIL, status)
        elif held.cancelled:
            held.on(Event.DISCARD)
            yield from self._free(held, CANCELLED)
        else:
            held.on(Event.SUCCEED)
            self._stir()
            yield from self._show_in_table()
            self._publish_available(held)

    def unload(self, held: Held) -> Thread:
        """Retire, wait for the requests on the old table, free (``ExecuteUnload``)."""
        lock = self._machine.lock
        yield from lock.acquire()
        self._move(held, Event.QUIESCE)
        yield from self._machine.table.replace(self._ready())
        held.on(Event.RETIRE)
        lock.release()
        held.on(Event.UNLOAD)
        yield from self._free(held, OK)
        if held in self._withheld:
            self._publish_withheld(held)

    def _approve(self, held: Held) -> Generator[Wait, None, bool]:
        """Estimate the size. The central lock is held through all retries: everything else stands still."""
        lock = self._machine.lock
        yield from lock.acquire()
        status = yield from self._retry(held, f"Reserving resources for servable: {_name(held)}", self._measure)
        if status.ok:
            held.on(Event.APPROVE)
        else:
            text = f"Error while attempting to reserve resources to load servable {_name(held)}: {status.message}"
            self._end_with_error(held, Event.REJECT, Status(Code.INTERNAL, text))
        lock.release()
        return status.ok

    def _retry(self, held: Held, what: str, attempt: Attempt) -> Generator[Wait, None, Status]:
        """Try, sleep, try again (``util/retrier.cc``).

        A cancellation is seen after a try only, so one more try follows a sleep during which it came; and it is never
        seen while the thread that would cancel is this one.
        """
        flags, log = self._machine.flags, self._machine.log
        tries = 0
        while True:
            status = yield from attempt(held, tries + 1)
            tries += 1
            if not status.ok:
                log(f"{what} failed: {status}")
            if status.ok or held.cancelled or tries >= flags.load_tries:
                break
            yield later(self._machine.scheduler.now, flags.load_retry_interval)
            log(f"Retrying of {what} retry: {tries}")
        if held.cancelled:
            log(f"Retrying of {what} was cancelled.")
        if tries == flags.load_tries:  # said of a series that succeeded, too
            log(f"Retrying of {what} exhausted max_num_retries: {flags.max_num_load_retries}")
        return status

    def _try(self, held: Held, number: int) -> Generator[Wait, None, Status]:
        """Load, then look through the directory once more: one that vanished meanwhile fails the try after all."""
        held.key = replace(held.key, attempt=number)
        status = yield from self._machine.works.ask(StartLoad(held.key))
        if not status.ok:
            return status
        status = yield from self._measure(held, number)
        if not status.ok:
            yield from self._machine.works.ask(StartUnload(held.key))
        return status

    def _measure(self, held: Held, _number: int) -> Generator[Wait, None, Status]:
        return (yield from self._machine.works.ask(Measure(self._machine.disk, held.key.path)))

    def _free(self, held: Held, status: Status) -> Thread:
        yield from self._machine.works.ask(StartUnload(held.key))
        self._move(held, Event.FREE, status)
        self._stir()

    def _show_in_table(self) -> Thread:
        yield from self._machine.lock.acquire()
        yield from self._machine.table.replace(self._ready())
        self._machine.lock.release()

    def _end_with_error(self, held: Held, event: Event, status: Status) -> None:
        held.error = status
        self._move(held, event, status)
        self._stir()

    def _move(self, held: Held, event: Event, status: Status = OK) -> None:
        held.on(event)
        self._publish(held, SHOWS[event], status)

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


def _name(held: Held) -> str:
    return servable_id(held.key.model, held.key.version)
