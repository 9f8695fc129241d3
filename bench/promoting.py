"""A promotion end to end on one server, and a label flip, each beside a script that knows the right order.

Two model server processes of one kind: the lanes drive one, the script the other, in turns. A round takes the server
from [1] with `stable` on 1 to [2] with `stable` on 2, or back. The script is the fastest that is still right: it asks
for the status as fast as the server answers. What both wait for mostly is the server: its poll, its load, its unload.
So each round begins at another moment of the poll, the same one for both.
"""

import asyncio
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median

import grpc

from bench import servers
from bench.counting import CountingClients
from bench.driving import Drive, driving
from bench.measure import Row, duration
from bench.servers import AVAILABLE, END, Client

ROUNDS = 20
FLIPS = 21
POLL = 1.0  # the server's --file_system_poll_wait_seconds


def rows() -> Iterator[Row]:
    """Promotion until the label answers and until all is done; the flip in time and round trips."""
    with tempfile.TemporaryDirectory() as folder:
        base_path = servers.export(Path(folder))
        with servers.running(Path(folder)) as ours, servers.running(Path(folder)) as theirs:
            yield from asyncio.run(_rows(base_path, ours, theirs))


async def _rows(base_path: Path, ours: int, theirs: int) -> list[Row]:
    record = base_path.parent / "ledger.sqlite"
    async with (
        grpc.aio.insecure_channel(f"127.0.0.1:{ours}") as our_channel,
        grpc.aio.insecure_channel(f"127.0.0.1:{theirs}") as their_channel,
        driving(ours, base_path, record, CountingClients) as drive,
    ):
        bench = _Bench(base_path, drive, Client(our_channel), Client(their_channel))
        await bench.prepare()
        return [*await bench.promotions(), *await bench.flips()]


class _Bench:
    def __init__(self, base_path: Path, drive: Drive, ours: Client, theirs: Client) -> None:
        self._base_path = base_path
        self._drive = drive
        self._ours = ours
        self._theirs = theirs

    async def prepare(self) -> None:
        """Both servers at [1] with the label on 1."""
        await self._drive.rest(1, stable=1)
        await self._theirs.reload(servers.config(self._base_path, 1))
        await self._theirs.reload(servers.config(self._base_path, 1, stable=1))

    async def promotions(self) -> list[Row]:
        """Rounds in turns, so that both meet the same machine; each ends at a poll, the next begins `phase` later."""
        found: list[tuple[float, float, float, float]] = []
        for number in range(ROUNDS):
            old, new = (1, 2) if number % 2 == 0 else (2, 1)
            phase = number / ROUNDS * POLL
            ours = await self._promoted(old, new, phase)
            found.append((*ours, *await self._scripted(old, new, phase)))
        answered, done, their_answered, their_done = (median(column) for column in zip(*found, strict=True))
        return [
            _beside("promote until the label answers from the new version", answered, their_answered),
            _beside("promote until the old version has ended", done, their_done),
        ]

    async def _promoted(self, old: int, new: int, phase: float) -> tuple[float, float]:
        """Seconds until the label answered, and until the old version had ended, as seen from outside."""
        await asyncio.sleep(phase)
        begin = time.perf_counter()
        self._drive.aim(new, stable=new)
        await self._ours.until_labelled(new)
        answered = time.perf_counter() - begin
        await self._ours.until_state(old, END)
        done = time.perf_counter() - begin
        await self._drive.rest(new, stable=new)
        return answered, done

    async def _scripted(self, old: int, new: int, phase: float) -> tuple[float, float]:
        client, path = self._theirs, self._base_path
        await asyncio.sleep(phase)
        begin = time.perf_counter()
        await client.reload(servers.config(path, old, new, stable=old))
        await client.until_state(new, AVAILABLE)
        await client.reload(servers.config(path, old, new, stable=new))
        await client.until_labelled(new)
        answered = time.perf_counter() - begin
        await client.reload(servers.config(path, new, stable=new))
        await client.until_state(old, END)
        return answered, time.perf_counter() - begin

    async def flips(self) -> list[Row]:
        """Both versions resident; only the label moves."""
        await self._drive.rest(1, 2, stable=1)
        times, trips, reloads = [], [], []
        for number in range(FLIPS):
            target = 2 - number % 2
            await asyncio.sleep(0.3)  # a lane at rest, not one in the middle of its last looks
            clients = self._counting()
            clients.begin()
            begin = time.perf_counter()
            self._drive.aim(1, 2, stable=target)
            await self._ours.until_labelled(target)
            times.append(time.perf_counter() - begin)
            await self._drive.rest(1, 2, stable=target)
            trips.append(clients.round_trips())
            reloads.append(clients.reloads())
        flip = Row("label flip, target resident, until it answers", duration(median(times)), "", True)
        count = Row("its round trips: looks, reload, read-back", f"{median(trips):.0f}", "≤ 3", median(trips) <= 3)
        return [flip, count, Row("its reloads", f"{max(reloads)}", "1", max(reloads) == 1)]

    def _counting(self) -> CountingClients:
        clients = self._drive.clients
        assert isinstance(clients, CountingClients)
        return clients


def _beside(what: str, ours: float, theirs: float) -> Row:
    ratio = ours / theirs
    return Row(what, duration(ours), "≤ 1.2 ×", ratio <= 1.2, f"script, {duration(theirs)}", ratio)
