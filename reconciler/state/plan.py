"""Plans as values: facts, actions, gaps, passes, holds. Printable, storable, comparable; no behaviour beyond that.

Made by `plan/`, judged by `invariants.py`, driven by `execute/`, shown by `expose/`. Reasons (`because`, `detail`) are
for people; no decision reads them.
"""

import enum
import hashlib
from dataclasses import dataclass

from reconciler.state.check import CheckDue
from reconciler.state.config import ServerConfig
from reconciler.state.desired import TransitionPolicy
from reconciler.state.memory import Way


class FactKind(enum.StrEnum):
    """What can be required of, or expected from, an observed server."""

    AVAILABLE = "available"  # the version is proven available
    LISTED = "listed"  # the config in force lists the version
    GONE = "gone"  # the version is END or absent
    LABEL_AT = "labelAt"  # requests by the label are answered by the version
    LABEL_UNDEFINED = "labelUndefined"  # the label does not exist on the server
    MODEL_LISTED = "modelListed"  # the config in force names the model
    MODEL_UNLISTED = "modelUnlisted"
    FILES_COMPLETE = "filesComplete"  # storage holds the version, complete
    POLICY = "policy"  # the config in force hands versions to the server as desired
    CHECKED = "checked"  # the check of that name has passed for the version


@dataclass(frozen=True, slots=True)
class Fact:
    """One checkable statement about one model on one server. `check`: the name of one, for CHECKED."""

    kind: FactKind
    model: str
    version: int | None = None
    label: str | None = None
    check: str = ""


class ActionKind(enum.StrEnum):
    """What an action does. Order in a listing follows `ACTION_ORDER`."""

    ADD_MODEL = "addModel"
    REMOVE_MODEL = "removeModel"
    REPOINT = "repoint"  # another base path, same files
    POLICY = "policy"  # hand the choice of versions to the server, or take it back
    LOAD = "load"
    CHECK = "check"
    LABEL = "label"
    UNLABEL = "unlabel"
    UNLOAD = "unload"


@dataclass(frozen=True, slots=True)
class Action:
    """One change of one model on one server.

    LOAD, UNLOAD: `version`. LABEL: `label` from `before` (None: new) to `version`. UNLABEL: `label` from `before`.
    ADD_MODEL: `version` is the one listed first. `verdict`: for clients, how compatible the export a label goes to is
    with the one it leaves, in words. `needs` must hold before it goes; `leads_to` holds when it is done.
    CHECK: `check` of `version`.
    """

    kind: ActionKind
    model: str
    version: int | None = None
    label: str | None = None
    before: int | None = None
    because: str = ""
    needs: tuple[Fact, ...] = ()
    leads_to: tuple[Fact, ...] = ()
    verdict: str = ""
    check: str = ""


@dataclass(frozen=True, slots=True)
class Gap:
    """A stretch in which a label answers nobody, stated before it happens. `seconds` is the expected upper bound.

    `load_known`: whether the time includes a measured load; if not, the load comes on top.
    """

    model: str
    label: str
    seconds: float
    load_known: bool
    because: str


class PassKind(enum.StrEnum):
    """What sort of reload a pass is."""

    CHANGE = "change"  # models the server already has
    ADD = "add"  # new names: the reload blocks until each has loaded
    HEAL = "heal"  # names this server has loaded before, together
    RESEND = "resend"  # the identical config once more, after a lost answer
    CHECK = "check"  # no reload: what is loaded is asked, beside everything else


@dataclass(frozen=True, slots=True)
class Pass:
    """One reload of one server: every action that may go now, and the full config that carries them.

    One of kind CHECK sends nothing: its config is the one in force.

    `specs`: (model, digest) of each model's spec, to which failures are booked; filled in the first pass of a plan, the
    only one that is driven. `ways`: how each model under `auto` that loads or unloads in it goes to its versions.
    """

    number: int
    kind: PassKind
    actions: tuple[Action, ...]
    config: ServerConfig
    gaps: tuple[Gap, ...] = ()
    specs: tuple[tuple[str, str], ...] = ()
    ways: tuple[Way, ...] = ()


class HoldReason(enum.StrEnum):
    """Why a difference is not acted on now. Every member has a section in docs/planning.md."""

    UNREACHABLE = "Unreachable"
    NOT_SEEN = "NotSeen"
    SUSPENDED = "Suspended"
    ADOPTION_UNCONFIRMED = "AdoptionUnconfirmed"
    FENCED = "Fenced"
    UNSETTLED = "Unsettled"
    WEDGED = "Wedged"
    SERVER_REFUSED = "ServerRefused"
    LOADING = "Loading"
    UNLOADING = "Unloading"
    SUSPECT = "Suspect"
    GOING = "Going"
    UNPROVEN = "Unproven"
    WAVE_TURN = "WaveTurn"
    ROLLOUT_STOPPED = "RolloutStopped"
    ARTIFACT_MISSING = "ArtifactMissing"
    ARTIFACT_INCOMPLETE = "ArtifactIncomplete"
    ARTIFACT_UNREADABLE = "ArtifactUnreadable"
    FINGERPRINT_MISMATCH = "FingerprintMismatch"
    FILES_CHANGED = "FilesChanged"
    SIGNATURE_BREAK = "SignatureBreak"
    SIGNATURES_UNREAD = "SignaturesUnread"
    STORAGE_UNSEEN = "StorageUnseen"
    DISCOVERY_FROZEN = "DiscoveryFrozen"
    BASE_PATH_NEEDS_COPY = "BasePathNeedsCopy"
    RETRY_PAUSE = "RetryPause"
    QUARANTINED = "Quarantined"
    RESTORED_AFTER_FAILED_LOAD = "RestoredAfterFailedLoad"
    RESOURCE_TURN = "ResourceTurn"
    MEMORY_TURN = "MemoryTurn"
    MEMORY_SHORT = "MemoryShort"
    DOWNTIME_NOT_ALLOWED = "DowntimeNotAllowed"
    LOAD_THREADS_BUSY = "LoadThreadsBusy"
    CHANGES_FIRST = "ChangesFirst"
    FROZEN = "Frozen"
    RECORD_TIGHT = "RecordTight"
    BLAST_RADIUS = "BlastRadius"
    PRUNE_GUARD = "PruneGuard"
    EMPTYING_GUARD = "EmptyingGuard"
    SERVER_DECIDES = "ServerDecides"
    VERSION_WEDGED = "VersionWedged"
    DRIFT_REPORTED = "DriftReported"
    DRIFT_FIGHT = "DriftFight"
    CHECKING = "Checking"
    CHECK_FAILED = "CheckFailed"


