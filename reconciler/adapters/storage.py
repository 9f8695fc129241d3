"""Version directories wherever a fleet keeps them: `ports.VersionStore` over fsspec, with a short road for local disks.

A base path is found through the fleet's storage mappings (longest `serverPath` wins). Listing, digesting and reading
run in threads with a deadline; storage that errs or hangs is UNSEEN, never an exception. A look at rest costs one
listing; a thousand servers that look at the same storage at the same time share it. Names, sizes and bytes are read;
nothing is executed.

Deliberately not here: looking (`storage_versions.py`, `storage_exports.py`) and judging (`preflight/`).
"""

from dataclasses import replace
from functools import partial

from reconciler import preflight
from reconciler.adapters.storage_asking import Asking
from reconciler.adapters.storage_exports import Exports
from reconciler.adapters.storage_threads import DaemonThreads
from reconciler.adapters.storage_versions import VersionFolders
from reconciler.state.desired import DesiredServer, StorageMapping
from reconciler.state.export import Export
from reconciler.state.look import PathFacts, Presence
from reconciler.state.versions import Specific

SHARED_FOR = 0.2
"""Seconds for which what was just listed serves other servers with the same storage."""

THREADS = 8
"""Questions to storage under way at the same time."""


class FsspecStore:
    """Storage of all fleets. One per process; give it back with `close`.

    deadline: seconds that a question may take. still_after: see `preflight.STILL_AFTER`.
    """

    def __init__(
        self,
        *,
        deadline: float = 5.0,
        shared_for: float = SHARED_FOR,
        still_after: float = preflight.STILL_AFTER,
    ) -> None:
        self._deadline = deadline
        self._threads = DaemonThreads(THREADS, "storage")
        self._folders = VersionFolders(still_after=still_after)
        self._reading = Exports(self._folders)
        self._facts: Asking[PathFacts] = Asking(self._threads, deadline=deadline, shared_for=shared_for)
        self._exports: Asking[Export] = Asking(self._threads, deadline=deadline, shared_for=shared_for)

    async def facts(self, server: DesiredServer, base_path: str) -> PathFacts:
        """What storage holds below a base path; UNSEEN where no mapping covers it or storage does not answer."""
        url = url_of(server.fleet.storage, base_path)
        if url is None:
            return PathFacts(base_path, Presence.UNSEEN, detail=_uncovered(server, base_path))
        asked = _asked(server, base_path)
        late = PathFacts(url, Presence.UNSEEN, detail=self._late(url))
        found = await self._facts.ask((url, asked), partial(self._folders.facts, url, asked), late)
        return replace(found, base_path=base_path)

    async def export(self, server: DesiredServer, base_path: str, version: int) -> Export:
        """What the export of that version promises; its `problem` says why where it could not be read."""
        url = url_of(server.fleet.storage, base_path)
        if url is None:
            return Export(base_path, version, problem=_uncovered(server, base_path))
        late = Export(base_path, version, problem=self._late(url))
        work = partial(self._reading.read, url, base_path, version)
        return replace(await self._exports.ask((url, version), work, late), base_path=base_path)

    def close(self) -> None:
        """Give the threads back; one that hangs in storage is left behind."""
        self._threads.close()

    def _late(self, url: str) -> str:
        return f"{url} did not answer within {self._deadline:g} s; is the storage mounted and reachable from here?"


def url_of(mappings: tuple[StorageMapping, ...], base_path: str) -> str | None:
    """Where that base path lies as seen from here; None where no mapping covers it. The longest prefix wins."""
    covering = [each for each in mappings if _covers(each.server_path.rstrip("/"), base_path)]
    if not covering:
        return None
    best = max(covering, key=lambda each: len(each.server_path.rstrip("/")))
    rest = base_path[len(best.server_path.rstrip("/")) :].strip("/")
    return f"{best.url.rstrip('/')}/{rest}".rstrip("/")


def _asked(server: DesiredServer, base_path: str) -> tuple[int, ...]:
    """The versions that git names below that path: looked into however many higher ones there are."""
    policies = [each.policy for each in server.models if each.base_path == base_path]
    return tuple(sorted({version for each in policies if isinstance(each, Specific) for version in each.versions}))


def _covers(prefix: str, base_path: str) -> bool:
    return base_path == prefix or base_path.startswith(f"{prefix}/")


def _uncovered(server: DesiredServer, base_path: str) -> str:
    return f"no spec.storage[].serverPath of Fleet {server.fleet.name} covers {base_path}"
