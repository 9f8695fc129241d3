"""Classify, Regress and MultiInference (classifier.cc, regressor.cc, multi_inference.cc)."""

from __future__ import annotations

from typing import Any

import pytest
from conformance_cases import case
from conformance_client import DEADLINE, spec
from conformance_graphs import CLASSIFY, REGRESS, examples
from conformance_standing import WIRE, Standing, refusal

from reconciler.wire import stubs

pytestmark = pytest.mark.serving


def classify(standing: Standing, model_spec: Any, source: Any) -> Any:
    request = stubs.classification_pb2.ClassificationRequest(model_spec=model_spec, input=source)
    return standing.client.predictions.Classify(request, timeout=DEADLINE)


def regress(standing: Standing, model_spec: Any, source: Any) -> Any:
    request = stubs.regression_pb2.RegressionRequest(model_spec=model_spec, input=source)
    return standing.client.predictions.Regress(request, timeout=DEADLINE)


def infer(standing: Standing, source: Any, *tasks: tuple[Any, str]) -> Any:
    request = stubs.inference_pb2.MultiInferenceRequest(input=source)
    for model_spec, method in tasks:
        request.tasks.add(model_spec=model_spec, method_name=method)
    return standing.client.predictions.MultiInference(request, timeout=DEADLINE)


@case("S22", process_only=WIRE)
def test_classify_answers_scores_without_labels(standing: Standing) -> None:
    answer = classify(standing, standing.spec(version=1, of="classify_x_to_y"), examples(2.0, 4.0))
    found = [[(each.label, each.score) for each in row.classes] for row in answer.result.classifications]
    assert found == [[("", 3.0)], [("", 4.0)]]
    assert answer.model_spec == standing.spec(version=1, of="classify_x_to_y")


@case("S22", process_only=WIRE)
def test_classify_answers_labels_with_and_without_scores(standing: Standing) -> None:
    both = classify(standing, standing.spec(label="stable", of="classify_with_labels"), examples(2.0))
    alone = classify(standing, standing.spec(of="classify_labels_only"), examples(2.0))
    for answer, score, version in ((both, 3.0, 1), (alone, 0.0, 2)):
        (only,) = answer.result.classifications[0].classes
        assert (only.label, only.score, answer.model_spec.version.value) == ("2.000000", score, version)


@case("S23", process_only=WIRE)
def test_regress_answers_one_value_per_example(standing: Standing) -> None:
    answer = regress(standing, standing.spec(version=1, of="regress_x_to_y"), examples(2.0, 80.0))
    assert [each.value for each in answer.result.regressions] == [3.0, 42.0]
    assert answer.model_spec == standing.spec(version=1, of="regress_x_to_y")


@case("S23", process_only=WIRE)
def test_a_context_is_part_of_every_example(standing: Standing) -> None:
    answer = regress(standing, standing.spec(version=1, of="regress_x_to_y"), examples(0.0, 0.0, context=2.0))
    assert [each.value for each in answer.result.regressions] == [3.0, 3.0]


@case("S24", process_only=WIRE)
def test_no_examples_are_no_input(standing: Standing) -> None:
    empty = "INVALID_ARGUMENT: Input is empty."
    for source in (examples(), stubs.input_pb2.Input(), examples(context=1.0)):
        assert refusal(classify, standing, standing.spec(of="classify_x_to_y"), source) == empty
        assert refusal(regress, standing, standing.spec(of="regress_x_to_y"), source) == empty
        task = (standing.spec(of="regress_x_to_y"), REGRESS)
        assert refusal(infer, standing, source, task) == empty


@case("S25", process_only=WIRE)
def test_an_unknown_signature_is_an_invalid_argument_here(standing: Standing) -> None:
    for call in (classify, regress):
        for signature, named in (("nope", "nope"), ("", "serving_default")):
            asked = standing.spec("echo", of=signature)
            said = f"INVALID_ARGUMENT: No signature was found with the name: {named}"
            assert refusal(call, standing, asked, examples(1.0)) == said


@case("S25", process_only=WIRE)
@pytest.mark.parametrize(
    ("call", "signature", "said"),
    [
        (classify, "pair", "INVALID_ARGUMENT: Expected one input Tensor."),
        (regress, "pair", "INVALID_ARGUMENT: Expected one input Tensor."),
        (classify, "three_outputs", "INVALID_ARGUMENT: Expected one or two output Tensors, found 3"),
        (classify, "no_outputs", "INVALID_ARGUMENT: Expected one or two output Tensors, found 0"),
        (regress, "uneven", "INVALID_ARGUMENT: Expected one output Tensor."),
        (classify, "serving_default", "INVALID_ARGUMENT: No classification inputs found in SignatureDef: "),
        (regress, "serving_default", "INVALID_ARGUMENT: No regression inputs found in SignatureDef: "),
        (
            classify,
            "regress_x_to_y",
            "INVALID_ARGUMENT: Expected classification signature outputs to contain at least one of "
            '"classes" or "scores". Signature was: ',
        ),
        (regress, "classify_x_to_y", "INVALID_ARGUMENT: No regression outputs found in SignatureDef: "),
    ],
)
def test_a_signature_of_another_form_is_refused(standing: Standing, call: Any, signature: str, said: str) -> None:
    assert refusal(call, standing, standing.spec(of=signature), examples(1.0)).startswith(said)


