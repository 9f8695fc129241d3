"""`python -m bench.clients grpc|rest PORT MODEL CLIENTS SECONDS`: ask for one prediction again and again, and time it.

A process of its own, so that it shares no lock with what it measures; the request is serialised once and the answer not
parsed, so that it takes little of the processor itself. Prints one line of JSON: latencies in seconds.
"""

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass

import grpc

from reconciler.wire import stubs

PREDICT = "/tensorflow.serving.PredictionService/Predict"
WARMING = 0.5  # seconds of the same before the first counted call

Ask = Callable[[], Awaitable[object]]


@dataclass(frozen=True, slots=True)
class Answers:
    """What the clients met."""

    latencies: tuple[float, ...]
    seconds: float

    @property
    def rate(self) -> float:
        """Answers per second."""
        return len(self.latencies) / self.seconds

    def percentile(self, share: float) -> float:
        """The latency that so many per cent of the calls stayed under."""
        return sorted(self.latencies)[min(int(len(self.latencies) * share / 100), len(self.latencies) - 1)]


def ask(way: str, port: int, model: str, clients: int, seconds: float) -> Answers:
    """Run this module in a process of its own."""
    command = [sys.executable, "-m", "bench.clients", way, str(port), model, str(clients), str(seconds)]
    said = subprocess.run(command, check=True, capture_output=True, text=True, timeout=seconds + 60)
    return Answers(tuple(json.loads(said.stdout)), seconds)


def request(model: str) -> bytes:
    """A Predict of one number."""
    tensor = stubs.tensor_pb2.TensorProto(dtype=stubs.types_pb2.DT_FLOAT, float_val=[2.0])
    for _ in range(2):
        tensor.tensor_shape.dim.add(size=1)
    message = stubs.predict_pb2.PredictRequest(inputs={"x": tensor})
    message.model_spec.name = model
    return bytes(message.SerializeToString())


async def over_grpc(port: int, model: str, ports: AsyncExitStack) -> Ask:
    """A client with a connection of its own."""
    options = [("grpc.use_local_subchannel_pool", 1)]  # else all channels share one
    channel = await ports.enter_async_context(grpc.aio.insecure_channel(f"127.0.0.1:{port}", options=options))
    call, body = channel.unary_unary(PREDICT, None, None), request(model)

    async def ask() -> None:
        await call(body)

    return ask


async def over_rest(port: int, model: str, ports: AsyncExitStack) -> Ask:
    """A client with a connection of its own, and as little HTTP as will do: a library would be what is measured."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    ports.callback(writer.close)
    body = b'{"instances": [[2.0]]}'
    head = f"POST /v1/models/{model}:predict HTTP/1.1\r\nHost: bench\r\nContent-Length: {len(body)}\r\n\r\n"
    message = head.encode() + body

    async def ask() -> None:
        writer.write(message)
        answered = await reader.readuntil(b"\r\n\r\n")
        if b" 200 " not in answered.partition(b"\r\n")[0]:
            raise RuntimeError(answered.decode())
        length = next(line for line in answered.lower().split(b"\r\n") if line.startswith(b"content-length:"))
        await reader.readexactly(int(length.partition(b":")[2]))

    return ask


async def measured(way: str, port: int, model: str, clients: int, seconds: float) -> list[float]:
    """Latencies of everything that began after the warming up and within so many seconds."""
    taken: list[float] = []

    async def again(ask: Ask) -> None:
        while (before := time.perf_counter()) < begin + seconds:
            await ask()
            if before >= begin:
                taken.append(time.perf_counter() - before)

    async with AsyncExitStack() as ports:
        opened = [await {"grpc": over_grpc, "rest": over_rest}[way](port, model, ports) for _ in range(clients)]
        begin = time.perf_counter() + WARMING
        await asyncio.gather(*(again(each) for each in opened))
    return taken


if __name__ == "__main__":
    asked = measured(sys.argv[1], int(sys.argv[2]), sys.argv[3], int(sys.argv[4]), float(sys.argv[5]))
    print(json.dumps(asyncio.run(asked)))
