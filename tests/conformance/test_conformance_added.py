"""Flags that add something: all on one server, beside everything it does without them (server.cc, http_server.cc)."""

from __future__ import annotations

import threading
from typing import Any

import grpc
import pytest
from conformance_cases import case
from conformance_client import DEADLINE, floats
from conformance_standing import RICH, WIRE, Standing, refusal

from reconciler.wire import stubs

pytestmark = pytest.mark.serving
FLAGS = RICH
HEALTH = "/grpc.health.v1.Health/"
SERVING, UNKNOWN = b"\x08\x01", b"\x08\x03"
CORS = {
    "access-control-allow-origin": "*",
    "access-control-allow-methods": "POST, GET",
    "access-control-allow-headers": "Content-Type",
}


def check(standing: Standing, service: bytes) -> bytes:
    """Health of a service, asked with the bytes of the message."""
    method = standing.client.channel.unary_unary(f"{HEALTH}Check", bytes, bytes)
    answer: bytes = method(b"\x0a" + bytes([len(service)]) + service if service else b"", timeout=DEADLINE)
    return answer


@case("S81", flags=FLAGS, process_only=WIRE)
def test_health_is_serving_for_three_names_and_no_others(standing: Standing) -> None:
    for service in (b"", b"ModelService", b"PredictionService"):
        assert check(standing, service) == SERVING
    for service in (b"tensorflow.serving.ModelService", b"plus"):
        assert refusal(check, standing, service).startswith("NOT_FOUND: ")


@case("S81", flags=FLAGS, process_only=WIRE)
def test_health_can_be_watched(standing: Standing) -> None:
    watch = standing.client.channel.unary_stream(f"{HEALTH}Watch", bytes, bytes)
    for request, state in ((b"", SERVING), (b"\x0a\x01x", UNKNOWN)):
        answers: Any = watch(request, timeout=DEADLINE)
        assert next(answers) == state
        answers.cancel()


@case("S71", flags=FLAGS, process_only="it is about what a process prints")
def test_an_unknown_flag_is_named_and_the_server_starts(standing: Standing) -> None:
    if standing.world.kind != "foreign":
        said = standing.world.server.output()
        assert "unknown argument: --no_such_flag=1" in said
        assert "--model_base_path" in said


@case("S80", flags=FLAGS, process_only=WIRE)
def test_the_same_services_answer_on_a_unix_socket(standing: Standing) -> None:
    if standing.world.kind == "foreign":
        pytest.skip("its socket is not known")
    socket = standing.world.server.config_file.with_name("socket")
    with grpc.insecure_channel(f"unix:{socket}") as channel:
        predictions = stubs.prediction_service_pb2_grpc.PredictionServiceStub(channel)
        request = stubs.predict_pb2.PredictRequest(model_spec=standing.spec(version=1), inputs={"x": floats(2.0)})
        assert list(predictions.Predict(request, timeout=DEADLINE).outputs["y"].float_val) == [3.0]


@case("S82", flags=FLAGS, process_only=WIRE)
def test_every_rest_answer_carries_the_cors_headers(standing: Standing) -> None:
    origin = {"Origin": "http://a.example"}
    for answer in (
        standing.get(),
        standing.post({"instances": [1.0]}),
        standing.post("{"),
        standing.send("OPTIONS", standing.path(":predict"), headers=origin),
    ):
        assert {name: answer.headers.get(name) for name in CORS} == CORS


@case("S83", "S37", flags=FLAGS, process_only=WIRE)
def test_a_run_over_rest_has_a_time_limit(standing: Standing) -> None:
    status, text = standing.post({"signature_name": "sleep", "inputs": 600_000}, model="half").error
    assert status == 504
    assert text
    assert standing.post({"signature_name": "sleep", "inputs": 1000}, model="half").status == 200


@case("S106", flags=FLAGS, process_only=WIRE)
def test_many_clients_are_answered_at_the_same_time(standing: Standing) -> None:
    wrong: list[Any] = []

    def ask(value: float) -> None:
        answered = list(standing.predict(standing.spec(version=1), x=floats(value)).outputs["y"].float_val)
        over_rest = standing.post({"instances": [value]}, "/versions/1:predict").json()["predictions"]
        if not answered == over_rest == [value / 2 + 2]:
            wrong.append((value, answered, over_rest))

    clients = [threading.Thread(target=ask, args=(float(value),)) for value in range(24)]
    for client in clients:
        client.start()
    for client in clients:
        client.join()
    assert wrong == []
