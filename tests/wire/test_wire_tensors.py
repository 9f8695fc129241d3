"""Tensor values there and back, and every way in which a server may write one."""

import contextlib
import math
import struct
from typing import Any

import pytest
from google.protobuf.message import DecodeError
from hypothesis import given
from hypothesis import strategies as st

from reconciler.state.inference import Tensor
from reconciler.wire import tensors
from reconciler.wire.predictjson import INTEGERS, MAX_ELEMENTS
from reconciler.wire.stubs import tensor_pb2, types_pb2
from reconciler.wire.tensors import UnreadableTensor

ELEMENTS: dict[str, st.SearchStrategy[Any]] = {
    "float": st.floats(width=32, allow_nan=False),
    "double": st.floats(allow_nan=False),
    "half": st.floats(width=16, allow_nan=False),
    "bfloat16": st.integers(0, 2**16 - 1)
    .map(lambda bits: struct.unpack("<f", struct.pack("<I", bits << 16))[0])
    .filter(lambda value: not math.isnan(value)),
    "bool": st.booleans(),
    "string": st.binary(max_size=8),
    **{name: st.integers(*limits) for name, limits in INTEGERS.items()},
}


@st.composite
def values(draw: st.DrawFn) -> Tensor:
    dtype = draw(st.sampled_from(sorted(ELEMENTS)))
    shape = tuple(draw(st.lists(st.integers(0, 3), max_size=3)))
    count = math.prod(shape)
    return Tensor(dtype, shape, tuple(draw(st.lists(ELEMENTS[dtype], min_size=count, max_size=count))))


@given(values())
def test_a_tensor_comes_back_from_its_message_as_it_was(tensor: Tensor) -> None:
    message = tensor_pb2.TensorProto.FromString(tensors.to_proto(tensor).SerializeToString())
    assert tensors.from_proto(message) == tensor


def raw(dtype: str, content: bytes, *shape: int) -> Any:
    message = tensor_pb2.TensorProto(dtype=types_pb2.DataType.Value(f"DT_{dtype.upper()}"), tensor_content=content)
    for size in shape:
        message.tensor_shape.dim.add(size=size)
    return message


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        (raw("float", struct.pack("<2f", 1, -2.5), 2), (1.0, -2.5)),
        (raw("half", struct.pack("<2e", 1, -2.5), 2), (1.0, -2.5)),
        (raw("bfloat16", b"\x80\x3f", 1), (1.0,)),
        (raw("int64", struct.pack("<q", -(2**63)), 1, 1), (-(2**63),)),
        (raw("uint8", b"\xff\x00", 2), (255, 0)),
        (raw("bool", b"\x01\x00", 2), (True, False)),
        (raw("string", b"\x02\x00\x03abcde", 3), (b"ab", b"", b"cde")),
        (raw("string", b"\x80\x01" + b"x" * 128, 1), (b"x" * 128,)),
    ],
)
def test_raw_content_is_read(message: Any, expected: tuple[Any, ...]) -> None:
    assert tensors.from_proto(message).values == expected


def typed(count: int, *given_values: float) -> Any:
    message = tensor_pb2.TensorProto(dtype=types_pb2.DT_FLOAT, float_val=given_values)
    message.tensor_shape.dim.add(size=count)
    return message


@pytest.mark.parametrize(
    ("message", "expected"),
    [(typed(3, 1.5), (1.5,) * 3), (typed(3), (0,) * 3), (typed(2, 1.0, 2.0, 3.0), (1.0, 2.0)), (typed(0, 1.0), ())],
)
def test_too_few_values_are_filled_up_and_too_many_ignored(message: Any, expected: tuple[float, ...]) -> None:
    assert tensors.from_proto(message).values == expected


def unknown_rank() -> Any:
    message = tensor_pb2.TensorProto(dtype=types_pb2.DT_FLOAT)
    message.tensor_shape.unknown_rank = True
    return message


@pytest.mark.parametrize(
    ("message", "words"),
    [
        (raw("float", b"abc", 1), "does not fit its shape"),
        (raw("string", b"\x09a", 1), "does not fit its lengths"),
        (raw("string", b"\xff" * 100, 1), "a length that is none"),
        (raw("float", b"", -1), "shape is not known"),
        (raw("float", b"", 2**40), "more than the 262,144"),
        (raw("complex64", b"", 1), "complex64, which is not compared"),
        (raw("resource", b"", 1), "resource"),
        (tensor_pb2.TensorProto(dtype=9999), "of type 9999"),
        (unknown_rank(), "shape is not known"),
    ],
)
def test_what_cannot_be_compared_says_why(message: Any, words: str) -> None:
    with pytest.raises(UnreadableTensor, match=words):
        tensors.from_proto(message)


@given(st.binary(max_size=60))
def test_any_message_is_read_or_refused(data: bytes) -> None:
    with contextlib.suppress(DecodeError, UnreadableTensor):
        assert len(tensors.from_proto(tensor_pb2.TensorProto.FromString(data)).values) <= MAX_ELEMENTS
