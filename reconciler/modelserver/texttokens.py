"""Text-format protobuf, taken apart into tokens as C++ does.

Here: the tokenizer of google/protobuf/io/tokenizer.cc with the settings text_format.cc gives it: ``#`` comments, no
line breaks in strings, a blank between a number and a name. Used by ``textproto`` alone. Python's own parser of the
text format accepts other texts and complains in other words, and where it complains, a real server might have started.

Everything works on bytes, because columns are counted in them. Not here: grammar, fields, values of numbers.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto

_DIGITS = frozenset(b"0123456789")
_OCTAL = frozenset(b"01234567")
_HEX = frozenset(b"0123456789abcdefABCDEF")
_LETTERS = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_")
_BLANKS = frozenset(b" \n\t\r\v\f")
_SIMPLE_ESCAPES = {
    ord(letter): value.encode()
    for letter, value in zip("abfnrtv\\?'\"", "\a\b\f\n\r\t\v\\?'\"", strict=True)
}  # fmt: skip
_HEX_ESCAPES: dict[int, tuple[frozenset[int] | bytes, ...]] = {
    ord("x"): (_HEX,),
    ord("X"): (_HEX,),
    ord("u"): (_HEX,) * 4,
    ord("U"): (b"0", b"0", b"01", *(_HEX,) * 5),  # which ends at 1fffff, whatever the error says
}
_ESCAPE_ERRORS = {
    1: "Expected hex digits for escape sequence.",
    4: "Expected four hex digits for \\u escape sequence.",
    8: "Expected eight hex digits up to 10ffff for \\U escape sequence",
}
_LAST_POINT, _LAST_OF_FOUR_BYTES = 0x10FFFF, 0x1FFFFF
_HIGH_SURROGATES = range(0xD800, 0xDC00)
_LOW_SURROGATE = re.compile(rb"\\u([dD][c-fC-F][0-9a-fA-F]{2})")
_NOWHERE = 0  # what a place after the end of the text looks like, and a NUL inside it too

Report = Callable[[int, int, str], None]
"""Told of line, column (both from 0) and text of an error; the tokenizer then goes on."""


class Kind(Enum):
    """What a token is."""

    END = auto()
    NAME = auto()
    INTEGER = auto()
    FLOAT = auto()
    STRING = auto()
    SYMBOL = auto()


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of the text and where it begins."""

    kind: Kind
    text: bytes
    line: int
    column: int
    end_column: int


