"""Text-format protobuf, read with the rules and the complaints of C++.

Here: ``parse``, the grammar of google/protobuf/text_format.cc as ``TextFormat::ParseFromString`` sets it up (no unknown
fields, no field twice, one member of a oneof), filling a Python message. Used by ``textfiles``. Why not protobuf's own
``text_format``: it refuses what C++ takes (``versions: 010`` is 8) and takes what C++ refuses, and operators look for
the line that C++ prints.

Not here: tokens (texttokens), files (textfiles). Deliberately missing: extensions and groups, which proto3 has not.
"""

from collections.abc import Callable
from typing import Any

from google.protobuf import descriptor_pool, message_factory
from google.protobuf.descriptor import FieldDescriptor

from reconciler.modelserver.tensors import Proto
from reconciler.modelserver.texttokens import Kind, Token, Tokenizer, string_value

Field = Any  # a FieldDescriptor: its parts are optional to mypy, and never are where they are used here
_TRUE, _FALSE = {"true", "True", "t"}, {"false", "False", "f"}
_NUMBERS = {"inf": "inf", "infinity": "inf", "nan": "nan"}
_ANY_PREFIXES = {"type.googleapis.com/", "type.googleprod.com/"}
_SIGNED_LIMIT = {FieldDescriptor.CPPTYPE_INT32: 2**31 - 1, FieldDescriptor.CPPTYPE_INT64: 2**63 - 1}
_UNSIGNED_LIMIT = {FieldDescriptor.CPPTYPE_UINT32: 2**32 - 1, FieldDescriptor.CPPTYPE_UINT64: 2**64 - 1}


class _Refused(Exception):  # ends a parse; what was wrong has been reported
    pass


def parse(text: bytes, message: Proto) -> tuple[list[str], list[str]]:
    """Fill ``message`` from a text; returns errors and warnings as C++ logs them. With an error the message is junk."""
    parser = _Parser(text, message.DESCRIPTOR.full_name)
    parser.read(message)
    return parser.errors, parser.warnings


