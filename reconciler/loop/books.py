"""The books of one lane: what is remembered, which intents are open, what was told last.

Used by `Lane` only. It writes to the store when something changed that a restart must know, and only then: an idle
server is looked at every ten seconds without a write. Deliberately not here: waiting, sending, planning.
"""

from collections.abc import Collection, Sequence
from dataclasses import replace

from reconciler import belief, execute, record
from reconciler import plan as planning
from reconciler.loop.events import HoldsChanged, OutcomeSeen, ServerConverged, ServerStateChanged
from reconciler.loop.tools import Aim, Tools
from reconciler.state.check import CheckResult
from reconciler.state.look import Look, Reach
from reconciler.state.memory import LabelMemory, Memory, Standing
from reconciler.state.observed import Observed
from reconciler.state.outcome import Intent, Outcome, Status
from reconciler.state.plan import Hold, Pass, ServerPlan

BUSY_STEP = 1.0
"""Seconds by which "last seen busy" may lag in the store: less than any fence, which is what it is for."""

HoldKey = tuple[str, str, int | None, str | None]


class Books:
    """Everything one lane knows between two turns; read from the store when the lane opens, and after an error.

    told: the statuses told before, by this process or an earlier one, so that each `since` goes on.
    """

    def __init__(self, aim: Aim, tools: Tools, told: Sequence[Status]) -> None:
        self._tools = tools
        server = aim.server.id
        kept = self._written = tools.ledger.memory(server)
        self.memory = belief.resumed(kept, tools.clock.now()) if kept is not None else belief.first_contact(aim.server)
        self.still_open: Sequence[tuple[Intent, Sequence[int]]] = tuple(tools.ledger.unsettled(server))
        self.statuses = tuple(told)
        self._fingerprint = ""
        self._holds: dict[HoldKey, Hold] = {}
        self._state: tuple[Reach, Standing] | None = None
        self._converged = ""

    def learn(self, aim: Aim, look: Look) -> Observed:
        """Fold a look into the memory and say what may be believed now."""
        self.memory = belief.learn(aim.server, self.memory, look)
        observed = belief.believe(aim.server, self.memory, look)
        self._tell_state(observed)
        return observed

    def reached(self, aim: Aim, look: Look, observed: Observed) -> Observed:
        """Book the models that are wholly as wanted now; what may be believed then."""
        goods = planning.reached(aim.server, observed)
        memory = belief.reached(self.memory, goods) if goods else self.memory
        if memory == self.memory:
            return observed
        self.memory = memory
        return belief.believe(aim.server, memory, look)

    def forgive(self, models: Collection[str]) -> None:
        """Forget that these models failed: somebody says that the cause is gone."""
        self.memory = belief.forgiven(self.memory, models)

    def checked(self, results: Sequence[CheckResult]) -> None:
        """Fold results of checks into the memory; the turn writes it."""
        self.memory = belief.checked(self.memory, results)

    def checking(self, aim: Aim, body: Pass) -> Intent:
        """Write that these checks begin. Raises RecordError; then none may."""
        at = self._tools.clock.now()
        intent = self._tools.ledger.intend(at, aim.commit, aim.server.id, body, self.memory)
        self._written = self.memory
        self.still_open = tuple(self._tools.ledger.unsettled(aim.server.id))
        return intent

    def keep(self) -> None:
        """Write the memory if a restart without the change would know less. Raises RecordError."""
        if self._written is None or differs(self._written, self.memory):
            self._tools.ledger.remember(self.memory)
            self._written = self.memory

    def sent(self, memory: Memory) -> None:
        """A pass was sent and answered; the store has that memory already."""
        self.memory = self._written = memory
        self.still_open = tuple(self._tools.ledger.unsettled(memory.server))

    def settle(self, aim: Aim, observed: Observed) -> bool:
        """Write and tell how open actions ended; whether any did."""
        outcomes = execute.settle(aim.server, self.still_open, observed) if self.still_open else ()
        if not outcomes:
            return False
        self._tools.ledger.settle(outcomes)
        self.still_open = tuple(self._tools.ledger.unsettled(aim.server.id))
        self.told(aim.server.id, outcomes)
        return True

    def told(self, server: str, outcomes: Sequence[Outcome]) -> None:
        """Tell of outcomes that are written."""
        for outcome in outcomes:
            self._tools.tell(OutcomeSeen(outcome.at, server, outcome))

    def report(self, aim: Aim, plan: ServerPlan, observed: Observed) -> None:
        """Write statuses and plan if they changed; tell of holds and of being converged."""
        statuses = record.statuses(aim.commit, aim.server, plan, observed, self.statuses)
        statuses = record.rolled_back(aim.server, statuses, self._tools.notices, self.statuses)
        statuses = record.pinned(aim.server, statuses)
        if plan.fingerprint != self._fingerprint or not record.same_statuses(statuses, self.statuses):
            self._tools.ledger.set_statuses(aim.server.id, statuses, self._tools.dump(plan))
            self.statuses, self._fingerprint = statuses, plan.fingerprint
        self._tell_holds(plan, observed)
        done = plan.as_git_says and not self.still_open
        if done and self._converged != aim.commit.id:
            self._tools.tell(ServerConverged(observed.at, plan.server, aim.commit.id))
        self._converged = aim.commit.id if done else ""

    def stopped(self, aim: Aim, reason: str, message: str) -> tuple[Status, ...]:
        """Write that the lane had to stop, and return the statuses that say so. Raises RecordError."""
        at = self._tools.clock.now()
        self.statuses = record.halted(aim.commit, aim.server, (reason, message), at, self.statuses)
        plan = ServerPlan(aim.server.id, observed_at=at)
        self._tools.ledger.set_statuses(aim.server.id, self.statuses, self._tools.dump(plan))
        self._fingerprint = ""
        return self.statuses

    def _tell_state(self, observed: Observed) -> None:
        state = (observed.reach, observed.standing)
        if state != self._state:
            self._state = state
            self._tools.tell(ServerStateChanged(observed.at, observed.server, *state))

    def _tell_holds(self, plan: ServerPlan, observed: Observed) -> None:
        now = {(hold.reason.value, hold.model, hold.version, hold.label): hold for hold in plan.holds}
        if now.keys() != self._holds.keys():
            appeared = tuple(hold for key, hold in now.items() if key not in self._holds)
            released = tuple(hold for key, hold in self._holds.items() if key not in now)
            self._tools.tell(HoldsChanged(observed.at, plan.server, appeared, released))
        self._holds = now


def differs(one: Memory, other: Memory) -> bool:
    """Whether two memories differ in more than times of looking (labels, storage, doubts), or of being busy."""
    if one is other:
        return False
    if abs(one.busy_at - other.busy_at) >= BUSY_STEP:
        return True
    if len(one.labels) != len(other.labels) or not all(map(_same_label, one.labels, other.labels)):
        return True
    return _without_looking(one) != _without_looking(other)


def _without_looking(memory: Memory) -> Memory:
    doubts = tuple(replace(doubt, seen_at=0.0) for doubt in memory.doubts)
    return replace(memory, busy_at=0.0, labels=(), paths_at=(), doubts=doubts)


def _same_label(one: LabelMemory, other: LabelMemory) -> bool:
    return one is other or (one.model, one.label, one.reading) == (other.model, other.label, other.reading)
