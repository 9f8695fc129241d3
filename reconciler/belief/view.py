"""The view: memory and the look it was learned from, as plain facts for the planner.

Deliberately not here: learning. `believe` adds nothing to memory, and every time in it is judged as of the look.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from reconciler.belief import doubts, fence, life, listing, reloads, versions
from reconciler.state.config import ModelConfig
from reconciler.state.desired import DesiredServer
from reconciler.state.look import LabelReading, Look, VersionState
from reconciler.state.memory import LabelMemory, Memory, Standing, VersionMemory
from reconciler.state.observed import Observed, ObservedModel, ObservedVersion

READ_BACK = 0.05
"""While labels and versions are still being read back, nothing is sent before the next look, this much later."""


def believe(server: DesiredServer, memory: Memory, look: Look) -> Observed:
    """What may be believed of the server at the time of the look; `memory` is what `learn` made of that look."""
    memory = life.at_address(server, memory)
    config = listing.in_force(server, memory)
    return Observed(
        server=server.id,
        at=look.at,
        reach=look.reach,
        standing=memory.standing,
        sent=config,
        known_as=memory.known_as,
        models=_models(server, memory, listing.by_name(config), look),
        paths=memory.paths,
        fence_until=fence_until(server, memory, look.at),
        busy=versions.busy(server, memory, look.at),
        outstanding=memory.outstanding,
        wedged=look.reach.answers and reloads.wedged(server, memory, look.at),
        refusal=memory.refusal,
        failures=memory.failures,
        good=memory.good,
        doubts=doubts.shown(server, memory),
        load_seconds=memory.load_seconds,
        departures=memory.departures,
        specs=memory.specs,
        past=memory.past,
        exports=memory.exports,
        replaced=memory.replaced,
        steady=memory.steady,
        checks=memory.checks,
        served=memory.served,
        wishes=memory.wishes,
        ways=memory.ways,
        page=memory.page,
    )


def fence_until(server: DesiredServer, memory: Memory, at: float) -> float:
    """Until when nothing read about what was changed can be believed; the past where no fence stands.

    With memory lost and no proven restart, one fence from the first look; while labels and versions of such a server,
    or of a restarted one, are being read back, at least until the next look.
    """
    fence_s = fence.fence_of(server)
    until = max(memory.changed_at, memory.busy_at) + fence_s
    if memory.standing in life.UNSURE:
        until = max(until, (memory.stood_since or at) + fence_s)
    if memory.standing is not Standing.KNOWN and _reading_back(memory):
        until = max(until, at + READ_BACK)
    return until


def _reading_back(memory: Memory) -> bool:
    return memory.labels_wanted or any(
        each.state is VersionState.AVAILABLE and not each.proven and not each.denied_at for each in memory.versions
    )


def _models(
    server: DesiredServer, memory: Memory, models: Mapping[str, ModelConfig], look: Look
) -> tuple[ObservedModel, ...]:
    unseen = {each.model: each.unseen for each in look.models}
    nobody = "not asked in this look" if look.reach.answers else look.reach.detail or look.reach.kind.value
    held: dict[str, list[VersionMemory]] = {}
    for version in memory.versions:
        held.setdefault(version.model, []).append(version)
    read: dict[str, list[LabelMemory]] = {}
    for label in memory.labels:
        read.setdefault(label.model, []).append(label)
    removed = dict(memory.removed)
    found = []
    for name in sorted(listing.names_of_interest(server, memory)):
        why = unseen.get(name, nobody)
        removed_at = removed.get(name, 0.0)
        found.append(
            ObservedModel(
                name,
                versions=_shown(
                    (_version(server, memory, models.get(name), each, look.at) for each in held.get(name, [])), why
                ),
                labels=_labels(read.get(name, [])),
                unseen=why,
                removed_at=removed_at,
                rest_at=max(removed_at, memory.busy_at) + fence.fence_of(server) if removed_at else 0.0,
            )
        )
    return tuple(found)


def _labels(read: list[LabelMemory]) -> tuple[tuple[str, LabelReading], ...]:
    return tuple((each.label, each.reading) for each in read)


def _shown(found: Iterable[ObservedVersion], unseen: str) -> tuple[ObservedVersion, ...]:
    """What was last seen proves nothing where the status could not be read."""
    return tuple(replace(each, proven=False) if unseen and each.proven else each for each in found)


def _version(
    server: DesiredServer, memory: Memory, config: ModelConfig | None, held: VersionMemory, at: float
) -> ObservedVersion:
    return ObservedVersion(
        version=held.version,
        state=held.state,
        error=held.error,
        since=held.since,
        listed=listing.lists(config, held),
        going=versions.going(server, memory, config, held, at),
        suspect=held.suspect,
        proven=_proven(held),
        ended=bool(held.ended_at),
        listed_at=held.listed_at,
        dropped_at=held.dropped_at,
        fingerprint=held.fingerprint,
        late=held.booked and held.state in listing.COMING and listing.lists(config, held),
    )


def _proven(version: VersionMemory) -> bool:
    """Proven available; never for a version that we dropped: it serves for a moment more, and may be unloaded in it."""
    available = version.state is VersionState.AVAILABLE and version.proven
    return available and not version.suspect and version.dropped_at == 0
