"""The condition Pinned: a local pin holds a model to an older spec than git's, and says until when and why.

Called by lanes after `statuses`. Pure. A model that is what its pin says is healthy and yet not what git says.
"""

from collections.abc import Sequence
from dataclasses import replace

from reconciler.state.desired import DesiredServer
from reconciler.state.outcome import Condition, ConditionStatus, ConditionType, Status, Sync
from reconciler.state.pin import Pin


def pinned(server: DesiredServer, statuses: Sequence[Status]) -> tuple[Status, ...]:
    """The statuses with that condition wherever a model is pinned on this server.

    Args:
        server: what is wanted of it, pins laid over.
        statuses: what is to be told of it otherwise.
    """
    pins = {model.name: model.pin for model in server.models if model.pin is not None}
    return tuple(_told(each, pins.get(each.model)) for each in statuses) if pins else tuple(statuses)


def _told(status: Status, pin: Pin | None) -> Status:
    if pin is None:
        return status
    said = Condition(ConditionType.PINNED, ConditionStatus.TRUE, "RolledBackLocally", sentence(pin), pin.since)
    conditions = tuple(_ready(each, pin) for each in status.conditions)
    sync = Sync.OUT_OF_SYNC if status.sync is Sync.SYNCED else status.sync
    return replace(status, sync=sync, conditions=(*conditions, said))


def _ready(condition: Condition, pin: Pin) -> Condition:
    if condition.type is not ConditionType.READY or condition.status is not ConditionStatus.TRUE:
        return condition
    return replace(condition, message=f"what commit {pin.to[:10]} said is served; a local pin holds it there")


def sentence(pin: Pin) -> str:
    """Where the model is held, by whom, why, until when, and what ends it."""
    proposed = f" The commit that makes git say so is on branch {pin.branch}: merge it." if pin.branch else ""
    refused = f" The commit that would make git say so could not be proposed: {pin.refused}" if pin.refused else ""
    return (
        f"Held to commit {pin.to[:10]} by {pin.by} until {pin.ends} ({pin.reason}); then, or once git says the same, "
        f"git counts again. `reconciler rollback {pin.document} --unpin` ends it at once.{proposed}{refused}"
    )
