"""Loading a SavedModel the way the C++ server does, with TensorFlow's own C++ session.

Here: read the file, choose the graph by its exact tag set, import it, restore, initialise; and running it by the tensor
names of its signatures. Called by the host in load and inference threads. A graph session is used, not
``tf.saved_model.load``, because that is what TensorFlow Serving does and it shows: any graph a SavedModel can hold
loads, error codes and texts come from the same C++, a shape is not compared with the signature, a directory without
``variables/`` loads and fails on use, and closing the session gives the memory back.

``Session.run`` of Python would check shapes and convert types before C++ sees a value; so the session is entered a step
below it (``_enter``), the only place that touches a private name of TensorFlow.

Not here: retries and states (the core), checks of a request (predict).
"""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from google.protobuf import message, text_format

from reconciler.modelserver import runtime
from reconciler.modelserver.core import Code, Status
from reconciler.modelserver.statuses import StatusError
from reconciler.modelserver.tensors import Array, Proto
from reconciler.wire.stubs import meta_graph_pb2, saved_model_pb2

_INIT_OP = "__saved_model_init_op"


@dataclass(frozen=True, slots=True)
class SessionSettings:
    """What the command line says about loading."""

    tags: frozenset[str] = frozenset({"serve"})
    intra_op_threads: int = 0
    inter_op_threads: int = 0
    gpu_fraction: float = 0.0


class SavedModel:
    """One loaded version: its signatures, and a session to run them in."""

    def __init__(self, graph: Any, session: Any, signatures: Mapping[str, Proto]) -> None:
        self.signatures = signatures
        self._graph = graph
        self._session = session

    def run(self, feeds: Mapping[str, Array], fetches: Sequence[str]) -> list[Array]:
        """Fetch tensors by name while feeding others by name. Safe in many threads at once."""
        with _as_status_error():
            values = _enter(self._graph, self._session, feeds, fetches)
            return [_as_array(value) for value in values]

    def close(self) -> None:
        """Give back variables and tables."""
        self._session.close()


def load(path: str, settings: SessionSettings) -> SavedModel:
    """Load a version directory; a StatusError carries the code and text of the C++ loader."""
    with _as_status_error():
        meta_graph = _choose(_read(Path(path)), settings.tags)
        tf = runtime.tensorflow()
        graph = _import(tf, meta_graph)
        config = runtime.session_config(tf, settings.intra_op_threads, settings.inter_op_threads, settings.gpu_fraction)
        session = tf.compat.v1.Session(graph=graph, config=config)
        try:
            _restore(graph, session, meta_graph, Path(path))
        except BaseException:
            session.close()
            raise
    return SavedModel(graph, session, dict(meta_graph.signature_def))


def _read(path: Path) -> Proto:
    binary, text = path / "saved_model.pb", path / "saved_model.pbtxt"
    if binary.exists():
        return _parsed(binary, saved_model_pb2.SavedModel.FromString, "binary")
    if text.exists():
        return _parsed(text, lambda raw: text_format.Parse(raw, saved_model_pb2.SavedModel()), "text")
    if (path / "export.meta").exists():
        raise StatusError(Code.UNIMPLEMENTED, "Session Bundle is deprecated and removed.")
    raise StatusError(
        Code.NOT_FOUND,
        "Specified file path does not appear to contain a SavedModel bundle (should have a file called "
        f"`saved_model.pb`)\nSpecified file path: {path}",
    )


def _parsed(file: Path, parse: Any, kind: str) -> Proto:
    try:
        return parse(file.read_bytes())
    except (message.DecodeError, text_format.ParseError, UnicodeDecodeError):
        raise StatusError(Code.DATA_LOSS, f"Can't parse {file} as {kind} proto") from None
    except OSError as error:
        raise StatusError(Code.UNKNOWN, f"{file}; {error.strerror}") from error


