"""A JSON reader that accepts, refuses and computes exactly as RapidJSON 1.1.0 does for TensorFlow Serving.

Here: ``scan``, with the texts and byte offsets of RapidJSON's errors, its numbers (not always the nearest double, and
integers only up to 64 bits), its bare ``NaN`` and ``Infinity``, lone low surrogates and bytes that are no UTF-8. Called
by ``jsonreader`` for what its fast library refuses or cannot say. Sources: RapidJSON's ``reader.h``, ``error/en.h`` and
``internal/strtod.h``, and ``ParseJson`` in TensorFlow Serving's ``util/json_tensor.cc`` for the flags.

Nesting is followed on a stack of our own, so no body can exhaust the interpreter's; RapidJSON recurses and ends with
the process. Beyond ``DEEPEST`` levels a body is refused.
"""

import re
from dataclasses import dataclass
from typing import Any, NoReturn

from reconciler.modelserver.jsonfaults import (
    COLON,
    ELEMENT_COMMA,
    EMPTY,
    ESCAPE,
    HEX,
    MEMBER_COMMA,
    NAME,
    QUOTE,
    ROOT,
    SURROGATE,
    TERMINATED,
    VALUE,
    Body,
    Fault,
)
from reconciler.modelserver.jsonnumbers import Number

DEEPEST = 1000  # levels; the fast library's limit as well
_SPACE = re.compile(rb"[ \n\r\t]*")
_PLAIN = re.compile(rb'[^"\\\x00-\x1f]*')
_HEX = re.compile(rb"[0-9A-Fa-f]{4}")
_END = (b"", b"\0")  # a NUL byte ends a document, as the end of the memory does
_ESCAPES = {b'"': b'"', b"/": b"/", b"\\": b"\\", b"b": b"\b", b"f": b"\f", b"n": b"\n", b"r": b"\r", b"t": b"\t"}
_LITERALS: dict[bytes, tuple[bytes, Any]] = {b"n": (b"null", None), b"t": (b"true", True), b"f": (b"false", False)}


@dataclass(slots=True)
class Members:
    """A JSON object: its members in the order of the text, repeated names included."""

    pairs: list[tuple[str, Any]]

    def find(self, name: str) -> Any:
        """The value of the first member of that name, or ``MISSING``."""
        return next((value for key, value in self.pairs if key == name), MISSING)


MISSING: Any = object()
"""What ``find`` answers when there is no such member; ``None`` is JSON's null."""


def body_start(text: Body) -> int:
    """Where a document begins: each byte of a byte order mark is skipped if it comes next, whole mark or not."""
    at = 0
    for mark in (b"\xef", b"\xbb", b"\xbf"):
        at += text[at : at + 1] == mark
    return at


def scan(text: Body) -> Any:
    """The value a body holds: None, bool, int, float, str, list or Members. A Fault names the first error.

    Strings carry bytes that are no UTF-8 as surrogate escapes, so that they encode to the bytes that came.
    """
    return _Scanner(text).document()


class _Scanner:
    def __init__(self, text: Body) -> None:
        self._text = text
        self._at = body_start(text)
        self._open: list[Any] = []
        self._names: list[str] = []  # of the members being read, one for every object that is open

    def document(self) -> Any:
        self._skip_space()
        if self._peek() in _END:
            self._fail(EMPTY)
        while True:
            value = self._begin_value()
            if value is MISSING:
                continue  # a container was opened and its first value comes next
            value = self._close(value)
            if value is not MISSING:
                return value

    # -- structure ----------------------------------------------------------------------------------------------------

    def _begin_value(self) -> Any:
        """A finished value, or MISSING after a bracket behind which a value follows."""
        first = self._peek()
        if first == b"{":
            return self._begin(Members([]), b"}")
        if first == b"[":
            return self._begin([], b"]")
        if first == b'"':
            return self._string()
        if first in _LITERALS:
            return self._literal(*_LITERALS[first])
        number = Number(self._text, self._at)
        value = number.read()
        self._at = number.at
        return value

    def _begin(self, container: Any, end: bytes) -> Any:
        if len(self._open) >= DEEPEST:
            self._fail(TERMINATED)
        self._at += 1
        self._skip_space()
        if self._peek() == end:
            self._at += 1
            return container
        self._open.append(container)
        if end == b"}":
            self._name()
        return MISSING

    def _close(self, value: Any) -> Any:
        """Put a finished value where it belongs; the document if that was all, MISSING if another value follows."""
        while self._open:
            self._skip_space()
            container = self._open[-1]
            in_object = isinstance(container, Members)
            if in_object:
                container.pairs.append((self._names.pop(), value))
            else:
                container.append(value)
            following = self._peek()
            if following == b",":
                self._at += 1
                self._skip_space()
                if in_object:
                    self._name()
                return MISSING
            if following != (b"}" if in_object else b"]"):
                self._fail(MEMBER_COMMA if in_object else ELEMENT_COMMA)
            self._at += 1
            value = self._open.pop()
        self._skip_space()
        if self._peek() not in _END:
            self._fail(ROOT)
        return value

    def _name(self) -> None:
        if self._peek() != b'"':
            self._fail(NAME)
        self._names.append(self._string())
        self._skip_space()
        if self._peek() != b":":
            self._fail(COLON)
        self._at += 1
        self._skip_space()

    # -- leaves -------------------------------------------------------------------------------------------------------

    def _literal(self, word: bytes, value: Any) -> Any:
        for expected in word:
            if self._peek() != bytes((expected,)):
                self._fail(VALUE)
            self._at += 1
        return value

    def _string(self) -> str:
        parts = []
        self._at += 1
        while True:
            run = _PLAIN.match(self._text, self._at)
            assert run is not None  # noqa: S101  # the pattern matches the empty run
            parts.append(run.group())
            self._at = run.end()
            found = self._peek()
            if found == b"\\":
                parts.append(self._escape())
            elif found == b'"':
                self._at += 1
                return b"".join(parts).decode("utf-8", "surrogateescape")
            else:
                self._fail(QUOTE if found in _END else ESCAPE)

    def _escape(self) -> bytes:
        began = self._at
        kind = bytes(self._text[began + 1 : began + 2])
        self._at += 2
        if kind in _ESCAPES:
            return _ESCAPES[kind]
        if kind != b"u":
            raise Fault(ESCAPE, began)
        point = self._code_unit(began)
        if 0xD800 <= point <= 0xDBFF:
            if self._text[self._at : self._at + 2] != b"\\u":
                raise Fault(SURROGATE, began)
            self._at += 2
            low = self._code_unit(began)
            if not 0xDC00 <= low <= 0xDFFF:
                raise Fault(SURROGATE, began)
            point = ((point - 0xD800) << 10 | (low - 0xDC00)) + 0x10000
        return chr(point).encode("utf-8", "surrogatepass")

    def _code_unit(self, began: int) -> int:
        digits = _HEX.match(self._text, self._at)
        if digits is None:
            raise Fault(HEX, began)
        self._at += 4
        return int(digits.group(), 16)

    # -- the input ----------------------------------------------------------------------------------------------------

    def _peek(self) -> bytes:
        return bytes(self._text[self._at : self._at + 1])

    def _skip_space(self) -> None:
        run = _SPACE.match(self._text, self._at)
        self._at = run.end() if run else self._at

    def _fail(self, text: str) -> NoReturn:
        raise Fault(text, self._at)
