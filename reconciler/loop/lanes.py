"""The lanes of all servers of one desired state: opened, aimed anew and let go as Fleets list and drop servers.

Owned by `Service` and by `apply`. Lanes do not know of each other. A server that leaves its Fleet is let go: its lane
ends, and what it serves it goes on serving. Nothing is told of it any more; what is remembered of it is kept, for it
may be listed again.
"""

import asyncio
import contextlib
from collections import defaultdict

from reconciler.errors import RecordError
from reconciler.loop.events import LaneOpened, ServerLetGo
from reconciler.loop.lane import Lane
from reconciler.loop.rhythm import labels_age
from reconciler.loop.tools import Aim, Tools
from reconciler.state.desired import Desired, DesiredModel, DesiredServer
from reconciler.state.outcome import Status

WATCH_EVERY = 0.25
"""Seconds between two rounds of asking every connection whether it broke: a thousand of them take a millisecond."""


class Lanes:
    """Every lane with the task that runs it. `lanes` is by server id."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._leaving: dict[asyncio.Task[None], str] = {}
        self._watcher: asyncio.Task[None] | None = None
        self._told: dict[str, list[Status]] | None = None
        self.lanes: dict[str, Lane] = {}
        tools.permits.wake = self._permitted

    def _permitted(self, server_id: str) -> None:
        if server_id in self.lanes:
            self.lanes[server_id].permitted()

    def aim_at(self, desired: Desired) -> tuple[str, ...]:
        """Work towards this desired state; the ids of the servers that it asks something else of than before."""
        if self._watcher is None:
            self._watcher = asyncio.create_task(self._watch())
        wanted = {server.id: server for server in desired.servers}
        for server_id in self.lanes.keys() - wanted.keys():
            self._let_go(server_id)
        age = labels_age(desired.servers, self._tools.pace.idle)
        found = [self._take_up(Aim(desired.commit, server, age)) for server in wanted.values()]
        changed = tuple(sorted(server_id for server_id in found if server_id))
        self._tools.permits.aim_at(desired.servers, changed)
        return changed

    def forget_unlisted(self, desired: Desired) -> None:
        """Tell nothing more of servers that no Fleet lists: they left while nobody was there to let them go."""
        for server_id in sorted(self._recorded().keys() - {server.id for server in desired.servers}):
            self._forget(server_id)

    def look_now(self) -> None:
        """Have every server looked at at once."""
        for lane in self.lanes.values():
            lane.look_now()

    def retry(self, subject: str) -> tuple[str, ...]:
        """Try what a name is about anew: a model everywhere, a server, a server's model, or a fleet.

        Returns:
            What is tried anew, as `fleet/server/model`, ascending; empty where nothing has that name.
        """
        found = []
        for lane in self.lanes.values():
            server = lane.aim.server
            names = [model.name for model in server.models if subject in names_of(server, model)]
            if names:
                lane.retry(names)
                found += [f"{server.id}/{name}" for name in names]
        return tuple(sorted(found))

    async def close(self, within: float) -> None:
        """End every lane: first by itself, after that many seconds by force. A reload cut off stays outstanding."""
        tasks = [*self._tasks.values(), *self._leaving]
        for lane in self.lanes.values():
            lane.close()
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=within)
            for task in late:
                task.cancel()
        if self._watcher is not None:
            self._watcher.cancel()
            tasks.append(self._watcher)
        await asyncio.gather(*tasks, return_exceptions=True)
        self.lanes.clear()
        self._tasks.clear()
        self._watcher = None

    def _take_up(self, aim: Aim) -> str:
        """Open the server's lane or aim it anew; its id where something else is asked of it, else ""."""
        lane = self.lanes.get(aim.server.id)
        if lane is None:
            self._open(aim)
            return aim.server.id
        before = lane.aim
        if before.server == aim.server and before.commit.prunes_all == aim.commit.prunes_all:
            lane.follow(aim)
            return ""
        lane.aim_at(aim)
        return aim.server.id

    def _open(self, aim: Aim) -> None:
        lane = Lane(aim, self._tools, self._told_of(aim.server.id))
        self.lanes[aim.server.id] = lane
        before = {task for task, server_id in self._leaving.items() if server_id == aim.server.id}
        self._tasks[aim.server.id] = asyncio.create_task(_run(lane, before), name=f"lane {aim.server.id}")
        self._tools.tell(LaneOpened(self._tools.clock.now(), aim.server.id))

    def _let_go(self, server_id: str) -> None:
        self.lanes.pop(server_id).close()
        task = self._tasks.pop(server_id)
        self._leaving[task] = server_id
        task.add_done_callback(self._gone)
        self._tools.tell(ServerLetGo(self._tools.clock.now(), server_id))

    def _gone(self, task: asyncio.Task[None]) -> None:
        """A lane that was let go has ended, its last turn with it, which may have told something still.

        Where this process ends with it, the next start forgets.
        """
        server_id = self._leaving.pop(task)
        if server_id not in self.lanes and self._watcher is not None and not task.cancelled():
            self._forget(server_id)

    def _forget(self, server_id: str) -> None:
        self._recorded().pop(server_id, None)
        with contextlib.suppress(RecordError):  # only what is shown: the next start tries again
            self._tools.ledger.set_statuses(server_id, (), "")

    def _told_of(self, server_id: str) -> list[Status]:
        return self._recorded().pop(server_id, [])

    def _recorded(self) -> dict[str, list[Status]]:
        """The statuses told by an earlier process, by server; those taken up by a lane are gone from here."""
        if self._told is None:
            self._told = defaultdict(list)
            for status in self._tools.ledger.statuses():
                self._told[status.server].append(status)
        return self._told

    async def _watch(self) -> None:
        while True:
            await self._tools.clock.sleep(WATCH_EVERY)
            for lane in self.lanes.values():
                lane.watch()


def names_of(server: DesiredServer, model: DesiredModel) -> tuple[str, ...]:
    """Every name by which a command may mean this model on this server."""
    return (
        model.name,
        model.document,
        server.name,
        server.id,
        f"{server.id}/{model.name}",
        server.fleet.name,
    )


async def _run(lane: Lane, before: set[asyncio.Task[None]]) -> None:
    """Run a lane once earlier ones of its server have ended: a reload that is under way is theirs to book."""
    if before:
        await asyncio.wait(before)
    await lane.run()