class _Parser:
    def __init__(self, text: bytes, root: str) -> None:
        self.errors: list[str] = []
        self.warnings: list[str] = []
        self._root = root
        self._tokens = Tokenizer(text, self._report)
        self._token = self._tokens.next()

    def read(self, message: Proto) -> None:
        try:
            while self._token.kind is not Kind.END:
                self._field(message)
        except _Refused:
            return

    # -- complaints ---------------------------------------------------------------------------------------------------

    def _report(self, line: int, column: int, text: str) -> None:
        self.errors.append(f"Error parsing text-format {self._root}: {line + 1}:{column + 1}: {text}")

    def _refuse(self, text: str) -> _Refused:
        self._report(self._token.line, self._token.column, text)
        return _Refused()

    # -- tokens -------------------------------------------------------------------------------------------------------

    def _shown(self) -> str:
        return self._token.text.decode("utf-8", "replace")

    def _advance(self) -> Token:
        taken, self._token = self._token, self._tokens.next(self._token)
        return taken

    def _at(self, *texts: str) -> bool:
        return any(self._token.text == text.encode() for text in texts)

    def _try(self, text: str) -> bool:
        if not self._at(text):
            return False
        self._advance()
        return True

    def _need(self, text: str) -> None:
        if not self._try(text):
            raise self._refuse(f'Expected "{text}", found "{self._shown()}".')

    def _name(self) -> str:
        if self._token.kind is not Kind.NAME:
            raise self._refuse(f"Expected identifier, got: {self._shown()}")
        return self._advance().text.decode()

    # -- fields -------------------------------------------------------------------------------------------------------

    def _field(self, message: Proto) -> None:
        if self._at("["):
            self._bracketed(message)
        else:
            self._value_of(message, self._named(message))
        if not self._try(";"):
            self._try(",")

    def _named(self, message: Proto) -> Field:
        name = self._name()
        field = message.DESCRIPTOR.fields_by_name.get(name)
        if field is None:
            raise self._refuse(f'Message type "{message.DESCRIPTOR.full_name}" has no field named "{name}".')
        if field.GetOptions().deprecated:
            self.warnings.append(
                f"Warning parsing text-format {self._root}: {self._token.line + 1}:{self._token.column + 1}: "
                f'text format contains deprecated field "{name}"'
            )
        self._check_first(message, field)
        return field

    def _check_first(self, message: Proto, field: Field) -> None:
        if not _is_repeated(field) and _is_set(message, field):
            raise self._refuse(f'Non-repeated field "{field.name}" is specified multiple times.')
        oneof = field.containing_oneof
        other = message.WhichOneof(oneof.name) if oneof is not None else None
        if other is not None:
            raise self._refuse(
                f'Field "{field.name}" is specified along with field "{other}", another member of oneof "{oneof.name}".'
            )

    def _value_of(self, message: Proto, field: Field) -> None:
        is_message = field.message_type is not None
        if is_message:
            self._try(":")
        else:
            self._need(":")
        read = self._nested if is_message else self._scalar
        if not (_is_repeated(field) and self._try("[")):
            read(message, field)
        elif not self._try("]"):
            self._listed(lambda: read(message, field))

    def _listed(self, read: Callable[[], None]) -> None:
        read()
        while not self._try("]"):
            self._need(",")
            read()

    def _nested(self, message: Proto, field: Field) -> None:
        end = self._opened()
        if _is_map(field):
            entry = message_factory.GetMessageClass(field.message_type)()
            self._body(entry, end)
            _put_entry(message, field, entry)
            return
        value = getattr(message, field.name)
        inner = value.add() if _is_repeated(field) else value
        if not _is_repeated(field):
            inner.SetInParent()
        self._body(inner, end)

    def _opened(self) -> str:
        if self._try("<"):
            return ">"
        self._need("{")
        return "}"

    def _body(self, message: Proto, end: str) -> None:
        while not self._at(">", "}"):
            self._field(message)
        self._need(end)

    # -- brackets -----------------------------------------------------------------------------------------------------

    def _bracketed(self, message: Proto) -> None:
        self._need("[")
        if message.DESCRIPTOR.full_name == "google.protobuf.Any":
            self._any(message)
            return
        name = self._dotted()
        self._need("]")
        raise self._refuse(
            f'Extension "{name}" is not defined or is not an extension of "{message.DESCRIPTOR.full_name}".'
        )

    def _dotted(self) -> str:
        name = self._name()
        while self._try("."):
            name += f".{self._name()}"
        return name

    def _any(self, message: Proto) -> None:
        prefix = self._dotted()
        self._need("/")
        url = f"{prefix}/{self._dotted()}"
        self._need("]")
        self._try(":")
        descriptor = _find_type(url)
        if descriptor is None:
            raise self._refuse(f'Could not find type "{url}" stored in google.protobuf.Any.')
        value = message_factory.GetMessageClass(descriptor)()
        self._body(value, self._opened())
        if message.type_url or message.value:
            raise self._refuse("Non-repeated Any specified multiple times.")
        message.type_url, message.value = url, value.SerializeToString()

    # -- values -------------------------------------------------------------------------------------------------------

    def _scalar(self, message: Proto, field: Field) -> None:
        value = self._read(field)
        if _is_repeated(field):
            getattr(message, field.name).append(value)
        else:
            setattr(message, field.name, value)

    def _read(self, field: Field) -> Any:
        kind = field.cpp_type
        if kind in _SIGNED_LIMIT:
            return self._signed(_SIGNED_LIMIT[kind])
        if kind in _UNSIGNED_LIMIT:
            return self._unsigned(_UNSIGNED_LIMIT[kind])
        if kind == FieldDescriptor.CPPTYPE_STRING:
            value = self._string()
            return value if field.type == FieldDescriptor.TYPE_BYTES else value.decode("utf-8", "replace")
        if kind == FieldDescriptor.CPPTYPE_BOOL:
            return self._boolean(field)
        if kind == FieldDescriptor.CPPTYPE_ENUM:
            return self._enum(field)
        return self._double()

    def _signed(self, limit: int) -> int:
        if self._try("-"):
            return -self._unsigned(limit + 1)
        return self._unsigned(limit)

    def _unsigned(self, limit: int) -> int:
        if self._token.kind is not Kind.INTEGER:
            raise self._refuse(f"Expected integer, got: {self._shown()}")
        value = _integer(self._shown())
        if value is None or value > limit:
            raise self._refuse(f"Integer out of range ({self._shown()})")
        self._advance()
        return value

    def _string(self) -> bytes:
        if self._token.kind is not Kind.STRING:
            raise self._refuse(f"Expected string, got: {self._shown()}")
        value = b""
        while self._token.kind is Kind.STRING:
            value += string_value(self._advance().text)
        return value

    def _boolean(self, field: Field) -> bool:
        if self._token.kind is Kind.INTEGER:
            return bool(self._unsigned(1))
        value = self._name()
        if value not in _TRUE | _FALSE:
            raise self._refuse(f'Invalid value for boolean field "{field.name}". Value: "{value}".')
        return value in _TRUE

    def _enum(self, field: Field) -> int:
        if self._at("-") or self._token.kind is Kind.INTEGER:
            return self._signed(2**31 - 1)
        if self._token.kind is not Kind.NAME:
            raise self._refuse(f"Expected integer or identifier, got: {self._shown()}")
        name = self._name()
        value = field.enum_type.values_by_name.get(name)
        if value is None:
            raise self._refuse(f'Unknown enumeration value of "{name}" for field "{field.name}".')
        return int(value.number)

    def _double(self) -> float:
        sign = -1.0 if self._try("-") else 1.0
        text = self._shown().lower()
        if self._token.kind is Kind.NAME and text in _NUMBERS:
            text = _NUMBERS[text]
        elif self._token.kind is Kind.INTEGER and text[0] == "0" and len(text) > 1:
            raise self._refuse(f"Expect a decimal number, got: {self._shown()}")
        elif self._token.kind not in {Kind.INTEGER, Kind.FLOAT}:
            raise self._refuse(f"Expected double, got: {self._shown()}")
        self._advance()
        return sign * _floating(text)


