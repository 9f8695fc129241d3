"""TensorProto and NumPy: what ``Tensor::FromProto`` makes of good and of odd messages, and the way back.

The expectations were compared with TensorFlow's own C++ (the ParseTensor operation) when they were written; the last
test repeats that comparison on a sample, in a process that may load TensorFlow.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.modelserver import packedfields, tensors
from reconciler.wire import stubs


def number(name: str) -> int:
    return int(getattr(stubs.types_pb2, f"DT_{name}"))


def tensor(name: str, *shape: int, **fields: Any) -> Any:
    proto = stubs.tensor_pb2.TensorProto(dtype=number(name), **fields)
    for size in shape:
        proto.tensor_shape.dim.add(size=size)
    return proto


def plain(array: tensors.Array) -> tensors.Array:
    """Quantised values as the integers they are."""
    return array.view(array.dtype[0]) if array.dtype.fields else array


READ = {
    "too many values are ignored": (tensor("FLOAT", 2, float_val=[1, 2, 3]), [1, 2]),
    "the last value fills up": (tensor("FLOAT", 3, float_val=[1, 2]), [1, 2, 2]),
    "no value is zero": (tensor("FLOAT", 2), [0, 0]),
    "no value is an empty string": (tensor("STRING", 2), [b"", b""]),
    "no shape is a scalar": (tensor("FLOAT", float_val=[7, 8]), 7),
    "raw content wins over values": (tensor("INT8", 2, tensor_content=b"\x01\xff", int_val=[7]), [1, -1]),
    "an empty tensor ignores its values": (tensor("FLOAT", 0, 5, float_val=[1]), []),
    "an empty tensor ignores its content": (tensor("FLOAT", 0, tensor_content=b"123"), []),
    "small integers wrap": (tensor("INT8", 2, int_val=[300, -300]), [44, -44]),
    "unsigned integers wrap": (tensor("UINT16", 2, int_val=[-1, 65537]), [65535, 1]),
    "four bits keep the low four": (tensor("INT4", 3, int_val=[1, -3, 100]), [1, -3, 4]),
    "four bits unsigned": (tensor("UINT4", 3, int_val=[13, 100]), [13, 4, 4]),
    "four bits from a byte each": (tensor("INT4", 3, tensor_content=b"\x01\x0f\x02"), [1, -1, 2]),
    "quantised": (tensor("QINT8", 3, int_val=[1, -2]), [1, -2, -2]),
    "quantised unsigned": (tensor("QUINT8", 1, int_val=[300]), [44]),
    "quantised words": (tensor("QUINT16", 1, int_val=[70000]), [4464]),
    "quantised integers": (tensor("QINT32", 1, tensor_content=b"\xfe\xff\xff\xff"), [-2]),
    "half floats are bits": (tensor("HALF", 2, half_val=[0x3C00]), [1, 1]),
    "half floats keep the low bits": (tensor("HALF", 1, half_val=[0x13C00]), [1]),
    "brain floats are bits": (tensor("BFLOAT16", 1, half_val=[0x3F80]), [1]),
    "brain floats have no other field": (tensor("BFLOAT16", 1, int_val=[0x3F80]), [0]),
    "eight-bit floats are bytes": (tensor("FLOAT8_E5M2", 3, float8_val=b"\x00\x3c"), [0, 1, 1]),
    "complex numbers are pairs": (tensor("COMPLEX64", 2, scomplex_val=[1, 2]), [1 + 2j, 1 + 2j]),
    "half a pair is nothing": (tensor("COMPLEX128", 2, dcomplex_val=[1, 2, 3]), [1 + 2j, 1 + 2j]),
    "one half of a pair is nothing": (tensor("COMPLEX64", 1, scomplex_val=[1]), [0]),
    "truth values": (tensor("BOOL", 3, bool_val=[True, False]), [True, False, False]),
    "raw truth values": (tensor("BOOL", 2, tensor_content=b"\x00\x01"), [False, True]),
    "large unsigned": (tensor("UINT64", 1, uint64_val=[2**64 - 1]), [2**64 - 1]),
    "raw strings carry their lengths first": (tensor("STRING", 2, tensor_content=b"\x01\x02abb"), [b"a", b"bb"]),
    "strings fill up": (tensor("STRING", 2, string_val=[b"a\x00"]), [b"a\x00", b"a\x00"]),
}


@pytest.mark.parametrize("case", READ)
def test_a_tensor_is_read_as_cpp_reads_it(case: str) -> None:
    proto, expected = READ[case]
    array = tensors.to_array(proto)
    assert array.shape == tuple(dim.size for dim in proto.tensor_shape.dim)
    assert plain(array).reshape(-1).tolist() == np.array(expected, dtype=object).reshape(-1).tolist()


def test_an_unknown_rank_is_not_looked_at() -> None:
    proto = tensor("FLOAT", float_val=[3])
    proto.tensor_shape.unknown_rank = True
    assert tensors.to_array(proto) == 3


REFUSED = {
    "content too short": tensor("FLOAT", 2, tensor_content=b"1234"),
    "content too long": tensor("FLOAT", 1, tensor_content=b"12345678"),
    "content of broken floats": tensor("FLOAT", 2, tensor_content=b"123"),
    "four bits packed two to a byte": tensor("INT4", 3, tensor_content=b"\x01\x0f"),
    "a truth value of two": tensor("BOOL", 1, tensor_content=b"\x02"),
    "strings cut off": tensor("STRING", 2, tensor_content=b"\x01\x02ab"),
    "strings with a rest": tensor("STRING", 1, tensor_content=b"\x01ab"),
    "lengths cut off": tensor("STRING", 2, tensor_content=b"\x00\x80"),
    "more strings than bytes": tensor("STRING", 2**40, tensor_content=b"\x00"),
    "a negative size": tensor("FLOAT", -1, float_val=[1]),
    "too many elements to count": tensor("FLOAT", 2**31, 2**31, 2**31),
    "too many elements to count, times nothing": tensor("FLOAT", 2**63 - 1, 2**63 - 1, 0),
    "one value for a million million": tensor("FLOAT", 2**40, float_val=[1]),
    "no value for a million million": tensor("DOUBLE", 2**20, 2**20),
    "255 dimensions": tensor("FLOAT", *[1] * 255),
    "a type of references": tensor("FLOAT_REF", 1, float_val=[1]),
    "no type": tensor("INVALID", 1),
    "no type and no element": tensor("INVALID", 0),
    "a type nobody has": stubs.tensor_pb2.TensorProto(dtype=99),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_tensor_that_cpp_cannot_parse_is_refused_without_allocating(case: str) -> None:
    with pytest.raises(ValueError, match=r"\w") as refused:
        tensors.to_array(REFUSED[case])
    assert not isinstance(refused.value, tensors.NotAnArrayError)


@pytest.mark.parametrize("name", ["RESOURCE", "VARIANT"])
def test_resources_and_variants_are_known_but_no_arrays(name: str) -> None:
    with pytest.raises(tensors.NotAnArrayError, match=name.lower()):
        tensors.to_array(tensor(name, 1))


def test_the_shape_of_a_resource_is_checked_first() -> None:
    with pytest.raises(ValueError, match="negative"):
        tensors.to_array(tensor("RESOURCE", -1))


def samples_of(kind: tensors.ElementType, count: int) -> tensors.Array:
    random = np.random.default_rng(7)
    if kind.is_string:
        result = np.empty(count, dtype=object)
        result[:] = [random.bytes(size) for size in random.integers(0, 5, count)]
        return result
    if kind.dtype == np.bool_ or kind.is_partial:
        return (random.integers(0, 2, count)).astype(np.int8).astype(kind.dtype)
    drawn: tensors.Array = np.frombuffer(random.bytes(count * kind.dtype.itemsize), dtype=kind.dtype)
    return drawn


@pytest.mark.parametrize("as_content", [False, True], ids=["typed", "content"])
@pytest.mark.parametrize("count", [0, 1, 7, 40_000])
@pytest.mark.parametrize("dtype", sorted(tensors.ELEMENT_TYPES))
def test_every_type_and_size_survives_the_way_there_and_back(dtype: int, count: int, as_content: bool) -> None:
    values = samples_of(tensors.ELEMENT_TYPES[dtype], count).reshape(1, count)
    proto = tensors.to_proto(values, as_content=as_content)
    assert proto.dtype == dtype
    assert bool(proto.tensor_content) is (as_content and count > 0)
    back = tensors.to_array(stubs.tensor_pb2.TensorProto.FromString(proto.SerializeToString()))
    assert back.shape == values.shape
    assert back.tolist() == values.tolist() if values.dtype.hasobject else back.tobytes() == values.tobytes()


@given(st.lists(st.integers(-(2**63), 2**63 - 1), max_size=80))
def test_integers_of_any_size_survive(values: list[int]) -> None:
    proto = tensors.to_proto(np.array(values, dtype=np.int64))
    assert list(proto.int64_val) == values
    assert tensors.to_array(proto).tolist() == values


@given(st.lists(st.floats(width=32), min_size=33, max_size=80), st.integers(0, 90))
@settings(max_examples=50)
def test_floats_are_filled_up_or_cut_however_they_are_read(values: list[float], wanted: int) -> None:
    proto = tensor("FLOAT", wanted, float_val=values)
    expected = np.array((values + [values[-1]] * 90)[:wanted], dtype=np.float32)
    assert tensors.to_array(proto).tobytes() == expected.tobytes()


def test_a_field_that_came_in_several_pieces_is_read_whole() -> None:
    whole = tensor("FLOAT", 80)
    for _ in range(2):
        packedfields.extend(whole, "float_val", np.arange(40, dtype=np.float32))
    assert tensors.to_array(whole).tolist() == [*range(40), *range(40)]


def test_unknown_fields_of_every_wire_type_are_passed_over() -> None:
    strange = b"\xf8\x06\x05" + b"\xf9\x06" + bytes(8) + b"\xfa\x06\x03abc" + b"\xfd\x06" + bytes(4)  # field 111
    proto = stubs.tensor_pb2.TensorProto.FromString(
        strange + tensor("FLOAT", 40, float_val=range(40)).SerializeToString()
    )
    assert tensors.to_array(proto).tolist() == list(range(40))


def test_a_type_has_the_name_that_error_texts_use() -> None:
    assert [tensors.type_name(number(name)) for name in ("FLOAT", "HALF", "STRING", "QINT8", "RESOURCE")] == [
        "float",
        "half",
        "string",
        "qint8",
        "resource",
    ]
    assert tensors.enum_name(np.zeros(1, ml_dtypes.bfloat16)) == "DT_BFLOAT16"


COMPARE = """
import json, sys
sys.path[:0] = json.loads(sys.argv[1])
from reconciler.modelserver import runtime
import test_inference_tensors as cases
tf = runtime.tensorflow()
def parses(proto):
    try:
        return tf.raw_ops.ParseTensor(serialized=proto.SerializeToString(), out_type=proto.dtype).numpy()
    except (tf.errors.InvalidArgumentError, TypeError):
        return None
wrong = []
for name, (proto, _) in cases.READ.items():
    theirs, ours = parses(proto), cases.plain(cases.tensors.to_array(proto))
    if theirs is None or theirs.shape != ours.shape or theirs.tolist() != ours.tolist():
        wrong.append(name)
memory = ("one value for a million million", "no value for a million million")
wrong += [name for name, proto in cases.REFUSED.items() if name not in memory and parses(proto) is not None]
print(json.dumps(wrong))
"""


@pytest.mark.serving
def test_tensorflow_itself_agrees_with_every_case(tmp_path: Path) -> None:
    here = Path(__file__).parent
    done = subprocess.run(
        [sys.executable, "-c", COMPARE, json.dumps([str(here), str(here.parents[2])])],
        check=True,
        capture_output=True,
        timeout=120,
        env={"CUDA_VISIBLE_DEVICES": "-1", "PATH": "", "HOME": str(tmp_path)},
    )
    assert json.loads(done.stdout.splitlines()[-1]) == []
