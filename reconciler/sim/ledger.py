"""`ports.Ledger` in memory: pages that outlive processes, and a process's hand on them.

Used by `World`. `Pages` is what lies on disk; a killed process leaves it as it was. A full disk and lost pages can be
had for the asking. The crash points of a pass that concern the record are here.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from reconciler.errors import RecordError
from reconciler.sim.crash import CrashPoint, Trap
from reconciler.state.memory import Memory
from reconciler.state.outcome import Intent, Outcome, Sent, Status
from reconciler.state.plan import Pass


@dataclass
class Pages:
    """Everything a ledger holds. `full`: nothing more can be written. `writes` counts transactions."""

    memories: dict[str, Memory] = field(default_factory=dict)
    intents: list[Intent] = field(default_factory=list)
    answers: dict[int, Sent] = field(default_factory=dict)
    outcomes: dict[int, dict[int, Outcome]] = field(default_factory=dict)
    notes: dict[str, str] = field(default_factory=dict)
    statuses: dict[str, tuple[Status, ...]] = field(default_factory=dict)
    plans: dict[str, str] = field(default_factory=dict)
    good: str | None = None
    full: bool = False
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

    def intend(self, at: float, commit: str, server: str, body: Pass, memory: Memory) -> Intent:
        """See `ports.Ledger`."""
        self._trap.at(CrashPoint.BEFORE_INTENT, body.actions)
        self._write()
        intent = Intent(len(self.pages.intents) + 1, at, commit, server, body)
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
        self._write()
        for outcome in outcomes:
            actions = self.pages.intents[outcome.intent - 1].body.actions
            self.pages.outcomes[outcome.intent].setdefault(actions.index(outcome.action), outcome)
        self._trap.at(CrashPoint.OUTCOME_WRITTEN, [outcome.action for outcome in outcomes])

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
