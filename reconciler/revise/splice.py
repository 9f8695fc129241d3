"""Changes one value of a YAML text and leaves every other byte as it is: `put`, `drop`, `insert`.

Called by `documents.py` and by whoever revises files. A path leads from a document's root to a value. Each change is
text spliced in at the position of a value; then the result is read again and must say what was intended and nothing
else, so that an unforeseen way of writing YAML ends in a refusal, never in a wrong file. Whole documents are moved by
`chunks.py`.
"""

from reconciler.errors import RevisionRefused
from reconciler.parse.nodes import Data
from reconciler.revise import meant, writing
from reconciler.revise.layout import Layout
from reconciler.revise.spans import Path, Span, parts, values

_Splices = list[tuple[int, int, str]]  # from, to, and what comes between


def put(text: str, document: int, path: Path, value: Data) -> str:
    """Set the value at a path; a key that is not there becomes the last of its mapping, with the mappings above it.

    Args:
        text: a file's content.
        document: which of its documents, from 0.
        path: keys and list indices; every index must exist.
        value: what shall be there.

    Raises:
        RevisionRefused: there is no such place, or the file is written in a way that cannot be edited safely.
    """
    editor = _Editor(text, document)
    intended = meant.with_value(editor.data[document], path, value)
    return editor.checked(editor.put(path, value), intended)


def drop(text: str, document: int, path: Path) -> str:
    """Remove a mapping's key with its value, or a list's item; comments above it stay. See `put`."""
    editor = _Editor(text, document)
    return editor.checked(editor.drop(path), meant.without(editor.data[document], path))


def insert(text: str, document: int, path: Path, value: Data) -> str:
    """Insert an item into the list at `path[:-1]`, in front of the index that ends the path, or last. See `put`."""
    editor = _Editor(text, document)
    splices = editor.insert(path[:-1], path[-1], value)
    return editor.checked(splices, meant.with_item(editor.data[document], path, value))


