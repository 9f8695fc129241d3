"""Sync and health of a model, and the worst of many: what a server makes of its models.

Pure. Sync compares with git; health asks how the subject fares, whatever git says: a model that is served well under a
guard is out of sync and healthy.
"""

from collections.abc import Sequence
from dataclasses import replace

from reconciler.record.facts import GUARDS, Subject, seen
from reconciler.state.observed import Observed
from reconciler.state.outcome import (
    Condition,
    ConditionStatus,
    ConditionType,
    Health,
    Status,
    Sync,
)
from reconciler.state.plan import HoldReason

_UNSURE = frozenset({HoldReason.UNREACHABLE, HoldReason.NOT_SEEN, HoldReason.ADOPTION_UNCONFIRMED})
_SYNC_ORDER = (Sync.SYNCED, Sync.OUT_OF_SYNC, Sync.UNKNOWN)
_HEALTH_ORDER = (Health.HEALTHY, Health.SUSPENDED, Health.PROGRESSING, Health.UNKNOWN, Health.DEGRADED)
_CONDITION_ORDER = (ConditionStatus.FALSE, ConditionStatus.UNKNOWN, ConditionStatus.TRUE)


def sync_of(subject: Subject, observed: Observed) -> Sync:
    """Whether the model is what git says; UNKNOWN where the server could not be seen or may not be touched yet."""
    if not seen(observed, subject.name) or any(hold.reason in _UNSURE for hold in subject.holds):
        return Sync.UNKNOWN
    held = [hold for hold in subject.blocking if hold.reason is not HoldReason.SUSPENDED]
    return Sync.OUT_OF_SYNC if subject.differences or held else Sync.SYNCED


def health_of(subject: Subject, observed: Observed) -> Health:
    """How the model fares."""
    if not seen(observed, subject.name):
        return Health.UNKNOWN
    if any(hold.reason is HoldReason.SUSPENDED for hold in subject.blocking):
        return Health.SUSPENDED
    if any(hold.reason not in GUARDS for hold in subject.blocking) or _failing(subject, observed):
        return Health.DEGRADED
    if subject.blocking or not (subject.differences or subject.moving):
        return Health.HEALTHY
    return Health.PROGRESSING


def server_status(server: str, parts: Sequence[Status], own: Sequence[Condition], at: float) -> Status:
    """The server as the worst of its models, with the conditions that concern it as a whole."""
    commit = parts[0].commit if parts else ""
    found = _worst(server, parts, (*own, *_not_repeated(own, parts)), commit, at)
    suspended = any(each.type is ConditionType.SUSPENDED for each in own)
    return replace(found, health=_worse(found.health, Health.SUSPENDED)) if suspended else found


def _worse(one: Health, other: Health) -> Health:
    return max(one, other, key=_HEALTH_ORDER.index)


def _failing(subject: Subject, observed: Observed) -> bool:
    """Whether a version that git wants here ended in an error, or does not load in time."""
    model = observed.model(subject.name)
    return any((version.failed or version.late) and version.listed for version in model.versions)


def _worst(name: str, parts: Sequence[Status], conditions: tuple[Condition, ...], commit: str, at: float) -> Status:
    sync = max((part.sync for part in parts), key=_SYNC_ORDER.index, default=Sync.SYNCED)
    health = max((part.health for part in parts), key=_HEALTH_ORDER.index, default=Health.HEALTHY)
    return Status(name, "", sync, health, conditions, commit, at)


def _not_repeated(own: Sequence[Condition], parts: Sequence[Status]) -> tuple[Condition, ...]:
    """One condition per type that the parts have and the whole does not: the worst of them, with a count."""
    have = {condition.type for condition in own}
    types = [each for each in ConditionType if each not in have and each in _ROLLED_UP]
    return tuple(rolled for each in types if (rolled := _roll_up(each, parts)) is not None)


_ROLLED_UP = frozenset(
    {ConditionType.READY, ConditionType.RECONCILING, ConditionType.STALLED, ConditionType.QUARANTINED}
    | {ConditionType.WEDGED, ConditionType.UNSETTLED, ConditionType.DRIFTED, ConditionType.SUSPENDED}
)


def _roll_up(kind: ConditionType, parts: Sequence[Status]) -> Condition | None:
    found = [(part, each) for part in parts for each in part.conditions if each.type is kind]
    if not found:
        return None
    order = _CONDITION_ORDER if kind is ConditionType.READY else _CONDITION_ORDER[::-1]
    worst = min(order.index(each.status) for _, each in found)
    chosen = [(part, each) for part, each in found if order.index(each.status) == worst]
    part, first = chosen[0]
    where = part.model or part.server
    more = f" (and {len(chosen) - 1} more)" if len(chosen) > 1 else ""
    message = first.message if kind is ConditionType.READY and first.status is ConditionStatus.TRUE else ""
    text = message or f"{where}: {first.message}{more}"
    return Condition(kind, first.status, first.reason, text, min(each.since for _, each in chosen))
