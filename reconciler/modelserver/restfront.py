"""The HTTP/REST port.

Here: one ASGI application that takes every request apart by verb and raw path, as the real server does; a router would
decode and normalise paths first. Built by ``serve``. Error bodies carry the full text: only gRPC cuts it.

Not here: what paths mean (restpaths), JSON tensors (restjson), Classify and Regress, metrics.
"""

import asyncio
import gzip
import json
import zlib
from collections.abc import Awaitable, Callable
from typing import Any

from google.protobuf import json_format
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from reconciler.modelserver import predict, restjson
from reconciler.modelserver.grpcfront import status_response
from reconciler.modelserver.host import Host, ModelChoice, Servable
from reconciler.modelserver.restpaths import RestCall, understand
from reconciler.modelserver.statuses import Code, StatusError, http_status, invalid_argument
from reconciler.modelserver.tensors import Proto
from reconciler.wire.stubs import get_model_metadata_pb2

_NOT_FOUND = "<html><body><h1>Not Found</h1></body></html>"


class RestFront:
    """The ASGI application."""

    def __init__(self, host: Host, timeout: float) -> None:
        self._host = host
        self._timeout = timeout
        self._actions: dict[str, Callable[[RestCall, Request], Awaitable[bytes]]] = {
            "status": self._status,
            "metadata": self._metadata,
            "predict": self._predict,
            "classify": self._unimplemented,
            "regress": self._unimplemented,
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] == "http":
            response = await self._respond(Request(scope, receive))
            await response(scope, receive, send)

    async def _respond(self, request: Request) -> Response:
        path = _raw_path(request)
        if not path.lower().startswith("/v1/"):
            return Response(_NOT_FOUND, 404, media_type="text/html")
        if request.method == "OPTIONS":
            origin = request.headers.get("origin", "")
            return Response(status_code=200 if "http://" in origin or "https://" in origin else 400)
        try:
            call = understand(request.method, path)
            body = await self._actions[call.action](call, request)
        except StatusError as error:
            text = json.dumps({"error": error.status.message}, ensure_ascii=False)
            return _json(text.encode("utf-8", "surrogateescape"), http_status(error.status.code))
        return _json(body)

    async def _status(self, call: RestCall, _: Request) -> bytes:
        return _pretty(_as_dict(status_response(self._host.get_model_status(call.model, call.version))))

    async def _metadata(self, call: RestCall, _: Request) -> bytes:
        found = await self._host.infer(ModelChoice(call.model, call.version, call.label), predict.metadata)
        signatures = get_model_metadata_pb2.SignatureDefMap()
        found.metadata["signature_def"].Unpack(signatures)
        return _pretty({"model_spec": _as_dict(found.model_spec), "metadata": {"signature_def": _as_dict(signatures)}})

    async def _predict(self, call: RestCall, request: Request) -> bytes:
        body = await _body(request)
        document = await self._host.compute(lambda: restjson.parse(body))
        name = restjson.signature_name(document)
        choice = ModelChoice(call.model, call.version, call.label)
        work = self._host.infer(choice, lambda servable: _predict(servable, name, document))
        try:
            return await asyncio.wait_for(work, self._timeout)
        except TimeoutError:
            raise StatusError(Code.DEADLINE_EXCEEDED, "Timed out waiting for notification") from None

    async def _unimplemented(self, call: RestCall, _: Request) -> bytes:
        raise StatusError(Code.UNIMPLEMENTED, f"{call.action.capitalize()} is not implemented")


def _predict(servable: Servable, name: str, document: dict[str, Any]) -> bytes:
    chosen = name or predict.DEFAULT_SIGNATURE
    signature = servable.saved_model.signatures.get(chosen)
    if signature is None:
        raise invalid_argument(f'Serving signature name: "{chosen}" not found in signature def')
    if not signature.inputs:
        raise invalid_argument(f"Failed to get input map for signature: {name or 'DEFAULT'}")
    request = restjson.request(document, {alias: signature.inputs[alias] for alias in sorted(signature.inputs)})
    request.model_spec.signature_name = name
    response = predict.predict(servable, request)
    return restjson.response(response.outputs, rows="instances" in document)


def _raw_path(request: Request) -> str:
    raw: bytes = request.scope.get("raw_path") or request.scope["path"].encode()
    query: bytes = request.scope["query_string"]
    return (raw + (b"?" + query if query else b"")).decode("latin-1")


async def _body(request: Request) -> bytes:
    body = await request.body()
    if request.headers.get("content-encoding", "").lower() != "gzip":
        return body
    try:
        return gzip.decompress(body)
    except (OSError, EOFError, zlib.error):
        raise invalid_argument("Failed to uncompress request body") from None


def _json(body: bytes, status: int = 200) -> Response:
    return Response(body, status, media_type="application/json")


def _as_dict(message: Proto) -> dict[str, Any]:
    return json_format.MessageToDict(
        message, preserving_proto_field_name=True, always_print_fields_with_no_presence=True
    )


def _pretty(document: dict[str, Any]) -> bytes:
    return (json.dumps(document, indent=1, ensure_ascii=False) + "\n").encode()
