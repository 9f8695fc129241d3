"""A plan made for reviewers: what is changed, what cannot be known from here, and the road beyond a suspension.

Called by `plan -o markdown`. The plan itself is `planning.py`'s; the rendering is `expose/`'s.
"""

import shlex
from collections.abc import Iterator
from dataclasses import replace

from reconciler import plan as planner
from reconciler.cli import comparing
from reconciler.cli.options import ReferenceOptions, RepositoryOptions, ReviewOptions
from reconciler.cli.planning import Made
from reconciler.expose import changes
from reconciler.expose.review import Review, comment_key, orders
from reconciler.state.desired import Desired, DesiredServer
from reconciler.state.look import ASSUMED, PathFacts, Presence
from reconciler.state.plan import ActionKind, HoldReason, Plan, ServerPlan


def key(options: RepositoryOptions, how: ReviewOptions) -> str:
    """What tells this comment from that of another folder or fleet of the same pull request."""
    return comment_key(options.path.strip("/"), ",".join(sorted(how.fleet or ())))


def review(made: Made, options: RepositoryOptions, references: ReferenceOptions, how: ReviewOptions) -> Review:
    """The plan as reviewers need it."""
    new = tuple(line for line in made.warnings if not comparing.is_known(line, made.known))
    plan = beyond_suspension(made)
    return Review(
        plan,
        made.subject,
        key(options, how),
        None if made.base is None else changes.between(made.base, made.desired),
        made.notices,
        new,
        len(made.warnings) - len(new),
        tuple(_unknown(made, plan, how)),
        orders(made.desired, plan),
        command(options, references, how),
    )


def command(options: RepositoryOptions, references: ReferenceOptions, how: ReviewOptions) -> str:
    """The call that prints all of it, as a person would type it."""
    words = ["reconciler", "plan"]
    words += ["--path", options.path] if options.path else []
    words += ["--from", references.from_] if references.from_ else []
    words += ["--to", references.to] if references.to else []
    words += [f"--{name}" for name in ("merge", "live", "storage") if getattr(how, name)]
    words += [part for name in how.fleet or () for part in ("--fleet", name)]
    return shlex.join(words)


def beyond_suspension(made: Made) -> Plan:
    """The plan, with the road shown that begins where a suspension ends: reviewers decide about that, too."""
    held = {each.server for each in made.plan.servers if _suspended(each)}
    if not held:
        return made.plan
    servers = tuple(replace(each, suspend=None) for each in map(_unsuspended, made.desired.servers) if each.id in held)
    free = planner.plan(replace(made.desired, servers=servers), made.observed)
    roads = {each.server: each for each in free.servers}
    return replace(made.plan, servers=tuple(_with_road(each, roads.get(each.server)) for each in made.plan.servers))


def _suspended(server: ServerPlan) -> bool:
    return any(hold.reason is HoldReason.SUSPENDED for hold in server.holds)


def _unsuspended(server: DesiredServer) -> DesiredServer:
    models = tuple(replace(model, suspend=None) for model in server.models)
    return replace(server, models=models, fleet=replace(server.fleet, suspend=None))


def _with_road(held: ServerPlan, free: ServerPlan | None) -> ServerPlan:
    if free is None:
        return held
    holds = (*held.holds, *(each for each in free.holds if each not in held.holds))
    return replace(held, passes=free.passes, warnings=free.warnings, memory=free.memory, holds=holds, waiting=True)


def _unknown(made: Made, plan: Plan, how: ReviewOptions) -> Iterator[str]:
    """What a plan without servers, or without storage, cannot tell; and how to have it told."""
    if made.rest and made.base is not None:
        yield (
            f"The servers were not asked: they are taken to serve what {made.base.commit.short} says. `--live` asks "
            "them, from where they can be reached."
        )
    if made.rest and not how.storage and (loads := _loads(plan)):
        yield (
            f"Storage was not looked at. Whether the files of {loads} are there and complete, how compatible they are "
            "with what clients use now, how much memory they take and how long they load is not known. `--storage` "
            "looks, from where the model files can be read."
        )
    yield from _unseen(made.desired, made) if how.storage or not made.rest else ()


def _loads(plan: Plan) -> str:
    kinds = (ActionKind.LOAD, ActionKind.ADD_MODEL)
    actions = (each for server in plan.servers for body in server.passes for each in body.actions if each.kind in kinds)
    found = sorted({f"{each.model} {each.version}" for each in actions if each.version is not None})
    more = f" and {len(found) - 5} more" if len(found) > 5 else ""
    return ", ".join(found[:5]) + more


def _unseen(desired: Desired, made: Made) -> Iterator[str]:
    """Base paths that could not be seen, each with why, once for all servers."""
    paths = {each.base_path for server in desired.servers for each in server.models}
    seen = (path for observed in made.observed.values() for path in observed.paths)
    told = {path.base_path: path.detail for path in seen if path.base_path in paths and _was_not_seen(path)}
    yield from (f"Storage of {path} was not seen: {why}." for path, why in sorted(told.items())[:5])


def _was_not_seen(path: PathFacts) -> bool:
    assumed = any(files.fingerprint == ASSUMED for files in path.versions)
    return bool(path.detail) and (assumed or path.presence is Presence.UNSEEN)
