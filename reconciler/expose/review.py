"""A plan for reviewers: what a pull request would do, and everything they should know beside it, as one value.

Made by `cli/planning.py`, rendered by `markdown.py`. Deliberately not here: layout, and making any of it.
"""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass

from reconciler.expose import outline, words
from reconciler.expose.changes import Changes
from reconciler.state.desired import Desired, Fleet
from reconciler.state.plan import Plan


@dataclass(frozen=True, slots=True)
class Review:
    """One plan to be reviewed.

    key: what tells this comment from that of another path or fleet (`comment_key`). changes: None where no commit is
    compared with. notices: what must be known of how the plan was made. warnings: of the documents, as printable lines,
    with those the base has already counted in `known_warnings`. unknown: what cannot be told from here, and how to get
    it. orders: how each fleet that changes takes it up. command: prints all of it.
    """

    plan: Plan
    subject: outline.Subject
    key: str = ""
    changes: Changes | None = None
    notices: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    known_warnings: int = 0
    unknown: tuple[str, ...] = ()
    orders: tuple[str, ...] = ()
    command: str = "reconciler plan"


def comment_key(*parts: str) -> str:
    """A key for one path and one fleet: readable, always the same, and nothing that could end a comment of HTML."""
    readable = ".".join(re.sub(r"[^A-Za-z0-9_.]+", "-", part).strip("-.")[:40] or "all" for part in parts)
    return f"{readable}.{hashlib.sha256(chr(0).join(parts).encode(errors='replace')).hexdigest()[:8]}"


def orders(desired: Desired, plan: Plan) -> tuple[str, ...]:
    """How each fleet with something to do takes it up: waves, how many at a time."""
    busy = {each.server.partition("/")[0] for each in plan.servers if each.passes or each.holds}
    fleets = {server.fleet.name: server.fleet for server in desired.servers if server.fleet.name in busy}
    return tuple(f"Fleet {name}: {text}" for name in sorted(fleets) if (text := "; ".join(_order(fleets[name]))))


def _order(fleet: Fleet) -> Iterator[str]:
    rollout = fleet.rollout
    if rollout is None:
        return
    waves = ", then ".join(
        wave.name + (f" (and {words.duration(wave.pause)} of pause)" if wave.pause else "") for wave in rollout.waves
    )
    if waves:
        yield f"waves {waves}"
    yield f"{words.count(rollout.max_concurrent, 'server')} at a time"
    yield f"it stops when {words.count(rollout.max_unavailable, 'server')} cannot be reached"
