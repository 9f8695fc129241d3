"""What an export says of itself: `saved_model.pb` (or `.pbtxt`) → signatures and the TensorFlow that wrote it.

Called by `adapters/storage_exports.py`, and for its `signatures` by `adapters/serving_predictions.py`. Only protos are
read; the graph is skipped and nothing is ever run. Of the graphs in the file the one counts that a server would take:
the first whose tags are exactly `serve` (tensorflow/cc/saved_model/loader.cc; servers started with another
--saved_model_tags are not covered).

Deliberately not here: files, and comparing two exports (`preflight/compatibility.py`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import BinaryIO

from reconciler.state.export import Signature, TensorSpec
from reconciler.wire.pruning import MalformedError, Wanted, pruned
from reconciler.wire.stubs import meta_graph_pb2, saved_model_pb2, types_pb2

MAX_TEXT = 4 << 20
"""Bytes of a `saved_model.pbtxt` that is read: parsing text takes seconds per megabyte."""

TAGS = {"serve"}

_META_INFO: Wanted = {4: None, 5: None}  # tags, tensorflow_version
_SIGNATURE: Wanted = {1: None, 2: None, 3: None, 4: {1: None}}  # inputs, outputs, method_name, names of the defaults
_META_GRAPH: Wanted = {1: _META_INFO, 5: {1: None, 2: _SIGNATURE}}
_SAVED_MODEL: Wanted = {2: _META_GRAPH}


@dataclass(frozen=True, slots=True)
class Promise:
    """What the graph that servers take promises; signatures ascend by name."""

    signatures: tuple[Signature, ...]
    tf_version: str


def from_binary(stream: BinaryIO, size: int) -> Promise:
    """What a `saved_model.pb` of that many bytes promises.

    Raises:
        MalformedError: it is none, or cut short, or beyond what is read; the text says so in half a sentence.
    """
    from google.protobuf.message import DecodeError

    try:
        message = saved_model_pb2.SavedModel.FromString(pruned(stream, size, _SAVED_MODEL))
    except DecodeError as error:
        raise MalformedError("it is no SavedModel") from error
    return _promise(message)


def from_text(stream: BinaryIO, size: int) -> Promise:
    """What a `saved_model.pbtxt` of that many bytes promises. Raises MalformedError like `from_binary`."""
    from google.protobuf import text_format

    if size > MAX_TEXT:
        raise MalformedError(
            f"it is text, and larger than the {MAX_TEXT >> 20} MiB that are read; write saved_model.pb"
        )
    message = saved_model_pb2.SavedModel()
    try:
        text_format.Parse(stream.read(MAX_TEXT), message)
    except (text_format.ParseError, UnicodeDecodeError, RecursionError) as error:
        raise MalformedError("it is no SavedModel in text form") from error
    return _promise(message)


def _promise(message: saved_model_pb2.SavedModel) -> Promise:
    graph = next((each for each in message.meta_graphs if set(each.meta_info_def.tags) == TAGS), None)
    if graph is None:
        there = ", ".join(str(sorted(each.meta_info_def.tags)) for each in message.meta_graphs[:3]) or "none"
        raise MalformedError(
            f"it has no graph tagged `serve` alone (found: {there[:200]}), and no server would load it"
        )
    return Promise(signatures(graph.signature_def), _printable(graph.meta_info_def.tensorflow_version))


def signatures(by_name: Mapping[str, meta_graph_pb2.SignatureDef]) -> tuple[Signature, ...]:
    """Signatures as values, ascending by name. Raises MalformedError for names that nobody can write."""
    return tuple(_signature(name, by_name[name]) for name in sorted(by_name))


def _signature(name: str, signature: meta_graph_pb2.SignatureDef) -> Signature:
    inputs = tuple(_spec(alias, signature.inputs[alias]) for alias in sorted(signature.inputs))
    outputs = tuple(_spec(alias, signature.outputs[alias]) for alias in sorted(signature.outputs))
    optional = tuple(_printable(alias) for alias in sorted(signature.defaults))
    return Signature(_printable(name), _printable(signature.method_name), inputs, outputs, optional)


def _spec(alias: str, info: meta_graph_pb2.TensorInfo) -> TensorSpec:
    kind = {"coo_sparse": "sparse ", "composite_tensor": "composite "}.get(info.WhichOneof("encoding") or "", "")
    unknown = info.tensor_shape.unknown_rank
    shape = None if unknown else tuple(max(dim.size, -1) for dim in info.tensor_shape.dim)
    return TensorSpec(_printable(alias), kind + _dtype(info.dtype), shape)


def _dtype(number: int) -> str:
    names = types_pb2.DataType.DESCRIPTOR.values_by_number
    known = names.get(number)
    return known.name.removeprefix("DT_").lower() if known else f"type {number}"


def _printable(text: str) -> str:
    """A name as it is; a hostile one is not shown to anybody."""
    if not text.isprintable() or len(text) > 1000:
        raise MalformedError(f"it holds a name that nobody can write: {text[:40]!r}")
    return text
