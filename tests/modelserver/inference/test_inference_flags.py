"""Flags that change how requests run: batching, raw bytes in answers, method names; and what is counted of requests."""

import functools
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import handmade_models
import numpy as np
import pytest
from running_server import AVAILABLE, DEADLINE, END, RunningServer, floats, model, refusal, running, spec

from reconciler.modelserver import tensors
from reconciler.modelserver.startup import read_batching
from reconciler.modelserver.statuses import Code, StatusError
from reconciler.wire import stubs

pytestmark = pytest.mark.serving
PARAMETERS = """
max_batch_size { value: 4 }
batch_timeout_micros { value: 300000000 }
allowed_batch_sizes: 2
allowed_batch_sizes: 4
num_batch_threads { value: 2 }
"""


@pytest.fixture(scope="module")
def serving(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """A server whose versions bring their batching parameters along: ``batched`` good ones, ``broken`` bad ones."""
    folder = tmp_path_factory.mktemp("flags")
    (folder / "models.config").write_text("model_config_list {}")
    for name in ("batched", "broken", "garbled", "alone"):
        handmade_models.pair(folder / name)
    for name, text in (("batched", PARAMETERS), ("broken", "allowed_batch_sizes: 7"), ("garbled", "max_batch_size")):
        (folder / name / "1" / "batching_params.pbtxt").write_text(text)
    handmade_models.examples(folder / "examples")
    (folder / "monitoring.config").write_text("prometheus_config { enable: true }")
    with running(
        f"--monitoring_config_file={folder / 'monitoring.config'}",
        f"--model_config_file={folder / 'models.config'}",
        "--max_num_load_retries=0",
        "--num_load_threads=2",
        "--grpc_max_threads=16",
        "--enable_batching",
        "--enable_per_model_batching_parameters",
        "--enable_serialization_as_tensor_content",
        "--enable_signature_method_name_check",
    ) as server:
        listed = {name: model(name, folder / name, [1]) for name in ("batched", "alone", "examples")}
        server.reload(*listed.values())
        for name in ("broken", "garbled"):
            refusal(functools.partial(server.reload, *listed.values(), model(name, folder / name, [1])))
        yield server


def added(serving: RunningServer, name: str, left: list[float], right: list[float]) -> list[float]:
    request = stubs.predict_pb2.PredictRequest(model_spec=spec(name))
    for alias, numbers in (("a", left), ("b", right)):
        request.inputs[alias].CopyFrom(floats(*numbers, shape=[len(numbers)]))
    response = serving.predictions.Predict(request, timeout=DEADLINE)
    values: list[float] = tensors.to_array(response.outputs["sum"]).tolist()
    return values


def test_requests_of_several_clients_fill_a_batch_that_would_wait_for_minutes(serving: RunningServer) -> None:
    with ThreadPoolExecutor(4) as clients:
        answers = list(clients.map(lambda n: added(serving, "batched", [n], [10.0 * n]), [1.0, 2.0, 3.0, 4.0]))
    assert answers == [[11.0], [22.0], [33.0], [44.0]]


def test_a_version_without_parameters_is_not_batched(serving: RunningServer) -> None:
    assert added(serving, "alone", [1.0], [1.0]) == [2.0]
    assert refusal(lambda: serving.predict(spec("alone"), a=floats(*[1] * 3), b=floats(*[1] * 2)))[1].startswith(
        "Incompatible shapes"
    )


@pytest.mark.parametrize(
    ("left", "right", "text"),
    [
        ([1.0] * 5, [1.0] * 5, "Task size 5 is larger than maximum input batch size 4"),
        ([1.0] * 2, [1.0] * 3, "Batching Run() input tensors must have equal 0th-dimension size"),
    ],
)
def test_what_no_batch_can_hold_is_refused(
    serving: RunningServer, left: list[float], right: list[float], text: str
) -> None:
    assert refusal(lambda: added(serving, "batched", left, right)) == ("INVALID_ARGUMENT", text)


def test_a_scalar_cannot_be_batched(serving: RunningServer) -> None:
    scalar = stubs.tensor_pb2.TensorProto(dtype=stubs.types_pb2.DT_FLOAT, float_val=[1])
    assert refusal(lambda: serving.predict(spec("batched"), a=scalar, b=scalar)) == (
        "INVALID_ARGUMENT",
        "Batching Run() input tensors must have at least one dimension",
    )


def test_bad_parameters_fail_the_load(serving: RunningServer, tmp_path: Path) -> None:
    serving.until_states("broken", {1: END})
    said = serving.statuses("broken")[0].status
    assert (said.error_code, said.error_message) == (
        3,
        "Last entry in allowed_batch_sizes must match max_batch_size; last entry was 7; expected 1000",
    )
    serving.until_states("garbled", {1: END})
    said = serving.statuses("garbled")[0].status
    assert said.error_code == 3
    assert said.error_message.startswith("Invalid protobuf file: '")
    assert said.error_message.endswith("/garbled/1/batching_params.pbtxt'")
    assert serving.states("batched") == {1: AVAILABLE}


def test_answers_carry_raw_bytes(serving: RunningServer) -> None:
    output = serving.predict(spec("alone"), a=floats(1.0), b=floats(2.0)).outputs["sum"]
    assert output.tensor_content == np.array([3.0], np.float32).tobytes()
    assert not output.float_val


NAMES = "tensorflow/serving/predict, tensorflow/serving/classify, tensorflow/serving/regress"


@pytest.mark.parametrize(
    ("method", "signature", "code", "text"),
    [
        (
            "Classify",
            "regress",
            "INVALID_ARGUMENT",
            "Expected classification signature method_name to be tensorflow/serving/classify. Was: "
            "tensorflow/serving/regress",
        ),
        (
            "Regress",
            "predict_scores",
            "INVALID_ARGUMENT",
            "Expected regression signature method_name to be tensorflow/serving/regress. Was: "
            "tensorflow/serving/predict",
        ),
        (
            "Predict",
            "odd_method",
            "INTERNAL",
            f"Expected prediction signature method_name to be one of {{{NAMES}}}. Was: odd",
        ),
    ],
)
def test_a_signature_must_bear_the_name_of_the_call(
    serving: RunningServer, method: str, signature: str, code: str, text: str
) -> None:
    requests: dict[str, Any] = {
        "Classify": stubs.classification_pb2.ClassificationRequest,
        "Regress": stubs.regression_pb2.RegressionRequest,
        "Predict": stubs.predict_pb2.PredictRequest,
    }
    request = requests[method](model_spec=spec("examples", signature=signature))
    assert refusal(lambda: getattr(serving.predictions, method)(request, timeout=DEADLINE)) == (code, text)


def counted(serving: RunningServer) -> dict[str, float]:
    """The metrics of the ``examples`` model that have moved."""
    page = serving.rest.get("/monitoring/prometheus/metrics").text
    lines = (line.rpartition(" ") for line in page.splitlines() if '="examples"' in line and "_bucket" not in line)
    return {name.removeprefix(":tensorflow:serving:"): float(value) for name, _, value in lines if "_sum" not in name}


def test_requests_are_counted_by_call_and_code_and_good_ones_timed(serving: RunningServer) -> None:
    source = stubs.input_pb2.Input()
    source.example_list.examples.add()
    named = spec("examples")
    before = counted(serving)
    serving.predictions.Classify(stubs.classification_pb2.ClassificationRequest(model_spec=named, input=source))
    refusal(lambda: serving.predictions.Regress(stubs.regression_pb2.RegressionRequest(model_spec=named)))
    tasks = stubs.inference_pb2.MultiInferenceRequest(input=source)
    tasks.tasks.add(model_spec=named, method_name="tensorflow/serving/classify")
    serving.predictions.MultiInference(tasks)
    serving.metadata(named, "signature_def")
    after = counted(serving)
    assert {name: value - before.get(name, 0) for name, value in after.items() if value != before.get(name, 0)} == {
        'request_count{model_name="examples",status="OK"}': 1,
        'request_count{model_name="examples",status="INVALID_ARGUMENT"}': 1,
        'request_latency_count{model_name="examples",API="Classify",entrypoint="GRPC"}': 1,
        'runtime_latency_count{model_name="examples",API="Classify",runtime="TF1"}': 1,
        'request_example_counts_count{model="examples"}': 1,
        'request_example_count_total{model="examples"}': 1,
    }


def test_a_file_of_parameters_sets_what_it_names(tmp_path: Path) -> None:
    file = tmp_path / "batching.txt"
    file.write_text(f"{PARAMETERS} enable_large_batch_splitting {{ value: true }} max_enqueued_batches {{ value: -1 }}")
    parameters = read_batching(str(file))
    assert (parameters.max_batch_size, parameters.batch_timeout_micros) == (4, 300_000_000)
    assert (parameters.allowed_batch_sizes, parameters.num_batch_threads) == ((2, 4), 2)
    assert (parameters.max_execution_batch_size, parameters.largest_batch) == (4, 4)
    assert parameters.max_enqueued_batches == 2**64 - 1


def test_a_missing_file_of_parameters_is_named(tmp_path: Path) -> None:
    with pytest.raises(StatusError) as refused:
        read_batching(str(tmp_path / "none"))
    assert refused.value.status.code is Code.NOT_FOUND
    assert refused.value.status.message == f"{tmp_path / 'none'}; No such file or directory"
