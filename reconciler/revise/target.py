"""Which spec of a model a rollback goes back to: chosen from the rows of its history, newest first.

Called by `rollback`. A spec that was itself gone back to stands for the older one, so that a second rollback goes
further back, and not forward to what was taken back. Deliberately not here: reading history and the record.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from reconciler.errors import RevisionRefused
from reconciler.state.history import Asked, Fate, Row, Spec

_REACHED = frozenset({Fate.DONE, Fate.NOTHING, Fate.UNRECORDED})


@dataclass(frozen=True, slots=True)
class Target:
    """The spec to go back to, the row of the commit that brought it, and the rows that are taken back, newest first.

    now: the spec at the head, None where the model is not in the repository any more.
    """

    row: Row
    spec: Spec
    document: str
    now: Spec | None
    document_now: str
    taken_back: tuple[Row, ...]


def previous(rows: Sequence[Row], name: str, back: int) -> Target:
    """The spec that many deployments before the one at the head, each reached and different from the one after it.

    Args:
        rows: of that model, newest first; the newest is what its document says now.
        name: the model, for messages.
        back: 1 for the previous one.

    Raises:
        RevisionRefused: the model has no such past.
    """
    asking = _asking(rows, name)
    current, found = _written(_asked(asking[0]).after), 0
    start = _stood(asking, current)
    for number, row in enumerate(asking[start + 1 :], start + 1):
        spec = _asked(row).after
        if spec is None or spec.model is None or spec.written == current or not _reached(row):
            continue
        found, current = found + 1, spec.written
        if found == back:
            return _target(asking, number, spec)
    many = f"{found} earlier deployment{'s' if found > 1 else ''} that {'were' if found > 1 else 'was'} reached"
    raise RevisionRefused(
        f"{name} has {many if found else 'no earlier deployment that was reached'}, so {_back(back)} there is nothing "
        f"to go back to. To do: name a commit with --to; `reconciler history {name}` lists them."
    )


def at(rows: Sequence[Row], name: str, position: int, said: str) -> Target:
    """The spec that a model had in the commit at a position of the line, 0 for its newest; `said` names the commit.

    Raises:
        RevisionRefused: the model was not there, or its document was not valid.
    """
    asking = _asking(rows, name)
    number = next((n for n, row in enumerate(asking) if row.step.position >= position), None)
    if number is None:
        raise RevisionRefused(
            f"Commit {said} is older than the model {name}, which came with commit {asking[-1].step.commit.short}. To "
            "do: name a newer commit; to take a model away, remove its document."
        )
    spec = _asked(asking[number]).after
    if spec is None:
        raise RevisionRefused(
            f"{name} was not in the repository in commit {said}: commit {asking[number].step.commit.short} had removed "
            "it. To do: name another commit."
        )
    if spec.model is None:
        raise RevisionRefused(
            f"The document of {name} in commit {said} is not valid, so it was never in force: {spec.problem}. To do: "
            "name another commit."
        )
    return _target(asking, number, spec)


def _asking(rows: Sequence[Row], name: str) -> list[Row]:
    found = sorted((row for row in rows if row.asked is not None), key=lambda row: row.step.position)
    if not found:
        raise RevisionRefused(
            f"No commit of this branch has a Model {name}. To do: give the metadata.name of a Model; `reconciler "
            "status` lists them."
        )
    return [row for number, row in enumerate(found) if number == len(found) - 1 or _changes(row)]


def _changes(row: Row) -> bool:
    """Whether the commit changed the document itself; one that only gave its Fleet a server did not."""
    before, after = _asked(row).before, _asked(row).after
    return before is None or after is None or before.written != after.written


def _stood(asking: Sequence[Row], current: str) -> int:
    """The row where what the document says now stood before, because the newest one went back to it; 0 for none."""
    again = (n for n, row in enumerate(asking) if n > 0 and current and _written(_asked(row).after) == current)
    named = (n for n, row in enumerate(asking) if row.step.commit.id == asking[0].back_to)
    return next(again, next(named, 0))


def _reached(row: Row) -> bool:
    return not row.landings or any(each.fate in _REACHED for each in row.landings)


def _target(asking: Sequence[Row], number: int, spec: Spec) -> Target:
    asked, newest = _asked(asking[number]), _asked(asking[0])
    return Target(asking[number], spec, asked.document, newest.after, newest.document, tuple(asking[:number]))


def _asked(row: Row) -> Asked:
    if row.asked is None:
        raise AssertionError("only rows that asked something are looked at")
    return row.asked


def _written(spec: Spec | None) -> str:
    return spec.written if spec is not None else ""


def _back(steps: int) -> str:
    return "one step back" if steps == 1 else f"{steps} steps back"
