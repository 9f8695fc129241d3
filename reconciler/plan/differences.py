"""In what one server differs from its targets: a list of values, empty exactly when the server has converged.

Called by `plan/road.py`. Nothing is decided here; every difference must later be covered by an action or a hold
(`uncovered`), which the property tests and the planner's own last look rely on.
"""

from collections.abc import Iterable, Iterator

from reconciler.plan.target import Target, Targets
from reconciler.state.config import ModelConfig
from reconciler.state.look import LabelKind, LabelReading, VersionState
from reconciler.state.observed import Observed, ObservedModel, ObservedVersion
from reconciler.state.plan import Action, ActionKind, Difference, DifferenceKind, Hold
from reconciler.state.versions import All, Latest, Specific, VersionPolicy


def differences(targets: Targets, observed: Observed) -> tuple[Difference, ...]:
    """Everything in which the server is not what the targets say, models ascending."""
    found: list[Difference] = []
    configs = {model.name: model for model in observed.sent.models}
    models = {model.name: model for model in observed.models}
    for target in targets.models:
        seen = models.get(target.name) or ObservedModel(target.name)
        found.extend(model_differences(target, configs.get(target.name), seen))
    leaving = (*targets.removed, *targets.last)
    found += [Difference(DifferenceKind.MODEL_EXTRA, name, "not served", "served") for name in leaving]
    found += _leaving(targets, observed)
    return tuple(found)


def _leaving(targets: Targets, observed: Observed) -> Iterator[Difference]:
    """Versions of removed models that have not ended: they still hold memory, and may still answer."""
    aims = {target.name for target in targets.models}
    for model in sorted(observed.models, key=lambda each: each.name):
        if model.removed_at and model.name not in aims and model.name not in observed.sent.names:
            for version in model.versions:
                if version.going:
                    found = state_text(version)
                    yield Difference(DifferenceKind.VERSION_EXTRA, model.name, "not loaded", found, version.version)


def differs(target: Target, observed: Observed) -> bool:
    """Whether one model is not wholly what its target says."""
    config, seen = observed.sent.model(target.name), observed.model(target.name)
    return next(model_differences(target, config, seen), None) is not None


def model_differences(target: Target, config: ModelConfig | None, seen: ObservedModel) -> Iterator[Difference]:
    """In what one model differs from its target; `config` is its part of the config in force, if it has one."""
    if config is None:
        listed = policy_text(target.policy)
        yield Difference(DifferenceKind.MODEL_MISSING, target.name, listed, "not in the server's config")
        return
    if config.base_path != target.base_path:
        yield Difference(DifferenceKind.BASE_PATH, target.name, target.base_path, config.base_path)
    yield from _policy(target, config)
    yield from _versions(target, config, seen)
    yield from _labels(target, config, seen)


def _policy(target: Target, config: ModelConfig) -> Iterator[Difference]:
    if isinstance(target.policy, Specific) and isinstance(config.policy, Specific):
        return
    if target.policy != config.policy:
        wanted, found = policy_text(target.policy), policy_text(config.policy)
        yield Difference(DifferenceKind.POLICY, target.name, wanted, found)


def _versions(target: Target, config: ModelConfig, seen: ObservedModel) -> Iterator[Difference]:
    listed, named = config.listed, target.specific
    for number in target.versions:
        version = seen.version(number)
        unlisted = named and number not in listed
        if unlisted or not version.proven:
            yield Difference(DifferenceKind.VERSION_MISSING, target.name, "AVAILABLE", state_text(version), number)
    for version in seen.versions:
        if version.version not in target.versions and (version.going or _served(version)):
            yield _extra(target, version)
    known = {version.version for version in seen.versions if version.going or _served(version)}
    for number in listed:
        if number not in target.versions and number not in known:
            yield _extra(target, seen.version(number))


def _served(version: ObservedVersion) -> bool:
    """Listed or not, it takes memory and answers: AVAILABLE and not waiting for its END."""
    return version.listed and version.state not in (VersionState.END, VersionState.ABSENT)


def _extra(target: Target, version: ObservedVersion) -> Difference:
    return Difference(DifferenceKind.VERSION_EXTRA, target.name, "not loaded", state_text(version), version.version)


def _labels(target: Target, config: ModelConfig, seen: ObservedModel) -> Iterator[Difference]:
    for label, number in target.labels:
        reading = seen.reading(label)
        if not reading.resolves_to(number) or config.label(label) != number:
            found = reading_text(reading)
            yield Difference(DifferenceKind.LABEL_WRONG, target.name, str(number), found, number, label)
    wanted = {label for label, _ in target.labels}
    stray = {label for label, _ in config.labels if label not in wanted}
    stray |= {label for label, reading in seen.labels if label not in wanted and _defined(reading)}
    for label in sorted(stray):
        found = reading_text(seen.reading(label))
        yield Difference(DifferenceKind.LABEL_EXTRA, target.name, "undefined", found, label=label)


def _defined(reading: LabelReading) -> bool:
    return reading.kind in (LabelKind.RESOLVES, LabelKind.DANGLES)


def uncovered(found: Iterable[Difference], actions: Iterable[Action], holds: Iterable[Hold]) -> tuple[Difference, ...]:
    """The differences for which neither an action nor a hold accounts."""
    acting: dict[str, list[Action]] = {}
    holding: dict[str, list[Hold]] = {}
    reached: set[tuple[str, int | str | None]] = set()
    for action in actions:
        acting.setdefault(action.model, []).append(action)
        reached.add((action.model, action.version if action.label is None else action.label))
    for hold in holds:
        holding.setdefault(hold.model, []).append(hold)
    return tuple(
        each
        for each in found
        if (each.model, each.version if each.label is None else each.label) not in reached or each.version is None
        if not any(_acts_on(action, each) for action in acting.get(each.model, ()))
        and not any(_holds(hold, each) for name in ("", each.model) for hold in holding.get(name, ()))
    )


def _acts_on(action: Action, difference: Difference) -> bool:
    if action.kind in (ActionKind.ADD_MODEL, ActionKind.REMOVE_MODEL, ActionKind.REPOINT, ActionKind.POLICY):
        return difference.version is None or action.version == difference.version or action.kind is ActionKind.POLICY
    if difference.label is not None:
        return action.label == difference.label
    return difference.version is not None and action.version == difference.version and action.label is None


def _holds(hold: Hold, difference: Difference) -> bool:
    if (hold.version is None and hold.label is None) or (difference.version is None and difference.label is None):
        return True
    if hold.label is not None:
        return hold.label == difference.label
    return hold.version == difference.version


def state_text(version: ObservedVersion) -> str:
    """A version's state in a few words, with what is special about it."""
    if version.failed and version.error is not None:
        return f"failed: {version.error}"
    words = version.state.name
    if version.suspect:
        return f"{words}, perhaps of an earlier life"
    if version.state is VersionState.AVAILABLE and not version.proven:
        return f"{words}, not proven yet"
    return words


def reading_text(reading: LabelReading) -> str:
    """What a label means, in a few words."""
    match reading.kind:
        case LabelKind.RESOLVES:
            return str(reading.version)
        case LabelKind.DANGLES:
            return f"dangling at {reading.version}"
        case LabelKind.UNDEFINED:
            return "undefined"
        case LabelKind.UNSEEN:
            return "not read"


def policy_text(policy: VersionPolicy) -> str:
    """A version policy as people write it."""
    match policy:
        case Specific(versions):
            return "{" + ", ".join(map(str, versions)) + "}"
        case Latest(count):
            return f"latest {count}"
        case All():
            return "all"
