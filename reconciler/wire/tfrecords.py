"""How many records a TFRecord file holds, without reading them.

Used by `adapters/storage_exports.py` for warm-up requests, of which a server takes at most 1,000
(servables/tensorflow/saved_model_warmup_util.cc: more, or a record cut short, fails the load). Framing:
tensorflow/core/lib/io/record_writer.h: eight bytes of length, four of checksum, the data, four of checksum.

Deliberately not here: checksums, and what is in a record; only a server can tell whether it answers.
"""

import struct
from typing import BinaryIO

MAX_WARMUP = 1000
"""Warm-up requests that a load survives."""

_HEADER = struct.Struct("<QI")
_FOOTER = 4


def warmup_problem(stream: BinaryIO, size: int) -> str:
    """Why warm-up requests in a file of that many bytes would fail the load; "" where nothing is known against them."""
    at = 0
    for count in range(MAX_WARMUP + 1):
        if at == size:
            return ""
        stream.seek(at)
        header = stream.read(_HEADER.size)
        length = _HEADER.unpack(header)[0] if len(header) == _HEADER.size else size
        at += _HEADER.size + length + _FOOTER
        if at > size:
            return f"the file is cut short, or no TFRecord file, after {count} whole requests"
    return f"it holds more than the {MAX_WARMUP:,} requests that a server takes"
