"""SavedModels written by hand, node by node: no TensorFlow to make them, and forms no exporter would give.

Used by the tests of inference calls on a real server. ``echo`` gives back what it is fed, for every element type;
``examples`` answers examples with themselves and with their lengths, in good forms and in bad ones; ``slow`` counts to
a number; ``pair`` adds two inputs, one of which has a default.
"""

from pathlib import Path
from typing import Any

import numpy as np

from reconciler.modelserver import tensors
from reconciler.wire import stubs

Proto = Any
FLOAT, INT32, INT64, STRING, BOOL = 1, 3, 9, 7, 10
CLASSIFY, REGRESS = "tensorflow/serving/classify", "tensorflow/serving/regress"


class Graph:
    """A MetaGraphDef while it grows."""

    def __init__(self) -> None:
        self._saved = stubs.saved_model_pb2.SavedModel(saved_model_schema_version=1)
        self._meta = self._saved.meta_graphs.add()
        self._meta.meta_info_def.tags.append("serve")
        self._meta.graph_def.versions.producer = 1087

    def node(self, name: str, op: str, *inputs: str, **attributes: Any) -> str:
        """Add a node; integers are types, arrays are values, texts are names of frames."""
        node = self._meta.graph_def.node.add(name=name, op=op, input=inputs)
        for key, value in attributes.items():
            if isinstance(value, str):
                node.attr[key].s = value.encode()
            elif isinstance(value, np.ndarray):
                node.attr[key].tensor.CopyFrom(tensors.to_proto(value))
            elif key == "N":
                node.attr[key].i = value
            elif isinstance(value, bool):
                node.attr[key].b = value
            else:
                node.attr[key].type = value
        return name

    def const(self, name: str, value: Any, dtype: int) -> str:
        array = np.asarray(value, dtype=tensors.ELEMENT_TYPES[dtype].dtype)
        return self.node(name, "Const", dtype=dtype, value=array)

    def placeholder(self, name: str, dtype: int) -> str:
        return self.node(name, "Placeholder", dtype=dtype)

    def signature(self, key: str, inputs: dict[str, str], outputs: dict[str, str], method: str = "") -> Proto:
        signature = self._meta.signature_def[key]
        signature.method_name = method or "tensorflow/serving/predict"
        types = {node.name: node for node in self._meta.graph_def.node}
        for side, names in ((signature.inputs, inputs), (signature.outputs, outputs)):
            for alias, name in names.items():
                attributes = types[name].attr
                kind = next((attributes[key].type for key in ("dtype", "T", "DstT") if key in attributes), FLOAT)
                side[alias].name, side[alias].dtype = f"{name}:0", kind
                side[alias].tensor_shape.unknown_rank = True
        return signature

    def save(self, base_path: Path, version: int = 1) -> Path:
        folder = base_path / str(version)
        folder.mkdir(parents=True)
        (folder / "saved_model.pb").write_bytes(self._saved.SerializeToString())
        return base_path


def echo(base_path: Path) -> Path:
    """A signature per element type, named after it, from ``x`` to ``y``."""
    graph = Graph()
    for number, kind in tensors.ELEMENT_TYPES.items():
        fed = graph.placeholder(f"feed_{kind.name}", number)
        key = "serving_default" if kind.name == "float" else kind.name
        graph.signature(key, {"x": fed}, {"y": graph.node(f"fetch_{kind.name}", "Identity", fed, T=number)})
    return graph.save(base_path)


