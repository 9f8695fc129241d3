"""Text → where every YAML value begins and ends, counted in characters.

Called by the editing modules of this package. libyaml's events are taken as they come, because a composed tree shows an
alias as the thing it names and ends a block only at the next token, comments included. Every text went through the
strict reader before (`values`), so depth and size are bounded. Deliberately not here: changing anything.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import yaml
from yaml import events

from reconciler.errors import RevisionRefused
from reconciler.parse import reading
from reconciler.parse.nodes import Data, Unreadable

Path: TypeAlias = Sequence[str | int]
"""Keys and list indices from a document's root to a value."""

BOM = "\ufeff"


@dataclass(slots=True)
class Span:
    """One value: `start` is at its anchor or tag where it has one, `end` just behind its last character.

    kind: `scalar`, `mapping`, `list` or `alias`. style: how a scalar is quoted, `{` for flow collections, "" for plain
    scalars and blocks. written: a scalar's text. A block ends with its last value, not with the comments below it.
    """

    start: int
    end: int
    kind: str
    style: str = ""
    written: str = ""
    entries: "list[tuple[Span, Span]]" = field(default_factory=list)
    items: "list[Span]" = field(default_factory=list)
    _key: "Span | None" = None

    @property
    def flow(self) -> bool:
        """Whether this is a collection in brackets."""
        return self.style == "{"

    def entry(self, key: str) -> "tuple[Span, Span] | None":
        """Key and value of that name; of several the last, which is the one that readers keep."""
        return next((each for each in reversed(self.entries) if each[0].written == key), None)

    def take(self, value: "Span") -> None:
        """Add what comes next inside this collection."""
        if self.kind == "list":
            self.items.append(value)
        elif self._key is None:
            self._key = value
        else:
            self.entries.append((self._key, value))
            self._key = None

    def close(self, end: int) -> None:
        """The collection is complete; a flow one ends with its bracket."""
        inside = [value for _, value in self.entries] or self.items
        self.end = end if self.flow else max((each.end for each in inside), default=self.end)


@dataclass(slots=True)
class Part:
    """One document: `marker` is where its `---` begins, None for a first one without; `start` to `end` is its own text.

    `end` is at the next document, at `...`, or at the end of the text; `after` behind the `...` that closes it.
    """

    marker: int | None
    start: int
    end: int
    after: int
    root: Span


def values(text: str) -> list[Data]:
    """The data of every document, by the rules of the strict reader.

    Raises:
        RevisionRefused: the text is not YAML that the reader can follow to its end.
    """
    try:
        checked = reading.check_bytes(text.encode())
        return [document.data for document in reading.documents(checked, [])]
    except Unreadable as unreadable:
        found = unreadable.finding
        raise RevisionRefused(
            f"line {found.line}, column {found.column}: {found.what}; so nothing in this file can be edited. "
            f"To do: {found.to_do}"
        ) from unreadable


def parts(text: str) -> list[Part]:
    """The documents of a text that `values` can read, empty ones included."""
    shift = 1 if text.startswith(BOM) else 0  # libyaml does not count the byte order mark
    found: list[Part] = []
    stack: list[Span] = []
    for event in yaml.parse(text, Loader=yaml.CBaseLoader):
        start, end = _index(event.start_mark) + shift, _index(event.end_mark) + shift
        match event:
            case events.DocumentStartEvent():
                marker = end - 3 if event.explicit else None
                if found and found[-1].after == found[-1].end:
                    found[-1].end = found[-1].after = _begin(text, start, end)
                found.append(Part(marker, shift if marker is None else end, len(text), len(text), Span(end, end, "")))
            case events.DocumentEndEvent() if event.explicit:
                found[-1].end, found[-1].after = start, _next_line(text, end)
            case events.CollectionEndEvent():
                stack.pop().close(end)
            case events.NodeEvent():
                span = _span(event, start, end)
                if stack:
                    stack[-1].take(span)
                else:
                    found[-1].root = span
                if isinstance(event, events.CollectionStartEvent):
                    stack.append(span)
            case _:  # the ends of stream and documents say nothing more
                pass
    return found


def _begin(text: str, start: int, end: int) -> int:
    """Where what leads a document in begins: its directives, else its `---`."""
    return start if text.startswith("%", start) else end - 3


def _next_line(text: str, at: int) -> int:
    while at < len(text) and text[at] not in "\r\n":
        at += 1
    return at + (2 if text.startswith("\r\n", at) else 1 if at < len(text) else 0)


def _span(event: events.NodeEvent, start: int, end: int) -> Span:
    match event:
        case events.AliasEvent():
            return Span(start, end, "alias")
        case events.ScalarEvent():
            return Span(start, end, "scalar", event.style or "", event.value)
        case _:
            kind = "mapping" if isinstance(event, events.MappingStartEvent) else "list"
            return Span(start, end, kind, "{" if getattr(event, "flow_style", False) else "")


def _index(mark: object) -> int:
    return int(getattr(mark, "index", 0))
