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
    shown = {alias: _Output(alias, tensor) for alias, tensor in outputs.items()} if size else {}
    writer.key("predictions")
    writer.start_array()
    for number in range(size):
        if len(outputs) > 1:
            writer.start_object()
        writer.in_line = True
        for alias, output in shown.items():
            if len(outputs) > 1:
                writer.key(alias)
            output.write_row(writer, number)
        writer.in_line = False
        if len(outputs) > 1:
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
        _Output(alias, tensor).write_whole(writer)
    if len(outputs) > 1:
        writer.end_object()


class _Output:
    """One tensor of an answer: its elements as texts, written as nested lists."""

    def __init__(self, alias: str, tensor: Proto) -> None:
        self._shape = [int(dim.size) for dim in tensor.tensor_shape.dim]
        self._is_base64 = tensor.dtype == types_pb2.DT_STRING and alias.endswith("_bytes")
        self._elements = _texts(tensor, math.prod(self._shape), as_base64=self._is_base64)

    def write_whole(self, writer: PrettyWriter) -> None:
        self._write(writer, 0, len(self._elements), self._shape)

    def write_row(self, writer: PrettyWriter, number: int) -> None:
        size = math.prod(self._shape[1:])
        self._write(writer, number * size, size, self._shape[1:])

    def _write(self, writer: PrettyWriter, start: int, size: int, shape: list[int]) -> None:
        if not shape:
            self._write_elements(writer, start, 1)
            return
        writer.start_array()
        if len(shape) == 1:
            self._write_elements(writer, start, size)
        else:
            step = math.prod(shape[1:])
            for part in range(shape[0]):
                self._write(writer, start + part * step, step, shape[1:])
        writer.end_array()

    def _write_elements(self, writer: PrettyWriter, start: int, count: int) -> None:
        if not self._is_base64:
            writer.raws(self._elements[start : start + count])
            return
        for element in self._elements[start : start + count]:
            writer.start_object()
            writer.key("b64")
            writer.raw(element)
            writer.end_object()


def _texts(tensor: Proto, count: int, *, as_base64: bool) -> list[str]:
    if not count:
        return []
    name = jsonvalues.field_of(tensor.dtype)
    if name is None:
        raise invalid_argument(f"Failed to write JSON value for tensor type: {type_name(tensor.dtype)}")
    values = getattr(tensor, name)
    if tensor.dtype != types_pb2.DT_STRING:
        return jsonwriter.typed(values, type_name(tensor.dtype))
    if as_base64:
        return [f'"{jsonvalues.escape(value)}"' for value in values]
    return [jsonwriter.text(value.decode("utf-8", "surrogateescape")) for value in values]
