"""JSON as TensorFlow Serving writes it: RapidJSON's PrettyWriter, and how numbers and texts look in it.

Here: ``PrettyWriter`` with its two ways of laying out arrays, switched in mid-document by ``util/json_tensor.cc``: that
is why the closing bracket of ``predictions`` stands on a line of its own; ``laid_out``, the same for many values at
once; ``decimal`` and ``decimals``, the numbers of answers (six digits if they say it all); ``grisu``, the numbers
inside quoted values; ``text``. Used by restanswers, restexamples and jsonvalues. Sources: RapidJSON 1.1.0's
``prettywriter.h``, ``writer.h`` and ``internal/dtoa.h``.

Everything is text whose surrogate escapes stand for bytes that are no UTF-8: RapidJSON passes them through.
"""

import math
import re
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

_MUST_ESCAPE = re.compile(r'["\\\x00-\x1f]')
_SHORT = {'"': '\\"', "\\": "\\\\", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t"}
_INDENT = "    "


class PrettyWriter:
    """Writes one document, in the order of the calls."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._counts: list[int] = []  # values written so far, for every container that is open
        self._arrays: list[bool] = []
        self.in_line = False
        """Whether arrays go on one line from here on (``kFormatSingleLineArray``)."""

    def raw(self, written: str) -> None:
        """A scalar, as it shall stand there."""
        self._prefix()
        self._parts.append(written)

    def raws(self, written: Iterable[str]) -> None:
        """Several scalars of the array that is open."""
        comma = ", " if self.in_line else ",\n" + _INDENT * len(self._counts)
        values = list(written)
        if values:
            self._prefix()
            self._parts.append(comma.join(values))
            self._counts[-1] += len(values) - 1

    def key(self, name: str) -> None:
        """The name of the next member; C strings end at a NUL."""
        self.raw(text(name.partition("\0")[0]))

    def start_object(self) -> None:
        """``{``."""
        self._start("{", is_array=False)

    def end_object(self) -> None:
        """``}``, on a line of its own unless the object is empty."""
        self._end("}", on_new_line=True)

    def start_array(self) -> None:
        """``[``."""
        self._start("[", is_array=True)

    def end_array(self) -> None:
        """``]``, laid out as the format of this moment says, whatever that of the elements was."""
        self._end("]", on_new_line=not self.in_line)

    @property
    def depth(self) -> int:
        """How many containers are open."""
        return len(self._counts)

    def document(self) -> str:
        """What was written."""
        return "".join(self._parts)

    def _start(self, bracket: str, *, is_array: bool) -> None:
        self.raw(bracket)
        self._counts.append(0)
        self._arrays.append(is_array)

    def _end(self, bracket: str, *, on_new_line: bool) -> None:
        self._arrays.pop()
        if self._counts.pop() and on_new_line:
            self._new_line()
        self._parts.append(bracket)

    def _prefix(self) -> None:
        if not self._counts:
            return
        count = self._counts[-1]
        self._counts[-1] = count + 1
        if self._arrays[-1]:
            if count:
                self._parts.append(", " if self.in_line else ",")
            if not self.in_line:
                self._new_line()
        elif count % 2:
            self._parts.append(": ")
        else:
            if count:
                self._parts.append(",")
            self._new_line()

    def _new_line(self) -> None:
        self._parts.append("\n" + _INDENT * len(self._counts))


def laid_out(elements: Sequence[str], shape: Sequence[int], count: int, depth: int, *, in_line: bool) -> list[str]:
    """``count`` tensors of one shape as nested arrays, each to stand inside ``depth`` containers."""
    texts = list(elements)
    for level in reversed(range(len(shape))):
        size = shape[level]
        arrays = count * math.prod(shape[:level])
        if not size:
            texts = ["[]"] * arrays
            continue
        outer = "\n" + _INDENT * (depth + level)
        start, comma, end = ("[", ", ", "]") if in_line else (f"[{outer}{_INDENT}", f",{outer}{_INDENT}", f"{outer}]")
        texts = [f"{start}{comma.join(texts[at : at + size])}{end}" for at in range(0, arrays * size, size)]
    return texts


def member(name: str, value: str, depth: int) -> str:
    """An object of one member, to stand inside ``depth`` containers."""
    outer = "\n" + _INDENT * depth
    return f"{{{outer}{_INDENT}{text(name)}: {value}{outer}}}"


def text(value: str) -> str:
    """A string in quotes. Nothing but quotes, backslashes and control characters is escaped."""
    return f'"{_MUST_ESCAPE.sub(_escaped, value)}"'


def _escaped(match: re.Match[str]) -> str:
    character = match.group()
    return _SHORT.get(character) or f"\\u{ord(character):04X}"


def decimal(value: float, *, single: bool) -> str:
    """A number of an answer: ``WriteDecimal``. ``single``: it is a float, not a double."""
    if not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    short = f"{value:.6g}"
    back = rounded(float(short)) if single else float(short)
    return _with_point(short if back == value else f"{value:.{9 if single else 17}g}")


def decimals(values: Sequence[float], *, single: bool) -> list[str]:
    """Many numbers at once, as ``decimal`` writes each."""
    short = [f"{value:.6g}" for value in values]
    back = np.array([float(each) for each in short], np.float64)
    with np.errstate(over="ignore"):
        same = (back.astype(np.float32) if single else back) == np.array(values, np.float32 if single else np.float64)
    return [
        _with_point(each) if fits and each[-1] not in "nf" else decimal(value, single=single)
        for each, fits, value in zip(short, same.tolist(), values, strict=True)
    ]


def rounded(value: float) -> float:
    """The nearest single-precision number."""
    with np.errstate(over="ignore"):
        return float(np.float32(value))


def _with_point(written: str) -> str:
    return written if "." in written or "e" in written else f"{written}.0"


def grisu(value: float) -> str:
    """A double as RapidJSON itself writes it; "" for NaN and the infinities, where it gives up."""
    if not math.isfinite(value):
        return ""
    if value == 0:
        return "-0.0" if math.copysign(1, value) < 0 else "0.0"
    mantissa, _, exponent = f"{np.format_float_scientific(value, trim='-')}".partition("e")
    sign = "-" if mantissa[0] == "-" else ""
    digits = mantissa.lstrip("-").replace(".", "")
    return sign + _laid_out(digits, int(exponent) + 1)


def _laid_out(digits: str, point: int) -> str:
    """Digits with the decimal point behind the ``point``-th of them."""
    if len(digits) <= point <= 21:
        return digits.ljust(point, "0") + ".0"
    if 0 < point <= 21:
        return f"{digits[:point]}.{digits[point:]}"
    if -6 < point <= 0:
        return f"0.{'0' * -point}{digits}"
    tail = f".{digits[1:]}" if len(digits) > 1 else ""
    return f"{digits[0]}{tail}e{point - 1}"


def typed(values: Any, kind: str) -> list[str]:
    """The elements of a tensor that are no texts, by the name of their type."""
    if kind == "bool":
        return ["true" if value else "false" for value in values]
    if kind in {"float", "double"}:
        return decimals(list(values), single=kind == "float")
    return [str(value) for value in values]
