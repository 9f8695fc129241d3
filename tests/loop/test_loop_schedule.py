"""The timer of the real service."""

import asyncio

from reconciler.loop import IntervalTimer


async def test_timer_calls_again_and_again_on_the_event_loop_until_stopped() -> None:
    calls: asyncio.Queue[asyncio.AbstractEventLoop] = asyncio.Queue()
    timer = IntervalTimer(0.01, jitter=0.001)
    timer.start(lambda: calls.put_nowait(asyncio.get_running_loop()))
    async with asyncio.timeout(5):
        where = [await calls.get() for _ in range(3)]
    timer.stop()
    assert set(where) == {asyncio.get_running_loop()}


async def test_timer_that_never_started_can_be_stopped() -> None:
    timer = IntervalTimer(60)
    timer.stop()
    timer.stop()
