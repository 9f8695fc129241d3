"""HTTP/1.1 on the REST port, as near to libevent as uvicorn comes.

Here: libevent's error pages (``page``), and a uvicorn protocol that answers what is no HTTP with them, keeps the target
of a request as it came, and still answers a client that has closed its sending side. Used by the REST front and by
``listening``. Source: ``http.c`` of libevent 2.1 (``evhttp_send_error``, ``evhttp_connection_incoming_fail``).

What stays different: reason phrases of codes libevent has no words for, spelling and order of headers; HTTP/1.1 without
a Host header and blanks in odd places, which libevent lets pass; and libevent answers HEAD with a body, which breaks
the connection.
"""

import asyncio
from typing import Any

import h11
from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from uvicorn import Config
from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle
from uvicorn.server import ServerState

LONGEST_HEAD = 2**24  # bytes of request line and headers; libevent has no bound
NEVER = 10**7  # seconds; libevent does not close idle connections
_PHRASES = {
    400: "Bad Request",
    404: "Not Found",
    413: "Request Entity Too Large",
    417: "Expectation Failed",
    501: "Not Implemented",
}


def page(code: int) -> Response:
    """The answer of libevent itself, after which it closes the connection."""
    return Response(_html(code), code, {"Content-Type": "text/html", "Connection": "close"})


def _html(code: int) -> bytes:
    phrase = _PHRASES[code]
    return (
        f"<HTML><HEAD>\n<TITLE>{code} {phrase}</TITLE>\n</HEAD><BODY>\n<H1>{phrase}</H1>\n</BODY></HTML>\n"
    ).encode()


class _Connection(h11.Connection):
    """Remembers the target of the request it read last."""

    target = b""

    def next_event(self) -> Any:
        event = super().next_event()
        if isinstance(event, h11.Request):
            self.target = event.target
        return event


class RestProtocol(H11Protocol):
    """One connection."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        connection = self.conn = _Connection(h11.SERVER, LONGEST_HEAD)
        app = self.app

        async def with_target(scope: Scope, receive: Receive, send: Send) -> None:
            await app({**scope, "target": connection.target}, receive, send)

        self.app = with_target

    def send_400_response(self, msg: str) -> None:
        """Answer garbage: of a body that has begun it is chunks that are wrong, which libevent calls too large."""
        cycle: RequestResponseCycle | None = self.cycle  # None before the first request
        begun = cycle is not None and not cycle.response_complete
        if cycle is None or not (begun and cycle.response_started):
            code = 413 if begun else 400
            content = _html(code)
            head = f"HTTP/1.1 {code} {_PHRASES[code]}\r\nContent-Type: text/html\r\nConnection: close\r\n"
            self.transport.write(f"{head}Content-Length: {len(content)}\r\n\r\n".encode() + content)
        self.transport.close()

    def eof_received(self) -> bool | None:  # type: ignore[override]
        """Keep the connection for an answer that is still to come; asyncio closes it otherwise."""
        cycle: RequestResponseCycle | None = self.cycle
        if cycle is None or cycle.response_complete or cycle.more_body:
            return None
        cycle.keep_alive = False
        return True
