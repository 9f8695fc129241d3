"""Doubt: what is seen does not fit what was sent, for longer than anything of ours explains.

A listed version that is absent or ended though nobody dropped it, an unlisted one that goes on serving, one that is
AVAILABLE by status and answers nobody, a label that reads otherwise. Held for 4 s (at default polls) after the last
change, the doubt ripens: round one discards the memory (standing LOST), so that everything is looked at and sent anew.
If the same doubt ripens again it is *wedged*, or another writer is at work: it stays visible, and nothing is discarded
for it any more. Storage that explains it makes it no doubt: a deleted directory unloads, a missing base path freezes
polls.

Called by `learning`. Deliberately not here: what a planner does about it (hold `VersionWedged`).
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from reconciler.belief import fence, life, listing
from reconciler.state.config import ModelConfig
from reconciler.state.desired import DesiredServer
from reconciler.state.look import LabelKind, Look, PathFacts, Presence, VersionState
from reconciler.state.memory import Doubt, Memory, Standing, VersionMemory
from reconciler.state.versions import Specific

ABSENT = "it is listed, but the server shows no such version"
ENDED = "it is listed and nobody dropped it, but the server unloaded it"
DENIED = "its status is AVAILABLE, but it answers no request"
SERVING = "it is not listed, but the server goes on serving it"

WEDGED_ROUNDS = 2
"""The round from which a doubt is shown instead of discarding the memory once more."""

Key = tuple[str, int, str]


def weighed(server: DesiredServer, memory: Memory, look: Look) -> Memory:
    """The memory after the doubts of this look; LOST where one ripened for the first time."""
    if memory.standing is not Standing.KNOWN or memory.outstanding is not None:
        return memory
    gone = {(model, target, _label(label)) for model, label, target in life.label_gone(server, memory, look)}
    quiet_since = max(memory.changed_at, memory.busy_at)
    holding = gone | set(_wrong(memory, look)) if look.at > quiet_since + fence.fence_of(server) else gone
    if not holding and not memory.doubts:
        return memory
    ripe_after = max(quiet_since, memory.stood_since) + fence.doubt_seconds(server)
    held = {(each.model, each.version, each.reason): each for each in memory.doubts}
    doubts = _remembered(held, holding, look.at)
    ripe = {
        key
        for key in holding
        if key in gone or look.at > max(doubts[key].since + fence.doubt_seconds(server), ripe_after)
    }
    fresh = {key for key in ripe if doubts[key].rounds < WEDGED_ROUNDS}
    for key in fresh:
        doubts[key] = replace(doubts[key], rounds=doubts[key].rounds + 1)
    memory = replace(memory, doubts=tuple(doubts[key] for key in sorted(doubts)))
    if not any(doubts[key].rounds < WEDGED_ROUNDS for key in fresh):
        return memory
    return life.lost(replace(memory, doubts=tuple(replace(each, since=0.0) for each in memory.doubts)), look.at)


def shown(memory: Memory) -> tuple[Doubt, ...]:
    """The doubts that hold now and have ripened at least once."""
    return tuple(each for each in memory.doubts if each.since and each.rounds)


def _remembered(held: dict[Key, Doubt], holding: set[Key], at: float) -> dict[Key, Doubt]:
    doubts: dict[Key, Doubt] = {}
    for key, doubt in held.items():
        if key not in holding and doubt.rounds and at < doubt.seen_at + fence.GRUDGE:
            doubts[key] = replace(doubt, since=0.0) if doubt.since else doubt
    for key in holding:
        old = held.get(key)
        doubts[key] = Doubt(*key, since=(old.since if old else 0.0) or at, rounds=old.rounds if old else 0, seen_at=at)
    return doubts


def _label(label: str) -> str:
    return f"label {label} does not resolve to it"


def _wrong(memory: Memory, look: Look) -> Iterator[Key]:
    assert memory.sent is not None  # noqa: S101 — standing KNOWN means that a config is in force
    paths = {each.base_path: each for each in memory.paths}
    frozen = any(_missing(paths, model.base_path) for model in memory.sent.models)
    unseen = {each.model for each in look.models if each.unseen}
    models = listing.by_name(memory.sent)
    for version in memory.versions:
        model = models.get(version.model)
        reason = "" if version.model in unseen else _reason(model, version)
        if reason and not (reason != DENIED and (frozen or _explained(paths, model, version))):
            yield version.model, version.version, reason
    yield from _labels(memory, models, paths)


def _reason(model: ModelConfig | None, version: VersionMemory) -> str:
    listed = listing.lists(model, version)
    if version.state is VersionState.AVAILABLE:
        if not listed:
            return "" if version.denied_at else SERVING
        return DENIED if version.denied_at else ""
    if not listed or model is None or not isinstance(model.policy, Specific):
        return ""
    if version.state is VersionState.ABSENT:
        return ABSENT
    return ENDED if version.state is VersionState.END and version.error is None and not version.suspect else ""


def _labels(memory: Memory, models: Mapping[str, ModelConfig], paths: dict[str, PathFacts]) -> Iterator[Key]:
    for each in memory.labels:
        model = models.get(each.model)
        target = model.label(each.label) if model else None
        if model is None or target is None or each.reading.kind is LabelKind.UNSEEN:
            continue
        if not each.reading.resolves_to(target) and not _gone(paths, model, target):
            yield each.model, target, _label(each.label)


def _explained(paths: dict[str, PathFacts], model: ModelConfig | None, version: VersionMemory) -> bool:
    return model is not None and version.state is not VersionState.AVAILABLE and _gone(paths, model, version.version)


def _gone(paths: dict[str, PathFacts], model: ModelConfig, version: int) -> bool:
    facts = paths.get(model.base_path)
    if facts is None or facts.presence is Presence.UNSEEN:
        return False
    return facts.presence is Presence.MISSING or facts.files(version) is None


def _missing(paths: dict[str, PathFacts], base_path: str) -> bool:
    facts = paths.get(base_path)
    return facts is not None and facts.presence is Presence.MISSING
