"""The published ledger: a ref of its own in the desired-state repository's remote, an orphan line of commits.

Used by `cli/publishing.py`, off the event loop. Forwards only: a commit is pushed onto the very commit that it was made
on, or not at all; nothing that is on the ref is ever replaced. One writer per ref: whoever finds another's lines there
is refused (LedgerTaken), unless they are its own from before its state directory was lost, or the ref was released.
Objects live in a bare repository beside the record; it is a cache and may be deleted at any time.
Deliberately not here: when to publish and how often to try again (`loop/publishing.py`).
"""

import re
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import pygit2
from pygit2.enums import FileMode, RepositoryOpenFlag

from reconciler.adapters import git_push, ledger_pages
from reconciler.adapters.git_remote import GitRemote, redact
from reconciler.adapters.git_session import connected
from reconciler.adapters.git_signing import SigningKey, sign
from reconciler.adapters.git_writer import Identity
from reconciler.adapters.ledger_pages import CURRENT, Line, PagesError, Tip, Writer
from reconciler.errors import LedgerTaken, MirrorDamaged
from reconciler.record.current import Running

_REF = re.compile(r"refs/[A-Za-z0-9_+-][A-Za-z0-9_.+-]*(?:/[A-Za-z0-9_+-][A-Za-z0-9_.+-]*)+")
_PUBLISHED = "refs/reconciler/published"


class Lines(Protocol):
    """The ledger that is published. Numbers ascend by one from 1."""

    def own(self, number: int) -> str:
        """The hash of a line, "" where there is none."""
        ...

    def lines(self, after: int) -> Sequence[Line]:
        """Some lines above a number, ascending; none where there are none."""
        ...

    def running(self) -> Sequence[Running]:
        """What runs where now."""
        ...

    def has_published(self, ref: str) -> bool:
        """Whether this ledger was ever published there."""
        ...


