"""TensorFlow in this process: imported late, once, and quietly.

Here: the only ``import tensorflow`` of the model server. ``serve`` calls ``tensorflow()`` in a thread at start, so that
ports open while it is still importing; the first load waits for it. Used by the loader and by the sample export.

Not here: what is done with it.
"""

import contextlib
import gc
import logging
import os
import threading
from collections.abc import Iterator
from typing import Any

_once = threading.Lock()
_journal = logging.getLogger("reconciler.modelserver")


def tensorflow() -> Any:
    """The TensorFlow package. The first call takes seconds; calls meanwhile wait for it."""
    with _once:
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
        os.environ.setdefault("TF_ONEDNN_USE_SYSTEM_ALLOCATOR", "1")  # its own pool never gives memory back
        with _without_native_chatter():
            import tensorflow as tf
        logging.getLogger("tensorflow").setLevel(logging.ERROR)
    return tf


def prepare() -> None:
    """Import TensorFlow and start its devices, as a first step of a server; a failure is reported by the first load."""
    try:
        tf = tensorflow()
        with _without_native_chatter():
            tf.compat.v1.Session(graph=tf.Graph(), config=session_config(tf)).close()
        gc.collect()
        gc.freeze()  # half a million objects that stay for ever: a collection after an unload need not visit them
    except Exception:
        _journal.exception("TensorFlow cannot be imported")


def session_config(tf: Any, intra: int = 0, inter: int = 0, gpu_fraction: float = 0.0) -> Any:
    """How every session is set up. GPU memory grows on demand, so that two servers can share one GPU."""
    config = tf.compat.v1.ConfigProto(
        allow_soft_placement=True, intra_op_parallelism_threads=intra, inter_op_parallelism_threads=inter
    )
    config.gpu_options.allow_growth = True
    config.gpu_options.per_process_gpu_memory_fraction = gpu_fraction
    return config


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
