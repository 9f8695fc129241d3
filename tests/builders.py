"""Readable desired states and observations for tests of the pure core; impossible ones are refused by the values."""

from collections.abc import Mapping
from dataclasses import replace

from reconciler.plan import at_rest, plan_server
from reconciler.plan.checks import standings
from reconciler.sim.storage import USUAL
from reconciler.state.check import Check, CheckDue, CheckKind, CheckResult, CheckVerdict
from reconciler.state.config import ModelConfig, ServerConfig
from reconciler.state.desired import (
    Adopt,
    Commit,
    DesiredModel,
    DesiredServer,
    Fleet,
    MemoryBudget,
    Retry,
    TfServing,
    Transition,
    TransitionPolicy,
)
from reconciler.state.look import (
    ASSUMED,
    LabelKind,
    LabelReading,
    PathFacts,
    Presence,
    ServingError,
    VersionFiles,
    VersionState,
)
from reconciler.state.memory import Failure
from reconciler.state.observed import Observed, ObservedModel, ObservedVersion
from reconciler.state.plan import Action, ServerPlan
from reconciler.state.versions import VersionPolicy, specific

COMMIT = Commit("c0ffee" * 6 + "c0ff")
FLEET = Fleet("eu", adopt=Adopt.REPLACE, tf_serving=TfServing(num_load_threads=2, num_unload_threads=1))
UNIT = 6
"""Bytes that a version with 5 bytes of files is reckoned to take."""
RESOURCE = Transition(TransitionPolicy.RESOURCE)
DATA_LOSS = ServingError(15, "Can't parse saved_model.pb as binary proto")


def model(name: str, versions: tuple[int, ...] | VersionPolicy, *, base_path: str = "", **labels: int) -> DesiredModel:
    """A desired model; labels as keywords."""
    policy = specific(*versions) if isinstance(versions, tuple) else versions
    return DesiredModel(name, name, base_path or f"/models/{name}", policy, tuple(sorted(labels.items())))


def resource(wanted: DesiredModel) -> DesiredModel:
    """The same model under the policy resource."""
    return replace(wanted, transition=RESOURCE)


def retried(wanted: DesiredModel, limit: int = 3, backoff: float = 10.0) -> DesiredModel:
    """The same model with that retry."""
    return replace(wanted, retry=Retry(limit, backoff, 60.0))


def auto(wanted: DesiredModel, *, keep: float | None = None) -> DesiredModel:
    """The same model under the policy auto."""
    return replace(wanted, transition=Transition(TransitionPolicy.AUTO, keep_previous=keep))


def limited(wanted: DesiredServer, units: int, reserve: int = 0) -> DesiredServer:
    """The same server with room for versions of so many units together."""
    return replace(wanted, memory=MemoryBudget(UNIT * (units + reserve), UNIT * reserve))


def sized(observed: Observed, **models: Mapping[int, int]) -> Observed:
    """The observation in which the versions of each model take so many units: `sized(seen, half={1: 2, 2: 3})`."""
    for name, units in models.items():
        files = tuple(VersionFiles(number, (), 5 * units[number], ASSUMED) for number in sorted(units))
        observed = facts(observed, PathFacts(f"/models/{name}", Presence.SEEN, files))
    return observed


def server(*models: DesiredModel, fleet: Fleet = FLEET) -> DesiredServer:
    """One server that shall serve these models."""
    return DesiredServer(fleet, "gpu-1", "127.0.0.1:8500", models=tuple(sorted(models, key=lambda each: each.name)))


def at(before: DesiredServer, after: DesiredServer | None = None, *, now: float = 1000.0) -> Observed:
    """A server at rest on `before`; the files that `after` names are there too."""
    return at_rest(before, now, also=after)


def empty(after: DesiredServer, *, now: float = 1000.0) -> Observed:
    """A known server that serves nothing; the files that `after` names are there."""
    return at_rest(replace(after, models=()), now, also=after)


def seen(observed: Observed, name: str, *versions: ObservedVersion) -> Observed:
    """The observation with these versions of a model replaced or added."""
    old = observed.model(name)
    numbers = {version.version for version in versions}
    kept = [version for version in old.versions if version.version not in numbers]
    merged = tuple(sorted([*kept, *versions], key=lambda each: each.version))
    return with_model(observed, replace(old, versions=merged))


def with_model(observed: Observed, changed: ObservedModel) -> Observed:
    """The observation with that model replaced or added."""
    others = [each for each in observed.models if each.name != changed.name]
    return replace(observed, models=tuple(sorted([*others, changed], key=lambda each: each.name)))


def reading(observed: Observed, name: str, label: str, version: int | None) -> Observed:
    """The observation in which a label resolves to that version (None: undefined)."""
    old = observed.model(name)
    kind = LabelKind.UNDEFINED if version is None else LabelKind.RESOLVES
    labels = dict(old.labels) | {label: LabelReading(kind, version or 0)}
    return with_model(observed, replace(old, labels=tuple(sorted(labels.items()))))


