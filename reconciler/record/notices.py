"""The condition RolledBack: an automatic rollback has answered a spec that failed, and git still asks for it.

Called by lanes after `statuses`. Pure; whoever commits (`loop/bots.py`) says what there is to be said.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from reconciler.state.desired import DesiredServer
from reconciler.state.outcome import Condition, ConditionStatus, ConditionType, Notice, Status


def rolled_back(
    server: DesiredServer,
    statuses: Sequence[Status],
    notices: Mapping[str, Notice | None],
    previous: Sequence[Status],
) -> tuple[Status, ...]:
    """The statuses with that condition wherever a model is not as git says and there is a notice about its document.

    Args:
        server: what git wants of the server.
        statuses: what is to be told of it otherwise.
        notices: by document.
        previous: the statuses told before, from which an unchanged condition keeps its `since`.
    """
    if not any(notices.values()):
        return tuple(statuses)
    documents = {model.name: model.document for model in server.models}
    before = {
        status.model: each
        for status in previous
        for each in status.conditions
        if each.type is ConditionType.ROLLED_BACK
    }
    return tuple(_told(each, notices.get(documents.get(each.model, "")), before.get(each.model)) for each in statuses)


def _told(status: Status, notice: Notice | None, before: Condition | None) -> Status:
    ready = next((each for each in status.conditions if each.type is ConditionType.READY), None)
    if notice is None or (ready is not None and ready.status is ConditionStatus.TRUE):
        return status
    same = before is not None and before.reason == notice.reason
    since = before.since if before is not None and same else status.at
    said = Condition(ConditionType.ROLLED_BACK, ConditionStatus.TRUE, notice.reason, notice.message, since)
    return replace(status, conditions=(*status.conditions, said))
