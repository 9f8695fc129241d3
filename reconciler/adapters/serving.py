"""Model servers over gRPC: `ports.ServingClients`.

`GrpcClients` keeps one `GrpcClient` per server and renews it when the address, the credentials or the deadlines change.
Made by `cli`; used by `observe` and `execute`. Nothing here raises for what a server does. Where a fleet delivers by
file, reloads go to `delivery_file.py` instead; statuses are asked over gRPC all the same.

Deliberately not here: connections (serving_channel.py) and the meaning of answers (serving_answers.py).
"""

import asyncio
import time
from dataclasses import dataclass

from reconciler.adapters import delivery_file, serving_answers, serving_channel, serving_page, serving_predictions
from reconciler.ports import ServingClient
from reconciler.state.config import ServerConfig
from reconciler.state.desired import Deadlines, DeliveryMode, DesiredServer
from reconciler.state.inference import Prediction, Question, Signatures
from reconciler.state.look import LabelReading, ModelLook, Page, ProofLook, Reach
from reconciler.state.memory import Answer
from reconciler.wire import config as wire_config
from reconciler.wire.stubs import get_model_metadata_pb2, get_model_status_pb2, model_management_pb2

_STATUS = "/tensorflow.serving.ModelService/GetModelStatus"
_RELOAD = "/tensorflow.serving.ModelService/HandleReloadConfigRequest"
_METADATA = "/tensorflow.serving.PredictionService/GetModelMetadata"
_PREDICT = "/tensorflow.serving.PredictionService/Predict"

JUST_NOW = 0.5
"""A status that failed so many seconds ago says whether the server can be reached: asking again costs a deadline."""

MAX_REQUESTS = 4096
"""Status requests kept ready-made, one per model name."""


class GrpcClient:
    """One model server; see `ports.ServingClient`. Deadlines in seconds, from the Fleet."""

    def __init__(self, where: serving_channel.Endpoint, deadlines: Deadlines, rest: str | None = None) -> None:
        self._channel = serving_channel.Channel(where)
        self._rest = rest
        self._deadlines = deadlines
        self._requests: dict[str, bytes] = {}
        self._heard = Reach()
        self._heard_at = 0.0

    def __repr__(self) -> str:
        return f"GrpcClient({self._channel!r})"

    async def reach(self) -> Reach:
        """Whether the server answers at all, and as TensorFlow Serving."""
        if time.monotonic() > self._heard_at + JUST_NOW or self._heard.answers:
            await self._ask_status("")
        return self._heard

    async def status(self, model: str) -> ModelLook:
        """GetModelStatus of one model."""
        return serving_answers.status(model, await self._ask_status(model))

    async def read_label(self, model: str, label: str) -> LabelReading:
        """What a label means now: GetModelMetadata by version_label (rule E29)."""
        request = get_model_metadata_pb2.GetModelMetadataRequest(metadata_field=["signature_def"])
        request.model_spec.name, request.model_spec.version_label = model, label
        return serving_answers.label(await self._ask_metadata(request))

    async def prove(self, model: str, version: int) -> ProofLook:
        """Whether the version answers: GetModelMetadata by number."""
        return serving_answers.proof(model, version, await self._ask_by_number(model, version))

    async def signatures(self, model: str, version: int) -> Signatures:
        """What a loaded version says of its inputs and outputs: GetModelMetadata by number."""
        return serving_predictions.signatures(await self._ask_by_number(model, version))

    async def predict(self, question: Question, deadline: float) -> Prediction:
        """One Predict of a version by number. The time is that of the call alone.

        Tensors may have millions of values: they are written and read in a thread, so that no other server waits.
        """
        request = await asyncio.to_thread(serving_predictions.request, question)
        began = time.monotonic()
        reply = await self._channel.call(_PREDICT, request, deadline)
        seconds = time.monotonic() - began
        return await asyncio.to_thread(serving_predictions.prediction, question.version, reply, seconds)

    async def reload(self, config: ServerConfig) -> Answer:
        """HandleReloadConfigRequest, sent once. The server may go on applying it after our deadline (rule E10)."""
        request = model_management_pb2.ReloadConfigRequest(config=wire_config.to_proto(config))
        reply = await self._channel.call(_RELOAD, request.SerializeToString(), self._deadlines.reload)
        return serving_answers.reload(reply)

    async def page(self) -> Page:
        """What its metrics page shows of models."""
        return await serving_page.read(self._rest, self._deadlines.status)

    def dropped(self) -> bool:
        """Whether the connection left READY since this was last asked."""
        return self._channel.dropped()

    async def close(self) -> None:
        """Give the connection back."""
        await self._channel.close()

    async def _ask_status(self, model: str) -> serving_answers.Reply:
        if model not in self._requests:
            if len(self._requests) >= MAX_REQUESTS:
                self._requests.clear()
            request = get_model_status_pb2.GetModelStatusRequest()
            request.model_spec.name = model
            self._requests[model] = request.SerializeToString()
        reply = await self._channel.call(_STATUS, self._requests[model], self._deadlines.status)
        self._heard = Reach() if isinstance(reply, bytes) and model else serving_answers.reach(reply)
        self._heard_at = time.monotonic()
        return reply

    async def _ask_by_number(self, model: str, version: int) -> serving_answers.Reply:
        request = get_model_metadata_pb2.GetModelMetadataRequest(metadata_field=["signature_def"])
        request.model_spec.name, request.model_spec.version.value = model, version
        return await self._ask_metadata(request)

    async def _ask_metadata(self, request: get_model_metadata_pb2.GetModelMetadataRequest) -> serving_answers.Reply:
        return await self._channel.call(_METADATA, request.SerializeToString(), self._deadlines.status)


