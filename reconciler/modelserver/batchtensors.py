"""The tensors of a batch: the rows of several requests in one, and the rows of an answer given back.

Here: how many rows a request has, joining, padding to an allowed size, splitting; with the checks and words of
TensorFlow Serving's batching/batching_session.cc and batching/batching_util.cc. Used by ``batching``.
Not here: when batches are made.
"""

from collections.abc import Mapping, Sequence
from itertools import accumulate

import numpy as np

from reconciler.modelserver.batchparameters import BatchingParameters
from reconciler.modelserver.statuses import Code, StatusError, invalid_argument
from reconciler.modelserver.tensors import Array, element_type_name

Feeds = Mapping[str, Array]
_MOST_PADDED_DIMENSIONS = 6


def rows_of(feeds: Feeds) -> int:
    """The number of rows all tensors of a request have (``ComputeTensorBatchSize``)."""
    if not feeds:
        raise invalid_argument("Batching Run() must have at least one input tensor")
    if any(value.ndim == 0 for value in feeds.values()):
        raise invalid_argument("Batching Run() input tensors must have at least one dimension")
    rows = {len(value) for value in feeds.values()}
    if len(rows) > 1:
        raise invalid_argument("Batching Run() input tensors must have equal 0th-dimension size")
    return rows.pop()


def padded_size(size: int, allowed: Sequence[int]) -> int:
    """The smallest allowed size that holds a batch; its own size if there is none."""
    return next((each for each in allowed if each >= size), size)


def joined(requests: Sequence[Feeds], parameters: BatchingParameters) -> dict[str, Array]:
    """One tensor per name with the rows of all requests; rows missing to an allowed size repeat the last first row."""
    size = sum(rows_of(feeds) for feeds in requests)
    missing = padded_size(size, parameters.allowed_batch_sizes) - size
    merged = {}
    for name in sorted(requests[0]):
        parts = [feeds[name] for feeds in requests]
        if parameters.pad_variable_length_inputs:
            parts = _of_one_shape(parts)
        else:
            _check_shapes(name, parts)
        merged[name] = concatenated([*parts, *[parts[-1][:1]] * missing])
    return merged


def _check_shapes(name: str, parts: Sequence[Array]) -> None:
    if any(part.shape[1:] != parts[0].shape[1:] for part in parts):
        raise StatusError(
            Code.FAILED_PRECONDITION,
            f"Tensors with name '{name}' from different tasks have different shapes and padding is turned off. Set "
            "pad_variable_length_inputs to true, or ensure that all tensors with the same name have equal dimensions "
            "starting with the first dim.",
        )


def _of_one_shape(parts: Sequence[Array]) -> list[Array]:
    """Grow each dimension but the first to the largest there is, with the first element of the tensor that grows."""
    if any(part.ndim != parts[0].ndim or part.ndim > _MOST_PADDED_DIMENSIONS for part in parts):
        raise invalid_argument("Only tensors with rank from 1 to 6 can be padded.")
    largest = [max(sizes) for sizes in zip(*(part.shape[1:] for part in parts), strict=True)]
    return [_grown(part, (len(part), *largest)) for part in parts]


def _grown(part: Array, shape: tuple[int, ...]) -> Array:
    if int(np.prod(shape)) == part.size:
        return part.reshape(shape)
    if part.size == 0:
        raise invalid_argument("Got empty tensor in batch of non-empty tensors.")
    result = np.empty(shape, dtype=part.dtype)
    result[...] = part.reshape(-1)[0]
    result[tuple(slice(size) for size in part.shape)] = part
    return result


def concatenated(parts: Sequence[Array]) -> Array:
    """The rows of several tensors one after the other (``tensor::Concat``)."""
    for part in parts[1:]:
        if part.dtype != parts[0].dtype:
            raise StatusError(
                Code.INTERNAL,
                "Tensor concat operation failed: INVALID_ARGUMENT: Cannot concatenate tensors that have different data "
                f"types. Got {element_type_name(parts[0])} and {element_type_name(part)}.",
            )
    return np.concatenate(parts)


def split(value: Array, sizes: Sequence[int], padding: int) -> list[Array]:
    """The rows of an output by request; what belongs to padding is dropped."""
    if value.ndim == 0:
        raise StatusError(Code.FAILED_PRECONDITION, "Batched output tensor has 0 dimensions")
    if len(value) != sum(sizes) + padding:
        raise StatusError(
            Code.FAILED_PRECONDITION,
            "Batched output tensor's 0th dimension does not equal the sum of the 0th dimension sizes of the input "
            "tensors",
        )
    return np.split(value, list(accumulate(sizes)))[: len(sizes)]
