"""One queue of requests that become batches: TensorFlow's ``internal::Queue`` without threads and clocks.

Here: what may enter, which batch it joins, when a batch may leave. The rules and texts are those of
tensorflow/core/kernels/batching_util/shared_batch_scheduler.h. Used by ``batching``, which holds a lock around every
call and supplies the time. Not here: threads, tensors.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar

from reconciler.modelserver.batchparameters import BatchingParameters
from reconciler.modelserver.statuses import Code, StatusError, invalid_argument


class Sized(Protocol):
    """What waits in a queue."""

    @property
    def size(self) -> int:
        """How many rows it has."""


Task = TypeVar("Task", bound=Sized)


@dataclass(slots=True)
class _Batch(Generic[Task]):
    tasks: list[Task] = field(default_factory=list)
    size: int = 0
    opened: float = 0.0


class BatchQueue(Generic[Task]):
    """Batches in the order of their requests; the last one is open, the others only wait for a thread."""

    def __init__(self, parameters: BatchingParameters) -> None:
        self._parameters = parameters
        self._patience = parameters.batch_timeout_micros / 1e6
        self._batches: deque[_Batch[Task]] = deque([_Batch()])

    def pieces(self, size: int) -> list[int]:
        """The sizes a request of that size is taken in: itself, unless large ones are split. Refuses what is too much.

        Raises INVALID_ARGUMENT for a request above the limit, UNAVAILABLE if the queue is full.
        """
        limit = self._parameters.max_batch_size
        if size > limit:
            raise invalid_argument(f"Task size {size} is larger than maximum input batch size {limit}")
        if not self._parameters.enable_large_batch_splitting:
            self._check_room(size)
            return [size]
        room = self._check_capacity(size)
        if size <= room:
            return [size]
        largest = self._parameters.max_execution_batch_size
        rest = size - room
        return [
            *([room] if room else []),
            *([largest] * (rest // largest)),
            *([rest % largest] if rest % largest else []),
        ]

    def add(self, tasks: Sequence[Task], now: float) -> None:
        """Let tasks in, whose sizes ``pieces`` has given."""
        for task in tasks:
            if self._batches[-1].size + task.size > self._parameters.largest_batch:
                self._batches.append(_Batch())
            batch = self._batches[-1]
            if not batch.tasks:
                batch.opened = now
            batch.tasks.append(task)
            batch.size += task.size

    def __len__(self) -> int:
        """How many tasks wait."""
        return sum(len(batch.tasks) for batch in self._batches)

    def take(self, now: float) -> list[Task] | None:
        """The next batch that may be computed, if there is one."""
        if len(self._batches) == 1:
            due = self.due()
            if due is None or due > now:
                return None
            self._batches.append(_Batch())
        return self._batches.popleft().tasks

    def due(self) -> float | None:
        """When a batch may be taken: now or before now if one is full, None if there is none."""
        batch = self._batches[0]
        if not batch.tasks:
            return None
        ready = len(self._batches) > 1 or batch.size >= self._parameters.largest_batch
        return batch.opened if ready else batch.opened + self._patience

    def _check_room(self, size: int) -> None:
        most = max(self._parameters.max_enqueued_batches, 1)
        if self._batches[-1].size + size > self._parameters.max_batch_size and len(self._batches) >= most:
            raise StatusError(
                Code.UNAVAILABLE,
                "The batch scheduling queue to which this task was submitted is full; currently "
                f"{len(self._batches)} batches enqueued and max_enqueued_batches is {most}",
            )

    def _check_capacity(self, size: int) -> int:
        """The room left in the open batch."""
        count, most = len(self._batches), self._parameters.max_enqueued_batches
        largest, opened = self._parameters.max_execution_batch_size, self._batches[-1].size
        capacity = (most - count) * largest + largest - opened
        if size > capacity:
            raise StatusError(
                Code.UNAVAILABLE,
                f"The batch scheduling queue to which this task was submitted is full; task size is {size} but "
                f"scheduling capacity is only {capacity} (num_enqueued_batches={count}, max_enqueued_batches={most}, "
                f"open_batch_size={opened}, max_execution_batch_size={largest})",
            )
        return largest - opened
