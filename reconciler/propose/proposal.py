"""What a bot says: a commit it would make now, or why it makes none."""

import enum
from dataclasses import dataclass

from reconciler.state.automation import Via
from reconciler.state.desired import Commit


class Bot(enum.StrEnum):
    """Which of them; the value of the trailer `Reconciler-Bot`."""

    ROLLBACK = "rollback"
    PROMOTION = "promotion"
    VERSION = "version"


@dataclass(frozen=True, slots=True)
class Edit:
    """Changes of one Model: labels that get another version, and all versions listed afterwards, ascending."""

    labels: tuple[tuple[str, int], ...]
    versions: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Proposal:
    """One commit that would be made now.

    key: what it is about; the same thing is not proposed twice. of: the commit that brought what is changed. to: the
    commit whose document comes back (a rollback); edit: what is edited (the others). reason: one sentence; evidence:
    more of them, one paragraph each. branch: the one of its own, "" where it is pushed onto the followed one.
    resume: a commit made before for the very same, on the same base, that may not have been pushed. deployment: the id
    of what is taken back, `d41`, "" where none is on record. by_hand: a person asked for it, with this reason or none.
    """

    bot: Bot
    document: str
    key: str
    via: Via
    of: Commit
    reason: str
    evidence: tuple[str, ...] = ()
    to: Commit | None = None
    edit: Edit | None = None
    branch: str = ""
    resume: str = ""
    deployment: str = ""
    by_hand: bool = False


@dataclass(frozen=True, slots=True)
class Waiting:
    """Why a bot makes no commit now. until: when it looks again by itself, seconds since the epoch, if it knows.

    stuck: it needs a person, or a commit.
    """

    bot: Bot
    document: str
    reason: str
    words: str
    until: float | None = None
    stuck: bool = False


def branch_for(bot: Bot, document: str, key: str, via: Via) -> str:
    """The same branch for the same thing, so that whoever proposes it twice finds it there; "" where none is used."""
    return f"reconciler/{bot}/{document}-{key}" if via is Via.BRANCH else ""
