import asyncio
import time

import pytest

from reconciler.adapters.clock import SystemClock
from reconciler.ports import Clock


def test_now_is_the_time_of_day_in_seconds() -> None:
    clock: Clock = SystemClock()
    assert abs(clock.now() - time.time()) < 1


async def test_a_body_that_outlasts_its_deadline_ends_in_a_timeout_error() -> None:
    with pytest.raises(TimeoutError):
        async with SystemClock().deadline(0.001):
            await asyncio.Event().wait()


async def test_a_negative_sleep_returns_at_once() -> None:
    await asyncio.wait_for(SystemClock().sleep(-5), timeout=1)
