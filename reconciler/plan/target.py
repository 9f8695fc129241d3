"""What each model of a server shall be, for now: effective desired state, with the versions resolved.

Called by `plan/step.py`, `plan/differences.py` and `plan/forecast.py`. A target is what git says; or, where git's spec
is quarantined here, the last good spec of that model; or, for a model git no longer names and may not remove, what was
last sent. How to get there is not decided here.
"""

import enum
import hashlib
from dataclasses import dataclass, replace

from reconciler.plan import checks
from reconciler.plan.gates import suspension
from reconciler.plan.pruning import kept
from reconciler.plan.reporting import reported
from reconciler.plan.retention import retained
from reconciler.plan.vetoing import FREE, Vetoes, downtime
from reconciler.plan.ways import settled
from reconciler.plan.wording import times
from reconciler.state.check import Check, CheckResult
from reconciler.state.config import ModelConfig
from reconciler.state.desired import Commit, DesiredModel, DesiredServer, Preflight, Retry, Transition, TransitionPolicy
from reconciler.state.look import Presence
from reconciler.state.memory import Failure, GoodSpec, Replaced, Standing
from reconciler.state.observed import Observed
from reconciler.state.plan import Hold, HoldReason
from reconciler.state.versions import Latest, Specific, VersionPolicy


class Origin(enum.Enum):
    """Where a target comes from."""

    GIT = "git"
    FALLBACK = "fallback"
    REDUCED = "reduced"
    ORPHAN = "orphan"
    SUSPENDED = "suspended"
    REPORTED = "reported"
    WAITING = "waiting"


@dataclass(frozen=True, slots=True)
class Target:
    """One model as it shall be. `versions` ascend: those listed; under `latest` and `all` what storage would give.

    retained: the versions among them that git no longer names and that stay for a while (`plan/retention.py`). checks:
    what a version must pass before a label goes to it; none where all of it was reached before.
    given_up: versions that would stay for a while if their memory were not needed. asked: under policy `auto` the
    versions that git names; `transition` then has the policy it comes to, `choice` says why, and `open` that it may be
    another at the next look. alone: labels that only this server answers, each with the hold that keeps an exchange
    from taking it away.
    """

    name: str
    base_path: str
    policy: VersionPolicy
    versions: tuple[int, ...]
    labels: tuple[tuple[str, int], ...]
    transition: Transition = Transition()
    retry: Retry = Retry()
    platform: str = "tensorflow"
    digest: str = ""
    origin: Origin = Origin.GIT
    retained: tuple[int, ...] = ()
    preflight: Preflight = Preflight()
    checks: tuple[Check, ...] = ()
    given_up: tuple[int, ...] = ()
    asked: tuple[int, ...] = ()
    choice: str = ""
    open: bool = False
    alone: tuple[tuple[str, Hold], ...] = ()

    @property
    def specific(self) -> bool:
        """Whether the versions are named outright."""
        return isinstance(self.policy, Specific)

    @property
    def config(self) -> ModelConfig:
        """The model's part of the config when everything is reached, and nothing is retained any more."""
        config = ModelConfig(self.name, self.base_path, self.policy, self.labels, self.platform)
        return config.with_versions(*set(config.listed) - set(self.retained)) if self.retained else config

    def label(self, name: str) -> int | None:
        """The version that label shall point at, None where it shall not exist."""
        return dict(self.labels).get(name)


@dataclass(frozen=True, slots=True)
class Targets:
    """Every model the server shall hold, ascending by name, with the holds that made a target differ from git.

    `removed` are the models that the server holds and shall lose now, with git's consent; `last` those it shall lose
    once another is there: they still are targets, as they are. `waiting` are those that stay as they are for now
    although git wants them otherwise.
    """

    models: tuple[Target, ...]
    removed: tuple[str, ...] = ()
    holds: tuple[Hold, ...] = ()
    last: tuple[str, ...] = ()
    waiting: tuple[str, ...] = ()

    def model(self, name: str) -> Target | None:
        """The target of that model."""
        return next((target for target in self.models if target.name == name), None)


