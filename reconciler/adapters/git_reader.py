"""Reading a git repository on this disk: commits, trees and blobs, without a checkout and without asking anybody.

`GitReader` is the reading half of `GitMirror`, and serves alone where a clone is at hand (`plan --from --to` in CI).
Symbolic links and submodules are absent, on purpose: what a link points at is not part of the commit's own
content. Threads: calls may come from any thread and are carried out one after the other.
"""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pygit2
from pygit2.enums import FileMode

from reconciler.adapters.git_signed import SignedCommit, split
from reconciler.adapters.git_trailers import trailers
from reconciler.errors import MirrorDamaged, RevisionMissing
from reconciler.ports import LeftOut, TreeFile
from reconciler.state.desired import Commit


class GitReader:
    """The reading part of the `Source` port on a repository that is already here.

    largest: bytes of the largest blob that is ever loaded, because libgit2 cannot load the beginning of one.
    """

    largest = 64 * 2**20

    def __init__(self, path: Path) -> None:
        self.path = path
        self._turn = threading.RLock()
        self._opened: pygit2.Repository | None = None

    @property
    def name(self) -> str:
        """What messages call the repository."""
        return str(self.path)

    def head(self) -> str | None:
        """The commit that HEAD names, None where there is none yet."""
        with self._repository() as repository:
            return None if repository.head_is_unborn else str(repository.head.peel(pygit2.Commit).id)

    @property
    def followed(self) -> str:
        """The repository itself: whatever it has checked out."""
        return self.name

    def poll(self, remembered: str | None = None) -> str | None:
        """The head: there is nobody to ask."""
        return self.head()

    def renew(self) -> str:
        """Nobody's own repository is set aside. Raises MirrorDamaged."""
        raise MirrorDamaged(f"{self.name} is read where it lies and is not cloned anew. Look at it with `git fsck`.")

    def acknowledge_rewrite(self) -> str:
        """Nothing can be rewritten behind the back of whoever reads the repository itself. Raises RevisionMissing."""
        raise RevisionMissing(f"{self.name} is read where it lies; no rewritten history waits to be acknowledged.")

    def resolve(self, revision: str) -> str:
        """The commit id of a branch, tag, `HEAD~1` or abbreviated id.

        Raises:
            RevisionMissing: it names no commit here, or more than one.
        """
        with self._repository() as repository:
            try:
                return str(repository.revparse_single(revision).peel(pygit2.Commit).id)
            except (KeyError, ValueError, pygit2.InvalidSpecError, pygit2.GitError) as error:
                raise RevisionMissing(self._no_revision(repository, revision, error)) from error

    def commit(self, commit_id: str) -> Commit:
        """Author and committer (`Name <email>`), committer's time, subject and trailers. Raises RevisionMissing."""
        with self._repository() as repository:
            return _as_value(self._commit(repository, commit_id))

    def signed(self, commit_id: str) -> SignedCommit:
        """What a commit's signature is of, and the signature. Raises RevisionMissing."""
        with self._repository() as repository:
            return split(self._commit(repository, commit_id).read_raw())

    def files(self, commit_id: str, path: str = "") -> Sequence[TreeFile]:
        """Every regular file below a path in the commit's tree, ascending by path; the file itself where it is one.

        Raises:
            RevisionMissing: the commit has no such path.
        """
        with self._repository() as repository:
            entry, parts = self._at(self._commit(repository, commit_id), path)
            return tuple(sorted(_walk(repository, entry, "/".join(parts)), key=lambda file: file.path))

    def left_out(self, commit_id: str, path: str = "") -> Sequence[LeftOut]:
        """Links and submodules below a path, ascending by path. Raises RevisionMissing like `files`."""
        with self._repository() as repository:
            entry, parts = self._at(self._commit(repository, commit_id), path)
            return tuple(sorted(_odd(entry, "/".join(parts)), key=lambda each: each.path))

    def read(self, blob: str, limit: int) -> bytes:
        """The content of a blob, at most `limit` bytes and one more.

        The size is looked at before the content: a blob above `largest` is never loaded, and comes as `limit` + 1
        zero bytes, because all that a caller can say of it is that it is too large.
        """
        with self._repository() as repository:
            _, size = repository.odb.read_header(blob)
            if size > max(limit, self.largest):
                return bytes(limit + 1)
            _, data = repository.odb.read(blob)
            return data[: limit + 1]

    def history(self, commit_id: str, limit: int) -> Sequence[Commit]:
        """First-parent history from a commit on, newest first; ends early where a shallow clone ends."""
        found: list[Commit] = []
        with self._repository() as repository:
            commit: pygit2.Commit | None = self._commit(repository, commit_id)
            while commit is not None and len(found) < limit:
                found.append(_as_value(commit))
                commit = self._parent(repository, commit)
        return tuple(found)

    @contextmanager
    def opened(self) -> Iterator[pygit2.Repository]:
        """The repository itself, for adapters that do more than read. MirrorDamaged where git cannot go on."""
        with self._repository() as repository:
            yield repository

    @contextmanager
    def _repository(self) -> Iterator[pygit2.Repository]:
        with self._turn:
            try:
                if self._opened is None:
                    self._opened = self._open()
                yield self._opened
            except (pygit2.GitError, KeyError, OSError) as error:
                raise self._damaged(error) from error

    def _open(self) -> pygit2.Repository:
        return pygit2.Repository(str(self.path))

    def _damaged(self, error: Exception) -> MirrorDamaged:
        return MirrorDamaged(
            f"The repository {self.path} cannot be read: {error}. Check that it is a git repository which this user "
            "may read and that `git fsck` finds nothing; a repository of another user needs "
            f"`git config --global --add safe.directory {self.path}`."
        )

    def _commit(self, repository: pygit2.Repository, commit_id: str) -> pygit2.Commit:
        try:
            return repository[commit_id].peel(pygit2.Commit)
        except (KeyError, ValueError, pygit2.InvalidSpecError) as error:
            raise RevisionMissing(self._no_revision(repository, commit_id, error)) from error

    def _no_revision(self, repository: pygit2.Repository, revision: str, error: Exception) -> str:
        known = sorted(repository.branches.local)
        return (
            f"{revision!r} names no single commit in {self.name} ({str(error).strip(chr(39))}). Branches known here: "
            f"{listing(known)}. Give a branch, a tag, a commit id, or one of these with ~1 for the commit before."
            f"{_clue(repository, revision)}"
        )

    def _at(self, commit: pygit2.Commit, path: str) -> tuple[pygit2.Object, list[str]]:
        """What lies at a path of a commit, and the path's parts."""
        parts = [part for part in path.split("/") if part not in {"", "."}]
        entry: pygit2.Object = commit.tree
        for number, part in enumerate(parts):
            if not isinstance(entry, pygit2.Tree) or part not in entry:
                raise RevisionMissing(self._no_path(commit, parts, number, entry))
            entry = entry[part]
        return entry, parts

    def _no_path(self, commit: pygit2.Commit, parts: list[str], number: int, entry: pygit2.Object) -> str:
        there = sorted(_name(each) for each in entry) if isinstance(entry, pygit2.Tree) else []
        where = "/".join(parts[:number]) or "the top"
        return (
            f"The path {'/'.join(parts)} does not exist in commit {str(commit.id)[:10]} of {self.name}: at {where} "
            f"there is {listing(there)}. Correct the path that is watched, or commit documents below it."
        )

    def _parent(self, repository: pygit2.Repository, commit: pygit2.Commit) -> pygit2.Commit | None:
        if not commit.parent_ids:
            return None
        if repository.is_shallow and commit.parent_ids[0] not in repository:
            return None
        return repository[commit.parent_ids[0]].peel(pygit2.Commit)


