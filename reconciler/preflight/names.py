"""Which names below a base path TensorFlow Serving takes for versions, and which of them can be published.

The server accepts far more than digits: `007`, `+8`, ` 9` and even plain files
(tensorflow_serving/sources/storage_path/ file_system_storage_path_source.cc, ParseVersionNumber). Two spellings of one
number load whichever it happens on, so only the plain decimal name counts here, and only where it is alone.
Deliberately not here: what lies inside.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

_NUMBER = re.compile(r"[ \t\n\v\f\r]*([+-]?[0-9]{1,64})[ \t\n\v\f\r]*")
_VERSIONS = range(1, 2**63)


@dataclass(frozen=True, slots=True)
class Spelling:
    """One version number and every name below the base path that the server reads as it, ascending."""

    version: int
    names: tuple[str, ...]

    @property
    def name(self) -> str:
        """The name to look into: the plain decimal one, else the one the server would use (lexically last)."""
        return str(self.version) if str(self.version) in self.names else self.names[-1]

    @property
    def lacks(self) -> tuple[str, ...]:
        """Why the name cannot be published; empty for one plain decimal name."""
        others = [name for name in self.names if name != str(self.version)]
        if not others:
            return ()
        shown = ", ".join(repr(name) for name in others[:3])
        if len(others) == len(self.names):
            return (f"a plain name: the directory is called {shown}; rename it to {self.version}",)
        return (f"one spelling: {shown} means version {self.version} too; remove it",)


def number_of(name: str) -> int | None:
    """The version number that the server reads in a name; None where it is no version for it, or none we may list."""
    found = _NUMBER.fullmatch(name)
    number = int(found[1]) if found else 0
    return number if number in _VERSIONS else None


def spellings(names: Iterable[str]) -> tuple[Spelling, ...]:
    """The versions among these names, ascending."""
    found: dict[int, list[str]] = {}
    for name in names:
        number = number_of(name)
        if number is not None:
            found.setdefault(number, []).append(name)
    return tuple(Spelling(number, tuple(sorted(found[number]))) for number in sorted(found))
