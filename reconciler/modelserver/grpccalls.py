"""The mechanics of a gRPC call: bytes in, bytes or a status out, and work that outlives its client.

Here: what is the same for every method. Messages reach us as bytes: a large one is taken apart in a worker thread,
every answer is put together in the thread that computed it, and bytes that are no message end as they do in grpc's C++
(INTERNAL, no text). A call is a task of its own, so that a client that goes away, or whose deadline passes, ends its
own waiting only: as a thread of the real server would, the task goes on, and is counted when it is done. Unknown
methods are refused without a text, as by ``grpcpp`` (server_cc.cc). Used by ``grpcfront``.

Not here: what the methods do.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, NoReturn

import grpc
from google.protobuf.message import DecodeError

from reconciler.modelserver.host import Host
from reconciler.modelserver.statuses import Code, Status, StatusError, cut
from reconciler.modelserver.tensors import Proto

Context = Any  # grpc.aio.ServicerContext of messages without types
_CODES = {code.value[0]: code for code in grpc.StatusCode}
_LARGE = 1 << 18  # bytes of a request; taking apart less is faster than changing the thread


@dataclass(frozen=True, slots=True)
class Call:
    """One request as its method sees it."""

    request: Proto
    began: float
    """When it arrived, by the loop's clock."""
    deadline: float | None
    """When its client will stop waiting, by the same clock."""

    def milliseconds_left(self, now: float) -> int:
        """The time limit of a session run that starts now; 0 is none, and it is never less than 1 otherwise."""
        return 0 if self.deadline is None else max(1, int((self.deadline - now) * 1000))


Method = Callable[[Call], Awaitable[bytes]]
"""Answers a request with the bytes of a message, or raises a StatusError."""


def handler(host: Host, request_type: Any, method: Method) -> Any:
    """A method as grpc wants it."""

    async def behave(raw: bytes, context: Context) -> bytes:
        now = asyncio.get_running_loop().time()
        left = context.time_remaining()
        task = asyncio.ensure_future(_finish(host, request_type, method, (raw, now, left)))
        answer = await asyncio.shield(task)
        return answer if isinstance(answer, bytes) else await _refuse(context, answer)

    return grpc.unary_unary_rpc_method_handler(behave)


async def _finish(
    host: Host, request_type: Any, method: Method, came: tuple[bytes, float, float | None]
) -> bytes | Status:
    raw, now, left = came
    try:
        request = await _parsed(host, request_type, raw)
    except DecodeError:
        return Status(Code.INTERNAL, "")
    try:
        return await method(Call(request, now, None if left is None else now + left))
    except StatusError as error:
        return error.status


async def _parsed(host: Host, request_type: Any, raw: bytes) -> Proto:
    if len(raw) < _LARGE:
        return request_type.FromString(raw)
    return await host.compute(lambda: request_type.FromString(raw))


async def _refuse(context: Context, status: Status) -> NoReturn:
    await context.abort(_CODES[status.code], cut(status.message))
    raise AssertionError("abort returned")


class UnknownMethods:
    """A grpc.GenericRpcHandler for every method nobody else has."""

    def service(self, handler_call_details: Any) -> Any:
        """The refusal, whatever the method streams."""

        async def refuse(_: Any, context: Context) -> NoReturn:
            await _refuse(context, Status(Code.UNIMPLEMENTED, ""))

        return grpc.stream_stream_rpc_method_handler(refuse)
