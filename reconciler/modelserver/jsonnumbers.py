"""JSON numbers as RapidJSON 1.1.0 reads them.

Here: ``Number``. Its doubles are not always the nearest ones: digits are gathered and scaled in an order on which the
last bits depend, and integers of more than 64 bits become doubles on the way. Used by jsonscanner. Sources:
``ParseNumber`` in RapidJSON's ``reader.h``, ``StrtodNormalPrecision`` in ``internal/strtod.h``.
"""

import re

from reconciler.modelserver.jsonfaults import EXPONENT, FRACTION, TOO_BIG, VALUE, Body, Fault

_DIGITS = re.compile(rb"[0-9]*")


class Number:
    """One number, computed in RapidJSON's order of operations, on which the last bits of a double depend."""

    def __init__(self, text: Body, at: int) -> None:
        self._text = text
        self._start = at
        self.at = at
        self._significant = 0  # digits counted so far, but the first
        self._real = 0.0
        self._is_real = False
        self._scale = 0  # power of ten by which the digits of a fraction made the value too big

    def read(self) -> int | float:
        """The value; an int if it was written as one and fits 64 bits."""
        minus = self._take(b"-")
        first = self._peek()
        if first in (b"I", b"N"):
            return self._named(minus)
        if not first.isdigit():
            raise Fault(VALUE, self.at)
        whole = self._whole(minus)
        if self._take(b"."):
            self._fraction(whole)
        power = 0
        if self._take(b"e") or self._take(b"E"):
            self._settle(whole)
            power = self._exponent()
        if not self._is_real:
            return -whole if minus else whole
        value = _scaled(self._real, power + self._scale)
        return -value if minus else value

    def _named(self, minus: bool) -> float:
        if self._take(b"N") and self._take(b"a") and self._take(b"N"):
            return float("nan")
        if self._take(b"I") and self._take(b"n") and self._take(b"f"):
            if self._peek() == b"i" and not all(self._take(letter) for letter in (b"i", b"n", b"i", b"t", b"y")):
                raise Fault(VALUE, self.at)
            return float("-inf") if minus else float("inf")
        raise Fault(VALUE, self.at)

    def _whole(self, minus: bool) -> int:
        if self._take(b"0"):
            return 0
        digits = self._digits()
        limit = 2**63 if minus else 2**64 - 1
        if len(digits) <= 20 and int(digits) <= limit:
            self._significant = len(digits) - 1
            return int(digits)
        return self._overlong(digits, limit)

    def _overlong(self, digits: bytes, limit: int) -> int:
        kept = next(count for count in (20, 19, 18) if int(digits[:count]) <= limit)
        self._significant = kept - 1
        self._real, self._is_real = float(int(digits[:kept])), True
        for digit in digits[kept:]:
            if self._real >= 1.7976931348623157e307:
                raise Fault(TOO_BIG, self._start)
            self._real = self._real * 10 + (digit - 48)
        return int(digits[:kept])

    def _fraction(self, whole: int) -> None:
        digits = self._digits()
        if not digits:
            raise Fault(FRACTION, self.at)
        used = 0
        if not self._is_real:
            while used < len(digits) and whole <= 0x1FFFFFFFFFFFFF:
                whole = whole * 10 + digits[used] - 48
                self._significant += whole != 0
                used += 1
            self._settle(whole)
        self._scale = -used
        for digit in digits[used:]:
            if self._significant >= 17:
                break
            self._real = self._real * 10.0 + (digit - 48)
            self._scale -= 1
            self._significant += self._real > 0

    def _exponent(self) -> int:
        minus = not self._take(b"+") and self._take(b"-")
        began = self.at
        digits = self._digits()
        if not digits:
            raise Fault(EXPONENT, began)
        power = int(digits[:400].lstrip(b"0") or b"0") if len(digits) < 400 else 10**9
        if not minus and len(digits) > 1 and power > 308 - self._scale:
            raise Fault(TOO_BIG, self._start)
        return -power if minus else power

    def _settle(self, whole: int) -> None:
        if not self._is_real:
            self._real, self._is_real = float(whole), True

    def _digits(self) -> bytes:
        run = _DIGITS.match(self._text, self.at)
        digits = bytes(run.group()) if run else b""
        self.at += len(digits)
        return digits

    def _peek(self) -> bytes:
        return bytes(self._text[self.at : self.at + 1])

    def _take(self, expected: bytes) -> bool:
        found = self._peek() == expected
        self.at += found
        return found


def _scaled(value: float, power: int) -> float:
    if power < -308:
        value, power = _times_ten_to(value, -308), power + 308
    return _times_ten_to(value, power)


def _times_ten_to(value: float, power: int) -> float:
    if power < -308:
        return 0.0
    return value * float(f"1e{power}") if power >= 0 else value / float(f"1e{-power}")
