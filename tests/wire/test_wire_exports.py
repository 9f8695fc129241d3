"""What an export promises is read out of its protos; whatever the bytes are, the answer is quick and in words."""

import contextlib
import io
from typing import Any

import pytest
from exports import saved_model
from google.protobuf import text_format
from hypothesis import given
from hypothesis import strategies as st

from reconciler.state.export import Signature, TensorSpec
from reconciler.wire import exports, pruning, stubs
from reconciler.wire.exports import Promise
from reconciler.wire.pruning import MalformedError

PREDICT = "tensorflow/serving/predict"
NAMES = st.text(st.characters(categories=["L", "N", "P"]), min_size=1, max_size=8)
SIZES = st.integers(-1, 2**40)
SPECS = st.builds(
    TensorSpec,
    NAMES,
    st.sampled_from(("float", "string", "int64", "half", "sparse float", "composite int32")),
    st.none() | st.lists(SIZES, max_size=4).map(tuple),
)
TENSORS = st.lists(SPECS, max_size=4, unique_by=lambda each: each.alias).map(
    lambda specs: tuple(sorted(specs, key=lambda each: each.alias))
)
SIGNATURES = st.builds(Signature, NAMES, NAMES, TENSORS, TENSORS, st.sets(NAMES, max_size=2).map(sorted).map(tuple))
PROMISES = st.builds(
    Promise,
    st.lists(SIGNATURES, max_size=3, unique_by=lambda each: each.name).map(
        lambda found: tuple(sorted(found, key=lambda each: each.name))
    ),
    st.sampled_from(("", "2.20.0", "1.15.5")),
)


def written(info: Any, spec: TensorSpec) -> None:
    kind, _, dtype = spec.dtype.rpartition(" ")
    if kind == "sparse":
        info.coo_sparse.values_tensor_name = "v:0"
    elif kind == "composite":
        info.composite_tensor.components.add(name="c:0")
    else:
        info.name = "t:0"
    info.dtype = stubs.types_pb2.DataType.Value(f"DT_{dtype.upper()}")
    if spec.shape is None:
        info.tensor_shape.unknown_rank = True
    else:
        info.tensor_shape.SetInParent()
        for size in spec.shape:
            info.tensor_shape.dim.add(size=size)


def message(promise: Promise, graph: bytes) -> Any:
    """A SavedModel that promises this, among a training graph and everything else that exports hold."""
    whole = stubs.saved_model_pb2.SavedModel(saved_model_schema_version=1)
    whole.meta_graphs.add().meta_info_def.tags.extend(["serve", "train"])
    body = whole.meta_graphs.add()
    body.meta_info_def.tags.append("serve")
    body.meta_info_def.tensorflow_version = promise.tf_version
    body.meta_info_def.stripped_op_list.op.add(name="Add")
    body.graph_def.node.add(name="w", op="Const").attr["value"].s = graph
    body.saver_def.restore_op_name = "restore"
    body.collection_def["c"].bytes_list.value.append(graph)
    for each in promise.signatures:
        signature = body.signature_def[each.name]
        signature.method_name = each.method
        for spec in each.inputs:
            written(signature.inputs[spec.alias], spec)
        for spec in each.outputs:
            written(signature.outputs[spec.alias], spec)
        for alias in each.optional:
            signature.defaults[alias].tensor_content = graph
    body.asset_file_def.add(filename="vocabulary.txt")
    body.object_graph_def.nodes.add()
    return whole


def read(content: bytes) -> Promise:
    return exports.from_binary(io.BytesIO(content), len(content))


def refused(content: bytes) -> str:
    with pytest.raises(MalformedError) as caught:
        read(content)
    return str(caught.value)


@given(PROMISES, st.binary(max_size=300))
def test_every_promise_is_read_from_a_real_message_as_it_was_written(promise: Promise, graph: bytes) -> None:
    assert read(message(promise, graph).SerializeToString()) == promise


@given(PROMISES, st.binary(max_size=30))
def test_every_promise_is_read_from_the_text_form_as_it_was_written(promise: Promise, graph: bytes) -> None:
    content = text_format.MessageToString(message(promise, graph), as_utf8=True).encode()
    assert exports.from_text(io.BytesIO(content), len(content)) == promise


@given(PROMISES, st.binary(max_size=300))
def test_kept_part_parses_to_the_whole_without_the_rest(promise: Promise, graph: bytes) -> None:
    whole = message(promise, graph).SerializeToString()
    kept = pruning.pruned(io.BytesIO(whole), len(whole), {2: {5: None}})
    expected = stubs.saved_model_pb2.SavedModel.FromString(whole)
    expected.ClearField("saved_model_schema_version")
    for body in expected.meta_graphs:
        for name in [field.name for field, _ in body.ListFields() if field.name != "signature_def"]:
            body.ClearField(name)
    assert stubs.saved_model_pb2.SavedModel.FromString(kept) == expected


@given(st.binary(max_size=200))
def test_garbage_is_refused_or_read_and_never_more(content: bytes) -> None:
    with contextlib.suppress(MalformedError):
        assert isinstance(read(content), Promise)


