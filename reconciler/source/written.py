"""One document as it was written in one commit, and the reading of blobs for it: each once.

Used by `source/trail.py`. A blob that does not hold the bytes of a name, nor a backslash that could spell them in
another way, does not speak of it and is not parsed. Deliberately not here: which commits are looked at.
"""

import hashlib
import posixpath
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from reconciler import parse
from reconciler.parse.documents import At, FleetDocument, ModelDocument, Placement
from reconciler.ports import Lineage
from reconciler.state.desired import Place
from reconciler.state.history import Spec

MOST_TEXT = 64 << 20
"""Bytes of files that are kept for the next question."""


@dataclass(frozen=True, slots=True)
class Written:
    """A document at its place: `said` is what it says, None where it is not sound, and `problem` why.

    beside: of the files that its checks name, the name there, the path, and the blob; None for one that is not there.
    """

    kind: str
    name: str
    path: str
    blob: str
    at: At
    said: ModelDocument | FleetDocument | None = None
    problem: str = ""
    beside: tuple[tuple[str, str, str | None], ...] = ()

    @property
    def servable(self) -> str:
        """The name on servers, "" for what is no sound Model."""
        return self.said.model.name if isinstance(self.said, ModelDocument) else ""

    @property
    def fleets(self) -> tuple[str, ...]:
        """The Fleets that it names, ascending."""
        placements = self.said.placements if isinstance(self.said, ModelDocument) else ()
        return tuple(sorted({each.fleet for each in placements}))


class Reading:
    """Reads blobs of one repository. One call at a time."""

    def __init__(self, line: Lineage, below: str) -> None:
        self._line = line
        self._below = below
        self._texts: dict[str, bytes] = {}
        self._kept = 0
        self._results: dict[str, parse.FileResult] = {}

    def everywhere(self, commit: str, kind: str, name: str) -> list[Written]:
        """The documents of a kind in a commit that have a name, or that servers know by it; all of them for ""."""
        files = [each for each in self._line.files(commit, self._below) if parse.concerns(each.path, self._below)]
        found = (
            each
            for file in files
            if self._speaks(file.blob, kind, name)
            for each in self._all_or_unreadable(file.path, file.blob, kind, name)
            if each.kind == kind and (not name or name in {each.name, each.servable})
        )
        return [self.beside(each, commit) for each in found]

    def named(self, path: str, blob: str, kind: str, name: str) -> Written | None:
        """The document of that kind and name in a file, None where it has none."""
        if not self._speaks(blob, kind, name):
            return None
        found = self._all_or_unreadable(path, blob, kind, name)
        return next((each for each in found if (each.kind, each.name) == (kind, name)), None)

    def all(self, path: str, blob: str) -> list[Written]:
        """Every document of a file that bears a name; not the files beside them."""
        result = self._parsed(blob)
        problem = self.problem(path, blob)
        sound: dict[tuple[str, str], ModelDocument | FleetDocument] = {
            **{("Model", each.model.document): each for each in result.models},
            **{("Fleet", each.fleet.name): each for each in result.fleets},
        }
        return [
            Written(
                each.kind,
                each.name,
                path,
                blob,
                each.at,
                None if problem else sound.get((each.kind, each.name)),
                problem,
            )
            for each in result.names
        ]

    def _all_or_unreadable(self, path: str, blob: str, kind: str, name: str) -> list[Written]:
        """Every document of a file; where it is no YAML from some point on, the one sought stays, as unsound."""
        found, result = self.all(path, blob), self._parsed(blob)
        if result.readable or not name or any((each.kind, each.name) == (kind, name) for each in found):
            return found
        pattern = rb"^\s*name[ \t]*:[ \t]*[\"']?" + re.escape(name.encode()) + rb"[\"']?[ \t]*(#|$)"
        if re.search(pattern, self._text(blob), re.MULTILINE) is None:
            return found
        return [*found, Written(kind, name, path, blob, (1, 1), None, str(result.findings[-1].at(path)))]

    def problem(self, path: str, blob: str) -> str:
        """The first thing that is wrong with a file, "" where it is sound."""
        errors = (finding for finding in self._parsed(blob).findings if not finding.warning)
        return next((str(finding.at(path)) for finding in errors), "")

    def _parsed(self, blob: str) -> parse.FileResult:
        result = self._results.get(blob)
        if result is None:
            result = self._results[blob] = parse.parse_file(self._text(blob))
        return result

    def beside(self, written: Written, commit: str) -> Written:
        """The same with the files that its checks name, as they are in a commit."""
        checks = written.said.checks if isinstance(written.said, ModelDocument) else ()
        if not checks:
            return written
        named = sorted({path for each in checks for path in (each.request, each.expect) if path is not None})
        paths = [posixpath.join(self._below, path) for path in named]
        return replace(written, beside=tuple(zip(named, paths, self._line.blobs(commit, paths), strict=True)))

    def _speaks(self, blob: str, *names: str) -> bool:
        """Whether a file may speak of all these names: they stand there, or an escape does that might spell them."""
        text = self._text(blob)
        return all(name.encode() in text for name in names) or b"\\" in text

    def _text(self, blob: str) -> bytes:
        text = self._texts.get(blob)
        if text is None:
            text = self._line.read(blob, parse.MAX_BYTES)
            if self._kept > MOST_TEXT:
                self._texts, self._kept = {}, 0
            self._texts[blob] = text
            self._kept += len(text)
        return text


def spec(written: Written | None, fleets: Sequence[Written]) -> Spec | None:
    """What a Model document asks for and where, given the Fleets of the same commit; None for None."""
    if written is None:
        return None
    place = Place(written.path, *written.at)
    said = written.said
    if not isinstance(said, ModelDocument):
        return Spec(
            None, place, f"unsound {written.blob}", problem=written.problem or "it is not sound", blob=written.blob
        )
    # A blob stands for the contents of its file, which nobody reads here.
    blobs = {name: blob or "" for name, _, blob in written.beside}
    checks = tuple(
        replace(each.check, request=blobs.get(each.request, ""), expect=blobs.get(each.expect or "", ""))
        for each in said.checks
    )
    model = replace(said.model, place=Place(""), checks=checks)
    servers = tuple(sorted({server for each in said.placements for server in _chosen(each, fleets)}))
    said_by_checks = [each.digest for each in checks]
    placed = sorted((each.fleet, each.selector) for each in said.placements)
    key, own = (_digest(model, said_by_checks, each) for each in (servers, placed))
    return Spec(replace(model, place=place), place, key, servers, blob=written.blob, own=own)


def _digest(*parts: object) -> str:
    return hashlib.sha256(repr(parts).encode("utf-8", "surrogatepass")).hexdigest()


def _chosen(placement: Placement, fleets: Iterable[Written]) -> Iterable[str]:
    for fleet in fleets:
        if fleet.name == placement.fleet and isinstance(fleet.said, FleetDocument):
            for server in fleet.said.servers:
                if set(placement.selector) <= set(server.labels):
                    yield f"{fleet.name}/{server.name}"
