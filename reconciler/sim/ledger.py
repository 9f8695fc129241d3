"""`ports.Ledger` in memory: pages that outlive processes, and a process's hand on them.

Used by `World`. `Pages` is what lies on disk; a killed process leaves it as it was. A full disk and lost pages can be
had for the asking. The crash points of a pass that concern the record are here.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from reconciler.adapters import ledger_lines
from reconciler.errors import RecordError
from reconciler.record import entries as wording
from reconciler.sim.crash import CrashPoint, Trap
from reconciler.state.desired import Commit
from reconciler.state.entry import Entry, EntryKind
from reconciler.state.memory import Memory
from reconciler.state.outcome import Intent, Outcome, Sent, Status
from reconciler.state.plan import Pass


@dataclass
class Pages:
    """Everything a ledger holds. `full`: nothing more can be written; `tight`: soon. `writes` counts transactions."""

    memories: dict[str, Memory] = field(default_factory=dict)
    intents: list[Intent] = field(default_factory=list)
    answers: dict[int, Sent] = field(default_factory=dict)
    outcomes: dict[int, dict[int, Outcome]] = field(default_factory=dict)
    entries: list[Entry] = field(default_factory=list)
    notes: dict[str, str] = field(default_factory=dict)
    statuses: dict[str, tuple[Status, ...]] = field(default_factory=dict)
    plans: dict[str, str] = field(default_factory=dict)
    good: str | None = None
    full: bool = False
    tight: bool = False
    writes: int = 0


class MemoryLedger:
    """One process's ledger on the pages."""

    def __init__(self, pages: Pages, trap: Trap | None = None) -> None:
        self.pages = pages
        self._trap = trap or Trap()

    def memories(self) -> Sequence[Memory]:
        """See `ports.Ledger`."""
        return [*self.pages.memories.values()]

    def memory(self, server: str) -> Memory | None:
        """See `ports.Ledger`."""
        return self.pages.memories.get(server)

    def remember(self, memory: Memory) -> None:
        """See `ports.Ledger`."""
        self._write()
        self.pages.memories[memory.server] = memory

    def intend(self, at: float, commit: Commit, server: str, body: Pass, memory: Memory) -> Intent:
        """See `ports.Ledger`."""
        self._trap.at(CrashPoint.BEFORE_INTENT, body.actions)
        self._write()
        intent = Intent(len(self.pages.intents) + 1, at, commit.id, server, body)
        self._tell(wording.opened(intent, commit, memory, lambda *about: self._latest(server, *about)))
        self.pages.intents.append(intent)
        self.pages.outcomes[intent.id] = {}
        self.pages.memories[server] = memory
        self._trap.at(CrashPoint.AFTER_INTENT, body.actions)
        return intent

    def answered(self, sent: Sent, memory: Memory) -> None:
        """See `ports.Ledger`."""
        self._trap.at(CrashPoint.ANSWERED, sent.intent.body.actions)
        self._write()
        self.pages.answers[sent.intent.id] = sent
        self.pages.memories[sent.intent.server] = memory
        self._trap.at(CrashPoint.ANSWER_WRITTEN, sent.intent.body.actions)

    def settle(self, outcomes: Sequence[Outcome]) -> None:
        """See `ports.Ledger`."""
        self._trap.at(CrashPoint.OUTCOME_SEEN, [outcome.action for outcome in outcomes])
        self._write()
        for outcome in outcomes:
            actions = self.pages.intents[outcome.intent - 1].body.actions
            self.pages.outcomes[outcome.intent].setdefault(actions.index(outcome.action), outcome)
        for number in dict.fromkeys(outcome.intent for outcome in outcomes):
            self._close(self.pages.intents[number - 1])
        self._trap.at(CrashPoint.OUTCOME_WRITTEN, [outcome.action for outcome in outcomes])

    def _close(self, intent: Intent) -> None:
        """Add the line that ends a model's part of a pass, once all of its actions have ended."""
        ended, actions = self.pages.outcomes[intent.id], intent.body.actions
        for opening in [each for each in self.pages.entries if each.intent == intent.id]:
            told = any(
                (each.intent, each.model, each.kind) == (intent.id, opening.model, EntryKind.OUTCOME)
                for each in self.pages.entries
            )
            mine = [index for index, action in enumerate(actions) if action.model == opening.model]
            if mine and not told and all(index in ended for index in mine):
                self._tell([wording.closed(opening, [(actions[index], ended[index]) for index in mine])])

    def _latest(self, server: str, model: str, digest: str | None) -> Entry | None:
        found = (
            each
            for each in reversed(self.pages.entries)
            if each.kind is EntryKind.INTENT and (each.server, each.model) == (server, model)
        )
        brought = (each for each in found if digest == each.digest and each.initiated_by not in wording.PUT_BACK)
        return next(found if digest is None else brought, None)

    def _tell(self, lines: Sequence[Entry]) -> None:
        for line in lines:
            last = self.pages.entries[-1].hash if self.pages.entries else ""
            self.pages.entries.append(ledger_lines.sealed(line, len(self.pages.entries) + 1, last))

    def entries(
        self, *, model: str | None = None, server: str | None = None, after: int = 0, limit: int | None = None
    ) -> Sequence[Entry]:
        """See `ports.Ledger`."""
        chosen = [
            each for each in self.pages.entries[after:] if model in (None, each.model) and server in (None, each.server)
        ]
        return chosen[:limit]

    def unsettled(self, server: str) -> Sequence[tuple[Intent, Sequence[int]]]:
        """See `ports.Ledger`."""
        found = []
        for intent in self.pages.intents:
            known = self.pages.outcomes[intent.id]
            left = tuple(index for index in range(len(intent.body.actions)) if index not in known)
            if intent.server == server and left:
                found.append((intent, left))
        return found

    def intents(self, *, server: str | None = None, limit: int = 50) -> Sequence[Intent]:
        """See `ports.Ledger`."""
        chosen = [each for each in reversed(self.pages.intents) if server in (None, each.server)]
        return chosen[:limit]

    def outcomes(self, intent: int) -> Sequence[Outcome]:
        """See `ports.Ledger`."""
        return [outcome for _, outcome in sorted(self.pages.outcomes.get(intent, {}).items())]

    def tight(self) -> bool:
        """See `ports.Ledger`."""
        return self.pages.tight

    def good_commit(self) -> str | None:
        """See `ports.Ledger`."""
        return self.pages.good

    def set_good_commit(self, commit_id: str) -> None:
        """See `ports.Ledger`."""
        self._write()
        self.pages.good = commit_id

    def note(self, key: str, value: str) -> None:
        """See `ports.Ledger`."""
        self._write()
        self.pages.notes[key] = value

    def noted(self, key: str) -> str | None:
        """See `ports.Ledger`."""
        return self.pages.notes.get(key)

    def statuses(self) -> Sequence[Status]:
        """See `ports.Ledger`."""
        return [status for _, group in sorted(self.pages.statuses.items()) for status in group]

    def set_statuses(self, server: str, statuses: Sequence[Status], plan_json: str) -> None:
        """See `ports.Ledger`."""
        self._write()
        self.pages.statuses[server] = tuple(statuses)
        self.pages.plans[server] = plan_json
        if not plan_json:
            del self.pages.plans[server]

    def plan_json(self, server: str) -> str | None:
        """See `ports.Ledger`."""
        return self.pages.plans.get(server)

    def _write(self) -> None:
        self._trap.live()
        if self.pages.full:
            raise RecordError("The disk that holds the simulated record is full: free some space.")
        self.pages.writes += 1
