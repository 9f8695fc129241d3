"""The metrics page: what it shows of models, and everything a server may answer instead."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from reconciler.adapters import serving_page
from reconciler.state.look import Page

TEXT = r"""
# TYPE :tensorflow:cc:saved_model:load_attempt_count counter
:tensorflow:cc:saved_model:load_attempt_count{model_path="/models/half/41",status="success"} 1
:tensorflow:cc:saved_model:load_attempt_count{model_path="/models/half/42/",status="fail"} 2
:tensorflow:cc:saved_model:load_attempt_count{model_path="s3://bucket/m/other/1",status="success"} 1
:tensorflow:serving:request_count{model_name="half",status="OK"} 4
:tensorflow:serving:request_latency_bucket{model_name="od\"d",API="Predict",entrypoint="REST",le="10"} 4
go_info{model_name="not ours"} 1
"""


def test_names_are_of_requests_and_paths_of_loads() -> None:
    assert serving_page.parsed(TEXT) == Page(("half", 'od"d'), ("/models/half", "s3://bucket/m/other"))


def test_a_page_of_something_else_is_not_taken_for_an_empty_one() -> None:
    assert "no metrics of TensorFlow Serving" in serving_page.parsed("go_info 1").unseen


@asynccontextmanager
async def answering(reply: bytes) -> AsyncIterator[str]:
    """A server that says this to whatever it is asked; with nothing to say it keeps silent."""

    ended: list[asyncio.Future[None]] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        ended.append(done)
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            await reader.readuntil(b"\r\n\r\n")
            if not reply:
                await asyncio.wait_for(reader.read(), 5)  # until the other side gives up
            writer.write(reply)
            await writer.drain()
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()
        done.set_result(None)

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        await asyncio.wait_for(asyncio.gather(*ended), 5)


def page_of(body: str, status: str = "200 OK") -> bytes:
    return f"HTTP/1.1 {status}\r\nConnection: close\r\n\r\n{body}".encode()


async def test_the_page_is_read_at_its_usual_place() -> None:
    async with answering(page_of(TEXT)) as rest:
        assert (await serving_page.read(rest + "/", 5.0)).names == ("half", 'od"d')


@pytest.mark.parametrize(
    ("reply", "why"),
    [
        (page_of("", "404 Not Found"), "404"),
        (page_of("x" * 100), "larger than"),
        (b"nonsense", "cannot be read"),
        (b"", "did not answer within"),
    ],
)
async def test_what_else_a_server_may_answer_is_said(reply: bytes, why: str) -> None:
    patience = 5.0 if reply else 0.2
    async with answering(reply) as rest:
        assert why in (await serving_page.read(rest, patience, most=50)).unseen


@pytest.mark.parametrize("rest", [None, "http://127.0.0.1:1", "http://[bad"])
async def test_an_address_at_which_nobody_is_is_said(rest: str | None) -> None:
    assert (await serving_page.read(rest, 1.0)).unseen
