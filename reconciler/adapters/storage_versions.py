"""A base path → what its version directories hold: listed, sighted, digested. Blocking; run in storage's threads.

Used by `storage.py`, and by `storage_exports.py` for one version. Contents are digested once per (path, size,
modification), and a directory counts only after it was seen unchanged for a while, so what was seen before is kept
here, for this process. Deliberately not here: what a complete directory is (`preflight/`).
"""

import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial

from reconciler import preflight
from reconciler.adapters.storage_trees import Entry, Tree, digest, tree_of
from reconciler.state.look import PathFacts, Presence, VersionFiles

MAX_VERSIONS = 256
"""Version directories looked into per base path beyond those asked for, the highest numbers first."""

MAX_DIGESTS = 20_000
"""Content digests kept; the least recently used go first."""

MAX_PATHS = 20_000
"""Base paths whose last sightings are kept; the least recently looked at go first."""

BUDGET = 1.0
"""Seconds for looking into directories that nobody asked for; those asked for come first, and take what they take."""


@dataclass(slots=True)
class _Known:
    """What the looks before showed of one base path. `looked`: one of them came to its end."""

    looked: bool = False
    versions: dict[str, preflight.Sighting] = field(default_factory=dict)


class VersionFolders:
    """All version directories seen by this process. Safe for several threads: each step on shared state is one call.

    now: seconds on a clock that never jumps. wall: seconds since the epoch, to hold against the times of files.
    """

    def __init__(
        self,
        *,
        still_after: float = preflight.STILL_AFTER,
        budget: float = BUDGET,
        now: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._still_after = still_after
        self._budget = budget
        self._now = now
        self._wall = wall
        self._digests = DigestCache()
        self._known: OrderedDict[str, _Known] = OrderedDict()

    def facts(self, url: str, asked: Iterable[int] = ()) -> PathFacts:
        """What lies below a URL: the versions asked for, and the highest others. What storage does wrong is UNSEEN."""
        try:
            return self._facts(url, frozenset(asked))
        except Exception as error:
            return PathFacts(url, Presence.UNSEEN, detail=said(url, error))

    def version(self, tree: Tree, spelling: preflight.Spelling, entries: list[Entry]) -> VersionFiles:
        """The judgement on one version directory that holds these files."""
        if len(entries) == 1 and entries[0].path == "":
            return VersionFiles(spelling.version, (*spelling.lacks, "a directory: it is a file"), entries[0].size)
        files = [preflight.FileFact(each.path, each.size, each.changed) for each in entries]
        by_path = {each.path: each for each in entries}
        unrest = self._unrest(tree, spelling.name, files)
        wanted = {
            path: self._digests.digest(
                f"{tree.url}/{spelling.name}", by_path[path], partial(_read, tree, spelling, path)
            )
            for path in (() if unrest else preflight.wanted_digests(files))
        }
        return preflight.version_files(spelling.version, files, wanted, spelling.lacks, unrest)

    def _facts(self, url: str, asked: frozenset[int]) -> PathFacts:
        tree = tree_of(url)
        known = self._path(url)
        names = tree.children()
        if names is None:
            known.looked = True
            return PathFacts(url, Presence.MISSING, detail=f"{url} does not exist")
        found = preflight.spellings(names)
        versions = sorted(self._look_into(tree, found, asked), key=lambda each: each.version)
        for name in set(known.versions) - {each.name for each in found}:
            known.versions.pop(name, None)
        known.looked = True
        left = len(found) - len(versions)
        detail = f"{left} lower versions were not looked into" if left > 0 else ""
        return PathFacts(url, Presence.SEEN, tuple(versions), detail)

    def _look_into(
        self, tree: Tree, found: tuple[preflight.Spelling, ...], asked: frozenset[int]
    ) -> Iterator[VersionFiles]:
        """The facts of the versions asked for, then of the highest others; one that vanished meanwhile is left out."""
        others = [each for each in found if each.version not in asked][-MAX_VERSIONS:]
        until = self._now() + self._budget
        for spelling in (*(each for each in found if each.version in asked), *reversed(others)):
            if spelling.version not in asked and self._now() > until:
                return
            entries = tree.files(spelling.name)
            if entries is not None:
                yield self.version(tree, spelling, entries)

    def _unrest(self, tree: Tree, name: str, files: list[preflight.FileFact]) -> tuple[str, ...]:
        known, now = self._path(tree.url), self._now()
        age = 0.0 if known.looked else preflight.age(files, self._wall())
        known.versions[name] = preflight.sighted(known.versions.get(name), files, now, age)
        return preflight.unrest(known.versions[name], now, self._still_after)

    def _path(self, url: str) -> _Known:
        known = self._known.setdefault(url, _Known())
        self._known.move_to_end(url)
        while len(self._known) > MAX_PATHS:
            self._known.popitem(last=False)
        return known


class DigestCache:
    """Content digests by what identifies a file's state; safe for several threads because each step is one call."""

    def __init__(self, limit: int = MAX_DIGESTS) -> None:
        self._limit = limit
        self._held: OrderedDict[tuple[str, str], str] = OrderedDict()

    def digest(self, url: str, entry: Entry, read: Callable[[], str]) -> str:
        """The digest of that state of the file, computed where it is not known."""
        key = (f"{url}/{entry.path}", entry.state)
        found = self._held.pop(key, None) if entry.state else None
        found = found or read()
        if entry.state:
            self._held[key] = found
            while len(self._held) > self._limit:
                self._held.popitem(last=False)
        return found


def said(url: str, error: Exception) -> str:
    """What storage did wrong, in its own words."""
    return f"{url}: {type(error).__name__}: {str(error)[:300]}"


def _read(tree: Tree, spelling: preflight.Spelling, path: str) -> str:
    with tree.open(spelling.name, path) as stream:
        return digest(stream)
