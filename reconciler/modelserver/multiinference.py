"""MultiInference: several classifications and regressions of the same examples, in one run of the session.

Called by the gRPC front and by warm-up, in a thread, with the servable already found: the one the first task names, or
the model without a name if there is no task (``GetModelSpecFromRequest``, multi_inference_helper.cc). The checks stand
in the order of servables/tensorflow/multi_inference.cc. Versions and labels of the other tasks are not looked at.

Not here: what a single task checks of its signature and of its result (classify, regress).
"""

from dataclasses import dataclass
from typing import Any

from reconciler.modelserver import classify, regress
from reconciler.modelserver.examples import serialized
from reconciler.modelserver.host import ModelChoice, Servable
from reconciler.modelserver.inference import (
    CLASSIFY_METHOD,
    PLAIN,
    REGRESS_METHOD,
    Options,
    fill_model_spec,
    run,
    signature_name,
)
from reconciler.modelserver.predict import choice_of_spec
from reconciler.modelserver.statuses import Code, StatusError, invalid_argument
from reconciler.modelserver.tensors import Array, Proto
from reconciler.wire.stubs import inference_pb2, model_pb2


def choice_of(request: Proto) -> ModelChoice:
    """Which servable a request means."""
    return choice_of_spec(request.tasks[0].model_spec if request.tasks else model_pb2.ModelSpec())


@dataclass(frozen=True, slots=True)
class _Task:
    """One task of a request: the signature it means, and who knows its kind."""

    name: str
    signature: Proto
    kind: Any  # the module classify or regress
    taken: str
    fetches: list[str]


def multi_inference(servable: Servable, request: Proto, options: Options = PLAIN) -> Proto:
    """Run all tasks."""
    tasks = _tasks(servable, request, options)
    examples = serialized(request.input)
    fetches = sorted({name for task in tasks for name in task.fetches})
    values = dict(zip(fetches, run(servable, {tasks[0].taken: examples}, fetches, options), strict=True))
    if options.telemetry is not None:
        options.telemetry.examples(servable.name, len(examples))
    response = inference_pb2.MultiInferenceResponse()
    for task in tasks:
        _add_result(response.results.add(), task, len(examples), values)
        fill_model_spec(response.results[-1].model_spec, servable, task.name)
    return response


def _add_result(into: Proto, task: _Task, count: int, values: dict[str, Array]) -> None:
    found = task.kind.result(task.signature, count, values)
    if task.kind is classify:
        into.classification_result.CopyFrom(found)
    else:
        into.regression_result.CopyFrom(found)


def _tasks(servable: Servable, request: Proto, options: Options) -> list[_Task]:
    tasks: list[_Task] = []
    for wanted in request.tasks:
        _check_model(wanted.model_spec, request.tasks[0].model_spec)
        name = signature_name(wanted.model_spec)
        if any(task.name == name for task in tasks):
            raise invalid_argument(f"Duplicate evaluation of signature: {name}")
        tasks.append(_task(servable, name, wanted.method_name, options))
        if tasks[-1].taken != tasks[0].taken:
            raise invalid_argument("Input tensor must be the same for all Signatures.")
    return tasks


def _check_model(spec: Proto, first: Proto) -> None:
    if not spec.name:
        raise invalid_argument("Found ModelSpec with an empty model name.")
    if spec.name != first.name:
        raise invalid_argument("All ModelSpecs in a MultiInferenceRequest must access the same model name.")


def _task(servable: Servable, name: str, method: str, options: Options) -> _Task:
    signature = servable.saved_model.signatures.get(name)
    if signature is None:
        raise invalid_argument(f"Requested signature not found in model graph: {name}")
    kind = {CLASSIFY_METHOD: classify, REGRESS_METHOD: regress}.get(method)
    if kind is None:
        raise StatusError(Code.UNIMPLEMENTED, f"Unsupported signature method_name: {method}")
    return _Task(name, signature, kind, *kind.outputs_of(signature, options))
