"""What one commit asks for that another did not: per model and per fleet, in words, folded over servers.

Called for plans between two commits (`markdown.py`). Compares what the documents say, not what servers do: order,
holds and forecasts are the plan's. Nothing that a document can say is left out: a field without words of its own is
named. Deliberately not here: layout.
"""

import dataclasses
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from reconciler.expose import words
from reconciler.state.desired import Desired, DesiredModel, DesiredServer, Fleet, Place, Suspend
from reconciler.state.versions import Specific, VersionPolicy


@dataclass(frozen=True, slots=True)
class ModelChange:
    """What changes of one model on some servers: labels, versions and the rest in words; where it is written."""

    model: str
    servers: tuple[str, ...]
    labels: tuple[str, ...] = ()
    versions: tuple[str, ...] = ()
    rest: tuple[str, ...] = ()
    place: Place = Place("")


@dataclass(frozen=True, slots=True)
class Removals:
    """Placements of one fleet that go, of all it had, against what it lets go without a word."""

    fleet: str
    gone: int
    of: int
    limit: str
    held: bool


@dataclass(frozen=True, slots=True)
class Changes:
    """Everything: models, ascending; fleets and their servers as sentences; removals by fleet, where there are any."""

    models: tuple[ModelChange, ...] = ()
    fleets: tuple[str, ...] = ()
    removals: tuple[Removals, ...] = ()

    @property
    def documents(self) -> tuple[str, ...]:
        """The names of the models that change, ascending."""
        return tuple(sorted({each.model for each in self.models}))


def between(before: Desired, after: Desired) -> Changes:
    """What `after` asks for that `before` did not."""
    old, new = ({server.id: server for server in each.servers} for each in (before, after))
    found: dict[ModelChange, list[str]] = {}
    for name in sorted(old.keys() & new.keys()):
        for change in _models(old[name], new[name]):
            found.setdefault(change, []).append(name)
    for name in sorted(new.keys() - old.keys()):
        for model in new[name].models:
            found.setdefault(_added(model), []).append(name)
    models = [dataclasses.replace(change, servers=tuple(servers)) for change, servers in found.items()]
    return Changes(
        tuple(sorted(models, key=lambda each: (each.model, each.servers))),
        tuple(_fleets(before, after)),
        tuple(_removals(old, new)),
    )


def _models(before: DesiredServer, after: DesiredServer) -> Iterator[ModelChange]:
    old, new = ({model.name: model for model in each.models} for each in (before, after))
    for name in sorted(old.keys() | new.keys()):
        was, now = old.get(name), new.get(name)
        if was is None and now is not None:
            yield _added(now)
        elif now is None and was is not None:
            yield _gone(was, prunes=after.prunes(was.prune))
        elif was is not None and now is not None:
            yield from _changed(was, now)


def _added(model: DesiredModel) -> ModelChange:
    labels = tuple(f"{label} {version} (new)" for label, version in model.labels)
    return ModelChange(model.document, (), labels, (words.policy(model.policy),), ("new here",), model.place)


def _gone(model: DesiredModel, *, prunes: bool) -> ModelChange:
    kept = "removed" if prunes else "no longer in git, and stays loaded: its fleet does not prune"
    labels = tuple(f"{label} {version} (goes)" if prunes else f"{label} {version}" for label, version in model.labels)
    return ModelChange(model.document, (), labels, (words.policy(model.policy),), (kept,), model.place)


def _changed(was: DesiredModel, now: DesiredModel) -> Iterator[ModelChange]:
    labels, versions = tuple(_labels(was, now)), tuple(_versions(was.policy, now.policy))
    rest = tuple(_rest(was, now))
    if labels or versions or rest:
        yield ModelChange(now.document, (), labels, versions, rest, now.place)


def _labels(was: DesiredModel, now: DesiredModel) -> Iterator[str]:
    before, after = dict(was.labels), dict(now.labels)
    for label in sorted(before.keys() | after.keys()):
        if label not in before:
            yield f"{label} {after[label]} (new)"
        elif label not in after:
            yield f"{label} {before[label]} (goes)"
        elif before[label] != after[label]:
            yield f"{label} {before[label]} → {after[label]}"


def _versions(was: VersionPolicy, now: VersionPolicy) -> Iterator[str]:
    if was == now:
        return
    if isinstance(was, Specific) and isinstance(now, Specific):
        yield from (f"+{each}" for each in now.versions if each not in was.versions)
        yield from (f"−{each}" for each in was.versions if each not in now.versions)
    else:
        yield f"{words.policy(was)} → {words.policy(now)}"


