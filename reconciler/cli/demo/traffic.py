"""The clients: REST and gRPC predictions by label, steadily, each answer recognised by its arithmetic.

Started and steered by `story.py`. Light on purpose, because two cores run the model servers, the service and the
clients: requests are encoded once, and one asyncio task per line and protocol sends them at a fixed pace.
"""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import grpc
import httpx
import numpy as np

from reconciler.cli.demo.tally import Line
from reconciler.modelserver import samples, tensors
from reconciler.wire.stubs import predict_pb2

PER_SECOND = 28.0
"""Requests per second of one line over one protocol; two protocols on two servers make 112 by each label."""

LAG = 1.0
"""Seconds by which a line may catch up after a pause; what is older is given up, so that no burst follows an outage."""

IN_FLIGHT = 40
"""Requests of one line that may wait for their answers at the same time; more would only measure this process."""

TIMEOUT = 10.0
"""Seconds a client waits: a slow answer shows as a pause, not as a failure."""
_PREDICT = "/tensorflow.serving.PredictionService/Predict"
_IDLE = httpx.Limits(keepalive_expiry=2.0)
"""Idle connections are given up well before a server closes them, which would look like a failed request."""
_CHANNEL = (("grpc.initial_reconnect_backoff_ms", 100), ("grpc.max_reconnect_backoff_ms", 300))

Ask = Callable[[], Awaitable[int]]


class RequestFailed(Exception):
    """A request that was not answered, in the server's or the library's words."""


class Recogniser:
    """Which version gave these outputs; the expected ones are computed once."""

    def __init__(self, kind: str, versions: range) -> None:
        inputs = samples.request_for(kind)
        self._expected = {each: samples.answer_of(kind, each, inputs) for each in versions}

    def version(self, outputs: Mapping[str, Any]) -> int:
        """The version whose arithmetic this is. Raises RequestFailed where it is none's."""
        for version, expected in self._expected.items():
            if expected.keys() == outputs.keys() and all(
                np.allclose(value, outputs[name], atol=1e-4) for name, value in expected.items()
            ):
                return version
        raise RequestFailed("an answer that no version gives")


class Client:
    """Everything it takes to ask one model server."""

    def __init__(self, grpc_port: int, rest_port: int, recognisers: Mapping[str, tuple[str, Recogniser]]) -> None:
        self._channel = grpc.aio.insecure_channel(f"127.0.0.1:{grpc_port}", options=_CHANNEL)
        self._http = httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{rest_port}", timeout=TIMEOUT, limits=_IDLE, trust_env=False
        )
        self._known = recognisers
        self._call = self._channel.unary_unary(
            _PREDICT, request_serializer=bytes, response_deserializer=predict_pb2.PredictResponse.FromString
        )

    def by_grpc(self, model: str, label: str) -> Ask:
        """Predict over gRPC by label; gives the version that answered."""
        kind, known = self._known[model]
        request = predict_pb2.PredictRequest()
        request.model_spec.name, request.model_spec.version_label = model, label
        for name, value in samples.request_for(kind).items():
            request.inputs[name].CopyFrom(tensors.to_proto(np.asarray(value, np.float32)))
        body = request.SerializeToString()

        async def ask() -> int:
            try:
                answer = await self._call(body, timeout=TIMEOUT)
            except grpc.aio.AioRpcError as error:
                raise RequestFailed(f"{error.code().name}: {error.details()}") from error
            version = known.version({name: tensors.to_array(value) for name, value in answer.outputs.items()})
            if answer.model_spec.version.value != version:
                raise RequestFailed(f"says version {answer.model_spec.version.value}, computes like {version}")
            return version

        return ask

    def by_rest(self, model: str, label: str) -> Ask:
        """Predict over REST by label; gives the version that answered."""
        kind, known = self._known[model]
        body = json.dumps({"inputs": samples.request_for(kind)}).encode()
        path = f"/v1/models/{model}/labels/{label}:predict"
        single = "y" if kind == "half-plus" else ""

        async def ask() -> int:
            try:
                answer = await self._http.post(path, content=body)
                outputs = answer.json().get("outputs")
            except (httpx.HTTPError, ValueError) as error:
                raise RequestFailed(f"{type(error).__name__}: {error}") from error
            if answer.status_code != httpx.codes.OK:
                raise RequestFailed(f"HTTP {answer.status_code}: {answer.text[:200]}")
            return known.version(outputs if isinstance(outputs, dict) else {single: outputs})

        return ask

    async def close(self) -> None:
        """Give the connections back."""
        await self._channel.close(None)
        await self._http.aclose()


class Traffic:
    """All lines and the tasks that drive them."""

    def __init__(self, clients: Mapping[str, Client]) -> None:
        self._clients = clients
        self._tasks: list[asyncio.Task[None]] = []
        self.lines: list[Line] = []

    def open(self, server: str, model: str, label: str, version: int) -> Line:
        """Begin to send requests by that label, which git gives that version."""
        line = Line(server, model, label, version, version)
        client = self._clients[server]
        for number, ask in enumerate((client.by_grpc(model, label), client.by_rest(model, label))):
            delay = (len(self._tasks) % 7 + number / 2) / PER_SECOND / 7  # so that they do not all fall together
            self._tasks.append(asyncio.create_task(_keep_asking(line, ask, delay), name=line.name))
        self.lines.append(line)
        return line

    def of(self, model: str, label: str) -> list[Line]:
        """The lines of one label of one model, one per server."""
        return [line for line in self.lines if (line.model, line.label) == (model, label)]

    async def close(self) -> None:
        """Stop sending. An error in a client's own code ends the demo here, so that it cannot pass unseen."""
        for task in self._tasks:
            task.cancel()
        ended = await asyncio.gather(*self._tasks, return_exceptions=True)
        for client in self._clients.values():
            await client.close()
        for each in ended:
            if isinstance(each, Exception):
                raise each


async def _keep_asking(line: Line, ask: Ask, delay: float) -> None:
    """Send at the line's pace whether or not earlier answers have come, as independent clients would."""
    await asyncio.sleep(delay)
    due = time.monotonic()
    async with asyncio.TaskGroup() as group:
        while True:
            if line.in_flight < IN_FLIGHT:
                group.create_task(_ask_once(line, ask))
            due = max(due + 1 / PER_SECOND, time.monotonic() - LAG)
            await asyncio.sleep(max(0.0, due - time.monotonic()))


async def _ask_once(line: Line, ask: Ask) -> None:
    sent = time.monotonic()
    line.in_flight += 1
    try:
        version = await ask()
    except RequestFailed as error:
        line.failed(str(error), sent, time.monotonic())
    else:
        line.answered(version, sent, time.monotonic())
    finally:
        line.in_flight -= 1
