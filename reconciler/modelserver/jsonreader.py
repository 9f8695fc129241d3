"""Request bodies as JSON values, the way TensorFlow Serving's parser sees them.

Here: ``read``. A body that is in order is read by RapidJSON itself (python-rapidjson), for its speed and for its way of
rounding numbers, which is not Python's. What that library refuses goes to ``jsonscanner``: TensorFlow Serving is built
with RapidJSON 1.1.0, whose error texts differ and which takes some bodies that today's version does not. Called by the
REST front's request builders, in a thread. Source: ``ParseJson`` in ``util/json_tensor.cc``.

Not here: what a body means.
"""

import re
from typing import Any

import rapidjson

from reconciler.modelserver import jsonfaults, jsonscanner
from reconciler.modelserver.jsonfaults import Body, Fault
from reconciler.modelserver.jsonscanner import Members
from reconciler.modelserver.statuses import Code, StatusError, invalid_argument

MOST_VALUES = 20_000_000
"""So many values at most in one body. Each costs us up to 32 bytes; the real server has no bound but its memory."""

_CHUNK = 1 << 24  # bytes counted at a time: nobody else runs meanwhile
_BEGINS_VALUE = frozenset(b'{["-0123456789ntfIN')
_LONG = 1 << 20  # bytes, from which on a fault is taken over instead of looked for again
_SAYS = re.compile(r"Parse error at offset (\d+): (.*)", re.DOTALL)
_SAME = {
    "The document root must not be followed by other values.": jsonfaults.ROOT,
    "Missing a name for object member.": jsonfaults.NAME,
    "Missing a colon after a name of object member.": jsonfaults.COLON,
    "Missing a comma or '}' after an object member.": jsonfaults.MEMBER_COMMA,
    "Missing a comma or ']' after an array element.": jsonfaults.ELEMENT_COMMA,
    "Incorrect hex digit after \\u escape in string.": jsonfaults.HEX,
    "Invalid escape character in string.": jsonfaults.ESCAPE,
    "Missing a closing quotation mark in string.": jsonfaults.QUOTE,
    "Invalid encoding in string.": jsonfaults.ESCAPE,  # a control character; 1.1.0 had no word of its own for it
    "Miss fraction part in number.": jsonfaults.FRACTION,
    "Miss exponent in number.": jsonfaults.EXPONENT,
}


class _Decoder(rapidjson.Decoder):
    """Keeps the order and the repetitions of members."""

    def start_object(self) -> list[tuple[str, Any]]:
        return []

    def end_object(self, pairs: list[tuple[str, Any]]) -> Members:
        return Members(pairs)


_decode = _Decoder(number_mode=rapidjson.NM_NATIVE | rapidjson.NM_NAN)


def read(body: Body) -> Any:
    """The value in a body; a StatusError says what is wrong with it and where."""
    if not body:
        raise invalid_argument("JSON Parse error: The document is empty")
    if _has_too_many_values(body):
        raise StatusError(Code.RESOURCE_EXHAUSTED, f"JSON Parse error: more than {MOST_VALUES} values in one body")
    try:
        return read_fast(body)
    except Fault as fault:
        raise invalid_argument(f"JSON Parse error: {fault}") from None


def read_fast(body: Body) -> Any:
    """As ``jsonscanner.scan``, but quick."""
    start = jsonscanner.body_start(body)
    if not _begins_well(body[start : start + 1024]):
        return jsonscanner.scan(body)  # finds the fault at once, where the library would first copy all of the body
    try:
        return _decode(body[start:] if start else body)
    except rapidjson.JSONDecodeError as error:
        if len(body) > _LONG:
            take_over(str(error), start)
    except (UnicodeDecodeError, RecursionError):
        pass
    return jsonscanner.scan(body)


def _has_too_many_values(body: Body) -> bool:
    commas = 0
    for at in range(0, len(body), _CHUNK):
        commas += body.count(b",", at, at + _CHUNK)
        if commas >= MOST_VALUES:
            return True
    return False


def _begins_well(head: Body) -> bool:
    rest = head.lstrip(b" \n\r\t")
    return not rest or (rest[0] in _BEGINS_VALUE and rest.count(b"[") < len(rest))


def take_over(message: str, start: int) -> None:
    """Raise the library's fault in the words of RapidJSON 1.1.0, unless the versions may differ in more than words.

    It is raised in here, where nothing names it: a fault that a local variable of ``read_fast`` held would hold the
    body through its traceback, until the garbage collector comes.
    """
    said = _SAYS.fullmatch(message)
    if said is not None and said[2] in _SAME:
        raise Fault(_SAME[said[2]], int(said[1]) + start) from None
