"""JSON bodies of REST Predict: requests into PredictRequests, responses into text.

Here: TensorFlow Serving's rules for ``instances`` (rows) and ``inputs`` (columns), in its order and with its words, and
the body of an answer. Called by the REST front in an inference thread. Source of the rules: ``util/json_tensor.cc``.

Not here: Predict itself. The scanner is Python's, so a syntax error is named in the real server's words but its offset
is where Python noticed it.
"""

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from reconciler.modelserver import jsonvalues
from reconciler.modelserver.statuses import StatusError, invalid_argument
from reconciler.modelserver.tensors import Proto
from reconciler.wire.stubs import predict_pb2, tensor_pb2

_SYNTAX = {
    "Expecting property name": "Missing a name for object member.",
    "Expecting ':'": "Missing a colon after a name of object member.",
    "Expecting ','": "Missing a comma or ] after an array element.",
    "Unterminated string": "Missing a closing quotation mark in string.",
    "Invalid \\escape": "Invalid escape character in string.",
    "Invalid \\uXXXX": "Incorrect hex digit after \\u escape in string.",
    "Extra data": "The document root must not be followed by other values.",
}


def parse(body: bytes) -> dict[str, Any]:
    """The JSON object in a request body."""
    if not body:
        raise invalid_argument("JSON Parse error: The document is empty")
    try:
        document = json.loads(body.decode("utf-8-sig", "surrogateescape"))
    except json.JSONDecodeError as error:
        raise invalid_argument(f"JSON Parse error: {_syntax(error)} at offset: {error.pos}") from None
    except RecursionError:
        raise invalid_argument("JSON Parse error: Terminate parsing due to Handler error. at offset: 0") from None
    if not isinstance(document, dict):
        raise jsonvalues.format_error(document, "Is not object")
    return document


def _syntax(error: json.JSONDecodeError) -> str:
    if not error.doc.strip():
        return "The document is empty."
    return next((words for start, words in _SYNTAX.items() if error.msg.startswith(start)), "Invalid value.")


def signature_name(document: Mapping[str, Any]) -> str:
    """The signature a request names, or ""."""
    name = document.get("signature_name", "")
    if not isinstance(name, str):
        raise jsonvalues.format_error(document, "not formatted correctly. 'signature_name' key must be a string value.")
    return name


def request(document: Mapping[str, Any], inputs: Mapping[str, Proto]) -> Proto:
    """A PredictRequest for a signature with these inputs (TensorInfo by alias). Its model is left open."""
    result = predict_pb2.PredictRequest()
    if "instances" in document and "inputs" in document:
        raise jsonvalues.format_error(
            document, "Not formatted correctly expecting only one of 'inputs' or 'instances' keys to exist "
        )
    if "instances" in document:
        filled = _from_rows(_rows(document), inputs)
    elif "inputs" in document:
        filled = _from_columns(document["inputs"], inputs)
    else:
        raise invalid_argument("Missing 'inputs' or 'instances' key")
    for alias, tensor in filled.items():
        result.inputs[alias].CopyFrom(tensor)
    return result


def _rows(document: Mapping[str, Any]) -> list[Any]:
    rows = document["instances"]
    if not isinstance(rows, list):
        raise jsonvalues.format_error(document, "Excepting 'instances' to be an list/array")
    if not rows:
        raise jsonvalues.format_error(document, "No values in 'instances' array")
    return rows


@dataclass(slots=True)
class _Column:
    """One input while rows are added to it: the shape all rows share, and their values."""

    dtype: int
    shape: tuple[int, ...] | None = None
    values: list[Any] = field(default_factory=list)

    def add(self, item: Any) -> None:
        shape = jsonvalues.shape_of(item)
        added = jsonvalues.flatten(item, shape, self.dtype)
        if self.shape is None:
            self.shape = shape
        elif math.prod(self.shape) != math.prod(shape):
            raise invalid_argument(f"Expecting tensor size: {math.prod(self.shape)} but got: {math.prod(shape)}")
        elif self.shape != shape:
            raise invalid_argument(f"Expecting shape {_bracketed(self.shape)} but got: {_bracketed(shape)}")
        self.values.extend(added)

    def tensor(self, *batch: int) -> Proto:
        tensor = tensor_pb2.TensorProto(dtype=self.dtype)
        for size in (*batch, *(self.shape or ())):
            tensor.tensor_shape.dim.add(size=size)
        jsonvalues.fill(tensor, self.values)
        return tensor


