"""Classify: examples in, labels and scores out, with the checks and words of TensorFlow Serving.

Called by both fronts and by warm-up, in a thread, with the servable found. ``outputs_of`` and ``result`` are the
two halves that MultiInference shares. The checks stand in the order of servables/tensorflow/classifier.cc: without
``--enable_signature_method_name_check`` any signature of the right form will do. Not here: examples, sessions.
"""

from collections.abc import Mapping

from reconciler.modelserver.examples import quoted, shown_shape
from reconciler.modelserver.host import Servable
from reconciler.modelserver.inference import CLASSIFY_METHOD, PLAIN, OfExamples, Options, run_on_examples
from reconciler.modelserver.statuses import invalid_argument
from reconciler.modelserver.tensors import Array, Proto, enum_name
from reconciler.wire.stubs import classification_pb2

_INPUTS, _CLASSES, _SCORES = "inputs", "classes", "scores"


def classify(servable: Servable, request: Proto, options: Options = PLAIN) -> Proto:
    """Run a classification signature."""
    return run_on_examples(
        OfExamples("Classify", classification_pb2.ClassificationResponse, outputs_of, result),
        servable,
        request,
        options,
    )


def outputs_of(signature: Proto, options: Options) -> tuple[str, list[str]]:
    """The tensor a signature takes and those it gives (``PreProcessClassification``)."""
    if options.check_method and signature.method_name != CLASSIFY_METHOD:
        raise invalid_argument(
            f"Expected classification signature method_name to be {CLASSIFY_METHOD}. Was: {signature.method_name}"
        )
    if len(signature.inputs) != 1:
        raise invalid_argument("Expected one input Tensor.")
    if len(signature.outputs) not in {1, 2}:
        raise invalid_argument(f"Expected one or two output Tensors, found {len(signature.outputs)}")
    if _INPUTS not in signature.inputs:
        raise invalid_argument(f"No classification inputs found in SignatureDef: {quoted(signature)}")
    given = [signature.outputs[alias].name for alias in (_CLASSES, _SCORES) if alias in signature.outputs]
    if not given:
        raise invalid_argument(
            f'Expected classification signature outputs to contain at least one of "{_CLASSES}" or "{_SCORES}". '
            f"Signature was: {quoted(signature)}"
        )
    return signature.inputs[_INPUTS].name, given


def result(signature: Proto, count: int, values: Mapping[str, Array]) -> Proto:
    """A ClassificationResult for that many examples (``PostProcessClassificationResult``)."""
    classes, scores = (
        values[signature.outputs[alias].name] if alias in signature.outputs else None for alias in (_CLASSES, _SCORES)
    )
    if classes is not None:
        _check(classes, "classes", "DT_STRING", count)
    if scores is not None:
        _check(scores, "scores", "DT_FLOAT", count)
    if classes is not None and scores is not None and classes.shape[1] != scores.shape[1]:
        raise invalid_argument(
            f"Tensors class and score should match in dim_size(1). Got {classes.shape[1]} vs. {scores.shape[1]}"
        )
    return _filled(count, classes, scores)


def _check(value: Array, name: str, expected: str, count: int) -> None:
    if value.ndim != 2:
        raise invalid_argument(f"Expected Tensor shape: [batch_size num_classes] but got {shown_shape(value)}")
    if enum_name(value) != expected:
        raise invalid_argument(f"Expected {name} Tensor of {expected}. Got: {enum_name(value)}")
    if len(value) != count:
        raise invalid_argument(f"Expected {name} output batch size of {count}. Got: {len(value)}")


def _filled(count: int, classes: Array | None, scores: Array | None) -> Proto:
    filled = classification_pb2.ClassificationResult()
    for number in range(count):
        entry = filled.classifications.add()
        labels = None if classes is None else classes[number].tolist()
        points = None if scores is None else scores[number].tolist()
        for position in range(len(labels if labels is not None else points or ())):
            each = entry.classes.add()
            if labels is not None:
                each.label = labels[position].decode("utf-8", "replace")
            if points is not None:
                each.score = points[position]
    return filled
