"""What the server does to load a version: the load, its metrics, its warm-up.

Built by ``serve`` and called by the host, in a thread per load. The order is that of TensorFlow Serving's
``saved_model_bundle_source_adapter.cc``; the metrics are those of TensorFlow's ``cc/saved_model/loader.cc``.

Not here: retries, states (the core).
"""

import time
from collections.abc import Callable
from dataclasses import dataclass

from reconciler.modelserver import savedmodel
from reconciler.modelserver.savedmodel import SavedModel, SessionSettings
from reconciler.modelserver.telemetry import Telemetry


@dataclass(frozen=True, slots=True)
class Loader:
    """Loads version directories.

    ``batch`` comes first and gives back the version to serve; ``warm_up`` gets that version and its path. Both may
    refuse it.
    """

    settings: SessionSettings
    telemetry: Telemetry
    warm_up: Callable[[SavedModel, str], None] | None = None
    batch: Callable[[SavedModel, str], SavedModel] | None = None

    def load(self, path: str) -> SavedModel:
        """A version ready to serve; a StatusError carries the code and text of the C++ server."""
        savedmodel.check_kind(path)
        saved_model = self._load(path)
        try:
            if self.batch is not None:
                saved_model = self.batch(saved_model, path)
            if self.warm_up is not None:
                self.warm_up(saved_model, path)
        except BaseException:
            saved_model.close()
            raise
        return saved_model

    def _load(self, path: str) -> SavedModel:
        """Count the try, and how long it took whatever came of it.

        The C API does both stages in one call, so the whole is counted as ``restore_graph`` and ``init_graph`` as 0.
        """
        began, loaded = time.perf_counter(), False
        try:
            saved_model = savedmodel.load(path, self.settings)
            loaded = True
        finally:
            seconds = time.perf_counter() - began
            self.telemetry.load_attempt(path, loaded)
            self.telemetry.load_latency(path, seconds)
        self.telemetry.load_stage(path, "restore_graph", seconds)
        self.telemetry.load_stage(path, "init_graph", 0)
        return saved_model
