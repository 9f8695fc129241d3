"""One graph in a session of TensorFlow's C++: run it, end it.

Here: from names and arrays to ``TF_SessionRun`` and back. Used by ``savedmodel`` for what was loaded and by
``tfrecords`` for a graph of its own. A run goes to ``Session::Run`` as a request of TensorFlow Serving does: no shape
is compared with anything, types are checked by the runtime. It does not hold Python's global lock.

Not here: where a session comes from (savedmodel, tfrecords), copies of values (ctensors).
"""

import ctypes
import re
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from reconciler.modelserver import capi, ctensors, runtime
from reconciler.modelserver.ctensors import Array
from reconciler.modelserver.statuses import Code, StatusError
from reconciler.wire.stubs import config_pb2

_TENSOR = re.compile(r"(.+):([0-9]{1,9})")
_UNKNOWN_FEED = "FeedInputs: unable to find feed output {}"  # these words are those of graph/subgraph.cc
_NO_SUCH_FEED = "FeedInputs: {} should have output index < {}"
_UNKNOWN_FETCH = "FetchOutputs node {}: not found"
_NO_SUCH_FETCH = "FetchOutputs {}: output index too large, must be < {}"
_UNKNOWN_TARGET = "PruneForTargets: Some target nodes not found: {} "
_MOST_RUNS = 256  # combinations of feeds and fetches remembered; clients choose them, so there is a limit


_TIMED_OUT = "Timed out waiting for notification"
_SHARED, _CALLER = 0, -1  # RunOptions.inter_op_thread_pool


@dataclass(frozen=True, slots=True)
class _Run:
    """Feeds, fetches and targets as the C API wants them."""

    inputs: Any
    outputs: Any
    targets: Any


def _options(pool: int, timeout_ms: int) -> capi.Buffer:
    options = config_pb2.RunOptions(inter_op_thread_pool=pool, timeout_in_ms=timeout_ms)
    return capi.Buffer.showing(options.SerializeToString())


class Session:
    """A TF_Session with its TF_Graph; both are its own from now on. A ``simple`` graph runs in the thread that asks."""

    def __init__(self, graph: capi.Pointer, session: capi.Pointer, *, simple: bool = False) -> None:
        self._library = runtime.library()
        self._graph = graph
        self._session = session
        self._pool = _CALLER if simple else _SHARED
        self._options = _options(self._pool, 0)
        self._runs: dict[tuple[Sequence[str], ...], _Run] = {}
        self._closing = threading.Lock()

    def run(
        self,
        feeds: Mapping[str, Array],
        fetches: Sequence[str] = (),
        targets: Sequence[str] = (),
        timeout_ms: int = 0,
    ) -> list[Array]:
        """Fetch tensors by name while feeding others by name. Safe in many threads at once.

        After ``timeout_ms`` (0: never) it ends in DEADLINE_EXCEEDED, in TensorFlow's words; what is being computed then
        is cancelled, and waited for.
        """
        run = self._prepared(tuple(feeds), tuple(fetches), tuple(targets))
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
        options = self._options if timeout_ms <= 0 else _options(self._pool, timeout_ms)
        ends = time.monotonic() + timeout_ms / 1000
        fed, fetched = (run.inputs, given, len(given)), (run.outputs, taken, len(taken))
        with capi.checked(self._library) as status:
            self._library.TF_SessionRun(
                self._session, options, *fed, *fetched, run.targets, len(run.targets), None, status
            )

        if timeout_ms > 0 and self._pool == _CALLER and time.monotonic() > ends:
            raise StatusError(Code.DEADLINE_EXCEEDED, _TIMED_OUT)  # TensorFlow did not look while it computed itself

    def _prepared(self, *names: tuple[str, ...]) -> _Run:
        found = self._runs.get(names)
        if found is None:
            feeds, fetches, targets = names
            inputs = [self._output(name, _UNKNOWN_FEED, _NO_SUCH_FEED) for name in feeds]
            outputs = [self._output(name, _UNKNOWN_FETCH, _NO_SUCH_FETCH) for name in fetches]
            operations = [self._operation(name, _UNKNOWN_TARGET.format(name)) for name in targets]
            found = _Run(
                (capi.Output * len(inputs))(*inputs),
                (capi.Output * len(outputs))(*outputs),
                (ctypes.c_void_p * len(operations))(*operations),
            )
            if len(self._runs) >= _MOST_RUNS:
                self._runs.clear()
            self._runs[names] = found
        return found

    def _output(self, name: str, unknown: str, no_such: str) -> capi.Output:
        matched = _TENSOR.fullmatch(name)
        operation_name, index = (matched[1], int(matched[2])) if matched else (name, 0)
        operation = self._operation(operation_name, unknown.format(name))
        count = self._library.TF_OperationNumOutputs(operation)
        if index >= count:
            raise StatusError(Code.INVALID_ARGUMENT, no_such.format(name, count))
        return capi.Output(operation, index)

    def _operation(self, name: str, complaint: str) -> capi.Pointer:
        found = self._library.TF_GraphOperationByName(self._graph, name.encode())
        if not found:
            raise StatusError(Code.NOT_FOUND, complaint)
        return found
