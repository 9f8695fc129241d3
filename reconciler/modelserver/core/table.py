"""The lookup table: which versions a request can reach, and which requests are still on an older table.

The table is replaced as a whole when a version is published or retired. New requests use the new table at once, but the
replacing thread waits until every request that began on the old one has ended, whatever model it was for, and it holds
the manager's central lock meanwhile. That is how one long request delays every model of the server.

Source: ``BasicManager::ServingMap`` in ``core/basic_manager.cc`` and ``util/fast_read_dynamic_ptr.h``.
"""

from __future__ import annotations

from collections.abc import Iterable

from reconciler.modelserver.core.schedule import Gate, Scheduler, Thread
from reconciler.modelserver.core.values import Code, Lease, LoadKey, Status

Snapshot = dict[str, dict[int, LoadKey]]


class LookupTable:
    """The current snapshot, numbered, and how many requests use each number."""

    __slots__ = ("_drained", "_generation", "_leases", "_scheduler", "_serial", "_snapshot", "_users")

    def __init__(self, scheduler: Scheduler) -> None:
        self._scheduler = scheduler
        self._snapshot: Snapshot = {}
        self._generation = 0
        self._users: dict[int, int] = {}
        self._leases: dict[int, Lease] = {}
        self._serial = 0
        self._drained = Gate()

    def find(self, model: str, version: int | None) -> Lease | Status:
        """A lease on that version, or on the highest one loaded."""
        loaded = self._snapshot.get(model, {})
        number = max(loaded, default=None) if version is None else version
        if number is None or number not in loaded:
            wanted = f"Latest({model})" if version is None else f"Specific({model}, {version})"
            return Status(Code.NOT_FOUND, f"Servable not found for request: {wanted}")
        self._serial += 1
        lease = Lease(self._serial, self._generation, loaded[number])
        self._leases[lease.serial] = lease
        self._users[lease.generation] = self._users.get(lease.generation, 0) + 1
        return lease

    def release(self, lease: Lease) -> None:
        """The request has ended. Releasing twice is the caller's bug."""
        del self._leases[lease.serial]
        self._users[lease.generation] -= 1
        if not self._users[lease.generation]:
            del self._users[lease.generation]
            self._scheduler.open(self._drained)

    def replace(self, ready: Iterable[LoadKey]) -> Thread:
        """``yield from`` this: swap at once, return when nobody uses the old table."""
        snapshot: Snapshot = {}
        for key in ready:
            snapshot.setdefault(key.model, {})[key.version] = key
        self._snapshot = snapshot
        old, self._generation = self._generation, self._generation + 1
        while self._users.get(old):
            yield self._drained

    def loaded(self, model: str) -> tuple[int, ...]:
        """Versions a request can reach now, highest first."""
        return tuple(sorted(self._snapshot.get(model, ()), reverse=True))
