"""One look, folded into memory: the order of the steps, failures that are booked, storage facts, and forgetting.

Called by the lane through `belief.learn`. Deliberately not here: each step's rule (life, versions, labels, reloads,
doubts). Everything kept is bounded by what git, the configs and the last reloads name.
"""

from dataclasses import replace

from reconciler.belief import checks, doubts, exports, fence, labels, life, listing, reloads, versions
from reconciler.state.config import ModelConfig
from reconciler.state.desired import DesiredServer, Prune
from reconciler.state.look import Look, PathFacts, Presence, ServingError, VersionState
from reconciler.state.memory import Failure, Memory, VersionMemory
from reconciler.state.versions import Specific

DEADLINE_EXCEEDED = 4
"""The code of a load that is past its deadline (as gRPC numbers them)."""

KEPT_UNLISTED = 64
"""Entries of one model that are not listed: a server never forgets an END (rule E28), we keep the newest numbers."""

KEPT_FAILURES = 16
"""Failures of one model over all its specs; the oldest go first."""

KEPT_REMOVED = 3600.0
"""Seconds for which a removed model's statuses are asked on, once it is at rest."""


def learn(server: DesiredServer, memory: Memory, look: Look) -> Memory:
    """The memory after this look. The same object where the look brought nothing new."""
    memory = _wished(server, life.at_address(server, memory))
    if not look.reach.answers:
        return _storage(server, life.unanswered(memory, look), look)
    before = memory
    memory = life.judged(server, memory, look)
    if look.page is not None:
        memory = replace(memory, page=replace(look.page, at=look.at))
    memory = versions.folded(server, memory, look)
    memory = labels.folded(server, memory, look)
    memory = life.confirmed(memory, look)
    memory = reloads.settled(server, memory, look.at)
    memory = booked(server, memory, look.at)
    memory = _storage(server, memory, look)
    memory = exports.folded(server, memory, look)
    memory = doubts.weighed(server, memory, look, before.versions)
    return memory if memory is before and not memory.removed else _forgotten(server, memory, look.at)


def _wished(server: DesiredServer, memory: Memory) -> Memory:
    """The memory with what documents say of pruning now, and what those said that are gone."""
    named = {model.name for model in server.models}
    said = [(model.name, model.prune) for model in server.models if model.prune is not Prune.INHERIT]
    wishes = tuple(sorted([*said, *(each for each in memory.wishes if each[0] not in named)]))
    return memory if wishes == memory.wishes else replace(memory, wishes=wishes)


def booked(server: DesiredServer, memory: Memory, at: float) -> Memory:
    """The memory with each load that failed since it was listed counted once under the spec that listed it."""
    models = listing.by_name(memory.sent)
    errors: dict[tuple[str, int], ServingError] = {}
    for each in memory.versions:
        error = _error(server, memory, each, at) if _counts(each) else None
        if error is not None and _is_named(models.get(each.model), each):
            errors[each.model, each.version] = error
    if not errors:
        return memory
    specs = dict(memory.specs)
    failures = {(each.model, each.version, each.digest): each for each in memory.failures}
    for (model, version), error in errors.items():
        key = (model, version, specs.get(model, ""))
        count = failures[key].count + 1 if key in failures else 1
        failures[key] = Failure(*key, count=count, at=at, error=error)
    marked = tuple(
        replace(each, booked=True) if (each.model, each.version) in errors else each for each in memory.versions
    )
    return replace(memory, versions=marked, failures=tuple(failures[key] for key in sorted(failures)))


def _counts(version: VersionMemory) -> bool:
    """An END may be an earlier life's; a load under way past its deadline is late whoever began it."""
    if version.booked:
        return False
    return version.state in listing.COMING or (version.error is not None and not version.suspect)


def _error(server: DesiredServer, memory: Memory, version: VersionMemory, at: float) -> ServingError | None:
    if version.state is VersionState.END:
        return version.error
    if not versions.overdue(server, memory, version, at):
        return None
    limit = fence.load_deadline(server, version.model)
    waited = at - (version.listed_at or version.since)
    text = f"it is {version.state.name} {waited:.0f} s after it was listed, past its loadDeadline of {limit:g} s"
    return ServingError(DEADLINE_EXCEEDED, text)


