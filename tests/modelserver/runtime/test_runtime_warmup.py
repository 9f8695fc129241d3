"""Warm-up: what a version brings along is run inside its load, and whatever goes wrong fails the load."""

from pathlib import Path
from typing import Any

import pytest
from runtime_shelf import SETTINGS, Copy, copied, record, refused

from reconciler.modelserver.loader import Loader
from reconciler.modelserver.telemetry import Telemetry
from reconciler.modelserver.warmup import MOST_RECORDS, Warmup
from reconciler.wire import stubs
from reconciler.wire.stubs import prediction_log_pb2

ATTEMPTS = "/tensorflow/cc/saved_model/load_attempt_count"
RECORDS = "/tensorflow/serving/model_warmup_records_read"


@pytest.fixture
def copy(exports: Path, tmp_path: Path) -> Copy:
    """A half-plus of the test's own."""
    return copied(exports / "1", tmp_path / "7")


def half(verb: str, signature: str) -> Any:
    """A log of one Classify or Regress request."""
    log = prediction_log_pb2.PredictionLog()
    request = getattr(log, f"{verb}_log").request
    request.model_spec.signature_name = signature
    example = request.input.example_list.examples.add()
    example.features.feature["x"].float_list.value.append(2.0)
    return log


def predict(dtype: int = stubs.types_pb2.DT_FLOAT, signature: str = "") -> Any:
    log = prediction_log_pb2.PredictionLog()
    log.predict_log.request.model_spec.signature_name = signature
    tensor = log.predict_log.request.inputs["x"]
    tensor.dtype = dtype
    tensor.tensor_shape.dim.add(size=0)
    return log


def multi() -> Any:
    log = prediction_log_pb2.PredictionLog()
    request = log.multi_inference_log.request
    task = request.tasks.add(method_name="tensorflow/serving/regress")
    task.model_spec.name, task.model_spec.signature_name = "any", "regress_x_to_y"
    request.input.CopyFrom(half("regress", "").regress_log.request.input)
    return log


def bring(copy: Copy, content: bytes) -> Path:
    file = copy.path / "assets.extra" / "tf_serving_warmup_requests"
    file.parent.mkdir()
    file.write_bytes(content)
    return file


def records(*logs: Any) -> bytes:
    return b"".join(record(log.SerializeToString()) for log in logs)


def loader(telemetry: Telemetry, iterations: int = 1) -> Loader:
    return Loader(SETTINGS, telemetry, Warmup(telemetry, iterations))


def test_requests_of_every_kind_are_run_and_counted(copy: Copy) -> None:
    logs = predict(), half("classify", "classify_x_to_y"), half("regress", "regress_x_to_y"), multi()
    bring(copy, records(*logs, prediction_log_pb2.PredictionLog()))
    telemetry = Telemetry()
    loader(telemetry, iterations=2).load(str(copy.path)).close()
    assert telemetry.first_cell(RECORDS) == 5
    assert f'model_warmup_latency_count{{model_path="{copy.path}",status="OK"}} 1' in telemetry.render()


def test_a_version_without_records_loads(copy: Copy) -> None:
    telemetry = Telemetry()
    loader(telemetry).load(str(copy.path)).close()
    assert (telemetry.first_cell(ATTEMPTS), telemetry.first_cell(RECORDS)) == (1, 0)
    assert f'load_attempt_count{{model_path="{copy.path}",status="success"}} 1' in telemetry.render()


def test_without_warm_up_records_are_not_looked_at(copy: Copy) -> None:
    bring(copy, b"garbage that is long enough to be looked at")
    Loader(SETTINGS, Telemetry()).load(str(copy.path)).close()


NO_SIGNATURE = 'Serving signature key "nope" not found.'
PLEASE = ". Please verify your warmup data is in TFRecord format."


def session_run() -> Any:
    log = prediction_log_pb2.PredictionLog()
    log.session_run_log.SetInParent()
    return log


def streamed() -> Any:
    log = prediction_log_pb2.PredictionLog()
    log.predict_streamed_log.SetInParent()
    return log


@pytest.mark.parametrize(
    ("content", "code", "said"),
    [
        (records(predict(signature="nope")), "FAILED_PRECONDITION", NO_SIGNATURE),
        (
            records(predict(dtype=stubs.types_pb2.DT_STRING)),
            "INVALID_ARGUMENT",
            "Expects arg[0] to be float but string is provided",
        ),
        (records(session_run()), "UNIMPLEMENTED", "Unsupported log_type for warmup: 5"),
        (records(streamed()), "UNIMPLEMENTED", "Unsupported log_type for warmup: 7"),
        (record(b"no log"), "INVALID_ARGUMENT", "Failed to parse warmup record: no log from {file}"),
        (
            records(prediction_log_pb2.PredictionLog()) * (MOST_RECORDS + 1),
            "INVALID_ARGUMENT",
            "Number of warmup records exceeds the maximum (1000) at {file}",
        ),
        (b"no record" * 9, "DATA_LOSS", f"corrupted record at 0 (Is this even a TFRecord file?){PLEASE}"),
        (
            records(predict())[:-6],
            "DATA_LOSS",
            f"truncated record at 0' failed with Read less bytes than requested{PLEASE}",
        ),
    ],
)
def test_a_bad_record_fails_the_load(copy: Copy, content: bytes, code: str, said: str) -> None:
    file = bring(copy, content)
    ended = refused(lambda: loader(Telemetry()).load(str(copy.path)))
    assert ended == (code, said.replace("{file}", str(file)))


def test_records_before_a_damaged_one_are_run_first(copy: Copy) -> None:
    bring(copy, records(predict(signature="nope")) + b"no record" * 9)
    assert refused(lambda: loader(Telemetry()).load(str(copy.path))) == ("FAILED_PRECONDITION", NO_SIGNATURE)


def test_a_file_of_exactly_the_most_records_is_fine(copy: Copy) -> None:
    bring(copy, records(prediction_log_pb2.PredictionLog()) * MOST_RECORDS)
    telemetry = Telemetry()
    loader(telemetry).load(str(copy.path)).close()
    assert telemetry.first_cell(RECORDS) == MOST_RECORDS


def test_a_failed_load_is_counted_as_one(copy: Copy) -> None:
    copy.graph.write_bytes(b"\xff" * 9)
    telemetry = Telemetry()
    refused(lambda: loader(telemetry).load(str(copy.path)))
    assert f'load_attempt_count{{model_path="{copy.path}",status="fail"}} 1' in telemetry.render()


def test_what_is_no_saved_model_was_no_attempt(copy: Copy) -> None:
    copy.graph.unlink()
    telemetry = Telemetry()
    refused(lambda: loader(telemetry).load(str(copy.path)))
    assert telemetry.first_cell(ATTEMPTS) == 0
