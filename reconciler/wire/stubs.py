"""The TensorFlow Serving stubs, without TensorFlow.

What is here: every generated message and service module the project uses, as names to import. This is the only file
that may import ``tensorflow_serving`` or ``tensorflow.core``; adapters, observe, execute and the model server's fronts
take the modules from here.

Why it is not five import lines: the generated files say ``from tensorflow.core.framework import tensor_pb2``, and
importing anything below ``tensorflow`` first runs ``tensorflow/__init__.py``: 2 seconds, 640 MB, and a GPU if there is
one. The ``_pb2`` files themselves need none of it; they only need a *package* of that name whose path leads to the
installed files. So, unless TensorFlow is loaded already:

1. a finder that answers for the name ``tensorflow``, in this thread only, hands out an empty package with that path;
2. "running" that empty package means importing the stubs;
3. then the import of the empty package *fails on purpose*. Python takes a package whose import failed out of
   ``sys.modules`` again, so a later real ``import tensorflow`` in this process starts from nothing and works. The
   ``tensorflow.core…`` modules stay, and the real package goes on with them: protobuf forbids loading them twice.

Doing it inside the import system gives thread safety for nothing: Python holds its import lock for ``tensorflow`` from
step 1 to step 3, so another thread that imports the real one waits, finds the name free, and loads it properly.

Deliberately not here: conversions of any kind, channels, and TensorFlow itself.
"""

import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import sys
import threading
from collections.abc import Sequence
from types import ModuleType

_STUBS = (
    "tensorflow_serving.apis.prediction_log_pb2",  # brings all of apis, and through it tensorflow.core
    "tensorflow_serving.apis.get_model_metadata_pb2",
    "tensorflow_serving.apis.model_service_pb2_grpc",
    "tensorflow_serving.apis.prediction_service_pb2_grpc",
    "tensorflow_serving.config.model_server_config_pb2",
    "tensorflow.core.protobuf.config_pb2",
    "tensorflow.core.protobuf.error_codes_pb2",
    "tensorflow.core.protobuf.saved_model_pb2",
)


class _StubsImportedError(ImportError):
    """Ends the import of the empty package; never seen outside this file."""


class _EmptyTensorFlow(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds, for this thread and once, a ``tensorflow`` that has a path and no code."""

    def __init__(self, path: Sequence[str]) -> None:
        self._path = path
        self._thread = threading.get_ident()

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """Answer only for the package itself; everything below it is found through its path as usual."""
        if fullname != "tensorflow" or threading.get_ident() != self._thread:
            return None
        spec = importlib.machinery.ModuleSpec(fullname, self, is_package=True)
        spec.submodule_search_locations = list(self._path)
        return spec

    def exec_module(self, module: ModuleType) -> None:
        """Import the stubs below the empty package, then have it taken away again."""
        for name in _STUBS:
            importlib.import_module(name)
        raise _StubsImportedError(module.__name__)


def _import_stubs_without_tensorflow() -> None:
    installed = importlib.util.find_spec("tensorflow")  # finds, does not import
    if installed is None or installed.submodule_search_locations is None:
        raise ModuleNotFoundError("TensorFlow is not installed; the serving stubs need its protocol files")
    finder = _EmptyTensorFlow(installed.submodule_search_locations)
    sys.meta_path.insert(0, finder)
    try:
        importlib.import_module("tensorflow")
    except _StubsImportedError:
        pass
    finally:
        sys.meta_path.remove(finder)


if "tensorflow" in sys.modules:
    importlib.import_module("tensorflow")  # waits, should another thread be in the middle of importing it
else:
    _import_stubs_without_tensorflow()

# All of these are loaded by now: the lines below only give them names, and Python does not look for a parent again.
from tensorflow.core.framework import graph_pb2, node_def_pb2, tensor_pb2, tensor_shape_pb2, types_pb2  # noqa: E402
from tensorflow.core.protobuf import config_pb2, error_codes_pb2, meta_graph_pb2, saved_model_pb2  # noqa: E402
from tensorflow_serving.apis import (  # noqa: E402
    classification_pb2,
    get_model_metadata_pb2,
    get_model_status_pb2,
    inference_pb2,
    input_pb2,
    model_management_pb2,
    model_pb2,
    model_service_pb2,
    model_service_pb2_grpc,
    predict_pb2,
    prediction_log_pb2,
    prediction_service_pb2,
    prediction_service_pb2_grpc,
    regression_pb2,
    status_pb2,
)
from tensorflow_serving.config import (  # noqa: E402
    file_system_storage_path_source_pb2,
    logging_config_pb2,
    model_server_config_pb2,
)

__all__ = [
    "classification_pb2",
    "config_pb2",
    "error_codes_pb2",
    "file_system_storage_path_source_pb2",
    "get_model_metadata_pb2",
    "get_model_status_pb2",
    "graph_pb2",
    "inference_pb2",
    "input_pb2",
    "logging_config_pb2",
    "meta_graph_pb2",
    "model_management_pb2",
    "model_pb2",
    "model_server_config_pb2",
    "model_service_pb2",
    "model_service_pb2_grpc",
    "node_def_pb2",
    "predict_pb2",
    "prediction_log_pb2",
    "prediction_service_pb2",
    "prediction_service_pb2_grpc",
    "regression_pb2",
    "saved_model_pb2",
    "status_pb2",
    "tensor_pb2",
    "tensor_shape_pb2",
    "types_pb2",
]
