"""TensorProto to NumPy and back, the way the C++ server does it, without TensorFlow.

Here: one table of element types and the two conversions. Used by predict and by the REST front. Reading follows
``Tensor::FromProto``: raw ``tensor_content`` must fit exactly; of typed values too few are filled up with the last one
(or with zeros) and too many are ignored. Writing uses the typed repeated fields (``float_val`` and so on), never
``tensor_content``, because that is what clients of the real server get.

Not here: resources, variants, quantised types (no client can send or get them) and JSON.
"""

import math
from dataclasses import dataclass
from typing import Any

import ml_dtypes
import numpy as np

from reconciler.wire.stubs import tensor_pb2, types_pb2

Array = np.ndarray[Any, np.dtype[Any]]
"""Any tensor value; strings are object arrays of bytes."""

Proto = Any  # generated messages carry no types


@dataclass(frozen=True, slots=True)
class ElementType:
    """One DataType: TensorFlow's word for it, its NumPy type, and the typed field that carries it."""

    name: str
    dtype: np.dtype[Any]
    field: str
    stored_as: np.dtype[Any]
    """What the field holds: bits for half floats, pairs of reals for complex numbers, else the value."""

    @property
    def is_string(self) -> bool:
        """Whether elements are bytes, which NumPy keeps as objects."""
        return self.dtype.hasobject


def _plain(name: str, dtype: Any, field: str) -> ElementType:
    return ElementType(name, np.dtype(dtype), field, np.dtype(dtype))


def _coded(name: str, dtype: Any, field: str, stored_as: Any) -> ElementType:
    return ElementType(name, np.dtype(dtype), field, np.dtype(stored_as))


ELEMENT_TYPES: dict[int, ElementType] = {
    types_pb2.DT_FLOAT: _plain("float", np.float32, "float_val"),
    types_pb2.DT_DOUBLE: _plain("double", np.float64, "double_val"),
    types_pb2.DT_INT32: _plain("int32", np.int32, "int_val"),
    types_pb2.DT_UINT8: _plain("uint8", np.uint8, "int_val"),
    types_pb2.DT_INT16: _plain("int16", np.int16, "int_val"),
    types_pb2.DT_INT8: _plain("int8", np.int8, "int_val"),
    types_pb2.DT_UINT16: _plain("uint16", np.uint16, "int_val"),
    types_pb2.DT_STRING: _plain("string", object, "string_val"),
    types_pb2.DT_INT64: _plain("int64", np.int64, "int64_val"),
    types_pb2.DT_BOOL: _plain("bool", np.bool_, "bool_val"),
    types_pb2.DT_UINT32: _plain("uint32", np.uint32, "uint32_val"),
    types_pb2.DT_UINT64: _plain("uint64", np.uint64, "uint64_val"),
    types_pb2.DT_HALF: _coded("half", np.float16, "half_val", np.uint16),
    types_pb2.DT_BFLOAT16: _coded("bfloat16", ml_dtypes.bfloat16, "half_val", np.uint16),
    types_pb2.DT_COMPLEX64: _coded("complex64", np.complex64, "scomplex_val", np.float32),
    types_pb2.DT_COMPLEX128: _coded("complex128", np.complex128, "dcomplex_val", np.float64),
}
_BY_DTYPE = {kind.dtype: number for number, kind in ELEMENT_TYPES.items()}


def type_name(number: int) -> str:
    """TensorFlow's name of a DataType, as its error texts spell it."""
    kind = ELEMENT_TYPES.get(number)
    return kind.name if kind else types_pb2.DataType.Name(number).removeprefix("DT_").lower()


def to_array(proto: Proto) -> Array:
    """The value of a TensorProto; ValueError where the C++ server could not parse it either."""
    kind = ELEMENT_TYPES.get(proto.dtype)
    if kind is None or proto.tensor_shape.unknown_rank:
        raise ValueError("element type or shape cannot be read")
    shape = tuple(int(dim.size) for dim in proto.tensor_shape.dim)
    if any(size < 0 for size in shape):
        raise ValueError("negative dimension")
    flat = _from_bytes(proto, kind) if proto.tensor_content else _from_values(proto, kind, math.prod(shape))
    return flat.reshape(shape)


def _from_bytes(proto: Proto, kind: ElementType) -> Array:
    if kind.is_string:
        raise ValueError("strings as raw content")
    return np.frombuffer(proto.tensor_content, dtype=kind.dtype)


def _from_values(proto: Proto, kind: ElementType, wanted: int) -> Array:
    stored = np.array(list(getattr(proto, kind.field)), dtype=_wide(kind))
    values = stored.astype(kind.stored_as).view(kind.dtype) if not kind.is_string else stored
    if len(values) == 0:
        return np.full(wanted, b"" if kind.is_string else 0, dtype=kind.dtype)
    return values if len(values) == wanted else _filled(values, wanted)


def _wide(kind: ElementType) -> Any:
    return np.int64 if kind.field in {"int_val", "half_val"} else kind.stored_as  # small integers wrap, as in C++


def _filled(values: Array, wanted: int) -> Array:
    result = np.empty(wanted, dtype=values.dtype)
    given = min(len(values), wanted)
    result[:given] = values[:given]
    result[given:] = values[-1]
    return result


def to_proto(array: Array) -> Proto:
    """A TensorProto with typed values."""
    number = _BY_DTYPE[array.dtype]
    kind = ELEMENT_TYPES[number]
    proto = tensor_pb2.TensorProto(dtype=number)
    for size in array.shape:
        proto.tensor_shape.dim.add(size=size)
    flat = np.ascontiguousarray(array).reshape(-1)
    stored = flat.view(kind.stored_as) if kind.stored_as != kind.dtype else flat
    getattr(proto, kind.field).extend(stored.tolist())
    return proto
