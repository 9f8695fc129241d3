"""The plan of every server of a commit, with what may begin where.

Called by the command line, which sees all servers at once. The service's lanes each plan their own server and share
only permits (`loop/permits.py`).
"""

from collections.abc import Mapping
from dataclasses import replace
from itertools import groupby
from types import MappingProxyType

from reconciler.plan.guards import guarded
from reconciler.plan.progress import progress
from reconciler.plan.road import plan_server
from reconciler.plan.vetoing import FREE
from reconciler.plan.waves import may_begin, takes_turns, vetoes
from reconciler.state.desired import Desired, DesiredServer
from reconciler.state.look import ReachKind
from reconciler.state.memory import Standing
from reconciler.state.observed import Observed
from reconciler.state.plan import Freeze, Plan

OPEN: Mapping[str, Freeze] = MappingProxyType({})
"""Nothing is frozen."""


def plan(desired: Desired, observed: Mapping[str, Observed], freezes: Mapping[str, Freeze] = OPEN) -> Plan:
    """The plan of every server of a commit. A server without an observation counts as unreachable.

    Args:
        desired: what the commit asks for.
        observed: what is believed of each server, by id.
        freezes: what keeps changes from beginning now, by fleet.

    Returns:
        One ServerPlan per server, ascending by id. Equal inputs give equal plans.
    """
    seen = {server.id: observed.get(server.id) or _unseen(server) for server in desired.servers}
    free = {server.id: plan_server(desired.commit, server, seen[server.id]) for server in desired.servers}
    guards = {
        server.id: guarded(server, seen[server.id], free[server.id], freezes.get(server.fleet.name))
        for server in desired.servers
    }
    held = {name: guard for name, guard in guards.items() if guard}
    fleets = [tuple(group) for _, group in groupby(desired.servers, key=lambda server: server.fleet.name)]
    fleets = [servers for servers in fleets if takes_turns(servers)]
    joined = [server for servers in fleets for server in servers]
    found = {each.id: progress(desired.commit, each, seen[each.id], free[each.id], guards[each.id]) for each in joined}
    begun: set[str] = set()
    for servers in fleets:
        now = max(seen[server.id].at for server in servers)
        turns = vetoes(servers, found, begun, now)
        begun |= {server.id for server in servers if may_begin(found[server.id], turns.get(server.id, FREE))}
        held |= {name: {**mine, **guards[name]} for name, mine in turns.items()}
    for server in desired.servers:
        if server.id in held:
            free[server.id] = plan_server(desired.commit, server, seen[server.id], held[server.id])
    return Plan(desired.commit.id, tuple(free[server.id] for server in desired.servers))


def _unseen(server: DesiredServer) -> Observed:
    blank = Observed(server.id, 0.0, standing=Standing.LOST)
    return replace(blank, reach=replace(blank.reach, kind=ReachKind.UNREACHABLE, detail="not looked at"))
