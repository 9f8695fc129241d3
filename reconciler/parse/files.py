"""Files → `Desired`, or every problem in them.

Called by whoever has a commit's files: the loop, `validate`, `plan`. `parse_file` is the part that takes time and needs
nothing but bytes: a caller with many new blobs maps it over a process pool and puts the results into the cache.
Deliberately not here: reading files, processes, and time.
"""

import dataclasses
import posixpath
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from reconciler.errors import DesiredInvalid
from reconciler.parse import across, checks, normal, reading, shape, within
from reconciler.parse.documents import FleetDocument, ModelDocument, Name
from reconciler.parse.nodes import MAX_FINDINGS, Node, Unreadable
from reconciler.parse.problems import Finding, Problem
from reconciler.state.desired import Commit, Desired, Place

MAX_TOTAL_BYTES = 64 << 20  # of all files of a commit together: ten times the ten thousand Models we measure with
SUFFIXES = (".yaml", ".yml")


@dataclass(frozen=True, slots=True)
class SourceFile:
    """One file of a commit: its path from the repository's root, its blob id, its content.

    `data` may be left empty where the cache knows the blob. A file that is too large may be cut after `MAX_BYTES` + 1;
    one that a check names, after `checks.MAX_CHECK_BYTES` + 1.
    """

    path: str
    blob: str
    data: bytes = b""


@dataclass(frozen=True, slots=True)
class FileResult:
    """What one blob says, whatever its path: sound documents, the names of all, findings. Can be pickled.

    `readable` is False where the rest of the file could not be read as YAML.
    """

    size: int
    models: tuple[ModelDocument, ...] = ()
    fleets: tuple[FleetDocument, ...] = ()
    names: tuple[Name, ...] = ()
    findings: tuple[Finding, ...] = ()
    readable: bool = True


@dataclass(frozen=True, slots=True)
class Parsed:
    """What a commit asks for, or why it asks for nothing that can be followed. `desired` is None with any problem.

    Problems and warnings ascend by path and line; each prints as `file:line:column rule what — what to do`.
    """

    desired: Desired | None
    problems: tuple[Problem, ...] = ()
    warnings: tuple[Problem, ...] = ()

    def require(self) -> Desired:
        """What the commit asks for.

        Raises:
            DesiredInvalid: there are problems; it carries all of them.
        """
        if self.desired is None:
            raise DesiredInvalid(tuple(str(problem) for problem in self.problems))
        return self.desired


class Cache:
    """Results by blob id, so that a new commit costs what it changed. Not for use across releases of this package."""

    def __init__(self) -> None:
        self._results: dict[str, FileResult] = {}
        self._placed: dict[tuple[str, str], _Placed] = {}
        self.shelf = checks.Shelf()

    def __contains__(self, blob: object) -> bool:
        return blob in self._results

    def __len__(self) -> int:
        return len(self._results)

    def add(self, results: Mapping[str, FileResult]) -> None:
        """Take results that were made elsewhere, by blob id."""
        self._results.update(results)

    def placed(self, file: SourceFile) -> "_Placed":
        """What that file says, at its path; parsed if its blob is new."""
        key = (file.path, file.blob)
        found = self._placed.get(key)
        if found is None:
            result = self._results.get(file.blob)
            if result is None:
                result = self._results[file.blob] = parse_file(file.data)
            found = self._placed[key] = _place(file.path, result)
        return found

    def forget_others(self, files: Iterable[SourceFile], keep: int) -> None:
        """Drop what none of these files uses, once more than `keep` results are held."""
        if len(self._placed) <= keep:
            return
        used = {(file.path, file.blob) for file in files}
        blobs = {blob for _, blob in used}
        self._placed = {key: value for key, value in self._placed.items() if key in used}
        self._results = {blob: value for blob, value in self._results.items() if blob in blobs}


@dataclass(frozen=True, slots=True)
class _Placed:
    """A file's result with its path put in."""

    result: FileResult
    models: tuple[across.PlacedModel, ...]
    fleets: tuple[across.PlacedFleet, ...]
    names: tuple[tuple[str, Name], ...]
    problems: tuple[Problem, ...]
    warnings: tuple[Problem, ...]


def concerns(path: str, below: str = "") -> bool:
    """Whether a file at that path is ours: YAML, below the watched path, and in no hidden folder (`.github/`)."""
    if not path.endswith(SUFFIXES):
        return False
    top = below.strip("/")
    if top and path != top and not path.startswith(top + "/"):
        return False
    inner = path[len(top) :].lstrip("/")
    return not inner.startswith(".") and "/." not in inner


def parse(commit: Commit, files: Sequence[SourceFile], *, cache: Cache | None = None, below: str = "") -> Parsed:
    """What these files of a commit ask for; with everything that is wrong with them, not only the first thing.

    Args:
        commit: the commit the files were read from; it goes into `Desired` as it is.
        files: all files below the watched path, in any order; of those that are no YAML only the ones that checks
            name are looked at (`beside`).
        cache: results of earlier calls; kept up to date.
        below: the watched path, from the repository's root.
    """
    known = cache if cache is not None else Cache()
    ours = sorted((file for file in files if concerns(file.path, below)), key=lambda file: file.path)
    placed = [known.placed(file) for file in ours]
    placed = _with_checks(placed, files, below, known.shelf)
    problems = [problem for each in placed for problem in each.problems]
    warnings = [warning for each in placed for warning in each.warnings]
    joined = across.join(_repository(placed))
    problems += joined.problems + _too_much(placed, below)
    warnings += joined.warnings + _nothing(placed, below)
    known.forget_others(ours, keep=4 * len(ours) + 1000)
    known.shelf.forget_others({file.blob for file in files})
    desired = Desired(commit, joined.servers) if not problems else None
    return Parsed(desired, tuple(sorted(problems)), tuple(sorted(warnings)))


