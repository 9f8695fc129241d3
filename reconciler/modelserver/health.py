"""grpc.health.v1.Health, as ``--enable_grpc_healthcheck_service`` has it.

Here: the two methods of grpc's own C++ service (default_health_check_service.cc) over the names model_servers/server.cc
registers. All of them serve from the moment the port is open: this says nothing about models. Added to the server by
``grpcfront.build``. Deliberately not here: a way to change a state, because the real server never does.
"""

import threading
from collections.abc import Iterator
from typing import Any

import grpc
from google.protobuf.message import DecodeError

from reconciler.modelserver.grpccalls import apart
from reconciler.modelserver.serverprotos import HealthCheckRequest, HealthCheckResponse

NAME = "grpc.health.v1.Health"
_SERVICES = {"", "ModelService", "PredictionService"}
_LONGEST_NAME = 200
_SERVING, _SERVICE_UNKNOWN = 1, 3
Context = Any  # grpc.ServicerContext of bytes


def handlers() -> dict[str, Any]:
    """The methods, for grpc."""
    return {
        "Check": grpc.unary_unary_rpc_method_handler(_check),
        "Watch": grpc.unary_stream_rpc_method_handler(apart(_watch)),
    }


def _check(raw: bytes, context: Context) -> bytes:
    service = _asked_for(raw)
    if service is None:
        context.abort(grpc.StatusCode.INVALID_ARGUMENT, "could not parse request")
    if service not in _SERVICES:
        context.abort(grpc.StatusCode.NOT_FOUND, "service name unknown")
    return _answer(_SERVING)


def _watch(raw: bytes, context: Context) -> Iterator[bytes]:
    """Tell the state once, and then nothing until the client goes: it never changes."""
    service = _asked_for(raw)
    if service is None:
        context.abort(grpc.StatusCode.INTERNAL, "could not parse request")
    gone = threading.Event()
    if context.add_callback(gone.set):
        yield _answer(_SERVING if service in _SERVICES else _SERVICE_UNKNOWN)
        gone.wait()


def _asked_for(raw: bytes) -> str | None:
    try:
        service = str(HealthCheckRequest.FromString(raw).service)
    except DecodeError:
        return None
    return service if len(service.encode()) <= _LONGEST_NAME else None


def _answer(status: int) -> bytes:
    return bytes(HealthCheckResponse(status=status).SerializeToString())
