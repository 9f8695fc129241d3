"""One question to slow storage, asked once for all who want to know, with one deadline.

Used by `storage.py`: a thousand servers look at the same storage at the same time, and storage that hangs must not get
one more question at every look. Deliberately not here: what is asked.
"""

import asyncio
import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Generic, TypeVar

from reconciler.adapters.storage_threads import DaemonThreads

_T = TypeVar("_T")


class Asking(Generic[_T]):
    """Questions by key. What was just answered serves whoever asks the same within `shared_for` seconds."""

    def __init__(self, threads: DaemonThreads, *, deadline: float, shared_for: float) -> None:
        self._threads = threads
        self._deadline = deadline
        self._shared_for = shared_for
        self._asked: dict[Hashable, _Asked[_T]] = {}

    async def ask(self, key: Hashable, work: Callable[[], _T], late: _T) -> _T:
        """What `work` finds, or `late` where it takes longer than the deadline. `work` must not raise."""
        answer = self._shared(key, work, late)
        # The answer is shared: cancelling one look must not cancel it. What is there already needs no shield.
        return answer.result() if answer.done() else await asyncio.shield(answer)

    def _shared(self, key: Hashable, work: Callable[[], _T], late: _T) -> "asyncio.Future[_T]":
        now = time.monotonic()
        known = self._asked.get(key)
        if known is not None and not known.over(now, self._shared_for):
            return known.answer
        self._asked = {each: asked for each, asked in self._asked.items() if not asked.over(now, self._shared_for)}
        finding = self._threads.submit(work)
        self._asked[key] = _Asked(now, finding, _by_then(finding, self._deadline, late))
        return self._asked[key].answer


@dataclass(frozen=True, slots=True)
class _Asked(Generic[_T]):
    """One question: when it was asked, the finding as long as it may take, the answer by its deadline."""

    at: float
    finding: "asyncio.Future[_T]"
    answer: "asyncio.Future[_T]"

    def over(self, now: float, shared_for: float) -> bool:
        """Whether it answers nobody any more. A question that hangs is not over: it would only be joined by another."""
        return self.finding.done() and now >= self.at + shared_for


def _by_then(finding: "asyncio.Future[_T]", seconds: float, late: _T) -> "asyncio.Future[_T]":
    """The finding, or `late` where it takes longer: one timer for all who wait, not one for each."""
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[_T] = loop.create_future()

    def settle(found: _T) -> None:
        timer.cancel()
        if not answer.done():
            answer.set_result(found)

    timer = loop.call_later(seconds, settle, late)
    finding.add_done_callback(lambda done: settle(done.result()))
    return answer
