"""What the commits of a branch asked of one Model, or of all of them, newest first: the trail of documents.

Called by `history` and `trace` through `cli/`. A commit in which the files of interest have the blobs they have in the
next one is passed without reading anything; a blob is read once and parsed only where it speaks of what is looked for.
A document is followed by its name: into another file, through a rename (the same `modelName` under another
`metadata.name` in one commit), and past its removal to where it was before. Deliberately not here: what was applied
(`record/deployments.py`).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from reconciler import parse
from reconciler.parse.documents import FleetDocument
from reconciler.ports import ChangedFile, Lineage
from reconciler.source.written import Reading, Written, spec
from reconciler.state.desired import Place
from reconciler.state.history import Asked, Spec, Step

MODEL, FLEET = "Model", "Fleet"
MOST_FILES = 20
"""Files of one commit that are searched for what is wrong with it."""


@dataclass(frozen=True, slots=True)
class _Known:
    """A Model in one commit, with the Fleets that it names; `name` is the document's there."""

    name: str
    model: Written | None = None
    fleets: tuple[tuple[str, Written | None], ...] = ()

    def paths(self) -> tuple[str, ...]:
        """Every file of which this is made."""
        own = (self.model.path, *(path for _, path, _ in self.model.beside)) if self.model is not None else ()
        return (*own, *(fleet.path for _, fleet in self.fleets if fleet is not None))

    def blobs(self) -> tuple[str | None, ...]:
        """Their blobs, in the order of `paths`."""
        own = (self.model.blob, *(blob for _, _, blob in self.model.beside)) if self.model is not None else ()
        return (*own, *(fleet.blob for _, fleet in self.fleets if fleet is not None))

    @property
    def complete(self) -> bool:
        """Whether everything was found, so that equal blobs mean an equal state."""
        return self.model is not None and all(fleet is not None for _, fleet in self.fleets)


