"""TensorFlow's C API, as far as the server calls it.

Here: the functions with their types, statuses as errors, buffers and options with an end. The C API (``c_api.h``,
``tf_tensor.h``, ``tf_tstring.h``) is the public and stable one that every language but Python uses; it loads a
SavedModel by the very function TensorFlow Serving calls, and no long call of it holds Python's global lock. Used by
``runtime`` (opens the library), ``ctensors`` and ``savedmodel``.

Not here: where the library is (runtime), tensors (ctensors).
"""

import contextlib
import ctypes
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

from reconciler.modelserver.core import Code
from reconciler.modelserver.statuses import StatusError

Pointer = Any
"""An address as ctypes hands it out: an int, or None for null."""

STRING_SIZE = 24
"""``sizeof(TF_TString)``."""


class UnusableError(RuntimeError):
    """The installed TensorFlow is not one this server can call."""


class Buffer(ctypes.Structure):
    """``TF_Buffer``: bytes in TensorFlow's hands, or ours shown to it."""

    _fields_: ClassVar = [("data", ctypes.c_void_p), ("length", ctypes.c_size_t), ("deallocator", ctypes.c_void_p)]
    _kept: bytes

    @classmethod
    def showing(cls, content: bytes) -> "Buffer":
        """One around bytes of ours, which live as long as it does."""
        buffer = cls(ctypes.cast(ctypes.c_char_p(content), ctypes.c_void_p), len(content), None)
        buffer._kept = content
        return buffer


class Output(ctypes.Structure):
    """``TF_Output``: one output of one operation of a graph."""

    _fields_: ClassVar = [("operation", ctypes.c_void_p), ("index", ctypes.c_int)]


Deallocator = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_void_p)
_P, _I, _S, _N = ctypes.c_void_p, ctypes.c_int, ctypes.c_char_p, ctypes.c_size_t
_FUNCTIONS: dict[str, tuple[Any, ...]] = {  # name: result, arguments
    "TF_NewStatus": (_P,),
    "TF_DeleteStatus": (None, _P),
    "TF_GetCode": (_I, _P),
    "TF_Message": (_S, _P),
    "TF_NewBuffer": (ctypes.POINTER(Buffer),),
    "TF_DeleteBuffer": (None, ctypes.POINTER(Buffer)),
    "TF_NewGraph": (_P,),
    "TF_DeleteGraph": (None, _P),
    "TF_GraphOperationByName": (_P, _P, _S),
    "TF_OperationNumOutputs": (_I, _P),
    "TF_GraphImportGraphDef": (None, _P, ctypes.POINTER(Buffer), _P, _P),
    "TF_NewImportGraphDefOptions": (_P,),
    "TF_DeleteImportGraphDefOptions": (None, _P),
    "TF_NewSessionOptions": (_P,),
    "TF_DeleteSessionOptions": (None, _P),
    "TF_SetConfig": (None, _P, _S, _N, _P),
    "TF_NewSession": (_P, _P, _P, _P),
    "TF_LoadSessionFromSavedModel": (_P, _P, _P, _S, ctypes.POINTER(_S), _I, _P, ctypes.POINTER(Buffer), _P),
    "TF_SessionRun": (None, _P, ctypes.POINTER(Buffer), _P, _P, _I, _P, _P, _I, _P, _I, _P, _P),
    "TF_CloseSession": (None, _P, _P),
    "TF_DeleteSession": (None, _P, _P),
    "TF_AllocateTensor": (_P, _I, _P, _I, _N),
    "TF_NewTensor": (_P, _I, _P, _I, _P, _N, Deallocator, _P),
    "TF_DeleteTensor": (None, _P),
    "TF_TensorType": (_I, _P),
    "TF_NumDims": (_I, _P),
    "TF_Dim": (ctypes.c_int64, _P, _I),
    "TF_TensorByteSize": (_N, _P),
    "TF_TensorData": (_P, _P),
    "TF_StringInit": (None, _P),
    "TF_StringCopy": (None, _P, _S, _N),
    "TF_StringGetDataPointer": (_P, _P),
    "TF_StringGetSize": (_N, _P),
    "TF_StringDealloc": (None, _P),
}


_LONG = {  # these give up Python's lock while they run; for the others giving it up and waiting for it costs more
    "TF_GraphImportGraphDef",
    "TF_NewSession",
    "TF_LoadSessionFromSavedModel",
    "TF_SessionRun",
    "TF_CloseSession",
    "TF_DeleteSession",
    "TF_DeleteGraph",
}


def open_library(path: Path) -> Any:
    """Load the library; its functions, with their types. UnusableError names what is missing."""
    try:
        freeing, holding = ctypes.CDLL(str(path)), ctypes.PyDLL(str(path))
    except OSError as error:
        raise UnusableError(f"TensorFlow's library cannot be loaded: {error}") from error
    found = SimpleNamespace()
    for name, (result, *arguments) in _FUNCTIONS.items():
        try:
            function = getattr(freeing if name in _LONG else holding, name)
        except AttributeError:
            raise UnusableError(
                f"TensorFlow's C API in {path} has no {name}; this server needs tensorflow>=2.18,<3"
            ) from None
        function.restype, function.argtypes = result, arguments
        setattr(found, name, function)
    return found


@contextlib.contextmanager
def checked(library: Any) -> Iterator[Pointer]:
    """A TF_Status for one call; an error in it is raised as a StatusError, code and text as C++ wrote them."""
    status = library.TF_NewStatus()
    try:
        yield status
        code = library.TF_GetCode(status)
        if code:
            raise StatusError(Code(code), library.TF_Message(status).decode("utf-8", "surrogateescape"))
    finally:
        library.TF_DeleteStatus(status)


@contextlib.contextmanager
def session_options(library: Any, config: bytes) -> Iterator[Pointer]:
    """TF_SessionOptions that say what a serialised ConfigProto says."""
    options = library.TF_NewSessionOptions()
    try:
        with checked(library) as status:
            library.TF_SetConfig(options, config, len(config), status)
        yield options
    finally:
        library.TF_DeleteSessionOptions(options)


@contextlib.contextmanager
def empty_buffer(library: Any) -> Iterator[Any]:
    """A TF_Buffer for TensorFlow to fill."""
    buffer = library.TF_NewBuffer()
    try:
        yield buffer
    finally:
        library.TF_DeleteBuffer(buffer)


def start_devices(library: Any, options: Pointer) -> None:
    """Open and close a session without a graph: the first one starts threads and GPUs."""
    graph = library.TF_NewGraph()
    try:
        with checked(library) as status:
            session = library.TF_NewSession(graph, options, status)
        close_session(library, session)
    finally:
        library.TF_DeleteGraph(graph)


def close_session(library: Any, session: Pointer) -> None:
    """End a session and free what it holds."""
    with checked(library) as status:
        library.TF_CloseSession(session, status)
    with checked(library) as status:
        library.TF_DeleteSession(session, status)