def resolve(policy: VersionPolicy, base_path: str, observed: Observed) -> tuple[int, ...]:
    """The versions a policy gives on the storage that was seen, ascending; only complete ones under latest and all."""
    if isinstance(policy, Specific):
        return policy.versions
    found = [files.version for files in observed.path(base_path).versions if files.complete]
    return tuple(found[-max(policy.count, 1) :]) if isinstance(policy, Latest) else tuple(found)


def spec_digest(model: DesiredModel, observed: Observed) -> str:
    """The identity of a spec for quarantine: base path, platform, versions, labels, checks, and what the files are.

    Nothing else enters, so an unrelated commit does not retry a failed spec, and repaired files do.
    """
    path = observed.path(model.base_path)
    versions = model.policy.versions if isinstance(model.policy, Specific) else ()
    prints = [(number, files.fingerprint) for number in versions if (files := path.files(number)) is not None]
    text = repr((model.base_path, model.platform, model.policy, model.labels, prints))
    text += "".join(check.digest for check in model.checks)
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()


_AUTO = TransitionPolicy.AUTO


def targets(commit: Commit, server: DesiredServer, observed: Observed, vetoes: Vetoes = FREE) -> Targets:
    """Effective desired state of one server, and why where it is not git's.

    A change under a veto is not begun: a spec that was not begun here yet waits, on the last good one; what is under
    way goes on, and what was reached before is healed.
    """
    models: list[Target] = []
    holds: list[Hold] = [_files_changed(each) for each in observed.replaced]
    waiting: list[str] = []
    for said in server.models:
        wanted = settled(said, observed, limited=server.memory is not None)
        veto = vetoes.get(wanted.document)
        if veto is not None and begins(wanted, observed):
            holds.append(replace(veto, model=wanted.name))
            models.extend(_before(wanted, observed))
            waiting.append(wanted.name)
            continue
        if wanted.suspend is not None and wanted.suspend.stands(observed.at):
            holds.append(suspension(wanted.name, wanted.suspend, f"Model {wanted.document}"))
            models.extend(_as_it_is(wanted.name, observed, Origin.SUSPENDED))
            continue
        if (drifted := reported(server, wanted, observed)) is not None:
            holds.append(drifted)
            models.extend(_as_it_is(wanted.name, observed, Origin.REPORTED))
            waiting.append(wanted.name)
            continue
        target, hold = _target(wanted, observed)
        target = _retaining(target, wanted, observed)
        models.append(_bound(target, said, vetoes) if vetoes or said.transition.policy is _AUTO else target)
        holds.extend(hold)
    wanted_names = {model.name for model in server.models}
    orphans = [config for name, config in sorted(_served(observed).items()) if name not in wanted_names]
    keep = kept(commit, server, observed, [config.name for config in orphans], vetoes)
    stay = [config for config in orphans if config.name in keep]
    models.extend(_orphan(config, observed) for config in stay)
    holds.extend(replace(keep[config.name], model=config.name) for config in stay)
    waiting.extend(config.name for config in stay if keep[config.name].reason not in _GUARDS)
    leaving = [config for config in observed.sent.models if config.name not in wanted_names | keep.keys()]
    removed = tuple(config.name for config in leaving)
    last: tuple[str, ...] = ()
    if removed and len(removed) == len(observed.sent.models) and (models or server.models):
        models.extend(_orphan(config, observed) for config in leaving)
        holds.extend(replace(_LAST, model=name) for name in removed)
        removed, last = (), removed
    return Targets(tuple(sorted(models, key=lambda each: each.name)), removed, tuple(holds), last, tuple(waiting))


_GUARDS = (HoldReason.PRUNE_GUARD, HoldReason.EMPTYING_GUARD)
"""Why a model that git no longer names is as good as wanted; any other hold only puts its removal off."""


def _files_changed(each: Replaced) -> Hold:
    detail = (
        f"the files of version {each.version} are no longer those it was loaded from ({each.loaded} then, "
        f"{each.stored} now): the server goes on with the old ones, and would load the new ones after a restart "
        "(rule E18)"
    )
    release = "the old files, put back; or the new ones under a number of their own"
    return Hold(HoldReason.FILES_CHANGED, each.model, detail, release, version=each.version)


