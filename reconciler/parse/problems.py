"""What is wrong with, or surprising about, a document: findings inside one file, problems with their place.

Made by every module of `parse/`, printed by `cli` and `expose`. Rule ids are stable words that people can search for.
Deliberately not here: deciding anything.
"""

from dataclasses import dataclass

from reconciler.state.desired import Place

SHOWN = 80  # characters of a written value that a message repeats; a value may be a megabyte


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """One thing found in one file: where (from 1), which rule, what is the case, what to do about it.

    It has no path, because findings are kept per blob and the same blob may lie at several paths.
    """

    line: int
    column: int
    rule: str
    what: str
    to_do: str
    warning: bool = False

    def at(self, path: str) -> "Problem":
        """The same, in the file at that path."""
        return Problem(path, self.line, self.column, self.rule, self.what, self.to_do)


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One thing found in the repository; prints as `file:line:column rule what — what to do`."""

    path: str
    line: int
    column: int
    rule: str
    what: str
    to_do: str

    @property
    def place(self) -> Place:
        """Where it was found."""
        return Place(self.path, self.line, self.column)

    def __str__(self) -> str:
        return f"{self.place} {self.rule} {self.what} — {self.to_do}"


def shown(value: object) -> str:
    """A written value as messages repeat it: in backquotes, on one line, shortened."""
    text = value if isinstance(value, str) else _spelled(value)
    text = text.encode("unicode_escape").decode() if not text.isprintable() else text
    return f"`{text[:SHOWN]}…`" if len(text) > SHOWN else f"`{text}`"


def _spelled(value: object) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return str(value).lower()
        case dict():
            return "{" + ", ".join(str(key) for key in value) + "}"
        case list():
            return f"[… {len(value)} items]"
        case _:
            return str(value)
