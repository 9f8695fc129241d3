"""Rules between documents, and the joining of all of them to servers with their models.

Called by `files.parse` once per commit, also when only one of ten thousand files changed: it runs over all documents
every time, so what it does per document is little. Deliberately not here: rules inside one document (`within.py`).
"""

import difflib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from reconciler.parse.documents import At, FleetDocument, Labels, ModelDocument, Name, Placement, ServerEntry
from reconciler.parse.problems import Problem, shown
from reconciler.state.desired import DeliveryMode, DesiredModel, DesiredServer, Fleet, Place, TransitionPolicy

_BUDGET = "say in its Fleet how much its models may take, such as `memory: {budget: 40GiB, reserve: 2GiB}`"


@dataclass(frozen=True, slots=True)
class PlacedModel:
    """A Model with the path of its file; `model` has its full place."""

    path: str
    said: ModelDocument
    model: DesiredModel


@dataclass(frozen=True, slots=True)
class PlacedFleet:
    """A Fleet with the path of its file; `fleet` has its full place."""

    path: str
    said: FleetDocument
    fleet: Fleet


@dataclass(slots=True)
class Repository:
    """Every document of a commit. `names` also holds those of unsound documents; `unreadable` counts files."""

    models: list[PlacedModel] = field(default_factory=list)
    fleets: list[PlacedFleet] = field(default_factory=list)
    names: list[tuple[str, Name]] = field(default_factory=list)
    unreadable: int = 0


@dataclass(slots=True)
class Joined:
    """The servers, ascending by id, with their models; and what was found on the way."""

    servers: tuple[DesiredServer, ...] = ()
    problems: list[Problem] = field(default_factory=list)
    warnings: list[Problem] = field(default_factory=list)


@dataclass(slots=True)
class _Server:
    """A server while its models are collected."""

    placed: PlacedFleet
    entry: ServerEntry
    models: dict[str, PlacedModel] = field(default_factory=dict)

    @property
    def id(self) -> str:
        return f"{self.placed.fleet.name}/{self.entry.name}"

    def desired(self) -> DesiredServer:
        """The finished server."""
        return DesiredServer(
            fleet=self.placed.fleet,
            name=self.entry.name,
            grpc=self.entry.grpc,
            rest=self.entry.rest,
            labels=self.entry.labels,
            suspend=self.entry.suspend,
            memory=self.entry.memory,
            models=tuple(self.models[name].model for name in sorted(self.models)),
            place=Place(self.placed.path, *self.entry.at),
        )


def join(repository: Repository) -> Joined:
    """The servers that the documents describe, and what is wrong between the documents."""
    joined = Joined()
    joined.problems += _names_twice(repository.names)
    fleets = {placed.fleet.name: placed for placed in reversed(repository.fleets)}
    servers = {
        name: [_Server(placed, entry) for entry in placed.said.servers] for name, placed in sorted(fleets.items())
    }
    everyone = [server for group in servers.values() for server in group]
    joined.problems += _addresses_twice(everyone)
    joined.problems += _files_twice(everyone)
    _Placing(repository, servers, joined).place_all()
    joined.servers = tuple(sorted((server.desired() for server in everyone), key=lambda server: server.id))
    return joined


class _Placing:
    """Puts Models onto servers; what depends only on fleet and selector, or fleet and path, is worked out once."""

    def __init__(self, repository: Repository, servers: dict[str, list[_Server]], joined: Joined) -> None:
        self._repository = repository
        self._servers = servers
        self._joined = joined
        self._chosen: dict[tuple[str, Labels], list[_Server]] = {}
        self._by_label: dict[str, dict[tuple[str, str], list[_Server]]] = {}
        self._covered: dict[tuple[str, str], bool] = {}
        self._unsound = {name.name for _, name in repository.names if name.kind == "Fleet"} - set(servers)

    def place_all(self) -> None:
        """Put every Model onto its servers."""
        for placed in self._repository.models:
            clashes: dict[str, list[str]] = {}
            for placement in placed.said.placements:
                for server in self._choose(placed, placement):
                    other = server.models.setdefault(placed.model.name, placed)
                    if other is not placed:
                        clashes.setdefault(other.model.document, []).append(server.id)
            self._joined.problems += _clashes(placed, clashes)
            self._joined.warnings += self._unlimited(placed)
            for name in {placement.fleet for placement in placed.said.placements} & self._servers.keys():
                self._suits(placed, name)

    def _unlimited(self, placed: PlacedModel) -> Iterator[Problem]:
        """Policy `auto` asks whether old and new fit; without a budget nothing says what fits."""
        if placed.model.transition.policy is not TransitionPolicy.AUTO:
            return
        chosen = [self._chosen.get((each.fleet, each.selector), []) for each in placed.said.placements]
        free = sorted({server.id for group in chosen for server in group if server.entry.memory is None})
        if free:
            more = f" and {len(free) - 1} more" if len(free) > 1 else ""
            what = f"{free[0]}{more} has no memory.budget, so policy `auto` always means `availability` there"
            yield Problem(placed.path, *placed.said.name_at, "auto-without-budget", what, _BUDGET)

    def _choose(self, placed: PlacedModel, placement: Placement) -> list[_Server]:
        group = self._servers.get(placement.fleet)
        if group is None:
            self._joined.problems += self._unknown_fleet(placed, placement)
            return []
        key = (placement.fleet, placement.selector)
        if key not in self._chosen:
            self._chosen[key] = self._matching(placement.fleet, placement.selector)
        if not self._chosen[key]:
            self._joined.problems.append(_nothing_selected(placed, placement, group))
        return self._chosen[key]

    def _matching(self, fleet: str, selector: Labels) -> list[_Server]:
        if not selector:
            return self._servers[fleet]
        if fleet not in self._by_label:
            by_label = self._by_label[fleet] = {}
            for server in self._servers[fleet]:
                for label in server.entry.labels:
                    by_label.setdefault(label, []).append(server)
        candidates = min((self._by_label[fleet].get(label, []) for label in selector), key=len)
        return [server for server in candidates if set(selector) <= set(server.entry.labels)]

    def _unknown_fleet(self, placed: PlacedModel, placement: Placement) -> Iterator[Problem]:
        if placement.fleet in self._unsound:
            return  # that document has problems of its own, which are reported
        near = difflib.get_close_matches(placement.fleet, self._servers, n=1)
        known = ", ".join(sorted(self._servers)[:10]) or "none"
        to_do = f"did you mean `{near[0]}`?" if near else f"add that Fleet, or name one of these: {known}"
        if self._repository.unreadable:
            to_do += f" ({self._repository.unreadable} files could not be read; it may be in one of them)"
        what = f"no document defines the Fleet {shown(placement.fleet)}"
        yield Problem(placed.path, *placement.fleet_at, "unknown-fleet", what, to_do)

    def _suits(self, placed: PlacedModel, name: str) -> None:
        fleet = self._servers[name][0].placed.fleet if self._servers[name] else None
        if fleet is None:
            return
        by_file = fleet.delivery.mode is DeliveryMode.FILE
        if placed.model.labels and by_file and not fleet.tf_serving.allow_labels_for_unavailable:
            self._joined.problems.append(_labels_by_file(placed, name))
        if not fleet.allow_unseen_storage and not self._seen(fleet, placed.model.base_path):
            self._joined.warnings.append(_unseen(placed, name))

    def _seen(self, fleet: Fleet, base_path: str) -> bool:
        key = (fleet.name, base_path)
        if key not in self._covered:
            prefixes = [mapping.server_path.rstrip("/") for mapping in fleet.storage]
            self._covered[key] = any(base_path == each or base_path.startswith(each + "/") for each in prefixes)
        return self._covered[key]


