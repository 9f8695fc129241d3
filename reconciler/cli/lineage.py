"""The repository's first-parent line and the record, opened for the verbs that join them; nobody is asked.

Called by `history` and `trace`. The mirror in the state directory is read, whose HEAD is the branch that is followed;
where there is none yet, a repository in a local folder is. Without a record there is still a history, only without what
came of it. Deliberately not here: the join (`record/deployments.py`) and its words (`expose/history.py`).
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from reconciler.adapters.git_line import GitLine
from reconciler.adapters.ledger import SqliteLedger
from reconciler.adapters.lock import StateDirectory
from reconciler.cli import records
from reconciler.cli.exits import Blocked
from reconciler.cli.options import RepositoryOptions
from reconciler.errors import RevisionMissing, SourceError
from reconciler.record import deployments
from reconciler.source.trail import Trail
from reconciler.state.desired import Commit
from reconciler.state.entry import Entry
from reconciler.state.history import Row, Step
from reconciler.state.memory import Memory
from reconciler.state.outcome import Status

BEYOND = 30
"""Steps that are read beyond those shown, so that what goes back to them is recognised."""
MOST_ENTRIES = 20_000
"""Ledger lines that a history of everything is joined with: the newest."""


@dataclass(frozen=True, slots=True)
class Look:
    """The line with its head, and the record as it was when it was opened; `ledger` None where there is no record."""

    line: GitLine
    head: str
    below: str
    ledger: SqliteLedger | None
    statuses: tuple[Status, ...] = ()
    memories: tuple[Memory, ...] = ()
    in_force: str = ""
    trouble: str = ""


@contextmanager
def opened(repository: RepositoryOptions, state: Path) -> Iterator[Look]:
    """The mirror and the record.

    Raises:
        Blocked: there is neither a mirror nor a repository in a local folder.
        RevisionMissing: the branch has no commit here.
        RecordError: there is a record, and it cannot be read.
    """
    line = _line(repository, state)
    head = line.head()
    if head is None:
        raise RevisionMissing(f"{line.name} has no commit of the branch that is followed yet. Run `reconciler sync`.")
    if not StateDirectory(state).ledger.exists():
        yield Look(line, head, repository.path, None)
        return
    with records.reading(state) as ledger:
        yield Look(
            line,
            head,
            repository.path,
            ledger,
            tuple(ledger.statuses()),
            tuple(ledger.memories()),
            ledger.good_commit() or "",
            ledger.noted(records.TROUBLE) or "",
        )


def _line(repository: RepositoryOptions, state: Path) -> GitLine:
    mirror = StateDirectory(state).mirror
    if (mirror / "HEAD").exists():
        return GitLine(mirror)
    folder = Path((repository.repo or ".").removeprefix("file://"))
    if (folder / ".git").exists() or (folder / "HEAD").exists():
        return GitLine(folder, f"refs/heads/{repository.branch}")
    raise Blocked(
        f"There is no mirror of a repository in {state} yet. Start `reconciler run` or `apply` once, give the state "
        "directory of the service with --state, or a repository in a local folder with --repo."
    )


def of_models(look: Look, documents: Iterable[str], limit: int) -> tuple[Row, ...]:
    """The rows of these Model documents, as many steps of each as are shown and some more."""
    found: list[Row] = []
    for document in documents:
        trail = Trail(look.line, look.below)
        steps = list(islice(trail.of_model(look.head, document), limit + BEYOND))
        found += joined(look, steps, trail.positions, _lines(look, steps))
    return tuple(sorted(found, key=lambda row: (row.step.position, row.model)))


def of_all(look: Look, limit: int) -> tuple[Row, ...]:
    """The rows of every model."""
    trail = Trail(look.line, look.below)
    steps = list(islice(trail.of_all(look.head), limit + BEYOND))
    return joined(look, steps, trail.positions, _newest(look.ledger))


def documents(look: Look, name: str) -> tuple[str, ...]:
    """The Model documents that a name is about: at the head, or, where it has none of that name, in its history."""
    return Trail(look.line, look.below).documents(look.head, name) or (name,)


def _lines(look: Look, steps: Iterable[Step]) -> list[Entry]:
    """The ledger's lines of every name that servers knew the model by, ascending."""
    names = {asked.servable for step in steps for asked in step.asked if asked.servable}
    if look.ledger is None:
        return []
    return sorted((line for name in names for line in look.ledger.entries(model=name)), key=lambda line: line.id)


def _newest(ledger: SqliteLedger | None) -> list[Entry]:
    """The newest lines of the ledger, ascending; ids ascend by one, so the end is found by halving."""
    if ledger is None:
        return []
    low, high = 0, 1
    while ledger.entries(after=high, limit=1):
        low, high = high, high * 2
    while low < high:
        middle = (low + high) // 2
        low, high = (middle + 1, high) if ledger.entries(after=middle, limit=1) else (low, middle)
    return list(ledger.entries(after=max(low - MOST_ENTRIES, 0)))


def joined(look: Look, steps: list[Step], positions: dict[str, int], lines: list[Entry]) -> tuple[Row, ...]:
    """The rows of these steps with these lines of the ledger, ascending, and what the record says besides."""
    first = look.ledger.entries(limit=1) if look.ledger is not None else ()
    named = {line.commit for line in lines if line.commit in positions}
    told = deployments.Told(
        entries=lines,
        statuses=look.statuses,
        positions=positions,
        commits={commit: _commit(look.line, commit) for commit in named},
        in_force=look.in_force,
        begins=first[0].commit if first else "",
        waits=look.trouble.partition("\n")[0],
    )
    return deployments.rows(steps, told)


def _commit(line: GitLine, commit: str) -> Commit:
    try:
        return line.commit(commit)
    except SourceError:
        return Commit(commit)