def sent(observed: Observed, changed: ModelConfig) -> Observed:
    """The observation in which that model's part of the config in force is another."""
    config = observed.sent.with_model(changed)
    return replace(observed, sent=config, known_as=config)


def listing(observed: Observed, name: str, *versions: int, **labels: int) -> Observed:
    """The observation in which the config in force lists these versions and labels of a model."""
    old = observed.sent.model(name)
    base_path = old.base_path if old is not None else f"/models/{name}"
    return sent(observed, ModelConfig(name, base_path, specific(*versions), tuple(sorted(labels.items()))))


def available(version: int, *, listed: bool = True) -> ObservedVersion:
    """A version proven available."""
    return ObservedVersion(version, VersionState.AVAILABLE, listed=listed, proven=True, going=not listed)


def loading(version: int, state: VersionState = VersionState.LOADING, *, since: float = 1000.0) -> ObservedVersion:
    """A listed version on its way."""
    return ObservedVersion(version, state, listed=True, since=since, listed_at=since)


def going(version: int, state: VersionState = VersionState.AVAILABLE) -> ObservedVersion:
    """An unlisted version on its way out."""
    proven = state is VersionState.AVAILABLE
    return ObservedVersion(version, state, going=True, proven=proven, dropped_at=999.5)


def failed(version: int, *, listed: bool = True, dropped_at: float = 0.0) -> ObservedVersion:
    """A version whose load ended in an error."""
    return ObservedVersion(version, VersionState.END, DATA_LOSS, listed=listed, dropped_at=dropped_at)


def failure(name: str, version: int, digest: str, *, count: int = 1, when: float = 1000.0) -> Failure:
    """A booked failure."""
    return Failure(name, version, digest, count, when, DATA_LOSS)


def checking(name: str) -> Check:
    """A check that expects what the echo of a version gives."""
    return Check(name, request='{"instances": [[1.0]]}', expect='{"predictions": [[1.0]]}')


def compared(name: str, label: str = "stable") -> Check:
    """A check against the version that a label is on."""
    return Check(name, CheckKind.COMPARE, request='{"instances": [[1.0]]}', against=label)


def checked(
    observed: Observed,
    name: str,
    version: int,
    check: Check,
    verdict: CheckVerdict = CheckVerdict.PASSED,
    *,
    when: float = 999.0,
    tries: int = 1,
) -> Observed:
    """The observation in which that check of a version ended so."""
    due = CheckDue(name, version, check.name, check.digest, observed.fingerprint(name, f"/models/{name}", version))
    found = standings(name, f"/models/{name}", (check,), observed, version)
    due = found[0].due if found else due
    result = CheckResult(due, verdict, when, "predictions[0][0]: expected 1, got 2", tries)
    return replace(observed, checks=(*observed.checks, result))


def stored(observed: Observed, base_path: str, *versions: int, presence: Presence = Presence.SEEN) -> Observed:
    """The observation in which storage holds exactly these versions, complete, below that path."""
    files = tuple(VersionFiles(number, (), 0, f"sha256:{number}") for number in sorted(versions))
    exports = tuple(
        replace(USUAL, base_path=base_path, version=each.version, fingerprint=each.fingerprint) for each in files
    )
    return facts(replace(observed, exports=(*observed.exports, *exports)), PathFacts(base_path, presence, files))


def facts(observed: Observed, changed: PathFacts) -> Observed:
    """The observation with these facts about a base path."""
    others = [each for each in observed.paths if each.base_path != changed.base_path]
    return replace(observed, paths=(*others, changed))


def planned(after: DesiredServer, observed: Observed, commit: Commit = COMMIT) -> ServerPlan:
    """The plan of one server."""
    return plan_server(commit, after, observed)


def lines(plan: ServerPlan) -> list[str]:
    """The passes in short: `1 load half 2`, `2 label half stable 1>2`, `3 unload half 1`."""
    return [f"{body.number} {_short(action)}" for body in plan.passes for action in body.actions]


def _short(action: Action) -> str:
    if action.label is not None:
        move = f" {action.before or '-'}>{action.version}" if action.version is not None else ""
        return f"{action.kind.value} {action.model} {action.label}{move}"
    return " ".join(str(part) for part in (action.kind.value, action.model, action.version) if part is not None)


def reasons(plan: ServerPlan) -> set[str]:
    """The reasons of a plan's holds."""
    return {hold.reason.value for hold in plan.holds}


def next_lines(plan: ServerPlan) -> list[str]:
    """The actions that may go now."""
    return [] if plan.next_pass is None else [_short(action) for action in plan.next_pass.actions]


def config(**models: Mapping[str, object]) -> ServerConfig:
    """A config from keywords: `config(half={"versions": (1,), "stable": 1})`."""
    entries = []
    for name, parts in sorted(models.items()):
        rest = dict(parts)
        versions = rest.pop("versions")
        labels = tuple(sorted((label, int(str(version))) for label, version in rest.items()))
        policy = specific(*versions) if isinstance(versions, tuple) else versions
        entries.append(ModelConfig(name, f"/models/{name}", policy, labels))  # type: ignore[arg-type]  # a policy
    return ServerConfig(tuple(entries))
