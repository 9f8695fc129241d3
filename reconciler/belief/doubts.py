"""Doubt: what is seen does not fit what was sent, for longer than anything of ours explains.

A listed version that is absent or ended though nobody dropped it, an unlisted one that goes on serving, one that is
AVAILABLE by status and answers nobody, a label that reads otherwise. Held for 4 s (at default polls) after the last
change, the doubt ripens: round one discards the memory (standing LOST), so that everything is looked at and sent anew.
If the same doubt ripens again it is *wedged*; at the third time another writer is at work: it stays visible, and the
memory is discarded for it only after pauses that double, 60 to 600 s; never again for a version that did not come at
all, since that is the wedge, and a list changes nothing about it. Storage that explains it makes it no doubt: a deleted
directory unloads, a missing base path freezes polls. Under `latest` and `all` the same goes for what the server chose,
judged against storage (`chosen.py`); files that it has not taken up are given a minute more.

A version that was loaded and went begins a doubt at the very look that shows it. Any reload of ours brings it back
within a second, long before the doubt could ripen: put right on the way, it counts as a round all the same.

Called by `learning`. Deliberately not here: what a planner does about it (holds `VersionWedged` and `DriftFight`).
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from reconciler.belief import chosen, fence, life, listing
from reconciler.state.config import ModelConfig
from reconciler.state.desired import DesiredServer, Drift
from reconciler.state.look import LabelKind, Look, PathFacts, Presence, VersionState
from reconciler.state.memory import Doubt, DoubtReason, Memory, Standing, VersionMemory
from reconciler.state.versions import Specific

WORDS = {
    DoubtReason.ABSENT: "it is listed, but the server shows no such version",
    DoubtReason.ENDED: "it is listed and nobody dropped it, but the server unloaded it",
    DoubtReason.DENIED: "its status is AVAILABLE, but it answers no request",
    DoubtReason.SERVING: "it is not listed, but the server goes on serving it",
    DoubtReason.LEFT_OUT: "the policy asks for it and its files are there, but the server unloaded it",
    DoubtReason.OVERLOOKED: "the policy asks for it, but the server has not taken it up",
    DoubtReason.KEPT: "the policy does not ask for it, but the server serves it",
}
"""A doubt for people; the one about a label names it."""

PAUSE_FIRST, PAUSE_MAX = 60.0, 600.0
"""Seconds until a doubt of that round, and of later ones, has the memory discarded once more; doubling."""

Key = tuple[str, int, DoubtReason, str]


def weighed(server: DesiredServer, memory: Memory, look: Look, before: tuple[VersionMemory, ...]) -> Memory:
    """The memory after the doubts of this look; LOST where one ripened. `before`: the versions before this look."""
    if memory.standing is not Standing.KNOWN or memory.outstanding is not None:
        return memory
    gone: set[Key] = {
        (model, target, DoubtReason.LABEL, label) for model, label, target in life.label_gone(server, memory, look)
    }
    quiet_since = max(memory.changed_at, memory.busy_at)
    holding = gone | set(_went(memory, look, before))
    if look.at > quiet_since + fence.fence_of(server):
        holding |= set(_wrong(memory, look))
    if not holding and not memory.doubts:
        return memory
    ripe_after = max(quiet_since, memory.stood_since) + fence.doubt_seconds(server)
    doubts = _remembered(memory, holding, look.at)
    fresh = [
        key
        for key in sorted(holding)
        if (key in gone or look.at > max(doubts[key].since + _patience(server, key), ripe_after))
        and _due(doubts[key], look.at)
    ]
    for key in fresh:
        doubts[key] = _paused(replace(doubts[key], rounds=doubts[key].rounds + 1))
    _joined(doubts, holding, fresh)
    memory = replace(memory, doubts=tuple(doubts[key] for key in sorted(doubts)))
    if all(doubts[key].rounds == doubts[key].enough for key in fresh):
        return memory
    at_rest = tuple(replace(each, since=0.0, until=0.0) for each in memory.doubts)
    return life.lost(replace(memory, doubts=at_rest), look.at)


def _joined(doubts: dict[Key, Doubt], holding: set[Key], fresh: list[Key]) -> None:
    """What one intrusion did to a model counts once: its other doubts take part in the round, ripe or not.

    Not those that may be a wedge: these must have lasted for themselves.
    """
    rounds: dict[str, int] = {}
    for key in fresh:
        rounds[key[0]] = max(rounds.get(key[0], 0), doubts[key].rounds)
    for key in holding - set(fresh):
        joined = rounds.get(key[0], 0)
        if joined > doubts[key].rounds and not key[2].may_be_wedged:
            doubts[key] = _paused(replace(doubts[key], rounds=joined))


def shown(server: DesiredServer, memory: Memory) -> tuple[Doubt, ...]:
    """The doubts that hold now and have ripened at least once.

    Where drift is only reported, those about what a server chose go on being told when the memory was discarded for
    them: no reading alone would tell them from files that have only just come.
    """
    told = server.fleet.drift is Drift.REPORT and memory.standing is Standing.LOST and memory.parked is None
    return tuple(each for each in memory.doubts if each.rounds and (each.since or (told and each.kind.of_choice)))


def _patience(server: DesiredServer, key: Key) -> float:
    """How long that doubt must hold before it ripens."""
    return fence.doubt_seconds(server) + (fence.UNNOTICED if key[2] is DoubtReason.OVERLOOKED else 0.0)


def _due(doubt: Doubt, at: float) -> bool:
    return not doubt.stands or (doubt.until > 0.0 and at >= doubt.until)


def _paused(doubt: Doubt) -> Doubt:
    """The doubt with the time at which the memory is discarded for it once more, if that is to wait."""
    if not doubt.stands or doubt.kind is DoubtReason.ABSENT:
        return doubt
    doublings = min(doubt.rounds - doubt.enough, 10)
    return replace(doubt, until=doubt.since + min(PAUSE_MAX, PAUSE_FIRST * 2.0**doublings))


def _remembered(memory: Memory, holding: set[Key], at: float) -> dict[Key, Doubt]:
    held = {_key(each): each for each in memory.doubts}
    doubts: dict[Key, Doubt] = {}
    for key, doubt in held.items():
        if key in holding:
            continue
        rounds = doubt.rounds + 1 if doubt.since and _put_right(memory, doubt) else doubt.rounds
        if rounds and at < doubt.seen_at + fence.GRUDGE:
            quiet = doubt.since == 0.0
            doubts[key] = doubt if quiet else replace(doubt, since=0.0, until=0.0, rounds=rounds)
    for key in holding:
        old = held.get(key)
        doubts[key] = replace(old, seen_at=at) if old and old.since else _begun(key, old, at)
    return doubts


def _begun(key: Key, before: Doubt | None, at: float) -> Doubt:
    """The doubt as it begins, for the first time or once more."""
    model, version, kind, label = key
    reason = f"label {label} does not resolve to it" if label else WORDS[kind]
    rounds, first_at = (before.rounds, before.first_at) if before else (0, at)
    fresh = Doubt(model, version, reason, since=at, rounds=rounds, seen_at=at, kind=kind, label=label)
    return _paused(replace(fresh, first_at=first_at or at))


def _key(doubt: Doubt) -> Key:
    return doubt.model, doubt.version, doubt.kind, doubt.label


def _put_right(memory: Memory, doubt: Doubt) -> bool:
    """Whether a version that went is on its way again: a reload of ours, meant for something else, listed it anew."""
    now = memory.version(doubt.model, doubt.version)
    return doubt.kind is DoubtReason.ENDED and now is not None and now.state in listing.LOADED_OR_COMING


def _went(memory: Memory, look: Look, before: tuple[VersionMemory, ...]) -> Iterator[Key]:
    """Versions of the config sent that were proven and went, from the look that shows it on."""
    if before is memory.versions and not memory.doubts:
        return
    loaded = {(each.model, each.version) for each in before if each.state is VersionState.AVAILABLE and each.proven}
    loaded |= {(each.model, each.version) for each in memory.doubts if each.since and each.kind is DoubtReason.ENDED}
    left = [each for each in memory.versions if (each.model, each.version) in loaded and _leaves(each)]
    if not left:
        return
    models, paths = listing.by_name(memory.sent), {each.base_path: each for each in memory.paths}
    unseen = {each.model for each in look.models if each.unseen}
    for each in left:
        model = models.get(each.model)
        named = model is not None and isinstance(model.policy, Specific) and each.model not in unseen
        if named and listing.lists(model, each) and not _explained(paths, model, each):
            yield each.model, each.version, DoubtReason.ENDED, ""


def _leaves(version: VersionMemory) -> bool:
    gone = version.state in (VersionState.UNLOADING, VersionState.END)
    return gone and version.error is None and not version.suspect and version.dropped_at == 0


def _wrong(memory: Memory, look: Look) -> Iterator[Key]:
    assert memory.sent is not None  # noqa: S101 — standing KNOWN means that a config is in force
    paths = {each.base_path: each for each in memory.paths}
    frozen = any(_missing(paths, model.base_path) for model in memory.sent.models)
    unseen = {each.model for each in look.models if each.unseen}
    models = listing.by_name(memory.sent)
    for version in memory.versions:
        model = models.get(version.model)
        reason = None if version.model in unseen else _reason(model, version)
        if reason and not (reason is not DoubtReason.DENIED and (frozen or _explained(paths, model, version))):
            yield version.model, version.version, reason, ""
    yield from _labels(memory, models, paths)
    if not frozen:
        yield from ((*each, "") for each in chosen.strayed(memory, look))


def _reason(model: ModelConfig | None, version: VersionMemory) -> DoubtReason | None:
    listed = listing.lists(model, version)
    if version.state is VersionState.AVAILABLE:
        if not listed:
            return None if version.denied_at else DoubtReason.SERVING
        return DoubtReason.DENIED if version.denied_at else None
    if not listed or model is None or not isinstance(model.policy, Specific):
        return None
    if version.state is VersionState.ABSENT:
        return DoubtReason.ABSENT
    ended = version.state is VersionState.END and version.error is None and not version.suspect
    return DoubtReason.ENDED if ended else None


def _labels(memory: Memory, models: Mapping[str, ModelConfig], paths: dict[str, PathFacts]) -> Iterator[Key]:
    for each in memory.labels:
        model = models.get(each.model)
        target = model.label(each.label) if model else None
        if model is None or target is None or each.reading.kind is LabelKind.UNSEEN:
            continue
        if not each.reading.resolves_to(target) and not _gone(paths, model, target):
            yield each.model, target, DoubtReason.LABEL, each.label


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
