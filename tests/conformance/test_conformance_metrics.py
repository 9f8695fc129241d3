"""What is counted, and the page Prometheus reads (prometheus_exporter.cc, servables/tensorflow/util.cc).

The page of a standing server counts whatever earlier cases sent, so cases look at differences.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from conformance_cases import case
from conformance_client import DEADLINE, floats, to_proto
from conformance_standing import RICH, WIRE, Standing, refusal

from reconciler.modelserver.core import ServerConfig
from reconciler.wire import stubs

pytestmark = pytest.mark.serving
PATH = "/monitoring/prometheus/metrics"
FLAGS = RICH
COUNT, LATENCY = ":tensorflow:serving:request_count", ":tensorflow:serving:request_latency"
RUNTIME = ":tensorflow:serving:runtime_latency"
LOADS = ":tensorflow:cc:saved_model:load_attempt_count"
Page = dict[str, float]


def page(standing: Standing) -> Page:
    """Every sample by its name and labels."""
    answer = standing.send("GET", PATH)
    assert answer.status == 200
    lines = [line for line in answer.body.decode().splitlines() if not line.startswith("#")]
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}


def moved(standing: Standing, *act: Callable[[], Any], of: str) -> Page:
    """What changed of one metric while these were done; buckets are left out."""
    before = page(standing)
    for each in act:
        each()
    after = page(standing)
    changed = {name: value - before.get(name, 0) for name, value in after.items() if value != before.get(name)}
    return {name: value for name, value in changed.items() if name.startswith((of + "{", of + "_count{"))}


@case("C85", "S60", flags=FLAGS, process_only=WIRE)
def test_the_page_is_text_with_types_and_no_help(standing: Standing) -> None:
    answer = standing.send("GET", PATH)
    lines = answer.body.decode().splitlines()
    assert answer.headers["content-type"].startswith("text/plain")
    assert f"# TYPE {COUNT} counter" in lines
    assert f"# TYPE {LATENCY} histogram" in lines
    assert f"# TYPE {LOADS} counter" in lines
    assert not [line for line in lines if line.startswith("# ") and not line.startswith("# TYPE ")]
    sample = re.compile(r'[a-zA-Z_:][a-zA-Z0-9_:]*\{([a-zA-Z_]+="(\\.|[^"\\])*",?)*\} -?[0-9.e+naif-]+')
    assert not [line for line in lines if not line.startswith("#") and not sample.fullmatch(line)]


@case("C85", "S61", flags=FLAGS, process_only=WIRE)
def test_grpc_requests_are_counted_by_model_and_code(standing: Standing) -> None:
    name = standing.name("plus")
    assert moved(
        standing,
        lambda: standing.predict(standing.spec(), x=floats(1.0)),
        lambda: standing.predict(standing.spec(label="stable"), x=floats(1.0)),
        lambda: standing.refused(standing.spec(version=9), x=floats(1.0)),
        lambda: standing.refused(standing.spec(of="nope"), x=floats(1.0)),
        of=COUNT,
    ) == {
        f'{COUNT}{{model_name="{name}",status="OK"}}': 2,
        f'{COUNT}{{model_name="{name}",status="NOT_FOUND"}}': 1,
        f'{COUNT}{{model_name="{name}",status="FAILED_PRECONDITION"}}': 1,
    }


@case("S61", "S67", flags=FLAGS, process_only=WIRE)
def test_status_metadata_and_multi_inference_over_grpc_are_not_counted(standing: Standing) -> None:
    request = stubs.inference_pb2.MultiInferenceRequest()
    request.input.example_list.examples.add().features.feature["x"].float_list.value.append(1.0)
    request.tasks.add(model_spec=standing.spec(of="regress_x_to_y"), method_name="tensorflow/serving/regress")
    act = (
        lambda: standing.client.predictions.MultiInference(request, timeout=DEADLINE),
        lambda: standing.client.resolve(standing.name("plus"), None, None),
        lambda: standing.client.get_model_status(standing.name("plus"), None, None),
    )
    assert moved(standing, *act, of=COUNT) == {}
    total = ":tensorflow:serving:request_example_count_total"
    assert moved(standing, *act, of=total) == {f'{total}{{model="{standing.name("plus")}"}}': 1}


@case("S61", flags=FLAGS, process_only=WIRE)
def test_every_rest_request_is_counted(standing: Standing) -> None:
    name = standing.name("plus")
    assert moved(
        standing,
        standing.get,
        lambda: standing.get("/metadata"),
        lambda: standing.post({"instances": [1.0]}),
        lambda: standing.post("{"),
        lambda: standing.get("/versions/9"),
        lambda: standing.send("GET", "/v1/foo"),
        of=COUNT,
    ) == {
        f'{COUNT}{{model_name="{name}",status="OK"}}': 3,
        f'{COUNT}{{model_name="{name}",status="INVALID_ARGUMENT"}}': 1,
        f'{COUNT}{{model_name="{name}",status="NOT_FOUND"}}': 1,
        f'{COUNT}{{model_name="",status="INVALID_ARGUMENT"}}': 1,
    }


@case("S62", flags=FLAGS, process_only=WIRE)
def test_latencies_are_of_good_requests_by_api_and_entrypoint(standing: Standing) -> None:
    name = standing.name("plus")
    example = {"signature_name": "regress_x_to_y", "examples": [{"x": 1.0}]}
    assert moved(
        standing,
        lambda: standing.predict(standing.spec(), x=floats(1.0)),
        lambda: standing.refused(standing.spec(of="nope"), x=floats(1.0)),
        lambda: standing.post({"instances": [1.0]}),
        lambda: standing.post(example, ":regress"),
        lambda: standing.post("{"),
        standing.get,
        of=LATENCY,
    ) == {
        f'{LATENCY}_count{{model_name="{name}",API="Predict",entrypoint="GRPC"}}': 1,
        f'{LATENCY}_count{{model_name="{name}",API="predict",entrypoint="REST"}}': 1,
        f'{LATENCY}_count{{model_name="{name}",API="regress",entrypoint="REST"}}': 1,
        f'{LATENCY}_count{{model_name="{name}",API="",entrypoint="REST"}}': 1,
    }


@case("S63", flags=FLAGS, process_only=WIRE)
def test_histograms_have_33_bounds_and_are_cumulative(standing: Standing) -> None:
    labels = f'model_name="{standing.name("plus")}",API="Predict",entrypoint="GRPC"'
    standing.predict(standing.spec(), x=floats(1.0))
    found = page(standing)
    buckets = {name: value for name, value in found.items() if name.startswith(f"{LATENCY}_bucket{{{labels},le=")}
    bounds = [name.split('le="')[1].rstrip('"}') for name in buckets]
    assert (bounds[:4], bounds[-1], len(bounds)) == (["10", "18", "32.4", "58.32"], "+Inf", 34)
    assert float(bounds[32]) == pytest.approx(10 * 1.8**32, rel=1e-5)
    assert list(buckets.values()) == sorted(buckets.values())
    assert list(buckets.values())[-1] == found[f"{LATENCY}_count{{{labels}}}"]
    assert found[f"{LATENCY}_sum{{{labels}}}"] > 0


@case("S64", flags=FLAGS, process_only=WIRE)
def test_runs_are_timed_by_api_and_runtime(standing: Standing) -> None:
    assert moved(standing, lambda: standing.predict(standing.spec("half"), x=floats(1.0)), of=RUNTIME) == {
        f'{RUNTIME}_count{{model_name="{standing.name("half")}",API="Predict",runtime="TF1"}}': 1
    }


@case("S65", flags=FLAGS, process_only=WIRE)
def test_loads_are_counted_by_path_with_the_version(standing: Standing) -> None:
    found = page(standing)
    path = f"{standing.world.root}/plus/2"
    assert found[f'{LOADS}{{model_path="{path}",status="success"}}'] == 1
    assert found[f':tensorflow:cc:saved_model:load_latency{{model_path="{path}"}}'] > 0
    stages = ":tensorflow:cc:saved_model:load_latency_by_stage_count"
    for stage in ("restore_graph", "init_graph"):
        assert found[f'{stages}{{model_path="{path}",stage="{stage}"}}'] == 1


@case("S69", "C90", flags=FLAGS, process_only=WIRE)
def test_warm_ups_are_counted_and_timed_by_path(standing: Standing) -> None:
    found = page(standing)
    labels = f'{{model_path="{standing.world.root}/half/1",status="OK"}}'
    assert found[f":tensorflow:serving:model_warmup_latency_count{labels}"] == 1
    assert found[f":tensorflow:serving:model_warmup_records_read{labels}"] == 3


@case("S66", flags=FLAGS, process_only=WIRE)
def test_a_query_on_the_address_is_refused_and_other_addresses_are_not_there(standing: Standing) -> None:
    answer = standing.send("GET", f"{PATH}?format=text")
    assert answer.status == 400
    assert answer.body.decode() == f"Unexpected path: {PATH}?format=text. Should be {PATH}"
    assert standing.send("GET", f"{PATH}/").status == 404
    assert standing.send("POST", PATH, b"").status == 200


@case("S66", flags=FLAGS, process_only=WIRE)
def test_reading_the_page_is_not_counted(standing: Standing) -> None:
    assert moved(standing, lambda: page(standing), lambda: standing.send("GET", "/nowhere"), of=COUNT) == {}


def reload_with(standing: Standing, *names: str) -> Any:
    """The standing configuration once more, asking for metrics."""
    request = stubs.model_management_pb2.ReloadConfigRequest(
        config=to_proto(ServerConfig(tuple(standing.configs))), metric_names=names
    )
    return standing.client.models.HandleReloadConfigRequest(request, timeout=DEADLINE)


@case("S68", flags=FLAGS, process_only=WIRE)
def test_a_reload_answers_one_increase_per_distinct_metric(standing: Standing) -> None:
    names = ["/tensorflow/cc/saved_model/load_attempt_count", "/nobody/counts/this"]
    answer = reload_with(standing, *names, names[0])
    assert answer.status.error_code == 0
    assert {each.name: each.int64_value_increase for each in answer.metric} == dict.fromkeys(names, 0)
    assert {each.WhichOneof("value_increase") for each in answer.metric} == {"int64_value_increase"}


@case("S68", flags=FLAGS, process_only=WIRE)
def test_a_reload_that_asks_for_nothing_answers_nothing_and_a_refused_one_neither(standing: Standing) -> None:
    assert list(reload_with(standing).metric) == []
    request = stubs.model_management_pb2.ReloadConfigRequest(metric_names=["/nobody/counts/this"])
    refused = refusal(standing.client.models.HandleReloadConfigRequest, request, timeout=DEADLINE)
    assert refused.startswith("INVALID_ARGUMENT: ServerModelConfig type not supported")


@case("S60", flags=FLAGS, process_only=WIRE)
def test_labels_escape_quotes_and_backslashes(standing: Standing) -> None:
    act = moved(standing, lambda: standing.send("GET", "/v1/models/a%22b%5Cc"), of=COUNT)
    assert act == {f'{COUNT}{{model_name={json.dumps(chr(97) + chr(34) + "b" + chr(92) + "c")},status="NOT_FOUND"}}': 1}
