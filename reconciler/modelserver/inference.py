"""What all inference calls have in common: their options, the timed run, the model spec of an answer.

Used by ``predict``, ``classify``, ``regress`` and ``multiinference``, whose functions all have one form: a servable, a
request and ``Options``, and they run in an inference thread. Not here: tensors, and what a call checks.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from reconciler.modelserver.examples import serialized
from reconciler.modelserver.host import Servable
from reconciler.modelserver.statuses import invalid_argument
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


@dataclass(frozen=True, slots=True)
class OfExamples:
    """What Classify and Regress have of their own: the name that counts, the answer, and the two ends of the run.

    outputs_of: the tensor that a signature takes and those it gives. result: what the answer carries.
    """

    api: str
    response: Callable[[], Proto]
    outputs_of: Callable[[Proto, Options], tuple[str, list[str]]]
    result: Callable[[Proto, int, Mapping[str, Array]], Any]


def run_on_examples(kind: OfExamples, servable: Servable, request: Proto, options: Options) -> Proto:
    """Run a signature that takes examples: its checks, then those of the examples (classifier.cc, regressor.cc)."""
    name = signature_name(request.model_spec)
    signature = servable.saved_model.signatures.get(name)
    if signature is None:
        raise invalid_argument(f"No signature was found with the name: {name}")
    taken, fetches = kind.outputs_of(signature, options)
    examples = serialized(request.input)
    values = run(servable, {taken: examples}, fetches, options, kind.api)
    response = kind.response()
    fill_model_spec(response.model_spec, servable, name)
    response.result.CopyFrom(kind.result(signature, len(examples), dict(zip(fetches, values, strict=True))))
    return response
