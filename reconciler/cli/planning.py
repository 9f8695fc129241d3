"""Making a plan for the command line: which commit, against what, and the values to show.

Called by `plan`, `diff`, `render` and `apply --plan`. Deciding is `plan/`'s; here its two arguments are brought
together.
"""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace

from reconciler import plan as planner
from reconciler import windows
from reconciler.cli import collector, repository, wiring
from reconciler.cli.exits import Misused
from reconciler.cli.options import ReferenceOptions, RepositoryOptions, StateOptions
from reconciler.expose import words
from reconciler.expose.outline import Subject
from reconciler.plan import blast
from reconciler.state.desired import Desired, DesiredServer
from reconciler.state.observed import Observed
from reconciler.state.plan import Freeze, Pass, Plan


@dataclass(frozen=True, slots=True)
class Made:
    """A plan with what it was made from. `base`: the commit servers are assumed to be at; None: they were asked."""

    plan: Plan
    desired: Desired
    observed: Mapping[str, Observed]
    base: Desired | None
    warnings: tuple[str, ...]

    @property
    def subject(self) -> Subject:
        """For the headings of renderings."""
        return Subject(self.desired.commit, basis(self.base))


def basis(base: Desired | None) -> str:
    """What a plan starts from, in words."""
    return "the servers as observed now" if base is None else f"servers converged at commit {base.commit.short}"


def make(options: RepositoryOptions, state: StateOptions, references: ReferenceOptions) -> Made:
    """The plan asked for.

    Raises:
        DesiredInvalid: a commit has problems.
        SourceError: the repository cannot give a commit.
    """
    source = repository.for_reading(options, state.directory())
    commit = repository.commit_named(source, references.to, options)
    repository.verified(source, commit, options, wiring.in_force(state.directory()))
    wanted = repository.wanted(source, commit, options.path)
    if references.from_ is None:
        wanted = replace(wanted, desired=wiring.judged(wanted.desired, source, options.path, state.directory()))
        observed = asyncio.run(wiring.look_at(wanted.desired, state.directory()))
        return _made(wanted, observed, None)
    before = repository.commit_named(source, references.from_, options)
    base = repository.wanted(source, before, options.path).desired
    fleets = {server.fleet.name for server in base.servers}
    wanted = replace(wanted, desired=blast.judged(wanted.desired, dict.fromkeys(fleets, base)).desired)
    return _made(wanted, converged_at(base, wanted.desired), base)


def converged_at(base: Desired, wanted: Desired) -> dict[str, Observed]:
    """Every wanted server as it would be observed at rest on `base`, with the files of both commits in storage."""
    return {
        server.id: planner.at_rest(base.server(server.id) or _empty(server), also=server) for server in wanted.servers
    }


def _empty(server: DesiredServer) -> DesiredServer:
    """A server that the base commit does not know: taken to run with an empty config."""
    return replace(server, models=())


def _made(wanted: repository.Wanted, observed: Mapping[str, Observed], base: Desired | None) -> Made:
    with collector.paused():
        plan = planner.plan(wanted.desired, observed, freezes(wanted.desired))
    return Made(plan, wanted.desired, observed, base, wanted.warnings)


def freezes(desired: Desired) -> dict[str, Freeze]:
    """What keeps changes from beginning at this moment, by fleet."""
    fleets = {server.fleet.name: server.fleet for server in desired.servers}
    found = {name: windows.frozen(fleet.windows, time.time()) for name, fleet in fleets.items()}
    return {name: freeze for name, freeze in found.items() if freeze is not None}


def server_named(desired: Desired, name: str) -> DesiredServer:
    """The server `fleet/server`, or the only one whose own name it is. Raises Misused where that is not one."""
    found = [server for server in desired.servers if name in (server.id, server.name)]
    if len(found) == 1:
        return found[0]
    known = ", ".join(server.id for server in found or desired.servers) or "none"
    problem = f"{name} names several servers" if found else f"No Fleet lists a server {name}"
    raise Misused(f"{problem}. Give one of: {known}.")


def pass_of(plan: Plan, server: str, number: int) -> Pass:
    """That pass of that server's plan. Raises Misused where the plan has no such pass."""
    passes = next((each.passes for each in plan.servers if each.server == server), ())
    found = next((each for each in passes if each.number == number), None)
    if found is None:
        raise Misused(f"The plan of {server} has {words.count(len(passes), 'pass')}, so there is no pass {number}.")
    return found
