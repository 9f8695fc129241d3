"""Sections into a room of so many bytes: what does not fit is left out from the bottom, and said.

Called by `markdown.py`. Each section is a list of rows in one or more lengths; every section has a share of the room,
so that a thousand warnings never push the verdicts out, and what a section leaves over goes to those after it.
Counted in bytes of UTF-8, which are never fewer than the characters that a git host counts.
"""

from collections.abc import Sequence
from dataclasses import dataclass

NOTE = "\n> … {left} more not shown: a comment holds 65,536 characters.\n"
_NOTE_ROOM = 120


@dataclass(frozen=True, slots=True)
class Part:
    """One section: its head, its rows in falling lengths, the most bytes it may take, what a row is called."""

    head: str
    rows: tuple[tuple[str, ...], ...]
    noun: str
    most: int
    foot: str = ""


def weight(text: str) -> int:
    """Bytes of UTF-8."""
    return len(text.encode())


def fitted(parts: Sequence[Part], room: int) -> tuple[str, bool]:
    """The sections one after the other within so many bytes, and whether anything was cut."""
    text, cut = "", False
    for part in parts:
        if not part.rows:
            continue
        body, shortened = _section(part, min(part.most, room))
        room -= weight(body)
        text, cut = text + body, cut or shortened
    return text, cut


def _section(part: Part, room: int) -> tuple[str, bool]:
    room -= weight(part.head) + weight(part.foot)
    shown = _as_many(part.rows, room)
    left = len(part.rows) - len(shown)
    rows, shortened = _as_long(part.rows[: len(shown)], shown, room - (_NOTE_ROOM if left else 0))
    if not shown and room < _NOTE_ROOM:
        return "", True
    noun = part.noun if left == 1 else part.noun + ("es" if part.noun.endswith("s") else "s")
    note = NOTE.format(left=f"{left} {noun}") if left else ""
    return f"{part.head}{''.join(rows)}{part.foot}{note}", bool(left) or shortened


def _as_many(rows: Sequence[tuple[str, ...]], room: int) -> list[str]:
    """The shortest forms of as many rows as fit, with room for the note where not all do."""
    shortest = [row[-1] for row in rows]
    if sum(map(weight, shortest)) <= room:
        return shortest
    room -= _NOTE_ROOM
    found: list[str] = []
    for row in shortest:
        room -= weight(row)
        if room < 0:
            break
        found.append(row)
    return found


def _as_long(rows: Sequence[tuple[str, ...]], shown: list[str], room: int) -> tuple[list[str], bool]:
    """Longer forms from the top on, as long as there is room."""
    room -= sum(map(weight, shown))
    chosen, shortened = list(shown), False
    for number, row in enumerate(rows):
        for form in row:
            more = weight(form) - weight(chosen[number])
            if more <= room:
                chosen[number], room = form, room - more
                break
            shortened = True
    return chosen, shortened
