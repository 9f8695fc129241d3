"""Answers compared: what differs, where, how far, in one bounded sentence."""

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.state.check import Tolerance
from reconciler.state.inference import Element, Named, Tensor
from reconciler.wire import comparing, predictjson
from reconciler.wire.comparing import Comparison

EXACT, USUAL = Tolerance(0.0, 0.0), Tolerance()


def tensor(values: list[Any], dtype: str = "float", shape: tuple[int, ...] | None = None) -> Tensor:
    return Tensor(dtype, (len(values),) if shape is None else shape, tuple(values))


def outputs(**named: Tensor) -> Named:
    return tuple(sorted(named.items()))


def compared(document: Any, named: dict[str, Tensor], tolerance: Tolerance = USUAL) -> Comparison:
    return comparing.expected(predictjson.expectation(json.dumps(document)), outputs(**named), tolerance)


@pytest.mark.parametrize(
    ("document", "answer"),
    [
        ({"predictions": [1.0, 2.0]}, {"y": tensor([1.0, 2.0])}),
        ({"predictions": [[0.1]]}, {"y": tensor([0.10000000149011612], shape=(1, 1))}),
        ({"predictions": [0.1]}, {"y": tensor([0.0999755859375], "half")}),
        ({"predictions": [0.1]}, {"y": tensor([0.10009765625], "bfloat16")}),
        ({"predictions": [{"y": 1}, {"y": 2}]}, {"y": tensor([1.0, 2.0]), "other": tensor([9.0])}),
        ({"outputs": {"y": [1], "z": ["a"]}}, {"y": tensor([1], "int64"), "z": tensor([b"a"], "string")}),
        ({"outputs": {"z": [{"b64": "/w=="}]}}, {"z": tensor([b"\xff"], "string")}),
        ({"outputs": [[], []]}, {"y": tensor([], shape=(2, 0))}),
        ({"outputs": [True]}, {"y": tensor([True], "bool")}),
        ({"outputs": 3}, {"y": tensor([3.0], shape=())}),
        ({"outputs": [float("inf")]}, {"y": tensor([math.inf])}),
    ],
)
def test_an_answer_as_expected_has_no_difference(document: Any, answer: dict[str, Tensor]) -> None:
    assert compared(document, answer, EXACT).difference == ""


@pytest.mark.parametrize(
    ("document", "answer", "words"),
    [
        (
            {"predictions": [[1.0]]},
            {"y": tensor([2.0], shape=(1, 1))},
            "predictions[0][0]: expected 1, got 2 (difference 1",
        ),
        ({"outputs": {"y": [1, 2]}}, {"y": tensor([1.0, 9.0])}, "outputs.y[1]: expected 2, got 9"),
        ({"predictions": [{"y": 1}, {"y": 2}]}, {"y": tensor([1.0, 3.0])}, "predictions[1].y: expected 2, got 3"),
        ({"predictions": [1, 2]}, {"y": tensor([1.0], shape=(1,))}, "predictions: expected shape [2], got [1]"),
        ({"predictions": [1]}, {"y": tensor([math.nan])}, "expected 1, got nan"),
        ({"predictions": [1]}, {"y": tensor([math.inf])}, "expected 1, got inf"),
        ({"predictions": ["a"]}, {"y": tensor([b"b"], "string")}, "expected 'a', got 'b'"),
        ({"predictions": ["a"]}, {"y": tensor([1.0])}, "expected 'a', got 1"),
        ({"predictions": [1]}, {"y": tensor([b"1"], "string")}, "expected 1, got '1'"),
        ({"predictions": [True]}, {"y": tensor([1.0])}, "expected true, got 1"),
        ({"predictions": [1]}, {"y": tensor([True], "bool")}, "expected 1, got true"),
        ({"predictions": [1]}, {"a": tensor([1.0]), "b": tensor([1.0])}, "names no output, and the answer has a, b"),
        ({"outputs": {"z": 1}}, {"y": tensor([1.0])}, "output z is expected, and the answer has y"),
        ({"predictions": [2**53 + 1]}, {"y": tensor([2**53], "int64")}, "expected 9007199254740993"),
        ({"predictions": [100_001]}, {"y": tensor([100_000], "int64")}, "expected 100001, got 100000"),
    ],
)
def test_a_difference_is_told_with_its_place(document: Any, answer: dict[str, Tensor], words: str) -> None:
    assert words in compared(document, answer).difference


def test_many_differences_are_counted_and_the_largest_is_named() -> None:
    found = compared({"predictions": [1, 2, 3]}, {"y": tensor([1.0, 2.5, 9.0])})
    assert found.difference.endswith("2 of 3 values differ; the largest difference is 6 at predictions[2]")


def test_evidence_is_bounded_whatever_the_answer_is() -> None:
    document = {"predictions": ["x" * 100_000]}
    assert len(compared(document, {"y": tensor([b"\xff" * 100_000], "string")}).difference) < 300


def test_the_largest_difference_within_tolerance_is_reported() -> None:
    found = compared({"predictions": [1, 2]}, {"y": tensor([1.25, 2.0])}, Tolerance(0.5, 0.0))
    assert (found.difference, found.largest, found.where) == ("", 0.25, "predictions[0]")


def test_of_whole_numbers_only_the_absolute_tolerance_counts() -> None:
    answer = {"y": tensor([101], "int64")}
    assert compared({"predictions": [100]}, answer, Tolerance(0.0, 0.5)).difference
    assert not compared({"predictions": [100]}, answer, Tolerance(1.0, 0.0)).difference


def alike(ours: Tensor, theirs: Tensor, tolerance: Tolerance = USUAL) -> Comparison:
    return comparing.alike(outputs(y=ours), outputs(y=theirs), tolerance)


def test_two_versions_that_say_nan_at_the_same_place_are_alike() -> None:
    assert alike(tensor([math.nan, 1.0]), tensor([math.nan, 1.0])).difference == ""
    assert "expected nan, got 1" in alike(tensor([1.0]), tensor([math.nan])).difference


def test_a_new_output_is_no_difference_and_a_lost_one_is() -> None:
    more = outputs(y=tensor([1.0]), z=tensor([1.0]))
    assert comparing.alike(more, outputs(y=tensor([1.0])), USUAL).difference == ""
    assert "output z is missing" in comparing.alike(outputs(y=tensor([1.0])), more, USUAL).difference


numbers = st.floats(-1e6, 1e6, width=32)


@given(st.lists(numbers, min_size=1, max_size=6), st.lists(numbers, min_size=6, max_size=6), st.floats(0, 10))
def test_answers_are_alike_exactly_where_every_number_is_within_tolerance(
    one: list[float], other: list[float], within: float
) -> None:
    pairs = list(zip(one, other, strict=False))
    found = alike(tensor([a for a, _ in pairs]), tensor([b for _, b in pairs]), Tolerance(within, 0.0))
    assert bool(found.difference) == any(abs(a - b) > within for a, b in pairs)
    assert found.largest == max(abs(a - b) for a, b in pairs)


@given(st.lists(st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats() | st.binary(max_size=5), max_size=6))
def test_every_answer_is_like_itself(values: list[Element]) -> None:
    found = alike(tensor(values), tensor(values), EXACT)
    assert (found.difference, found.largest) == ("", 0.0)


@given(numbers)
def test_a_number_is_rounded_to_bfloat16_as_the_nearest_one(value: float) -> None:
    bits = comparing.bfloat16_bits(value)
    widened = comparing._as_type("bfloat16", value)
    assert 0 <= bits < 2**16
    assert math.isclose(widened, value, rel_tol=2**-8, abs_tol=1e-38)
