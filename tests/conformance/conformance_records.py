"""Two file formats of TensorFlow, as far as the suite writes them: checkpoints with one variable, and TFRecord files.

Here: a variable's ``variables.index`` (a table of LevelDB's form, see tensorflow/core/lib/io/format.cc and
tensor_bundle.proto) with its data file, warm-up records, and the checksum both use. Used by ``conformance_standing``.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from typing import Any

from reconciler.wire import stubs

WARM_UP = "assets.extra/tf_serving_warmup_requests"
DATA = "variables/variables.data-00000-of-00001"
_TABLE_MAGIC = 0xDB4775248B80FB57
_FOOTER = 48


def checkpoint(name: str, value: float) -> dict[str, bytes]:
    """The files of a checkpoint whose one variable is a float."""
    data = struct.pack("<f", value)
    header = b"\x08\x01" + b"\x1a\x02\x08\x01"  # num_shards: 1, version { producer: 1 }
    entry = b"\x08\x01" + b"\x12\x00" + b"\x28\x04" + b"\x35" + struct.pack("<I", _masked(data))
    return {"variables/variables.index": _table([(b"", header), (name.encode(), entry)]), DATA: data}


def _table(rows: list[tuple[bytes, bytes]]) -> bytes:
    content = _block(rows)
    handle = _handle(0, content)
    meta = _block([])
    meta_handle = _handle(len(content), meta)
    index = _block([(rows[-1][0], handle)])
    index_handle = _handle(len(content) + len(meta), index)
    footer = (meta_handle + index_handle).ljust(_FOOTER - 8, b"\0") + struct.pack("<Q", _TABLE_MAGIC)
    return content + meta + index + footer


def _handle(offset: int, block: bytes) -> bytes:
    return _varint(offset) + _varint(len(block) - 5)  # without kind and checksum


def _block(rows: list[tuple[bytes, bytes]]) -> bytes:
    """Rows in full, one restart point, kind 0 (not compressed), checksum."""
    body = b"".join(_varint(0) + _varint(len(key)) + _varint(len(value)) + key + value for key, value in rows)
    body += struct.pack("<II", 0, 1) + b"\0"
    return body + struct.pack("<I", _masked(body))


def _varint(value: int) -> bytes:
    result = b""
    while value >= 0x80:
        result += bytes([value & 0x7F | 0x80])
        value >>= 7
    return result + bytes([value])


def records(contents: Iterable[bytes]) -> bytes:
    """A TFRecord file."""
    return b"".join(_record(content) for content in contents)


def _record(content: bytes) -> bytes:
    length = struct.pack("<Q", len(content))
    checks = [struct.pack("<I", _masked(part)) for part in (length, content)]
    return length + checks[0] + content + checks[1]


def predict_log(request: Any) -> bytes:
    """A warm-up record that replays a Predict."""
    log = stubs.prediction_log_pb2.PredictionLog()
    log.predict_log.request.CopyFrom(request)
    return bytes(log.SerializeToString())


def _masked(content: bytes) -> int:
    crc = 0xFFFFFFFF
    for byte in content:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ (0x82F63B78 if crc & 1 else 0)
    crc ^= 0xFFFFFFFF
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF
