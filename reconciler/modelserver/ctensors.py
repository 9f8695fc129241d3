"""NumPy arrays to TF_Tensor and back.

Here: the table of element types by TensorFlow's numbers, and the two copies. Used by ``savedmodel`` around each run.
Strings are object arrays of bytes. A quantised type, which NumPy has not, is a record of one field named after it, as
TensorFlow's own Python has it. Not here: TensorProto (tensors), and what the C functions are (capi).
"""

import ctypes
import math
from typing import Any

import ml_dtypes
import numpy as np

from reconciler.modelserver import capi
from reconciler.modelserver.capi import STRING_SIZE, Pointer
from reconciler.modelserver.statuses import Code, StatusError

Array = np.ndarray[Any, np.dtype[Any]]
_STRING = 7
_LARGE = 1 << 16  # bytes; copying more than that gives up Python's lock meanwhile
_move = ctypes.PyDLL(None).memmove
_move.restype, _move.argtypes = None, [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_size_t]


def _record(name: str, stored: Any) -> Any:
    return [(name, stored)]


DTYPES: dict[int, np.dtype[Any]] = {
    number: np.dtype(dtype)
    for number, dtype in {
        1: np.float32,
        2: np.float64,
        3: np.int32,
        4: np.uint8,
        5: np.int16,
        6: np.int8,
        _STRING: np.object_,
        8: np.complex64,
        9: np.int64,
        10: np.bool_,
        11: _record("qint8", np.int8),
        12: _record("quint8", np.uint8),
        13: _record("qint32", np.int32),
        14: ml_dtypes.bfloat16,
        15: _record("qint16", np.int16),
        16: _record("quint16", np.uint16),
        17: np.uint16,
        18: np.complex128,
        19: np.float16,
        22: np.uint32,
        23: np.uint64,
        24: ml_dtypes.float8_e5m2,
        25: ml_dtypes.float8_e4m3fn,
        26: ml_dtypes.float8_e4m3fnuz,
        27: ml_dtypes.float8_e4m3b11fnuz,
        28: ml_dtypes.float8_e5m2fnuz,
        29: ml_dtypes.int4,
        30: ml_dtypes.uint4,
    }.items()
}
"""Element types by their DataType number (``types.proto``); resources and variants have no value outside a graph."""

_NUMBERS = {dtype: number for number, dtype in DTYPES.items()}
_strings: dict[int, Any] = {}  # memory TensorFlow still reads, by its address


def to_tensor(library: Any, array: Array) -> Pointer:
    """A TF_Tensor with a copy of the array; the caller deletes it."""
    number = _NUMBERS[array.dtype]
    shape = (ctypes.c_int64 * array.ndim)(*array.shape)
    if number == _STRING:
        return _strings_to_tensor(library, array, shape)
    tensor = library.TF_AllocateTensor(number, shape, array.ndim, array.nbytes)
    move = ctypes.memmove if array.nbytes > _LARGE else _move
    move(library.TF_TensorData(tensor), array.tobytes(), array.nbytes)
    return tensor


def _strings_to_tensor(library: Any, array: Array, shape: Any) -> Pointer:
    """Long strings are memory of their own, and the graph may keep the tensor: so its end frees them (``_free``)."""
    block = ctypes.create_string_buffer(STRING_SIZE * max(array.size, 1))  # zeros are empty strings
    address = ctypes.addressof(block)
    for index, value in enumerate(array.reshape(-1)):
        library.TF_StringCopy(address + index * STRING_SIZE, value, len(value))
    _strings[address] = library, block
    return library.TF_NewTensor(_STRING, shape, array.ndim, address, STRING_SIZE * array.size, _free, None)


def _free_strings(address: int, size: int, _: Any) -> None:
    library, _block = _strings.pop(address)
    for offset in range(0, size, STRING_SIZE):
        library.TF_StringDealloc(address + offset)


_free = capi.Deallocator(_free_strings)  # must live as long as any tensor


def to_array(library: Any, tensor: Pointer) -> Array:
    """A copy of a TF_Tensor's value; the tensor stays the caller's."""
    number = library.TF_TensorType(tensor)
    dtype = DTYPES.get(number)
    if dtype is None:
        raise StatusError(Code.UNIMPLEMENTED, f"Tensors of type {number} have no value outside their graph")
    shape = tuple(library.TF_Dim(tensor, axis) for axis in range(library.TF_NumDims(tensor)))
    address = library.TF_TensorData(tensor)
    if number == _STRING:
        return _strings_to_array(library, address, shape)
    result = np.empty(shape, dtype)
    ctypes.memmove(result.ctypes.data, address, result.nbytes)
    return result


def _strings_to_array(library: Any, address: int, shape: tuple[int, ...]) -> Array:
    result = np.empty(math.prod(shape), dtype=np.object_)
    for index in range(result.size):
        each = address + index * STRING_SIZE
        result[index] = ctypes.string_at(library.TF_StringGetDataPointer(each), library.TF_StringGetSize(each))
    return result.reshape(shape)
