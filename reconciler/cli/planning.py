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
from reconciler.cli import collector, comparing, repository, wiring
from reconciler.cli.exits import Misused
from reconciler.cli.options import ReferenceOptions, RepositoryOptions, ReviewOptions, StateOptions
from reconciler.expose import words
from reconciler.expose.outline import Subject
from reconciler.plan import blast
from reconciler.state.desired import Desired, DesiredServer, Suspend
from reconciler.state.observed import Observed
from reconciler.state.plan import Freeze, Pass, Plan
from reconciler.state.signature import Verify

PLAIN = ReviewOptions()


@dataclass(frozen=True, slots=True)
class Made:
    """A plan with what it was made from.

    base: the commit that is compared with, None where none is. rest: whether servers are assumed to be at it; otherwise
    they were asked. notices: what must be known of how the plan was made. known: warnings that the base has as well.
    """

    plan: Plan
    desired: Desired
    observed: Mapping[str, Observed]
    base: Desired | None
    warnings: tuple[str, ...]
    rest: bool = False
    notices: tuple[str, ...] = ()
    known: frozenset[str] = frozenset()

    @property
    def subject(self) -> Subject:
        """For the headings of renderings."""
        return Subject(self.desired.commit, basis(self.base if self.rest else None))


def basis(base: Desired | None) -> str:
    """What a plan starts from, in words."""
    return "the servers as observed now" if base is None else f"servers converged at commit {base.commit.short}"


def make(
    options: RepositoryOptions, state: StateOptions, references: ReferenceOptions, how: ReviewOptions = PLAIN
) -> Made:
    """The plan asked for.

    Raises:
        DesiredInvalid: a commit has problems.
        MergeConflict: the two commits cannot be merged.
        SourceError: the repository cannot give a commit.
        Misused: options that mean nothing together, or a fleet that there is not.
    """
    source = repository.for_reading(options, state.directory())
    if references.from_ is None and not how.merge:
        commit = repository.commit_named(source, references.to, options)
        repository.verified(source, commit, options, wiring.in_force(state.directory()))
        wanted = _only(repository.wanted(source, commit, options.path), how)
        wanted = replace(wanted, desired=wiring.judged(wanted.desired, source, options.path, state.directory()))
        return _made(wanted, asyncio.run(wiring.look_at(wanted.desired, state.directory())))
    found = comparing.compared(source, options, references, merge=how.merge)
    if not how.merge:  # what a merge gives has no signature yet: the host's merge commit will have
        repository.verified(source, found.head, options, wiring.in_force(state.directory()))
    wanted = _only(found.wanted, how)
    base = replace(found.base, servers=tuple(each for each in found.base.servers if _chosen(each, how)))
    fleets = {server.fleet.name for server in base.servers}
    wanted = replace(wanted, desired=blast.judged(_current(wanted.desired), dict.fromkeys(fleets, base)).desired)
    made = _made(wanted, _seen(base, wanted.desired, state, how))
    notices = (*found.notices, *_unsigned(options, how))
    return replace(made, base=base, rest=not how.live, notices=notices, known=found.known_warnings)


def _unsigned(options: RepositoryOptions, how: ReviewOptions) -> tuple[str, ...]:
    """That a merge was planned without a look at signatures, where somebody asked for one."""
    if not how.merge or options.verify is Verify.NONE:
        return ()
    return (
        f"No signature was checked, in spite of --verify {options.verify}: what a merge gives is signed when it is "
        "made. The commit that lands on the branch has to be signed by a trusted key, or it is not put in force.",
    )


def _seen(base: Desired, wanted: Desired, state: StateOptions, how: ReviewOptions) -> Mapping[str, Observed]:
    if how.live:
        return asyncio.run(wiring.look_at(wanted, state.directory()))
    rest = converged_at(base, wanted)
    return asyncio.run(wiring.look_at_storage(wanted, rest)) if how.storage else rest


def converged_at(base: Desired, wanted: Desired) -> dict[str, Observed]:
    """Every wanted server as it would be observed at rest on `base`, with the files of both commits in storage."""
    return {server.id: _converged(base.server(server.id) or _empty(server), server) for server in wanted.servers}


def _converged(base: DesiredServer, wanted: DesiredServer) -> Observed:
    """At rest, and remembered to have come there: what a commit leaves alone waits for no wave and no window."""
    observed = planner.at_rest(base, also=wanted)
    goods = planner.reached(base, observed)
    return replace(observed, good=goods, specs=tuple((good.config.name, good.digest) for good in goods))


def _current(desired: Desired) -> Desired:
    """Without suspensions whose time is over: servers at rest are observed at no time at all."""
    now = time.time()

    def standing(suspend: Suspend | None) -> Suspend | None:
        return suspend if suspend is not None and suspend.stands(now) else None

    def current(server: DesiredServer) -> DesiredServer:
        models = tuple(
            replace(each, suspend=standing(each.suspend)) if each.suspend is not None else each
            for each in server.models
        )
        fleet = replace(server.fleet, suspend=standing(server.fleet.suspend))
        return replace(server, suspend=standing(server.suspend), fleet=fleet, models=models)

    return replace(desired, servers=tuple(map(current, desired.servers)))


def _empty(server: DesiredServer) -> DesiredServer:
    """A server that the base commit does not know: taken to run with an empty config."""
    return replace(server, models=())


def _only(wanted: repository.Wanted, how: ReviewOptions) -> repository.Wanted:
    """What concerns the fleets asked for. Raises Misused for one that there is not."""
    there = {server.fleet.name for server in wanted.desired.servers}
    missing = sorted(set(how.fleet or ()) - there)
    if missing:
        raise Misused(
            f"There is no Fleet {missing[0]} with servers. Give one of: {', '.join(sorted(there)) or 'none'}."
        )
    servers = tuple(each for each in wanted.desired.servers if _chosen(each, how))
    return replace(wanted, desired=replace(wanted.desired, servers=servers))


def _chosen(server: DesiredServer, how: ReviewOptions) -> bool:
    return not how.fleet or server.fleet.name in how.fleet


def _made(wanted: repository.Wanted, observed: Mapping[str, Observed]) -> Made:
    with collector.paused():
        plan = planner.plan(wanted.desired, observed, freezes(wanted.desired))
    return Made(plan, wanted.desired, observed, None, wanted.warnings)


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
