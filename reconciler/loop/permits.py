"""Permits: the one thing that joins the lanes of a fleet (`rollout`, and one exchange under `resource` at a time).

One `Permits` per process, shared by all lanes through `Tools`. A lane tells how far its server is and is told what may
not begin there; lanes that wait are woken when somebody else's progress may have opened the way. Everything is decided
by `plan/waves.py` from the progress of all; what is remembered here is only who was given a permit and has not shown
yet what it does with it. After a restart nobody has looked yet, so nothing new begins until everybody has.

All calls come from one event loop, so that two lanes cannot be given the same place.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace

from reconciler import plan as planning
from reconciler.plan import Progress, Vetoes
from reconciler.state.desired import DesiredServer


class Permits:
    """The progress of every server, by fleet. `wake` is called with the ids of servers that may go on now."""

    def __init__(self) -> None:
        self._fleets: dict[str, tuple[DesiredServer, ...]] = {}
        self._told: dict[str, Progress] = {}
        self._holders: set[str] = set()
        self._held: dict[str, Vetoes] = {}
        self.wake: Callable[[str], None] = _nobody

    def aim_at(self, servers: Iterable[DesiredServer], changed: Collection[str]) -> None:
        """Other servers, or something else asked of some (`changed`, ids): what those told does not count any more."""
        fleets: defaultdict[str, list[DesiredServer]] = defaultdict(list)
        for server in servers:
            fleets[server.fleet.name].append(server)
        self._fleets = {name: tuple(group) for name, group in fleets.items() if planning.takes_turns(group)}
        everyone = {server.id for group in self._fleets.values() for server in group}
        joined = everyone - set(changed)
        told = {name: each for name, each in self._told.items() if name in joined}
        self._told = {name: told.get(name, planning.NOT_YET) for name in sorted(everyone)}
        self._held = {name: held for name, held in self._held.items() if name in joined}
        self._holders &= joined
        for name, held in self._held.items():
            if held:  # whom it waits for may be gone, or have something else to do now
                self.wake(name)

    def joins(self, server: DesiredServer) -> bool:
        """Whether this server may have to wait for others at all."""
        return server.fleet.name in self._fleets

    def ask(self, server: DesiredServer, progress: Progress, now: float) -> Vetoes:
        """Say how far a server is, and hear what may not begin there now."""
        news = self._told.get(server.id) != progress
        self._told[server.id] = progress
        if not progress.pending:
            self._holders.discard(server.id)
            if not (news or progress.takes_labels):
                return planning.FREE
        held = self._judge(server.fleet.name, now, asking=server.id)
        mine = held.get(server.id, planning.FREE)
        if planning.may_begin(progress, mine):
            self._holders.add(server.id)
        if news:
            self._judge_elsewhere(server.fleet.name, now)
        return mine

    def lost(self, server: DesiredServer, why: str, now: float) -> None:
        """Nothing more comes from a server's lane for now: it gives back what it was given, and counts as lost."""
        if self.joins(server) and server.id in self._told:
            self._told[server.id] = replace(self._told[server.id], lost=why, unknown=False)
            self._holders.discard(server.id)
            self._judge(server.fleet.name, now, asking=server.id)
            self._judge_elsewhere(server.fleet.name, now)

    def _judge(self, fleet: str, now: float, *, asking: str) -> Mapping[str, Vetoes]:
        """What may not begin in a fleet; the lanes for which that is another thing than before are woken."""
        held = planning.vetoes(self._fleets[fleet], self._told, self._holders, now)
        for server in self._fleets[fleet]:
            self._hear(server.id, held.get(server.id, planning.FREE), asking=asking)
        return held

    def _judge_elsewhere(self, fleet: str, now: float) -> None:
        """Servers of other fleets may wait for a label to be answered by somebody else."""
        for name, servers in self._fleets.items():
            if name != fleet and any(
                map(planning.waits_for_answers, (self._held.get(each.id, {}) for each in servers))
            ):
                self._judge(name, now, asking="")

    def _hear(self, server: str, held: Vetoes, *, asking: str) -> None:
        """Wake a lane whose server may begin something that it might not before, or from another time on."""
        before, self._held[server] = self._held.get(server, planning.FREE), held
        times = {key: hold.until for key, hold in held.items()}
        if server != asking and any(key not in times or times[key] != hold.until for key, hold in before.items()):
            self.wake(server)


def _nobody(_server: str) -> None:
    """Nobody is there to be woken."""