def _bracketed(shape: tuple[int, ...]) -> str:
    return f"[{','.join(map(str, shape))}]"


def _from_rows(rows: list[Any], inputs: Mapping[str, Proto]) -> dict[str, Proto]:
    if not isinstance(rows[0], dict) and len(inputs) > 1:
        raise invalid_argument(
            "instances is a plain list, but expecting list of objects as multiple input tensors required as per "
            "tensorinfo_map"
        )
    columns = {alias: _Column(info.dtype) for alias, info in inputs.items()}
    named = _is_object(rows[0])
    for number, row in enumerate(rows):
        if named:
            _add_named_row(number, row, columns)
        else:
            _add_plain_row(number, row, next(iter(columns.values())))
    return {alias: column.tensor(len(rows)) for alias, column in columns.items()}


def _add_named_row(number: int, row: Any, columns: Mapping[str, _Column]) -> None:
    if not _is_object(row):
        raise invalid_argument(f"Expecting object but got list at item {number} of input list")
    for name, item in row.items():
        try:
            if name not in columns:
                raise invalid_argument(f"JSON object: does not have named input: {name}")
            columns[name].add(item)
        except StatusError as error:
            where = f"Failed to process element: {number} key: {name} of 'instances' list."
            raise invalid_argument(f"{where} Error: {error.status}") from None
    if row.keys() != columns.keys():
        raise invalid_argument(
            f"Failed to process element: {number} of 'instances' list. JSON object: {jsonvalues.shown(row)} "
            f"keys must be equal to: {','.join(sorted(columns))}"
        )


def _add_plain_row(number: int, row: Any, column: _Column) -> None:
    if _is_object(row):
        raise invalid_argument(f"Expecting value/list but got object at item {number} of input list")
    try:
        column.add(row)
    except StatusError as error:
        raise invalid_argument(
            f"Failed to process element: {number} of 'instances' list. Error: {error.status}"
        ) from None


def _from_columns(value: Any, inputs: Mapping[str, Proto]) -> dict[str, Proto]:
    if not _is_object(value):
        if len(inputs) > 1:
            raise invalid_argument(
                "inputs is a plain value/list, but expecting an object as multiple input tensors required as per "
                "tensorinfo_map"
            )
        value = {next(iter(inputs)): value}
    return dict(_named_columns(value, inputs))


def _named_columns(value: Mapping[str, Any], inputs: Mapping[str, Proto]) -> Iterator[tuple[str, Proto]]:
    for alias, info in inputs.items():
        if alias not in value:
            raise invalid_argument(f"Missing named input: {alias} in 'inputs' object.")
        column = _Column(info.dtype)
        column.add(value[alias])
        yield alias, column.tensor()


def _is_object(value: Any) -> bool:
    return isinstance(value, dict) and not jsonvalues.is_base64(value)


def response(outputs: Mapping[str, Proto], *, rows: bool) -> bytes:
    """The body of an answer: ``predictions`` by row, or ``outputs`` by column. A single output stays unnamed."""
    shown = {alias: jsonvalues.texts(alias, outputs[alias]) for alias in sorted(outputs)}
    if not rows:
        return _body("outputs", _one_or_all({alias: nested.whole() for alias, nested in shown.items()}))
    size = _batch_size(outputs)
    by_row = [_one_or_all({alias: nested.row(number) for alias, nested in shown.items()}) for number in range(size)]
    return _body("predictions", f"[{', '.join(by_row)}]")


def _batch_size(outputs: Mapping[str, Proto]) -> int:
    size = -1
    for alias in sorted(outputs):
        dimensions = outputs[alias].tensor_shape.dim
        if not dimensions:
            raise invalid_argument(f"Tensor name: {alias} has no shape information ")
        if size >= 0 and dimensions[0].size != size:
            raise invalid_argument(
                f"Tensor name: {alias} has inconsistent batch size: {dimensions[0].size} expecting: {size}"
            )
        size = dimensions[0].size
    return size


def _one_or_all(texts: Mapping[str, str]) -> str:
    if len(texts) == 1:
        return next(iter(texts.values()))
    return "{" + ", ".join(f"{json.dumps(alias)}: {text}" for alias, text in texts.items()) + "}"


def _body(key: str, text: str) -> bytes:
    return f'{{\n    "{key}": {text}\n}}'.encode("utf-8", "surrogateescape")
