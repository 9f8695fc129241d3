"""What the server needs to know of a MetaGraphDef: its signatures, and whether its graph is a simple one.

Here: a walk over the outermost fields of the serialised message that keeps the signatures and skips the graph, which
may be hundreds of megabytes; only a small one is parsed, to look at its operations. Used once per load. Not here: the
loading (savedmodel).
"""

import ctypes
from collections.abc import Iterator
from typing import Any

from reconciler.modelserver.capi import Buffer
from reconciler.wire.stubs import meta_graph_pb2

_SIGNATURES = 5  # MetaGraphDef.signature_def; every field of a MetaGraphDef is a message or a map, so length-delimited
_SMALL = 1 << 20
_MOST_NODES = 1000
_NOT_SIMPLE = ("While", "StatelessWhile", "Enter", "RefEnter", "Unstage", "MapUnstage", "OrderedMapUnstage")


def is_simple(meta_graph: Buffer) -> bool:
    """Whether the graph may run within the thread that asks: few operations, no loops, none that waits for another.

    For such a graph the change of threads costs three times as much as the run (``RunOptions.inter_op_thread_pool`` in
    config.proto says when that is). What it gives up, operations side by side, a simple graph hardly has.
    """
    if meta_graph.length > _SMALL:
        return False
    graph = meta_graph_pb2.MetaGraphDef.FromString(bytes(_view(meta_graph))).graph_def
    nodes = [node.op for node in graph.node]
    nodes += [node.op for function in graph.library.function for node in function.node_def]
    return len(nodes) <= _MOST_NODES and not any(op in _NOT_SIMPLE for op in nodes)


def signatures_in(meta_graph: Buffer) -> dict[str, Any]:
    """Signatures by name."""
    view = _view(meta_graph)
    kept = b"".join(bytes(field) for number, field in _fields(view) if number == _SIGNATURES)
    return dict(meta_graph_pb2.MetaGraphDef.FromString(kept).signature_def)


def _view(buffer: Buffer) -> memoryview:
    return memoryview((ctypes.c_char * buffer.length).from_address(buffer.data)).cast("B")


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
