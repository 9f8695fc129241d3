"""Messages as the C++ protobuf library prints them as JSON, byte for byte.

Here: ``written`` for the options TensorFlow Serving uses: whitespace, every field without presence, names as in the
.proto file. Python's own printer differs in order, layout and escapes. Used by the REST front for status and metadata.
Source: protobuf's ``json/internal/unparser.cc`` and ``writer.cc``. Entries of a map stand in the order of their keys;
the C++ library leaves that order to chance.

Not here: well-known types but the integer wrapper; TensorFlow Serving prints no other.
"""

import base64
import math
import re
from collections.abc import Iterable, Iterator
from typing import Any

from google.protobuf.descriptor import FieldDescriptor

from reconciler.modelserver.jsonwriter import rounded
from reconciler.modelserver.tensors import Proto

_SHORT = {'"': '\\"', "\\": "\\\\", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t"}
_MUST_ESCAPE = re.compile(
    '["\\\\<>\x00-\x1f\x7f-\x9f\xad\u0600-\u0603\u06dd\u070f\u17b4\u17b5\u200b-\u200f\u2028-\u202e\u2060-\u2064'
    "\u206a-\u206f\ufeff\ufff9-\ufffb\U0001d173-\U0001d17a\U000e0001\U000e0020-\U000e007f]"
)
_INTEGERS = {
    FieldDescriptor.TYPE_INT64,
    FieldDescriptor.TYPE_UINT64,
    FieldDescriptor.TYPE_FIXED64,
    FieldDescriptor.TYPE_SFIXED64,
    FieldDescriptor.TYPE_SINT64,
}
_WRAPPER = "google.protobuf.Int64Value"


def written(message: Proto) -> str:
    """The document, with a line break at its end."""
    return "".join(_message(message, "\n")) + "\n"


def _message(message: Proto, line: str) -> Iterator[str]:
    if message.DESCRIPTOR.full_name == _WRAPPER:
        yield f'"{message.value}"'
        return
    fields = sorted(message.DESCRIPTOR.fields, key=lambda field: field.number)
    members = ((field.name, _field(message, field, line + " ")) for field in fields if _is_printed(message, field))
    yield from _object(members, line)


def _is_printed(message: Proto, field: Any) -> bool:
    if field.has_presence:
        return bool(message.HasField(field.name))
    return True


def _object(members: Iterable[tuple[str, Iterable[str]]], line: str) -> Iterator[str]:
    separator = "{"
    for name, value in members:
        yield f"{separator}{line} {_text(name)}: "
        yield from value
        separator = ","
    yield "{}" if separator == "{" else line + "}"


def _array(values: Iterable[Iterable[str]], line: str) -> Iterator[str]:
    separator = "["
    for value in values:
        yield f"{separator}{line} "
        yield from value
        separator = ","
    yield "[]" if separator == "[" else line + "]"


def _field(message: Proto, field: Any, line: str) -> Iterable[str]:
    value = getattr(message, field.name)
    if field.message_type is not None and field.message_type.GetOptions().map_entry:
        of = field.message_type.fields_by_name["value"]
        return _object(((key, _single(value[key], of, line + " ")) for key in sorted(value)), line)
    if field.is_repeated:
        return _array((_single(each, field, line + " ") for each in value), line)
    return _single(value, field, line)


def _single(value: Any, field: Any, line: str) -> Iterable[str]:
    if field.message_type is not None:
        return _message(value, line)
    return [_scalar(value, field)]


def _scalar(value: Any, field: Any) -> str:
    if field.enum_type is not None:
        known = field.enum_type.values_by_number.get(value)
        return f'"{known.name}"' if known else str(value)
    if field.type == FieldDescriptor.TYPE_STRING:
        return _text(value)
    if field.type == FieldDescriptor.TYPE_BYTES:
        return f'"{base64.b64encode(value).decode()}"'
    if field.type == FieldDescriptor.TYPE_BOOL:
        return "true" if value else "false"
    if field.type in _INTEGERS:
        return f'"{value}"'
    return str(value) if isinstance(value, int) else _real(value, single=field.type == FieldDescriptor.TYPE_FLOAT)


def _real(value: float, *, single: bool) -> str:
    """The shorter of two precisions that says the value."""
    if not math.isfinite(value):
        return '"NaN"' if math.isnan(value) else '"Infinity"' if value > 0 else '"-Infinity"'
    short = f"{value:.{6 if single else 15}g}"
    same = rounded(float(short)) == value if single else float(short) == value
    return short if same else f"{value:.{9 if single else 17}g}"


def _text(value: str) -> str:
    return f'"{_MUST_ESCAPE.sub(_escaped, value)}"'


def _escaped(match: re.Match[str]) -> str:
    character = match.group()
    if character in _SHORT:
        return _SHORT[character]
    units = character.encode("utf-16-be")
    return "".join(f"\\u{units[at] << 8 | units[at + 1]:04x}" for at in range(0, len(units), 2))
