"""The trailers of a commit message, as `git interpret-trailers --parse --no-divider` finds them.

Used by `adapters/git_reader.py`. Ours because libgit2 gives a mapping, which loses all but one of several trailers with
the same key, and because consent (`Model-Prune: all`) must mean here what git's own tools show. The rules are those of
git's trailer.c: the last paragraph, never the title; all of its lines are trailers, or at least one was written by git
itself and no more than three quarters are not trailers; a line that begins with white space continues the one above.
"""

import re

_TRAILER = re.compile(r"([A-Za-z0-9-]+)[ \t]*:(.*)", re.DOTALL)
_BY_GIT = ("Signed-off-by: ", "(cherry picked from commit ")


def trailers(message: str) -> tuple[tuple[str, str], ...]:
    """Pairs of key and value in the order of the message; keys keep their spelling, values lose outer white space."""
    unfolded: list[list[str]] = []  # in parts: a hostile message has a million continuations
    for line in _last_paragraph(message.split("\n")):
        if line[:1].isspace() and unfolded:
            unfolded[-1].append(line.strip())
        else:
            unfolded.append([line])
    found = [_TRAILER.fullmatch(" ".join(parts)) for parts in unfolded]
    return tuple((match[1], match[2].strip()) for match in found if match)


def _last_paragraph(lines: list[str]) -> list[str]:
    """The lines of the trailer block without comments, empty where the last paragraph is none."""
    block: list[str] = []
    begun = False
    for line in reversed(_after_title(lines)):
        if line.strip():
            block.append(line)
            begun = begun or not line.startswith("#")
        elif begun:
            break
    block.reverse()
    return [line for line in block if not line.startswith("#")] if _is_trailer_block(block) else []


def _after_title(lines: list[str]) -> list[str]:
    """Everything from the first blank line on: what stands before it is the title, whatever it looks like."""
    blank = (number for number, line in enumerate(lines) if not line.strip())
    return lines[next(blank, len(lines)) :]


def _is_trailer_block(block: list[str]) -> bool:
    good = bad = continuations = 0
    by_git = False
    for line in reversed(block):
        if line.startswith("#"):
            bad, continuations = bad + continuations, 0
        elif line.startswith(_BY_GIT):
            by_git, good, continuations = True, good + 1, 0
        elif line[:1].isspace():
            continuations += 1
        elif _TRAILER.fullmatch(line):
            good, continuations = good + 1, 0
        else:
            bad, continuations = bad + 1 + continuations, 0
    bad += continuations
    return (by_git and good * 3 >= bad) or (good > 0 and bad == 0)
