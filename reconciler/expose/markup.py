r"""Text of strangers inside Markdown that is ours: nothing in it becomes markup, a mention, a link or a command.

Called by `markdown.py` for every word that comes from git, a server or storage. Hosts read comments in two steps: first
Markdown, which backslashes and entities stop; then their own references (`@team`, `#12`, `!3`, `~label`, addresses) in
the text that came out, which only a character between sign and word stops: hence the zero-width space. Quick actions
(`/close` at the start of a line) cannot arise, because such text never begins a line of ours. Sources: GitHub Flavored
Markdown Spec, 2.4 and 6.9; GitLab Docs, "GitLab-specific references" and "quick actions".
"""

import re

SPACE = "\u200b"
"""A zero-width space: invisible, and the end of a reference."""

_REFERENCE = re.compile(r"([@#!~%$&])(?=\w)")
_ADDRESS = re.compile(r"(?<=:)(?=//)|(?<=www)(?=\.)", re.IGNORECASE)
_MARKS = re.compile(r"([\\`*_\[\]#!~$|^])")
_LIST = re.compile(r"^([-+=]|[0-9]+(?=[.)]))")
_ENTITIES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})
_HIDDEN = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
"""What controls terminals, is half a character, or turns text around, so that what is read is not what is written
(CVE-2021-42574)."""


def plain(text: str, most: int = 1_000) -> str:
    """One line of text that reads as it stands, shortened to that many characters; `quoted` words as code."""
    pieces = _line(text, most).split("`")
    if len(pieces) % 2 == 0:  # the last quote is no pair
        pieces[-2:] = ["`".join(pieces[-2:])]
    return "".join(
        (_coded(piece) or "\\`\\`") if number % 2 else _spelled(piece, first=not number)
        for number, piece in enumerate(pieces)
    )


def _spelled(text: str, *, first: bool) -> str:
    text = _ADDRESS.sub(SPACE, _REFERENCE.sub(rf"\1{SPACE}", text))
    text = _MARKS.sub(r"\\\1", text.translate(_ENTITIES))
    return _LIST.sub(_escaped_list, text) if first else text


def code(text: str, most: int = 200) -> str:
    """A name as code: hosts look for no references in it."""
    return _coded(_line(text, most))


def _coded(text: str) -> str:
    inside = _MARKS.sub(_entity, text.translate(_ENTITIES))
    return f"<code>{_ADDRESS.sub(SPACE, inside)}</code>" if text else ""


def _line(text: str, most: int) -> str:
    """The visible text, shortened; of a text without end only the beginning is looked at."""
    read = text[: 4 * most]
    return shortened(visible(read) + ("…" * most if len(read) < len(text) else ""), most)


def visible(text: str) -> str:
    """The text on one line, without characters that control terminals or turn the text around."""
    return _HIDDEN.sub("\N{REPLACEMENT CHARACTER}", " ".join(text.split()))


def shortened(text: str, most: int) -> str:
    """At most that many characters, with a mark where something is missing."""
    return text if len(text) <= most else f"{text[: most - 1]}…"


def _escaped_list(found: re.Match[str]) -> str:
    sign = found[1]
    return f"{sign}\\" if sign.isdigit() else f"\\{sign}"


def _entity(found: re.Match[str]) -> str:
    return f"&#{ord(found[1])};"
