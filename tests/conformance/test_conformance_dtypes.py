"""Every element type a TensorProto carries, in its own field and as raw content, there and back (tensor.cc)."""

from __future__ import annotations

import math
import struct
from typing import Any

import pytest
from conformance_cases import case
from conformance_graphs import ECHOED
from conformance_standing import WIRE, Standing, tensor

pytestmark = pytest.mark.serving
FIELDS: dict[str, tuple[str, list[Any]]] = {
    "float": ("float_val", [0.5, -0.0, float("inf"), 3.4028234663852886e38]),
    "double": ("double_val", [0.1, -1e308, float("-inf")]),
    "half": ("half_val", [0x3C00, 0x7C00, 0x0001]),
    "bfloat16": ("half_val", [0x3F80, 0xFF80]),
    "int8": ("int_val", [-128, 127]),
    "int16": ("int_val", [-32768, 32767]),
    "int32": ("int_val", [-(2**31), 2**31 - 1]),
    "int64": ("int64_val", [-(2**63), 2**63 - 1]),
    "uint8": ("int_val", [0, 255]),
    "uint16": ("int_val", [0, 65535]),
    "uint32": ("uint32_val", [0, 2**32 - 1]),
    "uint64": ("uint64_val", [0, 2**64 - 1]),
    "bool": ("bool_val", [True, False]),
    "string": ("string_val", [b"", b"\xff\0\x80", "é".encode()]),
    "complex64": ("scomplex_val", [1.0, -2.0, 0.0, 0.5]),
    "complex128": ("dcomplex_val", [0.1, -2.0]),
}
RAW = {
    "float": "f",
    "double": "d",
    "half": "H",
    "bfloat16": "H",
    "int8": "b",
    "int16": "h",
    "int32": "i",
    "int64": "q",
    "uint8": "B",
    "uint16": "H",
    "uint32": "I",
    "uint64": "Q",
    "bool": "?",
    "complex64": "f",
    "complex128": "d",
}


def sent_as(dtype: str) -> Any:
    """The values of a type in the field made for it."""
    field, values = FIELDS[dtype]
    return tensor(dtype, [len(values) // (2 if dtype.startswith("complex") else 1)], **{field: values})


@case("S17", process_only=WIRE)
@pytest.mark.parametrize("dtype", ECHOED)
def test_a_type_comes_back_in_the_field_made_for_it(standing: Standing, dtype: str) -> None:
    field, values = FIELDS[dtype]
    y = standing.predict(standing.spec("echo", of=dtype), x=sent_as(dtype)).outputs["y"]
    assert y.dtype == ECHOED[dtype]
    assert {each.name for each, _ in y.ListFields()} == {"dtype", "tensor_shape", field}
    assert list(getattr(y, field)) == values


@case("S18", process_only=WIRE)
@pytest.mark.parametrize("dtype", RAW)
def test_a_type_is_read_from_raw_content(standing: Standing, dtype: str) -> None:
    field, values = FIELDS[dtype]
    shape = [each.size for each in sent_as(dtype).tensor_shape.dim]
    content = b"".join(struct.pack(f"<{RAW[dtype]}", value) for value in values)
    y = standing.predict(standing.spec("echo", of=dtype), x=tensor(dtype, shape, tensor_content=content)).outputs["y"]
    assert list(getattr(y, field)) == values


@case("S19", process_only=WIRE)
def test_nan_passes_through(standing: Standing) -> None:
    for dtype, field in (("float", "float_val"), ("double", "double_val")):
        sent = tensor(dtype, [2], **{field: [float("nan"), 1.0]})
        first, second = getattr(standing.predict(standing.spec("echo", of=dtype), x=sent).outputs["y"], field)
        assert (math.isnan(first), second) == (True, 1.0)


@case("S19", process_only=WIRE)
def test_scalars_and_empty_tensors_keep_their_shape(standing: Standing) -> None:
    for shape, values in (([], [7]), ([0], []), ([2, 0, 3], []), ([1, 1, 1], [7])):
        sent = tensor("int64", shape, int64_val=values)
        y = standing.predict(standing.spec("echo", of="int64"), x=sent).outputs["y"]
        assert ([each.size for each in y.tensor_shape.dim], list(y.int64_val)) == (shape, values)


@case("S6", process_only=WIRE)
def test_the_last_of_too_few_values_is_repeated(standing: Standing) -> None:
    sent = tensor("int32", [4], int_val=[1, 2])
    assert list(standing.predict(standing.spec("echo", of="int32"), x=sent).outputs["y"].int_val) == [1, 2, 2, 2]
    nothing = tensor("int32", [3])
    y = standing.predict(standing.spec("echo", of="int32"), x=nothing).outputs["y"]
    assert list(y.int_val) == [0, 0, 0]


@case("C76", "S9", process_only=WIRE)
def test_no_type_is_taken_for_another(standing: Standing) -> None:
    for dtype in ("float", "int32", "string", "bool"):
        other = "double" if dtype != "double" else "float"
        refused = standing.refused(standing.spec("echo", of=dtype), x=sent_as(other))
        assert refused == f"INVALID_ARGUMENT: Expects arg[0] to be {dtype} but {other} is provided"
