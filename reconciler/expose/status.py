"""The status of fleets, servers and models as rows: for a table, for JSON, for YAML.

Called by `status`, from the record alone. The rows of servers and models are the recorded ones; a fleet's row is the
worst of its servers', which is what users of Argo CD know. No judgement beyond that is made here.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from rich.table import Table
from rich.text import Text

from reconciler.expose import words
from reconciler.expose.documents import Data, envelope
from reconciler.state.look import VersionState
from reconciler.state.memory import Memory
from reconciler.state.outcome import Condition, ConditionStatus, ConditionType, Health, Status, Sync

SYNC_ORDER = (Sync.SYNCED, Sync.OUT_OF_SYNC, Sync.UNKNOWN)
HEALTH_ORDER = (Health.HEALTHY, Health.SUSPENDED, Health.PROGRESSING, Health.UNKNOWN, Health.DEGRADED)
STYLES = {
    Sync.SYNCED: "green",
    Sync.OUT_OF_SYNC: "yellow",
    Sync.UNKNOWN: "magenta",
    Health.HEALTHY: "green",
    Health.PROGRESSING: "cyan",
    Health.DEGRADED: "red",
    Health.SUSPENDED: "yellow",
    Health.UNKNOWN: "magenta",
}


@dataclass(frozen=True, slots=True)
class Row:
    """One subject: `kind` is fleet, server or model; `labels` and `versions` as last seen, ascending."""

    kind: str
    name: str
    model: str
    sync: Sync
    health: Health
    reason: str
    message: str
    since: float
    labels: tuple[tuple[str, str], ...]
    commit: str
    at: float
    versions: tuple[tuple[int, str], ...] = ()


def rows(statuses: Iterable[Status], memories: Iterable[Memory]) -> list[Row]:
    """One row per fleet, server and model, each fleet followed by its servers, each server by its models."""
    remembered = {memory.server: memory for memory in memories}
    ordered = sorted((each for each in statuses if "/" in each.server), key=lambda each: (each.server, each.model))
    found: list[Row] = []
    for fleet in sorted({each.server.split("/")[0] for each in ordered}):
        members = [each for each in ordered if each.server.split("/")[0] == fleet]
        own = [_row(each, remembered.get(each.server)) for each in members]
        found += [_fleet(fleet, own), *own]
    return found


def leading(status: Status) -> Condition | None:
    """The condition that says most: a false Ready's, else whatever is abnormal, else Ready."""
    ready = next((each for each in status.conditions if each.type is ConditionType.READY), None)
    if ready is not None and ready.status is not ConditionStatus.TRUE:
        return ready
    abnormal = (each for each in status.conditions if each.type is not ConditionType.READY and _abnormal(each))
    return next(abnormal, ready)


def status_table(found: Sequence[Row]) -> Table:
    """The rows as a table for a terminal."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in ("SERVER", "MODEL", "SYNC", "HEALTH", "REASON", "SINCE", "VERSIONS", "LABELS", "COMMIT"):
        table.add_column(title, overflow="fold")
    for row in found:
        labels = "  ".join(f"{label}={value}" for label, value in row.labels)
        table.add_row(
            Text(("  " if row.kind != "fleet" else "") + row.name, "bold" if row.kind == "fleet" else ""),
            row.model or "–",
            Text(row.sync, STYLES[row.sync]),
            Text(row.health, STYLES[row.health]),
            row.reason or "–",
            words.moment(row.since),
            ", ".join(_version(number, state) for number, state in row.versions) or "–",
            labels or "–",
            row.commit[:10] or "–",
        )
    return table


def status_document(found: Sequence[Row], source: dict[str, Data]) -> dict[str, Data]:
    """The rows as data; `source` says which commit is in force and how the git host answers."""
    return envelope("StatusList", {"source": source, "items": [_item(row) for row in found]})


def condition_document(condition: Condition) -> dict[str, Data]:
    """One condition as data."""
    return {
        "type": str(condition.type),
        "status": str(condition.status),
        "reason": condition.reason,
        "message": condition.message,
        "since": words.timestamp(condition.since),
    }


def condition_text(condition: Condition) -> str:
    """One condition in a line."""
    return f"{condition.type} {condition.status}, {condition.reason}: {condition.message}"


def _item(row: Row) -> dict[str, Data]:
    return {
        "kind": row.kind,
        "name": row.name,
        "model": row.model or None,
        "sync": str(row.sync),
        "health": str(row.health),
        "reason": row.reason,
        "message": row.message,
        "since": words.timestamp(row.since),
        "versions": {str(number): state for number, state in row.versions},
        "labels": dict(row.labels),
        "commit": row.commit,
        "at": words.timestamp(row.at),
    }


def _row(status: Status, memory: Memory | None) -> Row:
    condition = leading(status)
    readings = [each for each in memory.labels if each.model == status.model] if memory and status.model else []
    return Row(
        "model" if status.model else "server" if "/" in status.server else "fleet",
        status.server,
        status.model,
        status.sync,
        status.health,
        condition.reason if condition else "",
        condition.message if condition else "",
        condition.since if condition else status.at,
        tuple(sorted((each.label, words.reading(each.reading)) for each in readings)),
        status.commit,
        status.at,
        _versions(memory, status) if memory and status.model and status.sync is not Sync.UNKNOWN else (),
    )


def _versions(memory: Memory, status: Status) -> tuple[tuple[int, str], ...]:
    """The versions that are there; those that ended well are history (E28), and failures are once git is content."""
    own = [each for each in memory.versions if each.model == status.model and each.state is not VersionState.ABSENT]
    ended = [] if status.sync is Sync.SYNCED else [each for each in own if each.state is VersionState.END]
    failed = [(each.version, "FAILED") for each in ended if each.error]
    there = [(each.version, each.state.name) for each in own if each.state is not VersionState.END]
    return tuple(sorted(failed + there))


def _version(number: int, state: str) -> str:
    return str(number) if state == VersionState.AVAILABLE.name else f"{number} {state}"


def _fleet(name: str, members: Sequence[Row]) -> Row:
    """The worst of its servers' rows; its commit only where all agree."""
    servers = [row for row in members if row.kind == "server"] or list(members)
    worst = max(servers, key=lambda row: (HEALTH_ORDER.index(row.health), SYNC_ORDER.index(row.sync)))
    sync = max((row.sync for row in servers), key=SYNC_ORDER.index)
    commits = {row.commit for row in servers}
    commit = commits.pop() if len(commits) == 1 else ""
    return replace(worst, kind="fleet", name=name, model="", sync=sync, versions=(), labels=(), commit=commit)


def _abnormal(condition: Condition) -> bool:
    """Whether a condition says that something is not as it should be, given which way its type points."""
    good = condition.type in (
        ConditionType.ARTIFACT_AVAILABLE,
        ConditionType.LABELS_APPLIED,
        ConditionType.CHECKS_PASSED,
    )
    return condition.status is (ConditionStatus.FALSE if good else ConditionStatus.TRUE)
