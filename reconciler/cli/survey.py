"""One look at every server, for commands that plan without a service: observe, believe, and remember nothing.

Called by `plan`, `diff` and `render`; for `plan --storage` at storage alone. The record is read where there is one, so
that what a service knows counts; nothing is written and no lock is taken. A server that does not answer is an
observation like any other.
"""

import asyncio
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from reconciler import belief, observe
from reconciler.ports import Clock, ServingClients, VersionStore
from reconciler.state.desired import Desired, DesiredServer
from reconciler.state.export import Export
from reconciler.state.look import PathFacts, Presence
from reconciler.state.memory import Memory
from reconciler.state.observed import Observed

AT_ONCE = 32
"""Servers looked at together; more would only queue in this process and seem slow."""

LOOKS = 2
"""The first look finds versions, the second asks for what that raised: proofs by number and labels."""


@dataclass(frozen=True, slots=True)
class Eyes:
    """What it takes to look."""

    clients: ServingClients
    store: VersionStore
    clock: Clock


async def survey(desired: Desired, memories: Mapping[str, Memory], eyes: Eyes) -> dict[str, Observed]:
    """What may be believed of every server now, by server id."""
    gate = asyncio.Semaphore(AT_ONCE)

    async def one(server: DesiredServer) -> Observed:
        async with gate:
            return await _look(server, memories.get(server.id), eyes)

    found = await asyncio.gather(*(one(server) for server in desired.servers))
    return {observed.server: observed for observed in found}


async def stored(desired: Desired, rest: Mapping[str, Observed], store: VersionStore) -> dict[str, Observed]:
    """Servers at rest with what storage really holds for them; what cannot be seen is taken to be there.

    A fleet's storage is asked once per base path, however many servers it has.
    """
    shelf = _Shelf(store)
    return {server.id: await shelf.seen(server, rest[server.id]) for server in desired.servers}


class _Shelf:
    """Storage, each question asked once per fleet."""

    def __init__(self, store: VersionStore) -> None:
        self._store = store
        self._facts: dict[Hashable, PathFacts] = {}
        self._exports: dict[Hashable, Export] = {}

    async def seen(self, server: DesiredServer, rest: Observed) -> Observed:
        found = tuple([await self._path(server, path) for path in rest.paths])
        places = sorted(set(_compared(server, rest)))
        exports = tuple([await self._export(server, *place) for place in places if _complete(found, *place)])
        return replace(rest, paths=tuple(map(_either, found, rest.paths)), exports=exports)

    async def _path(self, server: DesiredServer, path: PathFacts) -> PathFacts:
        at = (server.fleet.name, path.base_path, tuple(each.version for each in path.versions))
        if at not in self._facts:
            self._facts[at] = await self._store.facts(server, path.base_path)
        return self._facts[at]

    async def _export(self, server: DesiredServer, base_path: str, version: int) -> Export:
        at = (server.fleet.name, base_path, version)
        if at not in self._exports:
            self._exports[at] = await self._store.export(server, base_path, version)
        return self._exports[at]


def _complete(paths: Sequence[PathFacts], base_path: str, version: int) -> bool:
    files = next((each.files(version) for each in paths if each.base_path == base_path), None)
    return files is not None and files.complete


def _either(seen: PathFacts, assumed: PathFacts) -> PathFacts:
    """What was seen; where nothing could be, what was assumed, with the reason why it stays at that."""
    return replace(assumed, detail=seen.detail) if seen.presence is Presence.UNSEEN else seen


def _compared(server: DesiredServer, seen: Observed) -> Iterator[tuple[str, int]]:
    """Both ends of every label move: base path and version."""
    for model in server.models:
        config = seen.sent.model(model.name)
        before = dict(config.labels) if config is not None else {}
        for label, version in model.labels:
            if config is not None and before.get(label, version) != version:
                yield config.base_path, before[label]
                yield model.base_path, version


async def _look(server: DesiredServer, memory: Memory | None, eyes: Eyes) -> Observed:
    now = eyes.clock.now()
    known = belief.resumed(memory, now) if memory is not None else belief.first_contact(server)
    client = eyes.clients.client(server)
    for _ in range(LOOKS):
        asked = belief.questions(server, known, eyes.clock.now())
        look = await observe.look(client, eyes.store, server, asked, eyes.clock)
        known = belief.learn(server, known, look)
    return belief.believe(server, known, look)
