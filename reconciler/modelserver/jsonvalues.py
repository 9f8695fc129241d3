"""Single JSON values: their words in error texts, base64, and lists of them as the elements of a tensor.

Here: what ``util/json_tensor.cc`` does below the level of a request: ``JsonValueToString``, ``GetDenseTensorShape``,
``FillTensorProto`` and ``AddValueToTensor``. Used by restjson and restexamples. A value is what ``jsonscanner`` makes:
None, bool, int, float, str, list or Members. Lists are walked without recursion.

Half floats and 16-bit unsigned integers have no JSON form in TensorFlow Serving, neither in requests nor in answers.
"""

import base64
import binascii
import math
import re
from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from typing import Any

import numpy as np

from reconciler.modelserver import jsonwriter
from reconciler.modelserver.jsonscanner import MISSING, Members
from reconciler.modelserver.statuses import Code, StatusError, invalid_argument
from reconciler.modelserver.tensors import type_name
from reconciler.wire.stubs import types_pb2

_LARGEST_SINGLE = float(np.finfo(np.float32).max)
_LARGEST_DOUBLE = float(np.finfo(np.float64).max)
_FLOAT_LIMIT = 3.4028234e38  # up to here RapidJSON calls a number a float, and quotes it with a float's digits
_INTEGERS = {
    types_pb2.DT_INT32: (-(2**31), 2**31 - 1),
    types_pb2.DT_INT16: (-(2**31), 2**31 - 1),  # any 32-bit number is taken
    types_pb2.DT_INT8: (-(2**31), 2**31 - 1),
    types_pb2.DT_UINT8: (-(2**31), 2**31 - 1),
    types_pb2.DT_INT64: (-(2**63), 2**63 - 1),
    types_pb2.DT_UINT32: (0, 2**32 - 1),
    types_pb2.DT_UINT64: (0, 2**64 - 1),
}
_REALS = {
    types_pb2.DT_FLOAT: ("float", 2**24 - 1, _LARGEST_SINGLE),
    types_pb2.DT_DOUBLE: ("double", 2**53 - 1, _LARGEST_DOUBLE),
}
_FIELDS = {
    types_pb2.DT_FLOAT: "float_val",
    types_pb2.DT_DOUBLE: "double_val",
    types_pb2.DT_INT32: "int_val",
    types_pb2.DT_INT16: "int_val",
    types_pb2.DT_INT8: "int_val",
    types_pb2.DT_UINT8: "int_val",
    types_pb2.DT_STRING: "string_val",
    types_pb2.DT_INT64: "int64_val",
    types_pb2.DT_BOOL: "bool_val",
    types_pb2.DT_UINT32: "uint32_val",
    types_pb2.DT_UINT64: "uint64_val",
}
_PER_VALUE = 16  # characters, about, of indentation
_LONGEST_QUOTE = 2**24  # characters of a value inside an error text; the real server has no bound
_BASE64 = re.compile(r"([A-Za-z0-9+/]*)([=.]*)")
_SPACE = re.compile(r"[\t-\r ]")


# -- in error texts ---------------------------------------------------------------------------------------------------


def type_word(value: Any) -> str:
    """RapidJSON's word for the type of a value."""
    if isinstance(value, bool):
        return "True" if value else "False"
    words = {type(None): "Null", Members: "Object", list: "Array", str: "String", int: "Number", float: "Number"}
    return words[type(value)]


def shown(value: Any) -> str:
    """A value inside an error text, laid out over several lines. It ends before a NaN inside a list or an object.

    Of what would take many megabytes only the beginning is quoted.
    """
    if isinstance(value, float):
        single = abs(value) <= _FLOAT_LIMIT
        return jsonwriter.decimal(float(np.float32(value)) if single else value, single=single)
    writer = jsonwriter.PrettyWriter()
    quoted = 0
    open_ones: list[tuple[Iterator[Any], Callable[[], None]]] = [(iter([value]), lambda: None)]
    while open_ones and quoted < _LONGEST_QUOTE:
        contents, end = open_ones[-1]
        each = next(contents, MISSING)
        quoted += _PER_VALUE
        if each is MISSING:
            open_ones.pop()
            end()
        elif isinstance(each, list):
            writer.start_array()
            open_ones.append((iter(each), writer.end_array))
        elif isinstance(each, Members):
            writer.start_object()
            open_ones.append((chain.from_iterable(each.pairs), writer.end_object))
        else:
            written = _scalar(each)
            quoted += len(written)
            writer.raw(written)
            if isinstance(each, float) and not math.isfinite(each):
                break
    return writer.document()


def _scalar(value: Any) -> str:
    if isinstance(value, str):
        return jsonwriter.text(value[:_LONGEST_QUOTE])
    if isinstance(value, float):
        return jsonwriter.grisu(value)
    if value is None or isinstance(value, bool):
        return "null" if value is None else "true" if value else "false"
    return str(value)


def format_error(value: Any, problem: str) -> StatusError:
    """The refusal that quotes a value."""
    return invalid_argument(f"JSON Value: {shown(value)} {problem}")


def type_error(value: Any, dtype: int) -> StatusError:
    """The refusal of a value of the wrong type."""
    return invalid_argument(
        f"JSON Value: {shown(value)} Type: {type_word(value)} is not of expected type: {type_name(dtype)}"
    )


def lossy_error(value: Any, target: str) -> StatusError:
    """The refusal of a number that ``target`` cannot hold."""
    return invalid_argument(f"Cannot convert JSON value: {shown(value)} to {target} without loss of precision.")


# -- base64 -----------------------------------------------------------------------------------------------------------


