"""The mechanics of a gRPC call: bytes in, bytes or a status out, in a thread of the server.

Here: what is the same for every method. Messages reach us as bytes, and bytes that are no message end as they do in
grpc's C++ (INTERNAL, no text). As in the real server a call has its thread to the end: one whose client went away, or
whose deadline passed, goes on and is counted when it is done. The server is grpc's synchronous one, like the real
server's: a request costs half of what grpc.aio takes for it. Unknown methods are refused without a text, as by
``grpcpp`` (server_cc.cc). Used by ``grpcfront``.

Not here: what the methods do.
"""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, NoReturn, TypeVar

import grpc
from google.protobuf.message import DecodeError

from reconciler.modelserver.statuses import Code, Status, StatusError, cut
from reconciler.modelserver.tensors import Proto

Context = Any  # grpc.ServicerContext of messages without types
Behave = TypeVar("Behave", bound=Callable[..., object])
_waiting = ThreadPoolExecutor(64, thread_name_prefix="grpc-waiting")
_FOR_EVER = (2**31 - 1) / 1000  # seconds; a call without deadline has more, and in C++ exactly that
_CODES = {code.value[0]: code for code in grpc.StatusCode}


@dataclass(frozen=True, slots=True)
class Call:
    """One request as its method sees it."""

    request: Proto
    began: float
    """When it arrived, by the monotonic clock."""
    deadline: float | None
    """When its client will stop waiting, by the same clock."""

    def milliseconds_left(self, now: float) -> int:
        """The time limit of a session run that starts now; 0 is none, and it is never less than 1 otherwise."""
        return 0 if self.deadline is None else max(1, int((self.deadline - now) * 1000))


Method = Callable[[Call], bytes]
"""Answers a request with the bytes of a message, or raises a StatusError."""


def handler(request_type: Any, method: Method, *, waits: bool = False) -> Any:
    """A method as grpc wants it; one that ``waits`` for something has its threads apart (``apart``)."""

    def behave(raw: bytes, context: Context) -> bytes:
        now = time.monotonic()
        left = context.time_remaining()
        try:
            request = request_type.FromString(raw)
        except DecodeError:
            return _refuse(context, Status(Code.INTERNAL, ""))
        try:
            return method(Call(request, now, now + left if left < _FOR_EVER else None))
        except StatusError as error:
            return _refuse(context, error.status)

    return grpc.unary_unary_rpc_method_handler(apart(behave) if waits else behave)


def apart(behave: Behave) -> Behave:
    """Give a behaviour threads of its own, so that calls which only wait never keep the port from answering.

    A reload may block for ever, and a health watch does. A grpc without this attribute takes the server's threads.
    """
    behave.experimental_thread_pool = _waiting  # type: ignore[attr-defined]
    return behave


def _refuse(context: Context, status: Status) -> NoReturn:
    context.abort(_CODES[status.code], cut(status.message))
    raise AssertionError("abort returned")


class UnknownMethods:
    """A grpc.GenericRpcHandler for every method nobody else has."""

    def service(self, handler_call_details: Any) -> Any:
        """The refusal, whatever the method streams."""

        def refuse(_: Any, context: Context) -> NoReturn:
            _refuse(context, Status(Code.UNIMPLEMENTED, ""))

        return grpc.stream_stream_rpc_method_handler(refuse)
