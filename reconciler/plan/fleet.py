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
from reconciler.plan.waves import takes_turns, vetoes
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
    for _, group in groupby(desired.servers, key=lambda server: server.fleet.name):
        servers = tuple(group)
        if (len(servers) == 1 and servers[0].fleet.rollout is None) or not takes_turns(servers):
            continue
        found = {
            each.id: progress(desired.commit, each, seen[each.id], free[each.id], guards[each.id]) for each in servers
        }
        now = max(seen[server.id].at for server in servers)
        for name, turns in vetoes(servers, found, (), now).items():
            held[name] = {**turns, **guards[name]}
    for server in desired.servers:
        if server.id in held:
            free[server.id] = plan_server(desired.commit, server, seen[server.id], held[server.id])
    return Plan(desired.commit.id, tuple(free[server.id] for server in desired.servers))


def _unseen(server: DesiredServer) -> Observed:
    blank = Observed(server.id, 0.0, standing=Standing.LOST)
    return replace(blank, reach=replace(blank.reach, kind=ReachKind.UNREACHABLE, detail="not looked at"))
