"""HTTP itself, on a real port: what is no HTTP, what is odd HTTP, and connections that end early."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from rest_world import Rest
from running_server import free_ports

from reconciler.modelserver import listening
from reconciler.modelserver.flags import ServerFlags
from reconciler.modelserver.restfront import RestFront, RestSettings

pytestmark = pytest.mark.asyncio(loop_scope="session")
PREDICT = b"POST /v1/models/m:predict HTTP/1.1\r\nHost: x\r\n"
BODY = b'{"inputs": 0}'
ANSWER = {"outputs": 3.0}
DEADLINE = 10.0


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def port(rest: Rest) -> AsyncIterator[int]:
    """The port of an HTTP server of our own, before the front all tests share."""
    number = free_ports(1)[0]
    close = listening.open_rest(RestFront(rest.host, RestSettings()), ServerFlags(rest_api_port=number))
    assert close is not None
    yield number
    await close()


class Wire:
    """One connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    def send(self, *pieces: bytes) -> "Wire":
        self.writer.writelines(pieces)
        return self

    async def rest(self) -> bytes:
        """Everything up to the end of the connection."""
        async with asyncio.timeout(DEADLINE):
            return await self.reader.read()

    async def answer(self) -> tuple[int, bytes]:
        """Code and body of one answer."""
        async with asyncio.timeout(DEADLINE):
            head = await self.reader.readuntil(b"\r\n\r\n")
            length = next(int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
            return int(head.split()[1]), await self.reader.readexactly(length)


@contextlib.asynccontextmanager
async def wired(port: int, *pieces: bytes) -> AsyncIterator[Wire]:
    """A connection on which these bytes were sent."""
    async with asyncio.timeout(DEADLINE):
        wire = Wire(*await asyncio.open_connection("127.0.0.1", port))
    try:
        yield wire.send(*pieces)
    finally:
        wire.writer.close()
        with contextlib.suppress(OSError):
            await wire.writer.wait_closed()


def with_length(body: bytes = BODY, *headers: bytes) -> bytes:
    lines = b"".join(header + b"\r\n" for header in headers)
    return PREDICT + lines + b"Content-Length: %d\r\n\r\n" % len(body) + body


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        (b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n", 400),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
        (b"hello\r\n\r\n", 400),
        (b"GET /v1/models/m HTTP/3.7\r\n\r\n", 400),
        (b"GET /v1/models/m\r\n\r\n", 400),
        (b"GET /v1/models/\xc3\xa4 HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        (b"GET /v1/models/{m} HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        (b"GET /v1/models/m HTTP/1.1\r\nno colon\r\n\r\n", 400),
        (PREDICT + b"Content-Length: abc\r\n\r\n", 400),
        (PREDICT + b"Content-Length: -1\r\n\r\n", 400),
        (PREDICT + b"Transfer-Encoding: chunked\r\n\r\nxyz\r\n", 413),
        (PREDICT + b"Content-Length: 99999999999\r\n\r\n", 413),
        (b"get /v1/models/m HTTP/1.1\r\nHost: x\r\n\r\n", 501),
        (b"GET //v1/models/m HTTP/1.1\r\nHost: x\r\n\r\n", 404),
    ],
)
async def test_what_is_no_request_gets_a_page_and_the_end_of_the_connection(port: int, sent: bytes, code: int) -> None:
    async with wired(port, sent) as wire:
        head, _, body = (await wire.rest()).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 %d " % code)
    assert b"connection: close" in head.lower()
    assert b"content-type: text/html\r\n" in head.lower() + b"\r\n"
    assert body.startswith(b"<HTML><HEAD>\n<TITLE>%d " % code)


@pytest.mark.parametrize(
    ("target", "code", "text"),
    [
        (b"/v1/models/m?", 404, "Could not find any versions of model m?"),
        (b"/v1/models/m#", 404, "Could not find any versions of model m#"),
        (b"http://elsewhere/v1/models/n", 404, "Could not find any versions of model n"),
        (b"/v1/../v1/models/m", 400, "Malformed request: GET /v1/../v1/models/m"),
    ],
)
async def test_a_target_is_taken_as_it_comes(port: int, target: bytes, code: int, text: str) -> None:
    async with wired(port, b"GET " + target + b" HTTP/1.1\r\nHost: x\r\n\r\n") as wire:
        answered, body = await wire.answer()
        assert (answered, json.loads(body)) == (code, {"error": text})


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param(with_length(), id="with its length"),
        pytest.param(with_length(BODY, b"X-Long: " + b"x" * 200_000), id="under long headers"),
        pytest.param(
            PREDICT
            + b"Transfer-Encoding: chunked\r\n\r\n5;x=y\r\n"
            + BODY[:5]
            + b"\r\n8\r\n"
            + BODY[5:]
            + b"\r\n0\r\nTrailer: x\r\n\r\n",
            id="in chunks",
        ),
    ],
)
async def test_a_body_arrives_in_any_form(port: int, sent: bytes) -> None:
    async with wired(port, sent) as wire:
        code, body = await wire.answer()
        assert (code, json.loads(body)) == (200, ANSWER)


