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


class Initiator(enum.StrEnum):
    """Why a pass was sent, as far as the commit's trailers and the ledger tell: information, never authority."""

    COMMIT = "commit"  # somebody's commit asks for it
    ROLLBACK = "rollback"  # a commit that goes back: `git revert`, or trailers that say so
    AUTO_ROLLBACK = "auto-rollback"  # such a commit, made by the reconciler itself
    BOT = "bot"  # a commit of a promotion or version bot
    DRIFT = "drift"  # what had been reached was no longer so: a restart, another writer
    RESTORE = "restore"  # the commit's own spec failed here, and the last good one was put back
    PIN = "pin"  # a local pin holds the last good state


@dataclass(frozen=True, slots=True)
class EntryAction:
    """One action in words that outlive this program: its kind, what it was about, and, in an outcome, how it ended.

    check: the name of the check, where `kind` is one.
    """

    kind: str
    version: int | None = None
    label: str | None = None
    before: int | None = None
    because: str = ""
    outcome: str = ""
    evidence: str = ""
    check: str = ""


@dataclass(frozen=True, slots=True)
class Entry:
    """One line. Times are seconds since the epoch; ids ascend by one from 1.

    previous, hash: of the line before ("" for the first) and of this one, over everything but `hash`. intent: which
    pass, as numbered by the store. author, committer, signer: of `commit`; signer "" where it was not verified. parent:
    the commit whose spec this model had reached on this server before, "" for none. server: `fleet/name`. model: as the
    server calls it, "" for a reload that changes no model (the same config once more). digest: of the model's spec, ""
    where it is removed. started, finished: of the pass; finished None in an intent. outcome: the worst of the actions',
    "" in an intent. initiated_by: an `Initiator`; reason: in words.
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
