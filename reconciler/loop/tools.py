"""What every lane works with, given once by the composition: ports, the listener, the pace.

Nothing here decides anything.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeAlias

from reconciler.loop.events import Event, Events
from reconciler.loop.permits import Permits
from reconciler.ports import Clock, Ledger, Offload, ServingClients, VersionStore
from reconciler.state.config import ServerConfig
from reconciler.state.desired import Commit, DesiredServer
from reconciler.state.outcome import Notice
from reconciler.state.plan import ServerPlan

Bootstrap: TypeAlias = Callable[[str, ServerConfig], None]


@dataclass(frozen=True, slots=True)
class Pace:
    """How often a lane looks, in seconds.

    idle: with nothing to do. moving, slow: while something is on its way, and when it has not moved for `patience`.
    lost, gone: an unreachable server, at first and after a minute; pauses between double.
    """

    idle: float = 10.0
    moving: float = 0.05
    slow: float = 0.1
    patience: float = 5.0
    lost: float = 0.25
    gone: float = 5.0


@dataclass(frozen=True, slots=True)
class Tools:
    """The ports of a lane, who listens, and how fast it goes.

    dump: a plan as the text that the store keeps, and that `status` and `explain` read back. bootstrap: replaces the
    file at a path (by rename) with a config that a server reads at its start; blocking, raises OSError. gate: how many
    answering servers are looked at together. Without it a thousand servers' questions would queue in this process until
    their own deadlines passed, and healthy servers would seem slow. permits: what joins the lanes of a fleet. notices:
    what statuses say of models (documents) whose spec was taken back automatically while git still asks for it.
    """

    clients: ServingClients
    store: VersionStore
    ledger: Ledger
    clock: Clock
    tell: Events
    offload: Offload
    dump: Callable[[ServerPlan], str]
    bootstrap: Bootstrap | None = None
    pace: Pace = Pace()
    gate: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(32))
    permits: Permits = field(default_factory=Permits)
    notices: dict[str, Notice | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Aim:
    """What a lane works towards: a server as one commit wants it.

    labels_age: after how many seconds its labels are read back although nothing speaks for a change.
    """

    commit: Commit
    server: DesiredServer
    labels_age: float = 60.0


def deaf(_event: Event) -> None:
    """A listener that listens to nothing."""
