"""A SavedModel, loaded by the loader TensorFlow Serving has.

Here: loading a version directory, and running it by the tensor names of its signatures. Called by ``loader`` and, for
runs, by predict and its siblings. ``TF_LoadSessionFromSavedModel`` runs TensorFlow's ``cc/saved_model/loader.cc``
itself: choosing the graph by its exact tag set, restoring, assets, the main or the legacy initialisation, and every
code and text a load can fail with; a model without its variables loads and fails when it is used. It does not hold
Python's global lock, so a load of any size leaves other models' requests alone.

What the C++ server asks before it calls that loader is here too (``session_bundle/oss/session_bundle_util.cc``).
Not here: retries and states (the core), metrics and warm-up (loader), checks of a request (predict).
"""

import ctypes
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from reconciler.modelserver import capi, runtime
from reconciler.modelserver.core.looking import join
from reconciler.modelserver.ctensors import Array
from reconciler.modelserver.disk import LocalDisk
from reconciler.modelserver.metagraph import is_simple, signatures_in
from reconciler.modelserver.session import Session
from reconciler.modelserver.statuses import Code, StatusError

Proto = Any  # generated messages carry no types


@dataclass(frozen=True, slots=True)
class SessionSettings:
    """What the command line says about loading."""

    tags: frozenset[str] = frozenset({"serve"})
    intra_op_threads: int = 0
    inter_op_threads: int = 0
    gpu_fraction: float = 0.0
    session_config: bytes = b""
    """A serialised ConfigProto to start from."""


class SavedModel:
    """One loaded version: its signatures, and a session to run them in."""

    def __init__(self, session: Session, signatures: Mapping[str, Proto]) -> None:
        self.signatures = signatures
        self._session = session

    def run(self, feeds: Mapping[str, Array], fetches: Sequence[str], timeout_ms: int = 0) -> list[Array]:
        """Fetch tensors by name while feeding others by name. Safe in many threads at once.

        After ``timeout_ms`` (0: never) it ends in DEADLINE_EXCEEDED, in TensorFlow's words.
        """
        return self._session.run(feeds, fetches, timeout_ms=timeout_ms)

    def close(self) -> None:
        """Give back graph, variables and tables. No run may be under way or follow; a second call does nothing."""
        self._session.close()


def check_kind(path: str) -> None:
    """What is asked before the loader: an export of TensorFlow 0 is refused first, then what is no SavedModel."""
    if _exists(path, "export.meta"):
        raise StatusError(Code.UNIMPLEMENTED, "Session Bundle is deprecated and removed.")
    if not any(_exists(path, name) for name in ("saved_model.pb", "saved_model.cpb", "saved_model.pbtxt")):
        raise StatusError(
            Code.NOT_FOUND,
            "Specified file path does not appear to contain a SavedModel bundle (should have a file called "
            f"`saved_model.pb`)\nSpecified file path: {path}",
        )


def _exists(path: str, name: str) -> bool:
    return LocalDisk().file_exists(join(path, name)).ok


def load(path: str, settings: SessionSettings) -> SavedModel:
    """Load a version directory; a StatusError carries the code and text of the C++ loader."""
    library = _library()
    config = runtime.session_config(
        settings.intra_op_threads, settings.inter_op_threads, settings.gpu_fraction, settings.session_config
    ).SerializeToString()
    graph = library.TF_NewGraph()
    try:
        with capi.session_options(library, config) as options, capi.empty_buffer(library) as meta_graph:
            session = _load(library, path, sorted(settings.tags), (options, graph, meta_graph))
            kept = Session(graph, session, simple=is_simple(meta_graph.contents))
            return SavedModel(kept, signatures_in(meta_graph.contents))
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
