"""What may be believed of one server now: the planner's second argument.

Made by `belief/` from a look and the memory; every judgement that needs time (going, suspect, proven, fence) is made
there and is a plain fact here. What could not be seen is a value. `at` stands for "now" in planning: the planner has
no clock. All times are seconds since the epoch.
"""

from dataclasses import dataclass
from functools import lru_cache

from reconciler.state.check import CheckDue, CheckResult
from reconciler.state.config import ServerConfig
from reconciler.state.desired import Prune
from reconciler.state.export import Export
from reconciler.state.look import (
    LabelKind,
    LabelReading,
    Page,
    PathFacts,
    Presence,
    Reach,
    ServingError,
    VersionFiles,
    VersionState,
)
from reconciler.state.memory import (
    Departure,
    Doubt,
    Failure,
    GoodSpec,
    Outstanding,
    Refusal,
    Replaced,
    Served,
    Standing,
    Way,
)


@dataclass(frozen=True, slots=True)
class ObservedVersion:
    """One version of one model.

    listed: in the config in force. going: unlisted, yet still on its way out (or may be). suspect: the status may be
    an earlier life's. proven: AVAILABLE, not suspect, answered by GetModelMetadata for that number. ended: an END was
    witnessed since it was last listed or dropped. late: listed, still not loaded past its deadline, and counted as a
    failed load. since / listed_at / dropped_at / fingerprint: see VersionMemory.
    """

    version: int
    state: VersionState
    error: ServingError | None = None
    since: float = 0.0
    listed: bool = False
    going: bool = False
    suspect: bool = False
    proven: bool = False
    ended: bool = False
    listed_at: float = 0.0
    dropped_at: float = 0.0
    late: bool = False
    fingerprint: str = ""

    @property
    def failed(self) -> bool:
        """Whether a load ended in an error and the status can be believed."""
        return self.state is VersionState.END and self.error is not None and not self.suspect

    @property
    def loading(self) -> bool:
        """Whether a load is queued or running."""
        return self.state in (VersionState.START, VersionState.LOADING)


@lru_cache(maxsize=1024)
def absent(number: int) -> ObservedVersion:
    """A version that the server has no entry of. Kept, because planning asks for the same few over and over."""
    return ObservedVersion(number, VersionState.ABSENT)


@dataclass(frozen=True, slots=True)
class ObservedModel:
    """One model as this server shows it: versions ascending, labels as (label, reading) ascending.

    `unseen` says why its status could not be read; then versions are those last seen and prove nothing.
    removed_at: when the model was last dropped from the config (0 if never, or configured now). rest_at: a removed
    model may be re-added from this time on even without a witnessed END (one fence; design §6 invariant 10).
    """

    name: str
    versions: tuple[ObservedVersion, ...] = ()
    labels: tuple[tuple[str, LabelReading], ...] = ()
    unseen: str = ""
    removed_at: float = 0.0
    rest_at: float = 0.0

    def version(self, number: int) -> ObservedVersion:
        """That version; one in state ABSENT where the server has no entry."""
        for each in self.versions:
            if each.version == number:
                return each
        return absent(number)

    def reading(self, label: str) -> LabelReading:
        """What that label means now; UNSEEN where it was not read."""
        for name, found in self.labels:
            if name == label:
                return found
        return LabelReading(LabelKind.UNSEEN, detail="not read")

    @property
    def proven(self) -> tuple[int, ...]:
        """The versions proven available, ascending."""
        return tuple(each.version for each in self.versions if each.proven)


