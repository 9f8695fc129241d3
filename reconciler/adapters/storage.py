"""Version directories wherever a fleet keeps them: `ports.VersionStore` over fsspec, with a short road for local disks.

A base path is found through the fleet's storage mappings (longest `serverPath` wins). Listing and digesting run in
threads with a deadline; storage that errs or hangs is UNSEEN, never an exception. Contents are digested once per
(path, size, modification), so a look at rest costs one listing; a thousand servers that look at the same storage at
the same time share it. Names, sizes and bytes are read; nothing is executed.

Deliberately not here: what a complete directory is (`preflight/`).
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

from reconciler import preflight
from reconciler.adapters.storage_threads import DaemonThreads
from reconciler.adapters.storage_trees import Entry, Tree, tree_of
from reconciler.state.desired import DesiredServer, StorageMapping
from reconciler.state.look import PathFacts, Presence, VersionFiles

MAX_VERSIONS = 256
"""Version directories looked into per base path, the highest numbers first."""

MAX_DIGESTS = 20_000
"""Content digests kept; the least recently used go first."""

SHARED_FOR = 0.2
"""Seconds for which what was just listed serves other servers with the same storage."""


class FsspecStore:
    """Storage of all fleets. One per process; give it back with `close`."""

    def __init__(self, *, deadline: float = 5.0, threads: int = 8, shared_for: float = SHARED_FOR) -> None:
        self._deadline = deadline
        self._shared_for = shared_for
        self._threads = DaemonThreads(threads, "storage")
        self._digests = DigestCache()
        self._asked: dict[str, _Asked] = {}

    async def facts(self, server: DesiredServer, base_path: str) -> PathFacts:
        """What storage holds below a base path; UNSEEN where no mapping covers it or storage does not answer."""
        url = url_of(server.fleet.storage, base_path)
        if url is None:
            return PathFacts(base_path, Presence.UNSEEN, detail=_uncovered(server, base_path))
        answer = self._listed(url)
        # The answer is shared: cancelling one look must not cancel it. What is there already needs no shield.
        found = answer.result() if answer.done() else await asyncio.shield(answer)
        return replace(found, base_path=base_path)

    def close(self) -> None:
        """Give the threads back; one that hangs in storage is left behind."""
        self._threads.close()

    def _listed(self, url: str) -> "asyncio.Future[PathFacts]":
        """What that URL holds, or will be found to: a storage that hangs is asked once, not at every look."""
        now = time.monotonic()
        known = self._asked.get(url)
        if known is not None and not known.over(now, self._shared_for):
            return known.answer
        self._asked = {each: asked for each, asked in self._asked.items() if not asked.over(now, self._shared_for)}
        listing = self._threads.submit(partial(look_into, url, self._digests))
        said = f"{url} did not answer within {self._deadline:g} s; is the storage mounted and reachable from here?"
        late = PathFacts(url, Presence.UNSEEN, detail=said)
        self._asked[url] = _Asked(now, listing, _by_then(listing, self._deadline, late))
        return self._asked[url].answer


@dataclass(frozen=True, slots=True)
class _Asked:
    """One question to storage: when it was asked, the listing as long as it may take, the answer by its deadline."""

    at: float
    listing: "asyncio.Future[PathFacts]"
    answer: "asyncio.Future[PathFacts]"

    def over(self, now: float, shared_for: float) -> bool:
        """Whether it answers nobody any more. A listing that hangs is not over: it would only be joined by another."""
        return self.listing.done() and now >= self.at + shared_for


def _by_then(listing: "asyncio.Future[PathFacts]", seconds: float, late: PathFacts) -> "asyncio.Future[PathFacts]":
    """The listing's result, or `late` where it takes longer: one timer for all who wait, not one for each."""
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[PathFacts] = loop.create_future()

    def settle(found: PathFacts) -> None:
        timer.cancel()
        if not answer.done():
            answer.set_result(found)

    timer = loop.call_later(seconds, settle, late)
    listing.add_done_callback(lambda done: settle(done.result()))
    return answer


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


def url_of(mappings: tuple[StorageMapping, ...], base_path: str) -> str | None:
    """Where that base path lies as seen from here; None where no mapping covers it. The longest prefix wins."""
    covering = [each for each in mappings if _covers(each.server_path.rstrip("/"), base_path)]
    if not covering:
        return None
    best = max(covering, key=lambda each: len(each.server_path.rstrip("/")))
    rest = base_path[len(best.server_path.rstrip("/")) :].strip("/")
    return f"{best.url.rstrip('/')}/{rest}".rstrip("/")


def look_into(url: str, digests: DigestCache) -> PathFacts:
    """What lies below a URL. Blocking. Whatever storage does wrong is UNSEEN with its words."""
    try:
        tree = tree_of(url)
        names = tree.children()
        if names is None:
            return PathFacts(url, Presence.MISSING, detail=f"{url} does not exist")
        found = preflight.spellings(names)
        versions = tuple(_version(tree, spelling, digests) for spelling in found[-MAX_VERSIONS:])
    except Exception as error:
        return PathFacts(url, Presence.UNSEEN, detail=f"{url}: {type(error).__name__}: {str(error)[:300]}")
    left = len(found) - len(versions)
    detail = f"{left} lower versions were not looked into" if left > 0 else ""
    return PathFacts(url, Presence.SEEN, tuple(each for each in versions if each is not None), detail)


def _version(tree: Tree, spelling: preflight.Spelling, digests: DigestCache) -> VersionFiles | None:
    """The facts of one version; None where it vanished while we looked."""
    entries = tree.files(spelling.name)
    if entries is None:
        return None
    if len(entries) == 1 and entries[0].path == "":
        return VersionFiles(spelling.version, (*spelling.lacks, "a directory: it is a file"), entries[0].size)
    files = [preflight.FileFact(each.path, each.size) for each in entries]
    by_path = {each.path: each for each in entries}
    where = f"{tree.url}/{spelling.name}"
    wanted = {
        path: digests.digest(where, by_path[path], partial(tree.digest, spelling.name, path))
        for path in preflight.wanted_digests(files)
    }
    return preflight.version_files(spelling.version, files, wanted, spelling.lacks)


def _covers(prefix: str, base_path: str) -> bool:
    return base_path == prefix or base_path.startswith(f"{prefix}/")


def _uncovered(server: DesiredServer, base_path: str) -> str:
    return f"no spec.storage[].serverPath of Fleet {server.fleet.name} covers {base_path}"