def _bound(target: Target, said: DesiredModel, vetoes: Vetoes) -> Target:
    """The target with what must not be taken away here, and under `auto` with the versions a choice is made for."""
    alone = tuple((label, vetoes[key]) for label, _ in said.labels if (key := downtime(said.document, label)) in vetoes)
    names = said.policy.versions if isinstance(said.policy, Specific) else ()
    return replace(target, alone=alone, asked=names if said.transition.policy is _AUTO else ())


def begins(wanted: DesiredModel, observed: Observed) -> bool:
    """Whether to follow git here would begin something: its spec was neither reached nor sent on this server yet."""
    digest = spec_digest(wanted, observed)
    good = observed.good_spec(wanted.name)
    reached_before = good is not None and good.digest == digest
    return not reached_before and dict(observed.specs).get(wanted.name) != digest


def _before(wanted: DesiredModel, observed: Observed) -> tuple[Target, ...]:
    """The model as it was before the change that waits: its last good spec, else as the config in force has it."""
    good = observed.good_spec(wanted.name)
    if good is None:
        return _as_it_is(wanted.name, observed, Origin.WAITING)
    return (_at_good(_from_git(wanted, observed), good, observed, Origin.WAITING),)


_LAST = Hold(
    HoldReason.CHANGES_FIRST,
    "",
    "every model this server has would go, and a server is never emptied on the way (rule E2)",
    "the first of the new models in the server's config",
    progressing=True,
)


def _target(wanted: DesiredModel, observed: Observed) -> tuple[Target, tuple[Hold, ...]]:
    asked = _from_git(wanted, observed)
    if not observed.failures and not observed.checks:
        return asked, ()
    asked = replace(asked, digest=spec_digest(wanted, observed))
    good = _fallback(asked, observed)
    spent = exhausted(asked, observed, restorable=good is not None)
    bad = checks.failed(wanted, observed)
    if not spent and not bad:
        return asked, ()
    holds = [_quarantine(wanted, spent, restored=good is not None)] if spent else []
    holds += [checks.failure(wanted, bad, restored=good is not None)] if bad else []
    if good is not None:
        return _at_good(asked, good, observed, Origin.FALLBACK), tuple(holds)
    target = _reduced(asked, spent) if spent else asked
    return (_unlabelled(target, bad, observed) if bad else target), tuple(holds)


def _at_good(asked: Target, good: GoodSpec, observed: Observed, origin: Origin) -> Target:
    config = good.config
    versions = resolve(config.policy, config.base_path, observed)
    return replace(
        asked,
        base_path=config.base_path,
        policy=config.policy,
        versions=versions,
        labels=config.labels,
        digest=good.digest,
        origin=origin,
        checks=(),
    )


def _as_it_is(name: str, observed: Observed, origin: Origin) -> tuple[Target, ...]:
    """A model as the config in force has it, for every reload to carry; nothing where it is not in force."""
    config = observed.sent.model(name)
    return () if config is None else (replace(_orphan(config, observed), origin=origin),)


def _retaining(target: Target, wanted: DesiredModel, observed: Observed) -> Target:
    """The target with the versions that stay for a while; a spec that failed here makes room for its last good one."""
    if wanted.transition.keep_previous is None or target.origin is not Origin.GIT:
        return target
    kept = tuple(each.version for each in retained(wanted, observed))
    if not kept:
        return target
    versions = tuple(sorted({*target.versions, *kept}))
    return replace(target, policy=Specific(versions), versions=versions, retained=kept)


def _fallback(asked: Target, observed: Observed) -> GoodSpec | None:
    """The last good spec where it is another than git's, and has not failed here as often as it may be tried.

    Whatever made the new spec fail (storage, memory) may fail the old one once or twice, too: it is retried like any.
    """
    good = observed.good_spec(asked.name)
    if good is None or good.digest == asked.digest:
        return None
    failures = observed.failures_of(asked.name, good.digest)
    return None if any(failure.count >= asked.retry.limit for failure in failures) else good


def _from_git(wanted: DesiredModel, observed: Observed) -> Target:
    return Target(
        wanted.name,
        wanted.base_path,
        wanted.policy,
        resolve(wanted.policy, wanted.base_path, observed),
        wanted.labels,
        wanted.transition,
        wanted.retry,
        wanted.platform,
        preflight=wanted.preflight,
        checks=wanted.checks,
    )


