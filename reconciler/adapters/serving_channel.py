"""One gRPC connection to one model server: made late, watched for breaks, called with deadlines.

Used by `serving.py` only. A call gives bytes or a `Failed`, never an exception of gRPC: a server that is down is an
observation. The authorization secret is read at each call and appears in no message and no repr.

Deliberately not here: what answers mean (serving_answers.py), what is asked.
"""

import asyncio
import contextlib
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

os.environ.setdefault("GRPC_VERBOSITY", "NONE")  # read once, at import: gRPC core would log every failed handshake

import grpc

from reconciler.adapters import serving_answers as answers
from reconciler.adapters.secret import SecretMissing, read_secret
from reconciler.state.desired import Connection

_OPTIONS = (
    ("grpc.max_receive_message_length", 64 << 20),  # signature definitions of large models
    ("grpc.max_send_message_length", 64 << 20),
    ("grpc.initial_reconnect_backoff_ms", 100),  # a restarted server is to be noticed, and healed, at once
    ("grpc.min_reconnect_backoff_ms", 1000),
    ("grpc.max_reconnect_backoff_ms", 1000),
    ("grpc.keepalive_time_ms", 30_000),  # only while calls are under way: servers punish idle pings
    ("grpc.keepalive_timeout_ms", 10_000),
    ("grpc.enable_retries", 0),  # a reload is sent once or not at all
    ("grpc.enable_http_proxy", 0),  # model servers are reached directly, whatever HTTP_PROXY says
    ("grpc.use_local_subchannel_pool", 1),  # one connection per server, shared with nobody
)

_READY = grpc.ChannelConnectivity.READY
_SHUTDOWN = grpc.ChannelConnectivity.SHUTDOWN


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where and how to connect. `files`: when the TLS files changed, so that new ones make a new connection."""

    address: str
    connection: Connection
    files: tuple[int, ...] = field(default=(), repr=False)


def endpoint(address: str, connection: Connection) -> Endpoint:
    """The endpoint as its TLS files are now."""
    paths = (connection.ca_file, connection.cert_file, connection.key_file)
    return Endpoint(address, connection, tuple(_changed(path) for path in paths if path))


class Channel:
    """A connection to one endpoint. Made at the first call, inside the event loop that uses it."""

    def __init__(self, where: Endpoint) -> None:
        self._where = where
        self._channel: Any = None
        self._watch: asyncio.Task[None] | None = None
        self._methods: dict[str, Callable[..., Any]] = {}
        self._left_ready = False

    def __repr__(self) -> str:
        return f"Channel({self._where.address})"

    async def call(self, method: str, request: bytes, deadline: float) -> answers.Reply:
        """Call a unary method; `deadline` in seconds. Every failure is a value."""
        try:
            reply = await self._method(method)(request, timeout=deadline, metadata=self._metadata())
        except grpc.aio.AioRpcError as error:
            return _failed(int(error.code().value[0]), error.details() or "")
        except (SecretMissing, OSError, ValueError) as error:
            return _failed(answers.Code.UNAUTHENTICATED, str(error))
        except grpc.aio.UsageError as error:  # the channel was closed under the call
            return _failed(answers.Code.CANCELLED, str(error))
        return bytes(reply)

    def dropped(self) -> bool:
        """Whether the connection left READY since this was last asked."""
        dropped, self._left_ready = self._left_ready, False
        return dropped

    async def close(self) -> None:
        """Give the connection back. A call under way ends as cancelled."""
        if self._watch is not None:
            self._watch.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._watch
        if self._channel is not None:
            await self._channel.close()

    def _method(self, method: str) -> Callable[..., Any]:
        if method not in self._methods:
            self._methods[method] = self._opened().unary_unary(method)
        return self._methods[method]

    def _opened(self) -> Any:
        if self._channel is None:
            self._channel = _connect(self._where)
            self._watch = asyncio.create_task(self._watched(), name=f"watch {self._where.address}")
        return self._channel

    def _metadata(self) -> tuple[tuple[str, str], ...] | None:
        where = self._where.connection.authorization
        if where is None:
            return None
        secret = read_secret(where)
        if not (secret.isascii() and secret.isprintable()):
            raise SecretMissing("the authorization secret holds characters that a header cannot carry")
        return (("authorization", secret),)

    async def _watched(self) -> None:
        """Note every time the connection leaves READY: 15–29 ms after a server is killed, even when idle."""
        state = self._channel.get_state(try_to_connect=True)
        while state is not _SHUTDOWN:
            await self._channel.wait_for_state_change(state)
            now = self._channel.get_state()
            hidden = state is grpc.ChannelConnectivity.CONNECTING and now is grpc.ChannelConnectivity.IDLE
            if state is _READY or hidden:  # idle right after connecting: it was READY in between
                self._left_ready = True
            state = now


def _failed(code: int, message: str) -> answers.Failed:
    return answers.Failed(int(code), message[: answers.MAX_TEXT])


def _connect(where: Endpoint) -> Any:
    """Raises OSError where a TLS file cannot be read."""
    use = where.connection
    if use.ca_file is None and use.cert_file is None:
        return grpc.aio.insecure_channel(where.address, options=_OPTIONS)
    credentials = grpc.ssl_channel_credentials(_read(use.ca_file), _read(use.key_file), _read(use.cert_file))
    return grpc.aio.secure_channel(where.address, credentials, options=_OPTIONS)


def _read(path: str | None) -> bytes | None:
    return Path(path).read_bytes() if path else None


def _changed(path: str) -> int:
    try:
        return Path(path).stat().st_mtime_ns
    except OSError:
        return 0
