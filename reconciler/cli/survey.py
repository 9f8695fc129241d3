"""One look at every server, for commands that plan without a service: observe, believe, and remember nothing.

Called by `plan`, `diff` and `render`. The record is read where there is one, so that what a service knows counts;
nothing is written and no lock is taken. A server that does not answer is an observation like any other.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from reconciler import belief, observe
from reconciler.ports import Clock, ServingClients, VersionStore
from reconciler.state.desired import Desired, DesiredServer
from reconciler.state.memory import Memory
from reconciler.state.observed import Observed

AT_ONCE = 32
"""Servers looked at together; more would only queue in this process and seem slow."""

LOOKS = 2
"""The first look finds versions, the second asks for what that raised: proofs by number and labels."""


@dataclass(frozen=True, slots=True)
class Eyes:
    """What it takes to look."""

    clients: ServingClients
    store: VersionStore
    clock: Clock


async def survey(desired: Desired, memories: Mapping[str, Memory], eyes: Eyes) -> dict[str, Observed]:
    """What may be believed of every server now, by server id."""
    gate = asyncio.Semaphore(AT_ONCE)

    async def one(server: DesiredServer) -> Observed:
        async with gate:
            return await _look(server, memories.get(server.id), eyes)

    found = await asyncio.gather(*(one(server) for server in desired.servers))
    return {observed.server: observed for observed in found}


async def _look(server: DesiredServer, memory: Memory | None, eyes: Eyes) -> Observed:
    now = eyes.clock.now()
    known = belief.resumed(memory, now) if memory is not None else belief.first_contact(server)
    client = eyes.clients.client(server)
    for _ in range(LOOKS):
        asked = belief.questions(server, known, eyes.clock.now())
        look = await observe.look(client, eyes.store, server, asked, eyes.clock)
        known = belief.learn(server, known, look)
    return belief.believe(server, known, look)