@dataclass(frozen=True, slots=True)
class _Settings:
    """What a client was made for; another value means another client."""

    where: serving_channel.Endpoint
    deadlines: Deadlines
    rest: str | None
    config_file: str | None


@dataclass(frozen=True, slots=True)
class _Held:
    """A client, what it was made for, and the server as it was last asked for."""

    server: DesiredServer
    settings: _Settings
    client: ServingClient


class GrpcClients:
    """The clients of all servers; see `ports.ServingClients`."""

    def __init__(self) -> None:
        self._held: dict[str, _Held] = {}
        self._closing: set[asyncio.Task[None]] = set()

    def client(self, server: DesiredServer) -> ServingClient:
        """The client for that server. Call it inside the event loop that will use the client."""
        held = self._held.get(server.id)
        if held and held.server is server and not held.settings.where.files:
            return held.client  # asked four times a second for every server: only TLS files can have changed meanwhile
        settings = _settings(server)
        if held and held.settings == settings:
            client = held.client
        else:
            if held:
                self._close_soon(held.client)
            client = _made(settings)
        self._held[server.id] = _Held(server, settings, client)
        return client

    async def close(self) -> None:
        """Close every connection, those replaced included."""
        clients = [held.client for held in self._held.values()]
        self._held.clear()
        await asyncio.gather(*self._closing, *(client.close() for client in clients))

    def _close_soon(self, client: ServingClient) -> None:
        task = asyncio.get_running_loop().create_task(client.close())
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)


def _settings(server: DesiredServer) -> _Settings:
    fleet = server.fleet
    by_file = fleet.delivery.mode is DeliveryMode.FILE
    path = delivery_file.path_for(fleet.delivery.config_file, server) if by_file else None
    return _Settings(serving_channel.endpoint(server.grpc, fleet.connection), fleet.deadlines, server.rest, path)


def _made(settings: _Settings) -> ServingClient:
    client = GrpcClient(settings.where, settings.deadlines, settings.rest)
    return client if settings.config_file is None else delivery_file.FileDelivery(client, settings.config_file)
