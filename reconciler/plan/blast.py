"""Blast radius: whether one commit takes too many models off a fleet's servers at once.

Called where a commit is taken up (`source/baseline.py`) and by plans between two commits. Counted are placements: one
model on one server that listed it before and still is in its fleet, and that git would now have removed. A versions
list that gets shorter is a promotion like any other, and a server that leaves its fleet is let go, not emptied. What is
held is written on the servers (`DesiredServer.blast`), so that lanes hold just these removals; everything else of the
commit goes on. Deliberately not here: what a commit is compared with.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from reconciler.state.desired import Blast, BlastRadius, Desired, DesiredServer, Prune

Placed = Mapping[str, Prune]
"""Models by name, each with what its document said of pruning."""


@dataclass(frozen=True, slots=True)
class Judged:
    """A desired state with what is held written on its servers; the fleets of which nothing is."""

    desired: Desired
    passed: frozenset[str]


def judged(
    desired: Desired, before: Mapping[str, Desired | None], remembered: Mapping[str, Placed] | None = None
) -> Judged:
    """The desired state with the removals of each fleet held that are more than its blast radius allows.

    Args:
        desired: what a commit asks for.
        before: by fleet, what was let through last; None where that can no longer be read. Absent: nothing ever was.
        remembered: by server, what it is known to hold. It counts where the state before cannot be read, and where a
            fleet begins to prune: then models go that no document has named for long.
    """
    held: dict[str, DesiredServer] = {}
    passed: set[str] = set()
    fleets = {server.fleet.name: server.fleet for server in desired.servers}
    for name, fleet in fleets.items():
        servers = [server for server in desired.servers if server.fleet.name == name]
        if name not in before or desired.commit.confirms_blast:
            passed.add(name)
            continue
        was = {server.id: _was(server, before[name], (remembered or {}).get(server.id, {})) for server in servers}
        gone = {server.id: _gone(server, was[server.id]) for server in servers}
        removals, of = sum(map(len, gone.values())), sum(map(len, was.values()))
        limit = _exceeded(fleet.blast_radius, removals, of)
        if not limit:
            passed.add(name)
            continue
        base = before[name]
        since = base.commit.short if base is not None else ""
        for server in servers:
            if gone[server.id]:
                held[server.id] = replace(server, blast=Blast(gone[server.id], removals, of, limit, since))
    servers_now = tuple(held.get(server.id, server) for server in desired.servers)
    return Judged(replace(desired, servers=servers_now) if held else desired, frozenset(passed))


def _was(server: DesiredServer, base: Desired | None, remembered: Placed) -> Placed:
    """What the server held before, as far as is known; nothing of a server that its fleet did not list."""
    if base is None:
        return remembered
    before = base.server(server.id)
    if before is None:
        return {}
    placed = {model.name: model.prune for model in before.models}
    begins = server.fleet.prune and not before.fleet.prune
    return {**remembered, **placed} if begins else placed


def _gone(server: DesiredServer, was: Placed) -> tuple[str, ...]:
    now = {model.name for model in server.models}
    return tuple(sorted(name for name, wish in was.items() if name not in now and server.prunes(wish)))


def _exceeded(limits: BlastRadius, removals: int, of: int) -> str:
    """The limit that so many removals break, as written in a Fleet; "" where they break none."""
    if removals > limits.max_removals:
        return f"maxRemovals: {limits.max_removals}"
    if limits.max_percent is not None and removals * 100 > limits.max_percent * of:
        return f"maxPercent: {limits.max_percent}"
    return ""
