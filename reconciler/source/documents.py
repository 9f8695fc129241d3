"""A commit of the repository → what it asks for, or every problem: reads the files and hands them to `parse`.

First the documents, then the files beside them that their checks name: from the same commit, whatever lies on this
machine.

Used by `Watch`, and by commands that look at one commit (`validate`, `plan --from --to`). Files whose content was seen
before, at any path and in any commit, are not read again.
"""

from collections.abc import Container, Sequence
from dataclasses import replace

from reconciler import parse
from reconciler.ports import Source, TreeFile
from reconciler.source import names


class Documents:
    """The documents below one path of a repository, commit by commit. One call at a time."""

    def __init__(self, source: Source, path: str = "") -> None:
        """Nothing is read yet.

        Args:
            source: the repository.
            path: the folder that is watched, from the repository's root; "" for all of it.
        """
        self._source = source
        self._path = path
        self._cache = parse.Cache()

    def at(self, commit_id: str) -> parse.Parsed:
        """What a commit asks for, or all that is wrong with its documents.

        Raises:
            RevisionMissing: no such commit, or the commit has no such path.
            MirrorDamaged: the local repository cannot be read.
        """
        commit = self._source.commit(commit_id)
        tree = self._source.files(commit_id, self._path)
        files = [each for each in tree if parse.concerns(each.path, self._path)]
        if unnamable := names.odd(files):
            return parse.Parsed(None, unnamable)
        if sum(file.size for file in files) > parse.MAX_TOTAL_BYTES:
            return parse.Parsed(None, (self._too_much(files),))
        sources = self._read(files, self._cache, parse.MAX_BYTES)
        named = set(parse.beside(sources, self._cache, self._path))
        beside = [each for each in tree if each.path in named]
        if sum(file.size for file in (*files, *beside)) > parse.MAX_TOTAL_BYTES:
            return parse.Parsed(None, (self._too_much(beside),))
        sources += self._read(beside, self._cache.shelf, parse.MAX_CHECK_BYTES)
        parsed = parse.parse(commit, sources, cache=self._cache, below=self._path)
        remarks = names.remarks(files, self._source.left_out(commit_id, self._path), self._path)
        return replace(parsed, warnings=tuple(sorted((*parsed.warnings, *remarks)))) if remarks else parsed

    def _read(self, files: Sequence[TreeFile], known: Container[str], limit: int) -> list[parse.SourceFile]:
        """These files; contents that are known by their blob ids are not read again."""
        unread = {file.blob for file in files if file.blob not in known}
        new = {blob: self._source.read(blob, limit) for blob in sorted(unread)}
        return [parse.SourceFile(file.path, file.blob, new.get(file.blob, b"")) for file in files]

    def _too_much(self, files: Sequence[TreeFile]) -> parse.Problem:
        """Said before anything is read, so that a repository of the wrong kind costs no memory."""
        largest = max(files, key=lambda file: file.size)
        what = (
            f"the {len(files)} files below the watched path that are read hold more than {parse.MAX_TOTAL_BYTES} "
            f"bytes together; this one is the largest, with {largest.size}"
        )
        return parse.Problem(largest.path, 1, 1, "too-much", what, "split the repository, or watch a folder of it")
