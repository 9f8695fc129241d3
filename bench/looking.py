"""A look at everything with nothing to do: 1,000 servers × 20 models behind 50 real endpoints, and as many bare calls.

The real lanes, store, storage and gRPC clients run in a process of their own (`python -m bench.looking`), which
starts from a record of converged servers, then wakes all lanes at once and waits until each has finished a turn. No
status is cached between looks. The bare calls are the cheapest that grpc.aio can do: one prepared request, the same
endpoints.
"""

import asyncio
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any

import grpc
import psutil

from bench import endpoints, fleets
from bench.measure import Row, at_most, duration, megabytes
from reconciler import belief, plan
from reconciler.adapters.ledger import SqliteLedger
from reconciler.adapters.serving import GrpcClients
from reconciler.cli import collector, wiring
from reconciler.loop.lanes import Lanes
from reconciler.loop.tools import Pace, deaf
from reconciler.state.desired import Desired
from reconciler.state.memory import Answer, AnswerKind
from reconciler.state.plan import Pass, PassKind
from reconciler.wire import stubs

ENDPOINTS = 50
LOOKS = 3
SIZE = f"{fleets.SERVERS:,} servers × {fleets.MODELS} models"
NEVER = 3600.0


def rows() -> Iterator[Row]:
    """Time against as many bare calls, what was sent, and the memory that all of it takes."""
    found = json.loads(subprocess.check_output([sys.executable, "-m", "bench.looking"], text=True))
    ratio = found["look"] / found["bare"]
    against = f"{found['calls']:,.0f} bare calls, {duration(found['bare'])}"
    yield Row(f"look at {SIZE}, nothing to do", duration(found["look"]), "≤ 1.3 ×", ratio <= 1.3, against, ratio)
    reloads = found["reloads"]
    yield Row("reloads sent by those looks", f"{reloads:.0f}", "0", reloads == 0)
    yield at_most(f"memory of the process, {SIZE}", found["rss"], 300e6, megabytes)


class Endpoints:
    """The process that answers, and its counters."""

    def __init__(self, count: int = ENDPOINTS) -> None:
        command = [sys.executable, "-m", "bench.endpoints", str(count)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.ports: list[int] = self._read()

    def calls(self) -> dict[str, int]:
        """Calls of each method since this was last asked."""
        assert self._process.stdin is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        return dict(self._read())

    def close(self) -> None:
        """End the process and wait for it."""
        self._process.communicate()

    def _read(self) -> Any:
        assert self._process.stdout is not None
        return json.loads(self._process.stdout.readline())


def saved_models(folder: Path) -> None:
    """Version 1 of every model, as small as a SavedModel can be."""
    meta = stubs.meta_graph_pb2.MetaGraphDef()
    meta.meta_info_def.tags.append("serve")
    body = stubs.saved_model_pb2.SavedModel(saved_model_schema_version=1, meta_graphs=[meta]).SerializeToString()
    for number in range(fleets.MODELS):
        version = folder / f"model-{number:03}" / "1"
        (version / "variables").mkdir(parents=True)
        (version / "saved_model.pb").write_bytes(body)
        (version / "variables" / "variables.index").write_bytes(b"index")
        (version / "variables" / "variables.data-00000-of-00001").write_bytes(b"data")


def wanted(ports: list[int], folder: Path) -> Desired:
    """Every server with every model at version 1."""
    plain = fleets.desired(1, tuple(f"127.0.0.1:{port}" for port in ports))
    fleet = fleets.fleet(str(folder))
    return replace(plain, servers=tuple(replace(server, fleet=fleet) for server in plain.servers))


def remember(desired: Desired, ledger: SqliteLedger) -> None:
    """Put into the record that every server was sent its config, as if by an earlier service."""
    now = time.time()
    for server in desired.servers:
        body = Pass(1, PassKind.CHANGE, (), plan.at_rest(server).sent)
        sending = belief.sending(server, belief.first_contact(server), body, now)
        ledger.remember(belief.answered(server, sending, Answer(AnswerKind.ACCEPTED), now))


async def turn(lanes: Lanes) -> None:
    """Wake every lane and wait until each has looked."""
    before = {server: lane.observed for server, lane in lanes.lanes.items()}
    lanes.look_now()
    while any(lane.observed is before[server] for server, lane in lanes.lanes.items()):  # noqa: ASYNC110 - from outside
        await asyncio.sleep(0.01)


async def converged(lanes: Lanes) -> None:
    """Wait until git is reached everywhere."""
    while not all(lane.finished and lane.plan.converged for lane in lanes.lanes.values()):  # noqa: ASYNC110 - likewise
        await asyncio.sleep(0.2)


async def bare(ports: list[int], calls: int) -> float:
    """Seconds for so many calls of GetModelStatus with nothing around them, as many in flight as lanes have."""
    request = stubs.get_model_status_pb2.GetModelStatusRequest(model_spec=stubs.model_pb2.ModelSpec(name="model-000"))
    channels = [grpc.aio.insecure_channel(f"127.0.0.1:{port}") for port in ports]
    stub = [stubs.model_service_pb2_grpc.ModelServiceStub(channel) for channel in channels]
    left = iter(range(calls))

    async def work() -> None:
        for number in left:
            await stub[number % len(stub)].GetModelStatus(request, timeout=30)

    begin = time.perf_counter()
    await asyncio.gather(*(work() for _ in range(64)))
    taken = time.perf_counter() - begin
    await asyncio.gather(*(channel.close(None) for channel in channels))
    return taken


async def look(answering: Endpoints, folder: Path) -> dict[str, float]:
    """Converge, look a few times, call as often without anything around it."""
    ledger, clients = SqliteLedger(folder / "ledger.sqlite"), GrpcClients()
    lanes = Lanes(wiring.tools(ledger, clients, deaf, Pace(idle=NEVER)))
    desired = wanted(answering.ports, folder)
    remember(desired, ledger)
    lanes.aim_at(desired)
    await converged(lanes)
    looks, calls, reloads, bares = [], 0, 0, []
    for _ in range(LOOKS):
        answering.calls()
        begin = time.perf_counter()
        await turn(lanes)
        looks.append(time.perf_counter() - begin)
        counted = answering.calls()
        reloads += counted.pop(endpoints.RELOAD)
        calls = sum(counted.values())
        bares.append(await bare(answering.ports, calls))
    rss = psutil.Process().memory_info().rss
    await lanes.close(5)
    await clients.close()
    ledger.close()
    return {"look": median(looks), "bare": median(bares), "calls": calls, "reloads": reloads, "rss": rss}


def main() -> None:
    """Print what was found as JSON. The collector is as the service sets it, for the looks and for the bare calls."""
    collector.patient()
    answering = Endpoints()
    with tempfile.TemporaryDirectory() as folder:
        saved_models(Path(folder))
        sys.stdout.write(json.dumps(asyncio.run(look(answering, Path(folder)))) + "\n")
    answering.close()


if __name__ == "__main__":
    main()