def beside(files: Sequence[SourceFile], cache: Cache, below: str = "") -> tuple[str, ...]:
    """The paths, from the repository's root, of the files that checks in these documents name, ascending."""
    ours = (file for file in files if concerns(file.path, below))
    models = [model for file in ours for model in cache.placed(file).models if model.said.checks]
    top = below.strip("/")
    return tuple(sorted({posixpath.join(top, path) for model in models for path in checks.named(model.said)}))


def _with_checks(
    placed: list["_Placed"], files: Sequence[SourceFile], below: str, shelf: checks.Shelf
) -> list["_Placed"]:
    """The same, the Models with the checks that they name, and what is wrong with the files of these."""
    if not any(model.said.checks for each in placed for model in each.models):
        return placed
    top = posixpath.join(below.strip("/"), "")
    there = {
        file.path[len(top) :]: (file.blob, file.data)
        for file in files
        if file.path.startswith(top) and not file.path.endswith(SUFFIXES)
    }
    return [_checked(each, there, shelf) for each in placed]


def _checked(each: "_Placed", there: checks.Found, shelf: checks.Shelf) -> "_Placed":
    if not any(model.said.checks for model in each.models):
        return each
    models, problems = [], [*each.problems]
    for model in each.models:
        findings: list[Finding] = []
        filled = shelf.filled(model.said, there, findings)
        models.append(dataclasses.replace(model, model=dataclasses.replace(model.model, checks=filled)))
        problems += [finding.at(model.path) for finding in findings]
    return dataclasses.replace(each, models=tuple(models), problems=tuple(problems))


def parse_file(data: bytes) -> FileResult:
    """What one file says. Takes nothing but its bytes and gives a value that can be pickled."""
    findings: list[Finding] = []
    models: list[ModelDocument] = []
    fleets: list[FleetDocument] = []
    names: list[Name] = []
    end: list[Finding] = []
    try:
        for document in reading.documents(reading.check_bytes(data), findings):
            _take(document, findings, names, (models, fleets))
    except Unreadable as unreadable:
        end.append(unreadable.finding)
    kept = tuple(sorted(findings)[:MAX_FINDINGS] + end)
    return FileResult(len(data), tuple(models), tuple(fleets), tuple(names), kept, readable=not end)


def _take(
    document: Node,
    findings: list[Finding],
    names: list[Name],
    sound: tuple[list[ModelDocument], list[FleetDocument]],
) -> None:
    if document.data is None:  # nothing, or only a comment, between two lines of `---`
        return
    kind, wrong = shape.check(document)
    told = {(finding.line, finding.column) for finding in findings}
    findings += [finding for finding in wrong if (finding.line, finding.column) not in told]
    name = document.find("metadata", "name")
    if kind is not None and isinstance(name.data, str) and "name" in document.find("metadata").fields:
        names.append(Name(kind, name.data, name.position))
    if wrong or kind is None:
        return
    models, fleets = sound
    if kind == "Model":
        models.append(normal.model(document))
        findings += within.model_rules(document, models[-1])
    else:
        fleets.append(normal.fleet(document))
        findings += within.fleet_rules(document, fleets[-1])


def _place(path: str, result: FileResult) -> _Placed:
    models, fleets = [], []
    for said in result.models:
        at = Place(path, said.model.place.line, said.model.place.column)
        models.append(across.PlacedModel(path, said, dataclasses.replace(said.model, place=at)))
    for told in result.fleets:
        at = Place(path, told.fleet.place.line, told.fleet.place.column)
        fleets.append(across.PlacedFleet(path, told, dataclasses.replace(told.fleet, place=at)))
    return _Placed(
        result=result,
        models=tuple(models),
        fleets=tuple(fleets),
        names=tuple((path, name) for name in result.names),
        problems=tuple(finding.at(path) for finding in result.findings if not finding.warning),
        warnings=tuple(finding.at(path) for finding in result.findings if finding.warning),
    )


def _repository(placed: Iterable[_Placed]) -> across.Repository:
    repository = across.Repository()
    for each in placed:
        repository.models += each.models
        repository.fleets += each.fleets
        repository.names += each.names
        repository.unreadable += not each.result.readable
    return repository


def _too_much(placed: Iterable[_Placed], below: str) -> list[Problem]:
    if sum(each.result.size for each in placed) <= MAX_TOTAL_BYTES:
        return []
    what = f"the files below the watched path hold more than {MAX_TOTAL_BYTES} bytes"
    return [Problem(_where(below), 1, 1, "too-much", what, "split the repository, or watch a folder of it")]


def _nothing(placed: Iterable[_Placed], below: str) -> list[Problem]:
    if any(each.result.names or each.result.findings for each in placed):
        return []
    what = "there is no Fleet and no Model here, so every server is let go: it keeps what it serves and is sent nothing"
    to_do = "add documents, or check the branch and the watched path"
    return [Problem(_where(below), 1, 1, "nothing-desired", what, to_do)]


def _where(below: str) -> str:
    return posixpath.join(below.strip("/"), "") or "."
