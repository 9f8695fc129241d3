"""What a plain scalar means: the YAML 1.2 core schema, and nothing that other readers see differently.

Called by `nodes.py` for every unquoted value. `on`, `no` and `12:30:45` are texts here, as YAML 1.2 says. Numbers that
YAML 1.1 and 1.2 read differently (`010`, `0o17`), and those that no field can hold (`.inf`), are `Unclear`: the author
is asked to write what is meant, because a version read as another number would load the wrong files.
"""

import re
from dataclasses import dataclass

LONGEST_NUMBER = 40  # characters; Python refuses to convert integers of some thousand digits, and none is a version

_CONSTANTS: dict[str, bool | None] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_QUOTE = "write a plain number, or put it in quotes if it is a text"
_STARTS = frozenset("+-.0123456789")
_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]*)")
_LEADING_ZERO = re.compile(r"[-+]?0[0-9]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_BASED = re.compile(r"0o[0-7]+|0x[0-9a-fA-F]+")
_NO_NUMBER = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")


@dataclass(frozen=True, slots=True)
class Unclear:
    """A scalar that readers disagree about: what is wrong with it, and what to write instead."""

    what: str
    to_do: str


def resolve(text: str) -> str | int | float | bool | Unclear | None:
    """The value of a plain scalar."""
    if text[:1] in _STARTS and text:
        return _number(text)
    return _CONSTANTS.get(text, text)


def _number(text: str) -> str | int | float | Unclear:
    short = len(text) <= LONGEST_NUMBER
    if short and _INTEGER.fullmatch(text):
        return int(text)
    if _LEADING_ZERO.fullmatch(text):
        return _leading_zero(text)
    if _FLOAT.fullmatch(text):
        return float(text) if short else Unclear(f"the number `{text[:LONGEST_NUMBER]}…` is too long", _QUOTE)
    return _odd(text)


def _odd(text: str) -> str | Unclear:
    if _BASED.fullmatch(text):
        return Unclear(f"`{text[:LONGEST_NUMBER]}` is not a decimal number", _plain_or_quoted(text, 0))
    if _NO_NUMBER.fullmatch(text):
        return Unclear(f"`{text}` is no number that any field takes", _QUOTE)
    return text


def _leading_zero(text: str) -> Unclear:
    what = f"`{text[:LONGEST_NUMBER]}` has leading zeros, which some readers take for an octal number"
    return Unclear(what, _plain_or_quoted(text, 10))


def _plain_or_quoted(text: str, base: int) -> str:
    if len(text) > LONGEST_NUMBER:
        return _QUOTE
    return f'write `{int(text, base)}`, or "{text}" in quotes if it is a text'
