"""The page Prometheus reads, after util/prometheus_exporter.cc, and the cells a reload reports."""

import threading

from reconciler.modelserver.statuses import Code
from reconciler.modelserver.telemetry import Telemetry

_COUNT = ":tensorflow:serving:request_count"
_LATENCY = ":tensorflow:serving:request_latency"


def _lines(telemetry: Telemetry, start: str) -> list[str]:
    return [line for line in telemetry.render().splitlines() if line.startswith(start)]


def test_a_metric_nobody_used_is_announced_by_its_type_alone() -> None:
    page = Telemetry().render()
    assert "# TYPE :tensorflow:serving:request_count counter\n" in page
    assert "# TYPE :tensorflow:cc:saved_model:load_latency_by_stage histogram\n" in page
    assert "# TYPE :tensorflow:serving:mlmd_map gauge\n" in page
    assert [line for line in page.splitlines() if not line.startswith("# TYPE ")] == []


def test_metrics_come_in_the_order_of_their_names_and_end_with_a_newline() -> None:
    page = Telemetry().render()
    names = [line.split()[2] for line in page.splitlines()]
    assert names == sorted(names)
    assert names[0] == ":tensorflow:cc:saved_model:load_attempt_count"
    assert page.endswith("\n")
    assert "HELP" not in page


def test_a_failed_request_is_counted_under_its_code_and_has_no_latency() -> None:
    telemetry = Telemetry()
    telemetry.request("m", "Predict", "GRPC", Code.NOT_FOUND, 0.1)
    assert _lines(telemetry, _COUNT) == [f'{_COUNT}{{model_name="m",status="NOT_FOUND"}} 1']
    assert _lines(telemetry, _LATENCY) == []


def test_a_latency_falls_into_buckets_of_ten_microseconds_times_powers_of_one_point_eight() -> None:
    telemetry = Telemetry()
    telemetry.request("m", "predict", "REST", Code.OK, 25e-6)
    labels = 'model_name="m",API="predict",entrypoint="REST"'
    lines = _lines(telemetry, _LATENCY)
    assert lines[:3] == [
        f'{_LATENCY}_bucket{{{labels},le="10"}} 0',
        f'{_LATENCY}_bucket{{{labels},le="18"}} 0',
        f'{_LATENCY}_bucket{{{labels},le="32.4"}} 1',
    ]
    assert lines[-4:] == [
        f'{_LATENCY}_bucket{{{labels},le="1.47476e+09"}} 1',
        f'{_LATENCY}_bucket{{{labels},le="+Inf"}} 1',
        f"{_LATENCY}_sum{{{labels}}} 25",
        f"{_LATENCY}_count{{{labels}}} 1",
    ]
    assert len(lines) == 33 + 1 + 2


def test_a_value_on_a_bound_belongs_to_the_next_bucket() -> None:
    telemetry = Telemetry()
    telemetry.examples("m", 2)
    start = ":tensorflow:serving:request_example_counts_bucket"
    assert [line.rpartition(" ")[2] for line in _lines(telemetry, start)][:3] == ["0", "0", "1"]


def test_sums_have_six_digits_as_the_exporter_prints_doubles() -> None:
    telemetry = Telemetry()
    telemetry.load_stage("/m/1", "restore_graph", 1.2345678)
    (line,) = _lines(telemetry, ":tensorflow:cc:saved_model:load_latency_by_stage_sum")
    assert line.endswith("} 1.23457e+06")


def test_a_metric_without_labels_has_empty_braces() -> None:
    telemetry = Telemetry()
    telemetry.batch_ran()
    name = ":tensorflow:serving:batching_session:wrapped_run_count"
    assert _lines(telemetry, name) == [f"{name}{{}} 1"]


def test_label_values_escape_backslashes_and_quotes_and_nothing_else() -> None:
    telemetry = Telemetry()
    telemetry.request('a\\b"c\nd', "", "REST", Code.INTERNAL, 0.0)
    assert f'{_COUNT}{{model_name="a\\\\b\\"c\nd",status="INTERNAL"}} 1\n' in telemetry.render()


def test_cells_of_a_metric_are_sorted_by_their_label_values() -> None:
    telemetry = Telemetry()
    for path, ok in (("/m/2", True), ("/m/1", True), ("/m/1", False)):
        telemetry.load_attempt(path, ok)
    name = ":tensorflow:cc:saved_model:load_attempt_count"
    assert _lines(telemetry, name) == [
        f'{name}{{model_path="/m/1",status="fail"}} 1',
        f'{name}{{model_path="/m/1",status="success"}} 1',
        f'{name}{{model_path="/m/2",status="success"}} 1',
    ]


def test_the_first_cell_is_the_one_with_the_smallest_labels() -> None:
    telemetry = Telemetry()
    telemetry.load_attempt("/m/2", ok=True)
    telemetry.load_attempt("/m/2", ok=True)
    telemetry.load_attempt("/m/1", ok=False)
    assert telemetry.first_cell("/tensorflow/cc/saved_model/load_attempt_count") == 1


def test_unknown_unused_and_histogram_metrics_have_a_first_cell_of_zero() -> None:
    telemetry = Telemetry()
    telemetry.load_stage("/m/1", "init_graph", 1.0)
    names = ("nope", "/tensorflow/serving/request_count", "/tensorflow/cc/saved_model/load_latency_by_stage")
    assert [telemetry.first_cell(name) for name in names] == [0, 0, 0]


def test_reports_from_many_threads_are_all_counted() -> None:
    telemetry = Telemetry()

    def report() -> None:
        for _ in range(500):
            telemetry.request("m", "Predict", "GRPC", Code.OK, 0.001)

    threads = [threading.Thread(target=report) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert _lines(telemetry, _COUNT) == [f'{_COUNT}{{model_name="m",status="OK"}} 4000']


def test_every_kind_of_report_appears_under_its_own_name() -> None:
    telemetry = Telemetry()
    telemetry.runtime("m", "Predict", 0.001)
    telemetry.load_latency("/m/1", 0.5)
    telemetry.warmup("/m/1", "OK", 0.2)
    telemetry.warmup_records("/m/1", 3)
    telemetry.queued("pool", 0.0001)
    telemetry.mlmd("m", 1)
    page = telemetry.render()
    assert ':tensorflow:serving:runtime_latency_count{model_name="m",API="Predict",runtime="TF1"} 1\n' in page
    assert ':tensorflow:cc:saved_model:load_latency{model_path="/m/1"} 500000\n' in page
    assert ':tensorflow:serving:model_warmup_latency_count{model_path="/m/1",status="OK"} 1\n' in page
    assert ':tensorflow:serving:model_warmup_records_read{model_path="/m/1",status="OK"} 3\n' in page
    assert ':tensorflow:serving:batching_session:queuing_latency_sum{thread_pool_name="pool"} 100\n' in page
    assert ':tensorflow:serving:mlmd_map{model_name="m",version="1"} 0\n' in page
