"""Statuses and proofs of single versions, folded over time: since when, ended, suspect, proven.

*Suspect* is the heart of it: a version listed while it still shows a status of an earlier life. An old load may finish
and show AVAILABLE, and be unloaded 0.2 s later; LOADING → AVAILABLE therefore proves nothing for it. Only an END and a
move away from it, or a fence without one, does. While it shows END the fence counts from that END, for its own life
starts within a poll; an END that stays is its own, and a failure then.

Called by `learning` and `view`. Deliberately not here: what is listed when (reloads.py), restarts (life.py).
"""

from collections.abc import Mapping
from dataclasses import replace

from reconciler.belief import fence, life, listing
from reconciler.state.config import ModelConfig
from reconciler.state.desired import DesiredServer
from reconciler.state.look import LabelKind, LabelReading, Look, StatusEntry, VersionState
from reconciler.state.memory import Memory, Standing, VersionMemory
from reconciler.state.versions import Specific

Key = tuple[str, int]


def folded(server: DesiredServer, memory: Memory, look: Look) -> Memory:
    """The memory with the statuses and proofs of this look in it."""
    moved = _moved(memory, look)
    answers = _answers(look)
    proved = tuple(_weighed(each, answers, look.at) for each in moved)
    busy_at = look.at if busy(server, replace(memory, versions=proved), look.at) else memory.busy_at
    if memory.outstanding is None:
        proved = tuple(_cleared(server, each, busy_at, look.at) if each.suspect else each for each in proved)
        proved = _taken_up(server, replace(memory, versions=proved, busy_at=busy_at), look.at)
    measured = _measured(memory, proved)
    if proved == memory.versions and busy_at == memory.busy_at:
        return memory
    return replace(memory, versions=proved, busy_at=busy_at, load_seconds=measured)


def busy(server: DesiredServer, memory: Memory, at: float) -> bool:
    """Whether anything is LOADING or UNLOADING, leaving out versions that only seem to (see `stuck`)."""
    moving = [each for each in memory.versions if each.state in listing.BUSY]
    if not moving:
        return False
    models = listing.by_name(listing.in_force(server, memory))
    return any(not stuck(server, models.get(each.model), each, at) for each in moving)


def stuck(server: DesiredServer, config: ModelConfig | None, version: VersionMemory, at: float) -> bool:
    """No longer listed and LOADING past the deadline: before TFS 2.19 a cancelled load shows LOADING for ever."""
    if version.state is not VersionState.LOADING or listing.lists(config, version):
        return False
    return at > max(version.since, version.dropped_at) + fence.load_deadline(server, version.model)


def overdue(server: DesiredServer, memory: Memory, version: VersionMemory, at: float) -> bool:
    """Whether a load that was named outright is past its deadline: it counts as failed, whatever it still shows.

    The server's own retries sleep as LOADING, and a load that hangs never ends. One at START has its time counted from
    when nothing else was loading or unloading. With `latest` and `all` nothing could be done about it.
    """
    limit = fence.load_deadline(server, version.model)
    if version.state is VersionState.LOADING:
        return at > max(version.listed_at, version.since) + limit
    if version.state is VersionState.START:
        return at > max(version.listed_at, version.since, memory.busy_at) + limit
    return False


def going(server: DesiredServer, memory: Memory, config: ModelConfig | None, version: VersionMemory, at: float) -> bool:
    """Unlisted, yet on its way out, or possibly so: whatever it holds is not free yet.

    A START may stay for ever once its model was dropped (a phantom), so it counts for a fence only; an AVAILABLE that
    GetModelMetadata denies for a fence is one, too: the unload's END was published before the load's AVAILABLE.
    """
    if listing.lists(config, version) or awaited(memory, version):
        return False
    fence_s = fence.fence_of(server)
    match version.state:
        case VersionState.UNLOADING:
            return True
        case VersionState.LOADING:
            return not stuck(server, config, version, at)
        case VersionState.AVAILABLE:
            return not version.denied_at or at < version.denied_at + fence_s
        case VersionState.START:
            return at < max(version.dropped_at, memory.busy_at, _stood(memory)) + fence_s
        case VersionState.ABSENT | VersionState.END:
            return False


def _stood(memory: Memory) -> float:
    return memory.stood_since if memory.standing in life.UNSURE else 0.0


def awaited(memory: Memory, version: VersionMemory) -> bool:
    """Listed by a reload whose fate is not known: it may be coming, so it is not said to be going."""
    if memory.outstanding is None:
        return False
    return listing.lists(memory.outstanding.config.model(version.model), version)