@dataclass(frozen=True, slots=True)
class Published:
    """What one round brought: how many lines, up to which, as which commit; `segment`: why a new chain began, or ""."""

    lines: int
    last: int
    commit: str
    segment: str = ""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a ledger is published, and by whom. ref: its full name. Raises ValueError for one that git would not take.

    instance: what this reconciler is called. place: its host and state directory.
    """

    ref: str
    instance: str
    place: str

    def __post_init__(self) -> None:
        odd = ".." in self.ref or "@{" in self.ref or any(each.endswith(".lock") for each in self.ref.split("/"))
        if odd or not _REF.fullmatch(self.ref) or self.ref.endswith("."):
            raise ValueError(
                f"{self.ref!r} is no name of a ref. Instances and prefixes are made of letters, digits, `-`, `_`, `.` "
                "and `+`; a prefix begins with refs/ and has its parts between slashes"
            )


@dataclass(frozen=True, slots=True)
class Pen:
    """Who makes the commits, with which key signed (None for none), and what tells the time."""

    identity: Identity
    signing: SigningKey | None = None
    now: Callable[[], float] = time.time


class GitLedger:
    """One ref, written to by one ledger.

    most_loose: loose objects after which the cache is dropped and fetched anew, as one pack. largest: bytes after which
    a page is followed by the next.
    """

    most_loose = 2000
    largest = 2**20

    def __init__(self, path: Path, remote: GitRemote, place: Place, pen: Pen) -> None:
        """Nothing is opened, made or asked yet. `path`: the folder of the cache, made at first use."""
        self.path = path
        self.remote = remote
        self.place = place
        self._pen = pen

    def publish(self, ledger: Lines) -> Published | None:
        """Push what is not there yet, some lines of it; None where everything is.

        Raises:
            LedgerTaken: the ref holds another writer's ledger.
            BranchMoved, PushRefused, SourceUnavailable: as `git_push.push`.
            MirrorDamaged: the cache cannot be used.
        """
        with _Cache(self.path, self.most_loose) as repository:
            return self._publish(repository, ledger)

    def release(self) -> str | None:
        """Say on the ref that its writer is gone, so that another may go on; the commit, None where nobody writes."""
        with _Cache(self.path, self.most_loose) as repository:
            commit = self._fetch(repository)
            tip = self._tip(commit)
            if commit is None or tip is None or tip.writer is None:
                return None
            told = ledger_pages.released_text(_text(commit, CURRENT))
            said = f"Release the ledger of {tip.writer.instance} [skip ci]\n\nIt was written from {tip.writer.place}.\n"
            return self._push(repository, commit, {CURRENT: told}, said)

    def _publish(self, repository: pygit2.Repository, ledger: Lines) -> Published | None:
        first = ledger.own(1)
        if not first:
            return None
        commit = self._fetch(repository)
        tip, writer = self._tip(commit), Writer(self.place.instance, self.place.place, first)
        because, after = self._start(commit, tip, writer, ledger)
        lines = ledger.lines(after)
        if not lines:
            return None
        held = {} if commit is None else {each.name or "": each.size for each in _pages(commit.tree)}
        texts = [(each.month, each.text) for each in lines]
        if because and tip is not None:
            header = ledger_pages.segment_text(tip, writer, because, self._pen.now())
            texts.insert(0, (lines[0].month, header))
        files: dict[str, str] = {}
        for page, text in ledger_pages.added(tip.page if tip else "", texts, ledger_pages.Room(held, self.largest)):
            files[page] = files.get(page, _text(commit, page)) + text + "\n"
        segment = (tip.segment if tip else 1) + bool(because)
        new = Tip(writer, lines[-1].number, lines[-1].own, [*files][-1], segment)
        files[CURRENT] = ledger_pages.current_text(new, ledger.running(), self._pen.now())
        made = self._push(repository, commit, files, _message(self.place.instance, lines, because))
        return Published(len(lines), lines[-1].number, made, because)

    def _start(self, commit: pygit2.Commit | None, tip: Tip | None, writer: Writer, ledger: Lines) -> tuple[str, int]:
        """Why a new chain begins ("" where the one there goes on), and after which line of ours. Raises LedgerTaken."""
        if tip is None or commit is None:
            return "", 0
        if tip.writer is None:
            return "the writer before released the ref", 0
        here = tip.writer.place == writer.place
        if tip.writer.ledger == writer.ledger and ledger.own(tip.number) == tip.own:
            return "", tip.number
        if tip.writer.ledger == writer.ledger and here:
            return "the state directory was put back to an older copy", _shared(commit, ledger)
        if here and not ledger.has_published(self.place.ref):
            return "the state directory was lost, and the ledger in it", 0
        raise LedgerTaken(
            f"{self.place.ref} of {self.remote.name} is written by another instance ({tip.writer.instance} at "
            f"{tip.writer.place}), last line {tip.number}; this one is {writer.instance} at {writer.place}. Nothing "
            "was pushed there. To do: give each instance a name of its own (--instance); or, where the other one is "
            "gone for good, `reconciler ledger release` lets this one go on."
        )

    def _fetch(self, repository: pygit2.Repository) -> pygit2.Commit | None:
        """The commit that the ref points at, brought here; None where there is no such ref."""
        with connected(repository, self.remote) as session:
            found = session.heads.get(self.place.ref)
            if found is None:
                return None
            if found not in repository:
                session.fetch(self.place.ref, _PUBLISHED)
        return repository[found].peel(pygit2.Commit)

    def _tip(self, commit: pygit2.Commit | None) -> Tip | None:
        if commit is None:
            return None
        try:
            if CURRENT not in commit.tree:
                raise PagesError(f"it has no {CURRENT}")
            return ledger_pages.read_tip(_text(commit, CURRENT))
        except PagesError as error:
            raise LedgerTaken(
                f"{self.place.ref} of {self.remote.name} holds something else than a ledger: {error}. Nothing was "
                "pushed there. To do: give another prefix (--ledger-refs) or instance (--instance)."
            ) from error

    def _push(
        self, repository: pygit2.Repository, base: pygit2.Commit | None, files: Mapping[str, str], message: str
    ) -> str:
        builder = repository.TreeBuilder(base.tree) if base is not None else repository.TreeBuilder()
        for name, text in files.items():
            builder.insert(name, repository.create_blob(text.encode()), FileMode.BLOB)
        who = pygit2.Signature(self._pen.identity.name, self._pen.identity.email, int(self._pen.now()), 0)
        parents: list[str | pygit2.Oid] = [base.id] if base is not None else []
        if self._pen.signing is None:
            made = str(repository.create_commit(None, who, who, message, builder.write(), parents))
        else:
            content = str(repository.create_commit_string(who, who, message, builder.write(), parents))
            made = str(repository.create_commit_with_signature(content, sign(self._pen.signing, content)))
        expected = str(base.id) if base is not None else None
        git_push.push(self.path, self.remote, git_push.Push(made, self.place.ref, expected))
        repository.references.create(_PUBLISHED, made, force=True)
        return made


def published_last(cache: Path) -> Tip | None:
    """What was published last, as the cache beside the record remembers it; None where it holds nothing of ours.

    Nobody is asked, and what cannot be read says nothing: the remote is the witness, this is what was seen of it.
    """
    if not (cache / "HEAD").exists():
        return None
    try:
        repository = pygit2.Repository(str(cache), RepositoryOpenFlag.BARE | RepositoryOpenFlag.NO_SEARCH)
        return ledger_pages.read_tip(_text(repository.references[_PUBLISHED].peel(pygit2.Commit), CURRENT))
    except (pygit2.GitError, KeyError, OSError, PagesError):
        return None


class _Cache:
    """The bare repository beside the record, opened for one round; one that grew too large is begun anew."""

    def __init__(self, path: Path, most_loose: int) -> None:
        self._path = path
        self._most_loose = most_loose

    def __enter__(self) -> pygit2.Repository:
        try:
            if sum(1 for _ in self._path.glob("objects/??/*")) > self._most_loose:
                shutil.rmtree(self._path)
            if not (self._path / "HEAD").exists():
                pygit2.init_repository(str(self._path), bare=True)
            self._repository = pygit2.Repository(
                str(self._path), RepositoryOpenFlag.BARE | RepositoryOpenFlag.NO_SEARCH
            )
            if (found := self._repository.references.get(_PUBLISHED)) is not None:
                found.peel(pygit2.Tree)  # damage met while a remote is spoken to looks like trouble of the remote
        except (pygit2.GitError, KeyError, OSError) as error:
            raise self._damaged(error) from error
        return self._repository

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, pygit2.GitError | KeyError | OSError):
            raise self._damaged(error) from error

    def _damaged(self, error: BaseException) -> MirrorDamaged:
        shutil.rmtree(self._path, ignore_errors=True)
        left = (
            "It could not be removed" if self._path.exists() else "It was removed and is fetched anew at the next try"
        )
        return MirrorDamaged(
            f"The ledger could not be published: its cache {self._path} cannot be used: {redact(str(error))}. {left}. "
            "Lines are kept in the record all the same. To do, should it come again: check that disk."
        )


def _message(instance: str, lines: Sequence[Line], because: str) -> str:
    first, last = lines[0].number, lines[-1].number
    which = f"line {first}" if first == last else f"lines {first} to {last}"
    why = f"\n\nA new chain of lines begins: {because}." if because else ""
    return f"Ledger of {instance}: {which} [skip ci]{why}\n"


def _pages(tree: pygit2.Tree) -> list[pygit2.Blob]:
    return [each for each in tree if isinstance(each, pygit2.Blob) and ledger_pages.is_page(each.name or "")]


def _text(commit: pygit2.Commit | None, name: str) -> str:
    """A file of a commit, "" where it has none of that name."""
    if commit is None or name not in commit.tree:
        return ""
    found = commit.tree[name]
    return found.data.decode(errors="replace") if isinstance(found, pygit2.Blob) else ""


def _shared(commit: pygit2.Commit, ledger: Lines) -> int:
    """The last line of ours that is there, 0 for none."""
    names = sorted((each.name or "" for each in _pages(commit.tree)), key=ledger_pages.order, reverse=True)
    there = ledger_pages.known(_text(commit, name) for name in names)
    return next((number for number, own in there if ledger.own(number) == own), 0)
