"""What stands around the calls: pages, CORS, metrics, memory for bodies, how many requests are worked on at a time."""

import asyncio
import re
from pathlib import Path

import pytest
from rest_world import Rest, serving

from reconciler.modelserver.restbody import BodyRoom, DisconnectedError, TooLongError
from reconciler.modelserver.restfront import RestSettings

pytestmark = pytest.mark.asyncio(loop_scope="session")
NOT_FOUND = "<HTML><HEAD>\n<TITLE>404 Not Found</TITLE>\n</HEAD><BODY>\n<H1>Not Found</H1>\n</BODY></HTML>\n"


@pytest.mark.parametrize("path", ["/", "/v1", "/v2/models/m", "/monitoring/prometheus/metrics", "/v1?/"])
async def test_outside_v1_there_is_a_page_and_the_end_of_the_connection(rest: Rest, path: str) -> None:
    response = await rest.send("GET", path)
    assert (response.status_code, response.text) == (404, NOT_FOUND)
    assert (response.headers["content-type"], response.headers["connection"]) == ("text/html", "close")


@pytest.mark.parametrize("verb", ["TRACE", "CONNECT", "PROPFIND"])
async def test_verbs_libevent_does_not_let_through_get_a_page(rest: Rest, verb: str) -> None:
    response = await rest.send(verb, "/v1/models/m")
    assert (response.status_code, "<TITLE>501 Not Implemented</TITLE>" in response.text) == (501, True)


async def test_an_expectation_that_is_not_met_gets_a_page(rest: Rest) -> None:
    assert (await rest.send("POST", "/v1/models/m:predict", {"inputs": 0}, expect="more")).status_code == 417
    assert (await rest.send("POST", "/v1/models/m:predict", {"inputs": 0}, expect="100-Continue")).status_code == 200


@pytest.mark.parametrize(("origin", "code"), [("https://x", 200), ("http://x", 200), ("HTTP://x", 400), ("", 400)])
async def test_a_preflight_asks_for_nothing_but_a_web_origin(rest: Rest, origin: str, code: int) -> None:
    response = await rest.send("OPTIONS", "/v1/anything", origin=origin)
    assert (response.status_code, response.content) == (code, b"")
    assert response.headers["content-type"] == "text/html; charset=ISO-8859-1"
    assert "access-control-allow-origin" not in response.headers


@pytest.mark.parametrize(("verb", "path"), [("GET", "/v1/models/m"), ("GET", "/v1/x"), ("OPTIONS", "/v1/x")])
async def test_cors_headers_go_with_every_answer_below_v1(tmp_path: Path, verb: str, path: str) -> None:
    async with serving(tmp_path, 1, settings=RestSettings(cors=True)) as rest:
        headers = (await rest.send(verb, path)).headers
        assert headers["access-control-allow-origin"] == "*"
        assert headers["access-control-allow-methods"] == "POST, GET"
        assert headers["access-control-allow-headers"] == "Content-Type"
        assert "access-control-allow-origin" not in (await rest.send("GET", "/")).headers


async def test_metrics_are_a_page_of_text_where_the_config_says(tmp_path: Path) -> None:
    async with serving(tmp_path, 1, settings=RestSettings(metrics_path="/m/etrics")) as rest:
        for verb in ("GET", "POST"):
            response = await rest.send(verb, "/m/etrics")
            assert (response.status_code, response.headers["content-type"]) == (200, "text/plain")
            assert response.text.startswith("# TYPE ")
        response = await rest.send("GET", "/m/etrics?x")
        assert (response.status_code, response.text) == (400, "Unexpected path: /m/etrics?x. Should be /m/etrics")
        assert (await rest.send("GET", "/monitoring/prometheus/metrics")).status_code == 404


async def counted(rest: Rest) -> dict[str, str]:
    page = rest.host.telemetry.render()
    lines = re.findall(r"serving:request_(?:count|latency_count)\{(.*?)\} (\d+)", page)
    return dict(lines)


async def test_every_request_below_v1_is_counted_with_what_was_understood_of_it(tmp_path: Path) -> None:
    async with serving(tmp_path, 1) as rest:
        await rest.post("m:predict", {"inputs": 0})
        await rest.post("nope:predict", {"inputs": 0})
        await rest.post("m:PREDICT", {"inputs": 0})
        for path in ("/v1/models/m", "/v1/models/m", "/v1/x", "/x", "/v1/models/%ff"):
            await rest.send("GET", path)
        await rest.send("PUT", "/v1/models/m")
        await rest.send("OPTIONS", "/v1/models/m")
        assert await counted(rest) == {
            'model_name="",status="FAILED_PRECONDITION"': "1",
            'model_name="",status="INVALID_ARGUMENT"': "2",
            'model_name="m",status="INVALID_ARGUMENT"': "1",
            'model_name="m",status="OK"': "3",
            'model_name="nope",status="NOT_FOUND"': "1",
            'model_name="\udcff",status="NOT_FOUND"': "1",
            'model_name="m",API="",entrypoint="REST"': "2",
            'model_name="m",API="predict",entrypoint="REST"': "1",
        }