def _moved(memory: Memory, look: Look) -> tuple[VersionMemory, ...]:
    if not look.models:
        return memory.versions
    seen = {each.model: {entry.version: entry for entry in each.entries} for each in look.models if not each.unseen}
    witnessing = memory.standing is Standing.KNOWN
    found: dict[Key, VersionMemory] = {}
    for each in memory.versions:
        entries = seen.get(each.model)
        found[each.model, each.version] = _unseen(each) if entries is None else _now(each, entries, look.at)
    for model, entries in seen.items():
        for entry in entries.values():
            if (model, entry.version) not in found:
                found[model, entry.version] = _new(model, entry, look.at, witnessing)
    return tuple(found[key] for key in sorted(found))


def _unseen(version: VersionMemory) -> VersionMemory:
    """A look that could not read the status breaks the proof: it may have been gone meanwhile."""
    return replace(version, proven=False) if version.proven else version


def _new(model: str, entry: StatusEntry, at: float, witnessing: bool) -> VersionMemory:
    ended = at if witnessing and entry.state is VersionState.END else 0.0
    return VersionMemory(model, entry.version, entry.state, entry.error, since=at, ended_at=ended)


def _now(version: VersionMemory, entries: Mapping[int, StatusEntry], at: float) -> VersionMemory:
    entry = entries.get(version.version)
    state, error = (entry.state, entry.error) if entry else (VersionState.ABSENT, None)
    if state is version.state and error == version.error:
        return version
    ended = state is VersionState.END
    left_end = version.state is VersionState.END
    return replace(
        version,
        state=state,
        error=error,
        since=at,
        ended_at=at if ended else 0.0,
        suspect=version.suspect and not left_end,
        proven=False,
        booked=version.booked and version.state in listing.COMING and state is not VersionState.AVAILABLE,
        denied_at=0.0,
    )


def _answers(look: Look) -> dict[Key, bool]:
    """What was answered by number; a label that resolves proves the version it resolves to."""
    answers = {(each.model, each.version): each.answered for each in look.proofs if not each.unseen}
    for each in look.labels:
        if each.reading.kind is LabelKind.RESOLVES:
            answers[each.model, each.reading.version] = True
        elif _denies(each.reading):
            answers.setdefault((each.model, each.reading.version), False)
    return answers


def _denies(reading: LabelReading) -> bool:
    return reading.kind is LabelKind.DANGLES


def _weighed(version: VersionMemory, answers: Mapping[Key, bool], at: float) -> VersionMemory:
    answer = answers.get((version.model, version.version))
    if answer is None or version.state is not VersionState.AVAILABLE:
        return version
    if answer:
        return version if version.proven else replace(version, proven=True, denied_at=0.0)
    return version if version.denied_at else replace(version, proven=False, denied_at=at)


def _cleared(server: DesiredServer, version: VersionMemory, busy_at: float, at: float) -> VersionMemory:
    ended = version.since if version.state is VersionState.END else 0.0
    if at < max(version.listed_at, busy_at, ended) + fence.fence_of(server):
        return version
    return replace(version, suspect=False)


def _taken_up(server: DesiredServer, memory: Memory, at: float) -> tuple[VersionMemory, ...]:
    """Under `latest` and `all` the server takes a version up again by itself: an earlier drop of ours is history then.

    It did where the version moved since, or where it is still there a fence after everything else.
    """
    models = listing.by_name(memory.sent)
    chosen = {name for name, config in models.items() if not isinstance(config.policy, Specific)}
    if not chosen:
        return memory.versions
    quiet_since = max(memory.changed_at, memory.busy_at) + fence.fence_of(server)
    return tuple(
        replace(each, dropped_at=0.0, listed_at=at)
        if each.dropped_at
        and each.model in chosen
        and each.state in listing.LOADED_OR_COMING
        and (each.since > each.dropped_at or at >= max(each.dropped_at, quiet_since))
        else each
        for each in memory.versions
    )


def _measured(memory: Memory, versions: tuple[VersionMemory, ...]) -> tuple[tuple[str, float], ...]:
    """How long each model's last load took: from its LOADING (its START, where that was missed) to AVAILABLE."""
    before = {(each.model, each.version): each for each in memory.versions if each.state in listing.COMING}
    if not before:
        return memory.load_seconds
    times = dict(memory.load_seconds)
    for each in versions:
        old = before.get((each.model, each.version))
        if old and each.state is VersionState.AVAILABLE and not each.suspect:
            times[each.model] = round(each.since - old.since, 3)
    return tuple(sorted(times.items()))
