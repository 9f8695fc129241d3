"""Bodies of REST requests: received, bounded, decompressed.

Here: ``BodyRoom``, which gives out memory for bodies, and ``decompressed``, with the rules of ``gzip_zlib.cc`` and
``evhttp_request.cc`` in ``util/net_http``. Used by the REST front.

The real server takes bodies of any length and keeps each twice. We take up to ``LONGEST`` bytes, and of long bodies
only so many at a time that all together stay below ``ROOM``; a client whose turn has not come is not read from. What is
longer is refused with libevent's words for that. Not here: what is in a body.
"""

import asyncio
import contextlib
import zlib
from collections import deque
from collections.abc import AsyncIterator

from starlette.types import Message, Receive

from reconciler.modelserver.jsonfaults import Body

LONGEST = 2**30  # bytes of one body
ROOM = 2**31  # bytes of all long bodies together
SHORT = 2**24  # bytes up to which a body needs no room reserved
_MOST_INFLATED = 100 * 2**20  # bytes; the real server's own bound


class TooLongError(Exception):
    """A body beyond the bound."""


class DisconnectedError(Exception):
    """The client has gone before its body was complete."""


class BodyRoom:
    """Memory for the bodies that are being received or worked on."""

    def __init__(self, room: int = ROOM, longest: int = LONGEST, short: int = SHORT) -> None:
        self._free = room
        self._longest = longest
        self._short = short
        self._waiting: deque[tuple[int, asyncio.Future[None]]] = deque()

    @contextlib.asynccontextmanager
    async def receive(self, receive: Receive, declared: int | None) -> AsyncIterator[bytearray]:
        """A whole body; its memory counts as taken until the block ends."""
        if declared is not None and declared > self._longest:
            raise TooLongError
        body = bytearray()
        reserved = 0
        try:
            more = True
            while more:
                message = await receive()
                more = self._append(body, message)
                if len(body) > self._short and not reserved:
                    wanted = declared or self._longest
                    await self._take(wanted)
                    reserved = wanted
            yield body
        finally:
            self._give_back(reserved)

    def _append(self, body: bytearray, message: Message) -> bool:
        if message["type"] != "http.request":
            raise DisconnectedError
        body += message.get("body", b"")
        if len(body) > self._longest:
            raise TooLongError
        return bool(message.get("more_body", False))

    async def _take(self, size: int) -> None:
        if not self._waiting and size <= self._free:
            self._free -= size
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((size, turn))
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._give_back(size)
            raise

    def _give_back(self, size: int) -> None:
        self._free += size
        while self._waiting and (self._waiting[0][1].cancelled() or self._waiting[0][0] <= self._free):
            wanted, turn = self._waiting.popleft()
            if not turn.cancelled():
                self._free -= wanted
                turn.set_result(None)


def decompressed(body: Body, content_encoding: str) -> Body:
    """The body behind its encoding. One that cannot be decompressed is empty, as the real server goes on without it."""
    if "gzip" not in content_encoding or not body:
        return body
    declared = int.from_bytes(body[-4:], "little")
    if declared > _MOST_INFLATED:
        return b""
    stream = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)
    try:
        content = stream.decompress(body, declared + 1)
        content += stream.decompress(stream.unconsumed_tail, 1) if not stream.eof and len(content) <= declared else b""
    except zlib.error:
        return b""
    return content if stream.eof and not stream.unused_data and len(content) == declared else b""