@case("S26", process_only=WIRE)
@pytest.mark.parametrize(
    ("call", "signature", "said"),
    [
        (classify, "wrong_score_type", "Expected scores Tensor of DT_FLOAT. Got: DT_STRING"),
        (regress, "wrong_value_type", "Expected output Tensor of DT_FLOAT.  Got: DT_STRING"),
        (classify, "one_row_of_scores", "Expected scores output batch size of 2. Got: 1"),
        (regress, "one_row", "Input batch size did not match output batch size: 2 vs. 1"),
    ],
)
def test_a_result_of_another_form_is_refused(standing: Standing, call: Any, signature: str, said: str) -> None:
    asked = standing.spec(of=signature)
    assert refusal(call, standing, asked, examples(1.0, 2.0)) == f"INVALID_ARGUMENT: {said}"


@case("S26", process_only=WIRE)
def test_an_example_without_its_feature_is_refused_by_the_graph(standing: Standing) -> None:
    source = examples(1.0)
    del source.example_list.examples[0].features.feature["x"]
    refused = refusal(regress, standing, standing.spec(of="regress_x_to_y"), source)
    assert refused.startswith("INVALID_ARGUMENT: ")
    assert "Feature: x (data type: float) is required but could not be found." in refused


@case("S2", "O16", "O17", "O18", process_only=WIRE)
def test_models_are_found_as_for_predict(standing: Standing) -> None:
    name = standing.name("plus")
    for asked, said in (
        (None, "INVALID_ARGUMENT: Missing ModelSpec"),
        (spec(""), "INVALID_ARGUMENT: ModelSpec has no name specified."),
        (spec("nope"), "NOT_FOUND: Servable not found for request: Latest(nope)"),
        (spec(name, 9), f"NOT_FOUND: Servable not found for request: Specific({name}, 9)"),
        (spec(name, label="x"), "INVALID_ARGUMENT: Unrecognized servable version label: x"),
    ):
        for call in (classify, regress):
            assert refusal(call, standing, asked, examples(1.0)) == said


# -- MultiInference ----------------------------------------------------------------------------------------------------


@case("S27", process_only=WIRE)
def test_tasks_are_answered_in_their_order_from_one_run(standing: Standing) -> None:
    first, second = standing.spec(version=1, of="regress_x_to_y"), standing.spec(of="classify_with_labels")
    answer = infer(standing, examples(2.0), (first, REGRESS), (second, CLASSIFY))
    assert [each.WhichOneof("result") for each in answer.results] == ["regression_result", "classification_result"]
    assert answer.results[0].regression_result.regressions[0].value == 3.0
    (only,) = answer.results[1].classification_result.classifications[0].classes
    assert (only.label, only.score) == ("2.000000", 3.0)


@case("S27", process_only=WIRE)
def test_the_version_of_the_first_task_counts_for_all(standing: Standing) -> None:
    tasks = [standing.spec(label="stable", of="regress_x_to_y"), standing.spec(version=9, of="regress_x_again")]
    answer = infer(standing, examples(2.0), *((each, REGRESS) for each in tasks))
    assert [each.regression_result.regressions[0].value for each in answer.results] == [3.0, 3.0]
    assert [each.model_spec.version.value for each in answer.results] == [1, 1]
    assert [each.model_spec.signature_name for each in answer.results] == ["regress_x_to_y", "regress_x_again"]


@case("S28", process_only=WIRE)
def test_tasks_that_do_not_fit_together_are_refused(standing: Standing) -> None:
    one, other = standing.spec(of="regress_x_to_y"), standing.spec(of="other_input")
    stranger = standing.spec("half", of="regress_x_to_y")
    for tasks, said in (
        ((one, one), "Duplicate evaluation of signature: regress_x_to_y"),
        ((one, other), "Input tensor must be the same for all Signatures."),
        ((one, stranger), "All ModelSpecs in a MultiInferenceRequest must access the same model name."),
        ((one, spec("")), "Found ModelSpec with an empty model name."),
        ((one, standing.spec(of="nope")), "Requested signature not found in model graph: nope"),
    ):
        refused = refusal(infer, standing, examples(1.0), *((each, REGRESS) for each in tasks))
        assert refused == f"INVALID_ARGUMENT: {said}"


@case("S28", process_only=WIRE)
def test_a_method_that_is_neither_is_unimplemented(standing: Standing) -> None:
    for method in ("tensorflow/serving/predict", ""):
        task = (standing.spec(of="regress_x_to_y"), method)
        refused = refusal(infer, standing, examples(1.0), task)
        assert refused == f"UNIMPLEMENTED: Unsupported signature method_name: {method}"


@case("S28", process_only=WIRE)
def test_without_tasks_there_is_no_name(standing: Standing) -> None:
    assert refusal(infer, standing, examples(1.0)) == "INVALID_ARGUMENT: ModelSpec has no name specified."
