"""What the server counts, and how Prometheus reads it.

Here: the metrics of TensorFlow Serving by their internal names, one ``Telemetry`` that counts them from any thread, and
the page ``render`` makes of them. Built by ``serve``, held by the host. The fronts, the loader and warm-up report to
it; the REST front serves the page, ModelService reads ``first_cell`` around a reload.

The names and labels follow servables/tensorflow/util.cc, saved_model_warmup_util.cc, batching_session.cc and
TensorFlow's cc/saved_model/loader.cc; the page follows util/prometheus_exporter.cc. That page has rules no Prometheus
library would keep: colons for slashes, no HELP, empty braces, a metric without a single cell still announced by its
type, numbers with six digits. So it is written out here. Not here: metrics of TensorFlow's own kernels and runtime.
"""

import bisect
import threading
from dataclasses import dataclass, field

from reconciler.modelserver.core import Code

_LOAD = "/tensorflow/cc/saved_model/"
_SERVING = "/tensorflow/serving/"
_BATCHING = f"{_SERVING}batching_session/"

Cell = tuple[str, ...]


def _exponential(scale: float, growth: float, count: int) -> tuple[float, ...]:
    bounds = [scale]
    while len(bounds) < count:
        bounds.append(bounds[-1] * growth)
    return tuple(bounds)


_LATENCY = _exponential(10.0, 1.8, 33)  # microseconds, up to about 20 minutes
_QUEUING = _exponential(100.0, 1.2, 52)  # microseconds, up to about a second
_EXAMPLES = _exponential(1.0, 2.0, 15)


@dataclass(slots=True)
class _Histogram:
    counts: list[int]
    total: float = 0.0


@dataclass(slots=True)
class _Metric:
    """One metric: its labels, and a counter or a histogram for every combination of their values seen so far."""

    labels: tuple[str, ...]
    kind: str = "counter"
    bounds: tuple[float, ...] = ()
    counters: dict[Cell, int] = field(default_factory=dict)
    histograms: dict[Cell, _Histogram] = field(default_factory=dict)

    def increase(self, cell: Cell, by: int) -> None:
        self.counters[cell] = self.counters.get(cell, 0) + by

    def sample(self, cell: Cell, value: float) -> None:
        found = self.histograms.get(cell)
        if found is None:
            found = self.histograms[cell] = _Histogram([0] * (len(self.bounds) + 1))
        found.counts[bisect.bisect_right(self.bounds, value)] += 1  # a bucket ends before its bound, as tsl's does
        found.total += value


def _histogram(bounds: tuple[float, ...], *labels: str) -> _Metric:
    return _Metric(labels, "histogram", bounds)


def _registry() -> dict[str, _Metric]:
    metrics = {
        f"{_LOAD}load_attempt_count": _Metric(("model_path", "status")),
        f"{_LOAD}load_latency": _Metric(("model_path",)),
        f"{_LOAD}load_latency_by_stage": _histogram(_LATENCY, "model_path", "stage"),
        f"{_BATCHING}queuing_latency": _histogram(_QUEUING, "thread_pool_name"),
        f"{_BATCHING}wrapped_run_count": _Metric(()),
        f"{_SERVING}mlmd_map": _Metric(("model_name", "version"), "gauge"),
        f"{_SERVING}model_warmup_latency": _histogram(_LATENCY, "model_path", "status"),
        f"{_SERVING}model_warmup_records_read": _Metric(("model_path", "status")),
        f"{_SERVING}request_count": _Metric(("model_name", "status")),
        f"{_SERVING}request_example_count_total": _Metric(("model",)),
        f"{_SERVING}request_example_counts": _histogram(_EXAMPLES, "model"),
        f"{_SERVING}request_latency": _histogram(_LATENCY, "model_name", "API", "entrypoint"),
        f"{_SERVING}request_log_count": _Metric(("model_name", "status_code")),
        f"{_SERVING}runtime_latency": _histogram(_LATENCY, "model_name", "API", "runtime"),
    }
    return dict(sorted(metrics.items()))


