"""TensorFlow in this process, loaded late, once, and quietly.

Here: the one library all of TensorFlow is in, as the loader calls it (``library``), and the Python package, as the
sample export needs it (``tensorflow``). The server itself never imports that package: what it needs is TensorFlow's C
API, a sixth of the time to load and half the memory. ``serve`` calls ``prepare`` in a thread at start, so that ports
open while the library is still being loaded; the first load waits for it.

Not here: the functions of the C API (capi), what is done with them (savedmodel).
"""

import contextlib
import ctypes
import gc
import importlib.util
import logging
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from reconciler.modelserver import capi
from reconciler.wire.stubs import config_pb2

_FILES = ("libtensorflow_cc.so.2", "libtensorflow_cc.2.dylib")
_once = threading.Lock()
_opened: list[Any] = []
_journal = logging.getLogger("reconciler.modelserver")


def library() -> Any:
    """TensorFlow's C API; the first call takes a moment, calls meanwhile wait for it. Raises ``capi.UnusableError``."""
    with _once:
        if not _opened:
            _set_environment()
            with _without_native_chatter():
                _opened.append(capi.open_library(_find()))
        return _opened[0]


def tensorflow() -> Any:
    """The TensorFlow package, for exporting. The first call takes seconds; calls meanwhile wait for it."""
    with _once:
        _set_environment()
        with _without_native_chatter():
            import tensorflow as tf
        logging.getLogger("tensorflow").setLevel(logging.ERROR)
    return tf


def prepare() -> None:
    """Load TensorFlow and start its devices, as a first step of a server. What is wrong with it is said at once."""
    try:
        opened = library()
        with _without_native_chatter(), capi.session_options(opened, session_config().SerializeToString()) as options:
            capi.start_devices(opened, options)
        gc.collect()
        gc.freeze()  # what stands by now stays: no later collection need visit it in the middle of a request
    except Exception as error:
        _journal.error("No model can be loaded: %s", error)


def session_config(intra: int = 0, inter: int = 0, gpu_fraction: float = 0.0, given: bytes = b"") -> Any:
    """How every session is set up: what a configuration file gave, and on top of it the flags (``server.cc``).

    GPU memory grows on demand, so that two servers can share one GPU; ``gpu_fraction`` limits it. Soft placement stays
    off as in the real server: a graph pinned to a device that is not there does not load.
    """
    config = config_pb2.ConfigProto.FromString(given)
    config.intra_op_parallelism_threads = intra or config.intra_op_parallelism_threads
    config.inter_op_parallelism_threads = inter or config.inter_op_parallelism_threads
    config.gpu_options.allow_growth = True
    config.gpu_options.per_process_gpu_memory_fraction = gpu_fraction
    return config


def give_memory_back() -> None:
    """Hand pages that nothing uses any more back to the system, where the C library can."""
    with contextlib.suppress(AttributeError):
        ctypes.CDLL(None).malloc_trim(0)


def _set_environment() -> None:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("TF_ONEDNN_USE_SYSTEM_ALLOCATOR", "1")  # its own pool never gives memory back


def _find() -> Path:
    installed = importlib.util.find_spec("tensorflow")  # finds, does not import
    for folder in installed.submodule_search_locations or () if installed else ():
        for name in _FILES:
            if (Path(folder) / name).exists():
                return Path(folder) / name
    raise capi.UnusableError(f"TensorFlow is not installed, or without {_FILES[0]}; install tensorflow>=2.18,<3")


@contextlib.contextmanager
def _without_native_chatter() -> Iterator[None]:
    """Send file descriptor 2 to nowhere: before its logging is set up, TensorFlow's C++ heeds no log level.

    Only while TensorFlow starts. The server's own journal writes to a copy of the descriptor made before.
    """
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)
