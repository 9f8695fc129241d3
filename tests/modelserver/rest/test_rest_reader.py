"""The JSON reader: RapidJSON 1.1.0's texts, offsets and numbers, and that the quick way and the careful one agree."""

import contextlib
import gc
import json
import math
import weakref
from collections.abc import Iterator
from typing import Any

import pytest
import rapidjson
from hypothesis import given
from hypothesis import strategies as some

from reconciler.modelserver import jsonreader, jsonscanner
from reconciler.modelserver.jsonfaults import Fault
from reconciler.modelserver.jsonscanner import Members, scan
from reconciler.modelserver.statuses import StatusError


def fault_of(text: bytes) -> tuple[str, int]:
    with pytest.raises(Fault) as found:
        scan(text)
    return found.value.text, found.value.offset


@pytest.mark.parametrize(
    ("text", "words", "offset"),
    [
        (b"  ", "The document is empty.", 2),
        (b"\0", "The document is empty.", 0),
        (b"\xef\xbb\xbf", "The document is empty.", 3),
        (b"{}{}", "The document root must not be followed by other values.", 2),
        (b"[1}", "Missing a comma or ] after an array element.", 2),
        (b'{"a":1,}', "Missing a name for object member.", 7),
        (b"{'a':1}", "Missing a name for object member.", 1),
        (b'{"a" 1}', "Missing a colon after a name of object member.", 5),
        (b'{"a":1 "b"}', "Missing a comma or } after an object member.", 7),
        (b"[nul]", "Invalid value.", 4),
        (b"[True]", "Invalid value.", 1),
        (b"[1,]", "Invalid value.", 3),
        (b"[", "Invalid value.", 1),
        (b"[-]", "Invalid value.", 2),
        (b"[-Infinit]", "Invalid value.", 9),
        (b"[nan]", "Invalid value.", 2),
        (b"//", "Invalid value.", 0),
        (b"[01]", "Missing a comma or ] after an array element.", 2),
        (b"[1.]", "Miss fraction part in number.", 3),
        (b"[1e+]", "Miss exponent in number.", 4),
        (b"[1e309]", "Number too big to be stored in double.", 1),
        (b"[" + b"9" * 310 + b"]", "Number too big to be stored in double.", 1),
        (b'["\\u12x4"]', "Incorrect hex digit after \\u escape in string.", 2),
        (b'["\\ud800"]', "The surrogate pair in string is invalid.", 2),
        (b'["\\ud800\\u0041"]', "The surrogate pair in string is invalid.", 2),
        (b'["\\x"]', "Invalid escape character in string.", 2),
        (b'["a\tb"]', "Invalid escape character in string.", 3),
        (b'["abc', "Missing a closing quotation mark in string.", 5),
        (b'["a\0"]', "Missing a closing quotation mark in string.", 3),
        ('["é" x]'.encode(), "Missing a comma or ] after an array element.", 6),
        (b"[" * 1001, "Terminate parsing due to Handler error.", 1000),
    ],
)
def test_a_fault_is_named_with_its_offset_in_bytes(text: bytes, words: str, offset: int) -> None:
    assert fault_of(text) == (words, offset)
    with pytest.raises(StatusError) as refused:
        jsonreader.read(text)
    assert refused.value.status.message == f"JSON Parse error: {words} at offset: {offset}"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (b"null", None),
        (b'[1, 1.0, -0, 1e2, "\\ud83d\\ude00\\/"]', [1, 1.0, 0, 100.0, "😀/"]),
        (b"[18446744073709551615, 18446744073709551616]", [2**64 - 1, float(2**64)]),
        (b"[-9223372036854775808, -9223372036854775809]", [-(2**63), -float(2**63)]),
        (b"[Infinity, -Inf, NInf]", [math.inf, -math.inf, math.inf]),
        (b"[1.8e308]", [math.inf]),
        (b'["\\udc00"]', ["\udced\udcb0\udc80"]),
        (b'["\xff"]', ["\udcff"]),
        (b"[1]\0[", [1]),
        (b"\xbb[]", []),
        (b'{"a":1,"b":2,"a":3}', Members([("a", 1), ("b", 2), ("a", 3)])),
        (b"[" * 1000 + b"]" * 1000, None),
    ],
)
def test_what_rapidjson_takes_is_taken(text: bytes, value: Any) -> None:
    assert value is None or jsonreader.read(text) == value
    assert value is None or scan(text) == value


def test_the_first_of_two_members_of_one_name_is_found() -> None:
    assert jsonreader.read(b'{"a":1,"a":2}').find("a") == 1


