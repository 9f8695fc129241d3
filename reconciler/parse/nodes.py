"""YAML events → nodes: plain data with a position for every value.

Called by `reading.py`. libyaml does the scanning; its events are built into nodes here rather than by a YAML loader,
because a loader would resolve scalars by YAML 1.1, keep the last of duplicate keys, follow anchors without limit and
recurse as deep as the input says. Deliberately not here: bytes, and what the documents mean.
"""

import re
from dataclasses import dataclass, field
from typing import TypeAlias

from yaml import events

from reconciler.parse.problems import Finding, shown
from reconciler.parse.scalars import Unclear, resolve

MAX_NODES = 200_000  # of one file, aliases counted as often as they are used: the end of an alias bomb
MAX_DEPTH = 32  # the format needs 7; libyaml's time grows with depth times length
MAX_DOCUMENTS = 2_000  # in one file
MAX_FINDINGS = 100  # of one file: whoever has more will not read them

Data: TypeAlias = "str | int | float | bool | list[Data] | dict[str, Data] | None"

_CONTROL = re.compile("[\x00-\x1f\x7f]")


@dataclass(slots=True)
class Node:
    """One value: its data, its position (from 1), and the nodes inside it by key or index.

    `key` is the position of the key in front of it, where it has one.
    """

    data: Data
    line: int
    column: int
    inside: "dict[str, Node] | list[Node] | None" = None
    key: tuple[int, int] | None = None
    weight: int = 1

    def find(self, *path: str | int) -> "Node":
        """The node at that path; as far down as there is one."""
        node = self
        for step in path:
            match node.inside, step:
                case dict() as fields, str() if step in fields:
                    node = fields[step]
                case list() as items, int() if step < len(items):
                    node = items[step]
                case _:
                    break
        return node

    @property
    def items(self) -> "list[Node]":
        """The nodes of a list, none where this is no list."""
        return self.inside if isinstance(self.inside, list) else []

    @property
    def fields(self) -> "dict[str, Node]":
        """The nodes of a mapping by key, none where this is no mapping."""
        return self.inside if isinstance(self.inside, dict) else {}

    @property
    def position(self) -> tuple[int, int]:
        """Line and column of the value."""
        return self.line, self.column

    @property
    def key_position(self) -> tuple[int, int]:
        """Line and column of the key in front of the value, or of the value where there is none."""
        return self.key or (self.line, self.column)


