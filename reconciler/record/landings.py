"""How one commit's wish for one model fared on one server: judged by ledger lines, statuses and what came after.

Pure; used by `record/deployments.py` only. A pass that is done is no proof that the wish was reached: the proof is a
later line that names the commit as what stood before, a line that says the same was put right (drift), or the status of
now. Where none of them is, the newer commit came before it was reached.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from reconciler.state.entry import Entry, EntryKind, Initiator
from reconciler.state.history import Fate, Landing
from reconciler.state.outcome import ConditionStatus, ConditionType, OutcomeKind, Status, Sync
from reconciler.state.plan import ActionKind

_FATES: dict[str, Fate] = {
    OutcomeKind.DONE: Fate.DONE,
    OutcomeKind.FAILED: Fate.FAILED,
    OutcomeKind.REFUSED: Fate.REFUSED,
    OutcomeKind.TIMED_OUT: Fate.TIMED_OUT,
    OutcomeKind.OVERTAKEN: Fate.OVERTAKEN,
}
_WORST = (Fate.FAILED, Fate.REFUSED, Fate.TIMED_OUT, Fate.OVERTAKEN, Fate.DONE)
AFTERWARDS = 30.0
"""Seconds after which an unload by itself is no part of the way any more (`transition.keepPrevious`)."""
_ASIDE = (Initiator.DRIFT, Initiator.RESTORE)


@dataclass(frozen=True, slots=True)
class Case:
    """One wish on one server.

    commit, position: of the commit that asked. until: the position of the next newer change of the model, -1 where
    there is none. problem: why the commit cannot be in force. entries: the lines that belong to it, ascending. later:
    the lines of the model on this server that belong to newer wishes. status: of the model here now, None where it has
    none. pinned: how many passes of local pins were sent meanwhile. so_already: what stood before was the same to the
    server. in_force: the position of the commit that the server is held to, None where that is not known. begins: the
    position of the ledger's first line, None where there is none. waits: why the head is not in force.
    """

    server: str
    commit: str
    position: int
    until: int
    problem: str = ""
    entries: tuple[Entry, ...] = ()
    later: tuple[Entry, ...] = ()
    status: Status | None = None
    in_force: int | None = None
    begins: int | None = None
    waits: str = ""
    pinned: int = 0
    so_already: bool = False

    @property
    def current(self) -> bool:
        """Whether this is what the server is held to now."""
        return self.in_force is not None and self.until < self.in_force <= self.position

    @property
    def sent(self) -> tuple[Entry, ...]:
        """The lines of the way there; not those that put it right afterwards, or put another spec back."""
        return tuple(each for each in self.entries if each.initiated_by not in _ASIDE)

    @property
    def healed(self) -> tuple[Entry, ...]:
        """The lines that put right what the commit asked for; after a failure it may be the last good spec instead."""
        own = {each.digest for each in self.sent}
        drift = (each for each in self.entries if each.initiated_by == Initiator.DRIFT)
        return tuple(each for each in drift if not own or each.digest in own)

    @property
    def restored(self) -> bool:
        """Whether another spec was put back for this one, and nothing else was tried since."""
        aside = {each.id for each in (*self.sent, *self.healed)}
        return bool(self.entries) and self.entries[-1].id not in aside


def landing(case: Case, positions: Mapping[str, int]) -> Landing:
    """The judgement.

    Args:
        case: the wish.
        positions: of every commit of the line that was walked, 0 for the newest.
    """
    fate, because = _sent(case, positions) if case.sent else _unsent(case, positions)
    lines = case.sent or case.entries
    return Landing(
        server=case.server,
        fate=fate,
        started=min((each.started for each in lines), default=None),
        finished=_finished(lines) if fate is not Fate.UNDER_WAY else None,
        entries=tuple(each.id for each in case.entries),
        because=because,
        healed=sum(each.kind is EntryKind.INTENT for each in case.healed),
        by=lines[0].commit if lines and lines[0].commit != case.commit else "",
        pinned=case.pinned,
    )


def _finished(lines: Sequence[Entry]) -> float | None:
    """When the way there ended: not when a version went that had been kept loaded for a while."""
    at: float | None = None
    for each in lines:
        if each.finished is None or (at is not None and _only_unloads(each) and each.started - at > AFTERWARDS):
            continue
        at = max(at or each.finished, each.finished)
    return at


def _only_unloads(line: Entry) -> bool:
    return all(each.kind == ActionKind.UNLOAD for each in line.actions)


def opened(entries: Sequence[Entry]) -> tuple[Entry, ...]:
    """The intents among these lines that no outcome has ended."""
    ended = {each.intent for each in entries if each.kind is EntryKind.OUTCOME}
    return tuple(each for each in entries if each.kind is EntryKind.INTENT and each.intent not in ended)


def ended(entries: Sequence[Entry]) -> tuple[Fate, str]:
    """How these passes ended, and with what evidence: each action as it ended last, the worst of them.

    A version that failed is unloaded before it is tried again: that this went well says nothing of the load.
    """
    passes = [each for each in entries if each.kind is EntryKind.OUTCOME]
    if not passes:
        return Fate.UNDER_WAY, ""
    last = {
        (each.kind, each.version, each.label, each.check): (_FATES.get(each.outcome, Fate.FAILED), each.evidence)
        for entry in passes
        for each in entry.actions
    }
    told = [*last.values()] or [(_FATES.get(passes[-1].outcome, Fate.FAILED), passes[-1].evidence)]
    return min(told, key=lambda each: _WORST.index(each[0]))


def _sent(case: Case, positions: Mapping[str, int]) -> tuple[Fate, str]:
    fate, evidence = ended(case.sent)
    if case.restored and fate in (Fate.DONE, Fate.UNDER_WAY):
        fate, evidence = Fate.FAILED, "the last good spec was put back"
    failed = fate not in (Fate.DONE, Fate.UNDER_WAY)
    if case.current:
        return _now(case, (fate, evidence) if failed else None)
    if reached(case, positions):
        return Fate.DONE, evidence
    if failed:
        return fate, evidence
    if fate is Fate.DONE and not any(line.author for line in case.later):
        return fate, evidence  # nothing says otherwise: lines made from an older record name nothing that stood before
    return Fate.OVERTAKEN, ""


def reached(case: Case, positions: Mapping[str, int]) -> bool:
    """Whether a line says that the wish stood on the server before something else was begun, or was put right."""
    if case.restored:
        return False
    if case.healed:
        return True
    parents = [positions[each.parent] for each in case.later if each.parent in positions]
    return any(case.until < parent <= case.position for parent in parents)


def _now(case: Case, failed: tuple[Fate, str] | None) -> tuple[Fate, str]:
    """The fate of the wish that the server is held to: as its status has it."""
    if opened(case.sent):
        return Fate.UNDER_WAY, ""
    status = case.status
    if status is None:
        return failed or ended(case.sent)
    if status.sync is Sync.SYNCED:
        return Fate.DONE, ""
    standing = _standing(status)
    return standing if failed is None or standing[0] is Fate.UNDER_WAY else failed


def _standing(status: Status) -> tuple[Fate, str]:
    """Held, with the reason, where something has to happen first; else under way."""
    stalled = next((each for each in status.conditions if each.type is ConditionType.STALLED), None)
    ready = next((each for each in status.conditions if each.type is ConditionType.READY), None)
    pin = next((each for each in status.conditions if each.type is ConditionType.PINNED), None)
    said = stalled or pin or ready
    text = f"{said.reason}: {said.message}" if said is not None else ""
    moving = any(
        each.type is ConditionType.RECONCILING and each.status is ConditionStatus.TRUE for each in status.conditions
    )
    return (Fate.UNDER_WAY if moving and stalled is None else Fate.HELD), text


def _unsent(case: Case, positions: Mapping[str, int]) -> tuple[Fate, str]:
    if case.problem:
        return Fate.INVALID, case.problem
    if case.entries:  # all of them put it right: it had been reached before
        return Fate.DONE, ""
    if case.current and case.status is not None:
        return (Fate.NOTHING, "") if case.status.sync is Sync.SYNCED else _standing(case.status)
    if case.in_force is None and case.begins is None and not case.waits:
        return Fate.UNRECORDED, ""  # there is no record at all
    if case.in_force is None or case.position < case.in_force:
        return Fate.WAITING, case.waits
    return _passed(case, positions), ""


def _passed(case: Case, positions: Mapping[str, int]) -> Fate:
    """The fate of a wish that was in force, or was jumped over, without a line of its own."""
    if reached(case, positions) or case.so_already:
        return Fate.NOTHING
    if case.begins is None or case.position > case.begins:
        return Fate.UNRECORDED
    return Fate.WAITING if case.until < 0 else Fate.NEVER
