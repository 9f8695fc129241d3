"""What is remembered of one server between looks, as one value that the store keeps and *observe* reads back.

TensorFlow Serving cannot be asked for its config, so what we sent last is the only record of it. `belief/` folds looks,
sent reloads and their answers into it; nobody else changes it. Losing it is safe: see `Standing.FIRST_CONTACT`.
All times are seconds since the epoch.
"""

import enum
from dataclasses import dataclass

from reconciler.state.check import CheckResult
from reconciler.state.config import ModelConfig, ServerConfig
from reconciler.state.desired import Prune, TransitionPolicy
from reconciler.state.export import Export
from reconciler.state.look import LabelReading, Page, PathFacts, ServingError, VersionState


class Standing(enum.StrEnum):
    """How well the config in force is known.

    FIRST_CONTACT: no record of this server at all. KNOWN: `sent` was accepted in this server's present life.
    LOST: there was a record, but it may no longer hold and no restart is proven. RESTARTED: the server was proven to
    have started anew, so whatever it holds comes from its own start config.
    """

    FIRST_CONTACT = "FirstContact"
    KNOWN = "Known"
    LOST = "Lost"
    RESTARTED = "Restarted"


@dataclass(frozen=True, slots=True)
class VersionMemory:
    """One version of one model in the server's present life.

    since: when `state` was first seen. dropped_at: when it was last taken off the list (0 if never, or listed now).
    listed_at: when it was last put on the list. suspect: an earlier life's status may be showing. proven: answered
    by number while AVAILABLE without a break. ended_at: when an END was witnessed after the last listing or drop.
    booked: the END it shows, or its not loading in time, is counted in `failures` already. denied_at: since when it
    is AVAILABLE by status and yet GetModelMetadata by number does not find it (0 where it answers, or was not
    asked). fingerprint: of its files when it was put on the list ("" where they were not seen).
    """

    model: str
    version: int
    state: VersionState = VersionState.ABSENT
    error: ServingError | None = None
    since: float = 0.0
    listed_at: float = 0.0
    dropped_at: float = 0.0
    ended_at: float = 0.0
    suspect: bool = False
    proven: bool = False
    booked: bool = False
    denied_at: float = 0.0
    fingerprint: str = ""


@dataclass(frozen=True, slots=True)
class LabelMemory:
    """One label as last read back, and when."""

    model: str
    label: str
    reading: LabelReading
    at: float


@dataclass(frozen=True, slots=True)
class Failure:
    """Loads of one version under one spec that failed on this server; `digest` is the spec's (state/plan.py)."""

    model: str
    version: int
    digest: str
    count: int
    at: float
    error: ServingError


@dataclass(frozen=True, slots=True)
class GoodSpec:
    """The last config of a model that was wholly reached on this server: what a quarantined spec falls back to."""

    config: ModelConfig
    digest: str
    at: float


@dataclass(frozen=True, slots=True)
class Departure:
    """A label left this version, which stayed listed (`transition.keepPrevious` counts from then)."""

    model: str
    version: int
    at: float


@dataclass(frozen=True, slots=True)
class Replaced:
    """A loaded version whose files in storage are no longer those it was loaded from: both fingerprints."""

    model: str
    version: int
    loaded: str
    stored: str


@dataclass(frozen=True, slots=True)
class Served:
    """A label was on this version in a spec that was wholly reached here; the fingerprint is of the files then."""

    model: str
    label: str
    version: int
    fingerprint: str = ""


@dataclass(frozen=True, slots=True)
class Way:
    """How a model under policy `auto` goes to these versions: decided once, when the first of them came or went."""

    model: str
    versions: tuple[int, ...]
    policy: TransitionPolicy


class AnswerKind(enum.StrEnum):
    """What came back from a reload. None of them is proof (rules E7, E10, E11)."""

    ACCEPTED = "Accepted"
    MODELS_FAILED = "ModelsFailed"
    REFUSED = "Refused"
    NONE = "NoAnswer"


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to one reload. NONE: a deadline, a lost connection: it may still be applied, any time later."""

    kind: AnswerKind
    code: int = 0
    message: str = ""


@dataclass(frozen=True, slots=True)
class Outstanding:
    """A reload whose fate is not known: sent (or about to be), not answered. `names` are the models new in it.

    tries: how often this very config was sent in a row without an answer.
    """

    config: ServerConfig
    names: tuple[str, ...]
    sent_at: float
    specs: tuple[tuple[str, str], ...] = ()
    tries: int = 1


@dataclass(frozen=True, slots=True)
class Refusal:
    """The server turned a config down: its words, how often in a row, and the last time.

    suspects: the models whose change may be to blame, as they were in that config, ascending by name.
    """

    code: int
    message: str
    count: int
    at: float
    suspects: tuple[ModelConfig, ...] = ()


class DoubtReason(enum.StrEnum):
    """What does not fit.

    A listed version that never came, one that went, one that answers nobody; an unlisted one that stays; a label that
    reads otherwise. Where the server chooses: a version that it unloaded though the policy asks for it, one that it
    does not take up, and one that it serves though the policy does not ask for it.
    """

    ABSENT = "Absent"
    ENDED = "Ended"
    DENIED = "Denied"
    SERVING = "Serving"
    LABEL = "Label"
    LEFT_OUT = "LeftOut"
    OVERLOOKED = "Overlooked"
    KEPT = "Kept"

    @property
    def of_choice(self) -> bool:
        """Whether it is about versions that the server chooses by itself, under `latest` and `all`."""
        return self in (DoubtReason.LEFT_OUT, DoubtReason.OVERLOOKED, DoubtReason.KEPT)

    @property
    def may_be_wedged(self) -> bool:
        """Whether a server that accepts lists and carries out none looks like this (rules E14, E15).

        A version that was loaded and went is another matter: somebody dropped it, or its files went away.
        """
        return self in (DoubtReason.ABSENT, DoubtReason.SERVING)


WEDGED_ROUNDS, FIGHT_ROUNDS = 2, 3
"""How often the same doubt must survive a fresh look before it stands: it is shown, and no longer fought at once.

