"""With what a commit is compared for its blast radius: per fleet, the last one whose removals were let through.

Used by whoever takes a commit up: `Watch`, `apply`, the simulator. Which commits these are is noted in the record, so
that neither a restart nor a later commit lets through what is held; only fewer removals or a confirmed commit does.
"""

import json
from collections.abc import Callable

from reconciler.errors import SourceError
from reconciler.ports import Ledger
from reconciler.state.desired import Desired, Prune

NOTE = "blast-baselines"

Read = Callable[[str], Desired | None]
"""What a commit asked for, by id; None where its documents are not valid (any more). Raises SourceError."""


class Baseline:
    """The commits that were let through, fleet by fleet."""

    def __init__(self, ledger: Ledger, read: Read) -> None:
        self._ledger = ledger
        self._read = read

    def judged(self, desired: Desired, *, keep: bool = True) -> Desired:
        """The desired state with what is held of it; what is let through is noted, unless `keep` is False.

        Raises:
            RecordError: it cannot be noted.
        """
        known = _commits(self._ledger)
        fleets = {server.fleet.name for server in desired.servers}
        read = {commit: self._at(commit) for commit in {known[name] for name in fleets if name in known}}
        before = {name: read[known[name]] for name in fleets if name in known}
        from reconciler.plan import blast  # the planner is heavy, and who only reads history needs none of it

        found = blast.judged(desired, before, self._remembered() if self._asks_memory(desired, before) else None)
        noted = {**known, **dict.fromkeys(sorted(found.passed), desired.commit.id)}
        if keep and noted != known:
            self._ledger.note(NOTE, json.dumps(noted, sort_keys=True))
        return found.desired

    def _at(self, commit: str) -> Desired | None:
        try:
            return self._read(commit)
        except SourceError:
            return None

    def _asks_memory(self, desired: Desired, before: dict[str, Desired | None]) -> bool:
        """Whether any fleet's state before is unreadable, or a fleet begins to prune."""
        bases = {name: {each.id: each for each in base.servers} for name, base in before.items() if base is not None}
        if len(bases) < len(before):
            return True
        return any(
            server.fleet.prune and (was := bases.get(server.fleet.name, {}).get(server.id)) and not was.fleet.prune
            for server in desired.servers
        )

    def _remembered(self) -> dict[str, dict[str, Prune]]:
        found = {}
        for memory in self._ledger.memories():
            wishes = dict(memory.wishes)
            names = memory.known_as.names | (memory.sent.names if memory.sent is not None else frozenset())
            found[memory.server] = {name: wishes.get(name, Prune.INHERIT) for name in sorted(names)}
        return found


def _commits(ledger: Ledger) -> dict[str, str]:
    noted = ledger.noted(NOTE)
    return dict(json.loads(noted)) if noted else {}
