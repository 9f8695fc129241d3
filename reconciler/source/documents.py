"""A commit of the repository → what it asks for, or every problem: reads the files and hands them to `parse`.

Used by `Watch`, and by commands that look at one commit (`validate`, `plan --from --to`). Files whose content was seen
before, at any path and in any commit, are not read again.
"""

from collections.abc import Sequence

from reconciler import parse
from reconciler.ports import Source, TreeFile


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
        files = [each for each in self._source.files(commit_id, self._path) if parse.concerns(each.path, self._path)]
        if sum(file.size for file in files) > parse.MAX_TOTAL_BYTES:
            return parse.Parsed(None, (self._too_much(files),))
        new = self._read_new(files)
        sources = [parse.SourceFile(file.path, file.blob, new.get(file.blob, b"")) for file in files]
        return parse.parse(commit, sources, cache=self._cache, below=self._path)

    def _read_new(self, files: Sequence[TreeFile]) -> dict[str, bytes]:
        """The contents not seen before, by blob id."""
        unread = {file.blob for file in files if file.blob not in self._cache}
        return {blob: self._source.read(blob, parse.MAX_BYTES) for blob in sorted(unread)}

    def _too_much(self, files: Sequence[TreeFile]) -> parse.Problem:
        """Said before anything is read, so that a repository of the wrong kind costs no memory."""
        largest = max(files, key=lambda file: file.size)
        what = (
            f"the {len(files)} YAML files below the watched path hold more than {parse.MAX_TOTAL_BYTES} bytes "
            f"together; this one is the largest, with {largest.size}"
        )
        return parse.Problem(largest.path, 1, 1, "too-much", what, "split the repository, or watch a folder of it")