async def test_a_name_that_is_no_utf8_does_not_break_the_metrics(tmp_path: Path) -> None:
    async with serving(tmp_path, 1, settings=RestSettings(metrics_path="/m")) as rest:
        await rest.send("GET", "/v1/models/%ff")
        assert b'model_name="\xff"' in (await rest.send("GET", "/m")).content


@pytest.mark.parametrize("threads", [1, 2, 16])
async def test_one_thread_of_the_rest_api_is_the_loop_and_the_others_answer(tmp_path: Path, threads: int) -> None:
    async with serving(tmp_path, 1, settings=RestSettings(threads=threads)) as rest:
        answers = await asyncio.gather(*(rest.post("m:predict", {"inputs": 0}) for _ in range(20)))
        assert {code for code, _ in answers} == {200}


async def test_a_time_limit_that_is_not_positive_is_none(tmp_path: Path) -> None:
    async with serving(tmp_path, 1, settings=RestSettings(timeout_ms=-1)) as rest:
        body = {"signature_name": "late", "inputs": 1}
        assert await rest.post("m:predict", body) == (200, '{\n    "outputs": 1.0\n}')


# -- memory for bodies ------------------------------------------------------------------------------------------------


class Sender:
    """A client that sends its body in pieces."""

    def __init__(self, *pieces: bytes, gone: bool = False) -> None:
        self._pieces = list(pieces)
        self._gone = gone

    async def __call__(self) -> dict[str, object]:
        if not self._pieces:
            assert self._gone
            return {"type": "http.disconnect"}
        piece = self._pieces.pop(0)
        return {"type": "http.request", "body": piece, "more_body": bool(self._pieces) or self._gone}


async def test_a_body_is_put_together() -> None:
    async with BodyRoom().receive(Sender(b"a", b"", b"b"), None) as body:
        assert body == b"ab"


@pytest.mark.parametrize(("declared", "pieces"), [(11, [b"x"]), (None, [b"x" * 6, b"x" * 5])])
async def test_a_body_beyond_the_bound_is_refused(declared: int | None, pieces: list[bytes]) -> None:
    with pytest.raises(TooLongError):
        async with BodyRoom(20, 10, 2).receive(Sender(*pieces), declared):
            raise AssertionError("taken")


async def test_a_client_that_goes_away_gives_its_room_back() -> None:
    room = BodyRoom(10, 10, 2)
    with pytest.raises(DisconnectedError):
        async with room.receive(Sender(b"12345", gone=True), None):
            raise AssertionError("taken")
    async with room.receive(Sender(b"12345"), None) as body:
        assert len(body) == 5


async def test_long_bodies_wait_for_room_and_short_ones_do_not() -> None:
    room = BodyRoom(10, 10, 2)
    order = []

    async def other(name: str, size: int) -> None:
        async with room.receive(Sender(b"x" * size), size):
            order.append(name)

    async with room.receive(Sender(b"12345678"), 8):
        waiting = [asyncio.ensure_future(other("first", 5)), asyncio.ensure_future(other("second", 3))]
        await other("short", 2)
        assert order == ["short"]
    await asyncio.gather(*waiting)
    assert order == ["short", "first", "second"]


async def test_a_client_that_goes_away_while_it_waits_leaves_the_queue() -> None:
    room = BodyRoom(10, 10, 2)

    async def take() -> bytes:
        async with room.receive(Sender(b"123456"), 6) as body:
            return bytes(body)

    async with room.receive(Sender(b"123456"), 6):
        impatient, patient = asyncio.ensure_future(take()), asyncio.ensure_future(take())
        await asyncio.sleep(0)
        impatient.cancel()
    assert await patient == b"123456"


async def test_requests_are_refused_where_their_body_is_too_long(tmp_path: Path) -> None:
    async with serving(tmp_path, 1) as rest:
        response = await rest.send("POST", "/v1/models/m:predict", b"", content_length=str(2**40))
        assert (response.status_code, "413 Request Entity Too Large" in response.text) == (413, True)
