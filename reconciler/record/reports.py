"""From statuses to what a git host is told of a commit, fleet by fleet. Pure; called by `loop/reporting.py`.

A commit has succeeded once every server of the fleet is what it asks for. It has failed where a server stands still
until somebody acts. It is pending while something moves, or waits for what ends by itself or by somebody's will: a
window, a suspension, a server that cannot be reached. Guards that keep what git dropped (`PruneGuard`) do not make a
commit fail: they stand at every commit after it as well. Deliberately not here: when, and how often, it is told.
"""

import enum
from collections.abc import Iterator, Mapping, Sequence

from reconciler.state.desired import Commit, Desired
from reconciler.state.outcome import ConditionStatus, ConditionType, Status, Sync
from reconciler.state.plan import HoldReason
from reconciler.state.report import LONGEST, Report, ReportState

_KEPT = frozenset({HoldReason.PRUNE_GUARD, HoldReason.EMPTYING_GUARD, HoldReason.DRIFT_REPORTED})
_WAITS = frozenset({HoldReason.SUSPENDED, HoldReason.FROZEN, HoldReason.UNREACHABLE, HoldReason.NOT_SEEN})
_NAMED = 2
"""Servers named in a description; the others are counted."""


class _Standing(enum.IntEnum):
    """How one server stands to a commit, ascending by how much it matters."""

    DONE = 0
    KEPT = 1
    MOVING = 2
    WAITING = 3
    HELD = 4


_Found = tuple[_Standing, str]
"""How it stands, and the reason."""


def reports(desired: Desired, statuses: Mapping[str, Sequence[Status]]) -> tuple[Report, ...]:
    """What to tell of the commit in force: one report per fleet, ascending.

    Args:
        desired: what is in force.
        statuses: by server id, its own status and those of its models, as told last; absent where nothing was yet.
    """
    commit = desired.commit.id
    fleets: dict[str, dict[str, _Found]] = {}
    for server in desired.servers:
        found = _server(commit, statuses.get(server.id, ()))
        fleets.setdefault(server.fleet.name, {})[server.name] = found
    return tuple(_report(commit, fleet, fleets[fleet]) for fleet in sorted(fleets))


def refused(commit: Commit, fleets: Sequence[str], reason: str, problems: Sequence[str]) -> tuple[Report, ...]:
    """What to tell of a commit that is not put in force: on every fleet, with the first of its problems."""
    first = problems[0].splitlines()[0] if problems else reason
    more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
    text = shortened(f"not put in force{more}: {first}")
    return tuple(Report(commit.id, fleet, ReportState.FAILURE, text) for fleet in fleets)


def overtaken(report: Report, by: str) -> Report:
    """What to tell of a commit that was still on its way when another came into force."""
    text = shortened(f"overtaken by {by[:10]} at: {report.text}")
    return Report(report.commit, report.fleet, ReportState.OVERTAKEN, text)


def follows(before: Report | None, now: Report) -> bool:
    """Whether this is to be told after that: something new, and no success is ever taken back."""
    return before is None or (before != now and before.state is not ReportState.SUCCESS)


def shortened(text: str) -> str:
    """At most as long as any host takes."""
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


def _server(commit: str, statuses: Sequence[Status]) -> _Found:
    if not statuses or any(status.commit != commit for status in statuses if not status.model):
        return (_Standing.MOVING, "")
    parts = [status for status in statuses if status.model]
    found = [_part(commit, status) for status in parts]
    known = {reason for _, reason in found}
    own = next((_part(commit, status) for status in statuses if not status.model), (_Standing.DONE, ""))
    if own[1] not in known or not parts:  # a status of the server repeats the worst of its models
        found.append(own)
    return max(found)


def _part(commit: str, status: Status) -> _Found:
    if status.commit != commit:
        return (_Standing.MOVING, "")
    reason = next((each.reason for each in status.conditions if each.type is ConditionType.READY), "")
    stalled = next((each for each in status.conditions if each.type is ConditionType.STALLED), None)
    if status.sync is Sync.SYNCED and stalled is None:
        return (_Standing.DONE, "")
    if stalled is not None and stalled.status is ConditionStatus.TRUE:
        reason = stalled.reason
        if reason not in _WAITS:
            return (_Standing.KEPT if reason in _KEPT else _Standing.HELD, reason)
    return (_Standing.WAITING if reason in _WAITS else _Standing.MOVING, reason)


def _report(commit: str, fleet: str, servers: Mapping[str, _Found]) -> Report:
    done = sum(standing in (_Standing.DONE, _Standing.KEPT) for standing, _ in servers.values())
    noun = "server" if len(servers) == 1 else "servers"
    text = "; ".join([f"{done} of {len(servers)} {noun} converged", *_remarks(servers)])
    if any(standing is _Standing.HELD for standing, _ in servers.values()):
        state = ReportState.FAILURE
    else:
        state = ReportState.SUCCESS if done == len(servers) else ReportState.PENDING
    return Report(commit, fleet, state, shortened(text))


def _remarks(servers: Mapping[str, _Found]) -> Iterator[str]:
    """What keeps it, the gravest first; what moves needs no remark, because that would be told at every step."""
    verbs = {_Standing.HELD: "held", _Standing.WAITING: "waits", _Standing.KEPT: "kept"}
    for wanted, verb in verbs.items():
        found = [(name, reason) for name, (standing, reason) in sorted(servers.items()) if standing is wanted]
        yield from (f"{name} {verb}: {reason}" for name, reason in found[:_NAMED])
        if len(found) > _NAMED:
            yield f"{len(found) - _NAMED} more {verb}"