def is_base64(value: Any) -> bool:
    """Whether a value is ``{"b64": "..."}``, the way to write bytes."""
    return isinstance(value, Members) and len(value.pairs) == 1 and isinstance(value.find("b64"), str)


def decoded(value: Any) -> bytes:
    """The bytes of such an object."""
    if not is_base64(value):
        raise format_error(value, "not formatted correctly for base64 data")
    content = unescape(value.find("b64"))
    if content is None:
        raise invalid_argument("Unable to base64 decode")
    return content


def unescape(text: str) -> bytes | None:
    """Base64 as ``absl::Base64Unescape`` takes it: with spaces, padded by ``=`` or ``.``, or not padded at all."""
    split = _BASE64.fullmatch(_SPACE.sub("", text))
    if split is None:
        return None
    data, padding = split.groups()
    missing = -len(data) % 4
    if missing == 3 or len(padding) not in (0, missing):
        return None
    try:
        return base64.b64decode(data + "=" * missing)
    except binascii.Error:
        return None


def escape(content: bytes) -> str:
    """Bytes as base64, padded."""
    return base64.b64encode(content).decode()


# -- tensors ----------------------------------------------------------------------------------------------------------


def field_of(dtype: int) -> str | None:
    """The field of a TensorProto that takes elements from JSON; None for types that have no JSON form."""
    return _FIELDS.get(dtype)


def shape_of(value: Any) -> tuple[int, ...]:
    """The shape of a dense tensor, judged by the first element of each level."""
    shape = []
    while isinstance(value, list):
        shape.append(len(value))
        if not value:
            break
        value = value[0]
    return tuple(shape)


def elements(value: Any, shape: Sequence[int], dtype: int) -> list[Any]:
    """The elements of a value that must have this shape and type throughout."""
    leaves = _flat([value], shape)
    if leaves is not None:
        found = _all_of_type(leaves, dtype)
        if found is not None:
            return found
    return _one_by_one(value, shape, dtype)


def _flat(values: list[Any], shape: Sequence[int]) -> list[Any] | None:
    """All leaves, level by level; None if the nesting does not fit the shape."""
    for size in shape:
        if not (set(map(type, values)) <= {list} and set(map(len, values)) <= {size}):
            return None
        values = [inner for value in values for inner in value]
    return None if list in set(map(type, values)) else values


def _all_of_type(leaves: list[Any], dtype: int) -> list[Any] | None:
    """The elements if every leaf is of the plainest JSON type for that dtype and fits; None if one needs a look."""
    kinds = set(map(type, leaves))
    if not kinds:
        return []
    if dtype in _REALS and kinds <= {float, int}:
        _, largest_integer, largest = _REALS[dtype]
        if kinds == {float}:
            sizes = np.abs(np.array(leaves, np.float64))
            return leaves if bool(np.all(~(sizes > largest) | np.isinf(sizes))) else None
        fits = all(abs(leaf) <= largest_integer for leaf in leaves)
        return [float(leaf) for leaf in leaves] if fits else None
    if dtype in _INTEGERS and kinds == {int}:
        low, high = _INTEGERS[dtype]
        return leaves if low <= min(leaves) and max(leaves) <= high else None
    if dtype == types_pb2.DT_STRING and kinds == {str}:
        return [leaf.encode("utf-8", "surrogateescape") for leaf in leaves]
    return leaves if dtype == types_pb2.DT_BOOL and kinds == {bool} else None


def _one_by_one(value: Any, shape: Sequence[int], dtype: int) -> list[Any]:
    """The elements in order, up to the first that cannot be taken."""
    result = []
    waiting = [(value, 0)]
    while waiting:
        each, level = waiting.pop()
        if isinstance(each, list):
            _check_list(each, level, shape)
            waiting += [(inner, level + 1) for inner in reversed(each)]
        elif level != len(shape):
            raise invalid_argument(
                f"JSON Value: {shown(each)} found at incorrect level: {level + 1} in the JSON DOM. "
                f"Expected at level: {len(shape)}"
            )
        else:
            result.append(_element(each, dtype))
    return result


def _check_list(value: list[Any], level: int, shape: Sequence[int]) -> None:
    if level >= len(shape):
        raise invalid_argument(f"Encountered list at unexpected level: {level} expected < {len(shape)}")
    if len(value) != shape[level]:
        raise invalid_argument(
            f"Encountered list at unexpected size: {len(value)} at level: {level} expected size: {shape[level]}"
        )


def _element(value: Any, dtype: int) -> Any:
    if isinstance(value, Members):
        if dtype == types_pb2.DT_STRING:
            return decoded(value)
        raise type_error(value, dtype)
    if dtype == types_pb2.DT_STRING and isinstance(value, str):
        return value.encode("utf-8", "surrogateescape")
    if dtype == types_pb2.DT_BOOL and isinstance(value, bool):
        return value
    if field_of(dtype) is None:
        raise StatusError(Code.UNIMPLEMENTED, f"Conversion of JSON Value: {shown(value)} to type: {type_name(dtype)}")
    if dtype in _INTEGERS and type(value) is int and _INTEGERS[dtype][0] <= value <= _INTEGERS[dtype][1]:
        return value
    if dtype in _REALS and type(value) in (int, float):
        return real(value, dtype)
    raise type_error(value, dtype)


def real(value: float, dtype: int) -> float:
    """A number as a float or a double; whole numbers only as far as the type counts in ones."""
    target, largest_integer, largest = _REALS[dtype]
    fits = abs(value) <= largest_integer if isinstance(value, int) else not largest < abs(value) < math.inf
    if not fits:
        raise lossy_error(value, target)
    return float(value)
