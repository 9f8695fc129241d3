"""The ports: opening them, and closing them again.

Here: the addresses of the gRPC and the HTTP/REST API, and what is said when they are open or cannot be opened, in the
words of model_servers/server.cc. Called by ``serve`` once every model is up. Not here: what a front does with requests.
"""

import asyncio
import contextlib
import logging
import socket
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import grpc
import uvicorn
from starlette.types import ASGIApp

from reconciler.modelserver.flags import ServerFlags
from reconciler.modelserver.resthttp import NEVER, RestProtocol
from reconciler.modelserver.statuses import invalid_argument

GRACE = 0.3  # seconds for requests in flight when told to stop; the real server gives none
_journal = logging.getLogger(__name__)
Close = Callable[[], Awaitable[None]]


async def open_grpc(server: Any, wanted: ServerFlags, credentials: grpc.ServerCredentials | None) -> Close:
    """Listen and serve; returns what stops it. A StatusError says that a port cannot be had."""
    places = list(_grpc_places(wanted))
    try:
        for address, _ in places:
            if credentials is None:
                server.add_insecure_port(address)
            else:
                server.add_secure_port(address, credentials)
    except RuntimeError as error:
        _journal.error("%s", error)
        raise invalid_argument("Failed to BuildAndStart gRPC server") from error
    server.start()
    for _, name in places:
        _journal.info("Running gRPC ModelServer at %s ...", name)

    async def close() -> None:
        await asyncio.to_thread(server.stop(GRACE).wait)

    return close


def _grpc_places(wanted: ServerFlags) -> Iterator[tuple[str, str]]:
    """Addresses for grpc, and what to call them."""
    if wanted.port:
        host = f"[{wanted.bind_address}]" if ":" in wanted.bind_address else wanted.bind_address
        yield f"{host}:{wanted.port}", f"{host}:{wanted.port}"
    if wanted.grpc_socket_path:
        yield f"unix:{wanted.grpc_socket_path}", f"UNIX socket {wanted.grpc_socket_path}"


def open_rest(front: ASGIApp, wanted: ServerFlags) -> Close | None:
    """Listen and serve; returns what stops it. As the real server, a process without a REST API is good enough."""
    name = f"localhost:{wanted.rest_api_port}"
    family = socket.AF_INET6 if ":" in wanted.bind_address else socket.AF_INET
    try:
        listener = socket.create_server((wanted.bind_address, wanted.rest_api_port), family=family, backlog=1024)
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # inherited; asyncio does not set it on these
    except (OSError, OverflowError) as error:
        _journal.error("%s", error)
        _journal.error("Failed to start HTTP Server at %s", name)
        return None
    close = _run_uvicorn(front, listener)
    _journal.info("Exporting HTTP/REST API at:%s ...", name)
    return close


class _Uvicorn(uvicorn.Server):
    """uvicorn without signal handlers: the process has its own."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _run_uvicorn(front: ASGIApp, listener: socket.socket) -> Close:
    config = uvicorn.Config(
        front,
        lifespan="off",
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        http=RestProtocol,
        timeout_graceful_shutdown=1,
        timeout_keep_alive=NEVER,
    )
    server = _Uvicorn(config)
    serving = asyncio.ensure_future(server.serve(sockets=[listener]))

    async def close() -> None:
        server.should_exit = True
        await serving

    return close
