"""BatchingParameters: their defaults, and which values make a start or every load fail.

Here: the values of the message as a dataclass, and the checks of servables/tensorflow/bundle_factory_util.cc and of
TensorFlow's shared_batch_scheduler.h. Used by ``startup`` for ``--batching_parameters_file`` and by ``batching`` for
the file a version may bring along. Not here: the message (serverprotos), reading files (textfiles), batching.
"""

import os
from dataclasses import dataclass
from typing import Any

from reconciler.modelserver.statuses import invalid_argument

Proto = Any
_LARGEST = 1000
_WRAPPED = (
    "max_batch_size",
    "batch_timeout_micros",
    "max_enqueued_batches",
    "num_batch_threads",
    "enable_large_batch_splitting",
    "max_execution_batch_size",
)
_SIZES = {"max_batch_size", "max_enqueued_batches", "max_execution_batch_size"}


@dataclass(frozen=True, slots=True)
class BatchingParameters:
    """How requests become batches; the defaults are those of ``SharedBatchScheduler``."""

    max_batch_size: int = _LARGEST
    batch_timeout_micros: int = 0
    max_enqueued_batches: int = 10
    num_batch_threads: int = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    allowed_batch_sizes: tuple[int, ...] = ()
    """A batch is padded to the next of these; empty means any size will do."""
    pad_variable_length_inputs: bool = False
    enable_large_batch_splitting: bool = False
    max_execution_batch_size: int = _LARGEST
    """What a batch may hold where large requests are split; without splitting that is ``max_batch_size``."""

    @property
    def largest_batch(self) -> int:
        """The number of rows a batch may hold."""
        return self.max_execution_batch_size if self.enable_large_batch_splitting else self.max_batch_size


def from_message(message: Proto) -> BatchingParameters:
    """The values a message sets, and the defaults of the others."""
    given: dict[str, Any] = {name: getattr(message, name).value for name in _WRAPPED if message.HasField(name)}
    if given.get("enable_large_batch_splitting"):
        given.setdefault("max_execution_batch_size", given.get("max_batch_size", _LARGEST))
    for name in _SIZES & given.keys():
        given[name] = _unsigned(given[name])
    return BatchingParameters(
        **given,
        allowed_batch_sizes=tuple(message.allowed_batch_sizes),
        pad_variable_length_inputs=message.pad_variable_length_inputs,
    )


def _unsigned(value: int) -> int:
    return value % 2**64  # C++ keeps them in a size_t: a negative one is as good as no limit


def check_scheduler(parameters: BatchingParameters) -> None:
    """What is judged when the server starts (``SharedBatchScheduler::Create``)."""
    if parameters.num_batch_threads < 1:
        raise invalid_argument(f"num_batch_threads must be positive; was {parameters.num_batch_threads}")


def check_queue(parameters: BatchingParameters) -> None:
    """What is judged when a version is loaded (``WrapSessionForBatching``, ``SharedBatchScheduler::AddQueue``)."""
    last = parameters.allowed_batch_sizes[-1:]
    largest = parameters.max_batch_size
    if last and last[0] != largest:
        raise invalid_argument(
            f"Last entry in allowed_batch_sizes must match max_batch_size; last entry was {last[0]}; expected {largest}"
        )
    if largest == 0:
        raise invalid_argument("input_batch_size_limit must be positive; was 0")
    if parameters.batch_timeout_micros < 0:
        raise invalid_argument(f"batch_timeout_micros must be non-negative; was {parameters.batch_timeout_micros}")
    if parameters.enable_large_batch_splitting:
        _check_splitting(parameters)


def _check_splitting(parameters: BatchingParameters) -> None:
    if parameters.max_enqueued_batches == 0:  # without splitting, 0 is taken for 1
        raise invalid_argument("max_enqueued_batches must be positive; was 0")
    if parameters.max_batch_size < parameters.max_execution_batch_size:
        values = f"1{parameters.max_batch_size}{parameters.max_execution_batch_size}"  # C++ joins them without a blank
        raise invalid_argument(
            "When enable_large_batch_splitting is true, input_batch_size_limit must be greater than or equal to "
            f"max_execution_batch_size.{values}"
        )
