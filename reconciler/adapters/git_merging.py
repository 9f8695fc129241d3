"""What merging one commit into another would give: computed beside the repository, which is left as it is.

Called by `plan --from REF --to REF --merge`. The merge is made in a scratch repository that borrows the other's
objects, so nothing is written to a clone of CI or to the mirror of a service, and what has to be read of the result is
read as of any other commit. Merged as git and the hosts do it: renames followed, several merge bases made one.
Deliberately not here: what the result asks for, and any branch; nothing is ever pushed from here.
"""

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pygit2

from reconciler.adapters.git_reader import GitReader, deepen, listing
from reconciler.errors import MergeConflict, RevisionMissing

_BOTS_NAME, _BOTS_ADDRESS = "reconciler", "reconciler@localhost"


@dataclass(frozen=True, slots=True)
class Merge:
    """A merge result: where it can be read, and its commit id there.

    made: whether the two had to be joined; otherwise one of them already contains the other, and is the result.
    """

    source: GitReader
    commit: str
    made: bool


@contextmanager
def merged(reader: GitReader, into: str, head: str) -> Iterator[Merge]:
    """The result of merging commit `head` into commit `into`, for as long as the context is open.

    Raises:
        MergeConflict: the two changed the same thing in ways that no machine can join; every path is named.
        RevisionMissing: one of the commits is not here, or nothing that both have in common.
    """
    with tempfile.TemporaryDirectory(prefix="reconciler-merge-") as folder:
        yield _merged(reader, Path(folder), into, head)


def _merged(reader: GitReader, folder: Path, into: str, head: str) -> Merge:
    with reader.opened() as there:
        base = there.merge_base(into, head)
        if base is None:
            raise RevisionMissing(_unrelated(reader, there, into, head))
        if str(base) in {into, head}:
            return Merge(reader, head if str(base) == into else into, made=False)
        return Merge(GitReader(folder), _join(_beside(there, folder), into, head), made=True)


def ahead(reader: GitReader, into: str, head: str) -> int:
    """How many commits `into` has that `head` lacks; 0 where `head` contains it, or where nothing is in common."""
    with reader.opened() as there:
        return there.ahead_behind(into, head)[0] if there.merge_base(into, head) is not None else 0


def _beside(there: pygit2.Repository, folder: Path) -> pygit2.Repository:
    """An empty repository that finds every object of the other one, and writes its own elsewhere."""
    pygit2.init_repository(str(folder), bare=True)
    objects = _objects(Path(there.path))
    (folder / "objects" / "info").mkdir(exist_ok=True)
    (folder / "objects" / "info" / "alternates").write_text(f"{objects}\n", encoding="utf-8")
    return pygit2.Repository(str(folder))


def _objects(git: Path) -> Path:
    """The object database; a linked worktree has none of its own and names where it is (gitrepository-layout)."""
    common = git / "commondir"
    top = (git / common.read_text(encoding="utf-8").strip()).resolve() if common.exists() else git.resolve()
    return top / "objects"


def _join(scratch: pygit2.Repository, into: str, head: str) -> str:
    ours, theirs = (scratch[each].peel(pygit2.Commit) for each in (into, head))
    index = scratch.merge_commits(ours, theirs)
    if index.conflicts is not None:
        paths = _paths(index.conflicts)
        message = (
            f"Commit {head[:10]} cannot be merged into {into[:10]}: both changed {listing(paths)}. Merge or rebase the "
            "branch, solve that by hand, and push; then the plan can be made."
        )
        raise MergeConflict(message, paths=tuple(paths))
    at = max(ours.commit_time, theirs.commit_time)
    who = pygit2.Signature(_BOTS_NAME, _BOTS_ADDRESS, at, 0)
    message = f"Merge {head[:10]} into {into[:10]}"
    return str(scratch.create_commit(None, who, who, message, index.write_tree(scratch), [ours.id, theirs.id]))


def _paths(conflicts: pygit2.index.ConflictCollection) -> Sequence[str]:
    try:
        return sorted({side.path for conflict in conflicts for side in conflict if side is not None})
    except UnicodeDecodeError:  # pygit2 reads names as UTF-8, git takes any
        return ["files, one of them with a name that is not UTF-8"]


def _unrelated(reader: GitReader, there: pygit2.Repository, into: str, head: str) -> str:
    if there.is_shallow:
        return f"What {into[:10]} and {head[:10]} have in common is not in {reader.name}. {deepen()}"
    return (
        f"Commits {into[:10]} and {head[:10]} in {reader.name} have no history in common, so nothing can be merged. "
        "Compare them as they are, without --merge, or give a branch of this repository."
    )