What may be a wedge is no better for being sent again; a change that came from outside is put right twice, and the third
one is a fight.
"""


@dataclass(frozen=True, slots=True)
class Doubt:
    """What is seen does not fit what was sent: since when, and how many rounds it survived.

    reason: `kind` in words, for people. since: 0 while it does not hold (its rounds are kept for a while, so that a
    flapping cause is not fought for ever). rounds: how often it stood until everything was looked at anew, or was put
    right on the way. seen_at: when it last held. label: the label, where `kind` is LABEL. until: when the memory is
    discarded for it once more, so that it is put right (0 where it is not). first_at: when the first of its rounds
    began.
    """

    model: str
    version: int
    reason: str
    since: float
    rounds: int = 0
    seen_at: float = 0.0
    kind: DoubtReason = DoubtReason.LABEL
    label: str = ""
    until: float = 0.0
    first_at: float = 0.0

    @property
    def stands(self) -> bool:
        """Whether it outlasted forgetting everything and looking again, often enough."""
        return self.rounds >= self.enough

    @property
    def enough(self) -> int:
        """How many rounds make it stand."""
        return WEDGED_ROUNDS if self.kind.may_be_wedged else FIGHT_ROUNDS


@dataclass(frozen=True, slots=True)
class Memory:
    """All that is remembered of one server. `sent` is the config in force as far as known, None where it is not.

    endpoint: the gRPC address this was learned at; another address invalidates everything. known_as: the last config
    of any life, for healing and for models that git no longer names. removed: (model, when) of models dropped.
    busy_at: last time anything was LOADING or UNLOADING. changed_at: last reload sent. stood_since: when `standing`
    was taken (under LOST and FIRST_CONTACT the first answer since; 0 until it comes). labels_wanted: read every label
    back at the next look. specs: (model, digest of the spec last sent). parked: under LOST, the config in force before
    the connection broke, until a look confirms or refutes it. departures: listed versions that a label left, and when.
    past: (model, digest) of the specs that were wholly reached here, the latest last, so many per model. exports: what
    was read of versions that a label leaves or goes to. replaced: loaded versions whose files were changed since.
    checks: how checks ended, so many per model. served: where labels were in specs that were wholly reached.
    paths, paths_at: what storage held when last looked at, and when each path was. steady: the models, ascending, that
    stood wholly as git says, and that neither a reload of ours nor a new life has changed since. wishes: (model, what
    its last document said of pruning), ascending, where that is not `inherit`. ways: the last of each model under
    policy `auto`. page: the metrics page as last read, at first contact and where the fleet asks for it.
    """

    server: str
    endpoint: str
    standing: Standing = Standing.FIRST_CONTACT
    stood_since: float = 0.0
    sent: ServerConfig | None = None
    known_as: ServerConfig = ServerConfig()
    changed_at: float = 0.0
    busy_at: float = 0.0
    versions: tuple[VersionMemory, ...] = ()
    labels: tuple[LabelMemory, ...] = ()
    labels_wanted: bool = True
    removed: tuple[tuple[str, float], ...] = ()
    specs: tuple[tuple[str, str], ...] = ()
    failures: tuple[Failure, ...] = ()
    good: tuple[GoodSpec, ...] = ()
    outstanding: Outstanding | None = None
    refusal: Refusal | None = None
    doubts: tuple[Doubt, ...] = ()
    load_seconds: tuple[tuple[str, float], ...] = ()
    parked: ServerConfig | None = None
    departures: tuple[Departure, ...] = ()
    past: tuple[tuple[str, str], ...] = ()
    exports: tuple[Export, ...] = ()
    replaced: tuple[Replaced, ...] = ()
    checks: tuple[CheckResult, ...] = ()
    served: tuple[Served, ...] = ()
    paths: tuple[PathFacts, ...] = ()
    paths_at: tuple[tuple[str, float], ...] = ()
    steady: tuple[str, ...] = ()
    wishes: tuple[tuple[str, Prune], ...] = ()
    ways: tuple[Way, ...] = ()
    page: Page | None = None

    def version(self, model: str, number: int) -> VersionMemory | None:
        """What is remembered of one version, None where nothing is."""
        return next((each for each in self.versions if each.model == model and each.version == number), None)
