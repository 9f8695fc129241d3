"""One promotion, done three ways under the same load: by us, by a script, and by the server's own polling of its file.

The two others are what people do today. The script sends the final config in one reload, and, when that is refused, as
it always is, takes the labels out of the way: a config without labels, then the final one. The file is replaced by the
final config, and the server (`--model_config_file_poll_wait_seconds=1`) is left to it. Clients ask by label all the
while; a request counts as failed when it is refused or answered by neither version.
"""

import asyncio
import contextlib
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import grpc

from bench import servers
from bench.driving import driving
from bench.losing import Tally, under_load
from bench.measure import Row, duration
from bench.servers import Client
from reconciler.wire import text

PATIENCE = 10.0
"""Seconds after which a promotion that has not come through is taken never to do so."""

Way = Callable[[Path, int, Client], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Promotion:
    """How one went: seconds until the label answered from the new version, None if it never did, and what was lost."""

    took: float | None
    tally: Tally


def rows() -> Iterator[Row]:
    """One row per way; only ours has a limit."""
    ours = _promoted(_by_us)
    yield Row("promotion by the reconciler", _told(ours), "0 failed", ours.tally.lost == 0 and ours.took is not None)
    others = (
        ("the same by a script: the final config in one reload", _promoted(_in_one_reload)),
        ("the same by a script, the labels taken out of the way first", _promoted(_without_labels_first)),
        ("the same by the server's own config file polling", _promoted(_by_file, _POLLING)),
    )
    yield from (Row(what, _told(found), "", met=True) for what, found in others)


_POLLING = "--model_config_file_poll_wait_seconds=1"


def _told(found: Promotion) -> str:
    tally = found.tally
    came = "never came through" if found.took is None else f"through after {duration(found.took)}"
    return f"{tally.lost} of {tally.sent:,} failed, longest gap {duration(tally.pause)}, {came}"


def _promoted(way: Way, *flags: str) -> Promotion:
    with tempfile.TemporaryDirectory() as folder:
        base_path = servers.export(Path(folder))
        with servers.running(Path(folder), *flags) as port:
            return asyncio.run(_measured(base_path, port, way))


async def _measured(base_path: Path, port: int, way: Way) -> Promotion:
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        client = Client(channel)
        await _begin(base_path, client)
        took: list[float] = []

        async def move() -> None:
            began = time.perf_counter()
            await way(base_path, port, client)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(PATIENCE):
                    await client.until_labelled(2)
                    took.append(time.perf_counter() - began)

        tally = await under_load(port, [move()])
    return Promotion(took[0] if took else None, tally)


async def _begin(base_path: Path, client: Client) -> None:
    """Version 1 with the label on it, by the right order; in the file as well, where the server polls it."""
    _write(base_path, text.render(servers.config(base_path, 1)))
    await client.reload(servers.config(base_path, 1))
    await client.until_state(1, servers.AVAILABLE)
    _write(base_path, text.render(servers.config(base_path, 1, stable=1)))
    while await client.labelled() != 1:
        with contextlib.suppress(grpc.aio.AioRpcError):
            await client.reload(servers.config(base_path, 1, stable=1))
        await asyncio.sleep(0.05)


async def _by_us(base_path: Path, port: int, _client: Client) -> None:
    async with driving(port, base_path, base_path.parent / "ledger.sqlite") as drive:
        await drive.rest(2, stable=2)


async def _in_one_reload(base_path: Path, _port: int, client: Client) -> None:
    with contextlib.suppress(grpc.aio.AioRpcError):  # it is refused: version 2 is not loaded yet
        await client.reload(servers.config(base_path, 2, stable=2))


async def _without_labels_first(base_path: Path, _port: int, client: Client) -> None:
    await client.reload(servers.config(base_path, 2))
    while await client.labelled() != 2:
        with contextlib.suppress(grpc.aio.AioRpcError):
            await client.reload(servers.config(base_path, 2, stable=2))
        await asyncio.sleep(0.05)


async def _by_file(base_path: Path, _port: int, _client: Client) -> None:
    _write(base_path, text.render(servers.config(base_path, 2, stable=2)))


def _write(base_path: Path, config: str) -> None:
    scratch = base_path.parent / "scratch.config"
    scratch.write_text(config, encoding="utf-8")
    scratch.rename(base_path.parent / servers.CONFIG_FILE)
