"""Which commit set a label or listed a version, and which line of the ledger brought it to a server.

Pure. Called by `trace` through `cli/`. Blame is of the value, not of the file: a commit that changes another label, a
comment or the file's place is passed over.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from reconciler.record.returns import Change
from reconciler.state.entry import Entry, EntryAction, EntryKind
from reconciler.state.history import Spec
from reconciler.state.outcome import OutcomeKind
from reconciler.state.plan import ActionKind
from reconciler.state.versions import Specific

_LOADED = frozenset({ActionKind.LOAD, ActionKind.ADD_MODEL})


@dataclass(frozen=True, slots=True)
class Brought:
    """The line that brought a value to a server, and the last one that put it right since, if there is one."""

    entry: Entry
    put_right: Entry | None = None


def set_by(changes: Iterable[Change], label: str, version: int) -> Change | None:
    """The newest change after which the document says this and before which it did not.

    Args:
        changes: of one model, newest first.
        label: "" for a version that is only listed.
        version: the one that the label is on, or that is listed.
    """
    return next(
        (
            each
            for each in changes
            if _says(each.asked.after, label, version) and not _says(each.asked.before, label, version)
        ),
        None,
    )


def _says(spec: Spec | None, label: str, version: int) -> bool:
    if spec is None or spec.model is None:
        return False
    if label:
        return (label, version) in spec.model.labels
    policy = spec.model.policy
    return not isinstance(policy, Specific) or version in policy.versions


def brought_by(entries: Sequence[Entry], label: str, version: int) -> Brought | None:
    """The line since which a label is on a version (or a version is loaded) on one server, None where no line says so.

    Args:
        entries: of one model on one server, ascending.
        label: "" for a version.
        version: what it is on now.
    """
    found: Brought | None = None
    for entry in entries:
        if entry.kind is not EntryKind.OUTCOME:
            continue
        for action in entry.actions:
            if action.outcome == OutcomeKind.DONE and _concerns(action, label, version):
                found = _after(found, entry, action, label, version)
    return found


def _concerns(action: EntryAction, label: str, version: int) -> bool:
    if action.kind == ActionKind.REMOVE_MODEL:
        return True
    if label:
        return action.label == label and action.kind in (ActionKind.LABEL, ActionKind.UNLABEL)
    return action.version == version and action.kind in (*_LOADED, ActionKind.UNLOAD)


def _after(found: Brought | None, entry: Entry, action: EntryAction, label: str, version: int) -> Brought | None:
    there = action.kind == ActionKind.LABEL and action.version == version if label else action.kind in _LOADED
    if not there:
        return None
    return Brought(found.entry, entry) if found is not None else Brought(entry)
