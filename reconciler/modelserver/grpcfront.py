"""The gRPC port: ModelService and PredictionService.

Here: the methods, from message to host and back, and what is counted of them: requests and latencies of Predict,
Classify and Regress, of nothing else (prediction_service_impl.cc). Built by ``serve``.

Not here: bytes, errors and clients that go away (grpccalls), what requests mean (predict, classify, regress,
multiinference).
"""

import dataclasses
import logging
import re
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc

from reconciler.modelserver import classify, health, multiinference, predict, regress
from reconciler.modelserver.configs import from_proto
from reconciler.modelserver.core import VersionStatus
from reconciler.modelserver.grpccalls import Call, UnknownMethods, handler
from reconciler.modelserver.host import Host, ModelChoice, Servable
from reconciler.modelserver.inference import Options
from reconciler.modelserver.statuses import Code, StatusError
from reconciler.modelserver.tensors import Proto
from reconciler.wire import stubs

_MAX_MESSAGE = 2**31 - 1
_NUMBER = re.compile(r"\s*-?[0-9]+\s*", re.ASCII)
_journal = logging.getLogger(__name__)
Inference = Callable[[Servable, Proto, Options], Proto]


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

    def handlers(self) -> dict[str, Any]:
        """Its methods, for grpc."""
        return {
            "GetModelStatus": handler(stubs.get_model_status_pb2.GetModelStatusRequest, self._status),
            "HandleReloadConfigRequest": handler(
                stubs.model_management_pb2.ReloadConfigRequest, self._reload, waits=True
            ),
        }

    def _status(self, call: Call) -> bytes:
        """What is known of a model's versions; a label is ignored."""
        choice = predict.choice_of(call.request)
        return _bytes(status_response(self._host.get_model_status(choice.name, choice.version)))

    def _reload(self, call: Call) -> bytes:
        """Replace the configuration; OK comes as an empty status in the response, all else as an RPC error."""
        names = list(dict.fromkeys(call.request.metric_names))
        before = [self._host.telemetry.first_cell(name) for name in names]
        _log_entries(call.request.config)
        status = self._host.wait_for(self._host.reload(from_proto(call.request.config)))
        if not status.ok:
            _journal.error("ReloadConfig failed: %s", status.message)
            raise StatusError(status.code, status.message)
        response = stubs.model_management_pb2.ReloadConfigResponse()
        response.status.error_code = 0
        for name, value in zip(names, before, strict=True):
            response.metric.add(name=name, int64_value_increase=self._host.telemetry.first_cell(name) - value)
        return _bytes(response)


class PredictionService:
    """Inference and signatures."""

    def __init__(self, host: Host, options: Options) -> None:
        self._host = host
        self._options = options

    def handlers(self) -> dict[str, Any]:
        """Its methods, for grpc."""
        counted: dict[str, tuple[Any, Inference]] = {
            "Predict": (stubs.predict_pb2.PredictRequest, predict.predict),
            "Classify": (stubs.classification_pb2.ClassificationRequest, classify.classify),
            "Regress": (stubs.regression_pb2.RegressionRequest, regress.regress),
        }
        found = {
            name: handler(request_type, self._counted(name, inference))
            for name, (request_type, inference) in counted.items()
        }
        found["MultiInference"] = handler(stubs.inference_pb2.MultiInferenceRequest, self._multi_inference)
        found["GetModelMetadata"] = handler(stubs.get_model_metadata_pb2.GetModelMetadataRequest, self._metadata)
        return found

    def _counted(self, api: str, inference: Inference) -> Any:
        def answer(call: Call) -> bytes:
            code = Code.UNKNOWN
            try:
                answered = self._infer(predict.choice_of(call.request), inference, call)
                code = Code.OK
            except StatusError as error:
                code = error.status.code
                raise
            finally:
                seconds = time.monotonic() - call.began
                self._host.telemetry.request(call.request.model_spec.name, api, "GRPC", code, seconds)
            return answered

        return answer

    def _multi_inference(self, call: Call) -> bytes:
        return self._infer(multiinference.choice_of(call.request), multiinference.multi_inference, call)

    def _metadata(self, call: Call) -> bytes:
        choice = predict.choice_of(call.request)
        predict.check_metadata_fields(call.request)
        return self._host.serve(choice, lambda servable: _bytes(predict.metadata(servable)))

    def _infer(self, choice: ModelChoice, inference: Inference, call: Call) -> bytes:
        def work(servable: Servable) -> bytes:
            left = call.milliseconds_left(time.monotonic())
            options = dataclasses.replace(self._options, timeout_ms=left) if left else self._options
            return _bytes(inference(servable, call.request, options))

        return self._host.serve(choice, work)


def _log_entries(config: Proto) -> None:
    for index, entry in enumerate(config.model_config_list.config):
        place = (index, entry.base_path, entry.name, entry.model_platform)
        _journal.info("\nConfig entry\n\tindex : %d\n\tpath : %s\n\tname : %s\n\tplatform : %s", *place)


def _bytes(message: Proto) -> bytes:
    return bytes(message.SerializeToString())


def build(
    host: Host,
    *,
    check_method: bool,
    as_content: bool = False,
    health_service: bool = False,
    channel_arguments: str = "",
) -> Any:
    """A server without ports, ready for them."""
    server: Any = grpc.server(
        ThreadPoolExecutor(host.inference_threads, thread_name_prefix="grpc"),
        options=[
            ("grpc.so_reuseport", 0),  # two servers on one port are a mistake, not load balancing
            ("grpc.max_receive_message_length", _MAX_MESSAGE),
            ("grpc.max_send_message_length", _MAX_MESSAGE),
            *_channel_arguments(channel_arguments),
        ],
    )
    options = Options(check_method, as_content, telemetry=host.telemetry)
    services: dict[str, dict[str, Any]] = {
        "tensorflow.serving.ModelService": ModelService(host).handlers(),
        "tensorflow.serving.PredictionService": PredictionService(host, options).handlers(),
    }
    if health_service:
        services[health.NAME] = health.handlers()
    for name, methods in services.items():
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(name, methods),))
    server.add_generic_rpc_handlers((UnknownMethods(),))
    return server


def _channel_arguments(text: str) -> list[tuple[str, str | int]]:
    """Pairs for grpc: a value that is an int32 goes as one. An item without ``=``, undefined in C++, is left out."""
    pairs = [item.split("=") for item in text.split(",") if "=" in item]
    return [(pair[0], _int32_or_text(pair[1])) for pair in pairs]


def _int32_or_text(text: str) -> int | str:
    number = int(text) if _NUMBER.fullmatch(text) else 2**31
    return number if -(2**31) <= number < 2**31 else text
