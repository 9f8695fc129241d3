"""What the lanes know of every model that asks for bots, for one look of them.

Used by `Bots` only. Cheap where nothing is asked: a lane's plan and statuses are read as its latest turn left them.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from reconciler import propose
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
        return propose.stands(server.id, model, told, lane.plan, lane.observed)


def sights(desired: Desired, lanes: Mapping[str, Lane]) -> Iterable[Sight]:
    """Every model that asks for bots, ascending by document."""
    found: dict[str, Sight] = {}
    for server in desired.servers:
        lane = lanes.get(server.id)
        failed = (
            {hold.model for hold in lane.plan.holds if hold.reason in propose.FAILURES} if lane is not None else set()
        )
        for model in server.models:
            if model.automation.asks:
                sight = found.setdefault(model.document, Sight(model, desired.commit.id))
                sight.places.append((server, lane))
                sight.failed |= model.name in failed
    return [sight for _, sight in sorted(found.items())]
