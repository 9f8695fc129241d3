"""Warm-up requests that would make a load fail are found by counting; nothing of them is parsed."""

import io
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.wire.tfrecords import MAX_WARMUP, warmup_problem


def records(*lengths: int) -> bytes:
    return b"".join(struct.pack("<QI", length, 7) + b"r" * length + b"sum!" for length in lengths)


def problem(content: bytes) -> str:
    return warmup_problem(io.BytesIO(content), len(content))


@pytest.mark.parametrize("count", [0, 1, MAX_WARMUP])
def test_as_many_requests_as_a_server_takes_are_no_problem(count: int) -> None:
    assert problem(records(*[3] * count)) == ""


def test_one_request_more_is_a_problem() -> None:
    assert problem(records(*[3] * (MAX_WARMUP + 1))) == "it holds more than the 1,000 requests that a server takes"


@given(st.lists(st.integers(0, 40), min_size=1, max_size=5), st.data())
def test_file_cut_short_is_a_problem_unless_cut_between_records(lengths: list[int], data: st.DataObject) -> None:
    whole = records(*lengths)
    between = {len(records(*lengths[:count])) for count in range(len(lengths) + 1)}
    cut = data.draw(st.integers(0, len(whole)).filter(lambda each: each not in between))
    assert "cut short" in problem(whole[:cut])


@given(st.binary(min_size=1, max_size=15))
def test_too_few_bytes_for_a_record_are_a_problem(content: bytes) -> None:
    assert "after 0 whole requests" in problem(content)


def test_length_beyond_every_disk_is_a_problem() -> None:
    assert "cut short" in problem(struct.pack("<QI", 2**64 - 1, 0) + b"x" * 100)
