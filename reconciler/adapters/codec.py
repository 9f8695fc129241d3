"""Our frozen values as JSON and back, exactly: `load(T, dump(T, value)) == value`.

Used by the ledger for bodies (Memory, Pass, Outcome's action, Status). msgspec writes and reads the JSON text; this
module turns dataclasses into plain objects and back along their annotations, because msgspec cannot read a union of
several dataclasses (`Specific | Latest | All`). Such a union is written with a tag: `{"is": "Latest", "count": 2}`.

Reading is strict about types and lenient about time: a key nobody knows any more is passed over, a key that was not yet
written takes the field's default. Anything else that does not fit is a CodecError that names the path to it.
Deliberately not here: published formats (plans, statuses as users see them), which `record/` and `expose/` own.
"""

import dataclasses
import enum
import functools
import math
import types
import typing
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import msgspec

T = TypeVar("T")
Turn: typing.TypeAlias = Callable[[Any], Any]


class CodecError(ValueError):
    """A stored body is not what its type says; the message begins with the path to the place."""


@dataclasses.dataclass(frozen=True, slots=True)
class _Codec:
    """How one annotation is turned into plain JSON values (`out`) and back (`back`)."""

    out: Turn
    back: Turn


def dump(kind: type[T], value: T) -> str:
    """The value as JSON text. Raises CodecError for numbers that JSON does not have (infinities, NaN)."""
    return msgspec.json.encode(_codec(kind).out(value)).decode()


def load(kind: type[T], text: str) -> T:
    """The value that `dump` wrote. Raises CodecError where the text is not such a value."""
    try:
        plain = msgspec.json.decode(text)
    except msgspec.DecodeError as error:
        raise CodecError(f"not JSON: {error}") from error
    return typing.cast("T", _codec(kind).back(plain))


def _codec(kind: Any) -> _Codec:
    return _made(kind)


@functools.cache
def _made(kind: Any) -> _Codec:
    if dataclasses.is_dataclass(kind):
        return _record(typing.cast("type", kind))
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        return _enumeration(kind)
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin is tuple:
        return _sequence(arguments[0]) if arguments[-1] is Ellipsis else _row(arguments)
    if origin in (types.UnionType, typing.Union):
        return _union(arguments)
    return _scalar(kind)


def _scalar(kind: Any) -> _Codec:
    if kind is float:
        return _Codec(_finite, _number)
    if kind in (int, str, bool):
        return _Codec(_same, functools.partial(_exactly, kind))
    raise TypeError(f"the codec has no rule for {kind!r}; add one, with a round-trip test")


def _same(value: Any) -> Any:
    return value


def _finite(value: float) -> float:
    if not math.isfinite(value):
        raise CodecError(f"{value} has no JSON form")
    return float(value)


def _number(plain: Any) -> float:
    if type(plain) not in (float, int):
        raise CodecError(f": a number was expected, not {plain!r}")
    return float(plain)


def _exactly(kind: type, plain: Any) -> Any:
    if type(plain) is not kind:
        raise CodecError(f": {kind.__name__} was expected, not {plain!r}")
    return plain


def _enumeration(kind: type[enum.Enum]) -> _Codec:
    members = {member.value: member for member in kind}

    def back(plain: Any) -> enum.Enum:
        found = members.get(plain) if isinstance(plain, str | int) else None
        if found is None:
            raise CodecError(f": {plain!r} is no {kind.__name__}")
        return found

    return _Codec(lambda member: member.value, back)


def _elements(plain: Any) -> list[Any]:
    if not isinstance(plain, list):
        raise CodecError(f": a list was expected, not {plain!r}")
    return plain


def _sequence(kind: Any) -> _Codec:
    element = _codec(kind)

    def back(plain: Any) -> tuple[Any, ...]:
        return tuple(_at(f"[{index}]", element.back, each) for index, each in enumerate(_elements(plain)))

    return _Codec(lambda values: [element.out(each) for each in values], back)


def _row(kinds: tuple[Any, ...]) -> _Codec:
    codecs = [_codec(kind) for kind in kinds]

    def out(values: tuple[Any, ...]) -> list[Any]:
        return [codec.out(each) for codec, each in zip(codecs, values, strict=True)]

    def back(plain: Any) -> tuple[Any, ...]:
        if len(_elements(plain)) != len(codecs):
            raise CodecError(f": {len(codecs)} elements were expected, not {plain!r}")
        pairs = enumerate(zip(codecs, plain, strict=True))
        return tuple(_at(f"[{index}]", codec.back, each) for index, (codec, each) in pairs)

    return _Codec(out, back)


def _union(kinds: tuple[Any, ...]) -> _Codec:
    """`X | None` as X or null; several dataclasses as objects with a tag."""
    others = [kind for kind in kinds if kind is not types.NoneType]
    inner = _codec(others[0]) if len(others) == 1 else _tagged(others)
    if len(others) == len(kinds):
        return inner
    return _Codec(
        lambda value: None if value is None else inner.out(value),
        lambda plain: None if plain is None else inner.back(plain),
    )


def _tagged(kinds: list[Any]) -> _Codec:
    codecs = {kind.__name__: _codec(kind) for kind in kinds}

    def out(value: Any) -> dict[str, Any]:
        name = type(value).__name__
        return {"is": name, **codecs[name].out(value)}

    def back(plain: Any) -> Any:
        name = plain.get("is") if isinstance(plain, dict) else None
        if name not in codecs:
            raise CodecError(f": one of {', '.join(codecs)} was expected, not {plain!r}")
        return codecs[name].back(plain)

    return _Codec(out, back)


def _record(kind: type) -> _Codec:
    hints = typing.get_type_hints(kind)
    codecs = {field.name: _codec(hints[field.name]) for field in dataclasses.fields(kind)}
    required = {
        field.name
        for field in dataclasses.fields(kind)
        if field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
    }

    def out(value: Any) -> dict[str, Any]:
        return {name: codec.out(getattr(value, name)) for name, codec in codecs.items()}

    def back(plain: Any) -> Any:
        fields = _fields(kind, plain, required)
        return _built(kind, {n: _at(f".{n}", c.back, fields[n]) for n, c in codecs.items() if n in fields})

    return _Codec(out, back)


def _fields(kind: type, plain: Any, required: set[str]) -> Mapping[str, Any]:
    if not isinstance(plain, dict):
        raise CodecError(f": {kind.__name__} was expected, not {plain!r}")
    if lacking := sorted(required - plain.keys()):
        raise CodecError(f": {kind.__name__} lacks {', '.join(lacking)}")
    return plain


def _built(kind: type, fields: dict[str, Any]) -> Any:
    try:
        return kind(**fields)
    except CodecError:
        raise
    except ValueError as error:  # the value's own rules, such as ascending versions
        raise CodecError(f": {error}") from error


def _at(place: str, back: Turn, plain: Any) -> Any:
    try:
        return back(plain)
    except CodecError as error:
        raise CodecError(f"{place}{error}") from error
