"""What bots decide from: how a model stands on every server, the history of its spec, and what is on record.

`stands` makes it of what a lane knows. A *chapter* is a stretch of first-parent history in which a model's spec stayed
the same; only what is served enters a spec, so that a commit which changes a deadline begins no chapter.
"""

import enum
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from reconciler import plan as planning
from reconciler.propose.proposal import Bot
from reconciler.state.check import CheckVerdict
from reconciler.state.config import ModelConfig
from reconciler.state.desired import Commit, DesiredModel
from reconciler.state.look import PathFacts, Presence
from reconciler.state.observed import Observed
from reconciler.state.outcome import ConditionStatus, ConditionType, Status
from reconciler.state.plan import Hold, HoldReason, ServerPlan
from reconciler.state.versions import VersionPolicy

FAILURES = frozenset({HoldReason.CHECK_FAILED, HoldReason.QUARANTINED, HoldReason.RESTORED_AFTER_FAILED_LOAD})

"""The holds that say that a spec has failed on a server."""
_UNSEEN = PathFacts("", Presence.UNSEEN)


@dataclass(frozen=True, slots=True)
class Spec:
    """What a commit asks to be served of a model. Files are not part of it.

    checks: anything that is the same for the same checks, throughout one history.
    """

    name: str
    base_path: str
    policy: VersionPolicy
    labels: tuple[tuple[str, int], ...]
    checks: tuple[str, ...] = ()

    def is_in(self, config: ModelConfig) -> bool:
        """Whether a config that was reached is this spec's."""
        mine = (self.name, self.base_path, self.policy, self.labels)
        return mine == (config.name, config.base_path, config.policy, tuple(sorted(config.labels)))


def spec_of(model: DesiredModel) -> Spec:
    """The spec of a model as one commit has it."""
    digests = tuple(check.digest for check in model.checks)
    return Spec(model.name, model.base_path, model.policy, tuple(sorted(model.labels)), digests)


@dataclass(frozen=True, slots=True)
class Chapter:
    """A spec (None: no such model), the commit that brought it, and the last commit that still had it."""

    spec: Spec | None
    first: Commit
    last: Commit

    @property
    def says_automatic(self) -> bool:
        """Whether its commit says that it was made by an automatic rollback; anybody can say so."""
        return any(
            key.lower() == "rollback-trigger" and value.strip().lower() == "auto" for key, value in self.first.trailers
        )

    def serves_as(self, other: "Chapter") -> bool:
        """Whether the same was to be served, whatever checks it was held to."""
        if self.spec is None or other.spec is None:
            return False
        return replace(self.spec, checks=()) == replace(other.spec, checks=())


def chapters(history: Iterable[tuple[Commit, Spec | None]]) -> tuple[Chapter, ...]:
    """The chapters of a history, both newest first."""
    return joined(Chapter(spec, commit, commit) for commit, spec in history)


def taken_back(chapters: Sequence[Chapter], index: int) -> bool:
    """Whether a chapter, of those newest first, was begun by an automatic rollback.

    Trailers are no authority: one that says so and brings what never was before is a commit like any other.
    """
    mine = chapters[index]
    return mine.says_automatic and any(mine.serves_as(each) for each in chapters[index + 2 :])


def joined(parts: Iterable[Chapter]) -> tuple[Chapter, ...]:
    """The chapters of which these are parts, newest first: neighbours with the same spec are one."""
    found: list[Chapter] = []
    for part in parts:
        if found and found[-1].spec == part.spec:
            found[-1] = replace(found[-1], first=part.first)
        else:
            found.append(part)
    return tuple(found)


@dataclass(frozen=True, slots=True)
class Failed:
    """The spec in force has failed on a server. good: what is served there instead, None where there is nothing.

    version: 0 where none is to blame. at_rest: nothing is left to be sent until then.
    """

    reason: str
    version: int
    evidence: str
    digest: str
    good: ModelConfig | None
    at_rest: bool


@dataclass(frozen=True, slots=True)
class Stands:
    """How one model stands on one server.

    since: since when it is served as git says without a break, None where it is not; then `why` says so. bad: versions
    whose loads or checks failed here, whatever the spec. stored: what storage holds, as seen for this server. closed:
    why nothing new may begin here now, "" where it may.
    """

    server: str
    since: float | None = None
    why: str = ""
    failed: Failed | None = None
    bad: frozenset[int] = frozenset()
    stored: PathFacts = _UNSEEN
    closed: str = ""


def stands(server: str, model: DesiredModel, told: Status | None, plan: ServerPlan, observed: Observed) -> Stands:
    """How a model stands, from the latest turn of a lane. `told` None: not looked at since the commit in force."""
    if told is None:
        return Stands(server, why="was not looked at since the commit in force")
    bad = {each.version for each in observed.failures if each.model == model.name}
    bad |= {
        each.due.version
        for each in observed.checks
        if each.due.model == model.name and each.verdict is CheckVerdict.FAILED
    }
    ready = next((each for each in told.conditions if each.type is ConditionType.READY), None)
    well = ready is not None and ready.status is ConditionStatus.TRUE
    why = "" if well or ready is None else f"{ready.reason}: {ready.message}"
    since = ready.since if ready is not None and well else None
    path = observed.path(model.base_path)
    return Stands(server, since, why, _failed(model, plan, observed), frozenset(bad), path)


def _failed(model: DesiredModel, plan: ServerPlan, observed: Observed) -> Failed | None:
    hold: Hold | None = next(
        (each for each in plan.holds if each.model == model.name and each.reason in FAILURES), None
    )
    if hold is None:
        return None
    digest = planning.spec_digest(model, observed)
    good = observed.good_spec(model.name)
    config = good.config if good is not None and good.digest != digest else None
    moving = any(action.model == model.name for body in plan.passes for action in body.actions)
    return Failed(hold.reason.value, hold.version or 0, hold.detail, digest, config, not moving)


class State(enum.StrEnum):
    """How far a commit of a bot came."""

    MADE = "made"  # it is in the mirror, and perhaps pushed
    PUSHED = "pushed"
    REFUSED = "refused"  # the remote turned the push down


@dataclass(frozen=True, slots=True)
class Made:
    """The last commit of one bot for one model, from the record. of, base: ids of commits; at: seconds since epoch."""

    bot: Bot
    key: str
    commit: str
    of: str
    base: str
    branch: str
    state: State
    at: float
    words: str = ""


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything one model's bots decide from. chapters: newest first, or none yet. now: seconds since the epoch.

    unsettled: why no commit may be based on the one in force, "" where one may: a newer one is not in force, or the
    remote was not heard of.
    """

    model: DesiredModel
    head: Commit
    stands: tuple[Stands, ...]
    chapters: tuple[Chapter, ...]
    now: float
    made: tuple[Made, ...] = ()
    unsettled: str = ""

    def last(self, bot: Bot) -> Made | None:
        """The last commit of that bot for this model."""
        return next((each for each in self.made if each.bot is bot), None)

    @property
    def current(self) -> Chapter | None:
        """The chapter in force, None where the history does not begin with the spec in force."""
        found = self.chapters[0] if self.chapters else None
        if found is None or found.spec is None:
            return None
        # A history knows its checks by their files, a model by their contents: of one commit they are the same ones.
        return found if replace(found.spec, checks=()) == replace(spec_of(self.model), checks=()) else None
