"""Single JSON values and tensor elements: shapes, types, base64, and how numbers are written.

Here: what ``util/json_tensor.cc`` does below the level of a request. Used by ``restjson`` only. Not here: rows, columns
and names.
"""

import base64
import binascii
import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from reconciler.modelserver.statuses import Code, StatusError, invalid_argument
from reconciler.modelserver.tensors import ELEMENT_TYPES, Array, Proto, to_array, to_proto, type_name
from reconciler.wire.stubs import types_pb2

_JSON_TYPES = {type(None): "Null", dict: "Object", list: "Array", str: "String", int: "Number", float: "Number"}
_INTEGERS = {
    types_pb2.DT_INT32: (-(2**31), 2**31 - 1),
    types_pb2.DT_INT16: (-(2**31), 2**31 - 1),  # any 32-bit number is taken, as in the real server
    types_pb2.DT_INT8: (-(2**31), 2**31 - 1),
    types_pb2.DT_UINT8: (-(2**31), 2**31 - 1),
    types_pb2.DT_INT64: (-(2**63), 2**63 - 1),
    types_pb2.DT_UINT32: (0, 2**32 - 1),
    types_pb2.DT_UINT64: (0, 2**64 - 1),
}
_DECIMALS = {
    types_pb2.DT_FLOAT: ("float", 2**24 - 1, float(np.finfo(np.float32).max)),
    types_pb2.DT_HALF: ("half", 2**24 - 1, float(np.finfo(np.float32).max)),
    types_pb2.DT_BFLOAT16: ("bfloat16", 2**24 - 1, float(np.finfo(np.float32).max)),
    types_pb2.DT_DOUBLE: ("double", 2**53 - 1, float(np.finfo(np.float64).max)),
}
_WRITTEN_AS_DECIMALS = {"float", "double", "half", "bfloat16"}
_WRITTEN_AS_INTEGERS = {"int32", "int16", "int8", "uint8", "int64", "uint32", "uint64"}


def shown(value: Any) -> str:
    """A JSON value inside an error text."""
    return _decimal(np.float64(value)) if isinstance(value, float) else json.dumps(value, indent=4)


def format_error(value: Any, problem: str) -> StatusError:
    """The refusal that quotes a value."""
    return invalid_argument(f"JSON Value: {shown(value)} {problem}")


def is_base64(value: Any) -> bool:
    """Whether a value is ``{"b64": "..."}``, the way to write bytes."""
    return isinstance(value, dict) and value.keys() == {"b64"} and isinstance(value["b64"], str)


def shape_of(value: Any) -> tuple[int, ...]:
    """The shape of a dense tensor, judged by the first element of each level."""
    shape = []
    while isinstance(value, list):
        shape.append(len(value))
        if not value:
            break
        value = value[0]
    return tuple(shape)


def flatten(value: Any, shape: tuple[int, ...], dtype: int, level: int = 0) -> list[Any]:
    """The elements of a value that must have this shape and type throughout."""
    if not isinstance(value, list):
        if level != len(shape):
            raise invalid_argument(
                f"JSON Value: {shown(value)} found at incorrect level: {level + 1} in the JSON DOM. "
                f"Expected at level: {len(shape)}"
            )
        return [_element(value, dtype)]
    if level >= len(shape):
        raise invalid_argument(f"Encountered list at unexpected level: {level} expected < {len(shape)}")
    if len(value) != shape[level]:
        raise invalid_argument(
            f"Encountered list at unexpected size: {len(value)} at level: {level} expected size: {shape[level]}"
        )
    return [element for item in value for element in flatten(item, shape, dtype, level + 1)]


def _element(value: Any, dtype: int) -> Any:
    if dtype == types_pb2.DT_STRING:
        return _bytes(value)
    plain = not isinstance(value, bool)
    if dtype == types_pb2.DT_BOOL and not plain:
        return value
    if dtype in _INTEGERS and plain and isinstance(value, int):
        low, high = _INTEGERS[dtype]
        if low <= value <= high:
            return value
    if dtype in _DECIMALS and plain and isinstance(value, int | float):
        return _lossless(value, dtype)
    if dtype not in _INTEGERS and dtype not in _DECIMALS and dtype != types_pb2.DT_BOOL:
        raise StatusError(Code.UNIMPLEMENTED, f"Conversion of JSON Value: {shown(value)} to type: {type_name(dtype)}")
    raise _type_error(value, dtype)


