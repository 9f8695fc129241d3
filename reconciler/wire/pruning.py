"""A large protobuf message → the few fields one wants of it, without reading the rest.

Used by `exports.py`: the graph in a `saved_model.pb` may be two gigabytes, the signatures beside it a few kilobytes.
Fields are copied as they stand and lengths written anew, so that the result is parsed by the generated classes and
means what it meant in the whole. Time and memory are bounded whatever the bytes are: what is skipped is not read, and
both the fields walked and the bytes kept have a limit. Wire format: protobuf's encoding page; groups are refused.

Deliberately not here: what the fields mean.
"""

from collections.abc import Mapping
from typing import BinaryIO, TypeAlias

Wanted: TypeAlias = "Mapping[int, Wanted | None]"
"""Field numbers to keep; None keeps a field whole, a mapping keeps only these fields of the message in it."""

MAX_FIELDS = 200_000
"""Fields walked over, of all levels; a large SavedModel has some thousands."""

MAX_KEPT = 8 << 20
"""Bytes kept in all."""

_WINDOW = 1 << 16
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5


class MalformedError(ValueError):
    """Bytes are not the message they should be, or too much of it; the text says which, as half a sentence."""


def pruned(stream: BinaryIO, size: int, wanted: Wanted) -> bytes:
    """The wanted part of the message that `stream` holds from its beginning, `size` bytes of it.

    Raises:
        MalformedError: the bytes are no protobuf message, or one that is cut short, or beyond the limits.
    """
    return _Walk(stream).message(size, wanted)


class _Walk:
    """One pass over one stream; `at` is the place of the next byte."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._window = b""
        self._begins = 0
        self._at = 0
        self._fields = 0
        self._kept = 0

    def message(self, end: int, wanted: Wanted) -> bytes:
        """The wanted fields of the message that ends at `end`."""
        found = bytearray()
        while self._at < end:
            self._fields += 1
            if self._fields > MAX_FIELDS:
                raise MalformedError(f"it has more than {MAX_FIELDS:,} fields")
            key = self._varint(end)
            if not 0 < key >> 3 < 1 << 29:
                raise MalformedError(f"there is no field {key >> 3}")
            found += self._field(key, end, wanted)
        return bytes(found)

    def _field(self, key: int, end: int, wanted: Wanted) -> bytes:
        """One field, as it shall be kept; empty where it is not wanted."""
        number, kind = key >> 3, key & 7
        keep = number in wanted
        inner = wanted.get(number)
        if kind == _VARINT:
            value = self._varint(end)
            return _varint(key) + _varint(value) if keep and inner is None else b""
        if kind not in (_FIXED64, _BYTES, _FIXED32):
            raise MalformedError(f"field {number} is of a kind {kind} that no message of today has")
        length = {_FIXED64: 8, _FIXED32: 4}.get(kind) or (self._varint(end) if kind == _BYTES else 0)
        if self._at + length > end:
            raise MalformedError("it is cut short")
        if not keep or (inner is not None and kind != _BYTES):
            self._at += length
            return b""
        content = self._take(length) if inner is None else self.message(self._at + length, inner)
        return _varint(key) + (_varint(len(content)) if kind == _BYTES else b"") + content

    def _take(self, length: int) -> bytes:
        self._kept += length
        if self._kept > MAX_KEPT:
            raise MalformedError(f"its signatures take more than {MAX_KEPT >> 20} MiB")
        self._stream.seek(self._at)
        content = self._stream.read(length)
        if len(content) != length:
            raise MalformedError("it became shorter while it was read")
        self._at += length
        return content

    def _varint(self, end: int) -> int:
        value = 0
        for shift in range(0, 70, 7):
            byte = self._byte(end)
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value & (1 << 64) - 1
        raise MalformedError("it holds a number of more than ten bytes")

    def _byte(self, end: int) -> int:
        if self._at >= end:
            raise MalformedError("it is cut short")
        offset = self._at - self._begins
        if not 0 <= offset < len(self._window):
            self._stream.seek(self._at)
            self._begins, self._window = self._at, self._stream.read(_WINDOW)
            offset = 0
            if not self._window:
                raise MalformedError("it became shorter while it was read")
        self._at += 1
        return self._window[offset]


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])