@dataclass(frozen=True, slots=True)
class Hold:
    """A difference that is not acted on now: why, and what releases it; `until` where that is a time.

    `model` is "" where the whole server is held. `progressing`: the server is on its way and nobody needs to act.
    since: when its cause began, seconds since the epoch, where that is known.
    """

    reason: HoldReason
    model: str
    detail: str
    released_by: str
    until: float | None = None
    version: int | None = None
    label: str | None = None
    progressing: bool = False
    since: float | None = None


@dataclass(frozen=True, slots=True)
class Freeze:
    """What keeps changes of a fleet from beginning now: which window, since when, until when (None: not known).

    rollbacks: whether going back to what was served before may begin all the same.
    """

    window: str
    since: float | None
    until: float | None
    rollbacks: bool = True


class DifferenceKind(enum.StrEnum):
    """In what observed is not effective desired."""

    MODEL_MISSING = "modelMissing"
    MODEL_EXTRA = "modelExtra"
    BASE_PATH = "basePath"
    POLICY = "policy"
    VERSION_MISSING = "versionMissing"
    VERSION_EXTRA = "versionExtra"
    LABEL_WRONG = "labelWrong"
    LABEL_EXTRA = "labelExtra"


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing in which observed is not effective desired, in git's terms: wanted and found as short texts."""

    kind: DifferenceKind
    model: str
    wanted: str
    found: str
    version: int | None = None
    label: str | None = None


@dataclass(frozen=True, slots=True)
class Retained:
    """A version that git no longer names and that stays loaded until a time (`transition.keepPrevious`).

    As long as it does, going back to it is one reload and no load.
    """

    model: str
    version: int
    until: float


@dataclass(frozen=True, slots=True)
class Choice:
    """What policy `auto` comes to for a model that is to change here, and why. The reason is for people."""

    model: str
    policy: TransitionPolicy
    because: str


@dataclass(frozen=True, slots=True)
class MemoryUse:
    """What models take of a server's memory along its road, in bytes, as far as sizes are known.

    before: now. peak: the most at once on the way. after: at the end of the road. unknown: (model, version) of what is
    loaded at some time and whose size nobody can tell; it counts as nothing.
    """

    budget: int
    reserve: int
    before: int
    peak: int
    after: int
    unknown: tuple[tuple[str, int], ...] = ()
    choices: tuple[Choice, ...] = ()


@dataclass(frozen=True, slots=True)
class ServerPlan:
    """The road of one server: passes in order, as forecast now, plus holds. Only `next_pass` is ever driven.

    waiting: no pass may go at this moment (see the progressing holds); `passes` then shows the road after the wait.
    look_again_at: the earliest time at which time alone may change the plan. retained: versions kept loaded for a while
    at the end of the road. memory: None where nothing limits it. checks: to be run now, beside
    everything else. fingerprint: commit, differences, holds and passes, without times and wording.
    """

    server: str
    differences: tuple[Difference, ...] = ()
    passes: tuple[Pass, ...] = ()
    holds: tuple[Hold, ...] = ()
    look_again_at: float | None = None
    fingerprint: str = ""
    observed_at: float = 0.0
    warnings: tuple[str, ...] = ()
    waiting: bool = False
    retained: tuple[Retained, ...] = ()
    checks: tuple[CheckDue, ...] = ()
    memory: MemoryUse | None = None

    @property
    def next_pass(self) -> Pass | None:
        """The one reload that may be sent now; None while the road waits, or where nothing is to be done.

        Never checks: no reload waits for one that does not depend on it, and they wait for none (see `checks`).
        """
        first = self.passes[0] if self.passes and not self.waiting else None
        return None if first is None or first.kind is PassKind.CHECK else first

    @property
    def converged(self) -> bool:
        """Whether nothing differs from what is aimed at now, which may be a last good spec instead of git's."""
        return not self.differences

    @property
    def as_git_says(self) -> bool:
        """Whether nothing differs from what git says: converged, and no hold that waits for a person or the world.

        A suspension is no such hold: git says that as well, and what differs meanwhile is a difference.
        """
        others = (hold for hold in self.holds if hold.reason is not HoldReason.SUSPENDED)
        return self.converged and all(hold.progressing for hold in others)

    @property
    def blocked(self) -> bool:
        """Whether something differs that only a person or the world can release."""
        return any(not hold.progressing for hold in self.holds)


@dataclass(frozen=True, slots=True)
class Plan:
    """The plans of all servers of one commit, ascending by server id."""

    commit: str
    servers: tuple[ServerPlan, ...] = ()

    @property
    def fingerprint(self) -> str:
        """`sha256:` and the hex digest over the servers' fingerprints."""
        text = "\n".join([self.commit, *(f"{server.server} {server.fingerprint}" for server in self.servers)])
        return "sha256:" + hashlib.sha256(text.encode()).hexdigest()