class Tokenizer:
    """Gives out one token after the other; errors go to ``report`` and do not stop it."""

    def __init__(self, text: bytes, report: Report) -> None:
        self._text = text
        self._report = report
        self._at = 0
        self._line = 0
        self._column = 0
        self._broken = False
        if text.startswith(b"\xef"):
            self._skip_byte_order_mark()

    def next(self, previous: Token | None = None) -> Token:
        """The next token; ``previous`` is the one before it."""
        while not self._broken:
            self._skip(_BLANKS)
            if self._peek() == ord("#"):
                self._skip_comment()
            elif self._ended():
                break
            elif self._peek() < ord(" "):
                self._error("Invalid control characters encountered in text.")
                while not self._ended() and self._peek() < ord(" "):
                    self._advance()
            else:
                return self._token(previous)
        return Token(Kind.END, b"", self._line, self._column, self._column)

    # -- places -------------------------------------------------------------------------------------------------------

    def _ended(self) -> bool:
        return self._at >= len(self._text)

    def _peek(self) -> int:
        return _NOWHERE if self._ended() else self._text[self._at]

    def _advance(self) -> int:
        byte = self._text[self._at]
        self._at += 1
        if byte == ord("\n"):
            self._line, self._column = self._line + 1, 0
        elif byte == ord("\t"):
            self._column += 8 - self._column % 8
        else:
            self._column += 1
        return byte

    def _take(self, accepted: frozenset[int] | bytes) -> bool:
        if self._ended() or self._peek() not in accepted:
            return False
        self._advance()
        return True

    def _skip(self, accepted: frozenset[int]) -> int:
        start = self._at
        while self._take(accepted):
            pass
        return self._at - start

    def _error(self, text: str) -> None:
        self._report(self._line, self._column, text)

    # -- between tokens -----------------------------------------------------------------------------------------------

    def _skip_byte_order_mark(self) -> None:
        self._advance()
        if not (self._take(b"\xbb") and self._take(b"\xbf")):
            self._error("Proto file starts with 0xEF but not UTF-8 BOM. Only UTF-8 is accepted for proto file.")
            self._broken = True

    def _skip_comment(self) -> None:
        while self._peek() not in {_NOWHERE, ord("\n")}:
            self._advance()
        self._take(b"\n")

    # -- tokens -------------------------------------------------------------------------------------------------------

    def _token(self, previous: Token | None) -> Token:
        start, line, column = self._at, self._line, self._column
        kind = self._kind(previous)
        return Token(kind, self._text[start : self._at], line, column, self._column)

    def _kind(self, previous: Token | None) -> Kind:
        line, column, first = self._line, self._column, self._advance()
        if first in _LETTERS:
            self._skip(_LETTERS | _DIGITS)
            return Kind.NAME
        if first in _DIGITS:
            return self._number(zero=first == ord("0"))
        if first == ord(".") and self._peek() in _DIGITS:
            if previous and previous.kind is Kind.NAME and (previous.line, previous.end_column) == (line, column):
                self._report(line, column, "Need space between identifier and decimal point.")
            return self._number(dot=True)
        if first in b"\"'":
            self._string(first)
            return Kind.STRING
        if first >= 0x80:
            self._report(line, column, f"Interpreting non ascii codepoint {first}.")
        return Kind.SYMBOL

    def _number(self, *, zero: bool = False, dot: bool = False) -> Kind:
        floating = dot
        if zero and self._take(b"xX"):
            if not self._skip(_HEX):
                self._error('"0x" must be followed by hex digits.')
        elif zero and self._peek() in _DIGITS:
            self._octal()
        else:
            floating = self._decimal(dot=dot)
        if self._peek() in _LETTERS:
            self._error("Need space between number and identifier.")
        elif self._peek() == ord("."):
            what = "Already saw decimal point or exponent; can't have another one."
            self._error(what if floating else "Hex and octal numbers must be integers.")
        return Kind.FLOAT if floating else Kind.INTEGER

    def _octal(self) -> None:
        self._skip(_OCTAL)
        if self._peek() in _DIGITS:
            self._error("Numbers starting with leading zero must be in octal.")
            self._skip(_DIGITS)

    def _decimal(self, *, dot: bool) -> bool:
        self._skip(_DIGITS)
        floating = dot or self._take(b".")
        self._skip(_DIGITS)
        if self._take(b"eE"):
            floating = True
            self._take(b"-+")
            if not self._skip(_DIGITS):
                self._error('"e" must be followed by exponent.')
        return self._take(b"fF") or floating

    def _string(self, quote: int) -> None:
        while True:
            if self._peek() == _NOWHERE:
                self._error("Unexpected end of string.")
                return
            if self._peek() == ord("\n"):
                self._error("String literals cannot cross line boundaries.")
                return
            byte = self._advance()
            if byte == quote:
                return
            if byte == ord("\\"):
                self._escape()

    def _escape(self) -> None:
        if self._peek() in _HEX_ESCAPES:
            digits = _HEX_ESCAPES[self._advance()]
            if not all(self._take(accepted) for accepted in digits):
                self._error(_ESCAPE_ERRORS[len(digits)])
        elif not (self._take(_OCTAL) or self._take(bytes(_SIMPLE_ESCAPES))):
            self._error("Invalid escape sequence in string literal.")


def string_value(literal: bytes) -> bytes:
    """The bytes a string token stands for; a literal that was never closed loses nothing but its first quote."""
    body, quote = literal[1:], literal[:1]
    result = bytearray()
    at = 0
    while at < len(body):
        if body[at] == ord("\\") and at + 1 < len(body):
            value, at = _escaped(body, at + 1)
            result += value
        elif body[at : at + 1] == quote and at + 1 == len(body):
            break
        else:
            result.append(body[at])
            at += 1
    return bytes(result)


def _escaped(body: bytes, at: int) -> tuple[bytes, int]:
    """Value of the escape whose letter is at ``at``, and where the text goes on."""
    letter = body[at]
    if letter in _OCTAL:
        end = _end_of(body, at, _OCTAL, 3)
        return bytes([int(body[at:end], 8) & 0xFF]), end
    if letter in b"xX":
        end = _end_of(body, at + 1, _HEX, 2)
        return bytes([int(body[at + 1 : end] or b"0", 16)]), end
    if letter in b"uU":
        end = _end_of(body, at + 1, _HEX, len(_HEX_ESCAPES[letter]))
        point = int(body[at + 1 : end] or b"0", 16)
        low = _LOW_SURROGATE.match(body, end) if point in _HIGH_SURROGATES else None
        if low is not None:
            return _encoded(0x10000 + (point - 0xD800 << 10) + int(low[1], 16) - 0xDC00), low.end()
        return _encoded(point), end
    return _SIMPLE_ESCAPES.get(letter, b"?"), at + 1


def _encoded(point: int) -> bytes:
    """A code point as protobuf writes it: half a surrogate pair like any other, and what is beyond Unicode as well.

    Beyond what four bytes can hold it stands there as it was written; that has been reported before.
    """
    if point <= _LAST_POINT:
        return chr(point).encode("utf-8", "surrogatepass")
    if point > _LAST_OF_FOUR_BYTES:
        return b"\\U%08x" % point
    return bytes([0xF0 | point >> 18, *(0x80 | point >> shift & 0x3F for shift in (12, 6, 0))])


def _end_of(body: bytes, at: int, accepted: frozenset[int], most: int) -> int:
    end = at
    while end < len(body) and end - at < most and body[end] in accepted:
        end += 1
    return end
