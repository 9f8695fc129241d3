"""How a look is asked: one question first, then all others at once, a few at a time.

The first status tells whether the server can be talked to at all: where it brings no answer, nothing else is asked, so
a slow server costs one deadline and not one per model. The others are shared by a handful of workers; a task for each
would cost more than the question. Storage is asked at the same time, by workers of its own. Each call has its deadline
inside (ports), and the look as a whole has one more, in case a client or a store does not keep to that.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Iterator

from reconciler.ports import Clock, ServingClient, VersionStore
from reconciler.state.desired import DesiredServer
from reconciler.state.export import Export
from reconciler.state.look import (
    LabelKind,
    LabelLook,
    LabelReading,
    Look,
    ModelLook,
    Page,
    PathFacts,
    Presence,
    ProofLook,
    Questions,
    Reach,
    ReachKind,
)

IN_FLIGHT = 16
"""Questions to one server at a time: enough to fill the wire, few enough for its threads (4 per CPU by default)."""

PATHS_IN_FLIGHT = 8
"""Base paths asked of storage at a time: as many as it lists at once."""

SLACK = 3.0
"""Deadlines of a single status that a whole look may take."""

_LATE = "no answer within the deadline of the whole look"


async def look(
    client: ServingClient, store: VersionStore, server: DesiredServer, questions: Questions, clock: Clock
) -> Look:
    """Ask everything once. Never raises for what a server or a storage does; cancelling it cancels its questions."""
    began = clock.now()
    async with asyncio.TaskGroup() as group:
        stored = group.create_task(_stored(store, server, questions, clock))
        asking = _Asking(client, questions)
        reach = await asking.run(clock, server.fleet.deadlines.status * SLACK)
    return Look(
        server=server.id,
        at=began,
        reach=reach,
        models=asking.models() if reach.answers else (),
        labels=asking.labels() if reach.answers else (),
        proofs=asking.proofs() if reach.answers else (),
        paths=stored.result()[0],
        channel_dropped=client.dropped(),
        exports=stored.result()[1],
        page=asking.page if reach.answers else None,
    )


class _Asking:
    """The questions to the server itself, and the answers so far."""

    def __init__(self, client: ServingClient, questions: Questions) -> None:
        self._client = client
        self._questions = questions
        self._models: dict[str, ModelLook] = {}
        self._labels: dict[tuple[str, str], LabelReading] = {}
        self._proofs: dict[tuple[str, int], ProofLook] = {}
        self.page: Page | None = Page(unseen=_LATE) if questions.page else None

    async def run(self, clock: Clock, seconds: float) -> Reach:
        try:
            async with clock.deadline(seconds):
                reach = await self._first()
                if reach.answers:
                    await self._rest()
        except TimeoutError:
            return Reach() if self._models else Reach(ReachKind.SLOW, f"no answer within {seconds:g} s")
        return reach

    def models(self) -> tuple[ModelLook, ...]:
        return tuple(self._models.get(each) or ModelLook(each, unseen=_LATE) for each in self._questions.models)

    def labels(self) -> tuple[LabelLook, ...]:
        late = LabelReading(LabelKind.UNSEEN, detail=_LATE)
        return tuple(LabelLook(*each, self._labels.get(each, late)) for each in self._questions.labels)

    def proofs(self) -> tuple[ProofLook, ...]:
        return tuple(
            self._proofs.get(each) or ProofLook(*each, answered=False, unseen=_LATE) for each in self._questions.proofs
        )

    async def _first(self) -> Reach:
        """The first status; only where it brings nothing, or there is none to ask, whether there is anybody."""
        for model in self._questions.models[:1]:
            answer = await self._client.status(model)
            if not answer.unseen:
                self._models[model] = answer
                return Reach()
        return await self._client.reach()

    async def _rest(self) -> None:
        count = len(self._questions.models) - 1 + len(self._questions.labels) + len(self._questions.proofs)
        await _share(self._each(), min(IN_FLIGHT, count))

    def _each(self) -> Iterator[Awaitable[None]]:
        """Statuses first, so that the look that first shows a version AVAILABLE can prove it, too.

        The first model is asked again only where its first answer was none.
        """
        for model in self._questions.models:
            if model not in self._models:
                yield self._ask_status(model)
        for proof in self._questions.proofs:
            yield self._ask_proof(*proof)
        for label in self._questions.labels:
            yield self._ask_label(*label)
        if self._questions.page:
            yield self._ask_page()

    async def _ask_status(self, model: str) -> None:
        self._models[model] = await self._client.status(model)

    async def _ask_page(self) -> None:
        self.page = await self._client.page()

    async def _ask_label(self, model: str, label: str) -> None:
        self._labels[model, label] = await self._client.read_label(model, label)

    async def _ask_proof(self, model: str, version: int) -> None:
        self._proofs[model, version] = await self._client.prove(model, version)


async def _share(asked: Iterator[Awaitable[None]], workers: int) -> None:
    """Await them all, that many at a time; each is made only when a worker is free for it."""
    if workers <= 1:
        await _work(asked)
        return
    async with asyncio.TaskGroup() as group:
        for _ in range(workers):
            group.create_task(_work(asked))


async def _work(asked: Iterator[Awaitable[None]]) -> None:
    for question in asked:
        await question


async def _stored(
    store: VersionStore, server: DesiredServer, questions: Questions, clock: Clock
) -> tuple[tuple[PathFacts, ...], tuple[Export, ...]]:
    """What storage holds, and then what the exports in question promise, of versions that are complete there.

    An export that does not come in time is asked for again at the next look.
    """
    paths = await _paths(store, server, questions.paths, clock) if questions.paths else ()
    facts = {each.base_path: each for each in paths}
    found: list[Export] = []

    async def read(base_path: str, version: int) -> None:
        here = facts.get(base_path)
        files = here.files(version) if here is not None else None
        if here is None or (files is not None and files.complete):
            found.append(await store.export(server, base_path, version))

    with contextlib.suppress(TimeoutError):
        async with clock.deadline(server.fleet.deadlines.status * SLACK):
            await _share((read(*place) for place in questions.exports), min(PATHS_IN_FLIGHT, len(questions.exports)))
    return paths, tuple(sorted(found, key=lambda each: (each.base_path, each.version)))


async def _paths(
    store: VersionStore, server: DesiredServer, paths: tuple[str, ...], clock: Clock
) -> tuple[PathFacts, ...]:
    seconds = server.fleet.deadlines.status * SLACK
    found: dict[str, PathFacts] = {}

    async def ask(path: str) -> None:
        found[path] = await store.facts(server, path)

    with contextlib.suppress(TimeoutError):
        async with clock.deadline(seconds):
            await _share((ask(path) for path in paths), min(PATHS_IN_FLIGHT, len(paths)))
    late = f"storage did not answer within {seconds:g} s"
    return tuple(found.get(path) or PathFacts(path, Presence.UNSEEN, detail=late) for path in paths)
