"""Steps and ledger lines in a few words, for tests of the join: commits are `c1`, `c2`, … from the oldest on."""

import hashlib
from collections.abc import Sequence

from builders import model

from reconciler.record.deployments import Told, rows
from reconciler.state.desired import Commit, DesiredModel, Place
from reconciler.state.entry import Entry, EntryKind, Initiator
from reconciler.state.history import Asked, Row, Spec, Step
from reconciler.state.outcome import Condition, ConditionStatus, ConditionType, Health, Status, Sync

SERVERS = ("eu/gpu-1", "eu/gpu-2")


def spec(wanted: DesiredModel | None, servers: tuple[str, ...] = SERVERS) -> Spec | None:
    if wanted is None:
        return None
    key = hashlib.sha256(repr((wanted, servers)).encode()).hexdigest()
    return Spec(wanted, Place("m.yaml", 3), key, servers)


def at(version: int, *more: int) -> Spec:
    """`fashion` on both servers with stable on a version."""
    found = spec(model("fashion", tuple(sorted({version, *more})), stable=version))
    assert found is not None
    return found


class Branch:
    """A line of commits that is told from the oldest to the newest, with the ledger's lines as they come."""

    def __init__(self) -> None:
        self.commits: list[Commit] = []
        self.changes: dict[str, tuple[Asked, Sequence[str], str]] = {}
        self.entries: list[Entry] = []
        self.statuses: list[Status] = []
        self.in_force = ""
        self.waits = ""
        self._spec: Spec | None = None
        self._intents = 0

    def commit(
        self,
        after: Spec | str | None = "same",
        *,
        reverts: Sequence[str] = (),
        trailers: tuple[tuple[str, str], ...] = (),
        problem: str = "",
    ) -> str:
        number = f"c{len(self.commits) + 1}".ljust(40, "0")
        self.commits.append(Commit(number, "Ada <ada@example.org>", 1000.0, f"Commit {number[:3]}", trailers))
        if not isinstance(after, str):
            self.changes[number] = (Asked("fashion", self._spec, after), reverts, problem)
            self._spec = after
        return number

    def sends(
        self,
        commit: str,
        outcome: str | None = "Done",
        *,
        server: str = "eu/gpu-1",
        parent: str = "",
        by: Initiator = Initiator.COMMIT,
        evidence: str = "",
    ) -> int:
        """A pass of `fashion` under a commit and how it ended (None: it has not); the id of its first line."""
        self._intents += 1
        first, started = len(self.entries) + 1, 1000.0 + 100 * self._intents
        opening = Entry(
            first, "", "", EntryKind.INTENT, self._intents, commit, "Ada", "Ada", "", parent, "eu", server, "fashion",
            "sha256:x" if by is not Initiator.RESTORE else "sha256:y", (), started, initiated_by=by,
        )  # fmt: skip
        self.entries.append(opening)
        if outcome is not None:
            self.entries.append(
                Entry(
                    first + 1, "", "", EntryKind.OUTCOME, self._intents, commit, "Ada", "Ada", "", parent, "eu", server,
                    "fashion", "sha256:x", (), started, started + 2.0, outcome, evidence, by,
                )
            )  # fmt: skip
        return first

    def stands(self, commit: str, *servers: str, sync: Sync = Sync.SYNCED, condition: Condition | None = None) -> None:
        """The status of `fashion` now on servers (both without any), which are held to a commit."""
        self.in_force = commit
        conditions = (condition,) if condition is not None else ()
        for server in servers or SERVERS:
            self.statuses.append(Status(server, "fashion", sync, Health.HEALTHY, conditions, commit, 2000.0))

    def steps(self) -> list[Step]:
        newest_first = list(enumerate(reversed(self.commits)))
        return [
            Step(position, commit, (self.changes[commit.id][0],), (), tuple(self.changes[commit.id][1]),
                 self.changes[commit.id][2])
            for position, commit in newest_first
            if commit.id in self.changes
        ]  # fmt: skip

    def told(self) -> Told:
        return Told(
            entries=tuple(self.entries),
            statuses=tuple(self.statuses),
            positions={commit.id: position for position, commit in enumerate(reversed(self.commits))},
            commits={commit.id: commit for commit in self.commits},
            in_force=self.in_force,
            begins=self.entries[0].commit if self.entries else "",
            waits=self.waits,
        )

    def rows(self) -> tuple[Row, ...]:
        return rows(self.steps(), self.told())


def stalled(reason: str, message: str) -> Condition:
    return Condition(ConditionType.STALLED, ConditionStatus.TRUE, reason, message, 1500.0)


def reconciling(message: str) -> Condition:
    return Condition(ConditionType.RECONCILING, ConditionStatus.TRUE, "Reconciling", message, 1500.0)
