"""`python -m bench.endpoints COUNT`: model servers that answer at once, to measure whoever asks them.

Real sockets and real gRPC; the answers are fixed: every model has version 1 AVAILABLE, every label means version 1,
every reload is accepted. Prints its ports as one line of JSON, and on a line of stdin how many calls of each kind came
since it was last asked. Deliberately no model server: that one would be what is measured.
"""

import asyncio
import json
import sys
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any

import grpc

from reconciler.wire import stubs

STATUS = "/tensorflow.serving.ModelService/GetModelStatus"
RELOAD = "/tensorflow.serving.ModelService/HandleReloadConfigRequest"
METADATA = "/tensorflow.serving.PredictionService/GetModelMetadata"

Handler = Callable[[bytes, Any], Awaitable[bytes]]


def answers() -> dict[str, bytes]:
    """What each method answers, serialised once."""
    available = stubs.get_model_status_pb2.ModelVersionStatus(version=1, state=30)
    status = stubs.get_model_status_pb2.GetModelStatusResponse(model_version_status=[available])
    metadata = stubs.get_model_metadata_pb2.GetModelMetadataResponse()
    metadata.model_spec.version.value = 1
    reload = stubs.model_management_pb2.ReloadConfigResponse()
    return {
        STATUS: status.SerializeToString(),
        METADATA: metadata.SerializeToString(),
        RELOAD: reload.SerializeToString(),
    }


class Canned(grpc.GenericRpcHandler):  # type: ignore[type-arg]  # generic in the stubs only
    """Answers each method with its bytes, and counts."""

    def __init__(self) -> None:
        self.calls: Counter[str] = Counter()
        self._handlers = {method: self._handler(method, body) for method, body in answers().items()}

    def _handler(self, method: str, body: bytes) -> "grpc.RpcMethodHandler[bytes, bytes]":
        async def answer(_request: bytes, _context: object) -> bytes:
            self.calls[method] += 1
            return body

        return grpc.unary_unary_rpc_method_handler(answer)

    def service(self, details: grpc.HandlerCallDetails) -> "grpc.RpcMethodHandler[bytes, bytes] | None":
        """The handler of a method, None where it is not one of ours."""
        return self._handlers.get(details.method)


async def serve(count: int) -> None:
    """Listen on so many free ports of loopback until stdin ends."""
    canned = Canned()
    servers, ports = [], []
    for _ in range(count):
        server = grpc.aio.server()
        server.add_generic_rpc_handlers((canned,))
        ports.append(server.add_insecure_port("127.0.0.1:0"))
        await server.start()
        servers.append(server)
    sys.stdout.write(json.dumps(ports) + "\n")
    sys.stdout.flush()
    loop = asyncio.get_running_loop()
    while await loop.run_in_executor(None, sys.stdin.readline):
        sys.stdout.write(json.dumps({method: canned.calls[method] for method in (STATUS, METADATA, RELOAD)}) + "\n")
        sys.stdout.flush()
        canned.calls.clear()
    await asyncio.gather(*(server.stop(0) for server in servers))


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1])))
