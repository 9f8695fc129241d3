"""Classify, Regress and MultiInference over gRPC, on a real server with models written by hand."""

import re
from collections.abc import Sequence
from typing import Any

import pytest
from running_server import DEADLINE, RunningServer, refusal, spec

from reconciler.wire import stubs

pytestmark = pytest.mark.serving
MODELS = ("echo", "examples", "slow", "pair")
CLASSIFY, REGRESS = "tensorflow/serving/classify", "tensorflow/serving/regress"
INVALID = "INVALID_ARGUMENT"


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


def classify(handmade: RunningServer, signature: str = "", source: Any = TWO, **chosen: Any) -> Any:
    named = spec(chosen.pop("name", "examples"), signature=signature, **chosen)
    request = stubs.classification_pb2.ClassificationRequest(model_spec=named, input=source)
    return handmade.predictions.Classify(request, timeout=DEADLINE)


def regress(handmade: RunningServer, signature: str = "regress", source: Any = TWO, **chosen: Any) -> Any:
    named = spec(chosen.pop("name", "examples"), signature=signature, **chosen)
    request = stubs.regression_pb2.RegressionRequest(model_spec=named, input=source)
    return handmade.predictions.Regress(request, timeout=DEADLINE)


def infer(handmade: RunningServer, *tasks: tuple[Any, str], source: Any = TWO) -> Any:
    request = stubs.inference_pb2.MultiInferenceRequest(input=source)
    for named, method in tasks:
        request.tasks.add(model_spec=named, method_name=method)
    return handmade.predictions.MultiInference(request, timeout=DEADLINE)


def shown(result: Any) -> list[list[tuple[str, float]]]:
    return [[(each.label, each.score) for each in entry.classes] for entry in result.classifications]


# -- Classify and Regress ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("source", [TWO, examples(b"a", b"bcd", context=b"shared")], ids=["examples", "with context"])
def test_classify_answers_labels_and_scores_by_example(handmade: RunningServer, source: Any) -> None:
    response = classify(handmade, source=source)
    assert shown(response.result) == [[(each.decode(), float(len(each)))] for each in serialized(source)]
    assert response.model_spec == spec("examples", version=1, signature="serving_default")


@pytest.mark.parametrize(
    ("signature", "expected"),
    [
        ("scores", [[("", 14.0), ("", 14.0)], [("", 16.0), ("", 16.0)]]),
        ("classes", [[(each.decode(), 0.0)] for each in serialized(TWO)]),
    ],
)
def test_labels_or_scores_alone_will_do(handmade: RunningServer, signature: str, expected: Any) -> None:
    assert shown(classify(handmade, signature).result) == expected


@pytest.mark.parametrize("signature", ["regress", "regress_column"])
def test_regress_answers_a_number_by_example(handmade: RunningServer, signature: str) -> None:
    response = regress(handmade, signature)
    assert [each.value for each in response.result.regressions] == [14.0, 16.0]
    assert response.model_spec == spec("examples", version=1, signature=signature)


def test_a_signature_of_the_right_form_need_not_bear_the_name_of_the_call(handmade: RunningServer) -> None:
    response = classify(handmade, "predict_scores")
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
def test_classify_refuses_in_the_words_of_the_real_server(handmade: RunningServer, signature: str, text: str) -> None:
    assert refusal(lambda: classify(handmade, signature)) == (INVALID, text)


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
def test_regress_refuses_in_the_words_of_the_real_server(handmade: RunningServer, signature: str, text: str) -> None:
    assert refusal(lambda: regress(handmade, signature)) == (INVALID, text)


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
def test_a_signature_of_the_wrong_form_is_quoted(handmade: RunningServer, call: Any, signature: str, text: str) -> None:
    code, said = refusal(lambda: call(handmade, signature))
    assert (code, said[: len(text)]) == (INVALID, text)
    assert re.search(r": \w+ \{\n  key: ", said)
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
    handmade: RunningServer, call: Any, chosen: dict[str, Any], answer: tuple[str, str]
) -> None:
    assert refusal(lambda: call(handmade, "regress" if call is regress else "", **chosen)) == answer


@pytest.mark.parametrize("method", ["Predict", "Classify", "Regress", "GetModelMetadata"])
def test_every_call_but_one_needs_a_model_spec(handmade: RunningServer, method: str) -> None:
    requests = {
        "Predict": stubs.predict_pb2.PredictRequest,
        "Classify": stubs.classification_pb2.ClassificationRequest,
        "Regress": stubs.regression_pb2.RegressionRequest,
        "GetModelMetadata": stubs.get_model_metadata_pb2.GetModelMetadataRequest,
    }
    call = getattr(handmade.predictions, method)
    assert refusal(lambda: call(requests[method](), timeout=DEADLINE)) == (INVALID, "Missing ModelSpec")


# -- MultiInference ---------------------------------------------------------------------------------------------------


def task(signature: str, method: str, name: str = "examples", **chosen: Any) -> tuple[Any, str]:
    return spec(name, signature=signature, **chosen), method


def test_multi_inference_answers_every_task_from_one_run(handmade: RunningServer) -> None:
    response = infer(handmade, task("", CLASSIFY), task("regress", REGRESS, version=77))
    first, second = response.results
    assert shown(first.classification_result) == shown(classify(handmade).result)
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
    handmade: RunningServer, tasks: Sequence[tuple[Any, str]], code: str, text: str
) -> None:
    assert refusal(lambda: infer(handmade, *tasks)) == (code, text)


def test_multi_inference_without_examples_is_refused(handmade: RunningServer) -> None:
    empty = stubs.input_pb2.Input()
    assert refusal(lambda: infer(handmade, task("", CLASSIFY), source=empty)) == (INVALID, "Input is empty.")
