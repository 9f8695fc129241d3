"""Requests lost while a label moves: promotions, rollbacks, the reconciler stopped and started in the middle of one.

Clients ask by label without a pause. The model says which version answered (`half-plus` gives x / 2 + version + 1); an
answer of neither version is lost as well.
"""

import asyncio
import tempfile
import time
from collections.abc import Awaitable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import grpc

from bench import servers
from bench.driving import driving
from bench.measure import Row, duration
from bench.servers import Client

ROUNDS = 6
CLIENTS = 4


@dataclass
class Tally:
    """What the clients have met so far."""

    sent: int = 0
    lost: int = 0
    pause: float = 0.0


def rows() -> Iterator[Row]:
    """One row for the moves, one for a restart in the middle of a move."""
    with tempfile.TemporaryDirectory() as folder:
        base_path = servers.export(Path(folder))
        with servers.running(Path(folder)) as port:
            moves, restarts = asyncio.run(_measured(base_path, port))
    yield _row(f"requests lost, {ROUNDS} promotions and rollbacks", moves)
    yield _row(f"requests lost, {ROUNDS} restarts of the reconciler in the middle of one", restarts)


async def _measured(base_path: Path, port: int) -> tuple[Tally, Tally]:
    reconciler = _Reconciler(port, base_path, base_path.parent / "ledger.sqlite")
    await reconciler.move(1)
    moves = await under_load(port, [reconciler.move(1 + number % 2) for number in range(1, ROUNDS + 1)])
    cuts = [reconciler.move_cut_short(1 + number % 2, number / ROUNDS) for number in range(1, ROUNDS + 1)]
    return moves, await under_load(port, cuts)


@dataclass(frozen=True, slots=True)
class _Reconciler:
    """One that lives as long as a move takes, with a record that outlives it."""

    port: int
    base_path: Path
    record: Path

    async def move(self, version: int) -> None:
        """List this version and give it the label; wait until all is done."""
        async with driving(self.port, self.base_path, self.record) as drive:
            await drive.rest(version, stable=version)

    async def move_cut_short(self, version: int, after: float) -> None:
        """Stop in the middle, after that many seconds, and have another one finish."""
        async with driving(self.port, self.base_path, self.record) as drive:
            drive.aim(version, stable=version)
            await asyncio.sleep(after)
        await self.move(version)


async def under_load(port: int, moves: Iterable[Awaitable[None]]) -> Tally:
    """What clients meet that ask by label while these moves are made one after the other."""
    tally = Tally()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        asking = [asyncio.create_task(_ask(Client(channel), tally)) for _ in range(CLIENTS)]
        for move in moves:
            await move
        for task in asking:
            task.cancel()
        await asyncio.gather(*asking, return_exceptions=True)
    return tally


async def _ask(client: Client, tally: Tally) -> None:
    answered = time.perf_counter()
    while True:
        tally.sent += 1
        try:
            lost = await client.predict(2.0) not in {3.0, 4.0}
        except grpc.aio.AioRpcError:
            lost = True
        now = time.perf_counter()
        tally.lost += lost
        tally.pause = max(tally.pause, now - answered)
        answered = answered if lost else now


def _row(what: str, tally: Tally) -> Row:
    measured = f"{tally.lost} of {tally.sent:,}, longest pause {duration(tally.pause)}"
    return Row(what, measured, "0", tally.lost == 0)
