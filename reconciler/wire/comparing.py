"""Answers against expectations, and the answers of two versions against each other: do they differ, where, how far?

Called by `execute/check.py`. Numbers are compared with a tolerance, after the expected one was rounded to the type of
the answer; of whole numbers only the absolute tolerance counts, since they are mostly names of things; texts, bytes and
truth values must be equal. Evidence is one bounded sentence: the first place that differs,
what was expected there, what came, and how many there are. Deliberately not here: asking, and latency.
"""

import math
import struct
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from reconciler.state.check import Tolerance
from reconciler.state.inference import Element, Named, Tensor
from reconciler.wire import predictjson
from reconciler.wire.predictjson import DECIMALS, INTEGERS, Body, shown


@dataclass(frozen=True, slots=True)
class Comparison:
    """What a comparison showed. difference: why the two are not the same, "" where they are.

    largest: the greatest distance of two numbers, and where; 0 and "" where all are equal.
    """

    difference: str = ""
    largest: float = 0.0
    where: str = ""


def expected(body: Body, outputs: Named, tolerance: Tolerance) -> Comparison:
    """An answer against what git expects; outputs that the expectation does not name may be anything."""
    found = dict(outputs)
    seen = Comparison()
    for name, wanted in predictjson.columns(body):
        alias = name
        if not name and name not in found:
            if len(found) != 1:
                return Comparison(f"the expectation names no output, and the answer has {_names(found)}")
            alias = next(iter(found))
        if alias not in found:
            return Comparison(f"output {alias} is expected, and the answer has {_names(found)}")
        got, place = found[alias], _place(body, name)
        values = [_as_type(got.dtype, value) for value in wanted.values]
        seen = _worse(seen, _compared((wanted.shape, values), got, tolerance, place))
        if seen.difference:
            return seen
    return seen


def alike(ours: Named, theirs: Named, tolerance: Tolerance) -> Comparison:
    """A version's answer against that of the version it is compared with; outputs that only the new one has may be."""
    found = dict(ours)
    seen = Comparison()
    for alias, wanted in theirs:
        if alias not in found:
            return Comparison(f"output {alias} is missing; the answer has {_names(found)}")
        seen = _worse(seen, _compared((wanted.shape, wanted.values), found[alias], tolerance, _column(alias)))
        if seen.difference:
            return seen
    return seen


def _worse(one: Comparison, other: Comparison) -> Comparison:
    return other if other.difference or other.largest > one.largest else one


Place = Callable[[tuple[int, ...]], str]


def _compared(
    wanted: tuple[tuple[int, ...], Sequence[Any]], got: Tensor, tolerance: Tolerance, place: Place
) -> Comparison:
    shape, values = wanted
    if shape != got.shape and (values or got.values):
        return Comparison(f"{place(())}: expected shape {_sizes(shape)}, got {_sizes(got.shape)}")
    if got.dtype in INTEGERS:
        tolerance = Tolerance(tolerance.abs, 0.0)
    bad = 0
    first = where = ""
    largest = 0.0
    for number, (want, have) in enumerate(zip(values, got.values, strict=True)):
        same, distance = _same(want, have, tolerance)
        if distance > largest:
            largest, where = distance, place(_index(number, shape))
        if not same:
            bad += 1
            first = first or _said(place(_index(number, shape)), want, have, (distance, tolerance))
    if not bad:
        return Comparison("", largest, where)
    count = f"{bad} of {len(values)} values differ" if len(values) > 1 else ""
    most = f"the largest difference is {largest:.6g} at {where}" if largest and bad > 1 else ""
    return Comparison("; ".join(part for part in (first, count, most) if part), largest, where)


def _said(where: str, want: object, have: object, measured: tuple[float, Tolerance]) -> str:
    distance, tolerance = measured
    text = f"{where}: expected {shown(want)}, got {shown(have)}"
    if not distance or not math.isfinite(distance):
        return text
    return f"{text} (difference {distance:.6g}, allowed {_allowed(float(want), tolerance):.6g})"  # type: ignore[arg-type]  # only numbers have a distance


def _same(want: object, have: Element, tolerance: Tolerance) -> tuple[bool, float]:
    """Whether two values count as the same, and how far apart they are as numbers."""
    if not (_is_number(want) and _is_number(have)):
        return type(want) is type(have) and want == have, 0.0
    if want == have:
        return True, 0.0
    if isinstance(want, int) and isinstance(have, int):
        return abs(want - have) <= _allowed(want, tolerance), float(abs(want - have))
    one, other = float(want), float(have)  # type: ignore[arg-type]  # both are numbers
    if math.isnan(one) or math.isnan(other):
        return math.isnan(one) and math.isnan(other), 0.0
    if math.isinf(one) or math.isinf(other):
        return False, 0.0
    distance = abs(one - other)
    return distance <= _allowed(one, tolerance), distance


def _allowed(number: float, tolerance: Tolerance) -> float:
    return tolerance.abs + tolerance.rel * abs(number)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


_PACKED = {"float": "<f", "half": "<e"}


def _as_type(dtype: str, value: Any) -> Any:
    """What JSON says, as a tensor of that type would hold it; unchanged where it could not."""
    if dtype == "string":
        found = predictjson.as_bytes(value)
        return value if found is None else found
    if not _is_number(value) or dtype not in DECIMALS | INTEGERS.keys():
        return value
    try:
        if dtype == "bfloat16":
            return struct.unpack("<f", b"\0\0" + bfloat16_bits(float(value)).to_bytes(2, "little"))[0]
        packed = _PACKED.get(dtype)
        return struct.unpack(packed, struct.pack(packed, float(value)))[0] if packed else value
    except OverflowError:
        return value


def bfloat16_bits(value: float) -> int:
    """The upper half of a 32-bit float, rounded to even (tensorflow/tsl: bfloat16). Raises OverflowError."""
    bits = int(struct.unpack("<I", struct.pack("<f", value))[0])
    if math.isnan(value):
        return 0x7FC0
    return ((bits + 0x7FFF + (bits >> 16 & 1)) >> 16) & 0xFFFF


def _index(number: int, shape: tuple[int, ...]) -> tuple[int, ...]:
    found = []
    for size in reversed(shape):
        number, place = divmod(number, size)
        found.append(place)
    return tuple(reversed(found))


def _place(body: Body, name: str) -> Place:
    """How a place in an expected tensor is written: as in the file."""
    if not body.by_row:
        return _column(f"outputs.{name}" if name else "outputs")

    def row(index: tuple[int, ...]) -> str:
        head = "".join(f"[{index[0]}]" for _ in index[:1])
        return f"predictions{head}{f'.{name}' if name else ''}{_brackets(index[1:])}"

    return row


def _column(name: str) -> Place:
    return lambda index: f"{name}{_brackets(index)}"


def _brackets(index: tuple[int, ...]) -> str:
    return "".join(f"[{each}]" for each in index)


def _sizes(shape: tuple[int, ...]) -> str:
    return f"[{','.join(map(str, shape))}]"


def _names(found: dict[str, Tensor]) -> str:
    return ", ".join(_short(sorted(found))) or "no outputs"


def _short(names: list[str]) -> Iterator[str]:
    yield from names[:10]
    if len(names) > 10:
        yield f"{len(names) - 10} more"
