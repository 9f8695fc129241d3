"""What may not begin on one server now, whatever its fleet's rollout says: freeze windows, blast radius, a full disk.

Called by `plan/fleet.py` and by lanes, after planning without vetoes. The answer is vetoes (`plan/effective.py`): a
spec that was not begun waits on the last good one, what is under way goes on, and what was reached before is healed.
Deliberately not here: when windows open (`windows.py`), what a commit removes (`plan/blast.py`), and turns between
servers (`plan/waves.py`).
"""

from collections.abc import Iterator

from reconciler.plan.target import begins, spec_digest
from reconciler.plan.vetoing import FREE, Vetoes, removal
from reconciler.state.desired import Blast, DesiredServer
from reconciler.state.observed import Observed
from reconciler.state.plan import Freeze, Hold, HoldReason, ServerPlan


def guarded(
    server: DesiredServer, observed: Observed, free: ServerPlan, freeze: Freeze | None, *, tight: bool = False
) -> Vetoes:
    """The changes that may not begin here now, by document, each with the hold that says why.

    Args:
        server: what git asks of the server.
        observed: what is believed of it.
        free: its plan without vetoes: only what differs can be held back.
        freeze: what keeps changes of its fleet from beginning at this moment.
        tight: the record has no room but what was kept aside for healing and for ways back.
    """
    if freeze is None and server.blast is None and not tight:
        return FREE
    held = dict(_frozen(server, observed, free, _TIGHT)) if tight else {}
    if freeze is not None:
        held |= _frozen(server, observed, free, freeze)
    return held | (_blasted(server, server.blast) if server.blast is not None else {})


_TIGHT = Freeze("", None, None)


def _blasted(server: DesiredServer, blast: Blast) -> dict[str, Hold]:
    counted = f"since commit {blast.since}" if blast.since else "as far as is remembered"
    detail = (
        f"git no longer places it here, with {blast.removals} of {blast.of} placements of Fleet {server.fleet.name} "
        f"gone at once, {counted}: more than `{blast.limit}` lets go without a word"
    )
    release = (
        "the trailer `Blast-Radius: confirmed` in the message of the commit in force, or a commit that removes fewer"
    )
    hold = Hold(HoldReason.BLAST_RADIUS, "", detail, release)
    return {removal(name): hold for name in blast.models}


def _frozen(server: DesiredServer, observed: Observed, free: ServerPlan, freeze: Freeze) -> Iterator[tuple[str, Hold]]:
    hold = _freeze_hold(server, freeze)
    different = {each.model for each in free.differences}
    for model in server.models:
        if model.name in different and begins(model, observed):
            back = (model.name, spec_digest(model, observed)) in observed.past
            if not (back and freeze.rollbacks):
                yield model.document, hold
    named = {model.name for model in server.models}
    yield from ((removal(name), hold) for name in sorted(different - named))


def _freeze_hold(server: DesiredServer, freeze: Freeze) -> Hold:
    if freeze is _TIGHT:
        return _tight_hold()
    passing = "; healing, and going back to what was served before, may" if freeze.rollbacks else "; healing may"
    detail = f"{freeze.window} of Fleet {server.fleet.name} lets no change begin{passing}"
    release = "the next opening" if freeze.until is not None else "a commit that changes the windows: none opens soon"
    return Hold(HoldReason.FROZEN, "", detail, release, until=freeze.until, since=freeze.since)


def _tight_hold() -> Hold:
    detail = (
        "the disk that holds the record is full, and what was kept aside is being used: no change begins, going back "
        "to what was served before and healing pass"
    )
    return Hold(HoldReason.RECORD_TIGHT, "", detail, "free space on the filesystem of the state directory")
