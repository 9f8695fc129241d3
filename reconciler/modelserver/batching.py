"""Batching: concurrent requests of one version, with the same inputs and outputs, become one run of its session.

Here: the threads that compute batches, shared by all versions as in the real server, and the wrapper that makes a
loaded version batch its runs. Built by ``serve`` with ``--enable_batching``; ``loader`` wraps each version. Every
combination of inputs and outputs has a queue of its own, declared signature or not, as TensorFlow Serving's
batching/batching_session.cc has them. A request waits in its inference thread; batches run in threads of their own, so
neither holds up the event loop.

One rule is not kept: newer C++ never wakes a batch whose requests all have no rows; here it runs.
Not here: the rules of a queue (batchqueue), tensors (batchtensors), parameters (batchparameters).
"""

import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from pathlib import Path

from reconciler.modelserver import batchparameters, batchtensors
from reconciler.modelserver.batchparameters import BatchingParameters
from reconciler.modelserver.batchqueue import BatchQueue
from reconciler.modelserver.savedmodel import SavedModel
from reconciler.modelserver.statuses import Code, StatusError
from reconciler.modelserver.telemetry import Telemetry
from reconciler.modelserver.tensors import Array

_PARAMETERS_FILE = "batching_params.pbtxt"
Signature = tuple[frozenset[str], frozenset[str]]
ReadParameters = Callable[[str], BatchingParameters]
"""Reads a file of parameters; a StatusError says why it cannot."""


@dataclass(slots=True)
class _Task:
    """The rows of one request, or a piece of them, on their way into a batch."""

    feeds: Mapping[str, Array]
    size: int
    deadline: float | None
    queued: float = 0.0
    outputs: "Future[dict[str, Array]]" = field(default_factory=Future)


@dataclass(slots=True)
class _Line:
    """A queue, and who computes its batches."""

    queue: BatchQueue[_Task]
    compute: Callable[[list[_Task]], None]


