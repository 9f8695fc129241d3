"""Version directories for the suite, written as protocol buffers by hand: no TensorFlow is needed to make them.

An export answers ``y = x / 2 + content + 1``, so the answer tells which bytes were loaded; its second signature,
``sleep``, keeps a request in flight for as long as the request says; and it can take its time to load. Sleeping is a
dataset operation of stock TensorFlow, so nothing is computed meanwhile and any real server can load the same files.

Used by the worlds; a case says only ``publish(3, seconds=2.0)``. Deliberately not here: Classify and Regress, whose
graphs are exported with TensorFlow (``sample_shelf``).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from reconciler.modelserver.core import OK, Code, Status
from reconciler.wire import stubs

FLOAT, INT64 = stubs.types_pb2.DT_FLOAT, stubs.types_pb2.DT_INT64
_MICROSECONDS_PER_SECOND = 1_000_000
_PAUSES = 2  # the operation sleeps before the element, and again before it can say that there is no other


@dataclass(frozen=True, slots=True)
class Export:
    """What a version directory holds.

    ``content`` shows in the answers, ``seconds`` is how long a load takes, ``fault`` is why it cannot be loaded:
    ``garbage`` (no protocol buffer) or ``empty`` (no files at all).
    """

    content: int = 0
    seconds: float = 0.0
    fault: str = ""

    def files(self) -> dict[str, bytes]:
        """Paths below the version directory, and what is in them."""
        if self.fault == "empty":
            return {}
        return {"saved_model.pb": b"\xff" * 64 if self.fault == "garbage" else saved_model(self)}

    def outcome(self, path: str) -> Status:
        """How loading it from ``path`` ends (``session_bundle_util.cc`` and TensorFlow's loader)."""
        if self.fault == "garbage":
            return Status(Code.DATA_LOSS, f"Can't parse {path}/saved_model.pb as binary proto")
        if self.fault == "empty":
            return Status(
                Code.NOT_FOUND,
                "Specified file path does not appear to contain a SavedModel bundle (should have a file called "
                f"`saved_model.pb`)\nSpecified file path: {path}",
            )
        return OK


def half(x: float, content: int) -> float:
    """What an export of that content answers."""
    return x / 2 + content + 1


def saved_model(export: Export) -> bytes:
    """The file ``saved_model.pb``: the whole model, since its constants are in the graph."""
    result = stubs.saved_model_pb2.SavedModel(saved_model_schema_version=1)
    meta_graph = result.meta_graphs.add()
    meta_graph.meta_info_def.tags.append("serve")
    meta_graph.graph_def.versions.producer = 1000
    graph = _Graph(meta_graph.graph_def)
    graph.half(export.content)
    graph.sleeper("request", graph.placeholder("microseconds", INT64, []))
    if export.seconds:
        pause = int(export.seconds * _MICROSECONDS_PER_SECOND / _PAUSES)
        graph.sleeper("load", graph.constant("load_microseconds", pause, INT64))
        graph.node("wait_at_load", "NoOp", "^load")
        meta_graph.collection_def["saved_model_main_op"].node_list.value.append("wait_at_load")
    _sign(meta_graph.signature_def["serving_default"], "x", "x:0", FLOAT, "y")
    _sign(meta_graph.signature_def["sleep"], "microseconds", "microseconds:0", INT64, "request")
    return bytes(result.SerializeToString(deterministic=True))


def nap(seconds: float) -> Any:
    """The input of ``sleep`` that keeps a request in flight so long."""
    tensor = stubs.tensor_pb2.TensorProto(dtype=INT64)
    tensor.tensor_shape.SetInParent()
    tensor.int64_val.append(int(seconds * _MICROSECONDS_PER_SECOND / _PAUSES))
    return tensor


def _sign(signature: Any, name: str, tensor: str, dtype: int, output: str) -> None:
    signature.method_name = "tensorflow/serving/predict"
    signature.inputs[name].name, signature.inputs[name].dtype = tensor, dtype
    signature.inputs[name].tensor_shape.SetInParent()
    if name == "x":
        for size in (-1, 1):
            signature.inputs[name].tensor_shape.dim.add(size=size)
            signature.outputs[output].tensor_shape.dim.add(size=size)
    signature.outputs[output].name, signature.outputs[output].dtype = f"{output}:0", FLOAT


class _Graph:
    """Nodes, one call each; a name stands for the node's first output."""

    def __init__(self, graph_def: Any) -> None:
        self._graph = graph_def

    def node(self, name: str, operation: str, *inputs: str) -> Any:
        return self._graph.node.add(name=name, op=operation, input=inputs)

    def constant(self, name: str, value: float, dtype: int) -> str:
        node = self.node(name, "Const")
        node.attr["dtype"].type = dtype
        tensor = node.attr["value"].tensor
        tensor.dtype = dtype
        tensor.tensor_shape.SetInParent()
        getattr(tensor, "float_val" if dtype == FLOAT else "int64_val").append(value)
        return name

    def placeholder(self, name: str, dtype: int, shape: list[int]) -> str:
        node = self.node(name, "Placeholder")
        node.attr["dtype"].type = dtype
        node.attr["shape"].shape.SetInParent()
        for size in shape:
            node.attr["shape"].shape.dim.add(size=size)
        return name

    def half(self, content: int) -> None:
        """``y = x / 2 + content + 1``."""
        x = self.placeholder("x", FLOAT, [-1, 1])
        for name, operation, left, right in (
            ("halved", "Mul", x, self.constant("a", 0.5, FLOAT)),
            ("y", "AddV2", "halved", self.constant("b", content + 1, FLOAT)),
        ):
            self.node(name, operation, left, right).attr["T"].type = FLOAT

    def sleeper(self, name: str, microseconds: str) -> None:
        """A node of this name whose value takes twice ``microseconds`` to come."""
        element = self.constant(f"{name}_element", 1.0, FLOAT)
        self._dataset(f"{name}_dataset", "TensorDataset", "Toutput_types", element)
        self._dataset(f"{name}_slowed", "SleepDataset", "output_types", f"{name}_dataset", microseconds)
        self._dataset(name, "DatasetToSingleElement", "output_types", f"{name}_slowed")

    def _dataset(self, name: str, operation: str, types: str, *inputs: str) -> None:
        node = self.node(name, operation, *inputs)
        node.attr[types].list.type.append(FLOAT)
        node.attr["output_shapes"].list.shape.add()
