"""A commit object, taken apart into its signature and what that is of.

Used by `adapters/git_reader.py`. Ours, though libgit2 has a call for it: that one takes the first `gpgsig` and leaves
any further one in the payload, git takes all of them out. A commit that the two read differently must not count as
signed for either, so whatever is not written as git itself writes it is refused: `problem` says why. The form is that
of git's commit.c (`parse_buffer_signed_by_header`): a continuation line begins with one space, which is not part of it.
"""

from collections.abc import Iterator
from dataclasses import dataclass

_SIGNATURES = (b"gpgsig", b"gpgsig-sha256")
_ONCE = (b"tree", b"author", b"committer")
LARGEST_SIGNATURE = 64 * 2**10
"""Bytes of a signature that is looked at; real ones have some hundred, of RSA keys with certificates some thousand."""


@dataclass(frozen=True, slots=True)
class SignedCommit:
    """The bytes that were signed, the armoured signature (None: there is none), and the committer's time in seconds.

    problem: why it cannot be taken as signed whatever the signature says, "" where nothing is wrong.
    """

    payload: bytes
    signature: bytes | None
    time: int
    problem: str = ""


def split(raw: bytes) -> SignedCommit:
    """The parts of a raw commit object."""
    head, _, _ = raw.partition(b"\n\n")
    kept, found = bytearray(), []
    headers = list(_headers(head))
    for name, lines in headers:
        if name in _SIGNATURES:
            found.append((name, b"\n".join([lines[0].partition(b" ")[2], *(line[1:] for line in lines[1:])]) + b"\n"))
        else:
            kept += b"\n".join(lines) + b"\n"
    payload = bytes(kept) + raw[len(head) + 1 :]
    names = [name for name, _ in headers]
    time = _time(next((lines[0] for name, lines in headers if name == b"committer"), b""))
    if not found:
        return SignedCommit(payload, None, time)
    return SignedCommit(payload, found[0][1], time, _problem(names, found, raw))


def _headers(head: bytes) -> Iterator[tuple[bytes, list[bytes]]]:
    """Name and lines of every header, in order."""
    name, lines = b"", list[bytes]()
    for line in head.split(b"\n"):
        if line.startswith(b" ") and lines:
            lines.append(line)
            continue
        if lines:
            yield name, lines
        name, lines = line.partition(b" ")[0], [line]
    if lines:
        yield name, lines


def _problem(names: list[bytes], found: list[tuple[bytes, bytes]], raw: bytes) -> str:
    if len(found) > 1 or found[0][0] != b"gpgsig":
        return "it carries several signatures, or one of a kind that a repository with SHA-1 ids does not have"
    if any(names.count(each) != 1 for each in _ONCE) or names[0] != b"tree":
        return "its header is not as git writes it"
    if b"\0" in raw:
        return "it has a NUL byte, at which programs end reading in different places"
    if len(found[0][1]) > LARGEST_SIGNATURE:
        return f"its signature has more than {LARGEST_SIGNATURE} bytes"
    return ""


def _time(committer: bytes) -> int:
    """Seconds since the epoch in `Name <email> SECONDS ZONE`; 0 where it is written otherwise."""
    words = committer.rpartition(b">")[2].split()
    return int(words[0]) if words and words[0].isdigit() and len(words[0]) < 20 else 0
