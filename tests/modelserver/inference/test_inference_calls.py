"""Predict, Classify, Regress and MultiInference over gRPC, on a real server with models written by hand."""

import socket
from collections.abc import Iterator, Sequence
from typing import Any

import grpc
import handmade_models
import numpy as np
import pytest
from running_server import AVAILABLE, DEADLINE, RunningServer, floats, model, refusal, spec

from reconciler.modelserver import tensors
from reconciler.wire import stubs

pytestmark = pytest.mark.serving
MODELS = ("echo", "examples", "slow", "pair")
CLASSIFY, REGRESS = "tensorflow/serving/classify", "tensorflow/serving/regress"
INVALID = "INVALID_ARGUMENT"


@pytest.fixture(scope="module")
def serving(server: RunningServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    folder = tmp_path_factory.mktemp("handmade")
    made = [model(name, getattr(handmade_models, name)(folder / name), [1]) for name in MODELS]
    server.reload(*made)
    for name in MODELS:
        server.until_states(name, {1: AVAILABLE})
    yield server
    server.reload()


# -- requests ---------------------------------------------------------------------------------------------------------


def examples(*values: bytes, context: bytes | None = None) -> Any:
    """An Input whose examples carry a feature each; a context comes before each of them."""
    made = stubs.input_pb2.Input()
    listed = made.example_list if context is None else made.example_list_with_context
    for value in values:
        listed.examples.add().features.feature["x"].bytes_list.value.append(value)
    if context is not None:
        made.example_list_with_context.context.features.feature["c"].bytes_list.value.append(context)
    return made


def serialized(source: Any) -> list[bytes]:
    if source.WhichOneof("kind") == "example_list":
        return [example.SerializeToString() for example in source.example_list.examples]
    context = source.example_list_with_context.context.SerializeToString()
    return [context + example.SerializeToString() for example in source.example_list_with_context.examples]


TWO = examples(b"a", b"bcd")


def classify(serving: RunningServer, signature: str = "", source: Any = TWO, **chosen: Any) -> Any:
    named = spec(chosen.pop("name", "examples"), signature=signature, **chosen)
    request = stubs.classification_pb2.ClassificationRequest(model_spec=named, input=source)
    return serving.predictions.Classify(request, timeout=DEADLINE)


def regress(serving: RunningServer, signature: str = "regress", source: Any = TWO, **chosen: Any) -> Any:
    named = spec(chosen.pop("name", "examples"), signature=signature, **chosen)
    request = stubs.regression_pb2.RegressionRequest(model_spec=named, input=source)
    return serving.predictions.Regress(request, timeout=DEADLINE)


def infer(serving: RunningServer, *tasks: tuple[Any, str], source: Any = TWO) -> Any:
    request = stubs.inference_pb2.MultiInferenceRequest(input=source)
    for named, method in tasks:
        request.tasks.add(model_spec=named, method_name=method)
    return serving.predictions.MultiInference(request, timeout=DEADLINE)


def shown(result: Any) -> list[list[tuple[str, float]]]:
    return [[(each.label, each.score) for each in entry.classes] for entry in result.classifications]


# -- Classify and Regress ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("source", [TWO, examples(b"a", b"bcd", context=b"shared")], ids=["examples", "with context"])
def test_classify_answers_labels_and_scores_by_example(serving: RunningServer, source: Any) -> None:
    response = classify(serving, source=source)
    assert shown(response.result) == [[(each.decode(), float(len(each)))] for each in serialized(source)]
    assert response.model_spec == spec("examples", version=1, signature="serving_default")


@pytest.mark.parametrize(
    ("signature", "expected"),
    [
        ("scores", [[("", 14.0), ("", 14.0)], [("", 16.0), ("", 16.0)]]),
        ("classes", [[(each.decode(), 0.0)] for each in serialized(TWO)]),
    ],
)
def test_labels_or_scores_alone_will_do(serving: RunningServer, signature: str, expected: Any) -> None:
    assert shown(classify(serving, signature).result) == expected


@pytest.mark.parametrize("signature", ["regress", "regress_column"])
def test_regress_answers_a_number_by_example(serving: RunningServer, signature: str) -> None:
    response = regress(serving, signature)
    assert [each.value for each in response.result.regressions] == [14.0, 16.0]
    assert response.model_spec == spec("examples", version=1, signature=signature)


def test_a_signature_of_the_right_form_need_not_bear_the_name_of_the_call(serving: RunningServer) -> None:
    response = classify(serving, "predict_scores")
    assert shown(response.result) == [[("", 14.0)], [("", 16.0)]]


SHAPE = "Expected Tensor shape: [batch_size num_classes] but got"


@pytest.mark.parametrize(
    ("signature", "text"),
    [
        ("nope", "No signature was found with the name: nope"),
        ("two_inputs", "Expected one input Tensor."),
        ("three", "Expected one or two output Tensors, found 3"),
        ("flat", f"{SHAPE} [2]"),
        ("text_scores", "Expected scores Tensor of DT_FLOAT. Got: DT_STRING"),
        ("number_classes", "Expected classes Tensor of DT_STRING. Got: DT_FLOAT"),
        ("fixed_scores", "Expected scores output batch size of 2. Got: 3"),
        ("uneven", "Tensors class and score should match in dim_size(1). Got 1 vs. 2"),
    ],
)
def test_classify_refuses_in_the_words_of_the_real_server(serving: RunningServer, signature: str, text: str) -> None:
    assert refusal(lambda: classify(serving, signature)) == (INVALID, text)


@pytest.mark.parametrize(
    ("signature", "text"),
    [
        ("nope", "No signature was found with the name: nope"),
        ("two_inputs", "Expected one input Tensor."),
        ("uneven", "Expected one output Tensor."),
        (
            "regress_wide",
            "Expected output Tensor shape to be either [batch_size] or [batch_size, 1] but got [2,2]",
        ),
        ("regress_fixed", "Input batch size did not match output batch size: 2 vs. 3"),
        ("regress_text", "Expected output Tensor of DT_FLOAT.  Got: DT_STRING"),
    ],
)
def test_regress_refuses_in_the_words_of_the_real_server(serving: RunningServer, signature: str, text: str) -> None:
    assert refusal(lambda: regress(serving, signature)) == (INVALID, text)


@pytest.mark.parametrize(
    ("call", "signature", "text"),
    [
        (classify, "renamed_input", "No classification inputs found in SignatureDef: "),
        (regress, "renamed_input", "No regression inputs found in SignatureDef: "),
        (
            classify,
            "renamed_output",
            'Expected classification signature outputs to contain at least one of "classes" or "scores". Signature ',
        ),
        (regress, "renamed_output", "No regression outputs found in SignatureDef: "),
    ],
)
def test_a_signature_of_the_wrong_form_is_quoted(serving: RunningServer, call: Any, signature: str, text: str) -> None:
    code, said = refusal(lambda: call(serving, signature))
    assert (code, said[: len(text)]) == (INVALID, text)
    assert 'method_name: "tensorflow/serving/classify"' in said


@pytest.mark.parametrize("call", [classify, regress])
@pytest.mark.parametrize(
    ("chosen", "answer"),
    [
        ({"source": stubs.input_pb2.Input()}, (INVALID, "Input is empty.")),
        ({"source": examples(context=b"c")}, (INVALID, "Input is empty.")),
        ({"name": "nope"}, ("NOT_FOUND", "Servable not found for request: Latest(nope)")),
        ({"name": ""}, (INVALID, "ModelSpec has no name specified.")),
        ({"version": 9}, ("NOT_FOUND", "Servable not found for request: Specific(examples, 9)")),
        ({"label": "beta"}, (INVALID, "Unrecognized servable version label: beta")),
    ],
)
def test_examples_and_servables_are_asked_for(
    serving: RunningServer, call: Any, chosen: dict[str, Any], answer: tuple[str, str]
) -> None:
    assert refusal(lambda: call(serving, "regress" if call is regress else "", **chosen)) == answer


@pytest.mark.parametrize("method", ["Predict", "Classify", "Regress", "GetModelMetadata"])
def test_every_call_but_one_needs_a_model_spec(serving: RunningServer, method: str) -> None:
    requests = {
        "Predict": stubs.predict_pb2.PredictRequest,
        "Classify": stubs.classification_pb2.ClassificationRequest,
        "Regress": stubs.regression_pb2.RegressionRequest,
        "GetModelMetadata": stubs.get_model_metadata_pb2.GetModelMetadataRequest,
    }
    call = getattr(serving.predictions, method)
    assert refusal(lambda: call(requests[method](), timeout=DEADLINE)) == (INVALID, "Missing ModelSpec")


# -- MultiInference ---------------------------------------------------------------------------------------------------


def task(signature: str, method: str, name: str = "examples", **chosen: Any) -> tuple[Any, str]:
    return spec(name, signature=signature, **chosen), method


def test_multi_inference_answers_every_task_from_one_run(serving: RunningServer) -> None:
    response = infer(serving, task("", CLASSIFY), task("regress", REGRESS, version=77))
    first, second = response.results
    assert shown(first.classification_result) == shown(classify(serving).result)
    assert [each.value for each in second.regression_result.regressions] == [14.0, 16.0]
    assert [each.model_spec for each in response.results] == [
        spec("examples", version=1, signature=name) for name in ("serving_default", "regress")
    ]


@pytest.mark.parametrize(
    ("tasks", "code", "text"),
    [
        ([], INVALID, "ModelSpec has no name specified."),
        ([task("", CLASSIFY, "")], INVALID, "ModelSpec has no name specified."),
        ([task("", CLASSIFY, "nope")], "NOT_FOUND", "Servable not found for request: Latest(nope)"),
        (
            [task("", CLASSIFY, version=9)],
            "NOT_FOUND",
            "Servable not found for request: Specific(examples, 9)",
        ),
        ([task("", CLASSIFY), task("regress", REGRESS, "")], INVALID, "Found ModelSpec with an empty model name."),
        (
            [task("", CLASSIFY), task("regress", REGRESS, "echo")],
            INVALID,
            "All ModelSpecs in a MultiInferenceRequest must access the same model name.",
        ),
        (
            [task("", CLASSIFY), task("serving_default", REGRESS)],
            INVALID,
            "Duplicate evaluation of signature: serving_default",
        ),
        ([task("nope", CLASSIFY)], INVALID, "Requested signature not found in model graph: nope"),
        ([task("", "predict")], "UNIMPLEMENTED", "Unsupported signature method_name: predict"),
        ([task("three", CLASSIFY)], INVALID, "Expected one or two output Tensors, found 3"),
        (
            [task("", CLASSIFY), task("regress_other", REGRESS)],
            INVALID,
            "Input tensor must be the same for all Signatures.",
        ),
        ([task("regress_fixed", REGRESS)], INVALID, "Input batch size did not match output batch size: 2 vs. 3"),
    ],
)
def test_multi_inference_refuses_in_the_words_of_the_real_server(
    serving: RunningServer, tasks: Sequence[tuple[Any, str]], code: str, text: str
) -> None:
    assert refusal(lambda: infer(serving, *tasks)) == (code, text)


def test_multi_inference_without_examples_is_refused(serving: RunningServer) -> None:
    empty = stubs.input_pb2.Input()
    assert refusal(lambda: infer(serving, task("", CLASSIFY), source=empty)) == (INVALID, "Input is empty.")


# -- Predict ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", sorted(tensors.ELEMENT_TYPES))
def test_every_element_type_goes_through_a_graph_and_back(serving: RunningServer, number: int) -> None:
    kind = tensors.ELEMENT_TYPES[number]
    value = np.array([[b"a", b""]], object) if kind.is_string else np.array([[1, 0]], np.int8).astype(kind.stored_as)
    if kind.dtype != kind.stored_as:
        value = np.ones((1, 2 * kind.dtype.itemsize // kind.stored_as.itemsize), kind.stored_as).view(kind.dtype)
    signature = "" if kind.name == "float" else kind.name
    answer = serving.predict(spec("echo", signature=signature), x=tensors.to_proto(value)).outputs["y"]
    assert not answer.tensor_content
    assert answer == tensors.to_proto(value)


@pytest.mark.parametrize("name", ["RESOURCE", "VARIANT"])
def test_a_handle_is_refused_as_the_session_refuses_it(serving: RunningServer, name: str) -> None:
    handle = stubs.tensor_pb2.TensorProto(dtype=getattr(stubs.types_pb2, f"DT_{name}"))
    assert refusal(lambda: serving.predict(spec("echo"), x=handle)) == (
        INVALID,
        f"Expects arg[0] to be float but {name.lower()} is provided",
    )
    assert refusal(lambda: serving.predict(spec("pair"), a=floats(1.0), b=handle)) == (
        INVALID,
        f"Expects arg[1] to be float but {name.lower()} is provided",
    )


@pytest.mark.parametrize(
    ("inputs", "expected"), [({"a": [1.0]}, 11.0), ({"a": [1.0], "b": [2.0]}, 3.0)], ids=["its default", "its own"]
)
def test_an_input_with_a_default_may_be_left_out(
    serving: RunningServer, inputs: dict[str, list[float]], expected: float
) -> None:
    given = {name: floats(*values, shape=[1]) for name, values in inputs.items()}
    response = serving.predict(spec("pair", signature="with_default"), **given)
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
    serving: RunningServer, signature: str, names: list[str], code: str, text: str
) -> None:
    given = {name: floats(1.0) for name in names}
    assert refusal(lambda: serving.predict(spec("pair", signature=signature), **given)) == (code, text)


def test_shapes_a_graph_cannot_take_are_its_own_error(serving: RunningServer) -> None:
    code, text = refusal(
        lambda: serving.predict(spec("pair"), a=floats(*[1] * 6, shape=[2, 3]), b=floats(*[1] * 4, shape=[2, 2]))
    )
    assert (code, text) == (INVALID, "Incompatible shapes: [2,3] vs. [2,2]\n\t [[{{node total}}]]")


def test_a_shape_nobody_has_memory_for_is_refused_at_once(serving: RunningServer) -> None:
    huge = stubs.tensor_pb2.TensorProto(dtype=stubs.types_pb2.DT_FLOAT, float_val=[1])
    huge.tensor_shape.dim.add(size=2**40)
    assert refusal(lambda: serving.predict(spec("echo"), x=huge)) == (INVALID, "tensor parsing error: x")


# -- clients that go away ---------------------------------------------------------------------------------------------


def count_to(serving: RunningServer, number: int, **options: Any) -> Any:
    value = stubs.tensor_pb2.TensorProto(dtype=stubs.types_pb2.DT_INT64, int64_val=[number])
    request = stubs.predict_pb2.PredictRequest(model_spec=spec("slow"), inputs={"n": value})
    return serving.predictions.Predict.future(request, **options)


def test_a_deadline_ends_the_session_run_as_well(serving: RunningServer) -> None:
    assert refusal(count_to(serving, 10**15, timeout=0.3).result) == ("DEADLINE_EXCEEDED", "Deadline Exceeded")
    answer = count_to(serving, 3, timeout=DEADLINE).result()
    assert list(answer.outputs["counted"].int64_val) == [3]


def test_a_cancelled_call_leaves_the_server_as_it_was(serving: RunningServer) -> None:
    calls = [count_to(serving, 200_000, timeout=DEADLINE) for _ in range(3)]
    for call in calls:
        call.cancel()
    assert list(count_to(serving, 5, timeout=DEADLINE).result().outputs["counted"].int64_val) == [5]


# -- the port ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path",
    [
        "/tensorflow.serving.PredictionService/Nope",
        "/tensorflow.serving.SessionService/SessionRun",
        "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
        "/grpc.health.v1.Health/Check",
    ],
)
def test_an_unknown_method_is_unimplemented_without_a_word(serving: RunningServer, path: str) -> None:
    assert refusal(lambda: serving.channel.unary_unary(path)(b"", timeout=DEADLINE)) == ("UNIMPLEMENTED", "")


@pytest.mark.parametrize(
    "path", ["/tensorflow.serving.PredictionService/Predict", "/tensorflow.serving.ModelService/GetModelStatus"]
)
@pytest.mark.parametrize("size", [1, 1 << 20], ids=["small", "large"])
def test_bytes_that_are_no_message_are_an_internal_error(serving: RunningServer, path: str, size: int) -> None:
    assert refusal(lambda: serving.channel.unary_unary(path)(b"\xff" * size, timeout=DEADLINE)) == ("INTERNAL", "")


@pytest.mark.parametrize(
    "garbage", [b"GET / HTTP/1.1\r\n\r\n", b"\x00" * 64, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\xff\xff"]
)
def test_garbage_on_the_port_harms_nobody(serving: RunningServer, garbage: bytes) -> None:
    with socket.create_connection(("127.0.0.1", serving.port), timeout=DEADLINE) as connection:
        connection.sendall(garbage)
        connection.shutdown(socket.SHUT_WR)
        while connection.recv(4096):
            pass
    assert list(serving.predict(spec("pair"), a=floats(1.0), b=floats(2.0)).outputs["sum"].float_val) == [3.0]


def test_many_megabytes_pass_both_ways(serving: RunningServer) -> None:
    value = np.arange(2_000_000, dtype=np.float32)
    unlimited = [("grpc.max_receive_message_length", -1)]
    with grpc.insecure_channel(f"127.0.0.1:{serving.port}", options=unlimited) as channel:
        request = stubs.predict_pb2.PredictRequest(model_spec=spec("echo"), inputs={"x": tensors.to_proto(value)})
        response = stubs.prediction_service_pb2_grpc.PredictionServiceStub(channel).Predict(request, timeout=DEADLINE)
    assert np.array_equal(tensors.to_array(response.outputs["y"]), value)