@dataclass(frozen=True, slots=True)
class Observed:
    """One server as believed at `at`.

    sent: the config in force; under RESTARTED, LOST and FIRST_CONTACT it is what was *seen* to be served (proven
    versions, labels that resolve), with the base paths last known. known_as: the last config of any life. fence_until:
    nothing read before this time about what was changed can be believed (the past where no fence stands).
    busy: something is LOADING or UNLOADING. load_seconds, departures, specs, past, exports, replaced, steady, checks,
    served, wishes, ways, page: see Memory.
    wedged: the outstanding reload waits for a name that cannot appear. foreseen: nobody saw this; it is a forecast.
    """

    server: str
    at: float
    reach: Reach = Reach()
    standing: Standing = Standing.KNOWN
    sent: ServerConfig = ServerConfig()
    known_as: ServerConfig = ServerConfig()
    models: tuple[ObservedModel, ...] = ()
    paths: tuple[PathFacts, ...] = ()
    fence_until: float = 0.0
    busy: bool = False
    outstanding: Outstanding | None = None
    wedged: bool = False
    refusal: Refusal | None = None
    failures: tuple[Failure, ...] = ()
    good: tuple[GoodSpec, ...] = ()
    doubts: tuple[Doubt, ...] = ()
    load_seconds: tuple[tuple[str, float], ...] = ()
    departures: tuple[Departure, ...] = ()
    specs: tuple[tuple[str, str], ...] = ()
    past: tuple[tuple[str, str], ...] = ()
    exports: tuple[Export, ...] = ()
    replaced: tuple[Replaced, ...] = ()
    foreseen: bool = False
    steady: tuple[str, ...] = ()
    checks: tuple[CheckResult, ...] = ()
    served: tuple[Served, ...] = ()
    wishes: tuple[tuple[str, Prune], ...] = ()
    ways: tuple[Way, ...] = ()
    page: Page | None = None

    def model(self, name: str) -> ObservedModel:
        """That model; one without versions where nothing is known of it."""
        for each in self.models:
            if each.name == name:
                return each
        return ObservedModel(name)

    def path(self, base_path: str) -> PathFacts:
        """What storage holds there; UNSEEN where it was not looked at."""
        for each in self.paths:
            if each.base_path == base_path:
                return each
        return PathFacts(base_path, Presence.UNSEEN, detail="not looked at")

    def files(self, base_path: str, version: int) -> VersionFiles | None:
        """The directory of that version below that path, None where none was seen."""
        return self.path(base_path).files(version)

    def export(self, base_path: str, version: int) -> Export | None:
        """What that version's export promises, None where it was not read."""
        for each in self.exports:
            if (each.base_path, each.version) == (base_path, version):
                return each
        return None

    def wish(self, model: str) -> Prune:
        """What the last document that placed that model here said of pruning."""
        return dict(self.wishes).get(model, Prune.INHERIT)

    def good_spec(self, model: str) -> GoodSpec | None:
        """The last spec of that model wholly reached here."""
        return next((each for each in self.good if each.config.name == model), None)

    def failures_of(self, model: str, digest: str) -> tuple[Failure, ...]:
        """The loads of that model that failed under the spec with that digest."""
        return tuple(each for each in self.failures if each.model == model and each.digest == digest)

    def fingerprint(self, model: str, base_path: str, version: int) -> str:
        """What identifies the files that answer as that version, or would: "" where they were not seen.

        A loaded version is what it was loaded from, whatever lies in storage by now (rule E18).
        """
        known = self.model(model).version(version)
        if known.fingerprint and known.listed and known.state not in (VersionState.END, VersionState.ABSENT):
            return known.fingerprint
        files = self.files(base_path, version)
        return files.fingerprint if files is not None else ""

    def check_result(self, due: CheckDue) -> CheckResult | None:
        """How that check ended here last, None where it was not run yet."""
        known = [each for each in self.checks if each.tells_of(due)]
        return max(known, key=lambda each: each.at, default=None)

    def was_on(self, model: str, label: str, version: int, fingerprint: str) -> bool:
        """Whether that label was on that version before, in a spec that was wholly reached here."""
        good = self.good_spec(model)
        if good is not None and good.config.label(label) == version:
            return True
        return any(
            (each.model, each.label, each.version) == (model, label, version)
            and (each.fingerprint == fingerprint or "" in (each.fingerprint, fingerprint))
            for each in self.served
        )

    def baseline(self, model: str, label: str) -> int | None:
        """The version that a label was on when all was well, else the one it is on; what a new one is compared with."""
        good, reading = self.good_spec(model), self.model(model).reading(label)
        if good is not None and good.config.label(label) is not None:
            return good.config.label(label)
        if reading.kind is LabelKind.RESOLVES:
            return reading.version
        known = self.sent.model(model) or self.known_as.model(model)
        return known.label(label) if known is not None else None
