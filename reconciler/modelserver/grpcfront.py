"""The gRPC port: ModelService and PredictionService.

Here: the methods, from message to host and back, and statuses as gRPC errors. Built by ``serve``. A handler that is
cancelled because its client went away leaves its work running in the host, as a thread of the real server would.

Not here: Classify, Regress and MultiInference; they answer UNIMPLEMENTED.
"""

from collections.abc import Awaitable
from typing import Any, NoReturn

import grpc

from reconciler.modelserver import predict
from reconciler.modelserver.configs import from_proto
from reconciler.modelserver.core import VersionStatus
from reconciler.modelserver.host import Host
from reconciler.modelserver.statuses import Code, Status, StatusError, cut
from reconciler.modelserver.tensors import Proto
from reconciler.wire import stubs

Context = Any  # grpc.aio.ServicerContext of messages without types
_MAX_MESSAGE = 2**31 - 1
_CODES = {code.value[0]: code for code in grpc.StatusCode}


async def _refuse(context: Context, status: Status) -> NoReturn:
    await context.abort(_CODES[status.code], cut(status.message))
    raise AssertionError("abort returned")


async def _answer(context: Context, work: Awaitable[Proto]) -> Proto:
    try:
        return await work
    except StatusError as error:
        await _refuse(context, error.status)


def status_response(entries: tuple[VersionStatus, ...]) -> Proto:
    """A GetModelStatusResponse."""
    response = stubs.get_model_status_pb2.GetModelStatusResponse()
    for entry in entries:
        said = response.model_version_status.add(version=entry.version, state=int(entry.state))
        said.status.error_code = int(entry.status.code)
        said.status.error_message = entry.status.message
    return response


class ModelService:
    """Status and configuration."""

    def __init__(self, host: Host) -> None:
        self._host = host

    async def GetModelStatus(self, request: Proto, context: Context) -> Proto:  # noqa: N802  # the service's name
        """What is known of a model's versions; a label is ignored."""
        return await _answer(context, self._status(request))

    async def HandleReloadConfigRequest(self, request: Proto, context: Context) -> Proto:  # noqa: N802  # the service's name
        """Replace the configuration; OK comes as an empty status in the response, all else as an RPC error."""
        status = await self._host.reload(from_proto(request.config))
        if not status.ok:
            await _refuse(context, status)
        response = stubs.model_management_pb2.ReloadConfigResponse()
        response.status.error_code = 0
        for name in dict.fromkeys(request.metric_names):
            response.metric.add(name=name, int64_value_increase=0)
        return response

    async def _status(self, request: Proto) -> Proto:
        choice = predict.choice_of(request)
        return status_response(self._host.get_model_status(choice.name, choice.version))


class PredictionService:
    """Inference and signatures."""

    def __init__(self, host: Host, *, check_method: bool) -> None:
        self._host = host
        self._check_method = check_method

    async def Predict(self, request: Proto, context: Context) -> Proto:  # noqa: N802  # the service's name
        """Run a signature."""
        return await _answer(context, self._predict(request))

    async def GetModelMetadata(self, request: Proto, context: Context) -> Proto:  # noqa: N802  # the service's name
        """Signatures, and which version a label stands for."""
        return await _answer(context, self._metadata(request))

    async def Classify(self, request: Proto, context: Context) -> Proto:  # noqa: N802  # the service's name
        """Not served yet."""
        return await _refuse(context, Status(Code.UNIMPLEMENTED, "Classify is not implemented"))

    async def Regress(self, request: Proto, context: Context) -> Proto:  # noqa: N802  # the service's name
        """Not served yet."""
        return await _refuse(context, Status(Code.UNIMPLEMENTED, "Regress is not implemented"))

    async def MultiInference(self, request: Proto, context: Context) -> Proto:  # noqa: N802  # the service's name
        """Not served yet."""
        return await _refuse(context, Status(Code.UNIMPLEMENTED, "MultiInference is not implemented"))

    async def _predict(self, request: Proto) -> Proto:
        return await self._host.infer(
            predict.choice_of(request),
            lambda servable: predict.predict(servable, request, check_method=self._check_method),
        )

    async def _metadata(self, request: Proto) -> Proto:
        choice = predict.choice_of(request)
        predict.check_metadata_fields(request)
        return await self._host.infer(choice, predict.metadata)


def build(host: Host, *, check_method: bool, channel_arguments: str = "") -> Any:
    """A server without ports, ready for them."""
    server = grpc.aio.server(
        options=[
            ("grpc.so_reuseport", 0),  # two servers on one port are a mistake, not load balancing
            ("grpc.max_receive_message_length", _MAX_MESSAGE),
            ("grpc.max_send_message_length", _MAX_MESSAGE),
            *_channel_arguments(channel_arguments),
        ]
    )
    stubs.model_service_pb2_grpc.add_ModelServiceServicer_to_server(ModelService(host), server)
    service = PredictionService(host, check_method=check_method)
    stubs.prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(service, server)
    return server


def _channel_arguments(text: str) -> list[tuple[str, str | int]]:
    pairs = (item.partition("=") for item in text.split(",") if item)
    return [(name, int(value) if value.lstrip("-").isdigit() else value) for name, _, value in pairs]
