"""The manager's thread: every 100 ms forget, apply the wanted-lists, and take one action.

One action in the whole server per tick, unloads before loads, models in the order of the C++ table that holds them.
Wanted-lists wait here, one per model, a newer one replacing an older; a list that wants back a version still held as
unwanted is postponed as a whole. With no load threads the load happens inside this very thread, and everything here
waits for it. The period runs from where a tick began; a tick that took longer is followed by the next at once.

Source: ``core/aspired_versions_manager.cc``, ``batching_util/periodic_function.cc``. Wanted-lists come from discovery
and from reloads. Deliberately not here: the choice of an action (policies), how a load goes (loading).
"""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.modelserver.core import policies
from reconciler.modelserver.core.lifecycle import FORGETTABLE, Event, Held, Stage
from reconciler.modelserver.core.loading import Loading
from reconciler.modelserver.core.looking import Wanted
from reconciler.modelserver.core.machine import Machine, later
from reconciler.modelserver.core.pool import Pool
from reconciler.modelserver.core.schedule import Early, Gate, Thread
from reconciler.modelserver.core.unordered import Order
from reconciler.modelserver.core.values import LoadKey, VersionState

TICK = 0.1
"""``manage_state_interval_micros``; the stock server does not change it."""

PHASE = TICK / 2
"""How long after a poll the next tick comes. The two clocks of a real server drift against each other, so a poll may
fall anywhere between two ticks; the middle shows what both orders of events do, without a coincidence."""


class Manager:
    """Holds versions, decides one action per tick, hands it to the pools."""

    __slots__ = (
        "_choice",
        "_held",
        "_lives",
        "_machine",
        "_order",
        "_pending",
        "_stirred",
        "_wake",
        "load_pool",
        "loading",
        "unload_pool",
    )

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self._choice = policies.CHOICES[machine.flags.aspired_version_policy]
        self._held: dict[str, dict[int, Held]] = {}
        self._order = Order()
        self._pending: dict[str, Wanted] = {}
        self._lives = 0
        self._stirred = False
        self._wake = Gate()
        self.loading = Loading(machine, self._ready, self.stir)
        self.load_pool = Pool(machine.scheduler, machine.flags.num_load_threads)
        self.unload_pool = Pool(machine.scheduler, machine.flags.num_unload_threads)

    def want(self, model: str, versions: Wanted) -> None:
        """Enqueue a wanted-list. One that would change nothing is dropped, so that an idle server stays idle."""
        if model not in self._pending and self._wanted(model) == {number for number, _ in versions}:
            return
        self._pending[model] = versions
        self.stir()

    def stir(self) -> None:
        """Something changed: the next tick has to look."""
        self._stirred = True
        self._machine.scheduler.open(self._wake)

    def run(self) -> Thread:
        """The thread. A tick that found nothing to do parks until it is stirred, and goes on in its old rhythm.

        What happens at the very moment of a tick just missed it: the tick comes early among what is due then, so that
        parking changes nothing of what is done when.
        """
        yield Early(later(self._machine.scheduler.now, PHASE))
        while True:
            began = self._machine.scheduler.now
            self._stirred = False
            yield from self._tick()
            if not self._stirred:
                yield self._wake
                began += int((self._machine.scheduler.now - began) / TICK + 1e-6) * TICK
            yield Early(later(began, TICK))

    def _tick(self) -> Thread:
        """``FlushServables``, ``HandlePendingAspiredVersionsRequests``, ``InvokePolicyAndExecuteAction``."""
        yield from self._machine.lock.acquire()
        self._forget()
        self._apply_pending()
        chosen = self._choose()
        if chosen is not None:
            chosen.on(Event.REQUEST_LOAD if chosen.stage is Stage.NEW else Event.REQUEST_UNLOAD)
        self._machine.lock.release()
        if chosen is None:
            return
        self._stirred = True
        if chosen.stage is Stage.LOAD_REQUESTED:
            yield from self.load_pool.submit(self.loading.load(chosen))
        else:
            yield from self.unload_pool.submit(self.loading.unload(chosen))

    def _forget(self) -> None:
        """Drop what is unwanted and not loaded, without a word: a version still NEW keeps showing START for ever."""
        for model in list(self._held):
            versions = self._held[model]
            for number in [n for n, held in versions.items() if not held.wanted and held.stage in FORGETTABLE]:
                del versions[number]
                self._order.discard(model)
                self._stirred = True
            if not versions:
                del self._held[model]

    def _apply_pending(self) -> None:
        for model in sorted(self._pending):
            if not self._wants_back_unwanted(model, self._pending[model]):
                self._apply(model, self._pending.pop(model))
                self._stirred = True

    def _wants_back_unwanted(self, model: str, versions: Wanted) -> bool:
        held = self._held.get(model, {})
        return any(number in held and not held[number].wanted for number, _ in versions)

    def _apply(self, model: str, versions: Wanted) -> None:
        """Un-want what is not listed, accept what is new, leave alone what is wanted already, failed or not."""
        listed = {number for number, _ in versions}
        held = self._held.setdefault(model, {})
        for number, each in held.items():
            if number not in listed:
                each.unwant()
        for number, path in versions:
            if number not in held:
                self._lives += 1
                held[number] = Held(LoadKey(model, number, path, self._lives))
                self._order.add(model)
                self._machine.board.publish(model, number, VersionState.START)

    def _choose(self) -> Held | None:
        return policies.next_action(self._choice(self._held[model]) for model in self._order.names())

    def _wanted(self, model: str) -> set[int]:
        return {number for number, held in self._held.get(model, {}).items() if held.wanted}

    def _ready(self) -> Iterator[LoadKey]:
        for versions in self._held.values():
            for held in versions.values():
                if held.stage is Stage.READY:
                    yield held.key
