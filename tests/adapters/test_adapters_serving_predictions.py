"""What GetModelMetadata and Predict mean for a check; hostile answers included."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.adapters import serving_predictions
from reconciler.adapters.serving_answers import Failed
from reconciler.state.inference import Heard, Question, Tensor
from reconciler.wire.stubs import get_model_metadata_pb2, predict_pb2, types_pb2


def reply(version: int = 2, **outputs: float) -> bytes:
    message = predict_pb2.PredictResponse()
    message.model_spec.version.value = version
    for alias, value in outputs.items():
        message.outputs[alias].dtype = types_pb2.DT_DOUBLE
        message.outputs[alias].double_val.append(value)
    return bytes(message.SerializeToString())


def test_a_question_is_asked_by_number_with_its_types() -> None:
    asked = Question("m", 7, "classify", (("x", Tensor("int64", (2,), (1, 2))),))
    message: Any = predict_pb2.PredictRequest.FromString(serving_predictions.request(asked))
    assert (message.model_spec.name, message.model_spec.version.value) == ("m", 7)
    assert message.model_spec.signature_name == "classify"
    assert (message.inputs["x"].dtype, [*message.inputs["x"].int64_val]) == (types_pb2.DT_INT64, [1, 2])


def test_outputs_ascend_and_the_time_is_kept() -> None:
    found = serving_predictions.prediction(2, reply(b=2.0, a=1.0), 0.25)
    assert found.outputs == (("a", Tensor("double", (), (1.0,))), ("b", Tensor("double", (), (2.0,))))
    assert (found.heard, found.seconds) == (Heard.ANSWERED, 0.25)


@pytest.mark.parametrize(
    ("failed", "heard"),
    [
        (Failed(3, "Signature input alias: x not found in request"), Heard.REFUSED),
        (Failed(9, 'Serving signature key "nope" not found.'), Heard.REFUSED),
        (Failed(5, "No hash table for feature"), Heard.REFUSED),
        (Failed(12, "Cast string to float is not supported"), Heard.REFUSED),
        (Failed(5, "Servable not found for request: Specific(m, 2)"), Heard.LOST),
        (Failed(4, "Deadline Exceeded"), Heard.LATE),
        (Failed(8, "OOM when allocating tensor"), Heard.LOST),
        (Failed(13, "Blas GEMM launch failed"), Heard.LOST),
        (Failed(14, "Connection refused"), Heard.LOST),
        (Failed(16, "who are you"), Heard.LOST),
    ],
)
def test_only_errors_of_the_version_itself_speak_of_it(failed: Failed, heard: Heard) -> None:
    assert serving_predictions.prediction(2, failed, 0.1).heard is heard
    assert serving_predictions.signatures(failed).heard is heard


def test_an_answer_of_another_version_says_nothing() -> None:
    found = serving_predictions.prediction(3, reply(2, y=1.0), 0.1)
    assert (found.heard, found.detail) == (Heard.LOST, "asked for version 3, answered by 2")


def test_an_output_that_cannot_be_compared_is_the_versions_own_answer() -> None:
    message = predict_pb2.PredictResponse()
    message.model_spec.version.value = 2
    message.outputs["y"].dtype = types_pb2.DT_COMPLEX64
    found = serving_predictions.prediction(2, message.SerializeToString(), 0.1)
    assert (found.heard, found.detail) == (
        Heard.REFUSED,
        "output y cannot be compared: it is complex64, which is not compared",
    )


def test_metadata_without_signatures_says_nothing() -> None:
    empty = get_model_metadata_pb2.GetModelMetadataResponse().SerializeToString()
    assert serving_predictions.signatures(empty).heard is Heard.LOST


@given(st.binary(max_size=80))
def test_any_bytes_are_some_answer(data: bytes) -> None:
    assert serving_predictions.prediction(1, data, 0.1).heard in Heard
    assert serving_predictions.signatures(data).heard in Heard