class Scheduler:
    """Threads that take batches from all queues in turn. They end with the process, or with ``close``."""

    def __init__(self, threads: int) -> None:
        self._changed = threading.Condition()
        self._lines: list[_Line] = []
        self._closed = False
        for number in range(threads):
            threading.Thread(target=self._work, name=f"batch_threads_{number}", daemon=True).start()

    def add_line(self, line: _Line) -> None:
        """Take batches from one more queue."""
        with self._changed:
            self._lines.append(line)

    def remove_lines(self, lines: Sequence[_Line]) -> None:
        """Forget queues; nothing may wait in them any more."""
        with self._changed:
            self._lines = [line for line in self._lines if line not in lines]

    def schedule(self, line: _Line, task: _Task) -> list[_Task]:
        """Queue a task, in pieces if it has to be; returns them. A StatusError refuses it."""
        with self._changed:
            sizes = line.queue.pieces(task.size)
            pieces = [task] if len(sizes) == 1 else _pieces(task, sizes)
            now = time.monotonic()
            for piece in pieces:
                piece.queued = now
            line.queue.add(pieces, now)
            self._changed.notify()
        return pieces

    def waiting(self, lines: Iterable[_Line]) -> list[int]:
        """How many tasks wait in each of these queues."""
        with self._changed:
            return [len(line.queue) for line in lines]

    def close(self) -> None:
        """Let idle threads end."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _work(self) -> None:
        while (found := self._next()) is not None:
            line, tasks = found
            line.compute(tasks)

    def _next(self) -> tuple[_Line, list[_Task]] | None:
        with self._changed:
            while not self._closed:
                now = time.monotonic()
                for line in self._lines:
                    tasks = line.queue.take(now)
                    if tasks is not None:
                        self._lines.remove(line)
                        self._lines.append(line)  # the others first, next time
                        self._changed.notify()  # there may be more for another thread
                        return line, tasks
                due = min((at for line in self._lines if (at := line.queue.due()) is not None), default=None)
                self._changed.wait(None if due is None else max(due - now, 0))
        return None


def _pieces(task: _Task, sizes: Sequence[int]) -> list[_Task]:
    starts = [sum(sizes[:number]) for number in range(len(sizes))]
    return [
        _Task({name: value[at : at + size] for name, value in task.feeds.items()}, size, task.deadline)
        for at, size in zip(starts, sizes, strict=True)
    ]


class BatchedModel(SavedModel):
    """A loaded version whose runs are batched."""

    def __init__(
        self, inner: SavedModel, parameters: BatchingParameters, scheduler: Scheduler, telemetry: Telemetry
    ) -> None:
        self.signatures = inner.signatures
        self._inner = inner
        self._parameters = parameters
        self._scheduler = scheduler
        self._telemetry = telemetry
        self._lines: dict[Signature, _Line] = {}
        self._adding = threading.Lock()

    def run(self, feeds: Mapping[str, Array], fetches: Sequence[str], timeout_ms: int = 0) -> list[Array]:
        """As SavedModel has it; other requests may share the run, and what fails for one then fails for all."""
        rows = batchtensors.rows_of(feeds)
        deadline = time.monotonic() + timeout_ms / 1000 if timeout_ms > 0 else None
        line = self._line((frozenset(feeds), frozenset(fetches)))
        parts = [piece.outputs.result() for piece in self._scheduler.schedule(line, _Task(feeds, rows, deadline))]
        if len(parts) == 1:
            return [parts[0][name] for name in fetches]
        return [batchtensors.concatenated([part[name] for part in parts]) for name in fetches]

    def close(self) -> None:
        """As SavedModel has it."""
        with self._adding:
            lines = list(self._lines.values())
            self._lines.clear()
        self._scheduler.remove_lines(lines)
        self._inner.close()

    def waiting(self) -> list[int]:
        """How many requests wait in each queue."""
        with self._adding:
            return self._scheduler.waiting(self._lines.values())

    def _line(self, signature: Signature) -> _Line:
        with self._adding:
            found = self._lines.get(signature)
            if found is None:
                fetches = sorted(signature[1])
                found = _Line(BatchQueue(self._parameters), lambda tasks: self._compute(tasks, fetches))
                self._lines[signature] = found
                self._scheduler.add_line(found)
            return found

    def _compute(self, tasks: list[_Task], fetches: list[str]) -> None:
        try:
            outputs = self._outputs(tasks, fetches)
        except Exception as error:
            for task in tasks:
                task.outputs.set_exception(_copy(error))
        else:
            for number, task in enumerate(tasks):
                task.outputs.set_result({name: parts[number] for name, parts in outputs.items()})

    def _outputs(self, tasks: list[_Task], fetches: list[str]) -> dict[str, list[Array]]:
        now = time.monotonic()
        for task in tasks:
            self._telemetry.queued("", now - task.queued)
        timeout_ms = _timeout_ms(tasks, now)
        merged = batchtensors.joined([task.feeds for task in tasks], self._parameters)
        self._telemetry.batch_ran()
        values = self._inner.run(merged, fetches, timeout_ms)
        sizes = [task.size for task in tasks]
        padding = batchtensors.padded_size(sum(sizes), self._parameters.allowed_batch_sizes) - sum(sizes)
        return {name: batchtensors.split(value, sizes, padding) for name, value in zip(fetches, values, strict=True)}


def _timeout_ms(tasks: Sequence[_Task], now: float) -> int:
    """The time the most patient request has left; 0 is no limit."""
    deadlines = [task.deadline for task in tasks if task.deadline is not None]
    if len(deadlines) < len(tasks):
        return 0
    left = max(deadlines) - now
    if left <= 0:
        raise StatusError(Code.RESOURCE_EXHAUSTED, "Run() timeout exceeded while waiting in batching queue")
    return max(1, int(left * 1000))


def _copy(error: Exception) -> Exception:
    """An error of its own for each waiting thread, as each adds its own traceback."""
    return StatusError(error.status.code, error.status.message) if isinstance(error, StatusError) else error


@dataclass(frozen=True, slots=True)
class Batching:
    """``--enable_batching``: wraps every version that is loaded."""

    parameters: BatchingParameters
    telemetry: Telemetry
    scheduler: Scheduler
    read: ReadParameters | None = None
    """With ``--enable_per_model_batching_parameters``: reads the file a version may bring along."""

    def __call__(self, saved_model: SavedModel, path: str) -> SavedModel:
        """The version with batching; or without, if versions bring their own parameters and this one has none."""
        parameters = self.parameters
        if self.read is not None:
            file = Path(path) / _PARAMETERS_FILE
            if not file.exists():
                return saved_model
            parameters = replace(self.read(str(file)), num_batch_threads=parameters.num_batch_threads)
        batchparameters.check_queue(parameters)
        return BatchedModel(saved_model, parameters, self.scheduler, self.telemetry)
