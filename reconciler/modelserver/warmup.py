"""Warm-up: the requests a version brings along are run before it becomes AVAILABLE.

Here: reading ``assets.extra/tf_serving_warmup_requests`` and running each record as the request it holds. Called by
``loader``, inside the load: whatever goes wrong fails the load, and is retried like any load. Follows
``servables/tensorflow/saved_model_warmup.cc`` and ``saved_model_warmup_util.cc``.

Not here: the meaning of a request (predict and its siblings), reading files (tfrecords).
"""

import contextlib
import logging
import os
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from google.protobuf.message import DecodeError

from reconciler.modelserver import classify, multiinference, predict, regress, tfrecords
from reconciler.modelserver.core import OK
from reconciler.modelserver.disk import local_path
from reconciler.modelserver.host import Servable
from reconciler.modelserver.savedmodel import Proto, SavedModel
from reconciler.modelserver.statuses import Code, Status, StatusError, invalid_argument
from reconciler.modelserver.telemetry import Telemetry
from reconciler.wire.stubs import prediction_log_pb2

MOST_RECORDS = 1000
_FILE = Path("assets.extra", "tf_serving_warmup_requests")
_UNSUPPORTED = ("session_run_log", "predict_streamed_log")
_journal = logging.getLogger(__name__)

Run = Callable[[Servable, Proto], object]
"""Runs one request on a version that has no name yet; its answer is thrown away."""

RUNS: Mapping[str, Run] = {
    "predict_log": predict.predict,
    "classify_log": classify.classify,
    "regress_log": regress.regress,
    "multi_inference_log": multiinference.multi_inference,
}
"""By kind of log, who runs its request."""


@dataclass(frozen=True, slots=True)
class Warmup:
    """How versions are warmed up: where that is reported, and how often each record is run."""

    telemetry: Telemetry
    iterations: int = 1

    def __call__(self, saved_model: SavedModel, path: str) -> None:
        """Run every record of the version at ``path``; without a file there is nothing to do."""
        file = str(Path(str(local_path(path))) / _FILE)
        if not os.access(file, os.F_OK):
            return
        _journal.info("Starting to read warmup data for model at %s", file)
        began = time.perf_counter()
        with contextlib.closing(tfrecords.records(file)) as records:
            count, status = self._run_all(saved_model, file, records)
        self.telemetry.warmup(path, str(status), time.perf_counter() - began)
        self.telemetry.warmup_records(path, count)
        if status.code is Code.DATA_LOSS:
            status = Status(Code.DATA_LOSS, f"{status.message}. Please verify your warmup data is in TFRecord format.")
        if not status.ok:
            raise StatusError(status.code, status.message)
        _journal.info("Finished reading warmup data for model at %s. Number of warmup records read: %d", file, count)

    def _run_all(self, saved_model: SavedModel, file: str, records: Iterator[bytes]) -> tuple[int, Status]:
        """How many records there were, and how reading them ended; a record that cannot be run ends it all."""
        count = 0
        while True:
            try:
                record = next(records, None)
            except StatusError as error:
                return count, error.status
            if record is None:
                return count, OK
            log = _parsed(record, file)
            for _ in range(self.iterations):
                self._run(saved_model, log)
            count += 1
            if count > MOST_RECORDS:
                raise invalid_argument(f"Number of warmup records exceeds the maximum ({MOST_RECORDS}) at {file}")

    def _run(self, saved_model: SavedModel, log: Proto) -> None:
        kind = log.WhichOneof("log_type")
        if kind in _UNSUPPORTED:
            number = log.DESCRIPTOR.fields_by_name[kind].number
            raise StatusError(Code.UNIMPLEMENTED, f"Unsupported log_type for warmup: {number}")
        if kind is not None:
            RUNS[kind](Servable("", 0, saved_model), getattr(log, kind).request)


def _parsed(record: bytes, file: str) -> Proto:
    try:
        return prediction_log_pb2.PredictionLog.FromString(record)
    except DecodeError:
        text = record.decode("utf-8", "replace")
        raise invalid_argument(f"Failed to parse warmup record: {text} from {file}") from None