def exhausted(target: Target, observed: Observed, *, restorable: bool) -> tuple[Failure, ...]:
    """The failures that quarantine this spec: as many as `retry.limit` allows, or one of an exchange under `resource`.

    There (and under `auto`, before its choice) every further try may take the labels of the last good spec away again,
    so one failure is enough; where nothing good can be brought back instead, a try takes nothing away, and giving up at
    once would help nobody. A version that `latest` or `all` no longer chooses holds nothing back.
    """
    once = restorable and target.transition.policy is not TransitionPolicy.AVAILABILITY
    limit = 1 if once else target.retry.limit
    failures = observed.failures_of(target.name, target.digest)
    return tuple(failure for failure in failures if failure.count >= limit and failure.version in target.versions)


def _reduced(asked: Target, spent: tuple[Failure, ...]) -> Target:
    """What can be served is served: the spec without the versions that failed and without the labels on them."""
    bad = {failure.version for failure in spent}
    left = tuple(version for version in asked.versions if version not in bad)
    labels = tuple((label, version) for label, version in asked.labels if version not in bad)
    policy = Specific(left) if asked.specific else asked.policy
    return replace(asked, policy=policy, versions=left, labels=labels, origin=Origin.REDUCED)


def _unlabelled(asked: Target, bad: tuple[CheckResult, ...], observed: Observed) -> Target:
    """The spec without its labels on versions that failed a check."""
    versions, labels = checks.without(asked.name, (asked.versions, asked.labels), bad, observed)
    return replace(asked, policy=Specific(versions), versions=versions, labels=labels, origin=Origin.REDUCED)


def _quarantine(wanted: DesiredModel, spent: tuple[Failure, ...], *, restored: bool) -> Hold:
    worst = max(spent, key=lambda each: (each.count, each.version))
    resource = wanted.transition.policy is TransitionPolicy.RESOURCE
    reason = HoldReason.RESTORED_AFTER_FAILED_LOAD if restored and resource else HoldReason.QUARANTINED
    back = "the last good spec of this model stays in force" if restored else "the rest of its spec is served"
    return Hold(
        reason,
        wanted.name,
        f"version {worst.version} failed to load {times(worst.count)}: {worst.error}; {back}",
        "a commit that changes this model's spec, or repaired files under a new version number",
        version=worst.version,
    )


def _served(observed: Observed) -> dict[str, ModelConfig]:
    """Every model this server is known for, as it shall be carried: with what a restart took and is not back yet.

    Where the config in force was only seen, that goes before what was known.
    """
    served = {model.name: model for model in (*observed.known_as.models, *observed.sent.models)}
    if observed.standing in (Standing.LOST, Standing.FIRST_CONTACT):
        return served
    for known in observed.known_as.models:
        if _holds_more(known, served[known.name]):
            labels = {label: version for label, version in known.labels if version in known.listed}
            served[known.name] = known.with_labels(labels | dict(served[known.name].labels))
    return served


def _holds_more(known: ModelConfig, config: ModelConfig) -> bool:
    """Whether what was known of a model is what is in force, and perhaps more."""
    named = isinstance(known.policy, Specific) and isinstance(config.policy, Specific)
    return named and known.base_path == config.base_path and set(config.listed) <= set(known.listed)


def _orphan(config: ModelConfig, observed: Observed) -> Target:
    return Target(
        config.name,
        config.base_path,
        config.policy,
        resolve(config.policy, config.base_path, observed),
        config.labels,
        platform=config.platform,
        origin=Origin.ORPHAN,
    )


def unseen_paths(server: DesiredServer, observed: Observed) -> tuple[tuple[str, str], ...]:
    """(model, base path) of every configured model whose base path was not seen: discovery is frozen for all.

    One missing base path ends the whole poll (file_system_storage_path_source.cc, PollFileSystemForConfig). A path that
    cannot be looked at from here counts as missing unless the fleet consents to unseen storage.
    """
    blind = server.fleet.allow_unseen_storage
    return tuple(
        (model.name, model.base_path)
        for model in observed.sent.models
        if (presence := observed.path(model.base_path).presence) is Presence.MISSING
        or (presence is Presence.UNSEEN and not blind)
    )
