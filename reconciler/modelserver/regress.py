"""Regress: examples in, one number each out, with the checks and words of TensorFlow Serving.

Called by both fronts and by warm-up, in a thread, with the servable found. ``outputs_of`` and ``result`` are the
two halves that MultiInference shares. The checks stand in the order of servables/tensorflow/regressor.cc: without
``--enable_signature_method_name_check`` any signature of the right form will do. Not here: examples, sessions.
"""

from collections.abc import Mapping

from reconciler.modelserver.examples import quoted, shown_shape
from reconciler.modelserver.host import Servable
from reconciler.modelserver.inference import PLAIN, REGRESS_METHOD, OfExamples, Options, run_on_examples
from reconciler.modelserver.statuses import invalid_argument
from reconciler.modelserver.tensors import Array, Proto, enum_name
from reconciler.wire.stubs import regression_pb2

_INPUTS, _OUTPUTS = "inputs", "outputs"


def regress(servable: Servable, request: Proto, options: Options = PLAIN) -> Proto:
    """Run a regression signature."""
    return run_on_examples(
        OfExamples("Regress", regression_pb2.RegressionResponse, outputs_of, result), servable, request, options
    )


def outputs_of(signature: Proto, options: Options) -> tuple[str, list[str]]:
    """The tensor a signature takes and the one it gives (``PreProcessRegression``)."""
    if options.check_method and signature.method_name != REGRESS_METHOD:
        raise invalid_argument(
            f"Expected regression signature method_name to be {REGRESS_METHOD}. Was: {signature.method_name}"
        )
    if len(signature.inputs) != 1:
        raise invalid_argument("Expected one input Tensor.")
    if len(signature.outputs) != 1:
        raise invalid_argument("Expected one output Tensor.")
    if _INPUTS not in signature.inputs:
        raise invalid_argument(f"No regression inputs found in SignatureDef: {quoted(signature)}")
    if _OUTPUTS not in signature.outputs:
        raise invalid_argument(f"No regression outputs found in SignatureDef: {quoted(signature)}")
    return signature.inputs[_INPUTS].name, [signature.outputs[_OUTPUTS].name]


def result(signature: Proto, count: int, values: Mapping[str, Array]) -> Proto:
    """A RegressionResult for that many examples (``PostProcessRegressionResult``)."""
    value = values[signature.outputs[_OUTPUTS].name]
    if value.ndim != 1 and not (value.ndim == 2 and value.shape[1] == 1):
        raise invalid_argument(
            f"Expected output Tensor shape to be either [batch_size] or [batch_size, 1] but got {shown_shape(value)}"
        )
    if len(value) != count:
        raise invalid_argument(f"Input batch size did not match output batch size: {count} vs. {len(value)}")
    if enum_name(value) != "DT_FLOAT":
        raise invalid_argument(f"Expected output Tensor of DT_FLOAT.  Got: {enum_name(value)}")
    filled = regression_pb2.RegressionResult()
    for number in value.reshape(-1).tolist():
        filled.regressions.add(value=number)
    return filled
