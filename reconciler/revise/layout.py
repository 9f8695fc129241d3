r"""Lines, columns, and what stands between two values of a YAML text.

Called by `splice.py`. Positions are characters; `\r` alone ends a line too, as it does for libyaml.
"""

import re

from reconciler.revise.spans import BOM, Span

_BREAK = re.compile(r"\r\n|\n|\r")
_COMMENT = re.compile(r"(?:^|(?<=\s))#[^\r\n]*")


class Layout:
    """One text, as lines. `newline` is how it ends them."""

    def __init__(self, text: str) -> None:
        self.text = text
        found = _BREAK.search(text)
        self.newline = found[0] if found else "\n"

    def line(self, at: int) -> int:
        """The number of the line that a position is on, from 1."""
        return len(_BREAK.findall(self.text, 0, at)) + 1

    def line_start(self, at: int) -> int:
        """Where the line of a position begins, behind a byte order mark."""
        start = max(self.text.rfind("\n", 0, at), self.text.rfind("\r", 0, at)) + 1
        return start + (start == 0 and self.text.startswith(BOM))

    def column(self, at: int) -> int:
        """Characters before a position on its line."""
        return at - self.line_start(at)

    def line_end(self, at: int, *, past_break: bool = False) -> int:
        """Where the line of a value's last character ends: at its break, or behind it."""
        if at > 0 and self.text[at - 1] in "\r\n":
            return at  # the end of a block scalar, which takes its line breaks along
        found = _BREAK.search(self.text, at)
        if found is None:
            return len(self.text)
        return found.end() if past_break else found.start()

    def begins_line(self, at: int) -> bool:
        """Whether only spaces stand before a position."""
        return not self.text[self.line_start(at) : at].strip(" ")

    def ends_line(self, at: int) -> bool:
        """Whether only spaces stand behind a position."""
        return not self.text[at : self.line_end(at)].strip(" \t")

    def same_line(self, one: int, other: int) -> bool:
        """Whether no line ends between two positions."""
        return _BREAK.search(self.text, one, other) is None

    def new_line(self, end: int) -> tuple[int, str, str]:
        """Where a line below the value that ends there is put in, and what must stand before and behind it."""
        at = self.line_end(end)
        return (at, "", self.newline) if at > 0 and self.text[at - 1] in "\r\n" else (at, self.newline, "")

    def trimmed(self, span: Span) -> int:
        """Where a value's visible text ends: a block scalar without its line breaks."""
        end = span.end
        while span.style in {"|", ">"} and end > span.start and self.text[end - 1] in "\r\n":
            end -= 1
        return end

    def colon(self, key: Span) -> int:
        """The position behind a key's colon."""
        return self.text.find(":", key.end) + 1

    def bracket(self, span: Span) -> int:
        """The position behind the bracket that opens a flow collection, whose anchor may stand before it."""
        return 1 + min(at for mark in "[{" if (at := self.text.find(mark, span.start, span.end)) >= 0)

    def plain_gap(self, begin: int, end: int) -> bool:
        """Whether no comment stands between two values."""
        return "#" not in self.text[begin:end]

    def comma(self, begin: int, end: int) -> int | None:
        """The position of the comma between two values, whatever comments say there; None where there is none."""
        found = self._uncommented(begin, end).find(",")
        return None if found < 0 else begin + found

    def starts(self, box: Span) -> list[int]:
        """Where each entry of a block collection begins: at its key, or at its dash."""
        if box.kind == "mapping":
            return [key.start for key, _ in box.entries]
        ends = [box.start, *(item.end for item in box.items)]
        return [
            begin + self._uncommented(begin, item.start).rfind("-")
            for begin, item in zip(ends, box.items, strict=False)
        ]

    def _uncommented(self, begin: int, end: int) -> str:
        """The text between two values, comments blanked out."""
        return _COMMENT.sub(lambda found: " " * len(found[0]), self.text[begin:end])
