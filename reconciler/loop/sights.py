"""What the lanes know of every model that asks for bots, for one look of them.

Used by `Bots` only. Cheap where nothing is asked: a lane's plan and statuses are read as its latest turn left them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from reconciler import propose, windows
from reconciler.loop.lane import Lane
from reconciler.propose import Stands
from reconciler.state.desired import Desired, DesiredModel, DesiredServer


@dataclass(slots=True)
class Sight:
    """One model with every server that shall have it, and the lane of each. failed: a plan says that its spec has."""

    model: DesiredModel
    commit: str
    places: list[tuple[DesiredServer, Lane | None]] = field(default_factory=list)
    failed: bool = False

    def stands(self) -> tuple[Stands, ...]:
        """How it stands on each, ascending by server."""
        return tuple(self._at(server, lane) for server, lane in self.places)

    def wake(self) -> None:
        """Have its lanes tell their statuses anew."""
        for _, lane in self.places:
            if lane is not None:
                lane.permitted()

    def _at(self, server: DesiredServer, lane: Lane | None) -> Stands:
        model = server.model(self.model.name) or self.model
        if lane is None or lane.observed is None:
            return Stands(server.id, why="was not looked at yet")
        told = next((each for each in lane.statuses if each.model == model.name and each.commit == self.commit), None)
        found = propose.stands(server.id, model, told, lane.plan, lane.observed)
        return replace(found, closed=_closed(server, model, lane.observed.at))


def _closed(server: DesiredServer, model: DesiredModel, at: float) -> str:
    """Why nothing new may begin there at that time: a commit for it would only lie in wait."""
    for suspend, what in ((server.fleet.suspend, "its Fleet"), (server.suspend, "it"), (model.suspend, "the model")):
        if suspend is not None and suspend.stands(at):
            return f"{what} is suspended by {suspend.by} ({suspend.reason})"
    freeze = windows.frozen(server.fleet.windows, at)
    return f"{freeze.window} of Fleet {server.fleet.name} lets no change begin" if freeze is not None else ""


Places: TypeAlias = dict[str, list[tuple[DesiredServer, DesiredModel]]]
"""The servers of every model that asks for bots, by document, ascending."""


def places(desired: Desired) -> Places:
    """Where the models are that ask; worked out once per desired state, because most ask for nothing."""
    found: Places = {}
    for server in desired.servers:
        for model in server.models:
            if model.automation.asks:
                found.setdefault(model.document, []).append((server, model))
    return dict(sorted(found.items()))


def sights(commit: str, asking: Places, lanes: Mapping[str, Lane]) -> list[Sight]:
    """Every model that asks for bots, ascending by document; `commit` is the one in force."""
    found = []
    for group in asking.values():
        sight = Sight(group[0][1], commit)
        for server, model in group:
            lane = lanes.get(server.id)
            sight.places.append((server, lane))
            sight.failed |= lane is not None and _has_failed(lane, model.name)
        found.append(sight)
    return found


def _has_failed(lane: Lane, name: str) -> bool:
    return any(hold.model == name and hold.reason in propose.FAILURES for hold in lane.plan.holds)
