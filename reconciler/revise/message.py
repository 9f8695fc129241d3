"""Commit messages with trailers, as `git interpret-trailers` reads them.

Called by whoever makes a `Revision`. Values come from people and from servers, so line breaks in them are made spaces:
a reason cannot forge a trailer.
"""

import re
import textwrap
from collections.abc import Sequence

_WIDTH = 72
_KEY = re.compile(r"[A-Za-z][A-Za-z0-9-]*")
_INVISIBLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")


def compose(subject: str, paragraphs: Sequence[str] = (), trailers: Sequence[tuple[str, str]] = ()) -> str:
    """A whole message: the subject on one line, paragraphs wrapped, trailers last.

    Trailers with an empty value are left out. Raises ValueError for a key that git would not read as one.
    """
    for key, _ in trailers:
        if not _KEY.fullmatch(key):
            raise ValueError(f"{key!r} is no trailer: letters, digits and dashes")
    block = "\n".join(f"{key}: {one_line(value)}" for key, value in trailers if one_line(value))
    wrapped = [
        textwrap.fill(one_line(each), _WIDTH, break_long_words=False, break_on_hyphens=False)
        for each in paragraphs
        if one_line(each)
    ]
    return "\n\n".join(part for part in (one_line(subject), *wrapped, block) if part) + "\n"


def one_line(text: str) -> str:
    """A text without line breaks and other invisible characters."""
    return " ".join(_INVISIBLE.sub(" ", text).split())
