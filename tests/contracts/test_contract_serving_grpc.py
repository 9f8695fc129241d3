"""The serving contract on the gRPC client, against a server made of the core, on real sockets and virtual time."""

from collections.abc import AsyncIterator, Callable
from typing import Any

import grpc
import pytest
from serving_contract import ServingContract

from reconciler.adapters.serving import GrpcClients
from reconciler.modelserver import core
from reconciler.ports import ServingClient
from reconciler.state.desired import Deadlines, DesiredServer, Fleet
from reconciler.wire.stubs import (
    get_model_metadata_pb2,
    get_model_status_pb2,
    model_management_pb2,
    predict_pb2,
    types_pb2,
)

_START = core.ServerConfig((core.ModelConfig("m", "/models/m", policy=core.Specific((1,)), labels=(("stable", 1),)),))


class CoreServer(grpc.GenericRpcHandler):  # type: ignore[type-arg]  # generic in its stubs only
    """TensorFlow Serving's services on a `VirtualServer`."""

    def __init__(self) -> None:
        disk = core.MemoryDisk()
        disk.add("/models/m", 1, 2, 3)
        disk.add("/models/n", 1, 2, 3)
        flags = core.Flags(max_num_load_retries=0, allow_version_labels_for_unavailable_models=True)
        self.life = core.VirtualServer(flags, disk, core.LoadPlan())
        self.life.run_until_done(self.life.start(_START))
        self.life.run_for(2.0)

    def service(self, details: Any) -> Any:
        answer, kind = {
            "GetModelStatus": (self.status, get_model_status_pb2.GetModelStatusRequest),
            "GetModelMetadata": (self.metadata, get_model_metadata_pb2.GetModelMetadataRequest),
            "Predict": (self.predict, predict_pb2.PredictRequest),
            "HandleReloadConfigRequest": (self.reload, model_management_pb2.ReloadConfigRequest),
        }[details.method.rpartition("/")[2]]
        return grpc.unary_unary_rpc_method_handler(
            answer, request_deserializer=kind.FromString, response_serializer=lambda reply: reply.SerializeToString()
        )

    async def status(self, request: Any, context: Any) -> Any:
        found = self.life.core.get_model_status(request.model_spec.name)
        if isinstance(found, core.Status):
            return await _refuse(context, found)
        reply = get_model_status_pb2.GetModelStatusResponse()
        for each in found:
            entry = reply.model_version_status.add(version=each.version, state=int(each.state))
            entry.status.error_code, entry.status.error_message = int(each.status.code), each.status.message
        return reply

    async def metadata(self, request: Any, context: Any) -> Any:
        spec = request.model_spec
        version = spec.version.value if spec.HasField("version") else None
        found = self.life.request(spec.name, version, spec.version_label or None)
        if isinstance(found, core.Status):
            return await _refuse(context, found)
        reply = get_model_metadata_pb2.GetModelMetadataResponse()
        reply.model_spec.name, reply.model_spec.version.value = spec.name, found
        signatures = get_model_metadata_pb2.SignatureDefMap()
        signatures.signature_def["serving_default"].inputs["x"].dtype = types_pb2.DT_FLOAT
        signatures.signature_def["serving_default"].outputs["y"].dtype = types_pb2.DT_FLOAT
        reply.metadata["signature_def"].Pack(signatures)
        return reply

    async def predict(self, request: Any, context: Any) -> Any:
        spec = request.model_spec
        found = self.life.request(spec.name, spec.version.value)
        if isinstance(found, core.Status):
            return await _refuse(context, found)
        reply = predict_pb2.PredictResponse()
        reply.model_spec.version.value = found
        reply.outputs["y"].CopyFrom(request.inputs["x"])
        return reply

    async def reload(self, request: Any, context: Any) -> Any:
        models = tuple(
            core.ModelConfig(
                each.name,
                each.base_path,
                policy=core.Specific(tuple(each.model_version_policy.specific.versions)),
                labels=tuple(sorted(each.version_labels.items())),
            )
            for each in request.config.model_config_list.config
        )
        status = self.life.run_until_done(self.life.reload(core.ServerConfig(models)), 5.0)
        if status is None:
            return await _refuse(context, core.Status(core.Code.DEADLINE_EXCEEDED, "Deadline Exceeded"))
        return model_management_pb2.ReloadConfigResponse() if status.ok else await _refuse(context, status)


async def _refuse(context: Any, status: core.Status) -> None:
    code = next(each for each in grpc.StatusCode if each.value[0] == int(status.code))
    await context.abort(code, status.message)


class GrpcRig:
    def __init__(self, client: ServingClient, behind: CoreServer, stop: Callable[[None], Any]) -> None:
        self.client = client
        self._behind = behind
        self._stop = stop

    async def passes(self, seconds: float) -> None:
        self._behind.life.run_for(seconds)

    async def kill(self) -> None:
        await self._stop(None)


@pytest.fixture
async def rig() -> AsyncIterator[GrpcRig]:
    behind, server, clients = CoreServer(), grpc.aio.server(), GrpcClients()
    server.add_generic_rpc_handlers((behind,))
    port = server.add_insecure_port("localhost:0")
    await server.start()
    fleet = Fleet("f", deadlines=Deadlines(status=2.0, reload=2.0))
    yield GrpcRig(clients.client(DesiredServer(fleet, "s", f"localhost:{port}")), behind, server.stop)
    await clients.close()
    await server.stop(None)


class TestGrpcClient(ServingContract):
    """All of the contract."""
