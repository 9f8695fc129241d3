"""What to go back to: names and revisions as people give them, and the rows of history they mean.

Called by `rollback` for a commit and for a local pin. The choice itself is `revise/target.py`'s. The record is read
beside a running service where there is one; one that cannot be read does not stop anybody from going back.
"""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from reconciler.adapters.git_line import GitLine
from reconciler.adapters.ledger import SqliteLedger
from reconciler.adapters.lock import StateDirectory
from reconciler.cli import lineage, verb
from reconciler.errors import RecordError, RevisionRefused
from reconciler.revise import target

_DEPLOYMENT = re.compile(r"d([1-9][0-9]{0,17})")
_ENOUGH = 100  # rows of a model that are looked at for the previous ones; a commit that is named is looked for in all


@dataclass(frozen=True, slots=True)
class Ask:
    """What is asked for: models by name, the commit or deployment to go to (None: that many steps back), and why.

    offline: ask no server and no storage; what it costs is then what the record says. trigger: what the commit's
    trailer says began it.
    """

    models: tuple[str, ...]
    to: str | None = None
    steps: int = 1
    reason: str = ""
    offline: bool = False
    trigger: str = "manual"


@dataclass(frozen=True, slots=True)
class Where:
    """The watched path, the followed branch, and the state directory with the record."""

    below: str
    branch: str
    state: Path


def targets(ask: Ask, mirror: Path, head: str, where: Where) -> tuple[target.Target, ...]:
    """What each model goes back to, from a head.

    Raises:
        RevisionRefused: there is nothing to go back to, or it is so already.
        RevisionMissing: the revision that is named is none.
    """
    line = GitLine(mirror)
    with record(where.state) as ledger:
        look = lineage.Look(line, head, where.below, ledger)
        if ledger is not None:
            look = replace(look, statuses=tuple(ledger.statuses()), in_force=ledger.good_commit() or "")
        names = list(dict.fromkeys(ask.models))
        with _all_or_none(names):
            return tuple(_target(ask, look, name, where) for name in names)


@contextmanager
def _all_or_none(names: Sequence[str]) -> Iterator[None]:
    """Let a refusal of one of several models say that the others stay as well."""
    try:
        yield
    except RevisionRefused as error:
        if len(names) == 1:
            raise
        raise RevisionRefused(f"{error} Nothing was done for the other models that were named, either.") from error


def _target(ask: Ask, look: lineage.Look, name: str, where: Where) -> target.Target:
    named = lineage.documents(look, name)
    if len(named) > 1:
        raise RevisionRefused(f"{name} is the name of several Models: {', '.join(named)}. Give one of these.")
    document = named[0]
    if ask.to is None:
        rows = lineage.of_models(look, [document], max(_ENOUGH, ask.steps * 2))
        found = target.previous(rows, document, ask.steps)
    else:
        commit = _named(look, ask.to, document, where.state)
        position = _position(look, commit, where.branch)
        rows = lineage.of_models(look, [document], position + 1)
        found = target.at(rows, document, position, f"{commit[:10]} ({look.line.commit(commit).subject})")
    if found.now is not None and found.now.written == found.spec.written:
        raise RevisionRefused(
            f"{document} is already as it was in commit {found.row.step.commit.short}: there is nothing to change. To "
            "do: name another commit with --to."
        )
    return found


def _named(look: lineage.Look, revision: str, document: str, state: Path) -> str:
    """The commit of a deployment or a revision."""
    found = _DEPLOYMENT.fullmatch(revision)
    if found is None:
        return look.line.resolve(revision)
    number = int(found[1])
    entries = look.ledger.entries(after=number - 1, limit=1) if look.ledger is not None else ()
    if entries and entries[0].id == number:
        return entries[0].commit
    raise RevisionRefused(
        f"The record in {state} knows no deployment {revision}. To do: `reconciler history {document}` lists them; or "
        "give a commit."
    )


def _position(look: lineage.Look, commit: str, branch: str) -> int:
    """How many commits before the head that one is, in the first-parent line. Raises RevisionRefused."""
    found = next((number for number, (each, _) in enumerate(look.line.ids(look.head)) if each == commit), None)
    if found is None:
        raise RevisionRefused(
            f"Commit {commit[:10]} is not in the first-parent history of {branch}, so it never was in force: it is on "
            "another branch, or came in by a merge. To do: name the merge, or another commit that `reconciler history` "
            "lists."
        )
    return found


@contextmanager
def record(state: Path) -> Iterator[SqliteLedger | None]:
    """The record, None where there is none or where it cannot be read, which is said."""
    if not StateDirectory(state).ledger.exists():
        yield None
        return
    try:
        opened = SqliteLedger(StateDirectory(state).ledger, writable=False)
    except RecordError as error:
        verb.say(f"warning: {error} The commits alone say what to go back to.")
        yield None
        return
    try:
        yield opened
    finally:
        opened.close()
