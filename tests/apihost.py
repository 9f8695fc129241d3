"""An HTTP API on the loopback for tests: it writes down what it is asked and answers as the test says."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class Asked:
    """One request as it came; header names in lower case."""

    method: str
    path: str
    headers: dict[str, str]
    body: Any


@dataclass(frozen=True)
class Reply:
    """What is answered."""

    code: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)


Answering = Callable[[Asked], Reply]


@dataclass
class Api:
    """Where it is, and what it was asked so far."""

    url: str = ""
    asked: list[Asked] = field(default_factory=list)
    answer: Answering = lambda _: Reply(201, {})

    def paths(self, method: str) -> list[str]:
        return [each.path for each in self.asked if each.method == method]


def _take(api: Api, request: BaseHTTPRequestHandler) -> None:
    text = request.rfile.read(int(request.headers.get("Content-Length") or 0))
    headers = {name.lower(): value for name, value in request.headers.items()}
    asked = Asked(request.command, request.path, headers, json.loads(text) if text else None)
    api.asked.append(asked)
    reply = api.answer(asked)
    content = json.dumps(reply.body).encode()
    request.send_response(reply.code)
    for name, value in {**reply.headers, "Content-Length": str(len(content))}.items():
        request.send_header(name, value)
    request.end_headers()
    request.wfile.write(content)


@contextmanager
def serving() -> Iterator[Api]:
    """Serve until the context ends."""
    api = Api()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 10

        def do_GET(self) -> None:
            _take(api, self)

        do_POST = do_PATCH = do_PUT = do_GET  # noqa: N815

        def log_message(self, *_: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_: object) -> None:
            pass  # a visitor that hangs up

    server = Server(("127.0.0.1", 0), Handler)
    api.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield api
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
