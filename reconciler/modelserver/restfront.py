"""The HTTP/REST port: from a request to the host and back.

Here: one ASGI application that takes every request apart by verb and raw target, as the real server does; a router
would decode and normalise paths first. What libevent and ``model_servers/http_server.cc`` do around a call: HTML
pages for what is no call, CORS, metrics, how many requests are worked on at a time. Built by ``serve``. Error bodies
carry the full text: only gRPC cuts it.

Not here: bytes on the connection (resthttp), what targets mean (restpaths), JSON (restcalls).
"""

import asyncio
import logging
import re
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from reconciler.modelserver import jsonwriter, restcalls
from reconciler.modelserver.host import Host
from reconciler.modelserver.restbody import BodyRoom, DisconnectedError, TooLongError, decompressed
from reconciler.modelserver.resthttp import page
from reconciler.modelserver.restpaths import Asked, Target, split, understand
from reconciler.modelserver.statuses import Code, Status, StatusError, http_status

_VERBS = {"GET", "POST", "HEAD", "PUT", "DELETE", "OPTIONS", "PATCH"}
_WEB_ORIGIN = re.compile("https?://")
_CORS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Methods": "POST, GET",
    "Access-Control-Allow-Headers": "Content-Type",
}
_journal = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class RestSettings:
    """What the command line says about REST."""

    timeout_ms: int = 30_000
    """Time limit of a session run; none if not positive."""
    threads: int = 0
    """``--rest_api_num_threads``: one is the event loop, the others answer. Not positive: no bound of its own."""
    cors: bool = False
    check_method: bool = False
    metrics_path: str | None = None
    """Where Prometheus finds its page; None if monitoring is off."""


class RestFront:
    """The ASGI application."""

    def __init__(self, host: Host, settings: RestSettings) -> None:
        self._host = host
        self._settings = settings
        self._calls = restcalls.RestCalls(host, max(0, settings.timeout_ms), check_method=settings.check_method)
        self._room = BodyRoom()
        self._at_work = asyncio.Semaphore(max(1, settings.threads - 1)) if settings.threads > 0 else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        request = Request(scope)
        try:
            async with self._room.receive(receive, _declared_length(request)) as body:
                response = await self._respond(request, body)
        except TooLongError:
            response = page(413)
        except DisconnectedError:
            return
        await response(scope, receive, send)

    async def _respond(self, request: Request, body: bytearray) -> Response:
        refused = _refused(request, body)
        target = split(_raw_target(request))
        if refused is not None or target is None:
            return page(refused or 400)
        if self._settings.metrics_path is not None and target.path == self._settings.metrics_path:
            return self._metrics(target)
        if not target.full.lower().startswith("/v1/"):
            return page(404)
        return await self._in_turn(lambda: self._call(request, target.full, body))

    def _metrics(self, target: Target) -> Response:
        headers = {"Content-Type": "text/plain"}
        if target.full != self._settings.metrics_path:
            text = f"Unexpected path: {target.full}. Should be {self._settings.metrics_path}"
            return Response(text, 400, headers)
        return Response(self._host.telemetry.render().encode("utf-8", "surrogateescape"), 200, headers)

    async def _in_turn(self, work: Callable[[], Awaitable[Response]]) -> Response:
        if self._at_work is None:
            return await work()
        async with self._at_work:
            return await work()

    async def _call(self, request: Request, path: str, body: bytearray) -> Response:
        began = time.monotonic()
        asked = Asked()
        if request.method == "OPTIONS":
            code, response = self._preflight(request)
        else:
            answer = await self._answered(request, path, body, asked)
            code = answer.code if isinstance(answer, Status) else Code.OK
            response = _json(answer)
        self._host.telemetry.request(asked.model, asked.method, "REST", code, time.monotonic() - began)
        if self._settings.cors:
            response.headers.update(_CORS)
        return response

    async def _answered(self, request: Request, path: str, body: bytearray, asked: Asked) -> bytes | Status:
        try:
            call = understand(request.method, path, asked)
            encoding = request.headers.get("content-encoding", "")
            return await self._calls.answer(call, await self._decompressed(body, encoding))
        except StatusError as error:
            return error.status
        except MemoryError:
            return Status(Code.RESOURCE_EXHAUSTED, "The request does not fit into memory")
        except Exception as error:
            _journal.exception("A REST request failed: %s %s", request.method, path)
            return Status(Code.INTERNAL, f"{type(error).__name__}: {error}")

    async def _decompressed(self, body: bytearray, encoding: str) -> Any:
        if "gzip" not in encoding:
            return body
        return await self._host.compute(lambda: decompressed(body, encoding))

    def _preflight(self, request: Request) -> tuple[Code, Response]:
        welcome = _WEB_ORIGIN.search(request.headers.get("origin", "")) is not None
        headers = {"Content-Type": "text/html; charset=ISO-8859-1"}  # what libevent says of an answer without a type
        code = Code.OK if welcome else Code.FAILED_PRECONDITION
        return code, Response(b"", http_status(code), headers)


def _refused(request: Request, body: bytearray) -> int | None:
    """The code with which libevent itself refuses a request, whatever its target."""
    if request.scope["http_version"] not in {"0.9", "1.0", "1.1"}:
        return 400
    if body and request.headers.get("expect", "100-continue").lower() != "100-continue":
        return 417
    return None if request.method in _VERBS else 501


def _raw_target(request: Request) -> str:
    target = request.scope.get("target")  # resthttp keeps a question mark nothing follows
    if target is None:
        query = request.scope["query_string"]
        target = (request.scope.get("raw_path") or request.scope["path"].encode()) + (b"?" + query if query else b"")
    return str(target, "latin-1")


def _declared_length(request: Request) -> int | None:
    text = request.headers.get("content-length", "")
    return int(text) if text.isascii() and text.isdigit() else None


def _json(answer: bytes | Status) -> Response:
    if isinstance(answer, bytes):
        return Response(answer, 200, media_type="application/json")
    writer = jsonwriter.PrettyWriter()
    writer.start_object()
    writer.key("error")
    writer.raw(jsonwriter.text(answer.message))
    writer.end_object()
    content = writer.document().encode("utf-8", "surrogateescape")
    return Response(content, http_status(answer.code), media_type="application/json")
