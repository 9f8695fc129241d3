"""What all inference calls have in common: their options, the timed run, the model spec of an answer.

Used by ``predict``, ``classify``, ``regress`` and ``multiinference``, whose functions all have one form: a servable, a
request and ``Options``, and they run in an inference thread. Not here: tensors, and what a call checks.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from reconciler.modelserver.host import Servable
from reconciler.modelserver.telemetry import Telemetry
from reconciler.modelserver.tensors import Array, Proto

DEFAULT_SIGNATURE = "serving_default"
PREDICT_METHOD = "tensorflow/serving/predict"
CLASSIFY_METHOD = "tensorflow/serving/classify"
REGRESS_METHOD = "tensorflow/serving/regress"


@dataclass(frozen=True, slots=True)
class Options:
    """How a request is to be run, beyond what it says itself."""

    check_method: bool = False
    """``--enable_signature_method_name_check``: signatures must bear the method name of the call."""
    as_content: bool = False
    """``--enable_serialization_as_tensor_content``: Predict answers with raw bytes."""
    timeout_ms: int = 0
    """Time limit of the session run; 0 is none."""
    telemetry: Telemetry | None = None


PLAIN = Options()
"""The defaults of the real server."""


def signature_name(request_spec: Proto) -> str:
    """The signature a model spec asks for."""
    return request_spec.signature_name or DEFAULT_SIGNATURE


def run(
    servable: Servable, feeds: Mapping[str, Array], fetches: Sequence[str], options: Options, api: str = ""
) -> list[Array]:
    """Run a version; a good run of a named ``api`` counts as its runtime (``RecordRuntimeLatency``, util.cc)."""
    began = time.perf_counter()
    values = servable.saved_model.run(feeds, fetches, options.timeout_ms)
    if api and options.telemetry is not None:
        options.telemetry.runtime(servable.name, api, time.perf_counter() - began)
    return values


def fill_model_spec(answer: Proto, servable: Servable, name: str) -> None:
    """Say in an answer which version and signature it comes from; a label is not echoed (``MakeModelSpec``)."""
    answer.name = servable.name
    answer.version.value = servable.version
    answer.signature_name = name