_OF_MODELS = frozenset({"policy", "labels", "place", "suspend", "checks", "transition"})


def _rest(was: DesiredModel, now: DesiredModel) -> Iterator[str]:
    yield from _suspension(was.suspend, now.suspend)
    yield from _fields(was.transition, now.transition, frozenset())
    old, new = ({check.name: check for check in each.checks} for each in (was, now))
    yield from (f"check {name} (new)" for name in sorted(new.keys() - old.keys()))
    yield from (f"check {name} (goes)" for name in sorted(old.keys() - new.keys()))
    yield from (f"check {name} changed" for name in sorted(old.keys() & new.keys()) if old[name] != new[name])
    yield from _fields(was, now, _OF_MODELS)


def _suspension(was: Suspend | None, now: Suspend | None) -> Iterator[str]:
    if was == now:
        return
    if now is None:
        yield "no longer suspended"
    else:
        until = f" until {words.moment(now.until)}" if now.until is not None else ""
        yield f"suspended{until} by {now.by}: {now.reason}"


def _fields(was: object, now: object, apart: frozenset[str]) -> Iterator[str]:
    """Every other field that differs: simple values with both sides, what is larger by its name."""
    for field in dataclasses.fields(was):  # type: ignore[arg-type]  # both are dataclasses of one kind
        old, new = getattr(was, field.name), getattr(now, field.name)
        if field.name not in apart and old != new:
            yield (
                f"{_camel(field.name)} {_shown(old)} → {_shown(new)}"
                if _is_plain(old, new)
                else (f"{_camel(field.name)} changed")
            )


def _is_plain(*values: object) -> bool:
    return all(value is None or isinstance(value, str | int | float) for value in values)


def _shown(value: object) -> str:
    match value:
        case None | "":
            return "none"
        case bool():
            return str(value).lower()
        case float():
            return words.duration(value)
        case _:
            return str(value)


def _camel(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(each.capitalize() for each in others)


# Fleets and servers


def _fleets(before: Desired, after: Desired) -> Iterator[str]:
    old, new = ({server.fleet.name: server.fleet for server in each.servers} for each in (before, after))
    was, now = ({server.id: server for server in each.servers} for each in (before, after))
    for name in sorted(old.keys() | new.keys()):
        yield from _members(name, was, now)
        if name in old and name in new:
            yield from (f"Fleet {name}: {each}" for each in _settings(old[name], new[name]))
    for server in sorted(was.keys() & now.keys()):
        yield from (f"{server}: {each}" for each in _server(was[server], now[server]))


def _members(fleet: str, was: dict[str, DesiredServer], now: dict[str, DesiredServer]) -> Iterator[str]:
    def listed(servers: dict[str, DesiredServer]) -> set[str]:
        return {server.name for server in servers.values() if server.fleet.name == fleet}

    before, after = listed(was), listed(now)
    if joins := sorted(after - before):
        yield f"Fleet {fleet}: {words.names(joins)} {_verb(joins, 'joins', 'join')}"
    if leaves := sorted(before - after):
        yield f"Fleet {fleet}: {words.names(leaves)} {_verb(leaves, 'leaves', 'leave')}: let go, not unloaded"


def _verb(names: list[str], one: str, several: str) -> str:
    return one if len(names) == 1 else several


def _settings(was: Fleet, now: Fleet) -> Iterator[str]:
    yield from _suspension(was.suspend, now.suspend)
    yield from _fields(was, now, frozenset({"name", "place", "suspend"}))


def _server(was: DesiredServer, now: DesiredServer) -> Iterator[str]:
    yield from _suspension(was.suspend, now.suspend)
    yield from _fields(was, now, frozenset({"fleet", "models", "place", "suspend", "blast"}))


def _removals(old: dict[str, DesiredServer], new: dict[str, DesiredServer]) -> Iterator[Removals]:
    both = [new[name] for name in sorted(old.keys() & new.keys())]
    for fleet in sorted({server.fleet.name for server in both}):
        servers = [server for server in both if server.fleet.name == fleet]
        gone = sum(_count(old[server.id].models, server, server.prunes) for server in servers)
        if gone:
            limits = servers[0].fleet.blast_radius
            percent = f", {limits.max_percent} %" if limits.max_percent is not None else ""
            of = sum(len(old[server.id].models) for server in servers)
            held = any(server.blast is not None for server in servers)
            yield Removals(fleet, gone, of, f"{limits.max_removals}{percent}", held)


def _count(models: Iterable[DesiredModel], server: DesiredServer, prunes: Callable[..., bool]) -> int:
    return sum(server.model(model.name) is None and prunes(model.prune) for model in models)
