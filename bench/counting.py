"""Serving clients that note when each call began and ended: how many round trips a change takes.

Calls that overlap are one round trip: nobody waited for one before sending the other.
"""

import time
from collections.abc import Awaitable
from typing import TypeVar

from reconciler.ports import ServingClient, ServingClients
from reconciler.state.config import ServerConfig
from reconciler.state.desired import DesiredServer
from reconciler.state.inference import Prediction, Question, Signatures
from reconciler.state.look import LabelReading, ModelLook, Page, ProofLook, Reach
from reconciler.state.memory import Answer

T = TypeVar("T")


class CountingClients:
    """Clients whose calls are noted from `begin` on."""

    def __init__(self, inner: ServingClients) -> None:
        self._inner = inner
        self._calls: list[tuple[float, float, str]] = []

    def client(self, server: DesiredServer) -> ServingClient:
        """The client for that server, with its calls noted."""
        return _Counting(self._inner.client(server), self._calls)

    async def close(self) -> None:
        """Close every connection."""
        await self._inner.close()

    def begin(self) -> None:
        """Forget the calls so far."""
        self._calls.clear()

    def reloads(self) -> int:
        """How many reloads were sent."""
        return sum(kind == "reload" for _, _, kind in self._calls)

    def round_trips(self) -> int:
        """How many groups of overlapping calls there were, up to the first that followed the last reload."""
        groups: list[tuple[float, bool]] = []
        for start, end, kind in sorted(self._calls):
            reload = kind == "reload"
            if groups and start < groups[-1][0] and not reload:
                groups[-1] = (max(groups[-1][0], end), groups[-1][1])
            else:
                groups.append((end, reload))
        last = max((number for number, (_, reload) in enumerate(groups) if reload), default=len(groups) - 1)
        return min(len(groups), last + 2)


class _Counting:
    """A `ServingClient` around another one."""

    def __init__(self, inner: ServingClient, calls: list[tuple[float, float, str]]) -> None:
        self._inner = inner
        self._calls = calls

    async def _noted(self, kind: str, call: Awaitable[T]) -> T:
        begin = time.perf_counter()
        answer = await call
        self._calls.append((begin, time.perf_counter(), kind))
        return answer

    async def reach(self) -> Reach:
        """Noted."""
        return await self._noted("reach", self._inner.reach())

    async def status(self, model: str) -> ModelLook:
        """Noted."""
        return await self._noted("status", self._inner.status(model))

    async def read_label(self, model: str, label: str) -> LabelReading:
        """Noted."""
        return await self._noted("label", self._inner.read_label(model, label))

    async def page(self) -> Page:
        return Page()

    async def prove(self, model: str, version: int) -> ProofLook:
        """Noted."""
        return await self._noted("proof", self._inner.prove(model, version))

    async def reload(self, config: ServerConfig) -> Answer:
        """Noted."""
        return await self._noted("reload", self._inner.reload(config))

    async def signatures(self, model: str, version: int) -> Signatures:
        """Noted."""
        return await self._noted("signatures", self._inner.signatures(model, version))

    async def predict(self, question: Question, deadline: float) -> Prediction:
        """Noted."""
        return await self._noted("predict", self._inner.predict(question, deadline))

    def dropped(self) -> bool:
        """Passed on."""
        return self._inner.dropped()

    async def close(self) -> None:
        """Passed on."""
        await self._inner.close()
