"""Answers of REST Predict: output tensors as JSON.

Here: ``answer``, by row and by column, in the layout TensorFlow Serving gives each. Called by the REST front in a
thread. Source: ``MakeJsonFromTensors`` in ``util/json_tensor.cc``. Outputs stand in alphabetical order; the real server
goes through a hash map. Not here: how numbers and texts are written (jsonwriter).
"""

import math
from collections.abc import Mapping

from reconciler.modelserver import jsonvalues, jsonwriter
from reconciler.modelserver.jsonwriter import PrettyWriter
from reconciler.modelserver.statuses import invalid_argument
from reconciler.modelserver.tensors import Proto, type_name
from reconciler.wire.stubs import types_pb2


def answer(outputs: Mapping[str, Proto], *, rows: bool) -> bytes:
    """The body of an answer: ``predictions`` by row, or ``outputs`` by column. A single output stays unnamed."""
    if not outputs:
        raise invalid_argument("Cannot convert empty tensor map to JSON")
    ordered = {alias: outputs[alias] for alias in sorted(outputs)}
    writer = PrettyWriter()
    writer.start_object()
    (_write_rows if rows else _write_columns)(writer, ordered)
    writer.end_object()
    return writer.document().encode("utf-8", "surrogateescape")


def _write_rows(writer: PrettyWriter, outputs: Mapping[str, Proto]) -> None:
    size = _batch_size(outputs)
    writer.key("predictions")
    writer.start_array()
    if len(outputs) == 1:
        ((alias, tensor),) = outputs.items()
        writer.in_line = True
        writer.raws(_values(alias, tensor, writer.depth, rows=True))
        writer.in_line = False
    elif size:
        by_alias = {alias: _values(alias, tensor, writer.depth + 1, rows=True) for alias, tensor in outputs.items()}
        for number in range(size):
            writer.start_object()
            for alias, values in by_alias.items():
                writer.key(alias)
                writer.raw(values[number])
            writer.end_object()
    writer.end_array()


def _batch_size(outputs: Mapping[str, Proto]) -> int:
    size = -1
    for alias, tensor in outputs.items():
        dimensions = tensor.tensor_shape.dim
        if not dimensions:
            raise invalid_argument(f"Tensor name: {alias} has no shape information ")
        if size >= 0 and dimensions[0].size != size:
            raise invalid_argument(
                f"Tensor name: {alias} has inconsistent batch size: {dimensions[0].size} expecting: {size}"
            )
        size = int(dimensions[0].size)
    return size


def _write_columns(writer: PrettyWriter, outputs: Mapping[str, Proto]) -> None:
    writer.key("outputs")
    if len(outputs) > 1:
        writer.start_object()
    for alias, tensor in outputs.items():
        if len(outputs) > 1:
            writer.key(alias)
        writer.raws(_values(alias, tensor, writer.depth, rows=False))
    if len(outputs) > 1:
        writer.end_object()


def _values(alias: str, tensor: Proto, depth: int, *, rows: bool) -> list[str]:
    """A tensor, or each of its rows, as a value that stands inside ``depth`` containers."""
    shape = [int(dim.size) for dim in tensor.tensor_shape.dim]
    count, inner = (shape[0], shape[1:]) if rows else (1, shape)
    elements = _elements(alias, tensor, depth + len(inner)) if math.prod(shape) else []
    return jsonwriter.laid_out(elements, inner, count, depth, in_line=rows)


def _elements(alias: str, tensor: Proto, depth: int) -> list[str]:
    name = jsonvalues.field_of(tensor.dtype)
    if name is None:
        raise invalid_argument(f"Failed to write JSON value for tensor type: {type_name(tensor.dtype)}")
    values = getattr(tensor, name)
    if tensor.dtype != types_pb2.DT_STRING:
        return jsonwriter.typed(values, type_name(tensor.dtype))
    if alias.endswith("_bytes"):
        return [jsonwriter.member("b64", f'"{jsonvalues.escape(value)}"', depth) for value in values]
    return [jsonwriter.text(value.decode("utf-8", "surrogateescape")) for value in values]