def examples(base_path: Path) -> Path:
    """Signatures over one input of serialized examples."""
    graph = Graph()
    fed = graph.placeholder("examples", STRING)
    other = graph.placeholder("other", STRING)
    column = graph.node("column", "ExpandDims", fed, graph.const("one", 1, INT32), T=STRING, Tdim=INT32)
    lengths = graph.node("lengths", "Cast", graph.node("count", "StringLength", fed), SrcT=INT32, DstT=FLOAT)
    scores = graph.node("scores", "ExpandDims", lengths, "one", T=FLOAT, Tdim=INT32)
    twice = graph.node("twice", "ConcatV2", scores, scores, "one", T=FLOAT, Tidx=INT32, N=2)
    fixed = graph.const("fixed", [[0.5]] * 3, FLOAT)
    same = graph.node("same", "Identity", fed, T=STRING)
    taken = {"inputs": fed}
    graph.signature("serving_default", taken, {"classes": column, "scores": scores}, CLASSIFY)
    graph.signature("scores", taken, {"scores": twice}, CLASSIFY)
    graph.signature("predict_scores", taken, {"scores": scores})
    graph.signature("odd_method", taken, {"scores": scores}, "odd")
    graph.signature("classes", taken, {"classes": column}, CLASSIFY)
    graph.signature("regress", taken, {"outputs": lengths}, REGRESS)
    graph.signature("regress_column", taken, {"outputs": scores}, REGRESS)
    graph.signature("regress_wide", taken, {"outputs": twice}, REGRESS)
    graph.signature("regress_fixed", taken, {"outputs": fixed}, REGRESS)
    graph.signature("regress_text", taken, {"outputs": same}, REGRESS)
    graph.signature("regress_other", {"inputs": other}, {"outputs": other}, REGRESS)
    graph.signature("flat", taken, {"classes": same}, CLASSIFY)
    graph.signature("text_scores", taken, {"scores": column}, CLASSIFY)
    graph.signature("number_classes", taken, {"classes": scores}, CLASSIFY)
    graph.signature("fixed_scores", taken, {"scores": fixed}, CLASSIFY)
    graph.signature("uneven", taken, {"classes": column, "scores": twice}, CLASSIFY)
    graph.signature("three", taken, {"classes": column, "scores": scores, "more": scores}, CLASSIFY)
    graph.signature("two_inputs", {"inputs": fed, "other": other}, {"scores": scores, "outputs": lengths}, CLASSIFY)
    graph.signature("renamed_input", {"x": fed}, {"scores": scores}, CLASSIFY)
    graph.signature("renamed_output", taken, {"y": scores}, CLASSIFY)
    return graph.save(base_path)


def slow(base_path: Path) -> Path:
    """Counts to ``n`` one by one: some microseconds each, and it can be cancelled in between."""
    graph = Graph()
    limit = graph.placeholder("n", INT64)
    frame: dict[str, Any] = {"frame_name": "count", "T": INT64}
    bound = graph.node("bound", "Enter", limit, is_constant=True, **frame)
    start = graph.node("start", "Enter", graph.const("zero", 0, INT64), **frame)
    merged = graph.node("merged", "Merge", start, "next", T=INT64, N=2)
    goes_on = graph.node("goes_on", "LoopCond", graph.node("less", "Less", merged, bound, T=INT64))
    graph.node("switch", "Switch", merged, goes_on, T=INT64)
    graph.node("step", "Identity", "switch:1", T=INT64)
    one = graph.node("one", "Const", "^step", dtype=INT64, value=np.array(1, np.int64))
    graph.node("next", "NextIteration", graph.node("sum", "AddV2", "step", one, T=INT64), T=INT64)
    done = graph.node("done", "Exit", "switch", T=INT64)
    graph.signature("serving_default", {"n": limit}, {"counted": done})
    return graph.save(base_path)


def pair(base_path: Path) -> Path:
    """``sum`` of ``a`` and ``b``; in ``with_default``, ``b`` is 10 if it is not given."""
    graph = Graph()
    a, b = graph.placeholder("left", FLOAT), graph.placeholder("right", FLOAT)
    total = {"sum": graph.node("total", "AddV2", a, b, T=FLOAT)}
    graph.signature("serving_default", {"a": a, "b": b}, total)
    with_default = graph.signature("with_default", {"a": a, "b": b}, total)
    with_default.defaults["b"].CopyFrom(tensors.to_proto(np.array([10], np.float32)))
    broken = graph.signature("broken", {"a": a, "b": b}, total)
    broken.outputs["sum"].name = "nowhere:0"
    return graph.save(base_path)
