"""How long a lane waits between two looks.

Pure but for its own counters; used by `Lane` only. Something on its way is looked at every 50 to 100 ms, because a
label must follow its version at once; an idle server every ten seconds, servers spread over that time; an unreachable
one at growing pauses that stay short for the first minute, which is when servers come back.
"""

import zlib
from collections.abc import Iterable

from reconciler.loop.tools import Pace
from reconciler.state.desired import DesiredServer
from reconciler.state.observed import Observed
from reconciler.state.plan import Hold, HoldReason, ServerPlan

MINUTE = 60.0
PATIENCE = 10.0
"""Seconds for which an unreachable server is taken to be coming back, by those who wait for it."""
SOON = 5.0
"""A hold released by time within so many seconds is looked at as if it were moving; a longer one is slept through."""


_TURNS = frozenset({HoldReason.CHANGES_FIRST, HoldReason.RESOURCE_TURN, HoldReason.MEMORY_TURN, HoldReason.WAVE_TURN})


LABELS_PER_SECOND = 333.0
"""Labels of servers at rest that are read back per second, over all servers: 20,000 of them once a minute."""


def labels_age(servers: Iterable[DesiredServer], idle: float) -> float:
    """After how many seconds a label that reads as it shall is read back.

    At every idle look where that costs no more than what many servers cost anyway: so an outside change of a label is
    seen within one observe interval as long as a fleet has up to 333 labels per second of it. Beyond that they take
    turns; each is read once a minute at the latest (`belief/labels.py`).
    """
    count = sum(len(model.labels) for server in servers for model in server.models)
    return max(idle / 2, count / LABELS_PER_SECOND)


class Rhythm:
    """The pauses of one lane."""

    def __init__(self, pace: Pace, server: str) -> None:
        self._pace = pace
        # The same server always falls on the same part of the interval, and a thousand do not fall on one.
        self._spread: float | None = 0.1 + 0.9 * zlib.crc32(server.encode()) / 2**32
        self._moved_at = 0.0
        self._lost_at: float | None = None
        self._lost_pause = pace.lost

    def moved(self, at: float) -> None:
        """Something was seen to change."""
        self._moved_at = at

    def is_moving(self, plan: ServerPlan, observed: Observed) -> bool:
        """Whether something is on its way, on the server or from here."""
        if not observed.reach.answers:
            return self._lost_at is None or observed.at < self._lost_at + PATIENCE
        if observed.busy or observed.outstanding is not None:
            return True
        return any(hold.progressing and _soon(hold, observed.at) for hold in plan.holds)

    def pause(self, plan: ServerPlan, observed: Observed, *, moving: bool) -> float:
        """Seconds until the next look; never past the time at which the plan wants another."""
        pause = self._plain(observed, moving=moving)
        due = plan.look_again_at
        return pause if due is None else max(0.0, min(pause, due - observed.at))

    def _plain(self, observed: Observed, *, moving: bool) -> float:
        pace = self._pace
        if not observed.reach.answers:
            return self._lost(observed.at)
        self._lost_at, self._lost_pause = None, pace.lost
        if moving:
            return pace.moving if observed.at < self._moved_at + pace.patience else pace.slow
        share, self._spread = self._spread, None
        return pace.idle * (share if share is not None else 1.0)

    def _lost(self, at: float) -> float:
        if self._lost_at is None:
            self._lost_at = at
        pause = self._lost_pause
        longest = self._pace.gone if at >= self._lost_at + MINUTE else min(1.0, self._pace.gone)
        self._lost_pause = min(longest, pause * 2)
        return pause


def _soon(hold: Hold, at: float) -> bool:
    """Whether a hold passes by itself soon. One that waits its turn waits for others, which speak for themselves."""
    if hold.reason in _TURNS:
        return False
    return hold.until is None or hold.until <= at + SOON
