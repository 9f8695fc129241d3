"""The published ledger put together: the record's lines, the ref, who writes it.

Called by `run` and by `ledger release`. Reads the record through a connection of its own, so that nothing it does keeps
a lane waiting.
"""

import os
import re
import socket
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from reconciler.adapters.git_ledger import GitLedger, Pen, Place
from reconciler.adapters.git_remote import GitRemote
from reconciler.adapters.git_signing import SigningKey
from reconciler.adapters.git_writer import Identity
from reconciler.adapters.ledger import SqliteLedger
from reconciler.adapters.ledger_lines import parted
from reconciler.adapters.ledger_pages import Line
from reconciler.adapters.lock import StateDirectory
from reconciler.cli.exits import Misused
from reconciler.loop.events import LedgerPublished
from reconciler.record.current import Running, current

BATCH = 2000
"""Lines that go into one commit at the most: about 1.6 MB."""

_ENDED = re.compile(r'"finished":"(\d{4}-\d{2})')
_BEGAN = re.compile(r'"started":"(\d{4}-\d{2})')


@dataclass(frozen=True, slots=True)
class Name:
    """Under which name a ledger is published, below which prefix of refs."""

    instance: str
    refs: str = "refs/reconciler"

    @property
    def ref(self) -> str:
        """The full name of the ref."""
        return f"{self.refs.rstrip('/')}/{self.instance}/ledger"


def git_ledger(name: Name, remote: GitRemote, state: Path) -> GitLedger:
    """The ref that this instance publishes to. Raises Misused for names that git would not take."""
    directory = StateDirectory(state).path.absolute()
    try:
        place = Place(name.ref, name.instance, f"{socket.gethostname()}:{directory}")
        pen = Pen(Identity.of_bot(os.environ), SigningKey.from_environment(os.environ))
    except ValueError as error:
        raise Misused(f"{error}.") from error
    if place.ref == remote.ref:
        raise Misused(f"{place.ref} is the branch that is followed. Give another --ledger-refs or --instance.")
    return GitLedger(directory / "ledger.git", remote, place, pen)


class Publication:
    """One ledger on its way to one ref; called in a thread, one round after the other."""

    def __init__(self, target: GitLedger, path: Path, note: Callable[[str, str], None]) -> None:
        """`path`: the record, which is opened at the first round. `note`: keeps a fact in it."""
        self._target = target
        self._path = path
        self._note = note
        self._opened: SqliteLedger | None = None
        self._commits: dict[tuple[str, str, str], str] = {}

    def publish(self) -> LedgerPublished | None:
        """One round; see `GitLedger.publish`."""
        done = self._target.publish(self)
        if done is None:
            return None
        self._note(_key(self._target.place.ref), done.commit)
        return LedgerPublished(time.time(), done.lines, done.last, done.commit, done.segment)

    def close(self) -> None:
        """Give the record back."""
        if self._opened is not None:
            self._opened.close()

    @property
    def _ledger(self) -> SqliteLedger:
        if self._opened is None:
            self._opened = SqliteLedger(self._path, writable=False)
        return self._opened

    def own(self, number: int) -> str:
        """See `git_ledger.Lines`."""
        return self._ledger.own(number)

    def lines(self, after: int) -> Sequence[Line]:
        """See `git_ledger.Lines`."""
        return [_line(number, text) for number, text in self._ledger.lines(after, BATCH)]

    def running(self) -> Sequence[Running]:
        """See `git_ledger.Lines`."""
        before, self._commits = self._commits, {}  # what runs no more is forgotten: services live for years

        def commit_of(server: str, model: str, digest: str) -> str:
            about = (server, model, digest)
            found = before[about] if about in before else self._commit_of(*about)
            return self._commits.setdefault(about, found)

        return current(self._ledger.memories(), commit_of)

    def has_published(self, name: str) -> bool:
        """See `git_ledger.Lines`."""
        return self._ledger.noted(_key(name)) is not None

    def _commit_of(self, server: str, model: str, digest: str) -> str:
        """Asked once for each: the commit that first brought a digest is the one to name."""
        found = self._ledger.line_of(server, model, digest)
        return found.commit if found is not None else ""


def _key(name: str) -> str:
    return f"published {name}"


def _line(number: int, text: str) -> Line:
    """A line with the month of its end, or of its beginning where it has none: texts cannot hold a bare quote."""
    found = _ENDED.search(text) or _BEGAN.search(text)
    return Line(number, parted(text)[1], text, found[1] if found else "1970-01")