def _is_named(config: ModelConfig | None, version: VersionMemory) -> bool:
    """Whether the config asks for it; one that the server chose itself counts for what became of it only."""
    if not listing.lists(config, version):
        return False
    return version.state is VersionState.END or (config is not None and isinstance(config.policy, Specific))


def _storage(server: DesiredServer, memory: Memory, look: Look) -> Memory:
    if not look.paths:
        return memory
    configs = (memory.sent, memory.parked, memory.known_as, memory.outstanding.config if memory.outstanding else None)
    wanted = {model.base_path for model in server.models}
    wanted |= {model.base_path for config in configs if config for model in config.models}
    known = {each.base_path: each for each in memory.paths}
    facts = known | {each.base_path: _still_known(each, known.get(each.base_path)) for each in look.paths}
    looked = dict(memory.paths_at) | {each.base_path: look.at for each in look.paths}
    return replace(
        memory,
        replaced=exports.replaced(memory, facts),
        paths=tuple(facts[path] for path in sorted(facts) if path in wanted),
        paths_at=tuple((path, looked[path]) for path in sorted(looked) if path in wanted),
    )


def _still_known(facts: PathFacts, before: PathFacts | None) -> PathFacts:
    """What storage showed last identifies a spec on, though it cannot be seen now: a failed look is no other spec.

    Else a moment without storage would lift a quarantine, and take a change under way for one that has not begun.
    """
    if before is None or facts.presence is not Presence.UNSEEN:
        return facts
    return replace(facts, versions=before.versions)


def _forgotten(server: DesiredServer, memory: Memory, at: float) -> Memory:
    """The memory without what nothing names any more, and without old ends beyond a bound."""
    memory = replace(memory, removed=tuple(each for each in memory.removed if _still_asked(memory, *each, at)))
    names = listing.names_of_interest(server, memory)
    memory = checks.kept(memory, names)
    return replace(
        memory,
        versions=_versions_kept(server, memory, names, at),
        labels=tuple(each for each in memory.labels if each.model in names),
        specs=tuple(each for each in memory.specs if each[0] in names),
        load_seconds=tuple(each for each in memory.load_seconds if each[0] in names),
        failures=_failures_kept(memory, names),
        good=tuple(each for each in memory.good if each.config.name in names),
        past=tuple(each for each in memory.past if each[0] in names),
        steady=tuple(each for each in memory.steady if each in names),
        wishes=tuple(each for each in memory.wishes if each[0] in names),
        doubts=tuple(each for each in memory.doubts if each.model in names),
        ways=tuple(each for each in memory.ways if each.model in names),
    )


def _still_asked(memory: Memory, name: str, removed_at: float, at: float) -> bool:
    if at < removed_at + KEPT_REMOVED:
        return True
    moving = (VersionState.LOADING, VersionState.UNLOADING)
    return any(each.state in moving for each in listing.of_model(memory.versions, name))


def _versions_kept(server: DesiredServer, memory: Memory, names: set[str], at: float) -> tuple[VersionMemory, ...]:
    models = listing.by_name(listing.in_force(server, memory))
    kept: list[VersionMemory] = []
    unlisted: dict[str, list[VersionMemory]] = {}
    for each in memory.versions:
        if each.model not in names:
            continue
        if listing.lists(models.get(each.model), each) or versions.awaited(memory, each):
            kept.append(each)
        elif each.state is not VersionState.ABSENT or at < each.dropped_at + fence.fence_of(server):
            unlisted.setdefault(each.model, []).append(each)
    for group in unlisted.values():
        group.sort(key=lambda each: (each.state is VersionState.END, -each.version))
        kept += group[:KEPT_UNLISTED]
    return tuple(sorted(kept, key=lambda each: (each.model, each.version)))


def _failures_kept(memory: Memory, names: set[str]) -> tuple[Failure, ...]:
    groups: dict[str, list[Failure]] = {}
    for each in memory.failures:
        if each.model in names:
            groups.setdefault(each.model, []).append(each)
    kept = [one for group in groups.values() for one in sorted(group, key=lambda each: -each.at)[:KEPT_FAILURES]]
    return tuple(sorted(kept, key=lambda each: (each.model, each.version, each.digest)))
