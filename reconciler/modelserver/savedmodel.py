"""A SavedModel in a session of TensorFlow's C++, loaded by the loader TensorFlow Serving has.

Here: loading a version directory, and running it by the tensor names of its signatures. Called by the host in load and
inference threads. ``TF_LoadSessionFromSavedModel`` runs TensorFlow's ``cc/saved_model/loader.cc`` itself: choosing the
graph by its exact tag set, restoring, assets, the main or the legacy initialisation, and every code and text a load can
fail with. A run goes to ``Session::Run`` as a request of the real server does: no shape is compared with the signature,
types are checked by the runtime, and a model without its variables loads and fails when it is used. Neither holds
Python's global lock, so a load of any size leaves other models' requests alone.

What the C++ server asks before it calls that loader is here too (``session_bundle/oss/session_bundle_util.cc``).
Not here: retries and states (the core), checks of a request (predict), warm-up (warmup).
"""

import ctypes
import os
import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from reconciler.modelserver import capi, ctensors, runtime
from reconciler.modelserver.core import Code
from reconciler.modelserver.ctensors import Array
from reconciler.modelserver.metagraph import signatures_in
from reconciler.modelserver.statuses import StatusError
from reconciler.wire.stubs import config_pb2

Proto = Any  # generated messages carry no types
_MOST_RUNS = 256  # combinations of feeds and fetches remembered; clients choose them, so there is a limit


@dataclass(frozen=True, slots=True)
class SessionSettings:
    """What the command line says about loading."""

    tags: frozenset[str] = frozenset({"serve"})
    intra_op_threads: int = 0
    inter_op_threads: int = 0
    gpu_fraction: float = 0.0
    session_config: bytes = b""
    """A serialised ConfigProto to start from."""


@dataclass(frozen=True, slots=True)
class _Run:
    """Feeds and fetches as the C API wants them."""

    inputs: Any
    outputs: Any


class SavedModel:
    """One loaded version: its signatures, and a session to run them in."""

    def __init__(self, graph: capi.Pointer, session: capi.Pointer, signatures: Mapping[str, Proto]) -> None:
        self.signatures = signatures
        self._library = runtime.library()
        self._graph = graph
        self._session = session
        self._runs: dict[tuple[tuple[str, ...], tuple[str, ...]], _Run] = {}
        self._closing = threading.Lock()

    def run(self, feeds: Mapping[str, Array], fetches: Sequence[str], timeout_ms: int = 0) -> list[Array]:
        """Fetch tensors by name while feeding others by name. Safe in many threads at once.

        After ``timeout_ms`` (0: never) it ends in DEADLINE_EXCEEDED, in TensorFlow's words; what is being computed then
        is cancelled, and waited for.
        """
        run = self._prepared(tuple(feeds), tuple(fetches))
        library = self._library
        given, taken = (ctypes.c_void_p * len(feeds))(), (ctypes.c_void_p * len(fetches))()
        try:
            for index, value in enumerate(feeds.values()):
                given[index] = ctensors.to_tensor(library, value)
            self._call(run, given, taken, timeout_ms)
            return [ctensors.to_array(library, tensor) for tensor in taken]
        finally:
            for tensor in (*given, *taken):
                if tensor:
                    library.TF_DeleteTensor(tensor)

    def close(self) -> None:
        """Give back graph, variables and tables. No run may be under way or follow; a second call does nothing."""
        with self._closing:
            session, self._session = self._session, None
        if session:
            capi.close_session(self._library, session)
            self._library.TF_DeleteGraph(self._graph)

    def _call(self, run: _Run, given: Any, taken: Any, timeout_ms: int) -> None:
        options = config_pb2.RunOptions(timeout_in_ms=timeout_ms).SerializeToString() if timeout_ms > 0 else b""
        buffer = ctypes.byref(capi.buffer_of(options)) if options else None
        with capi.checked(self._library) as status:
            self._library.TF_SessionRun(
                self._session,
                buffer,
                run.inputs,
                given,
                len(given),
                run.outputs,
                taken,
                len(taken),
                None,
                0,
                None,
                status,
            )

    def _prepared(self, feeds: tuple[str, ...], fetches: tuple[str, ...]) -> _Run:
        found = self._runs.get((feeds, fetches))
        if found is None:
            found = _Run(
                self._outputs(feeds, "FeedInputs: unable to find feed output {}"),
                self._outputs(fetches, "FetchOutputs node {}: not found"),
            )
            if len(self._runs) >= _MOST_RUNS:
                self._runs.clear()
            self._runs[feeds, fetches] = found
        return found

    def _outputs(self, names: Iterable[str], complaint: str) -> Any:
        """TF_Outputs of tensor names; NOT_FOUND as ``graph/subgraph.cc`` has it."""
        found = []
        for name in names:
            operation, _, index = name.partition(":")
            address = self._library.TF_GraphOperationByName(self._graph, operation.encode())
            if not address:
                raise StatusError(Code.NOT_FOUND, complaint.format(name))
            found.append(capi.Output(address, int(index or 0)))
        return (capi.Output * len(found))(*found)


def load(path: str, settings: SessionSettings) -> SavedModel:
    """Load a version directory; a StatusError carries the code and text of the C++ loader."""
    _check_kind(path)
    library = _library()
    config = runtime.session_config(
        settings.intra_op_threads, settings.inter_op_threads, settings.gpu_fraction, settings.session_config
    ).SerializeToString()
    graph = library.TF_NewGraph()
    try:
        with capi.session_options(library, config) as options, capi.empty_buffer(library) as meta_graph:
            session = _load(library, path, sorted(settings.tags), (options, graph, meta_graph))
            return SavedModel(graph, session, signatures_in(meta_graph.contents))
    except BaseException:
        library.TF_DeleteGraph(graph)
        raise


def _load(library: Any, path: str, tags: Sequence[str], into: tuple[Any, Any, Any]) -> capi.Pointer:
    options, graph, meta_graph = into
    names = (ctypes.c_char_p * len(tags))(*(tag.encode() for tag in tags))
    with capi.checked(library) as status:
        return library.TF_LoadSessionFromSavedModel(
            options, None, os.fsencode(path), names, len(tags), graph, meta_graph, status
        )


def _library() -> Any:
    try:
        return runtime.library()
    except capi.UnusableError as error:
        raise StatusError(Code.INTERNAL, str(error)) from error


def _check_kind(path: str) -> None:
    """What is asked before the loader: an export of TensorFlow 0 is refused first, then what is no SavedModel."""
    if _exists(path, "export.meta"):
        raise StatusError(Code.UNIMPLEMENTED, "Session Bundle is deprecated and removed.")
    if not any(_exists(path, name) for name in ("saved_model.pb", "saved_model.pbtxt", "saved_model.cpb")):
        raise StatusError(
            Code.NOT_FOUND,
            "Specified file path does not appear to contain a SavedModel bundle (should have a file called "
            f"`saved_model.pb`)\nSpecified file path: {path}",
        )


def _exists(path: str, name: str) -> bool:
    return os.access(os.path.join(path, name), os.F_OK)  # noqa: PTH118  # the call tsl's FileExists makes
