"""The number fields of a TensorProto as NumPy arrays, without holding up the rest of the process.

Here: reading ``float_val`` and its like, and appending an array to such a field. Fields whose values all have the same
width on the wire go through the bytes of the message: 50 MB take milliseconds, where a Python object per number takes
seconds. The others (varints) are faster through protobuf's own objects, in pieces: a single long call would hold the
interpreter's lock, which the event loop of the server needs, from its first number to its last.

Called by ``tensors`` alone. Not here: what the numbers mean, and fields of bytes.
"""

import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np

from reconciler.wire.stubs import tensor_pb2

Numbers = np.ndarray[Any, np.dtype[Any]]
Proto = Any

_FIXED: dict[str, np.dtype[Any]] = {
    "float_val": np.dtype("<f4"),
    "double_val": np.dtype("<f8"),
    "scomplex_val": np.dtype("<f4"),
    "dcomplex_val": np.dtype("<f8"),
    "bool_val": np.dtype(np.bool_),  # a varint of one byte, 0 or 1, in whatever protobuf writes
}
_SIGNED: np.dtype[Any] = np.dtype(np.int64)
_UNSIGNED: dict[str, np.dtype[Any]] = {"uint64_val": np.dtype(np.uint64)}
_NUMBERS = {name: field.number for name, field in tensor_pb2.TensorProto.DESCRIPTOR.fields_by_name.items()}
_EIGHT_BYTES, _WITH_LENGTH = 1, 2
_FEW = 32  # up to here, asking the message for its values is faster than writing it out
_PIECE = 1 << 13


def read(proto: Proto, field: str) -> Numbers:
    """The numbers of a field: floats and truth values as they are, all else as 64-bit integers."""
    values = getattr(proto, field)
    dtype = _FIXED.get(field) or _UNSIGNED.get(field, _SIGNED)
    if len(values) <= _FEW:
        return np.array(list(values), dtype=dtype)
    if field in _FIXED:
        pieces = list(_contents(proto.SerializeToString(), _NUMBERS[field]))
        return np.frombuffer(pieces[0] if len(pieces) == 1 else b"".join(pieces), dtype=dtype)
    result, left = np.empty(len(values), dtype=dtype), iter(values)
    for start in range(0, len(result), _PIECE):
        piece = list(itertools.islice(left, _PIECE))
        result[start : start + len(piece)] = piece
    return result


def extend(proto: Proto, field: str, values: Numbers) -> None:
    """Append numbers to a field; integers of any width and sign, or the floats of that field."""
    if field not in _FIXED or len(values) <= _FEW:
        growing = getattr(proto, field)
        for start in range(0, len(values), _PIECE):
            growing.extend(values[start : start + _PIECE].tolist())
        return
    content = np.ascontiguousarray(values, dtype=_FIXED[field]).view(np.uint8).data
    tag = write_varint(_NUMBERS[field] << 3 | _WITH_LENGTH)
    proto.MergeFromString(b"".join([tag, write_varint(len(content)), content]))


def _contents(message: bytes, wanted: int) -> Iterator[memoryview]:
    """What every occurrence of a length-delimited field holds."""
    view, at = memoryview(message), 0
    while at < len(message):
        tag, at = read_varint(message, at)
        size = 0
        match tag & 7:
            case 0:
                _, at = read_varint(message, at)
            case 1 | 5 as kind:
                size = 8 if kind == _EIGHT_BYTES else 4
            case 2:
                size, at = read_varint(message, at)
                if tag >> 3 == wanted:
                    yield view[at : at + size]
            case _:
                raise ValueError("groups are not part of a tensor")
        at += size


def read_varint(message: bytes, at: int) -> tuple[int, int]:
    """One varint and where it ends; ValueError if the message ends before."""
    value = shift = 0
    while at < len(message):
        byte = message[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7
    raise ValueError("a varint is cut off")


def write_varint(value: int) -> bytes:
    """One varint: seven bits to a byte, the lowest first."""
    octets = bytearray()
    while value >= 0x80:
        octets.append(value & 0x7F | 0x80)
        value >>= 7
    octets.append(value)
    return bytes(octets)
