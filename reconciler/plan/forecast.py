"""A small model of what TensorFlow Serving ends up doing: the observation after a reload, once everything has settled.

Called by `plan/road.py` to unfold a plan beyond its first pass. It is optimistic on purpose (loads succeed) and says
nothing about time or order within a reload; a property test runs every forecast pass on the model server's core and
compares the end states, so the two cannot drift.
"""

from dataclasses import replace
from functools import lru_cache

from reconciler.belief import departures, taken
from reconciler.plan.target import resolve
from reconciler.state.config import ModelConfig
from reconciler.state.desired import DesiredServer
from reconciler.state.look import LabelKind, LabelReading, Presence, VersionState
from reconciler.state.memory import Departure, Standing
from reconciler.state.observed import Observed, ObservedModel, ObservedVersion, absent
from reconciler.state.plan import Pass

SETTLING = 1.0
"""Seconds that the forecast lets pass beyond one fence."""


def settle(server: DesiredServer, observed: Observed, body: Pass | None) -> Observed:
    """What will be believed of the server when a pass (or, with None, what is on its way) has come to rest."""
    config = observed.sent if body is None else body.config
    if body is None and observed.outstanding is not None:
        config = observed.outstanding.config
    at = max(observed.at, observed.fence_until) + server.fleet.tf_serving.file_system_poll_wait + SETTLING
    models = {model.name: model for model in observed.models}
    entries = {model.name: model for model in config.models}
    names = sorted(models.keys() | entries.keys())
    return replace(
        observed,
        standing=observed.standing if body is None else Standing.KNOWN,
        at=at,
        fence_until=0.0,
        sent=config,
        known_as=config if body is not None else observed.known_as,
        models=tuple([_model(observed, entries.get(name), models.get(name) or ObservedModel(name)) for name in names]),
        busy=False,
        outstanding=None,
        wedged=False,
        refusal=None,
        doubts=(),
        foreseen=True,
        departures=_departures(server, observed, body),
        ways=taken(observed.ways, body.ways) if body else observed.ways,
    )


def _departures(server: DesiredServer, observed: Observed, body: Pass | None) -> tuple[Departure, ...]:
    """Where labels leave from in that pass; of interest only where versions are kept for a while."""
    keeps = observed.departures or any(model.transition.keep_previous for model in server.models)
    if body is None or not keeps:
        return observed.departures
    return departures(observed.departures, observed.sent, body.config, observed.at)


def _model(observed: Observed, entry: ModelConfig | None, seen: ObservedModel) -> ObservedModel:
    name = seen.name
    if entry is None:
        ended = tuple(_ended(version) for version in seen.versions)
        return ObservedModel(name, ended, (), "", seen.removed_at or observed.at, 0.0)
    loaded, named = _loaded(observed, entry, seen), entry.listed
    known = {version.version: version for version in seen.versions}
    numbers = sorted({*loaded, *known, *named})
    listed = named or loaded
    versions = tuple(
        [
            _version(known.get(number) or absent(number), loaded=number in loaded, listed=number in listed)
            for number in numbers
        ]
    )
    return ObservedModel(name, versions, _labels(entry, seen, loaded))


def _loaded(observed: Observed, entry: ModelConfig, seen: ObservedModel) -> set[int]:
    """Versions that will be served: on the list, found in storage, and not already failed there."""
    wanted = set(resolve(entry.policy, entry.base_path, observed))
    facts = observed.path(entry.base_path)
    if facts.presence is Presence.SEEN:
        wanted = {number for number in wanted if facts.files(number) is not None or seen.version(number).proven}
    return wanted.difference([version.version for version in seen.versions if version.listed and version.failed])


def _version(seen: ObservedVersion, *, loaded: bool, listed: bool) -> ObservedVersion:
    if loaded and seen.proven and seen.listed is listed and not (seen.going or seen.late):
        return seen
    if loaded:
        return ObservedVersion(seen.version, VersionState.AVAILABLE, listed=listed, proven=True)
    if listed:
        return replace(seen, listed=True, going=False)
    return _ended(seen)


def _ended(seen: ObservedVersion) -> ObservedVersion:
    state = VersionState.ABSENT if seen.state is VersionState.ABSENT else VersionState.END
    return ObservedVersion(seen.version, state, seen.error if seen.failed else None, ended=True)


_UNDEFINED = LabelReading(LabelKind.UNDEFINED)


@lru_cache(maxsize=1024)
def _reading(version: int, *, loaded: bool) -> LabelReading:
    return LabelReading(LabelKind.RESOLVES if loaded else LabelKind.DANGLES, version)


def _labels(entry: ModelConfig, seen: ObservedModel, loaded: set[int]) -> tuple[tuple[str, LabelReading], ...]:
    readings = {label: _UNDEFINED for label, _ in seen.labels}
    for label, version in entry.labels:
        readings[label] = _reading(version, loaded=version in loaded)
    return tuple(sorted(readings.items()))
