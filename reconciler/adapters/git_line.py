"""The first-parent line of a repository on this disk, walked by comparing ids: trees that are equal are never opened.

Implements `ports.Lineage`. Called by `history` and `trace`, which ask thousands of commits whether one file changed:
that costs two or three small tree lookups each and reads no file. Symbolic links and submodules are absent, as in
`GitReader`. Deliberately not here: what the files say (`source/trail.py`).
"""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pygit2
from pygit2.enums import FileMode

from reconciler.adapters.git_reader import GitReader
from reconciler.ports import ChangedFile

_REVERTS = re.compile(r"^This reverts commit ([0-9a-f]{40})\b", re.MULTILINE)
_REGULAR = frozenset({int(FileMode.BLOB), int(FileMode.BLOB_EXECUTABLE)})


class GitLine(GitReader):
    """The `Lineage` port on a repository or mirror that is already here; nobody is asked."""

    def __init__(self, path: Path, ref: str = "HEAD") -> None:
        """Nothing is opened yet.

        Args:
            path: of a repository, bare or not.
            ref: whose line this is; the HEAD of a mirror is the branch that is followed.
        """
        super().__init__(path)
        self._ref = ref
        self._answers: dict[str, tuple[tuple[pygit2.Oid, ...], str | None]] = {}

    def head(self) -> str | None:
        """The newest commit of the line, None where there is none yet or no such repository."""
        if not self.path.exists():
            return None
        with self._repository() as repository:
            found = repository.references.get(self._ref)
            return None if found is None else _target(found)

    def ids(self, start: str) -> Iterator[tuple[str, str | None]]:
        """Commits of the line with their first parents, newest first; None where the line, or what is here, ends."""
        at: str | None = start
        while at is not None:
            with self._repository() as repository:
                before = self._parent(repository, self._commit(repository, at))
                parent = None if before is None else str(before.id)
            yield at, parent
            at = parent

    def stretch(self, start: str, paths: Sequence[str]) -> tuple[list[str], str | None]:
        """The commits from `start` on in which these files are as in it, and the first one beyond; see the port."""
        with self._repository() as repository:
            commit = self._commit(repository, start)
            wanted = [self._known(commit.tree, path) for path in paths]
            same: list[str] = []
            while True:
                same.append(str(commit.id))
                before = self._parent(repository, commit)
                if before is None:
                    return same, None
                tree = before.tree
                if [self._known(tree, path) for path in paths] != wanted:
                    return same, str(before.id)
                commit = before

    def cut(self, commit_id: str) -> bool:
        """Whether the commit has a parent that is not here: a shallow clone ends with it."""
        with self._repository() as repository:
            commit = self._commit(repository, commit_id)
            header = repository.odb.read(commit.id)[1].partition(b"\n\n")[0]  # libgit2 tells of no parents at a graft
            return b"\nparent " in header and self._parent(repository, commit) is None

    def blobs(self, commit_id: str, paths: Sequence[str]) -> tuple[str | None, ...]:
        """The blob ids of these files in a commit; None for what is not there, or is no regular file."""
        with self._repository() as repository:
            tree = self._commit(repository, commit_id).tree
            return tuple(self._known(tree, path) for path in paths)

    def changes(self, commit_id: str, below: str = "") -> tuple[ChangedFile, ...]:
        """The files below a path that differ from the first parent, ascending by path; all of them without one."""
        with self._repository() as repository:
            commit = self._commit(repository, commit_id)
            before, top = self._parent(repository, commit), below.strip("/")
            diff = commit.tree.diff_to_tree(swap=True) if before is None else before.tree.diff_to_tree(commit.tree)
            found = (_changed(delta) for delta in diff.deltas)
            inside = (each for each in found if not top or each.path.startswith(f"{top}/") or each.path == top)
            return tuple(sorted(inside, key=lambda each: each.path))

    def reverts(self, commit_id: str) -> tuple[str, ...]:
        """The commits that the message says this one reverts, as `git revert` writes it: a claim, not a fact."""
        with self._repository() as repository:
            message = self._commit(repository, commit_id).raw_message.decode(errors="replace")
        return tuple(dict.fromkeys(_REVERTS.findall(message)))

    def _parent(self, repository: pygit2.Repository, commit: pygit2.Commit) -> pygit2.Commit | None:
        if not commit.parent_ids:
            return None
        try:
            return repository[commit.parent_ids[0]].peel(pygit2.Commit)
        except KeyError:
            if repository.is_shallow:
                return None
            raise

    def _known(self, tree: pygit2.Tree, path: str) -> str | None:
        """The blob at a path. Below a tree that was met at the last question for it, the answer is the same."""
        met, answer = self._answers.get(path, ((), None))
        seen: list[pygit2.Oid] = []
        at: Any = tree
        for depth, part in enumerate(path.split("/")):
            number = at.id
            if depth < len(met) and met[depth] == number:
                if seen:
                    self._answers[path] = ((*seen, *met[depth:]), answer)
                return answer
            seen.append(number)
            try:
                at = at[part]
            except (KeyError, TypeError):  # nothing of that name; a file where a folder would be
                answer = None
                break
        else:
            answer = str(at.id) if at.filemode in _REGULAR else None
        self._answers[path] = (tuple(seen), answer)
        return answer


def _target(reference: pygit2.Reference) -> str | None:
    """The commit that a reference leads to, None where a branch is not born yet."""
    try:
        return str(reference.peel(pygit2.Commit).id)
    except (KeyError, pygit2.GitError):
        return None


def _changed(delta: pygit2.DiffDelta) -> ChangedFile:
    old, new = delta.old_file, delta.new_file
    path = (new.raw_path or old.raw_path).decode(errors="replace")
    return ChangedFile(path, _blob(old), _blob(new))


def _blob(file: pygit2.DiffFile) -> str | None:
    """The id of a side of a difference, None where there is no regular file."""
    return str(file.id) if int(file.mode) in _REGULAR else None
