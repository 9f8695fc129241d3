"""The plan of every server of a commit, with what may begin where.

Called by the command line, which sees all servers at once. The service's lanes each plan their own server and share
only permits (`loop/permits.py`).
"""

from collections.abc import Mapping
from dataclasses import replace
from itertools import groupby

from reconciler.plan.progress import progress
from reconciler.plan.road import plan_server
from reconciler.plan.waves import takes_turns, vetoes
from reconciler.state.desired import Desired, DesiredServer
from reconciler.state.look import ReachKind
from reconciler.state.memory import Standing
from reconciler.state.observed import Observed
from reconciler.state.plan import Plan


def plan(desired: Desired, observed: Mapping[str, Observed]) -> Plan:
    """The plan of every server of a commit. A server without an observation counts as unreachable.

    Args:
        desired: what the commit asks for.
        observed: what is believed of each server, by id.

    Returns:
        One ServerPlan per server, ascending by id. Equal inputs give equal plans.
    """
    seen = {server.id: observed.get(server.id) or _unseen(server) for server in desired.servers}
    free = {server.id: plan_server(desired.commit, server, seen[server.id]) for server in desired.servers}
    for _, group in groupby(desired.servers, key=lambda server: server.fleet.name):
        servers = tuple(group)
        if (len(servers) == 1 and servers[0].fleet.rollout is None) or not takes_turns(servers):
            continue
        found = {each.id: progress(desired.commit, each, seen[each.id], free[each.id]) for each in servers}
        now = max(seen[server.id].at for server in servers)
        for name, held in vetoes(servers, found, (), now).items():
            server = next(each for each in servers if each.id == name)
            free[name] = plan_server(desired.commit, server, seen[name], held)
    return Plan(desired.commit.id, tuple(free[server.id] for server in desired.servers))


def _unseen(server: DesiredServer) -> Observed:
    blank = Observed(server.id, 0.0, standing=Standing.LOST)
    return replace(blank, reach=replace(blank.reach, kind=ReachKind.UNREACHABLE, detail="not looked at"))