def _type_error(value: Any, dtype: int) -> StatusError:
    kind = str(value) if isinstance(value, bool) else _JSON_TYPES[type(value)]
    return invalid_argument(f"JSON Value: {shown(value)} Type: {kind} is not of expected type: {type_name(dtype)}")


def _lossless(value: float, dtype: int) -> float:
    target, largest_integer, largest = _DECIMALS[dtype]
    if isinstance(value, int):
        fits = abs(value) <= largest_integer
    else:
        fits = not math.isfinite(value) or abs(value) <= largest
    if not fits:
        raise invalid_argument(f"Cannot convert JSON value: {shown(value)} to {target} without loss of precision.")
    return float(value)


def _bytes(value: Any) -> bytes:
    if isinstance(value, str):
        return value.encode("utf-8", "surrogateescape")
    if not isinstance(value, dict):
        raise _type_error(value, types_pb2.DT_STRING)
    if not is_base64(value):
        raise format_error(value, "not formatted correctly for base64 data")
    text = value["b64"]
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise invalid_argument("Unable to base64 decode") from None


def fill(tensor: Proto, values: list[Any]) -> None:
    """Put elements into the typed field of a tensor whose type and shape are set."""
    kind = ELEMENT_TYPES.get(tensor.dtype)
    if kind is None or not values:
        return
    if kind.field == "half_val":
        tensor.half_val.extend(to_proto(np.array(values, dtype=kind.dtype)).half_val)
    else:
        getattr(tensor, kind.field).extend(values)


@dataclass(frozen=True, slots=True)
class Texts:
    """A tensor whose elements are texts, to be written as nested lists."""

    array: Array

    def whole(self) -> str:
        """The tensor."""
        return _nested(self.array)

    def row(self, number: int) -> str:
        """One entry of its first dimension."""
        return _nested(np.asarray(self.array[number], dtype=object))


def _nested(array: Array) -> str:
    if array.ndim == 0:
        return str(array.item())
    return "[" + ", ".join(_nested(np.asarray(part, dtype=object)) for part in array) + "]"


def texts(alias: str, tensor: Proto) -> Texts:
    """The elements of an output, as JSON writes them."""
    array = to_array(tensor)
    write = _writer(alias, tensor.dtype)
    written = np.empty(array.size, dtype=object)
    written[:] = [write(element) for element in array.reshape(-1)]
    return Texts(written.reshape(array.shape))


def _writer(alias: str, dtype: int) -> Callable[[Any], str]:
    name = type_name(dtype)
    if name in _WRITTEN_AS_DECIMALS:
        return _decimal
    if name in _WRITTEN_AS_INTEGERS:
        return str
    if name == "bool":
        return lambda element: "true" if element else "false"
    if name == "string":
        return _as_base64 if alias.endswith("_bytes") else _as_text
    raise invalid_argument(f"Failed to write JSON value for tensor type: {name}")


def _as_base64(element: bytes) -> str:
    return '{"b64": "' + base64.b64encode(element).decode() + '"}'


def _as_text(element: bytes) -> str:
    return json.dumps(element.decode("utf-8", "surrogateescape"), ensure_ascii=False)


def _decimal(element: Any) -> str:
    """Six digits if they say it all, else as many as the type needs; always recognisable as a decimal."""
    number = element if isinstance(element, np.float64) else np.float32(element)
    if math.isnan(number):
        return "NaN"
    if math.isinf(number):
        return "Infinity" if number > 0 else "-Infinity"
    text = f"{number:.6g}"
    if type(number)(text) != number:
        text = f"{number:.{17 if isinstance(number, np.float64) else 9}g}"
    return text if "." in text or "e" in text else f"{text}.0"
