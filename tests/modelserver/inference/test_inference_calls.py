"""Predict over gRPC, clients that go away, and the port itself, on a real server with models written by hand."""

import socket
from typing import Any

import grpc
import numpy as np
import pytest
from running_server import DEADLINE, RunningServer, floats, refusal, spec

from reconciler.modelserver import tensors
from reconciler.wire import stubs

pytestmark = pytest.mark.serving
INVALID = "INVALID_ARGUMENT"


# -- Predict ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", sorted(tensors.ELEMENT_TYPES))
def test_every_element_type_goes_through_a_graph_and_back(handmade: RunningServer, number: int) -> None:
    kind = tensors.ELEMENT_TYPES[number]
    value = np.array([[b"a", b""]], object) if kind.is_string else np.array([[1, 0]], np.int8).astype(kind.stored_as)
    if kind.dtype != kind.stored_as:
        value = np.ones((1, 2 * kind.dtype.itemsize // kind.stored_as.itemsize), kind.stored_as).view(kind.dtype)
    signature = "" if kind.name == "float" else kind.name
    answer = handmade.predict(spec("echo", signature=signature), x=tensors.to_proto(value)).outputs["y"]
    assert not answer.tensor_content
    assert answer == tensors.to_proto(value)


@pytest.mark.parametrize("name", ["RESOURCE", "VARIANT"])
def test_a_handle_is_refused_as_the_session_refuses_it(handmade: RunningServer, name: str) -> None:
    handle = stubs.tensor_pb2.TensorProto(dtype=getattr(stubs.types_pb2, f"DT_{name}"))
    assert refusal(lambda: handmade.predict(spec("echo"), x=handle)) == (
        INVALID,
        f"Expects arg[0] to be float but {name.lower()} is provided",
    )
    assert refusal(lambda: handmade.predict(spec("pair"), a=floats(1.0), b=handle)) == (
        INVALID,
        f"Expects arg[1] to be float but {name.lower()} is provided",
    )


@pytest.mark.parametrize(
    ("inputs", "expected"), [({"a": [1.0]}, 11.0), ({"a": [1.0], "b": [2.0]}, 3.0)], ids=["its default", "its own"]
)
def test_an_input_with_a_default_may_be_left_out(
    handmade: RunningServer, inputs: dict[str, list[float]], expected: float
) -> None:
    given = {name: floats(*values, shape=[1]) for name, values in inputs.items()}
    response = handmade.predict(spec("pair", signature="with_default"), **given)
    assert list(response.outputs["sum"].float_val) == [expected]


MISSING = (
    "Signature input alias: a(feed name: left:0) not found in request and no default value provided. Inputs expected "
    "to be in the request {%s}, or default input alias set: b"
)


@pytest.mark.parametrize(
    ("signature", "names", "code", "text"),
    [
        (
            "",
            ["a"],
            INVALID,
            "input size does not match signature: 1!=2 len({a}) != len({a,b}). Sent extra: {}. Missing but required: "
            "{b}.",
        ),
        (
            "",
            ["a", "b", "c"],
            INVALID,
            "input size does not match signature: 3!=2 len({a,b,c}) != len({a,b}). Sent extra: {c}. Missing but "
            "required: {}.",
        ),
        ("with_default", ["b"], INVALID, MISSING % "b"),
        ("with_default", [], INVALID, MISSING % ""),
        (
            "with_default",
            ["a", "c"],
            INVALID,
            "Inputs contains invalid name. Used request inputs: a, request input: a,c",
        ),
        ("broken", ["a", "b"], "NOT_FOUND", "FetchOutputs node nowhere:0: not found"),
    ],
)
def test_names_of_inputs_are_checked_as_in_cpp(
    handmade: RunningServer, signature: str, names: list[str], code: str, text: str
) -> None:
    given = {name: floats(1.0) for name in names}
    assert refusal(lambda: handmade.predict(spec("pair", signature=signature), **given)) == (code, text)


def test_shapes_a_graph_cannot_take_are_its_own_error(handmade: RunningServer) -> None:
    code, text = refusal(
        lambda: handmade.predict(spec("pair"), a=floats(*[1] * 6, shape=[2, 3]), b=floats(*[1] * 4, shape=[2, 2]))
    )
    assert (code, text) == (INVALID, "Incompatible shapes: [2,3] vs. [2,2]\n\t [[{{node total}}]]")


def test_a_shape_nobody_has_memory_for_is_refused_at_once(handmade: RunningServer) -> None:
    huge = stubs.tensor_pb2.TensorProto(dtype=stubs.types_pb2.DT_FLOAT, float_val=[1])
    huge.tensor_shape.dim.add(size=2**40)
    assert refusal(lambda: handmade.predict(spec("echo"), x=huge)) == (INVALID, "tensor parsing error: x")


# -- clients that go away ---------------------------------------------------------------------------------------------


def count_to(handmade: RunningServer, number: int, **options: Any) -> Any:
    value = stubs.tensor_pb2.TensorProto(dtype=stubs.types_pb2.DT_INT64, int64_val=[number])
    request = stubs.predict_pb2.PredictRequest(model_spec=spec("slow"), inputs={"n": value})
    return handmade.predictions.Predict.future(request, **options)


def test_a_deadline_ends_the_session_run_as_well(handmade: RunningServer) -> None:
    assert refusal(count_to(handmade, 10**15, timeout=0.3).result) == ("DEADLINE_EXCEEDED", "Deadline Exceeded")
    answer = count_to(handmade, 3, timeout=DEADLINE).result()
    assert list(answer.outputs["counted"].int64_val) == [3]


@pytest.mark.parametrize("limit", [{}, {"timeout": 1e9}], ids=["none", "decades"])
def test_a_call_with_all_the_time_in_the_world_has_no_limit(handmade: RunningServer, limit: dict[str, Any]) -> None:
    assert list(count_to(handmade, 3, **limit).result().outputs["counted"].int64_val) == [3]


def test_a_cancelled_call_leaves_the_server_as_it_was(handmade: RunningServer) -> None:
    calls = [count_to(handmade, 200_000, timeout=DEADLINE) for _ in range(3)]
    for call in calls:
        call.cancel()
    assert list(count_to(handmade, 5, timeout=DEADLINE).result().outputs["counted"].int64_val) == [5]


# -- the port ---------------------------------------------------------------------------------------------------------


def call_raw(handmade: RunningServer, path: str, message: bytes) -> Any:
    channel: Any = handmade.channel  # grpc's types want serializers, which bytes need not
    return channel.unary_unary(path)(message, timeout=DEADLINE)


@pytest.mark.parametrize(
    "path",
    [
        "/tensorflow.serving.PredictionService/Nope",
        "/tensorflow.serving.SessionService/SessionRun",
        "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
        "/grpc.health.v1.Health/Check",
    ],
)
def test_an_unknown_method_is_unimplemented_without_a_word(handmade: RunningServer, path: str) -> None:
    assert refusal(lambda: call_raw(handmade, path, b"")) == ("UNIMPLEMENTED", "")


@pytest.mark.parametrize(
    "path", ["/tensorflow.serving.PredictionService/Predict", "/tensorflow.serving.ModelService/GetModelStatus"]
)
@pytest.mark.parametrize("size", [1, 1 << 20], ids=["small", "large"])
def test_bytes_that_are_no_message_are_an_internal_error(handmade: RunningServer, path: str, size: int) -> None:
    assert refusal(lambda: call_raw(handmade, path, b"\xff" * size)) == ("INTERNAL", "")


@pytest.mark.parametrize(
    "garbage", [b"GET / HTTP/1.1\r\n\r\n", b"\x00" * 64, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\xff\xff"]
)
def test_garbage_on_the_port_harms_nobody(handmade: RunningServer, garbage: bytes) -> None:
    with socket.create_connection(("127.0.0.1", handmade.port), timeout=DEADLINE) as connection:
        connection.sendall(garbage)
        connection.shutdown(socket.SHUT_WR)
        while connection.recv(4096):
            pass
    assert list(handmade.predict(spec("pair"), a=floats(1.0), b=floats(2.0)).outputs["sum"].float_val) == [3.0]


def test_many_megabytes_pass_both_ways(handmade: RunningServer) -> None:
    value = np.arange(2_000_000, dtype=np.float32)
    unlimited = [("grpc.max_receive_message_length", -1)]
    with grpc.insecure_channel(f"127.0.0.1:{handmade.port}", options=unlimited) as channel:
        request = stubs.predict_pb2.PredictRequest(model_spec=spec("echo"), inputs={"x": tensors.to_proto(value)})
        response = stubs.prediction_service_pb2_grpc.PredictionServiceStub(channel).Predict(request, timeout=DEADLINE)
    assert np.array_equal(tensors.to_array(response.outputs["y"]), value)