def test_integers_and_reals_are_told_apart() -> None:
    assert [type(each) for each in jsonreader.read(b"[1, 1.0, -0, -0.0, 1E0, 18446744073709551616]")] == [
        int,
        float,
        int,
        float,
        float,
        float,
    ]


def test_a_long_body_is_refused_in_the_same_words() -> None:
    padding = b" " * (1 << 20)
    for text in (b"[1,]", b'{"a" 1}', b"[1.]", b'["a\tb"]', b"[}", b'["\\ud800"]', b"[" * 1001):
        with pytest.raises(StatusError) as refused:
            jsonreader.read(text + padding)
        words, offset = fault_of(text + padding)
        assert refused.value.status.message == f"JSON Parse error: {words} at offset: {offset}"


def test_a_body_of_too_many_values_is_refused_before_it_is_read() -> None:
    with pytest.raises(StatusError, match="more than 20000000 values in one body"):
        jsonreader.read(b"," * jsonreader.MOST_VALUES)


# -- the quick way and the careful one --------------------------------------------------------------------------------

NUMBERS = some.one_of(
    some.integers(-(10**24), 10**24).map(str),
    some.floats(allow_nan=False, allow_infinity=False).map(repr),
    some.builds(
        "{}.{}e{}".format, some.integers(-(10**20), 10**20), some.integers(0, 10**20), some.integers(-340, 280)
    ),
    some.sampled_from(["NaN", "-Infinity", "Inf", "-0", "-0.0", "0.000", "1e-400", "00", "1.", "1e", "-", "1e999"]),
)
SCRAPS = some.sampled_from(
    [
        *'{}[],:"\\ \n\t\0',
        '"k":',
        '"é"',
        "\\u00e9",
        "\\ud83d\\ude00",
        "null",
        "true",
        "fals",
        "1",
        "-0.5",
        "e5",
        "Na",
        "x",
    ]
)
VALUES = some.recursive(
    some.none() | some.booleans() | some.integers(-(2**63), 2**64 - 1) | some.text(max_size=5),
    lambda inner: some.lists(inner, max_size=3) | some.dictionaries(some.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


def outcome(reading: Any, text: bytes) -> Any:
    try:
        return comparable(reading(text))
    except Fault as fault:
        return str(fault)


def comparable(value: Any) -> Any:
    if isinstance(value, float):
        return "nan" if math.isnan(value) else (value, math.copysign(1, value))
    if isinstance(value, list):
        return [comparable(each) for each in value]
    if isinstance(value, Members):
        return [(name, comparable(each)) for name, each in value.pairs]
    return (type(value), value)


def by_library(text: bytes) -> Any:
    """The quick way without a way out: what differs between the versions of the library is no example."""
    try:
        return jsonreader._decode(text[jsonscanner.body_start(text) :])
    except rapidjson.JSONDecodeError as error:
        jsonreader.take_over(str(error), jsonscanner.body_start(text))
        return scan(text)
    except (UnicodeDecodeError, RecursionError):
        return scan(text)


@given(some.lists(NUMBERS, max_size=3))
def test_both_ways_read_a_number_as_the_same_double(numbers: list[str]) -> None:
    text = f"[{','.join(numbers)}]".encode()
    assert outcome(by_library, text) == outcome(scan, text)


@given(some.lists(SCRAPS, max_size=10), some.booleans())
def test_both_ways_find_the_same_fault(scraps: list[str], inside: bool) -> None:
    text = (('{"a":[' if inside else "") + "".join(scraps) + ("]}" if inside else "")).encode()
    assert outcome(by_library, text) == outcome(scan, text)


@given(VALUES, some.booleans())
def test_both_ways_read_what_python_wrote(value: Any, escaped: bool) -> None:
    text = json.dumps(value, ensure_ascii=escaped).encode("utf-8", "surrogatepass")
    assert outcome(by_library, text) == outcome(scan, text)


class LongBody(bytearray):
    """A body that weak references can watch."""

    __slots__ = ("__weakref__",)


def test_a_long_body_with_a_fault_is_gone_as_soon_as_it_was_refused() -> None:
    body = LongBody(b'["' + b"x" * jsonreader._LONG)
    watched = weakref.ref(body)
    with collected_by_hand():
        refuse(body)
        del body
        assert watched() is None


def refuse(body: bytearray) -> None:
    with contextlib.suppress(StatusError):
        jsonreader.read(body)


@contextlib.contextmanager
def collected_by_hand() -> Iterator[None]:
    """Without the garbage collector, which would hide a ring of references for as long as it takes to come."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
