"""Calls to one gRPC port and one REST port, with answers as the core's values.

Used by the worlds on real processes and by cases that look at single messages (``world.client``). Deliberately not
here: starting servers, and anything about files.
"""

from __future__ import annotations

import threading
from typing import Any

import grpc
import httpx
from conformance_exports import FLOAT, half, nap
from conformance_world import InFlight, Pending, Statuses

from reconciler.modelserver.core import (
    All,
    Code,
    Latest,
    ModelConfig,
    ServerConfig,
    Specific,
    Status,
    VersionState,
    VersionStatus,
)
from reconciler.wire import stubs

DEADLINE = 30.0
ARRIVAL = 0.15
"""What a call is given to reach the server and, if it does not block, to be answered."""

_QUICK_RECONNECT = [("grpc.initial_reconnect_backoff_ms", 50), ("grpc.max_reconnect_backoff_ms", 100)]


def spec(name: str, version: int | None = None, label: str | None = None, signature: str = "") -> Any:
    """A ModelSpec."""
    result = stubs.model_pb2.ModelSpec(name=name, signature_name=signature)
    if version is not None:
        result.version.value = version
    if label is not None:
        result.version_label = label
    return result


def floats(*values: float) -> Any:
    """A column of floats."""
    tensor = stubs.tensor_pb2.TensorProto(dtype=FLOAT, float_val=values)
    for size in (len(values), 1):
        tensor.tensor_shape.dim.add(size=size)
    return tensor


def to_proto(config: ServerConfig) -> Any:
    """A ModelServerConfig message; ``models`` None leaves its oneof unset."""
    message = stubs.model_server_config_pb2.ModelServerConfig()
    if config.models is not None:
        message.model_config_list.SetInParent()
    for model in config.models or ():
        _fill(message.model_config_list.config.add(), model)
    return message


def _fill(entry: Any, model: ModelConfig) -> None:
    entry.name, entry.base_path = model.name, model.base_path
    entry.model_platform, entry.model_type = model.platform, model.model_type
    match model.policy:
        case Latest(number):
            entry.model_version_policy.latest.num_versions = number
        case All():
            entry.model_version_policy.all.SetInParent()
        case Specific(versions):
            entry.model_version_policy.specific.SetInParent()
            entry.model_version_policy.specific.versions.extend(versions)
        case None:
            pass
    for label, version in model.labels:
        entry.version_labels[label] = version
    if model.logging:
        entry.logging_config.sampling_config.sampling_rate = 0.0


def status_of(error: grpc.RpcError) -> Status:
    """Code and text of a refusal."""
    return Status(Code(error.code().value[0]), error.details() or "")


class Client:
    """One server's ports."""

    def __init__(self, address: str, rest_address: str = "") -> None:
        self.address = address
        self.channel = grpc.insecure_channel(address, options=_QUICK_RECONNECT)
        self.models = stubs.model_service_pb2_grpc.ModelServiceStub(self.channel)
        self.predictions = stubs.prediction_service_pb2_grpc.PredictionServiceStub(self.channel)
        self.rest = httpx.Client(base_url=f"http://{rest_address}", timeout=DEADLINE) if rest_address else None

    def close(self) -> None:
        """Close both."""
        self.channel.close()
        if self.rest is not None:
            self.rest.close()

    def answers(self) -> bool:
        """Whether anybody is there."""
        request = stubs.get_model_status_pb2.GetModelStatusRequest()
        try:
            self.models.GetModelStatus(request, timeout=1.0)
        except grpc.RpcError as error:
            return error.code() is grpc.StatusCode.INVALID_ARGUMENT
        return True

    def get_model_status(self, name: str, version: int | None, label: str | None) -> Statuses | Status:
        """GetModelStatus."""
        request = stubs.get_model_status_pb2.GetModelStatusRequest(model_spec=spec(name, version, label))
        try:
            response = self.models.GetModelStatus(request, timeout=DEADLINE)
        except grpc.RpcError as error:
            return status_of(error)
        return tuple(
            VersionStatus(
                each.version,
                VersionState(each.state),
                Status(Code(each.status.error_code), each.status.error_message),
            )
            for each in response.model_version_status
        )

    def resolve(self, name: str, version: int | None, label: str | None) -> int | Status:
        """Ask by GetModelMetadata, which must name the version and no label."""
        request = stubs.get_model_metadata_pb2.GetModelMetadataRequest(
            model_spec=spec(name, version, label), metadata_field=["signature_def"]
        )
        try:
            response = self.predictions.GetModelMetadata(request, timeout=DEADLINE)
        except grpc.RpcError as error:
            return status_of(error)
        assert response.model_spec.WhichOneof("version_choice") == "version"
        return int(response.model_spec.version.value)

    def predict(self, model_spec: Any, **inputs: Any) -> Any:
        """Predict; a refusal is raised."""
        request = stubs.predict_pb2.PredictRequest(model_spec=model_spec, inputs=inputs)
        return self.predictions.Predict(request, timeout=DEADLINE)

    def content(self, name: str, version: int | None) -> int | Status:
        """Which export's bytes answer: see ``conformance_exports.half``."""
        try:
            response = self.predict(spec(name, version), x=floats(0.0))
        except grpc.RpcError as error:
            return status_of(error)
        return int(response.outputs["y"].float_val[0] - half(0.0, 0))

    def send_reload(self, config: ServerConfig) -> Pending:
        """HandleReloadConfigRequest without waiting for more than its arrival."""
        request = stubs.model_management_pb2.ReloadConfigRequest(config=to_proto(config))
        return self.send_request(request)

    def send_request(self, request: Any) -> Pending:
        """The same for a message made by hand."""
        pending, answered = Pending(), threading.Event()

        def fill(call: Any) -> None:
            if not call.cancelled():
                error = call.exception()
                pending.status = status_of(error) if error else _said(call.result())
            answered.set()

        call = self.models.HandleReloadConfigRequest.future(request, timeout=20 * DEADLINE)
        pending.cancel = call.cancel
        call.add_done_callback(fill)
        answered.wait(ARRIVAL)
        return pending

    def occupy(self, name: str, version: int | None, seconds: float) -> InFlight:
        """Predict with the signature ``sleep``."""
        sent = InFlight()

        def fill(call: Any) -> None:
            error = call.exception()
            sent.answer = status_of(error) if error else call.result().model_spec.version.value

        request = stubs.predict_pb2.PredictRequest(
            model_spec=spec(name, version, signature="sleep"), inputs={"microseconds": nap(seconds)}
        )
        call = self.predictions.Predict.future(request, timeout=20 * DEADLINE)
        call.add_done_callback(fill)
        threading.Event().wait(ARRIVAL)
        return sent


def _said(response: Any) -> Status:
    """What a reload that was not refused says inside."""
    return Status(Code(response.status.error_code), response.status.error_message)