def _is_repeated(field: Field) -> bool:
    known = getattr(field, "is_repeated", None)  # protobuf 5 has no such attribute, 7 warns of the label
    return bool(field.label == FieldDescriptor.LABEL_REPEATED if known is None else known)


def _is_set(message: Proto, field: Field) -> bool:
    """Whether C++ counts a field as given: without presence, only when it differs from its default."""
    if field.has_presence:
        return bool(message.HasField(field.name))
    return bool(getattr(message, field.name) != field.default_value)


def _is_map(field: Field) -> bool:
    return bool(field.message_type.GetOptions().map_entry)


def _put_entry(message: Proto, field: Field, entry: Proto) -> None:
    target = getattr(message, field.name)
    if field.message_type.fields_by_name["value"].message_type is None:
        target[entry.key] = entry.value
    else:
        target[entry.key].CopyFrom(entry.value)


def _find_type(url: str) -> Any:
    prefix, _, name = url.rpartition("/")
    if f"{prefix}/" not in _ANY_PREFIXES:
        return None
    try:
        return descriptor_pool.Default().FindMessageTypeByName(name)
    except KeyError:
        return None


def _integer(text: str) -> int | None:
    try:
        if text[:2].lower() == "0x":
            return int(text, 16)
        return int(text, 8 if text.startswith("0") else 10)
    except ValueError:
        return None


def _floating(text: str) -> float:
    try:
        return float(text.rstrip("f") if text not in {"inf", "nan"} else text)
    except ValueError:  # "1e" and its like; the tokenizer has complained
        return 0.0
