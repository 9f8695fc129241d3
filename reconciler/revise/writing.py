"""Plain data → YAML text: scalars that every reader takes for the same, collections in block or flow style.

Called by `splice.py` for what is put into a file. Small on purpose: what is written here are labels, versions and
entries of a few lines; whole documents are taken over from other commits as text.
"""

import json
import re

from reconciler.parse import scalars
from reconciler.parse.nodes import Data

# Beyond what YAML 1.2 reads as a text: words and numbers that readers of YAML 1.1 take for something else.
_PLAIN = re.compile(r"[A-Za-z/][A-Za-z0-9_./@+-]*(:[A-Za-z0-9_./@+-]+)*")
_ODD = re.compile(r"y|n|yes|no|on|off|true|false|null", re.IGNORECASE)


def scalar(value: str | int | float | bool | None, quote: str = "") -> str:
    """One value on one line; `quote` is how its predecessor was quoted, and is kept where that is possible."""
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case int() | float():
            return repr(value)
        case _:
            return _text(value, quote)


def _text(value: str, quote: str) -> str:
    if quote == "'" and value.isprintable():
        return "'" + value.replace("'", "''") + "'"
    plain = _PLAIN.fullmatch(value) and not _ODD.fullmatch(value) and scalars.resolve(value) == value
    return value if plain and quote != '"' else _double_quoted(value)


def _double_quoted(value: str) -> str:
    """Unicode stays readable; what YAML or a terminal would trip over is escaped as JSON does, which YAML reads."""
    shown = json.dumps(value, ensure_ascii=False)
    return "".join(each if each.isprintable() else _escaped(each) for each in shown)


def _escaped(character: str) -> str:
    number = ord(character)
    return f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"


def flow(value: Data) -> str:
    """Any value on one line."""
    match value:
        case dict():
            return "{" + ", ".join(f"{_text(key, '')}: {flow(each)}" for key, each in value.items()) + "}"
        case list():
            return "[" + ", ".join(map(flow, value)) + "]"
        case _:
            return scalar(value)


def inline(value: Data) -> bool:
    """Whether a value is written beside its key: scalars, lists of scalars, and what is empty."""
    if isinstance(value, list):
        return not any(isinstance(each, dict | list) for each in value)
    return not isinstance(value, dict) or not value


def entry(key: str, value: Data, column: int) -> list[str]:
    """The lines of `key: value` in a block, without the indentation of the first, which stands at `column`."""
    name = _text(key, "")
    if inline(value):
        return [f"{name}: {flow(value)}"]
    return [f"{name}:", *indented(value, column + 2)]


def item(value: Data, column: int) -> list[str]:
    """The lines of `- value` in a block, without the indentation of the first, whose dash stands at `column`."""
    if inline(value) or isinstance(value, list):
        return [f"- {flow(value)}"]
    first, *more = indented(value, column + 2)
    return [f"- {first.lstrip(' ')}", *more]


def indented(value: Data, column: int) -> list[str]:
    """The lines of a collection that is written as a block at that column."""
    lines: list[str] = []
    if isinstance(value, dict):
        for key, each in value.items():
            first, *more = entry(key, each, column)
            lines += [" " * column + first, *more]
    elif isinstance(value, list):
        for each in value:
            first, *more = item(each, column)
            lines += [" " * column + first, *more]
    return lines
