"""`apply`: run the lanes of one desired state until every server has come to rest, or the time is up.

Called by the command line. A server is at rest when a turn found nothing on its way and nothing to send: converged, or
held by something that only a person or the world can release, or its lane halted.
"""

import asyncio
import contextlib
import enum
from dataclasses import dataclass

from reconciler.loop.lane import Lane
from reconciler.loop.lanes import Lanes
from reconciler.loop.service import CLOSE_WITHIN
from reconciler.loop.tools import Tools
from reconciler.state.desired import Desired

CHECK_EVERY = 0.05


class Verdict(enum.IntEnum):
    """How an apply ended; the numbers are the exit codes of the command line."""

    APPLIED = 0
    FAILED = 1
    BLOCKED = 3
    PARTLY = 4
    TIMED_OUT = 5


@dataclass(frozen=True, slots=True)
class Applied:
    """What became of every server, as ids: as git says; held; on its way when time ran out; halted by an error."""

    converged: tuple[str, ...]
    blocked: tuple[str, ...]
    unfinished: tuple[str, ...]
    halted: tuple[str, ...]

    @property
    def verdict(self) -> Verdict:
        """The worst thing to tell: halted, then out of time, then held; PARTLY where some servers got through."""
        if self.halted and not self.converged:
            return Verdict.FAILED
        if self.unfinished:
            return Verdict.TIMED_OUT
        if self.halted or self.blocked:
            return Verdict.PARTLY if self.converged else Verdict.BLOCKED
        return Verdict.APPLIED


async def apply(desired: Desired, tools: Tools, timeout: float) -> Applied:  # noqa: ASYNC109 - also counts idle lanes
    """Bring every server to rest within `timeout` seconds, then end the lanes."""
    lanes = Lanes(tools)
    try:
        lanes.aim_at(desired)
        with contextlib.suppress(TimeoutError):
            async with tools.clock.deadline(timeout):
                while not all(_at_rest(lane) for lane in lanes.lanes.values()):
                    await tools.clock.sleep(CHECK_EVERY)
        return _sorted_out([*lanes.lanes.values()])
    finally:
        await asyncio.shield(lanes.close(CLOSE_WITHIN))


def _at_rest(lane: Lane) -> bool:
    return lane.halted or lane.finished is not None


def _sorted_out(lanes: list[Lane]) -> Applied:
    def ids(chosen: list[Lane]) -> tuple[str, ...]:
        return tuple(sorted(lane.aim.server.id for lane in chosen))

    halted = [lane for lane in lanes if lane.halted]
    resting = [lane for lane in lanes if not lane.halted and lane.finished is not None]
    return Applied(
        converged=ids([lane for lane in resting if lane.plan.as_git_says]),
        blocked=ids([lane for lane in resting if not lane.plan.as_git_says]),
        unfinished=ids([lane for lane in lanes if not lane.halted and lane.finished is None]),
        halted=ids(halted),
    )
