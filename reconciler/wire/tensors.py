"""Tensor values ↔ TensorProto, with the standard library alone: no TensorFlow, no NumPy in the control plane.

Called by the serving adapter. Writing uses the typed fields, as every client does. Reading takes what a server may
give: typed fields (one value may stand for the rest of its tensor) or raw content. Source: tensorflow/core/framework/
tensor.proto and tensor.cc (Tensor::FromProto). What JSON could not say either (complex numbers, resources, floats of 4
and 8 bits) is refused.
"""

import math
import struct
from typing import Any

from reconciler.state.inference import Element, Tensor
from reconciler.wire.comparing import bfloat16_bits
from reconciler.wire.predictjson import MAX_ELEMENTS
from reconciler.wire.stubs import tensor_pb2, types_pb2

_FIELDS = {
    "float": "float_val",
    "double": "double_val",
    "half": "half_val",
    "bfloat16": "half_val",
    "int8": "int_val",
    "int16": "int_val",
    "int32": "int_val",
    "uint8": "int_val",
    "uint16": "int_val",
    "int64": "int64_val",
    "uint32": "uint32_val",
    "uint64": "uint64_val",
    "bool": "bool_val",
    "string": "string_val",
}
_FORMATS = dict(
    zip(
        ("float", "double", "half", "bfloat16", "bool", "int8", "int16", "int32", "int64"),
        ("f", "d", "e", "H", "?", "b", "h", "i", "q"),
        strict=True,
    )
) | {"uint8": "B", "uint16": "H", "uint32": "I", "uint64": "Q"}
"""How raw content holds an element (little endian), in the letters of `struct`."""


class UnreadableTensor(ValueError):
    """A server's tensor cannot be turned into values; the message is half a sentence."""


def to_proto(tensor: Tensor) -> Any:
    """The message that carries a tensor."""
    message = tensor_pb2.TensorProto(dtype=types_pb2.DataType.Value(f"DT_{tensor.dtype.upper()}"))
    message.tensor_shape.SetInParent()
    for size in tensor.shape:
        message.tensor_shape.dim.add(size=size)
    values: Any = tensor.values
    if tensor.dtype == "half":
        values = struct.unpack(f"<{len(values)}H", struct.pack(f"<{len(values)}e", *values))
    elif tensor.dtype == "bfloat16":
        values = map(bfloat16_bits, values)
    getattr(message, _FIELDS[tensor.dtype]).extend(values)
    return message


def from_proto(message: Any) -> Tensor:
    """The tensor that a message carries. Raises UnreadableTensor."""
    dtype = _dtype(message.dtype)
    shape = tuple(int(dim.size) for dim in message.tensor_shape.dim)
    if message.tensor_shape.unknown_rank or any(size < 0 for size in shape):
        raise UnreadableTensor("its shape is not known")
    count = math.prod(shape)
    if count > MAX_ELEMENTS:
        raise UnreadableTensor(f"it has {count:,} values, more than the {MAX_ELEMENTS:,} that are compared")
    if dtype not in _FIELDS:
        raise UnreadableTensor(f"it is {dtype}, which is not compared")
    values = _raw(message.tensor_content, dtype, count) if message.tensor_content else _typed(message, dtype)
    return Tensor(dtype, shape, _filled(values, count, dtype))


def _dtype(number: int) -> str:
    known = types_pb2.DataType.DESCRIPTOR.values_by_number.get(number)
    return known.name.removeprefix("DT_").lower() if known else f"of type {number}"


def _typed(message: Any, dtype: str) -> tuple[Element, ...]:
    values = tuple(getattr(message, _FIELDS[dtype]))
    if dtype == "half":
        return struct.unpack(f"<{len(values)}e", struct.pack(f"<{len(values)}H", *(each & 0xFFFF for each in values)))
    return tuple(map(_widened, values)) if dtype == "bfloat16" else values


def _widened(bits: int) -> float:
    return float(struct.unpack("<f", struct.pack("<I", (bits & 0xFFFF) << 16))[0])


def _raw(content: bytes, dtype: str, count: int) -> tuple[Element, ...]:
    if dtype == "string":
        return _strings(content, count)
    try:
        values = struct.unpack(f"<{count}{_FORMATS[dtype]}", content)
    except struct.error as error:
        raise UnreadableTensor("its raw content does not fit its shape") from error
    return tuple(map(_widened, values)) if dtype == "bfloat16" else values


def _strings(content: bytes, count: int) -> tuple[Element, ...]:
    """All lengths as varints, then all bytes (core/lib/core/coding, EncodeStringList)."""
    lengths: list[int] = []
    at = value = shift = 0
    while len(lengths) < count and at < len(content):
        byte = content[at]
        at += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if shift > 70:
            raise UnreadableTensor("its raw content has a length that is none")
        if byte < 0x80:
            lengths.append(value)
            value = shift = 0
    if len(lengths) != count or at + sum(lengths) != len(content):
        raise UnreadableTensor("its raw content does not fit its lengths")
    found: list[Element] = []
    for length in lengths:
        found.append(content[at : at + length])
        at += length
    return tuple(found)


def _filled(values: tuple[Element, ...], count: int, dtype: str) -> tuple[Element, ...]:
    """Of too few values the last stands for the rest (none: zero), of too many the first count."""
    if len(values) >= count:
        return values[:count]
    nothing: Element = b"" if dtype == "string" else False if dtype == "bool" else 0
    return values + (values[-1] if values else nothing,) * (count - len(values))
