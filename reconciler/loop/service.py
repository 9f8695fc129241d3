"""The service: what is in force, refreshed by time and by trigger, and a lane for every server of it.

Owned by `reconciler run` and by the simulator. A refresh runs off the event loop. A trigger is a number that goes up:
one that comes during a refresh is seen when that ends, and none is ever lost. Whatever is wrong with the repository,
the lanes go on with what was in force.
Deliberately not here: signals and the state directory's lock (cli), reading git and documents (source, parse).
"""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Protocol

from reconciler.loop import reactions
from reconciler.loop.events import CommitInForce, SourceRecovered, SourceRenewed, SourceTrouble
from reconciler.loop.lanes import Lanes
from reconciler.loop.schedule import Timer
from reconciler.loop.tools import Tools
from reconciler.source import InForce, Trouble
from reconciler.state.desired import Desired

CLOSE_WITHIN = 3.0
"""Seconds that lanes get to end by themselves on SIGTERM; the process must be gone within five."""


class Repository(Protocol):
    """The desired-state repository as the service needs it (`source.Watch`). Its calls block.

    They never raise for what git does, and RecordError where what is in force cannot be noted.
    """

    def recall(self) -> InForce:
        """What was in force when it was last asked; nobody is asked now."""
        ...

    def refresh(self) -> InForce:
        """Ask the remote once, and say what is in force."""
        ...

    def insist(self) -> None:
        """Have the next refresh ask the remote even while it is left alone for not answering."""
        ...


class Service:
    """Keeps every server of the repository reconciled until told to stop."""

    def __init__(self, repository: Repository, tools: Tools, timer: Timer) -> None:
        self._repository = repository
        self._tools = tools
        self._timer = timer
        self._asked = 0
        self._ask = asyncio.Event()
        self._trouble: tuple[str, str] | None = None
        self._answer = InForce()
        self.desired: Desired | None = None
        self.lanes = Lanes(tools)
        self.refreshed = 0

    @property
    def in_force(self) -> InForce:
        """What the repository answered last."""
        return self._answer

    def trigger(self) -> int:
        """Have the repository asked soon, even one that did not answer lately (`sync`, a webhook).

        Returns:
            The number that `refreshed` reaches when that was done.
        """
        self._repository.insist()
        return self._tick()

    async def run(self, stop: asyncio.Event) -> None:
        """Work until `stop` is set; then end every lane, within seconds, with nothing half-written."""
        following = asyncio.create_task(self._follow(), name="repository")
        stopping = asyncio.create_task(stop.wait(), name="stop")
        try:
            await asyncio.wait({following, stopping}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._timer.stop()
            for task in (following, stopping):
                task.cancel()
            await self.lanes.close(CLOSE_WITHIN)
        if following.done() and not following.cancelled():
            following.result()

    async def _follow(self) -> None:
        self._take_up(await self._guarded(self._repository.recall))
        self._timer.start(self._timed)
        self._tick()
        while True:
            await self._ask.wait()
            self._ask.clear()
            asked = self._asked
            self._take_up(await self._guarded(self._repository.refresh))
            self.refreshed = asked

    def _timed(self) -> None:
        self._tick()

    def _tick(self) -> int:
        self._asked += 1
        self._ask.set()
        return self._asked

    async def _guarded(self, call: Callable[[], InForce]) -> InForce:
        """An error must not end the service: what is in force stays, and the next refresh tries again."""
        try:
            self._answer = await self._tools.offload(call)
        except Exception as error:  # whatever it is, `reactions` words it
            response = reactions.respond(error, 1)
            trouble = Trouble(response.reason, response.message, self._tools.clock.now())
            return replace(self._answer, trouble=trouble, renewed="")
        return self._answer

    def _take_up(self, found: InForce) -> None:
        now = self._tools.clock.now()
        if found.renewed:
            self._tools.tell(SourceRenewed(now, found.renewed))
        trouble = (found.trouble.reason, found.trouble.message) if found.trouble is not None else None
        if trouble != self._trouble:
            self._trouble = trouble
            self._tools.tell(SourceTrouble(now, *trouble) if trouble else SourceRecovered(now))
        if found.desired is None or found.desired is self.desired:
            return
        before = self.desired
        self.desired = found.desired
        if before is None:
            self.lanes.forget_unlisted(found.desired)
        changed = self.lanes.aim_at(found.desired)
        if before is None or before.commit.id != found.desired.commit.id:
            self._tools.tell(CommitInForce(now, found.desired.commit, changed, found.warnings))