async def test_a_body_without_length_is_empty(port: int) -> None:
    async with wired(port, PREDICT, b"\r\n") as wire:
        assert b"The document is empty" in (await wire.answer())[1]


async def test_a_client_that_waits_for_the_go_ahead_gets_it(port: int) -> None:
    head = PREDICT + b"Expect: 100-continue\r\nContent-Length: %d\r\n\r\n" % len(BODY)
    async with wired(port, head) as wire:
        async with asyncio.timeout(DEADLINE):
            assert (await wire.reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 100 ")
        assert (await wire.send(BODY).answer())[0] == 200


async def test_requests_on_one_connection_are_answered_in_order(port: int) -> None:
    status = b"GET /v1/models/m/versions/9 HTTP/1.1\r\nHost: x\r\n\r\n"
    async with wired(port, with_length() + status + with_length()) as wire:
        assert [(await wire.answer())[0] for _ in range(3)] == [200, 404, 200]
        assert (await wire.send(status).answer())[0] == 404


@pytest.mark.parametrize("version", [b"HTTP/1.0", b"HTTP/1.1"])
async def test_a_client_that_wants_no_more_is_let_go(port: int, version: bytes) -> None:
    close = b"" if version == b"HTTP/1.0" else b"Connection: close\r\n"
    sent = b"GET /v1/models/m " + version + b"\r\nHost: x\r\n" + close + b"\r\n"
    async with wired(port, sent) as wire:
        assert (await wire.rest()).startswith(b"HTTP/1.1 200 ")


async def test_a_half_closed_connection_still_gets_its_answer(port: int) -> None:
    async with wired(port, with_length()) as wire:
        wire.writer.write_eof()
        everything = await wire.rest()
        assert json.loads(everything.partition(b"\r\n\r\n")[2]) == ANSWER


@pytest.mark.parametrize("sent", [b"", b"GET /v1", PREDICT + b"Content-Length: 100\r\n\r\n{"])
async def test_a_connection_closed_within_a_request_gets_none(port: int, sent: bytes) -> None:
    async with wired(port, sent) as wire:
        wire.writer.write_eof()
        assert await wire.rest() == b""


async def test_a_client_that_hangs_up_within_its_body_leaves_others_alone(port: int) -> None:
    for _ in range(3):
        async with wired(port, PREDICT + b"Content-Length: 100\r\n\r\n{") as gone:
            await gone.writer.drain()
            gone.writer.transport.abort()
    async with wired(port, with_length()) as wire:
        assert (await wire.answer())[0] == 200


async def test_a_slow_client_is_waited_for(port: int) -> None:
    async with wired(port) as wire:
        for byte in with_length():
            wire.send(bytes((byte,)))
            await wire.writer.drain()
            await asyncio.sleep(0)
        assert (await wire.answer())[0] == 200


async def test_a_body_of_many_megabytes_is_read_and_its_fault_is_found(port: int) -> None:
    body = b'{"inputs": "' + b"x" * 20_000_000 + b'"}x'
    async with wired(port, with_length(body)) as wire:
        code, answer = await wire.answer()
        text = f"JSON Parse error: The document root must not be followed by other values. at offset: {len(body) - 1}"
        assert (code, json.loads(answer)) == (400, {"error": text})
