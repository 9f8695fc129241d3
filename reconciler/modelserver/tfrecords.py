"""Reading a TFRecord file with TensorFlow's own reader.

Here: a graph of five operations around ``TFRecordReaderV2``, and the loop that runs it. So lengths, checksums and the
words about a damaged file are those of ``io/record_reader.cc``. Used by warmup. Not here: what the records mean.
"""

from collections.abc import Generator
from typing import Any

import numpy as np

from reconciler.modelserver import capi, runtime
from reconciler.modelserver.session import Session
from reconciler.modelserver.statuses import Code, StatusError
from reconciler.wire.stubs import graph_pb2, types_pb2


def records(path: str) -> Generator[bytes, None, None]:
    """The records of a file, one by one; a StatusError where it cannot be opened or is damaged."""
    session = _open()
    try:
        session.run({"path": np.array(path.encode(), dtype=object)}, targets=["enqueue"])
        session.run({}, targets=["close"])
        while True:
            (record,) = session.run({}, ["read:1"])
            yield record.item()
    except StatusError as error:
        if error.status.code is Code.OUT_OF_RANGE:  # the queue of files is closed and empty
            return
        raise StatusError(error.status.code, error.status.message.partition("\n\t [[")[0]) from None
    finally:
        session.close()


def _open() -> Session:
    library = runtime.library()
    graph = library.TF_NewGraph()
    content = _graph().SerializeToString()
    options = library.TF_NewImportGraphDefOptions()
    with capi.checked(library) as status:
        library.TF_GraphImportGraphDef(graph, capi.Buffer.showing(content), options, status)
    library.TF_DeleteImportGraphDefOptions(options)
    config = runtime.session_config().SerializeToString()
    with capi.session_options(library, config) as session_options, capi.checked(library) as status:
        session = library.TF_NewSession(graph, session_options, status)
    return Session(graph, session)


def _graph() -> Any:
    """A queue that takes one file name and is closed then, and a reader that empties it."""
    graph = graph_pb2.GraphDef()
    graph.node.add(name="path", op="Placeholder").attr["dtype"].type = types_pb2.DT_STRING
    queue = graph.node.add(name="queue", op="FIFOQueueV2")
    queue.attr["component_types"].list.type.append(types_pb2.DT_STRING)
    enqueue = graph.node.add(name="enqueue", op="QueueEnqueueV2", input=["queue", "path"])
    enqueue.attr["Tcomponents"].list.type.append(types_pb2.DT_STRING)
    graph.node.add(name="close", op="QueueCloseV2", input=["queue"])
    graph.node.add(name="reader", op="TFRecordReaderV2")
    graph.node.add(name="read", op="ReaderReadV2", input=["reader", "queue"])
    for node in graph.node:
        node.device = "/device:CPU:0"
    graph.versions.producer = 1087
    return graph
