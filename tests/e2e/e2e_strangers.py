"""What may be found at an address instead of a model server, or in front of one."""

import http.server
import socket
import threading
from collections.abc import Iterator
from concurrent import futures
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc
from running_server import free_ports


@contextmanager
def silent_listener(callers: list[socket.socket] | None = None) -> Iterator[str]:
    """Accepts connections, which `callers` shows, and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        accepted: list[socket.socket] = [] if callers is None else callers

        def accept() -> None:
            while True:
                try:
                    accepted.append(listening.accept()[0])
                except OSError:
                    return

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        yield f"127.0.0.1:{listening.getsockname()[1]}"
        listening.shutdown(socket.SHUT_RDWR)
        thread.join()
        for each in accepted:
            each.close()


class _Quiet(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def http_server() -> Iterator[str]:
    """Speaks HTTP/1.1, as a REST port does."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Quiet) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        yield f"127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@contextmanager
def grpc_without_service() -> Iterator[str]:
    """A gRPC server that knows no method."""
    server = grpc.server(futures.ThreadPoolExecutor(2))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield f"127.0.0.1:{port}"
    server.stop(None).wait()


@contextmanager
def nobody() -> Iterator[str]:
    """A port on which nobody listens."""
    yield f"127.0.0.1:{free_ports(1)[0]}"


class _Never(grpc.GenericRpcHandler):  # type: ignore[type-arg]  # generic in the stubs only
    """Takes every call and answers none until it is let go."""

    def __init__(self) -> None:
        self.released = threading.Event()

    def service(self, _details: Any) -> Any:
        return grpc.unary_unary_rpc_method_handler(self._wait)

    def _wait(self, _request: bytes, _context: Any) -> bytes:
        self.released.wait(60)
        return b""


@contextmanager
def grpc_that_hangs() -> Iterator[str]:
    """A gRPC server that accepts calls and answers none."""
    never = _Never()
    server = grpc.server(futures.ThreadPoolExecutor(4), handlers=[never])
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield f"127.0.0.1:{port}"
    never.released.set()
    server.stop(None).wait()


class _Forward(grpc.GenericRpcHandler):  # type: ignore[type-arg]  # generic in the stubs only
    """Passes calls on that carry the secret."""

    def __init__(self, channel: grpc.Channel, secret: str) -> None:
        self._channel = channel
        self._secret = secret

    def service(self, details: Any) -> Any:
        behind = self._channel.unary_unary(details.method, bytes, bytes)

        def forward(request: bytes, context: Any) -> Any:
            if dict(context.invocation_metadata()).get("authorization") != self._secret:
                context.abort(grpc.StatusCode.UNAUTHENTICATED, "who are you?")
            try:
                return behind(request, timeout=context.time_remaining())
            except grpc.RpcError as error:
                return context.abort(error.code(), error.details())

        return grpc.unary_unary_rpc_method_handler(forward)


@contextmanager
def tls_gateway(address: str, certificate: Path, secret: str) -> Iterator[str]:
    """A gateway before a model server, at `localhost`: TLS, and an authorization header, or nothing passes."""
    pem = certificate.read_bytes()
    with grpc.insecure_channel(address) as channel:
        server = grpc.server(futures.ThreadPoolExecutor(8), handlers=[_Forward(channel, secret)])
        port = server.add_secure_port("localhost:0", grpc.ssl_server_credentials([(pem, pem)]))
        server.start()
        yield f"localhost:{port}"
        server.stop(None).wait()