class Unreadable(Exception):
    """The rest of a file cannot be read; carries the one finding that says why."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(finding.what)
        self.finding = finding


@dataclass(slots=True)
class _Frame:
    """A mapping or sequence that is being built; `pending` is the key whose value comes next."""

    line: int
    column: int
    mapping: bool
    anchor: str | None
    fields: dict[str, Node] = field(default_factory=dict)
    items: list[Node] = field(default_factory=list)
    pending: str | None = None
    key: tuple[int, int] = (0, 0)

    def node(self) -> Node:
        """The finished node."""
        if self.mapping:
            data: Data = {key: each.data for key, each in self.fields.items()}
            weight = 1 + sum(each.weight + 1 for each in self.fields.values())
            return Node(data, self.line, self.column, self.fields, weight=weight)
        items: Data = [each.data for each in self.items]
        return Node(items, self.line, self.column, self.items, weight=1 + sum(each.weight for each in self.items))


class Builder:
    """Turns events into nodes without recursion, counting what must be bounded."""

    def __init__(self, findings: list[Finding]) -> None:
        self._findings = findings
        self._stack: list[_Frame] = []
        self._anchors: dict[str, Node | None] = {}
        self._root: Node | None = None
        self._nodes = 0
        self._documents = 0

    def take(self, event: events.Event) -> Node | None:
        """Take one event; the document, where it ends one."""
        match event:
            case events.ScalarEvent():
                self._scalar(event)
            case events.CollectionStartEvent():
                self._open(event, mapping=isinstance(event, events.MappingStartEvent))
            case events.CollectionEndEvent():
                self._put((frame := self._stack.pop()).node(), frame.anchor)
            case events.AliasEvent():
                self._alias(event)
            case events.DocumentEndEvent():
                return self._end()
            case _:  # the stream and the start of a document say nothing
                pass
        return None

    def _end(self) -> Node | None:
        root, self._root = self._root, None
        self._anchors.clear()
        self._documents += 1
        if self._documents > MAX_DOCUMENTS and root is not None:
            what = f"the file has more than {MAX_DOCUMENTS} documents"
            raise unreadable(root.position, "too-many-documents", what, "split it")
        return root

    def _scalar(self, event: events.ScalarEvent) -> None:
        line, column = _start(event)
        if event.tag is not None:
            self._tagged(event.tag, line, column)
        text: str = event.value
        if _CONTROL.search(text):
            what = f"{shown(text)} holds a line break or another control character"
            self._find(line, column, "control-character", what, "write the value on one line")
        value = resolve(text) if event.implicit[0] else text
        frame = self._stack[-1] if self._stack else None
        if frame is not None and frame.mapping and frame.pending is None:
            self._key(frame, text, value, (line, column))
            return
        if isinstance(value, Unclear):
            self._find(line, column, "unclear-number", value.what, value.to_do)
            value = text
        self._count(1, line, column)
        self._put(Node(value, line, column), event.anchor)

    def _key(self, frame: _Frame, text: str, value: object, at: tuple[int, int]) -> None:
        self._count(1, *at)
        if not isinstance(value, str):
            self._find(*at, "key-not-text", f"the key {shown(text)} is not a text", f'put it in quotes: "{text[:80]}"')
        if text in frame.fields:
            first = frame.fields[text].key_position
            what = f"the key {shown(text)} is here twice; first in line {first[0]}"
            self._find(*at, "duplicate-key", what, "keep one of them")
        frame.pending, frame.key = text, at

    def _open(self, event: events.CollectionStartEvent, *, mapping: bool) -> None:
        line, column = _start(event)
        if event.tag is not None:
            self._tagged(event.tag, line, column)
        if len(self._stack) >= MAX_DEPTH:
            what = f"values are nested more than {MAX_DEPTH} deep"
            raise unreadable((line, column), "too-deep", what, "the format needs 7 levels; flatten it")
        self._expect_value(line, column)
        self._count(1, line, column)
        if event.anchor is not None:
            self._anchors[event.anchor] = None  # not to be used before it is complete
        self._stack.append(_Frame(line, column, mapping, event.anchor))

    def _alias(self, event: events.AliasEvent) -> None:
        line, column = _start(event)
        self._expect_value(line, column)
        name = event.anchor or ""
        target = self._anchors.get(name)
        if target is None:
            known = name in self._anchors
            what = f"`*{name[:80]}` is used " + ("inside itself" if known else "before it is defined")
            raise unreadable((line, column), "alias", what, "write the value out")
        self._count(target.weight, line, column)
        self._put(Node(target.data, line, column, target.inside, weight=target.weight), None)

    def _put(self, node: Node, anchor: str | None) -> None:
        if anchor is not None:
            self._anchors[anchor] = node
        if not self._stack:
            self._root = node
            return
        frame = self._stack[-1]
        if frame.mapping:
            node.key = frame.key
            frame.fields[frame.pending or ""] = node
            frame.pending = None
        else:
            frame.items.append(node)

    def _expect_value(self, line: int, column: int) -> None:
        frame = self._stack[-1] if self._stack else None
        if frame is not None and frame.mapping and frame.pending is None:
            what = "a key must be a text, not a mapping, a list or an alias"
            raise unreadable((line, column), "key-not-text", what, "write the key as a text")

    def _tagged(self, tag: str, line: int, column: int) -> None:
        what = f"the tag {shown(tag)} has no use here"
        self._find(line, column, "tag", what, "remove it; a value in quotes is a text")

    def _count(self, nodes: int, line: int, column: int) -> None:
        self._nodes += nodes
        if self._nodes > MAX_NODES:
            what = f"the file has more than {MAX_NODES} values, aliases counted as often as they are used"
            raise unreadable((line, column), "too-many-values", what, "split it, and write aliases out")

    def _find(self, line: int, column: int, rule: str, what: str, to_do: str) -> None:
        if len(self._findings) < MAX_FINDINGS:
            self._findings.append(Finding(line, column, rule, what, to_do))


def unreadable(at: tuple[int, int], rule: str, what: str, to_do: str) -> Unreadable:
    """The exception that ends the reading of a file, with what it says."""
    return Unreadable(Finding(*at, rule, what, to_do))


def _start(event: events.Event) -> tuple[int, int]:
    mark = event.start_mark
    return (mark.line + 1, mark.column + 1) if mark else (1, 1)
