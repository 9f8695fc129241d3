"""JSON bodies of REST Classify and Regress: lists of examples into requests, results into text.

Here: ``examples`` and ``context`` as tf.Example messages, by the rules and words of ``util/json_tensor.cc``, and the
layout of the two answers. Called by the REST front in a thread.

Not here: what Classify and Regress do with examples.
"""

from typing import Any

from reconciler.modelserver import jsonvalues, jsonwriter
from reconciler.modelserver.jsonfaults import Body
from reconciler.modelserver.jsonscanner import MISSING, Members
from reconciler.modelserver.jsonwriter import PrettyWriter
from reconciler.modelserver.restjson import parse, signature_name
from reconciler.modelserver.statuses import invalid_argument
from reconciler.modelserver.tensors import Proto
from reconciler.wire.stubs import classification_pb2, input_pb2, regression_pb2, types_pb2

_KINDS = {"bytes_list": "bytes", "float_list": "float", "int64_list": "int64"}


def classification_request(body: Body) -> Proto:
    """A ClassificationRequest, without its model."""
    return _filled(classification_pb2.ClassificationRequest(), body)


def regression_request(body: Body) -> Proto:
    """A RegressionRequest, without its model."""
    return _filled(regression_pb2.RegressionRequest(), body)


def _filled(request: Proto, body: Body) -> Proto:
    document = parse(body)
    request.model_spec.signature_name = signature_name(document)
    context, examples = document.find("context"), document.find("examples")
    given = input_pb2.Input()
    if context is not MISSING:
        _fill_example(given.example_list_with_context.context, context)
    listed = given.example_list.examples if context is MISSING else given.example_list_with_context.examples
    for example in _examples(document, examples):
        _fill_example(listed.add(), example)
    request.input.CopyFrom(given)
    return request


def _examples(document: Members, examples: Any) -> list[Any]:
    if examples is MISSING:
        raise jsonvalues.format_error(
            document, "When method is classify, key 'examples' is expected and was not found"
        )  # also when it is regress
    if not isinstance(examples, list):
        raise jsonvalues.format_error(document, "Expecting 'examples' value to be an list/array")
    if not examples:
        raise jsonvalues.format_error(document, "'examples' value is an empty array")
    return examples


def _fill_example(example: Proto, value: Any) -> None:
    if not isinstance(value, Members):
        raise invalid_argument(f"Example must be JSON object but got JSON {jsonvalues.type_word(value)}")
    for key, content in value.pairs:
        name = key.partition("\0")[0]
        feature = example.features.feature[name]
        feature.Clear()  # of a name that comes twice, the last counts
        for element in content if isinstance(content, list) else [content]:
            _add(feature, name, element)


def _add(feature: Proto, name: str, value: Any) -> None:
    if isinstance(value, bool):
        _list_of("int64_list", feature, name).append(int(value))
    elif isinstance(value, str):
        _list_of("bytes_list", feature, name).append(value.encode("utf-8", "surrogateescape"))
    elif isinstance(value, Members) and jsonvalues.is_base64(value):
        _list_of("bytes_list", feature, name).append(jsonvalues.decoded(value))
    elif isinstance(value, float):
        _list_of("float_list", feature, name).append(jsonvalues.real(value, types_pb2.DT_FLOAT))
    elif isinstance(value, int):
        _list_of("int64_list", feature, name).append(_signed(name, value))
    else:
        raise invalid_argument(f"Feature: {name} has element with unexpected JSON type: {jsonvalues.type_word(value)}")


def _signed(name: str, value: int) -> int:
    if value >= 2**63:
        raise invalid_argument(f"Feature: {name} has uint64 element. Only int64 is supported.")
    return value


def _list_of(kind: str, feature: Proto, name: str) -> Any:
    found = feature.WhichOneof("kind")
    if found not in (None, kind):
        raise invalid_argument(f"Unexpected element type in feature: {name} expecting type: {_KINDS[found]}")
    return getattr(feature, kind).value


# -- answers ----------------------------------------------------------------------------------------------------------


def classification_answer(result: Proto) -> bytes:
    """The body for a ClassificationResult: for every example, its classes as pairs of label and score."""
    if not result.classifications:
        raise invalid_argument("Cannot convert empty ClassificationResults to JSON")
    writer = _begun()
    writer.start_array()
    for classification in result.classifications:
        writer.in_line = True
        writer.start_array()
        for each in classification.classes:
            writer.start_array()
            writer.raws([jsonwriter.text(each.label), jsonwriter.decimal(each.score, single=True)])
            writer.end_array()
        writer.end_array()
        writer.in_line = False
    return _ended(writer)


def regression_answer(result: Proto) -> bytes:
    """The body for a RegressionResult: one value for every example."""
    if not result.regressions:
        raise invalid_argument("Cannot convert empty RegressionResults to JSON")
    writer = _begun()
    writer.in_line = True
    writer.start_array()
    writer.raws(jsonwriter.decimals([each.value for each in result.regressions], single=True))
    return _ended(writer)


def _begun() -> PrettyWriter:
    writer = PrettyWriter()
    writer.start_object()
    writer.key("results")
    return writer


def _ended(writer: PrettyWriter) -> bytes:
    writer.end_array()
    writer.end_object()
    return writer.document().encode("utf-8", "surrogateescape")
