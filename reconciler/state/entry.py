"""One line of the ledger: what a pass meant to do to one model of one server, or how that ended.

Written in the transaction of the intent or outcome it tells of, chained by hash, never changed. Read by `history`,
`trace`, `ledger verify|export`, and published to the repository. A *deployment* is one commit's way of one model onto
the servers it is placed on; its id is the id of its first entry.
"""

import enum
from dataclasses import dataclass


class EntryKind(enum.StrEnum):
    """What a line tells of."""

    INTENT = "intent"  # actions are about to be sent
    OUTCOME = "outcome"  # how they ended, by observation


@dataclass(frozen=True, slots=True)
class EntryAction:
    """One action in words that outlive this program: its kind, what it was about, and, in an outcome, how it ended."""

    kind: str
    version: int | None = None
    label: str | None = None
    before: int | None = None
    because: str = ""
    outcome: str = ""
    evidence: str = ""


@dataclass(frozen=True, slots=True)
class Entry:
    """One line. Times are seconds since the epoch; ids ascend by one from 1.

    previous, hash: of the line before ("" for the first) and of this one, over everything but `hash`. intent: which
    pass, as numbered by the store. author, committer, signer: of `commit`; signer "" where it was not verified. parent:
    the commit whose spec this model had reached on this server before, "" for none. digest: of the model's spec.
    started, finished: of the pass; finished None in an intent. outcome: the worst of the actions', "" in an intent.
    initiated_by: `commit`, `rollback`, `auto-rollback`, `bot`, `drift` or `pin`; reason: in words.
    """

    id: int
    previous: str
    hash: str
    kind: EntryKind
    intent: int
    commit: str
    author: str
    committer: str
    signer: str
    parent: str
    fleet: str
    server: str
    model: str
    digest: str
    actions: tuple[EntryAction, ...]
    started: float
    finished: float | None = None
    outcome: str = ""
    evidence: str = ""
    initiated_by: str = "commit"
    reason: str = ""
