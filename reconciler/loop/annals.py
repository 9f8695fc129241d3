"""What first-parent history holds of a few models: the chapters of each, read file by file.

Used by `Author`. A commit costs the look-up of one file per model, and only a file that changed is parsed, so that a
thousand commits take about a second once, and a new head only what is new. A document that moved between files is
followed; where it is in no file the history of the model ends. Deliberately not here: judging anything.
"""

import posixpath
from collections.abc import Iterable, Iterator, Mapping

from reconciler import parse, propose
from reconciler.errors import RevisionMissing
from reconciler.parse.documents import CheckEntry, ModelDocument
from reconciler.ports import Source
from reconciler.propose import Chapter, Spec
from reconciler.state.desired import Commit

LIMIT = 1000
"""Commits that are read back. What is older than that is as if it had never been."""

_Line = list[tuple[Commit, Spec | None]]


class Annals:
    """The histories of models in one repository."""

    def __init__(self, source: Source, below: str = "") -> None:
        self._source = source
        self._below = below.strip("/")
        self._parsed: dict[str, Mapping[str, ModelDocument]] = {}
        self._lines: dict[str, _Line] = {}

    def chapters(self, head: str, documents: frozenset[str]) -> dict[str, tuple[Chapter, ...]]:
        """The chapters of each of these models, newest first, from a commit back."""
        commits = self._source.history(head, LIMIT)
        self._lines = {each: self._line(each, commits) for each in sorted(documents)}
        return {each: propose.chapters(line) for each, line in self._lines.items()}

    def blob(self, commit: str, path: str) -> str | None:
        """The blob at that path, None where the commit has no such file."""
        try:
            found = self._source.files(commit, path)
        except RevisionMissing:
            return None
        return next((each.blob for each in found if each.path == path), None)

    def check_files(self, commit: str, path: str, document: str) -> tuple[str, ...]:
        """The files that the checks of a Model name, from the repository's root, ascending."""
        blob = self.blob(commit, path)
        said = self._models(blob).get(document) if blob is not None else None
        return self._named(said) if said is not None else ()

    def others_check_with(self, commit: str, document: str, path: str) -> bool:
        """Whether a check of another Model of that commit names this file."""
        for blob in self._mentioning(commit, posixpath.basename(path)):
            others = (said for name, said in self._models(blob).items() if name != document)
            if any(path in self._named(said) for said in others):
                return True
        return False

    def _line(self, document: str, commits: Iterable[Commit]) -> _Line:
        """The spec in every commit, newest first; from the head of the last time on, as it was read then."""
        known = self._lines.get(document, [])
        found: _Line = []
        for commit, spec in self._read(document, commits):
            if known and commit.id == known[0][0].id:
                return (found + known)[:LIMIT]
            found.append((commit, spec))
        return found

    def _read(self, document: str, commits: Iterable[Commit]) -> Iterator[tuple[Commit, Spec | None]]:
        path: str | None = ""
        for commit in commits:
            blob = self.blob(commit.id, path) if path else None
            said = self._models(blob).get(document) if blob is not None else None
            if said is None:
                path = self._moved(document, commit.id)
                blob = self.blob(commit.id, path) if path else None
                said = self._models(blob).get(document) if blob is not None else None
            yield commit, self._spec(commit.id, said) if said is not None else None
            if said is None:
                return

    def _moved(self, document: str, commit: str) -> str | None:
        """The file that has the document in this commit."""
        mentioning = self._mentioning(commit, document)
        return next((path for blob, path in mentioning.items() if document in self._models(blob)), None)

    def _mentioning(self, commit: str, text: str) -> dict[str, str]:
        """The documents' files in which a text occurs: blob → path. Others are not parsed, for there may be many."""
        files = (each for each in self._source.files(commit, self._below) if parse.concerns(each.path, self._below))
        sought = text.encode()
        return {each.blob: each.path for each in files if sought in self._source.read(each.blob, parse.MAX_BYTES)}

    def _spec(self, commit: str, said: ModelDocument) -> Spec:
        top = self._below
        checks = tuple(
            repr((entry.check, *(self.blob(commit, posixpath.join(top, each)) for each in _files_of(entry))))
            for entry in said.checks
        )
        model = said.model
        return Spec(model.name, model.base_path, model.policy, tuple(sorted(model.labels)), checks)

    def _named(self, said: ModelDocument) -> tuple[str, ...]:
        return tuple(sorted({posixpath.join(self._below, path) for each in said.checks for path in _files_of(each)}))

    def _models(self, blob: str) -> Mapping[str, ModelDocument]:
        """The Models of a file by name; an unreadable file has none."""
        if blob not in self._parsed:
            found = parse.parse_file(self._source.read(blob, parse.MAX_BYTES)).models
            self._parsed[blob] = {each.model.document: each for each in found}
        return self._parsed[blob]


def _files_of(entry: CheckEntry) -> tuple[str, ...]:
    return (entry.request,) if entry.expect is None else (entry.request, entry.expect)
