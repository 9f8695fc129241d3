"""What the service wrote down, read beside it: when servers are settled, what was done, what is held.

Called by `story.py`. The demo believes nothing it was not told by the record or by a client's answer.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from reconciler.adapters.ledger import SqliteLedger
from reconciler.adapters.lock import StateDirectory
from reconciler.errors import RecordError
from reconciler.expose.timeline import Done
from reconciler.state.outcome import ConditionStatus, ConditionType, Health, Intent, Status, Sync

LOOK_EVERY = 0.1


class TookTooLong(Exception):
    """Something that had to happen did not happen in time; the message says what is on record instead."""


class Witness:
    """Reads the service's record."""

    def __init__(self, ledger: SqliteLedger) -> None:
        self._ledger = ledger

    @classmethod
    async def of(cls, state: Path, within: float) -> "Witness":
        """Wait until the service has made its record. Raises TookTooLong."""
        deadline = time.monotonic() + within
        while True:
            try:
                return cls(SqliteLedger(StateDirectory(state).ledger, writable=False))
            except RecordError as error:
                if time.monotonic() > deadline:
                    raise TookTooLong(f"The service made no record within {within:g} s: {error}") from error
            await asyncio.sleep(LOOK_EVERY)

    def close(self) -> None:
        """Give the file back."""
        self._ledger.close()

    def mark(self) -> int:
        """The newest intent's number: what comes later is news."""
        newest = self._ledger.intents(limit=1)
        return newest[0].id if newest else 0

    def done_since(self, mark: int) -> list[Done]:
        """Passes sent after that intent, oldest first, with their outcomes."""
        fresh = [intent for intent in self._ledger.intents(limit=200) if intent.id > mark]
        return [self._done(intent) for intent in reversed(fresh)]

    async def settled(self, commit: str, servers: Sequence[str], within: float) -> None:
        """Wait until all of these servers are as that commit says, with nothing left open. Raises TookTooLong."""
        await self._until(lambda: all(self._is_settled(each, commit) for each in servers), within, "settled")

    async def stalled(self, commit: str, servers: Sequence[str], within: float) -> list[str]:
        """Wait until all of these servers say that somebody must act; what each says. Raises TookTooLong."""
        await self._until(lambda: all(self._stall(each, commit) for each in servers), within, "held")
        return [self._stall(each, commit) for each in servers]

    async def lost(self, server: str, within: float) -> None:
        """Wait until that server is noticed to be gone. Raises TookTooLong."""
        await self._until(lambda: self._own(server).sync is not Sync.SYNCED, within, "noticed to be gone")

    def _done(self, intent: Intent) -> Done:
        return Done(intent, tuple(self._ledger.outcomes(intent.id)))

    def _is_settled(self, server: str, commit: str) -> bool:
        own = self._own(server)
        return own.commit == commit and own.sync is Sync.SYNCED and not self._ledger.unsettled(server)

    def _stall(self, server: str, commit: str) -> str:
        """What the server says of being stalled at that commit, "" where it is not."""
        own = self._own(server)
        stalls = [each for each in own.conditions if each.type is ConditionType.STALLED]
        stalled = own.commit == commit and stalls and stalls[0].status is ConditionStatus.TRUE
        return f"{stalls[0].reason}: {stalls[0].message}" if stalled else ""

    def _own(self, server: str) -> Status:
        found = (each for each in self._ledger.statuses() if each.server == server and not each.model)
        return next(found, Status(server, "", Sync.UNKNOWN, Health.UNKNOWN, (), "", 0.0))

    async def _until(self, holds: Callable[[], object], within: float, what: str) -> None:
        deadline = time.monotonic() + within
        while not holds():
            if time.monotonic() > deadline:
                raise TookTooLong(f"Not {what} within {within:g} s. On record: {self._said()}")
            await asyncio.sleep(LOOK_EVERY)

    def _said(self) -> str:
        return "; ".join(
            f"{each.server} {each.model or '(server)'} {each.sync} at {each.commit[:10]}: "
            + ", ".join(f"{one.reason} {one.message}" for one in each.conditions)
            for each in self._ledger.statuses()
        )
