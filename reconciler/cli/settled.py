"""Whether the servers on record have come to rest, and how to say it: for `sync --wait`.

Called with values from the record; asks nobody.
"""

import enum
from collections.abc import Sequence

from reconciler.cli.exits import Exit
from reconciler.state.outcome import ConditionStatus, ConditionType, Status, Sync

_NAMED = 5
"""Servers named in one sentence; a fleet may have hundreds."""


class Verdict(enum.IntEnum):
    """How the servers stand; the numbers are exit codes. MOVING is none: it is not over."""

    SETTLED = Exit.OK
    BLOCKED = Exit.BLOCKED
    PARTLY = Exit.PARTLY
    MOVING = -1


def verdict(statuses: Sequence[Status], commit: str | None) -> Verdict:
    """Judge the servers' own statuses (model ""); one that has not taken up the commit in force is still moving."""
    servers = [each for each in statuses if not each.model and "/" in each.server]
    stalled = [each for each in servers if _stalled(each)]
    synced = [each for each in servers if _synced(each)]
    if any(each.commit != commit for each in servers) or len(stalled) + len(synced) < len(servers):
        return Verdict.MOVING
    if not stalled:
        return Verdict.SETTLED
    return Verdict.PARTLY if synced else Verdict.BLOCKED


def sentence(found: Verdict, statuses: Sequence[Status] = ()) -> str:
    """The verdict in words, with the servers that are not in sync."""
    waiting = [each.server for each in statuses if not each.model and not _synced(each)]
    named = ", ".join(waiting[:_NAMED]) + (f" and {len(waiting) - _NAMED} more" if len(waiting) > _NAMED else "")
    ask = f"`reconciler explain {waiting[0] if waiting else 'SERVER'}`"
    return {
        Verdict.SETTLED: "Every server is in sync.",
        Verdict.BLOCKED: f"Every server is held ({named}); {ask} says by what.",
        Verdict.PARTLY: f"Some servers are in sync, others are held ({named}); {ask} says by what.",
        Verdict.MOVING: f"Not settled yet{f' ({named})' if named else ''}; {ask} says what it waits for.",
    }[found]


def _synced(status: Status) -> bool:
    """As git says: a server that rests on the last good spec of a quarantined one is held, whatever its sync."""
    return status.sync is Sync.SYNCED and not _stalled(status)


def _stalled(status: Status) -> bool:
    return any(each.type is ConditionType.STALLED and each.status is ConditionStatus.TRUE for each in status.conditions)
