"""SavedModels with many signatures, written as protocol buffers by hand: what inference and REST are tried on.

Here: ``plus`` (Predict, Classify, Regress and everything that can be wrong with them), ``echo`` (every element type)
and ``variable`` (a model with a checkpoint, so that its files can be damaged). Any real server can load them, and no
TensorFlow is needed to make them. Used by ``conformance_standing``. Not here: half_plus_two and sleeping signatures of
the lifecycle cases (``conformance_exports``), and checkpoints (``conformance_records``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from reconciler.wire import stubs

_TYPES = stubs.types_pb2
FLOAT, INT32, INT64, STRING = _TYPES.DT_FLOAT, _TYPES.DT_INT32, _TYPES.DT_INT64, _TYPES.DT_STRING
RESOURCE = _TYPES.DT_RESOURCE
PREDICT, CLASSIFY, REGRESS = (f"tensorflow/serving/{verb}" for verb in ("predict", "classify", "regress"))
BATCH, COLUMN = (-1,), (-1, 1)
LONG_COMPLAINT = "m" * 1500
"""What the signature ``complains`` says of a NaN: more than an RPC error carries."""

ECHOED = {
    name: getattr(_TYPES, f"DT_{name.upper()}")
    for name in (
        *("float", "double", "half", "bfloat16", "int8", "int16", "int32", "int64"),
        *("uint8", "uint16", "uint32", "uint64", "bool", "string", "complex64", "complex128"),
    )
}
Shape = Sequence[int] | None
Named = Mapping[str, tuple[str, int, Shape]]
"""Inputs or outputs of a signature: tensor name, element type and shape (None: unknown rank) by alias."""


class Graph:
    """One meta graph under construction; a node's name stands for its first output."""

    def __init__(self, tags: Sequence[str] = ("serve",)) -> None:
        self.message = stubs.saved_model_pb2.SavedModel(saved_model_schema_version=1)
        self.meta = self.message.meta_graphs.add()
        self.meta.meta_info_def.tags.extend(tags)
        self.meta.graph_def.versions.producer = 1000

    def files(self) -> dict[str, bytes]:
        """What goes into the version directory."""
        return {"saved_model.pb": self.message.SerializeToString(deterministic=True)}

    def node(self, name: str, operation: str, *inputs: str, **attributes: Any) -> str:
        """Attributes: an int is an element type, a list of them is one too, ``{"i": 1}`` is what it says."""
        node = self.meta.graph_def.node.add(name=name, op=operation, input=inputs)
        for key, value in attributes.items():
            _fill_attribute(node.attr[key], value)
        return name

    def placeholder(self, name: str, dtype: int, shape: Shape = None) -> str:
        """An input."""
        return self.node(name, "Placeholder", dtype=dtype, shape={"shape": shape})

    def constant(self, name: str, dtype: int, values: Sequence[Any] = (), shape: Shape = ()) -> str:
        """A constant of floats, 32 bit integers or strings."""
        self.node(name, "Const", dtype=dtype)
        tensor = self.meta.graph_def.node[-1].attr["value"].tensor
        tensor.dtype = dtype
        _fill_shape(tensor.tensor_shape, shape)
        field = {FLOAT: "float_val", INT32: "int_val", STRING: "string_val"}[dtype]
        getattr(tensor, field).extend(values)
        return name

    def sign(self, name: str, inputs: Named, outputs: Named, method: str = PREDICT) -> Any:
        """Add a signature and return it."""
        signature = self.meta.signature_def[name]
        signature.method_name = method
        for infos, named in ((signature.inputs, inputs), (signature.outputs, outputs)):
            for alias, (tensor, dtype, shape) in named.items():
                infos[alias].name, infos[alias].dtype = f"{tensor}:0", dtype
                _fill_shape(infos[alias].tensor_shape, shape)
        return signature


def _fill_attribute(into: Any, value: Any) -> None:
    match value:
        case int():
            into.type = value
        case bytes():
            into.s = value
        case {"i": whole}:
            into.i = whole
        case {"shape": shape}:
            _fill_shape(into.shape, shape)
        case {"shapes": shapes}:
            for shape in shapes:
                _fill_shape(into.list.shape.add(), shape)
        case _:
            into.list.type.extend(value)