def _choose(saved_model: Proto, tags: frozenset[str]) -> Proto:
    for meta_graph in saved_model.meta_graphs:
        if frozenset(meta_graph.meta_info_def.tags) == tags:
            return meta_graph
    raise StatusError(
        Code.NOT_FOUND,
        f"Could not find meta graph def matching supplied tags: {{ {' '.join(sorted(tags))} }}. To inspect available "
        "tag-sets in the SavedModel, please use the SavedModel CLI: `saved_model_cli`",
    )


def _import(tf: Any, meta_graph: Proto) -> Any:
    graph = tf.Graph()
    with graph.as_default():
        tf.graph_util.import_graph_def(
            meta_graph.graph_def, name="", producer_op_list=meta_graph.meta_info_def.stripped_op_list
        )
    graph.finalize()
    return graph


def _restore(graph: Any, session: Any, meta_graph: Proto, path: Path) -> None:
    assets = {name: _text(path / "assets" / file) for name, file in _assets(meta_graph)}
    saver = meta_graph.saver_def
    if saver.restore_op_name and (path / "variables" / "variables.index").exists():
        feeds = {saver.filename_tensor_name: _text(path / "variables" / "variables"), **assets}
        _enter(graph, session, feeds, targets=[saver.restore_op_name])
    init = _init_op(meta_graph)
    if init:
        _enter(graph, session, assets, targets=[init])


def _text(path: Path) -> Array:
    return np.array(str(path).encode(), dtype=object)


def _assets(meta_graph: Proto) -> Iterator[tuple[str, str]]:
    for asset in meta_graph.asset_file_def:
        yield asset.tensor_info.name, asset.filename
    if not meta_graph.asset_file_def:  # written by TensorFlow 1
        for packed in meta_graph.collection_def["saved_model_assets"].any_list.value:
            asset = meta_graph_pb2.AssetFileDef()
            packed.Unpack(asset)
            yield asset.tensor_info.name, asset.filename


def _init_op(meta_graph: Proto) -> str:
    if _INIT_OP in meta_graph.signature_def:
        return str(meta_graph.signature_def[_INIT_OP].outputs[_INIT_OP].name)
    for key in ("saved_model_main_op", "legacy_init_op"):
        for name in meta_graph.collection_def[key].node_list.value:
            return str(name)
    return ""


def _enter(
    graph: Any, session: Any, feeds: Mapping[str, Array], fetches: Sequence[str] = (), targets: Sequence[str] = ()
) -> list[Any]:
    """``Session::Run`` of the C++ API, without the checks and conversions of the Python one."""
    session._extend_graph()  # hands the graph to the session the first time, costs nothing later
    return list(
        session._call_tf_sessionrun(
            None,
            {graph.get_tensor_by_name(_tensor(name))._as_tf_output(): value for name, value in feeds.items()},
            [graph.get_tensor_by_name(_tensor(name))._as_tf_output() for name in fetches],
            [graph.get_operation_by_name(name.partition(":")[0])._c_op for name in targets],
            None,
        )
    )


def _tensor(name: str) -> str:
    return name if ":" in name else f"{name}:0"


def _as_array(value: Any) -> Array:
    return np.array(value, dtype=object) if isinstance(value, bytes) else np.asarray(value)


@contextlib.contextmanager
def _as_status_error() -> Iterator[None]:
    try:
        yield
    except StatusError:
        raise
    except Exception as error:
        status = status_of(error)
        raise StatusError(status.code, status.message) from error


def status_of(error: Exception) -> Status:
    """The code and text C++ had for an error of TensorFlow's Python."""
    code = getattr(error, "error_code", None)
    if isinstance(code, int):
        return Status(Code(code), str(getattr(error, "message", error)))
    if isinstance(error, ValueError | KeyError | TypeError):
        return Status(Code.INVALID_ARGUMENT, str(error))
    return Status(Code.INTERNAL, f"{type(error).__name__}: {error}")
