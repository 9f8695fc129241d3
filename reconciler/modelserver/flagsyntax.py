"""How a command line is read, and how help is printed.

Here: ``parse`` after ``Flags::Parse`` of tsl/util/command_line_flags.cc, and ``usage`` after ``Flags::Usage``. Called
by ``serve`` and by tests. The rules are stricter and odder than those of other parsers, and kept: a value only after
``=`` (``--port 8500`` are two unknown arguments), numbers as sscanf reads them, booleans bare or ``=true`` or
``=false``, the last of several wins, and a name that only begins like a boolean flag is a bad value of that flag. A
value that cannot be read ends the start, an unknown argument does not.

Not here: the flags (flags), and what they do.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from reconciler.modelserver.flags import FIELDS, ServerFlags

_INTEGER = re.compile(r"[ \t\n\v\f\r]*([+-]?[0-9]+)")
_DECIMAL = r"(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:e[+-]?[0-9]+)?"
_FLOAT = re.compile(rf"[ \t\n\v\f\r]*([+-]?(?:{_DECIMAL}|inf(?:inity)?|nan))", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Parsed:
    """The flags of one command line, and what was not understood of it."""

    flags: ServerFlags
    unknown: tuple[str, ...] = ()
    errors: tuple[str, ...] = ()
    """One sentence for each value that cannot be read; with any of them the server does not start."""

    @property
    def help_wanted(self) -> bool:
        """Whether ``--help`` comes before every other argument that is not a flag."""
        return self.unknown[:1] == ("--help",)


def parse(argv: Sequence[str]) -> Parsed:
    """Read a command line, without the name of the program."""
    values: dict[str, Any] = {}
    unknown: list[str] = []
    errors: list[str] = []
    for position, argument in enumerate(argv):
        if argument == "--":
            unknown += argv[position:]
            break
        found = _flag_of(argument)
        if found is None:
            unknown.append(argument)
            continue
        name, text = found
        value = _READ[FIELDS[name].metadata["kind"]](text)
        if value is None:
            errors.append(f"Couldn't interpret value {text} for flag {name}.")
        else:
            values[name] = value
    return Parsed(ServerFlags(**values), tuple(unknown), tuple(errors))


def _flag_of(argument: str) -> tuple[str, str] | None:
    """Name and value of the flag an argument sets; the value of a boolean includes its ``=``."""
    if not argument.startswith("--"):
        return None
    name, equals, text = argument[2:].partition("=")
    if equals and name in FIELDS and FIELDS[name].type is not bool:
        return name, text
    for switch, field in FIELDS.items():
        if field.type is bool and argument.startswith(f"--{switch}"):
            return switch, argument.removeprefix(f"--{switch}")
    return None


def _boolean(text: str) -> bool | None:
    return {"": True, "=true": True, "=false": False}.get(text.lower())


def _int32(text: str) -> int | None:
    value = _int64(text)
    return None if value is None else (value + 2**31) % 2**32 - 2**31  # sscanf drops the upper half


def _int64(text: str) -> int | None:
    found = _INTEGER.fullmatch(text)
    return None if found is None else max(-(2**63), min(2**63 - 1, int(found[1])))


def _float(text: str) -> float | None:
    found = _FLOAT.fullmatch(text)
    return None if found is None else float(found[1])


_READ: dict[str, Any] = {"bool": _boolean, "int32": _int32, "int64": _int64, "float": _float, "string": str}


def usage(program: str) -> str:
    """The help text: flags with an effect first, then those that are only accepted, with the reason."""
    lines = [f"usage: {program}", "Flags:"]
    lines += [_help_line(name) for name, field in FIELDS.items() if not field.metadata["idle"]]
    lines += ["Accepted without effect:"]
    lines += [_help_line(name) for name, field in FIELDS.items() if field.metadata["idle"]]
    return "\n".join(lines)


def _help_line(name: str) -> str:
    field = FIELDS[name]
    kind, text, idle = (field.metadata[key] for key in ("kind", "text", "idle"))
    shown = f"--{name}={_shown(field.default)}"
    return f"\t{shown:<33}\t{kind}\t{text}{f' ({idle})' if idle else ''}"


def _shown(default: Any) -> str:
    match default:
        case bool():
            return str(default).lower()
        case float():
            return f"{default:f}"
        case str():
            return f'"{default}"'
        case _:
            return str(default)