class Trail:
    """Follows documents below one path of a repository. One call at a time.

    positions: of the commits that were passed so far, 0 for the newest.
    """

    def __init__(self, line: Lineage, below: str = "") -> None:
        """Nothing is read yet.

        Args:
            line: the repository.
            below: the folder that is watched, from the repository's root; "" for all of it.
        """
        self._line = line
        self._below = below.strip("/")
        self._reading = Reading(line, self._below)
        self.positions: dict[str, int] = {}

    def documents(self, start: str, name: str) -> tuple[str, ...]:
        """The Model documents that a name is about in a commit: `metadata.name`, else `modelName`; none is possible."""
        found = self._reading.everywhere(start, MODEL, name)
        if any(each.name == name for each in found):
            return (name,)
        return tuple(sorted(each.name for each in found if each.servable == name))

    def spec(self, commit: str, document: str) -> Spec | None:
        """What a Model's document asks for in a commit, None where it is not there."""
        known = self._at(commit, document)
        return spec(known.model, [fleet for _, fleet in known.fleets if fleet is not None])

    def of_model(self, start: str, name: str) -> Iterator[Step]:
        """The commits from `start` on that changed what is asked of a Model, or where; newest first."""
        now, at = self._at(start, name), start
        while True:
            same, parent = self._same(at, now)
            self.positions.update(zip(same, range(len(self.positions), len(self.positions) + len(same)), strict=True))
            commit, position = same[-1], len(self.positions) - 1
            if parent is None:
                if now.model is not None:
                    yield self._step(position, commit, _Known(now.name), now)
                return
            before = self._before(commit, parent, now)
            if before is not now and (step := self._step(position, commit, before, now)).asked:
                yield step
            now, at = before, parent

    def _same(self, at: str, now: _Known) -> tuple[Sequence[str], str | None]:
        """The commits from one on in which nothing of this changes, and the first one beyond."""
        if now.complete and self._line.blobs(at, now.paths()) == now.blobs():  # not so under names that are no text
            return self._line.stretch(at, now.paths())
        return next(([commit], parent) for commit, parent in self._line.ids(at))

    def _at(self, commit: str, name: str) -> _Known:
        found = [each for each in self._reading.everywhere(commit, MODEL, name) if each.name == name]
        return self._with_fleets(commit, _Known(name, found[0] if found else None))

    def _with_fleets(self, commit: str, known: _Known) -> _Known:
        """The same with the Fleets that the Model names, looked for only where they are not known yet."""
        wanted = known.model.fleets if known.model is not None else ()
        have = dict(known.fleets)
        for name in wanted:
            if name not in have:
                found = [each for each in self._reading.everywhere(commit, FLEET, name) if each.name == name]
                have[name] = found[0] if found else None
        return replace(known, fleets=tuple((name, have[name]) for name in wanted))

    def _before(self, commit: str, parent: str, now: _Known) -> _Known:
        if now.complete and self._line.blobs(parent, now.paths()) == now.blobs():
            return now
        changes = _Changes(self._line, commit, self._below)
        model = self._was(MODEL, now.name, now.model, parent, changes)
        name = now.name
        if model is None and now.model is not None:
            model = self._renamed(now.model, changes)
            name = model.name if model is not None else name
        elif model is None:
            return now
        fleets = [(each, self._was(FLEET, each, fleet, parent, changes)) for each, fleet in now.fleets]
        model = self._reading.beside(model, parent) if model is not None else None
        return self._with_fleets(parent, _Known(name, model, tuple(fleets)))

    def _was(self, kind: str, name: str, now: Written | None, parent: str, changes: "_Changes") -> Written | None:
        """A document in the parent: in the same file, or in one that the commit changed."""
        if now is not None:
            (blob,) = self._line.blobs(parent, (now.path,))
            if blob == now.blob:
                return now
            if blob is not None and (found := self._reading.named(now.path, blob, kind, name)) is not None:
                return found
        for file in changes.files:
            if file.before is not None and (now is None or file.path != now.path):
                found = self._reading.named(file.path, file.before, kind, name)
                if found is not None:
                    return found
        return None

    def _renamed(self, now: Written, changes: "_Changes") -> Written | None:
        """The one document that the commit took away and that had the same name on servers, None where none had."""
        left = {each.name for file in changes.files if file.after for each in self._reading.all(file.path, file.after)}
        gone = [
            each
            for file in changes.files
            if file.before is not None
            for each in self._reading.all(file.path, file.before)
            if each.kind == MODEL and each.servable == now.servable and each.name not in left
        ]
        return gone[0] if len(gone) == 1 and now.servable else None

    def _step(self, position: int, commit: str, before: _Known, now: _Known) -> Step:
        """The step between two states; with nothing asked where both say the same."""
        old = spec(before.model, [fleet for _, fleet in before.fleets if fleet is not None])
        new = spec(now.model, [fleet for _, fleet in now.fleets if fleet is not None])
        if new is None and before.model is not None:
            new = self._broken(commit, before.model)
        same = (old.key if old else "") == (new.key if new else "") and before.name == now.name
        asked = () if same else (Asked(now.name, old, new, "" if before.name == now.name else before.name),)
        return Step(
            position=position,
            commit=self._line.commit(commit),
            asked=asked,
            reverts=tuple(self._line.reverts(commit)),
            problem=self._problem(commit, new) if asked else "",
            edge=self._line.cut(commit),
        )

    def _broken(self, commit: str, before: Written) -> Spec | None:
        """The document as unsound where its file is still there and cannot be read; None where it was removed."""
        (blob,) = self._line.blobs(commit, (before.path,))
        problem = self._reading.problem(before.path, blob) if blob is not None else ""
        return Spec(None, Place(before.path), f"unsound {blob}", problem=problem) if problem else None

    def _problem(self, commit: str, new: Spec | None) -> str:
        """Why the commit cannot have been in force, as far as the document and the files that it changed tell."""
        if new is not None and new.problem:
            return new.problem
        files = _Changes(self._line, commit, self._below).files
        problems = (self._reading.problem(file.path, file.after) for file in files[:MOST_FILES] if file.after)
        return next((each for each in problems if each), "")

    def of_all(self, start: str) -> Iterator[Step]:
        """The commits from `start` on that changed anything in any document, newest first."""
        fleets = {each.name: each for each in self._reading.everywhere(start, FLEET, "")}
        for position, (commit, _) in enumerate(self._line.ids(start)):
            self.positions[commit] = position
            files = [file for file in self._line.changes(commit, self._below) if parse.concerns(file.path, self._below)]
            old = self._documents([(file.path, file.before) for file in files])
            new = self._documents([(file.path, file.after) for file in files])
            were = {
                **{name: each for name, each in fleets.items() if (FLEET, name) not in new},
                **{name: each for (kind, name), each in old.items() if kind == FLEET},
            }
            if files and (step := self._whole(position, commit, (old, were), (new, fleets))) is not None:
                yield step
            fleets = were

    def _documents(self, files: list[tuple[str, str | None]]) -> dict[tuple[str, str], Written]:
        found = (each for path, blob in files if blob is not None for each in self._reading.all(path, blob))
        return {(each.kind, each.name): each for each in found}

    def _whole(self, position: int, commit: str, before: "_Side", after: "_Side") -> Step | None:
        (old, were), (new, are) = before, after
        names = sorted({name for kind, name in {*old, *new} if kind == MODEL})
        asked = []
        for name in names:
            was, now = (
                spec(side.get((MODEL, name)), list(fleets.values())) for side, fleets in ((old, were), (new, are))
            )
            if (was.key if was else "") != (now.key if now else ""):
                asked.append(Asked(name, was, now))
        others = tuple(_fleet_words(old, new))
        if not asked and not others:
            return None
        return Step(
            position=position,
            commit=self._line.commit(commit),
            asked=tuple(asked),
            others=others,
            reverts=tuple(self._line.reverts(commit)) if names else (),
            problem=next((each.problem for each in new.values() if each.problem), ""),
            edge=self._line.cut(commit),
        )


