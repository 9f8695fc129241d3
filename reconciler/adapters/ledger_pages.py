"""The files of the published ledger: lines by month, and what runs where now.

Pure text. Used by `adapters/git_ledger.py`. A month's file ends at so many bytes and goes on in the next
(`2026-11.jsonl`, `2026-11-2.jsonl`, …), so that adding a line never sends more than that. A line is as in an export. A
line of kind `segment` stands where the chain begins anew: what follows is another ledger's, or an older copy's.
"""

import datetime
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from reconciler.record.current import Running

FORMAT_VERSION = "1.0"
CURRENT = "current.json"
_PAGE = re.compile(r"(\d{4}-\d{2})(?:-(\d+))?\.jsonl")


class PagesError(ValueError):
    """What lies on the ref is no ledger, or a newer reconciler's; says which."""


@dataclass(frozen=True, slots=True)
class Writer:
    """Who writes a ref. place: host and state directory. ledger: the hash of the first line of its ledger."""

    instance: str
    place: str
    ledger: str


@dataclass(frozen=True, slots=True)
class Line:
    """One line to be published: number, hash, whole text, and the month it belongs to (`2026-11`)."""

    number: int
    own: str
    text: str
    month: str


@dataclass(frozen=True, slots=True)
class Tip:
    """What the newest commit of a ref says of itself. writer: None where it was released. page: the file added to."""

    writer: Writer | None
    number: int
    own: str
    page: str
    segment: int


def read_tip(text: str) -> Tip:
    """The tip from its `current.json`. Raises PagesError."""
    try:
        plain = json.loads(text)
        version, writer = str(plain["formatVersion"]), plain["writer"]
        if not version.startswith("1."):
            raise PagesError(f"it has format {version}, and this reconciler knows 1.x: a newer one wrote it")
        return Tip(
            None if writer is None else Writer(str(writer["instance"]), str(writer["place"]), str(writer["ledger"])),
            int(plain["last"]["id"]),
            str(plain["last"]["hash"]),
            str(plain["page"]),
            int(plain["segment"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        if isinstance(error, PagesError):
            raise
        raise PagesError(f"its {CURRENT} is none of ours ({type(error).__name__}: {error})") from error


def current_text(tip: Tip, running: Sequence[Running], at: float) -> str:
    """`current.json`."""
    servers: dict[str, dict[str, Any]] = {}
    for each in running:
        servers.setdefault(each.server, {})[each.model] = {
            "versions": [str(version) for version in each.versions],
            "labels": {label: str(version) for label, version in each.labels},
            "commit": each.commit or None,
            "since": moment(each.since) if each.since else None,
        }
    told = {
        "formatVersion": FORMAT_VERSION,
        "kind": "Current",
        "at": moment(at),
        "writer": None if tip.writer is None else _plain(tip.writer),
        "segment": tip.segment,
        "last": {"id": tip.number, "hash": tip.own},
        "page": tip.page,
        "servers": servers,
    }
    return json.dumps(told, indent=2, ensure_ascii=False) + "\n"


def released_text(text: str) -> str:
    """`current.json` with nobody as the writer; all else as it was."""
    return json.dumps({**json.loads(text), "writer": None}, indent=2, ensure_ascii=False) + "\n"


def _plain(writer: Writer) -> dict[str, str]:
    return {"instance": writer.instance, "place": writer.place, "ledger": writer.ledger}


def segment_text(tip: Tip, writer: Writer, because: str, at: float) -> str:
    """The line after which another chain begins."""
    told = {
        "at": moment(at),
        "because": because,
        "formatVersion": FORMAT_VERSION,
        "kind": "segment",
        "last": {"hash": tip.own, "id": tip.number},
        "segment": tip.segment + 1,
        "writer": _plain(writer),
    }
    return json.dumps(told, separators=(",", ":"), ensure_ascii=False)


@dataclass(frozen=True, slots=True)
class Room:
    """Bytes in each page already, and how many one may hold."""

    held: Mapping[str, int]
    largest: int


def added(page: str, lines: Sequence[tuple[str, str]], pages: Room) -> Iterator[tuple[str, str]]:
    """Which text goes to the end of which page, in order.

    Args:
        page: the page that was added to last, "" for none.
        lines: (month, text) in order.
        pages: what is there.
    """
    room = dict(pages.held)
    for month, text in lines:
        size = len(text.encode()) + 1
        page = _page(page, month)
        while room.get(page, 0) and room[page] + size > pages.largest:
            page = _next(page)
        room[page] = room.get(page, 0) + size
        yield page, text


def _page(page: str, month: str) -> str:
    found = _PAGE.fullmatch(page)
    return page if found and found[1] == month else f"{month}.jsonl"


def _next(page: str) -> str:
    found = _PAGE.fullmatch(page)
    if found is None:
        raise PagesError(f"{page} is no page")
    return f"{found[1]}-{int(found[2] or 1) + 1}.jsonl"


def is_page(name: str) -> bool:
    """Whether a file holds lines."""
    return _PAGE.fullmatch(name) is not None


def order(name: str) -> tuple[str, int]:
    """The place of a page among pages."""
    found = _PAGE.fullmatch(name)
    return (found[1], int(found[2] or 1)) if found else ("", 0)


def known(texts: Iterable[str]) -> Iterator[tuple[int, str]]:
    """Number and hash of every line of these pages, the last first; texts that are no lines are passed over."""
    for text in texts:
        for line in reversed(text.split("\n")):  # nothing else ends a line: U+2028 may stand in a server's message
            with suppress(ValueError, KeyError, TypeError):
                plain = json.loads(line)
                yield int(plain["id"]), str(plain["hash"])


def moment(at: float) -> str:
    """RFC 3339, to the second."""
    return datetime.datetime.fromtimestamp(at, datetime.UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
