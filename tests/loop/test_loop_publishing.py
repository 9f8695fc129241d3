"""Publishing beside everything else: batched, tried again with growing pauses, trouble told once."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any, TypeVar

from reconciler.errors import LedgerTaken, SourceUnavailable
from reconciler.loop.events import Event, LedgerPublished, LedgerUnpublished
from reconciler.loop.publishing import EVERY, LONGEST_PAUSE, LONGEST_REST, SHARE, Publishing
from reconciler.sim.virtualtime import VirtualClock, VirtualLoop

T = TypeVar("T")


@dataclass
class Remote:
    """A ledger and its remote: `there` is what it holds; `trouble` is raised instead of taking lines."""

    lines: int = 0
    there: int = 0
    batch: int = 100
    rounds: list[float] = field(default_factory=list)
    trouble: Exception | None = None
    told: list[Event] = field(default_factory=list)
    takes: float = 0.0

    def publish(self) -> LedgerPublished | None:
        if self.trouble is not None:
            raise self.trouble
        if self.there >= self.lines:
            return None
        before, self.there = self.there, min(self.lines, self.there + self.batch)
        return LedgerPublished(0.0, self.there - before, self.there, "c")


async def lived(remote: Remote, clock: VirtualClock, story: Callable[[], Coroutine[Any, Any, None]]) -> None:

    async def offload(call: Callable[[], T]) -> T:
        remote.rounds.append(clock.now())
        await clock.sleep(remote.takes)
        return call()

    task = asyncio.create_task(
        Publishing(lambda: remote.lines, remote.publish, clock, offload, remote.told.append).run()
    )
    await story()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def live(remote: Remote, story: Callable[[], Coroutine[Any, Any, None]]) -> None:
    loop = VirtualLoop()
    try:
        loop.run_until_complete(lived(remote, VirtualClock(loop), story))
    finally:
        loop.close()


def published(remote: Remote) -> list[int]:
    return [event.lines for event in remote.told if isinstance(event, LedgerPublished)]


def troubles(remote: Remote) -> list[str]:
    return [event.kind for event in remote.told if isinstance(event, LedgerUnpublished)]


def pauses(remote: Remote) -> list[float]:
    return [round(later - earlier, 3) for earlier, later in zip(remote.rounds, remote.rounds[1:], strict=False)]


def test_lines_that_come_together_go_together() -> None:
    remote = Remote()

    async def story() -> None:
        await asyncio.sleep(1)
        for _ in range(4):
            remote.lines += 1
            await asyncio.sleep(0.5)
        await asyncio.sleep(EVERY)

    live(remote, story)
    assert published(remote) == [4]


def test_more_than_fits_goes_in_batches_at_once() -> None:
    remote = Remote(lines=250)
    live(remote, lambda: asyncio.sleep(1))
    assert published(remote) == [100, 100, 50]


def test_a_ledger_that_rests_asks_nobody() -> None:
    remote = Remote(lines=3)
    live(remote, lambda: asyncio.sleep(600))
    assert len(remote.rounds) == 1


def test_trouble_is_told_once_and_its_end_by_the_lines_that_get_through() -> None:
    remote = Remote(lines=3, trouble=SourceUnavailable("away"))

    async def story() -> None:
        await asyncio.sleep(3600)
        remote.trouble = None
        await asyncio.sleep(LONGEST_PAUSE)

    live(remote, story)
    assert (troubles(remote), published(remote)) == (["SourceUnavailable"], [3])


def test_pauses_grow_up_to_a_longest() -> None:
    remote = Remote(lines=3, trouble=SourceUnavailable("away"))
    live(remote, lambda: asyncio.sleep(3600))
    assert pauses(remote)[:4] == [2 * EVERY, 4 * EVERY, 8 * EVERY, 16 * EVERY]
    assert max(pauses(remote)) == LONGEST_PAUSE


def test_another_kind_of_trouble_is_told_as_well() -> None:
    remote = Remote(lines=3, trouble=SourceUnavailable("away"))

    async def story() -> None:
        await asyncio.sleep(60)
        remote.trouble = LedgerTaken("another writes there")
        await asyncio.sleep(600)

    live(remote, story)
    assert troubles(remote) == ["SourceUnavailable", "LedgerTaken"]


def test_lines_that_were_there_all_the_same_end_the_trouble() -> None:
    remote = Remote(lines=3, trouble=SourceUnavailable("the answer was lost"))

    async def story() -> None:
        await asyncio.sleep(1)
        remote.there, remote.trouble = 3, None
        await asyncio.sleep(60)

    live(remote, story)
    assert published(remote) == [0]


def test_an_error_of_ours_ends_nothing() -> None:
    remote = Remote(lines=3, trouble=ZeroDivisionError())

    async def story() -> None:
        await asyncio.sleep(1)
        remote.trouble = None
        await asyncio.sleep(60)

    live(remote, story)
    assert (troubles(remote), published(remote)) == (["InternalError"], [3])


def test_publishing_takes_a_share_of_its_time_only() -> None:
    remote = Remote(takes=30.0)

    async def story() -> None:
        for _ in range(3600):
            remote.lines += 1
            await asyncio.sleep(1)

    live(remote, story)
    assert len(remote.rounds) * remote.takes <= 3600 * SHARE * 1.2


def test_a_machine_that_slept_during_a_round_publishes_again_soon_after() -> None:
    remote = Remote(lines=1, takes=8 * 3600.0)

    async def story() -> None:
        await asyncio.sleep(2 * 8 * 3600.0 + 1)
        remote.takes = 0.0
        remote.lines += 1
        await asyncio.sleep(LONGEST_REST)

    live(remote, story)
    assert published(remote) == [1, 1]