def _fleet_words(old: dict[tuple[str, str], Written], new: dict[tuple[str, str], Written]) -> Iterator[str]:
    """What changed in Fleets: servers that come or go by name, the rest as such."""
    for name in sorted({name for kind, name in {*old, *new} if kind == FLEET}):
        was, now = old.get((FLEET, name)), new.get((FLEET, name))
        if was is None or now is None:
            yield f"{'adds' if was is None else 'removes'} the Fleet {name}"
        elif isinstance(was.said, FleetDocument) and isinstance(now.said, FleetDocument):
            there, here = ({each.name for each in side.servers} for side in (was.said, now.said))
            words = [f"adds {name}/{each}" for each in sorted(here - there)]
            words += [f"removes {name}/{each}" for each in sorted(there - here)]
            yield from words or _settings(was.said, now.said)


def _settings(was: FleetDocument, now: FleetDocument) -> Iterator[str]:
    """Settings of a Fleet or of its servers, without their places in the file."""
    plain = [(replace(each.fleet, place=Place("")), _entries(each)) for each in (was, now)]
    if plain[0] != plain[1]:
        yield f"changes the Fleet {now.fleet.name}"


def _entries(said: FleetDocument) -> tuple[object, ...]:
    return tuple(replace(each, at=(0, 0), grpc_at=(0, 0)) for each in said.servers)


_Side = tuple[dict[tuple[str, str], Written], dict[str, Written]]


@dataclass(slots=True)
class _Changes:
    """The YAML files that a commit changed, looked up when first asked for."""

    line: Lineage
    commit: str
    below: str
    found: tuple[ChangedFile, ...] | None = field(default=None)

    @property
    def files(self) -> tuple[ChangedFile, ...]:
        """Ascending by path."""
        if self.found is None:
            changed = self.line.changes(self.commit, self.below)
            self.found = tuple(each for each in changed if parse.concerns(each.path, self.below))
        return self.found
