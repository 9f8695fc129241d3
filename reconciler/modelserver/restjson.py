"""JSON bodies of REST Predict as PredictRequests.

Here: TensorFlow Serving's rules for ``instances`` (rows) and ``inputs`` (columns), in its order and with its words.
Called by the REST front in a thread. Source of the rules: ``util/json_tensor.cc``. Where the
real server goes through a hash map, and so in no order a client could know, names are taken in alphabetical order.

Not here: Predict itself, its answers (restanswers), Classify and Regress (restexamples), single values (jsonvalues).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from reconciler.modelserver import jsonvalues
from reconciler.modelserver.jsonfaults import Body
from reconciler.modelserver.jsonreader import read
from reconciler.modelserver.jsonscanner import MISSING, Members
from reconciler.modelserver.statuses import StatusError, invalid_argument
from reconciler.modelserver.tensors import Proto
from reconciler.wire.stubs import predict_pb2, tensor_pb2

Document = Members
_TOGETHER = 10_000  # rows taken at once; among so many the one that does not fit is looked for


def parse(body: Body) -> Document:
    """The JSON object in a request body."""
    document = read(body)
    if not isinstance(document, Members):
        raise jsonvalues.format_error(document, "Is not object")
    return document


def signature_name(document: Document) -> str:
    """The signature a request names, or ""."""
    name = document.find("signature_name")
    if name is MISSING:
        return ""
    if not isinstance(name, str):
        raise jsonvalues.format_error(document, "not formatted correctly. 'signature_name' key must be a string value.")
    return name


def request(document: Document, inputs: Mapping[str, Proto]) -> Proto:
    """A PredictRequest for a signature with these inputs (TensorInfo by alias). Its model is left open."""
    instances, columns = document.find("instances"), document.find("inputs")
    if instances is not MISSING and columns is not MISSING:
        raise jsonvalues.format_error(
            document, "Not formatted correctly expecting only one of 'inputs' or 'instances' keys to exist "
        )
    dtypes = {alias: inputs[alias].dtype for alias in sorted(inputs)}
    result = predict_pb2.PredictRequest()
    if instances is not MISSING:
        filled = _from_rows(_rows(document, instances), dtypes)
    elif columns is not MISSING:
        filled = _from_columns(columns, dtypes)
    else:
        raise invalid_argument("Missing 'inputs' or 'instances' key")
    for alias, tensor in filled.items():
        result.inputs[alias].CopyFrom(tensor)
    return result


def is_by_row(document: Document) -> bool:
    """Whether the answer to a request goes by row."""
    return document.find("instances") is not MISSING


def _rows(document: Document, rows: Any) -> list[Any]:
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
    size: int = 0
    values: list[Any] = field(default_factory=list)

    def add(self, item: Any) -> None:
        shape = jsonvalues.shape_of(item)
        added = jsonvalues.elements(item, shape, self.dtype)
        if self.shape is None:
            self.shape, self.size = shape, len(added)
        elif self.size != len(added):
            raise invalid_argument(f"Expecting tensor size: {self.size} but got: {len(added)}")
        elif self.shape != shape:
            raise invalid_argument(f"Expecting shape {_bracketed(self.shape)} but got: {_bracketed(shape)}")
        self.values.extend(added)

    def add_together(self, items: list[Any]) -> bool:
        """Many rows at once, which is much quicker; False if they do not fit, and then one by one will say why."""
        rows = _Column(self.dtype)
        try:
            rows.add(items)
        except StatusError:
            return False
        _, *shape = rows.shape or ()
        if self.shape is None:
            self.shape, self.size = tuple(shape), rows.size // len(items)
        elif self.shape != tuple(shape):
            return False
        self.values.extend(rows.values)
        return True

    def tensor(self, *batch: int) -> Proto:
        tensor = tensor_pb2.TensorProto(dtype=self.dtype)
        for size in (*batch, *(self.shape or ())):
            tensor.tensor_shape.dim.add(size=size)
        if self.values:
            getattr(tensor, jsonvalues.field_of(self.dtype) or "").extend(self.values)
        return tensor


def _bracketed(shape: tuple[int, ...]) -> str:
    return f"[{','.join(map(str, shape))}]"


def _from_rows(rows: list[Any], dtypes: Mapping[str, int]) -> dict[str, Proto]:
    if not isinstance(rows[0], Members) and len(dtypes) > 1:
        raise invalid_argument(
            "instances is a plain list, but expecting list of objects as multiple input tensors required as per "
            "tensorinfo_map"
        )
    if _is_object(rows[0]):
        columns = {alias: _Column(dtype) for alias, dtype in dtypes.items()}
        for number, row in enumerate(rows):
            _add_named_row(number, row, columns)
        return {alias: column.tensor(len(rows)) for alias, column in columns.items()}
    alias, dtype = next(iter(dtypes.items()))
    return {alias: _from_plain_rows(rows, dtype)}


def _from_plain_rows(rows: list[Any], dtype: int) -> Proto:
    column = _Column(dtype)
    for first in range(0, len(rows), _TOGETHER):
        some = rows[first : first + _TOGETHER]
        if not column.add_together(some):
            for number, row in enumerate(some, first):
                _add_plain_row(number, row, column)
    return column.tensor(len(rows))


def _add_named_row(number: int, row: Any, columns: Mapping[str, _Column]) -> None:
    if not _is_object(row):
        raise invalid_argument(f"Expecting object but got list at item {number} of input list")
    names = set()
    for key, item in row.pairs:
        name = key.partition("\0")[0]  # a C string
        names.add(name)
        try:
            if name not in columns:
                raise invalid_argument(f"JSON object: does not have named input: {name}")
            columns[name].add(item)
        except StatusError as error:
            where = f"Failed to process element: {number} key: {name} of 'instances' list."
            raise invalid_argument(f"{where} Error: {error.status}") from None
    if names != columns.keys():
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


def _from_columns(value: Any, dtypes: Mapping[str, int]) -> dict[str, Proto]:
    if not _is_object(value):
        if len(dtypes) > 1:
            raise invalid_argument(
                "inputs is a plain value/list, but expecting an object as multiple input tensors required as per "
                "tensorinfo_map"
            )
        alias, dtype = next(iter(dtypes.items()))
        return {alias: _column(value, dtype)}
    result = {}
    for alias, dtype in dtypes.items():
        item = value.find(alias)
        if item is MISSING:
            raise invalid_argument(f"Missing named input: {alias} in 'inputs' object.")
        result[alias] = _column(item, dtype)
    return result


def _column(value: Any, dtype: int) -> Proto:
    column = _Column(dtype)
    column.add(value)
    return column.tensor()


def _is_object(value: Any) -> bool:
    return isinstance(value, Members) and not jsonvalues.is_base64(value)