@given(PROMISES, st.data())
def test_file_cut_short_anywhere_never_yields_other_signatures(promise: Promise, data: st.DataObject) -> None:
    whole = message(promise, b"graph").SerializeToString()
    cut = whole[: data.draw(st.integers(0, len(whole) - 1))]
    assert refused(cut)


@given(PROMISES, st.data())
def test_flipped_bytes_end_in_an_answer(promise: Promise, data: st.DataObject) -> None:
    whole = bytearray(message(promise, b"graph").SerializeToString())
    for _ in range(data.draw(st.integers(1, 4))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(MalformedError):
        assert isinstance(read(bytes(whole)), Promise)


class Sparse(io.RawIOBase):
    """A file of any size whose middle is a hole; it counts what is read."""

    def __init__(self, head: bytes, hole: int, tail: bytes) -> None:
        self.size = len(head) + hole + len(tail)
        self.given = 0
        self._parts = ((0, head), (len(head) + hole, tail))
        self._at = 0

    def seek(self, at: int, whence: int = 0, /) -> int:
        assert whence == 0
        self._at = at
        return at

    def read(self, length: int = -1, /) -> bytes:
        assert length >= 0
        end = min(self._at + length, self.size)
        found = bytearray(max(0, end - self._at))
        for begins, part in self._parts:
            first, last = max(begins, self._at), min(begins + len(part), end)
            if first < last:
                found[first - self._at : last - self._at] = part[first - begins : last - begins]
        self._at = max(self._at, end)
        self.given += len(found)
        return bytes(found)


def varint(value: int) -> bytes:
    out = b""
    while value > 127:
        out, value = out + bytes([value & 127 | 128]), value >> 7
    return out + bytes([value])


def test_graph_of_two_gigabytes_is_skipped_and_not_read() -> None:
    graph = 2 << 30
    tail = saved_model()
    inner = stubs.saved_model_pb2.SavedModel.FromString(tail).meta_graphs[0].SerializeToString()
    graph_key = b"\x12" + varint(graph)
    head = b"\x12" + varint(len(graph_key) + graph + len(inner)) + graph_key
    file = Sparse(head, graph, inner)
    found = exports.from_binary(file, file.size)  # type: ignore[arg-type]  # all of a BinaryIO that is asked for
    assert [each.name for each in found.signatures] == ["serving_default"]
    assert file.given < 1 << 20


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "it has no graph tagged `serve` alone (found: none), and no server would load it"),
        (saved_model(tags=("train",)), "found: ['train']"),
        (saved_model(tags=("gpu", "serve")), "found: ['gpu', 'serve']"),
        (b"not a protobuf message", "that no message of today has"),
        (b"\x00\x01", "there is no field 0"),
        (b"\x12\x7f", "it is cut short"),
        (b"\x08" + b"\xff" * 11, "a number of more than ten bytes"),
        (b"\x08\x01" * (pruning.MAX_FIELDS + 1), "more than 200,000 fields"),
        (saved_model({"a\nb": ("x", "y")}), "a name that nobody can write"),
        (saved_model({"long" * 300: ("x", "y")}), "a name that nobody can write"),
        (saved_model({"s": ("x" * pruning.MAX_KEPT, "y")}), "take more than 8 MiB"),
        (b"\x12\x06\x0a\x04\x22\x02\xff\xfe", "it is no SavedModel"),
    ],
)
def test_what_is_no_export_is_refused_with_the_reason(content: bytes, said: str) -> None:
    assert said in refused(content)


def test_gigabyte_of_tiny_fields_is_left_early() -> None:
    file = Sparse(b"\x08\x01" * pruning.MAX_FIELDS, 1 << 30, b"")
    with pytest.raises(MalformedError):
        exports.from_binary(file, file.size)  # type: ignore[arg-type]  # all of a BinaryIO that is asked for
    assert file.given < 2 * len(b"\x08\x01") * pruning.MAX_FIELDS


def test_file_that_became_shorter_while_it_was_read_is_refused() -> None:
    content = saved_model()
    with pytest.raises(MalformedError, match="became shorter"):
        exports.from_binary(io.BytesIO(content[:-5]), len(content))


@pytest.mark.parametrize(
    ("content", "size", "said"),
    [
        (b"meta_graphs { nonsense: 1 }", None, "no SavedModel in text form"),
        (b"\xff\xfe", None, "no SavedModel in text form"),
        (b"meta_graphs { " * 5000, None, "no SavedModel in text form"),
        (b"", exports.MAX_TEXT + 1, "write saved_model.pb"),
    ],
)
def test_text_that_is_no_export_is_refused_with_the_reason(content: bytes, size: int | None, said: str) -> None:
    with pytest.raises(MalformedError, match=said):
        exports.from_text(io.BytesIO(content), len(content) if size is None else size)


def test_type_that_nobody_knows_yet_has_its_number() -> None:
    whole = stubs.saved_model_pb2.SavedModel.FromString(saved_model({"s": ("x", "y")}))
    whole.meta_graphs[0].signature_def["s"].inputs["x"].dtype = 9999
    assert read(whole.SerializeToString()).signatures[0].inputs == (TensorSpec("x", "type 9999", (-1,)),)