def _names_twice(names: Iterable[tuple[str, Name]]) -> Iterator[Problem]:
    first: dict[tuple[str, str], tuple[str, At]] = {}
    for path, name in names:
        known = first.setdefault((name.kind, name.name), (path, name.at))
        if known != (path, name.at):
            what = f"the {name.kind} {shown(name.name)} is already defined at {Place(known[0], *known[1])}"
            yield Problem(path, *name.at, "name-twice", what, "give one of the two another name, or remove it")


def _addresses_twice(servers: Iterable[_Server]) -> Iterator[Problem]:
    first: dict[str, str] = {}
    for server in servers:
        known = first.setdefault(server.entry.grpc, server.id)
        if known != server.id:
            what = f"{shown(server.entry.grpc)} is also the address of {known}; a server has one owner (E1)"
            to_do = "correct the address, or keep one of the two"
            yield Problem(server.placed.path, *server.entry.grpc_at, "address-twice", what, to_do)


def _files_twice(servers: Iterable[_Server]) -> Iterator[Problem]:
    first: dict[str, _Server] = {}
    for server in servers:
        delivery = server.placed.fleet.delivery
        for template in (delivery.bootstrap_file, delivery.config_file):
            if template is None:
                continue
            path = template.replace("{server}", server.entry.name)
            known = first.setdefault(path, server)
            if known.placed is not server.placed:  # within one fleet it is the rule file-shared
                what = f"the file {shown(path)} of {server.id} is also that of {known.id}"
                at = server.placed.said.file_at
                yield Problem(server.placed.path, *at, "file-shared", what, "give every fleet its own folder")


def _clashes(placed: PlacedModel, clashes: dict[str, list[str]]) -> Iterator[Problem]:
    for other, servers in clashes.items():
        more = f" and {len(servers) - 1} more" if len(servers) > 1 else ""
        what = f"{shown(placed.model.name)} is also served by the Model {shown(other)} on {servers[0]}{more}"
        to_do = "give one of the two another modelName, or place them on different servers"
        yield Problem(placed.path, *placed.said.name_at, "model-twice", what, to_do)


def _nothing_selected(placed: PlacedModel, placement: Placement, group: list[_Server]) -> Problem:
    wanted = ", ".join(f"{key}: {value}" for key, value in placement.selector)
    there = sorted({f"{key}: {value}" for server in group for key, value in server.entry.labels})
    what = f"no server of {shown(placement.fleet)} has the labels {shown(wanted)}"
    to_do = f"its servers have these: {', '.join(there[:20])}" if there else "its servers have no labels at all"
    if not group:
        what, to_do = (
            f"the Fleet {shown(placement.fleet)} has no servers",
            "add servers to it, or place the Model elsewhere",
        )
    return Problem(placed.path, *placement.selector_at, "nothing-selected", what, to_do)


def _labels_by_file(placed: PlacedModel, fleet: str) -> Problem:
    what = f"a server of {shown(fleet)} that starts from its config file with labels in it exits at once (E33)"
    to_do = (
        "start its servers with --allow_version_labels_for_unavailable_models and say so in tfServing, use delivery "
        "`rpc`, or remove the labels"
    )
    return Problem(placed.path, *placed.said.labels_at, "labels-by-file", what, to_do)


def _unseen(placed: PlacedModel, fleet: str) -> Problem:
    what = f"no storage entry of {shown(fleet)} covers {shown(placed.model.base_path)}: new versions will be held"
    to_do = "add an entry with such a serverPath, or consent with allowUnseenStorage"
    return Problem(placed.path, *placed.said.base_path_at, "storage-unseen", what, to_do)
