"""Whole documents of a YAML file, moved as text: taken from one file, put in place of another, removed, appended.

Called by whoever restores or moves documents. A document's own text runs from behind its `---` (a first one without:
from the top) to the next `---`, to `...` or to the end, so the comments in it travel along and what stands between
other documents stays. Line ends are those of the file that receives. Every result is read again and must hold the
data that was meant.
"""

import re
from dataclasses import dataclass, field

from reconciler.errors import RevisionRefused
from reconciler.parse.nodes import Data
from reconciler.revise import meant
from reconciler.revise.spans import BOM, Part, parts, values

_BREAK = re.compile(r"\r\n|\n|\r")


@dataclass(frozen=True, slots=True)
class Chunk:
    """The text of one document. marked: whether it stood behind a `---`, on whose line it then begins."""

    body: str
    marked: bool
    data: Data = field(compare=False, default=None)


def cut(text: str, document: int = 0) -> Chunk:
    """The document with that number, from 0.

    Raises:
        RevisionRefused: the file cannot be read as YAML, or has no such document.
    """
    data, part = _opened(text, document)
    return Chunk(text[part.start : part.end], part.marker is not None, data[document])


def replace_document(text: str, document: int, chunk: Chunk) -> str:
    """The text with another document in the place of that one.

    Raises:
        RevisionRefused: the file cannot be read as YAML, has no such document, or cannot take this one.
    """
    data, part = _opened(text, document)
    body = _fitting(chunk, text, marked=part.marker is not None)
    if part.end < len(text):
        body = _ended(body, text)
    made = text[: part.start] + body + text[part.end :]
    return _checked(made, [*data[:document], chunk.data, *data[document + 1 :]])


def remove_document(text: str, document: int) -> str:
    """The text without that document; without any document where it was the only one. See `replace_document`."""
    data, part = _opened(text, document)
    begin = part.start if part.marker is None else part.marker
    return _checked(text[:begin] + text[part.after :], [*data[:document], *data[document + 1 :]])


def append_document(text: str, chunk: Chunk) -> str:
    """The text with one more document at its end. See `replace_document`."""
    data = values(text)
    above = _ended(text, text) if text.strip(BOM) else text
    marker = "---" if data else ""
    return _checked(above + marker + _fitting(chunk, text, marked=bool(data)), [*data, chunk.data])


def _opened(text: str, document: int) -> tuple[list[Data], Part]:
    data = values(text)
    if not 0 <= document < len(data):
        raise RevisionRefused(f"the file has {len(data)} documents, and none with number {document + 1}.")
    return data, parts(text)[document]


def _fitting(chunk: Chunk, text: str, *, marked: bool) -> str:
    """The chunk's text as it must stand in this file: behind a `---` or without one, with this file's line ends."""
    newline = _newline(text) or _newline(chunk.body) or "\n"
    body = _BREAK.sub(newline, chunk.body)
    if marked and not chunk.marked:
        return newline + body
    if chunk.marked and not marked:
        return body.lstrip(" \t").removeprefix(newline)
    return body


def _ended(body: str, text: str) -> str:
    return body if body.endswith(("\n", "\r")) else body + (_newline(text) or "\n")


def _newline(text: str) -> str:
    found = _BREAK.search(text)
    return found[0] if found else ""


def _checked(made: str, intended: list[Data]) -> str:
    try:
        said = values(made)
    except RevisionRefused as error:
        raise RevisionRefused(f"the result would be no YAML: {error}") from error
    if not meant.same(list(said), intended):
        raise RevisionRefused(
            "the documents of the file could not be kept apart, so nothing was changed. To do: begin every document "
            "with a line of `---`, and try again; or edit the file by hand."
        )
    return made