def _fill_shape(into: Any, shape: Shape) -> None:
    into.SetInParent()
    if shape is None:
        into.unknown_rank = True
    for size in shape or ():
        into.dim.add(size=size)


def echo() -> dict[str, bytes]:
    """One signature per element type, of that name: ``y`` is ``x``, of any shape."""
    graph = Graph()
    for name, dtype in ECHOED.items():
        taken = graph.placeholder(f"{name}_x", dtype)
        given = graph.node(f"{name}_y", "Identity", taken, T=dtype)
        graph.sign(name, {"x": (taken, dtype, BATCH)}, {"y": (given, dtype, BATCH)})
    return graph.files()


def plus(version: int) -> dict[str, bytes]:
    """``serving_default`` answers ``y = x / 2 + version + 1``: version 1 is half_plus_two. The rest is named below."""
    graph = Graph()
    half, offset = graph.constant("half", FLOAT, [0.5]), graph.constant("offset", FLOAT, [version + 1.0])
    x = graph.placeholder("x", FLOAT, COLUMN)
    halved = graph.node("halved", "Mul", x, half, T=FLOAT)
    y = graph.node("y", "AddV2", halved, offset, T=FLOAT)
    graph.sign("serving_default", {"x": (x, FLOAT, COLUMN)}, {"y": (y, FLOAT, COLUMN)})
    _examples(graph, half, offset)
    _outputs_of_all_kinds(graph, x, y)
    _inputs_of_all_kinds(graph)
    _failing(graph)
    return graph.files()


def _examples(graph: Graph, half: str, offset: str) -> None:
    """Classify and Regress on a feature ``x``; and what they find wrong with a signature."""
    examples = graph.placeholder("examples", STRING, BATCH)
    names = graph.constant("names", STRING, [], [0])
    key = graph.constant("key", STRING, [b"x"])
    required = graph.constant("required", FLOAT, [], [0])
    dense: dict[str, Any] = {"Tdense": [FLOAT], "dense_shapes": {"shapes": [[1]]}, "sparse_types": []}
    graph.node("parsed", "ParseExample", examples, names, key, required, Nsparse={"i": 0}, Ndense={"i": 1}, **dense)
    graph.node("example_half", "Mul", "parsed", half, T=FLOAT)
    given = (graph.node("example_y", "AddV2", "example_half", offset, T=FLOAT), FLOAT, COLUMN)
    label = (graph.node("label", "AsString", "parsed", T=FLOAT), STRING, COLUMN)
    taken = {"inputs": (examples, STRING, BATCH)}
    graph.sign("classify_x_to_y", taken, {"scores": given}, CLASSIFY)
    graph.sign("classify_with_labels", taken, {"scores": given, "classes": label}, CLASSIFY)
    graph.sign("classify_labels_only", taken, {"classes": label}, CLASSIFY)
    graph.sign("regress_x_to_y", taken, {"outputs": given}, REGRESS)
    graph.sign("regress_x_again", taken, {"outputs": given}, REGRESS)
    graph.sign("three_outputs", taken, {"scores": given, "classes": label, "more": given}, CLASSIFY)
    graph.sign("wrong_score_type", taken, {"scores": label}, CLASSIFY)
    graph.sign("wrong_value_type", taken, {"outputs": label}, REGRESS)
    other = {"inputs": ("other_examples", STRING, BATCH)}
    graph.placeholder("other_examples", STRING, BATCH)
    graph.sign("other_input", other, {"outputs": given}, REGRESS)
    graph.node("one_row", "Const", dtype=FLOAT)
    _one_row(graph.meta.graph_def.node[-1].attr["value"].tensor)
    graph.sign(
        "one_row",
        taken,
        {
            "outputs": ("one_row", FLOAT, COLUMN),
        },
        REGRESS,
    )
    graph.sign("one_row_of_scores", taken, {"scores": ("one_row", FLOAT, COLUMN)}, CLASSIFY)


def _one_row(tensor: Any) -> None:
    tensor.dtype = FLOAT
    _fill_shape(tensor.tensor_shape, [1, 1])
    tensor.float_val.append(7.0)