def deepen() -> str:
    """How to get the history that a shallow clone lacks."""
    return (
        "This clone is shallow: it holds the last commits only. Have CI fetch the history (`fetch-depth: 0` with "
        'actions/checkout, `GIT_DEPTH: "0"` in GitLab CI), or run `git fetch --unshallow`.'
    )


def _clue(repository: pygit2.Repository, revision: str) -> str:
    """What a clone made by CI explains: a detached HEAD, branches known as the remote's only, history cut off."""
    name = revision.removeprefix("refs/heads/")
    remote = next((each for each in sorted(repository.branches.remote) if each.partition("/")[2] == name), None)
    said = f" It is known here as {remote}." if remote is not None else ""
    if revision.startswith("refs/heads/") and repository.head_is_detached:
        said += f" HEAD is detached at {str(repository.head.target)[:10]}: give --to HEAD for what is checked out."
    return said + (f" {deepen()}" if repository.is_shallow else "")


_REGULAR = frozenset({int(FileMode.BLOB), int(FileMode.BLOB_EXECUTABLE)})
_ODD = {int(FileMode.LINK): "symbolic link", int(FileMode.COMMIT): "submodule"}


def listing(names: Sequence[str]) -> str:
    """Names for a sentence: the first ten, and how many more."""
    more = f" and {len(names) - 10} more" if len(names) > 10 else ""
    return (", ".join(names[:10]) + more) or "nothing"


