"""Predict and GetModelMetadata: from a request to tensors and back, with the checks and words of TensorFlow Serving.

Called by both fronts and by warm-up, in a thread, with the servable already found. The checks stand in the order of
``predict_util.cc`` and of ``GetInputValues`` in TensorFlow's cc/saved_model/util.cc; where C++ walks over a hash map,
and so reports any one of several faults, names go in order here. Shapes are deliberately not compared with the
signature; types are, by TensorFlow itself.
"""

from typing import Any

from reconciler.modelserver.host import ModelChoice, Servable
from reconciler.modelserver.inference import (
    CLASSIFY_METHOD,
    DEFAULT_SIGNATURE,
    PLAIN,
    PREDICT_METHOD,
    REGRESS_METHOD,
    Options,
    fill_model_spec,
    run,
    signature_name,
)
from reconciler.modelserver.statuses import Code, StatusError, invalid_argument
from reconciler.modelserver.tensors import Array, NotAnArrayError, Proto, fill, to_array, type_name
from reconciler.wire.stubs import get_model_metadata_pb2, predict_pb2

__all__ = ["DEFAULT_SIGNATURE", "check_metadata_fields", "choice_of", "choice_of_spec", "metadata", "predict"]

_METHODS = (PREDICT_METHOD, CLASSIFY_METHOD, REGRESS_METHOD)


def choice_of(request: Proto) -> ModelChoice:
    """Which servable a request of either service means."""
    if not request.HasField("model_spec"):
        raise invalid_argument("Missing ModelSpec")
    return choice_of_spec(request.model_spec)


def choice_of_spec(spec: Proto) -> ModelChoice:
    """Which servable a ModelSpec means; an empty one means the model without a name."""
    chosen = spec.WhichOneof("version_choice")
    return ModelChoice(
        spec.name,
        spec.version.value if chosen == "version" else None,
        spec.version_label if chosen == "version_label" else None,
    )


def predict(servable: Servable, request: Proto, options: Options = PLAIN) -> Proto:
    """Run a signature."""
    name = signature_name(request.model_spec)
    signature = servable.saved_model.signatures.get(name)
    if signature is None:
        raise StatusError(Code.FAILED_PRECONDITION, f'Serving signature key "{name}" not found.')
    if options.check_method:
        _check_method(signature)
    _check_input_count(signature, request)
    feeds = _feeds(signature, request)
    aliases = _output_aliases(signature, request)
    _check_handles(signature, feeds)
    values = run(servable, feeds, [signature.outputs[alias].name for alias in aliases], options, "Predict")
    response = predict_pb2.PredictResponse()
    fill_model_spec(response.model_spec, servable, name)
    for alias, value in zip(aliases, values, strict=True):
        fill(response.outputs[alias], value, as_content=options.as_content)
    return response


def _check_method(signature: Proto) -> None:
    if signature.method_name not in _METHODS:
        expected = ", ".join(_METHODS)
        raise StatusError(
            Code.INTERNAL,
            f"Expected prediction signature method_name to be one of {{{expected}}}. Was: {signature.method_name}",
        )


def _check_input_count(signature: Proto, request: Proto) -> None:
    sent, known = set(request.inputs), set(signature.inputs)
    if len(sent) > len(known) or (len(sent) < len(known) and not signature.defaults):
        raise invalid_argument(
            f"input size does not match signature: {len(sent)}!={len(known)} len({_set(sent)}) != len({_set(known)}). "
            f"Sent extra: {_set(sent - known)}. Missing but required: {_set(known - sent)}."
        )


def _feeds(signature: Proto, request: Proto) -> dict[str, Any]:
    """Values by the names of the graph; a resource or variant is there as the error that says so."""
    feeds = {}
    for alias in sorted(signature.inputs):
        name = signature.inputs[alias].name
        if alias in request.inputs:
            tensor = request.inputs[alias]
        elif alias in signature.defaults:
            tensor = signature.defaults[alias]
        else:
            raise invalid_argument(
                f"Signature input alias: {alias}(feed name: {name}) not found in request and no default value provided."
                f" Inputs expected to be in the request {_set(request.inputs)}, or default input alias set: "
                f"{','.join(sorted(signature.defaults))}"
            )
        feeds[name] = _array(alias, tensor)
    used = set(request.inputs) & set(signature.inputs)
    if len(used) != len(request.inputs):
        raise invalid_argument(
            f"Inputs contains invalid name. Used request inputs: {','.join(sorted(used))}, "
            f"request input: {','.join(sorted(request.inputs))}"
        )
    return feeds


def _array(alias: str, tensor: Proto) -> Array | NotAnArrayError:
    try:
        return to_array(tensor)
    except NotAnArrayError as error:
        return error
    except ValueError:
        raise invalid_argument(f"tensor parsing error: {alias}") from None


def _check_handles(signature: Proto, feeds: dict[str, Any]) -> None:
    """Refuse resources and variants as the session does, which numbers its arguments by the order of their names."""
    types = {info.name: info.dtype for info in signature.inputs.values()}
    for index, name in enumerate(sorted(feeds)):
        value = feeds[name]
        if isinstance(value, NotAnArrayError):
            raise invalid_argument(f"Expects arg[{index}] to be {type_name(types[name])} but {value.kind} is provided")


def _output_aliases(signature: Proto, request: Proto) -> list[str]:
    aliases: list[str] = []
    for alias in request.output_filter:
        if alias not in signature.outputs:
            raise invalid_argument(
                f"output tensor alias not found in signature: {alias} Outputs expected to be in the set "
                f"{_set(signature.outputs)}."
            )
        if alias in aliases:
            raise invalid_argument(f"duplicate output tensor alias: {alias}")
        aliases.append(alias)
    return aliases or sorted(signature.outputs)


def _set(names: Any) -> str:
    return "{" + ",".join(sorted(names)) + "}"


def check_metadata_fields(request: Proto) -> None:
    """What is checked of a GetModelMetadata request before its model is looked up."""
    if not request.metadata_field:
        raise invalid_argument("GetModelMetadataRequest must specify at least one metadata_field")
    for field in request.metadata_field:
        if field != "signature_def":
            raise invalid_argument(f"Metadata field {field} is not supported")


def metadata(servable: Servable) -> Proto:
    """The signatures of a version; the answer names the version a label stood for."""
    response = get_model_metadata_pb2.GetModelMetadataResponse()
    response.model_spec.name = servable.name
    response.model_spec.version.value = servable.version
    signatures = get_model_metadata_pb2.SignatureDefMap()
    for name, signature in servable.saved_model.signatures.items():
        signatures.signature_def[name].CopyFrom(signature)
    response.metadata["signature_def"].Pack(signatures)
    return response
