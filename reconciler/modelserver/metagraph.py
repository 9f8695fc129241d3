"""The signatures of a MetaGraphDef, without parsing its graph.

Here: a walk over the outermost fields of the serialised message that keeps the signatures and skips the graph, which
may be hundreds of megabytes. Used once per load. Not here: the loading (savedmodel).
"""

import ctypes
from collections.abc import Iterator
from typing import Any

from reconciler.modelserver.capi import Buffer
from reconciler.wire.stubs import meta_graph_pb2

_SIGNATURES = 5  # MetaGraphDef.signature_def; every field of a MetaGraphDef is a message or a map, so length-delimited


def signatures_in(meta_graph: Buffer) -> dict[str, Any]:
    """Signatures by name."""
    view = memoryview((ctypes.c_char * meta_graph.length).from_address(meta_graph.data)).cast("B")
    kept = b"".join(bytes(field) for number, field in _fields(view) if number == _SIGNATURES)
    return dict(meta_graph_pb2.MetaGraphDef.FromString(kept).signature_def)


def _fields(view: memoryview) -> Iterator[tuple[int, memoryview]]:
    """Number and bytes, tag included, of each outermost field."""
    at = 0
    while at < len(view):
        tag, after_tag = _varint(view, at)
        length, content = _varint(view, after_tag)
        yield tag >> 3, view[at : content + length]
        at = content + length


def _varint(view: memoryview, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = view[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at
