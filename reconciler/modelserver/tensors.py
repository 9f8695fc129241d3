"""TensorProto to NumPy and back, the way the C++ server does it, without TensorFlow.

Here: one table of element types and the two conversions. Used by all inference calls and by the REST front. Reading
follows ``Tensor::FromProto`` (tensorflow/core/framework/tensor.cc): raw ``tensor_content`` must fit exactly and wins
over typed values; of typed values too few are filled up with the last one (or with zeros) and too many are ignored; an
unknown rank is not looked at; element types it does not know are refused even when there are no elements. Writing uses
the typed repeated fields (``float_val`` and so on), because that is what clients of the real server get, or
``tensor_content`` for those who asked for it.

Two limits are ours. NumPy ends at 64 dimensions where C++ ends at 254. And C++ believes a shape as long as the memory
lasts, so that one value with the shape [2^33] takes 32 GB; here a tensor that is mostly fill must stay below 2 GiB.

Not here: JSON, and resources and variants as values: they are recognised and then refused (``NotAnArrayError``).
"""

from dataclasses import dataclass
from typing import Any

import ml_dtypes
import numpy as np

from reconciler.modelserver import packedfields
from reconciler.wire.stubs import tensor_pb2, types_pb2

Array = np.ndarray[Any, np.dtype[Any]]
"""Any tensor value; strings are object arrays of bytes."""

Proto = Any  # generated messages carry no types

_MOST_DIMENSIONS = 64
_MOST_FILL = 2**31  # bytes
_MOST_ELEMENTS = 2**63 - 1


class NotAnArrayError(ValueError):
    """A resource or a variant: C++ can parse it, but no graph a client can reach takes it."""

    def __init__(self, kind: str) -> None:
        super().__init__(kind)
        self.kind = kind


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

    @property
    def is_partial(self) -> bool:
        """Whether an element has fewer bits than the byte it is kept in."""
        return self.name in {"int4", "uint4", "int2", "uint2"}


def _plain(name: str, dtype: Any, field: str) -> ElementType:
    return ElementType(name, np.dtype(dtype), field, np.dtype(dtype))


def _coded(name: str, dtype: Any, field: str, stored_as: Any) -> ElementType:
    return ElementType(name, np.dtype(dtype), field, np.dtype(stored_as))


def _quantised(name: str, stored_as: Any) -> ElementType:
    return _coded(name, [(name, stored_as)], "int_val", stored_as)  # the structure TensorFlow's Python knows them by


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
    types_pb2.DT_QINT8: _quantised("qint8", np.int8),
    types_pb2.DT_QUINT8: _quantised("quint8", np.uint8),
    types_pb2.DT_QINT16: _quantised("qint16", np.int16),
    types_pb2.DT_QUINT16: _quantised("quint16", np.uint16),
    types_pb2.DT_QINT32: _quantised("qint32", np.int32),
}
_YOUNGER = {  # those that installed releases of TensorFlow and ml_dtypes may lack
    "FLOAT8_E5M2": "float8_val",
    "FLOAT8_E4M3FN": "float8_val",
    "FLOAT8_E4M3FNUZ": "float8_val",
    "FLOAT8_E4M3B11FNUZ": "float8_val",
    "FLOAT8_E5M2FNUZ": "float8_val",
    "INT4": "int_val",
    "UINT4": "int_val",
}
for _name, _field in _YOUNGER.items():
    _number, _dtype = getattr(types_pb2, f"DT_{_name}", None), getattr(ml_dtypes, _name.lower(), None)
    if _number is not None and _dtype is not None:
        ELEMENT_TYPES[_number] = _plain(_name.lower(), _dtype, _field)

_HANDLES = {types_pb2.DT_RESOURCE: "resource", types_pb2.DT_VARIANT: "variant"}
_BY_DTYPE = {kind.dtype: number for number, kind in ELEMENT_TYPES.items()}


def type_name(number: int) -> str:
    """TensorFlow's name of a DataType, as its error texts spell it."""
    kind = ELEMENT_TYPES.get(number)
    if kind is not None:
        return kind.name
    if number not in types_pb2.DataType.values():
        return f"unknown dtype enum ({number})"
    return str(types_pb2.DataType.Name(number)).removeprefix("DT_").lower()


def element_type_name(array: Array) -> str:
    """The element type of an array as error texts spell it: ``float``."""
    return ELEMENT_TYPES[_BY_DTYPE[array.dtype]].name


def enum_name(array: Array) -> str:
    """The DataType of an array as its enumeration spells it: ``DT_FLOAT``."""
    return str(types_pb2.DataType.Name(_BY_DTYPE[array.dtype]))


def to_array(proto: Proto) -> Array:
    """The value of a TensorProto; ValueError where the C++ server could not parse it either.

    Raises NotAnArrayError for resources and variants, whose shape is then in order.
    """
    shape, wanted = _shape(proto)
    if proto.dtype in _HANDLES:
        raise NotAnArrayError(_HANDLES[proto.dtype])
    kind = ELEMENT_TYPES.get(proto.dtype)
    if kind is None:
        raise ValueError("element type cannot be read")
    if len(shape) > _MOST_DIMENSIONS:
        raise ValueError("too many dimensions")
    if wanted == 0:
        return np.empty(shape, dtype=kind.dtype)
    return (_from_content if proto.tensor_content else _from_values)(proto, kind, wanted).reshape(shape)


def _shape(proto: Proto) -> tuple[tuple[int, ...], int]:
    """Sizes and number of elements, with the checks of ``TensorShape::IsValid``."""
    shape = tuple(int(dim.size) for dim in proto.tensor_shape.dim)
    if len(shape) > 254 or any(size < 0 for size in shape):
        raise ValueError("negative dimension, or too many of them")
    elements = 1
    for size in shape:
        elements *= size
        if elements > _MOST_ELEMENTS:
            raise ValueError("too many elements")
    return shape, elements


def _from_content(proto: Proto, kind: ElementType, wanted: int) -> Array:
    if kind.is_string:
        return _strings(proto.tensor_content, wanted)
    if len(proto.tensor_content) != wanted * kind.dtype.itemsize:
        raise ValueError("raw content does not fit the shape")
    if kind.dtype == np.bool_:
        if max(proto.tensor_content) > 1:
            raise ValueError("raw content holds what is neither true nor false")
    elif kind.is_partial:
        return np.frombuffer(proto.tensor_content, dtype=np.int8).astype(kind.dtype)
    return np.frombuffer(proto.tensor_content, dtype=kind.dtype)


def _strings(content: bytes, wanted: int) -> Array:
    """Strings as ``port::DecodeStringList`` reads them: all lengths, then all bytes, and nothing left over."""
    if wanted > len(content):
        raise ValueError("raw content is shorter than its list of lengths")
    lengths, at = [], 0
    for _ in range(wanted):
        length, at = packedfields.read_varint(content, at)
        lengths.append(length)
    if at + sum(lengths) != len(content):
        raise ValueError("raw content does not fit its lengths")
    result = np.empty(wanted, dtype=object)
    for number, length in enumerate(lengths):
        result[number] = content[at : at + length]
        at += length
    return result


def _from_values(proto: Proto, kind: ElementType, wanted: int) -> Array:
    values = _given(proto, kind)
    if len(values) < wanted:
        return _filled(values, wanted, kind)
    return values[:wanted]


def _given(proto: Proto, kind: ElementType) -> Array:
    if kind.is_string:
        result = np.empty(len(proto.string_val), dtype=object)
        result[:] = list(proto.string_val)
        return result
    if kind.field == "float8_val":
        return np.frombuffer(proto.float8_val, dtype=kind.dtype)
    stored = packedfields.read(proto, kind.field).astype(kind.stored_as if not kind.is_partial else np.int8, copy=False)
    if kind.is_partial or kind.stored_as == kind.dtype:
        return stored.astype(kind.dtype, copy=False)  # small integers wrap, as in C++
    whole = len(stored) * kind.stored_as.itemsize // kind.dtype.itemsize
    return stored[: whole * kind.dtype.itemsize // kind.stored_as.itemsize].view(kind.dtype)


def _filled(values: Array, wanted: int, kind: ElementType) -> Array:
    if wanted * kind.dtype.itemsize > _MOST_FILL:
        raise ValueError("more memory than a message may ask for")
    if len(values) == 0:
        return np.full(wanted, b"", dtype=object) if kind.is_string else np.zeros(wanted, dtype=kind.dtype)
    result = np.empty(wanted, dtype=kind.dtype)
    result[: len(values)] = values
    result[len(values) :] = values[-1]
    return result


def to_proto(array: Array, *, as_content: bool = False) -> Proto:
    """A TensorProto with typed values, or with its bytes as ``tensor_content``."""
    proto = tensor_pb2.TensorProto()
    fill(proto, array, as_content=as_content)
    return proto


def fill(proto: Proto, array: Array, *, as_content: bool = False) -> None:
    """Make an empty TensorProto say what ``to_proto`` would; one inside another message spares a copy."""
    proto.dtype = number = _BY_DTYPE[array.dtype]
    kind = ELEMENT_TYPES[number]
    for size in array.shape:
        proto.tensor_shape.dim.add(size=size)
    flat = np.ascontiguousarray(array).reshape(-1)
    if as_content:
        proto.tensor_content = _content(flat, kind)
    elif kind.is_string:
        proto.string_val.extend(flat.tolist())
    elif kind.field == "float8_val":
        proto.float8_val = flat.tobytes()
    elif kind.is_partial:
        packedfields.extend(proto, kind.field, flat.astype(np.int8))
    else:
        packedfields.extend(proto, kind.field, flat.view(kind.stored_as) if kind.stored_as != kind.dtype else flat)


def _content(flat: Array, kind: ElementType) -> bytes:
    if not kind.is_string:
        return flat.tobytes()
    strings = flat.tolist()
    return b"".join([*(packedfields.write_varint(len(each)) for each in strings), *strings])
