"""Drift: what was in force is so no longer, again and again, and nothing sent from here explains it.

Somebody else sends configs to this server, or its storage comes and goes. Belief discards its memory of such a server
after ever longer pauses, and the plan made from what is seen then puts it right (`belief/doubts.py`). Called by
`plan/moves.py`, at the end of every move: the hold that says so, and why nothing goes until then. Deliberately not
here: the wedge, which no list with the stuck version on it resolves (`plan/wedge.py`).
"""

from dataclasses import replace

from reconciler.plan.scene import Draft, Move
from reconciler.plan.wedge import standing
from reconciler.plan.wording import times
from reconciler.state.look import LabelKind
from reconciler.state.memory import Doubt, DoubtReason
from reconciler.state.plan import Action, ActionKind, Hold, HoldReason


def settled(work: Draft) -> Move:
    """The finished move; where the model drifts, with the hold that says so, and none that calls it progress.

    A label that dangles because of the drift is left out only when another reload goes anyway: leaving it out is a
    reload, and any reload would put the version right at once, and be undone, for ever.
    """
    doubts = standing(work.scene.observed, work.target.name)
    if not doubts:
        return work.finish()
    work.holds = [hold for hold in work.holds if not any(_is_about(work, doubt, hold) for doubt in doubts)]
    _hold(work, max(doubts, key=lambda each: each.rounds))
    return replace(work.finish(), waits=all(_only_dangles(work, action) for action in work.actions))


def _is_about(work: Draft, doubt: Doubt, hold: Hold) -> bool:
    if not hold.progressing:
        return False
    if doubt.kind is DoubtReason.LABEL:
        return hold.label == doubt.label
    if doubt.version == 0:
        return True
    return hold.version == doubt.version or (hold.label is not None and work.target.label(hold.label) == doubt.version)


def _only_dangles(work: Draft, action: Action) -> bool:
    wanted = work.target.label(action.label) if action.label else None
    return action.kind is ActionKind.UNLABEL and wanted is not None and wanted == action.before


def _hold(work: Draft, doubt: Doubt) -> None:
    about = f"version {doubt.version}" if doubt.version else "the model"
    about += f" (label {doubt.label})" if doubt.label else ""
    detail = (
        f"{about}: {doubt.reason}{_alternates(work, doubt)}; this was so {times(doubt.rounds)} lately, and nothing "
        "sent from here explains it: somebody else changes this server, or its storage does. It is not fought for ever"
    )
    release = "the end of the other writer's reloads (only the reconciler may send them), or steady files in storage"
    if doubt.until:
        release += "; it is put right again after a pause that grows up to 600 s"
    since = doubt.first_at or None
    work.hold(HoldReason.DRIFT_FIGHT, detail, release, until=doubt.until or None, since=since)


def _alternates(work: Draft, doubt: Doubt) -> str:
    """Between what the model goes to and fro, where that can be told."""
    if doubt.kind is DoubtReason.ENDED:
        return "; loaded from here and unloaded by somebody else, in turns"
    reading = work.seen.reading(doubt.label) if doubt.label else None
    if reading is None:
        return ""
    other = {LabelKind.RESOLVES: str(reading.version), LabelKind.UNDEFINED: "not being set"}.get(reading.kind)
    return f"; it goes to and fro between {doubt.version} and {other}" if other else ""