def _walk(repository: pygit2.Repository, entry: pygit2.Object, path: str) -> Iterator[TreeFile]:
    if isinstance(entry, pygit2.Tree):
        yield from _walk_folder(repository, entry, f"{path}/" if path else "")
    elif entry.filemode in _REGULAR:
        yield TreeFile(path, str(entry.id), repository.odb.read_header(entry.id)[1])


def _walk_folder(repository: pygit2.Repository, tree: pygit2.Tree, prefix: str) -> Iterator[TreeFile]:
    """Flat inside a folder, because ten thousand files lie in one as often as not."""
    header = repository.odb.read_header
    for entry in tree:
        if entry.filemode in _REGULAR:
            number = entry.id
            yield TreeFile(prefix + _name(entry), str(number), header(number)[1])
        elif isinstance(entry, pygit2.Tree):
            yield from _walk_folder(repository, entry, f"{prefix}{_name(entry)}/")


def _odd(entry: pygit2.Object, path: str) -> Iterator[LeftOut]:
    if isinstance(entry, pygit2.Tree):
        for each in entry:
            yield from _odd(each, f"{path}/{_name(each)}" if path else _name(each))
    elif entry.filemode in _ODD:
        yield LeftOut(path, _ODD[entry.filemode])


def _name(entry: pygit2.Object) -> str:
    return (entry.raw_name or b"").decode(errors="replace")


def _as_value(commit: pygit2.Commit) -> Commit:
    message = _text(commit, commit.raw_message)
    title = message.strip("\n").partition("\n\n")[0]
    return Commit(
        id=str(commit.id),
        author=_person(commit, commit.author),
        committer=_person(commit, commit.committer),
        time=float(commit.commit_time),
        subject=_shown(" ".join(title.split())),
        trailers=tuple((key, _shown(value)) for key, value in trailers(message)),
    )


def _person(commit: pygit2.Commit, signature: pygit2.Signature) -> str:
    return _shown(f"{_text(commit, signature.raw_name)} <{_text(commit, signature.raw_email)}>")


_LONGEST_SHOWN = 1000
"""Characters of a subject, a name or a trailer that are kept; a message may have a million of them."""


def _shown(text: str) -> str:
    """Text of strangers as logs and terminals may have it: without what moves a cursor, and not without end."""
    short = text if len(text) <= _LONGEST_SHOWN else text[:_LONGEST_SHOWN] + "…"
    if short.isprintable():
        return short
    return "".join(each if each.isprintable() else "\N{REPLACEMENT CHARACTER}" for each in short)


def _text(commit: pygit2.Commit, raw: bytes) -> str:
    """Text in the encoding that the commit names, with marks in place of what cannot be read."""
    try:
        return raw.decode(commit.message_encoding or "utf-8", errors="replace")
    except LookupError:  # an encoding that Python does not know
        return raw.decode(errors="replace")
