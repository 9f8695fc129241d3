"""Bytes and calls that are none, on both ports: each costs its sender an answer, and nobody else anything.

The fixture checks after every case that all models answer as before.
"""

from __future__ import annotations

import socket

import grpc
import pytest
from conformance_cases import case
from conformance_client import DEADLINE
from conformance_standing import WIRE, Standing, exchange, refusal

pytestmark = pytest.mark.serving
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"


def call(standing: Standing, method: str, message: bytes = b"") -> bytes:
    """Any method with any bytes."""
    return sent(standing.client.channel, method, message)


def sent(channel: grpc.Channel, method: str, message: bytes) -> bytes:
    """The same over any channel; messages stay bytes."""
    found: bytes = channel.unary_unary(method, bytes, bytes)(message, timeout=DEADLINE)
    return found


def grpc_address(standing: Standing) -> tuple[str, int]:
    host, port = standing.client.address.rsplit(":", 1)
    return host, int(port)


@case("S100", process_only=WIRE)
@pytest.mark.parametrize(
    "method",
    [
        "/tensorflow.serving.PredictionService/Nope",
        "/tensorflow.serving.ModelService/ListModels",
        "/tensorflow.serving.SessionService/SessionRun",
        "/grpc.health.v1.Health/Check",
        "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
        "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
        "/nobody.Knows/This",
    ],
)
def test_a_method_nobody_registered_is_unimplemented(standing: Standing, method: str) -> None:
    assert refusal(call, standing, method) == "UNIMPLEMENTED: "


@case("S101", process_only=WIRE)
@pytest.mark.parametrize(
    "method",
    [
        "ModelService/GetModelStatus",
        "ModelService/HandleReloadConfigRequest",
        "PredictionService/Predict",
        "PredictionService/Classify",
        "PredictionService/Regress",
        "PredictionService/MultiInference",
        "PredictionService/GetModelMetadata",
    ],
)
def test_bytes_that_are_no_message_are_an_internal_error(standing: Standing, method: str) -> None:
    for garbage in (b"\xff" * 40, b"\x0a\x7f", b"\x0b", b"\x0a\x02\x08"):
        assert refusal(call, standing, f"/tensorflow.serving.{method}", garbage).startswith("INTERNAL: ")


@case("S102", process_only=WIRE)
def test_fields_nobody_knows_are_ignored(standing: Standing) -> None:
    asked = standing.spec().SerializeToString() + b"\xfa\x3e\x03abc"
    message = b"\x0a" + bytes([len(asked)]) + asked + b"\xfa\x3e\x03abc"
    answer = call(standing, "/tensorflow.serving.ModelService/GetModelStatus", message)
    assert answer.count(b"\x10\x1e") == 2  # state: AVAILABLE, twice


@case("S103", process_only=WIRE)
@pytest.mark.parametrize(
    "garbage",
    [
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        bytes(range(256)) * 16,
        b"\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03" + b"\0" * 160,
        PREFACE + b"\xff" * 64,
        PREFACE + b"\x00\x00\x00\x04\x00\x00\x00\x00\x00" + b"\x00\xff\xff\x01\x05\x00\x00\x00\x01" + b"\0" * 100,
        PREFACE + b"\x00\x00\x08\x06\x00\x00\x00\x00\x00" + b"\0" * 8,
        b"",
    ],
    ids=["http", "bytes", "tls", "preface", "frames", "ping", "nothing"],
)
def test_garbage_on_the_grpc_port_ends_its_own_connection_only(standing: Standing, garbage: bytes) -> None:
    exchange(grpc_address(standing), garbage, patience=0.3)
    assert standing.get().status == 200


@case("S104", process_only=WIRE)
@pytest.mark.parametrize(
    "garbage",
    [
        b"BLAH\r\n\r\n",
        bytes(range(256)) * 16,
        b"GET\r\n\r\n",
        b"GET /v1/models/x HTTP/9.9\r\n\r\n",
        b"GET /v1/models/x HTTP/1.1\r\nno colon here\r\n\r\n",
        b"POST /v1/models/x:predict HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n{}",
        b"POST /v1/models/x:predict HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\n{}",
        b"POST /v1/models/x:predict HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n",
        b"GET /" + b"a" * 200_000 + b" HTTP/1.1\r\n\r\n",
        b"\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03" + b"\0" * 160,
    ],
    ids=["word", "bytes", "verb", "version", "header", "negative", "huge", "chunks", "target", "tls"],
)
def test_garbage_on_the_rest_port_is_refused_or_dropped(standing: Standing, garbage: bytes) -> None:
    said = standing.raw(garbage)
    assert not said.startswith(b"HTTP/1.1 200")
    assert standing.get().status == 200


@case("S105", process_only=WIRE)
def test_a_body_that_never_comes_costs_nobody_else_anything(standing: Standing) -> None:
    head = f"POST {standing.path(':predict')} HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n".encode()
    with socket.create_connection(standing.rest_address) as waiting:
        waiting.sendall(head + b'{"instances"')
        assert standing.post({"instances": [2.0]}, "/versions/1:predict").json() == {"predictions": [3.0]}
        waiting.shutdown(socket.SHUT_WR)
        assert standing.post({"instances": [2.0]}, "/versions/1:predict").json() == {"predictions": [3.0]}
    assert not standing.raw(head, b'{"instances": [').startswith(b"HTTP/1.1 200")


@case("S105", process_only=WIRE)
def test_a_body_of_a_gigabyte_that_ends_early_is_dropped(standing: Standing) -> None:
    head = f"POST {standing.path(':predict')} HTTP/1.1\r\nHost: x\r\nContent-Length: {2**30}\r\n\r\n"
    assert not standing.raw(head.encode(), b"[" * 8_000_000).startswith(b"HTTP/1.1 200")


@case("S105", process_only=WIRE)
def test_a_client_that_leaves_before_its_answer_costs_nobody_else_anything(standing: Standing) -> None:
    body = b'{"inputs": 600000, "signature_name": "sleep"}'
    head = f"POST {standing.path(':predict', 'half')} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n"
    for _ in range(3):
        with socket.create_connection(standing.rest_address) as leaving:
            leaving.sendall(head.encode() + body)
    assert standing.post({"instances": [2.0]}, "/versions/1:predict").json() == {"predictions": [3.0]}


@case("S106", process_only=WIRE)
def test_calls_on_one_connection_do_not_wait_for_each_other(standing: Standing) -> None:
    slow = standing.world.occupy(standing.name("half"), None, seconds=0.8)
    assert standing.get().status == 200
    assert standing.refused(standing.spec(of="nope")).startswith("FAILED_PRECONDITION")
    assert slow.answer is None
    standing.world.until(lambda: slow.answer is not None)
    assert slow.answer == 1


@case("S106", process_only=WIRE)
def test_compressed_calls_are_read(standing: Standing) -> None:
    channel = grpc.insecure_channel(standing.client.address, compression=grpc.Compression.Gzip)
    with channel:
        request = standing.spec().SerializeToString()
        message = b"\x0a" + bytes([len(request)]) + request
        assert sent(channel, "/tensorflow.serving.ModelService/GetModelStatus", message)
