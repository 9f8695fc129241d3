"""What commits asked of models, one after the other, and what came of it.

`Asked` and `Step` are made by `source/trail.py` from the repository, `Row` by `record/deployments.py` from these and
the ledger's lines; shown by `history` and `trace`. The order is always that of the first-parent line, newest first:
times in commits are what their authors' clocks said.
"""

import enum
from dataclasses import dataclass

from reconciler.state.desired import Commit, DesiredModel, Place


@dataclass(frozen=True, slots=True)
class Spec:
    """One Model document in one commit.

    model: what it says, None where it is not sound; `problem` says then why. place: where the document begins. key:
    equal exactly where two documents say the same, whatever their layout; it covers placement and the files of checks.
    servers: where it is placed, as `fleet/server`, ascending. blob: of its file. own: equal exactly where the documents
    themselves say the same, wherever their Fleets have servers; "" where the key says that, too.
    """

    model: DesiredModel | None
    place: Place
    key: str
    servers: tuple[str, ...] = ()
    problem: str = ""
    blob: str = ""
    own: str = ""

    @property
    def written(self) -> str:
        """What its document says, without what Fleets add to it."""
        return self.own or self.key


@dataclass(frozen=True, slots=True)
class Asked:
    """What one commit changed in one Model document; None where the document is not there.

    document: its metadata.name; was: the one before, where the commit renamed it.
    """

    document: str
    before: Spec | None
    after: Spec | None
    was: str = ""

    @property
    def servable(self) -> str:
        """The name that servers know the model by, "" where neither side is sound."""
        found = [spec.model.name for spec in (self.after, self.before) if spec is not None and spec.model is not None]
        return found[0] if found else ""


@dataclass(frozen=True, slots=True)
class Step:
    """One commit of the line and what it changed.

    position: 0 for the newest commit. asked: ascending by document. others: what else it changed, in words. reverts:
    commits that its message claims to revert. problem: why the commit can never have been in force, as far as the files
    that it changed tell; "" where they are sound. edge: what was before is not here (the first commit of a shallow
    clone), so that `asked` says how things stood, and not what the commit changed.
    """

    position: int
    commit: Commit
    asked: tuple[Asked, ...] = ()
    others: tuple[str, ...] = ()
    reverts: tuple[str, ...] = ()
    problem: str = ""
    edge: bool = False


class Fate(enum.StrEnum):
    """What became of a commit's wish for a model on one server."""

    DONE = "Done"
    NOTHING = "NothingToDo"  # the server was so already
    UNDER_WAY = "UnderWay"
    HELD = "Held"
    FAILED = "Failed"
    REFUSED = "Refused"
    TIMED_OUT = "TimedOut"
    OVERTAKEN = "Overtaken"  # begun, and a newer commit came before it was reached
    NEVER = "NeverApplied"  # not begun before a newer commit came
    INVALID = "Invalid"
    WAITING = "NotInForce"  # not in force yet
    UNRECORDED = "BeforeTheRecord"  # older than the first line of the ledger


@dataclass(frozen=True, slots=True)
class Landing:
    """How one commit's wish for one model fared on one server.

    started, finished: of its passes, seconds since the epoch; None where nothing was sent, or it is not finished.
    entries: ids of the ledger's lines, ascending. because: evidence or the hold, in words. healed: how often it was
    brought back after it had been reached. pinned: how many passes of a local pin came in between. by: the commit in
    force when it was sent, where that is a newer one.
    """

    server: str
    fate: Fate
    started: float | None = None
    finished: float | None = None
    entries: tuple[int, ...] = ()
    because: str = ""
    healed: int = 0
    by: str = ""
    pinned: int = 0


@dataclass(frozen=True, slots=True)
class Return:
    """A commit that takes another one back. proven: the documents say so too, not only its message."""

    commit: str
    proven: bool


@dataclass(frozen=True, slots=True)
class Row:
    """One commit and one model: what it asked, and what came of it.

    asked: None where the commit changed nothing of the model and was applied all the same. deployment: the id of the
    first ledger line, 0 where nothing was sent. signer: of the commit, as the ledger has it. overtaken_by: the newer
    commit that came before this one was reached, "" for none. back_to: the older commit whose document this one has
    again, "" for none. rolled_back_by: the newer commits that take this one back, oldest first.
    """

    step: Step
    model: str
    asked: Asked | None = None
    landings: tuple[Landing, ...] = ()
    deployment: int = 0
    signer: str = ""
    overtaken_by: str = ""
    back_to: str = ""
    rolled_back_by: tuple[Return, ...] = ()
    initiated_by: str = ""