def _outputs_of_all_kinds(graph: Graph, x: str, y: str) -> None:
    taken, given = {"x": (x, FLOAT, COLUMN)}, (y, FLOAT, COLUMN)
    shape = graph.node("shape", "Shape", x, T=FLOAT, out_type=INT32)
    rank = graph.node("rank", "Rank", x, T=FLOAT)
    graph.sign("uneven", taken, {"y": given, "shape": (shape, INT32, (2,))})
    graph.sign("scalar", taken, {"rank": (rank, INT32, ())})
    graph.sign("odd_method", taken, {"y": given}, "somebody/else/predict")
    constant = graph.constant("seven", FLOAT, [7.0], [1])
    graph.sign("no_inputs", {}, {"seven": (constant, FLOAT, (1,))})
    graph.sign("no_outputs", taken, {})


def _inputs_of_all_kinds(graph: Graph) -> None:
    a, b = (graph.placeholder(name, FLOAT, BATCH) for name in ("a", "b"))
    total = graph.node("total", "AddV2", a, b, T=FLOAT)
    difference = graph.node("difference", "Sub", a, b, T=FLOAT)
    taken = {"a": (a, FLOAT, BATCH), "b": (b, FLOAT, BATCH)}
    given = {"sum": (total, FLOAT, BATCH), "difference": (difference, FLOAT, BATCH)}
    graph.sign("pair", taken, given)
    default = graph.sign("pair_with_default", taken, given).defaults["b"]
    default.dtype = FLOAT
    _fill_shape(default.tensor_shape, [1])
    default.float_val.append(100.0)
    s = graph.placeholder("s", STRING)
    text = graph.node("text", "Identity", s, T=STRING)
    graph.sign("text", {"s": (s, STRING, BATCH)}, {"text": (text, STRING, BATCH)})
    graph.sign("bytes", {"s": (s, STRING, BATCH)}, {"text_bytes": (text, STRING, BATCH)})
    whole = graph.placeholder("whole", INT32, BATCH)
    graph.sign("whole", {"whole": (whole, INT32, BATCH)}, {"whole": (whole, INT32, BATCH)})


def _failing(graph: Graph) -> None:
    f = graph.placeholder("f", FLOAT)
    for name, message in (("complains", LONG_COMPLAINT.encode()), ("grumbles", b"no")):
        checked = graph.node(f"{name}_checked", "CheckNumerics", f, T=FLOAT, message=message)
        graph.sign(name, {"f": (f, FLOAT, BATCH)}, {"g": (checked, FLOAT, BATCH)})
    graph.sign("nowhere", {"f": (f, FLOAT, BATCH)}, {"g": ("not_in_the_graph", FLOAT, BATCH)})


def examples(*values: float, context: float | None = None) -> Any:
    """An Input: one Example per value, each with the feature ``x``; or empty ones that share a context."""
    source = stubs.input_pb2.Input()
    into = source.example_list.examples
    if context is not None:
        feature = source.example_list_with_context.context.features.feature["x"]
        feature.float_list.value.append(context)
        into = source.example_list_with_context.examples
    for value in values:
        example = into.add()
        if context is None:
            example.features.feature["x"].float_list.value.append(value)
    return source


def variable(tags: Sequence[str] = ("serve",)) -> dict[str, bytes]:
    """``y = x + v``, where ``v`` is what the checkpoint says; without one it loads, and cannot be called."""
    graph = Graph(tags)
    x = graph.placeholder("x", FLOAT, BATCH)
    handle = graph.node("v", "VarHandleOp", dtype=FLOAT, shape={"shape": []}, shared_name=b"v", container=b"")
    value = graph.node("read", "ReadVariableOp", handle, dtype=FLOAT)
    y = graph.node("y", "AddV2", x, value, T=FLOAT)
    graph.sign("serving_default", {"x": (x, FLOAT, BATCH)}, {"y": (y, FLOAT, BATCH)})
    prefix = graph.constant("prefix", STRING, [b"model"])
    names = graph.constant("variable_names", STRING, [b"v"], [1])
    slices = graph.constant("slices", STRING, [b""], [1])
    restored = graph.node("restored", "RestoreV2", prefix, names, slices, dtypes=[FLOAT])
    graph.node("assigned", "AssignVariableOp", handle, restored, dtype=FLOAT)
    graph.node("restore_all", "NoOp", "^assigned")
    saver = graph.meta.saver_def
    saver.filename_tensor_name, saver.restore_op_name = f"{prefix}:0", "restore_all"
    saver.save_tensor_name, saver.version = f"{prefix}:0", 2
    return graph.files()