class _Editor:
    """One document of a text, opened for one change."""

    def __init__(self, text: str, document: int) -> None:
        self.data = values(text)
        self._number = document
        if not 0 <= document < len(self.data):
            raise RevisionRefused(f"the file has {len(self.data)} documents, and none with number {document + 1}.")
        self._root = parts(text)[document].root
        self._layout = Layout(text)

    def checked(self, splices: _Splices, intended: Data) -> str:
        """The text with the splices, once it is known to say what was intended."""
        made = self._layout.text
        for begin, end, written in sorted(splices, key=lambda each: each[:2], reverse=True):
            made = made[:begin] + written + made[end:]
        expected = [*self.data[: self._number], intended, *self.data[self._number + 1 :]]
        try:
            said = values(made)
        except (RevisionRefused, UnicodeEncodeError) as error:
            raise self._unsafe(str(error)) from error
        if not meant.same(said, expected):
            raise self._unsafe("the result would say something else than what was asked for")
        return made

    def put(self, path: Path, value: Data) -> _Splices:
        """Set or add."""
        known = self._known(path)
        if known == len(path):
            return self._replace(path, value)
        if not all(isinstance(step, str) for step in path[known:]):
            raise self._refused(self._root, f"there is no {_named(path)} to set.")
        for step in reversed(path[known + 1 :]):
            value = {str(step): value}
        return self._add(path[:known], str(path[known]), value)

    def drop(self, path: Path) -> _Splices:
        """Remove; the last of a collection leaves an empty one."""
        if not path or self._known(path) < len(path):
            raise self._refused(self._root, f"there is no {_named(path)} to remove.")
        box = self._find(path[:-1])
        if len(box.entries or box.items) == 1:
            return self._replace(path[:-1], {} if box.kind == "mapping" else [])
        which = path[-1] if isinstance(path[-1], int) else box.entries.index(box.entry(path[-1]) or box.entries[0])
        return self._drop_flow(box, which) if box.flow else self._drop_block(box, which)

    def insert(self, path: Path, index: str | int, value: Data) -> _Splices:
        """Put an item between others."""
        box = self._find(path)
        if box.kind != "list" or not isinstance(index, int):
            raise self._refused(box, f"{_named(path)} is no list.")
        if not box.items:
            return self._replace(path, [value])
        if index < len(box.items):
            return self._insert_before(box, index, value)
        if box.flow:
            end = box.items[-1].end
            return [(end, end, f", {writing.flow(value)}")]
        column = self._layout.column(self._layout.starts(box)[0])
        return self._below(box, column, writing.item(value, column))

    def _insert_before(self, box: Span, index: int, value: Data) -> _Splices:
        if box.flow:
            start = box.items[index].start
            return [(start, start, f"{writing.flow(value)}, ")]
        start = self._layout.starts(box)[index]
        column, newline = self._layout.column(start), self._layout.newline
        return [(start, start, newline.join(writing.item(value, column)) + newline + " " * column)]

    def _below(self, box: Span, column: int, lines: list[str]) -> _Splices:
        """More lines under a block; the first is still to be indented."""
        at, before, behind = self._layout.new_line(box.end)
        return [(at, at, before + " " * column + self._layout.newline.join(lines) + behind)]

    def _known(self, path: Path) -> int:
        """How many steps of the path lead somewhere."""
        span: Span | None = self._root
        for number, step in enumerate(path):
            span = _inside(span, step) if span else None
            if span is None:
                return number
        return len(path)

    def _find(self, path: Path) -> Span:
        span = self._root
        for step in path:
            inside = _inside(span, step)
            if inside is None:
                raise self._refused(span, f"there is no {_named(path)}.")
            span = inside
        return span

    def _replace(self, path: Path, value: Data) -> _Splices:
        if not path:
            raise self._refused(self._root, "a whole document is replaced as text, not as a value.")
        box, old = self._find(path[:-1]), self._find(path)
        if box.kind == "mapping" and not box.flow and not (_single(old) and writing.inline(value)):
            entry = box.entry(str(path[-1]))
            return self._rewrite(entry[0] if entry else old, old, value)
        return [(old.start, self._layout.trimmed(old), self._lead(box, old) + _inline(value, old))]

    def _lead(self, box: Span, old: Span) -> str:
        """What must stand before a value that so far was not written at all."""
        if old.end > old.start:
            return ""
        before = self._layout.text[old.start - 1 : old.start]
        if before == ":" or box.kind == "list":
            return " "
        return "" if before.isspace() and not box.flow else ": "

    def _rewrite(self, key: Span, old: Span, value: Data) -> _Splices:
        """A collection becomes something else, or something else a collection."""
        layout, colon = self._layout, self._layout.colon(key)
        beside = layout.same_line(colon, old.start)
        if beside and old.end > old.start and writing.inline(value):
            return [(old.start, layout.trimmed(old), writing.flow(value))]
        gone = (colon, layout.trimmed(old), "")
        if not beside:
            gone = (layout.line_start(old.start), layout.line_end(old.end, past_break=True), "")
        if writing.inline(value):
            return [(colon, colon, f" {writing.flow(value)}"), gone]
        lines = writing.indented(value, layout.column(key.start) + 2)
        here = layout.line_end(gone[1] if beside else colon)
        return [gone, (here, here, "".join(layout.newline + line for line in lines))]

    def _add(self, path: Path, key: str, value: Data) -> _Splices:
        box = self._find(path)
        if box.kind == "mapping" and not box.flow:
            column = self._layout.column(box.entries[0][0].start)
            return self._below(box, column, writing.entry(key, value, column))
        if box.kind == "mapping":
            quote = box.entries[-1][0].style if box.entries else ""  # JSON is YAML, and stays JSON
            pair = f"{writing.scalar(key, quote)}: {writing.flow(value)}"
            at = box.entries[-1][1].end if box.entries else self._layout.bracket(box)
            return [(at, at, f", {pair}" if box.entries else pair)]
        if box.kind == "scalar" and box.written in {"", "~", "null"} and not box.style:
            return self._replace(path, {key: value})
        raise self._refused(box, f"{_named(path)} is no mapping written out, so `{key}` cannot be added to it.")

    def _drop_flow(self, box: Span, which: int) -> _Splices:
        """Without the comma; where comments stand between, they stay."""
        layout, pairs = self._layout, box.entries or [(item, item) for item in box.items]
        (key, value), last = pairs[which], which == len(pairs) - 1
        begin, end = (pairs[which - 1][1].end, key.start) if last else (value.end, pairs[which + 1][0].start)
        if layout.plain_gap(begin, end):
            return [(begin, value.end, "") if last else (key.start, end, "")]
        own = layout.comma(value.end, box.end) if last else layout.comma(begin, end)
        if own is None:
            before = layout.comma(begin, end) or begin
            return [(before, before + 1, ""), (key.start, value.end, "")]
        if layout.begins_line(key.start) and layout.ends_line(own + 1) and layout.plain_gap(value.end, own):
            return [(layout.line_start(key.start), layout.line_end(own, past_break=True), "")]
        return [(own, own + 1, ""), (key.start, value.end, "")]

    def _drop_block(self, box: Span, which: int) -> _Splices:
        """The entry's own lines; where it shares its first line with what is around it, up to the next entry."""
        layout, starts = self._layout, self._layout.starts(box)
        begin, end = starts[which], (box.entries[which][1] if box.entries else box.items[which]).end
        if layout.begins_line(begin):
            return [(layout.line_start(begin), layout.line_end(end, past_break=True), "")]
        if layout.plain_gap(end, starts[which + 1]):
            return [(begin, starts[which + 1], "")]
        return [(begin, layout.line_end(end), "")]

    def _refused(self, span: Span, what: str) -> RevisionRefused:
        return RevisionRefused(f"line {self._layout.line(span.start)}: {what}")

    def _unsafe(self, why: str) -> RevisionRefused:
        return RevisionRefused(
            f"document {self._number + 1} of the file is written in a way that cannot be edited safely ({why}). To "
            "do: write out anchors, aliases and tags around the value, one entry on a line; or edit it by hand."
        )


def _inside(span: Span, step: str | int) -> Span | None:
    if span.kind == "mapping" and isinstance(step, str):
        found = span.entry(step)
        return found[1] if found else None
    if span.kind == "list" and isinstance(step, int) and 0 <= step < len(span.items):
        return span.items[step]
    return None


def _single(span: Span) -> bool:
    return span.kind in {"scalar", "alias"}


def _inline(value: Data, old: Span) -> str:
    if isinstance(value, dict | list):
        return writing.flow(value)
    return writing.scalar(value, old.style if old.style in {"'", '"'} else "")


def _named(path: Path) -> str:
    return "`" + ".".join(str(step) for step in path) + "`" if path else "the document"