class Telemetry:
    """Everything counted since the process began. Any thread may report; a report costs a few microseconds."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._metrics = _registry()

    def request(self, model: str, api: str, entrypoint: str, code: Code, seconds: float) -> None:
        """A request was answered; only a good one has a latency."""
        self._increase(f"{_SERVING}request_count", (model, code.name), 1)
        if code is Code.OK:
            self._sample(f"{_SERVING}request_latency", (model, api, entrypoint), _micros(seconds))

    def runtime(self, model: str, api: str, seconds: float) -> None:
        """A signature ran to its end."""
        self._sample(f"{_SERVING}runtime_latency", (model, api, "TF1"), _micros(seconds))

    def load_attempt(self, path: str, ok: bool) -> None:
        """A SavedModel was loaded, or a try at it failed."""
        self._increase(f"{_LOAD}load_attempt_count", (path, "success" if ok else "fail"), 1)

    def load_stage(self, path: str, stage: str, seconds: float) -> None:
        """A stage of a load ended: ``restore_graph`` or ``init_graph``."""
        self._sample(f"{_LOAD}load_latency_by_stage", (path, stage), _micros(seconds))

    def load_latency(self, path: str, seconds: float) -> None:
        """A load ended well."""
        self._increase(f"{_LOAD}load_latency", (path,), _micros(seconds))

    def warmup(self, path: str, code_name: str, seconds: float) -> None:
        """The warm-up of a version ended."""
        self._sample(f"{_SERVING}model_warmup_latency", (path, code_name), _micros(seconds))

    def warmup_records(self, path: str, count: int, code_name: str = "OK") -> None:
        """So many warm-up records were read, with that end."""
        self._increase(f"{_SERVING}model_warmup_records_read", (path, code_name), count)

    def examples(self, model: str, count: int) -> None:
        """A request carried so many examples."""
        self._sample(f"{_SERVING}request_example_counts", (model,), count)
        self._increase(f"{_SERVING}request_example_count_total", (model,), count)

    def queued(self, pool: str, seconds: float) -> None:
        """A request waited so long to become part of a batch."""
        self._sample(f"{_BATCHING}queuing_latency", (pool,), _micros(seconds))

    def batch_ran(self) -> None:
        """A batch was computed."""
        self._increase(f"{_BATCHING}wrapped_run_count", (), 1)

    def mlmd(self, model: str, version: int) -> None:
        """A loaded version names its entry in ML Metadata; the exporter prints such a text as 0."""
        self._increase(f"{_SERVING}mlmd_map", (model, str(version)), 0)

    def first_cell(self, name: str) -> int:
        """The value of the first cell of a metric by its internal name, as a reload reports it.

        0 for an unknown name, for a metric not used yet and for a histogram (model_service_impl.cc, GetMetrics).
        """
        with self._lock:
            metric = self._metrics.get(name)
            return metric.counters[min(metric.counters)] if metric and metric.counters else 0

    def render(self) -> str:
        """The page Prometheus reads."""
        with self._lock:
            lines = [line for name, metric in self._metrics.items() for line in _lines(name, metric)]
        return "\n".join(lines) + "\n"

    def _increase(self, name: str, cell: Cell, by: int) -> None:
        with self._lock:
            self._metrics[name].increase(cell, by)

    def _sample(self, name: str, cell: Cell, value: float) -> None:
        with self._lock:
            self._metrics[name].sample(cell, value)


def _micros(seconds: float) -> int:
    return max(0, int(seconds * 1e6))


def _lines(name: str, metric: _Metric) -> list[str]:
    printed = name.replace("/", ":")
    lines = [f"# TYPE {printed} {metric.kind}"]
    lines += [f"{printed}{{{_labels(metric, cell)}}} {metric.counters[cell]}" for cell in sorted(metric.counters)]
    for cell in sorted(metric.histograms):
        lines += _histogram_lines(printed, _labels(metric, cell), metric.bounds, metric.histograms[cell])
    return lines


def _histogram_lines(printed: str, labels: str, bounds: tuple[float, ...], histogram: _Histogram) -> list[str]:
    so_far, lines = 0, []
    for bound, count in zip([*(f"{bound:.6g}" for bound in bounds), "+Inf"], histogram.counts, strict=True):
        so_far += count
        lines.append(f'{printed}_bucket{{{labels}{"," if labels else ""}le="{bound}"}} {so_far}')
    return [*lines, f"{printed}_sum{{{labels}}} {histogram.total:.6g}", f"{printed}_count{{{labels}}} {so_far}"]


def _labels(metric: _Metric, cell: Cell) -> str:
    return ",".join(f'{name}="{_escaped(value)}"' for name, value in zip(metric.labels, cell, strict=True))


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"')
