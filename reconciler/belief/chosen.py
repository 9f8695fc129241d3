"""What the server chose under `latest` and `all`, judged against the files: what nothing but another writer explains.

| the version | is in doubt |
|---|---|
| chosen, its directory is there, unloaded without an error | LEFT_OUT |
| chosen, complete, and the server shows no such version | OVERLOOKED |
| not chosen, AVAILABLE beside everything that is | KEPT |

Only files seen by the very look prove anything, and only where the server sees the same ones: as long as it holds a
version without a directory, one of the two has not noticed a change yet. A load that failed is the server's last word
(rule E13). Called by `doubts`, which decides how long it must last, and by `questions`, which has storage looked at
meanwhile. Deliberately not here: versions that are named, and labels, which such a model has none of.
"""

from collections.abc import Iterator, Mapping

from reconciler.belief import listing
from reconciler.state.config import ModelConfig
from reconciler.state.look import Look, PathFacts, Presence, VersionState
from reconciler.state.memory import DoubtReason, Memory, VersionMemory
from reconciler.state.versions import Latest, Specific, VersionPolicy

MOST = 16
"""Doubts of one kind and model: the highest numbers say enough where storage has thousands."""

HELD = frozenset({*listing.LOADED_OR_COMING, VersionState.UNLOADING})

Versions = Mapping[int, VersionMemory]
Found = tuple[int, DoubtReason]


def strayed(memory: Memory, look: Look) -> Iterator[tuple[str, int, DoubtReason]]:
    """(model, version, why) of everything that is not as the policies sent and the files give it; 0: the model."""
    assert memory.sent is not None  # noqa: S101 — standing KNOWN means that a config is in force
    models = [each for each in memory.sent.models if not isinstance(each.policy, Specific)]
    if not models:
        return
    held = by_model(memory)
    seen = {each.model: each for each in look.models if not each.unseen}
    paths = {each.base_path: each for each in look.paths}
    for model in models:
        if model.name in seen:
            found = _one(model, paths.get(model.base_path), held.get(model.name, {}))
            yield from ((model.name, *each) for each in found)


def by_model(memory: Memory) -> dict[str, dict[int, VersionMemory]]:
    """What is remembered of every version, by model and number."""
    found: dict[str, dict[int, VersionMemory]] = {}
    for each in memory.versions:
        found.setdefault(each.model, {})[each.version] = each
    return found


def _one(model: ModelConfig, facts: PathFacts | None, held: Versions) -> list[Found]:
    if facts is not None and facts.presence is Presence.SEEN:
        return against(model.policy, facts, held)
    unknown = all(each.state is VersionState.ABSENT for each in held.values())
    blind = facts is None or facts.presence is Presence.UNSEEN
    return [(0, DoubtReason.OVERLOOKED)] if unknown and blind else []


def against(policy: VersionPolicy, facts: PathFacts, held: Versions) -> list[Found]:
    """What differs between the versions held and those that the policy gives on these files."""
    there = {each.version: each for each in facts.versions}
    if _without_files(facts, held):
        return []
    wanted = sorted(there)[-max(policy.count, 1) :] if isinstance(policy, Latest) else sorted(there)
    left, overlooked, kept = [], [], []
    for number in wanted:
        each = held.get(number)
        if each is None or each.state is VersionState.ABSENT:
            overlooked += [number] if there[number].complete else []
        elif each.state is VersionState.END and each.error is None and not each.suspect and each.dropped_at == 0:
            left.append(number)
    if all(_serves(held.get(number)) for number in wanted):
        kept = [number for number in sorted(held) if number not in wanted and _serves(held[number])]
    kinds = ((left, DoubtReason.LEFT_OUT), (overlooked, DoubtReason.OVERLOOKED), (kept, DoubtReason.KEPT))
    return [(number, kind) for numbers, kind in kinds for number in numbers[-MOST:]]


def unlike(policy: VersionPolicy, facts: PathFacts, held: Versions) -> bool:
    """Whether a fresh look at the files is worth having: they do not go with what the server holds."""
    return _without_files(facts, held) or bool(against(policy, facts, held))


def _without_files(facts: PathFacts, held: Versions) -> bool:
    there = {each.version for each in facts.versions}
    return any(each.state in HELD and number not in there for number, each in held.items())


def _serves(version: VersionMemory | None) -> bool:
    return version is not None and version.state is VersionState.AVAILABLE and version.dropped_at == 0
