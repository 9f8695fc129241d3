"""The text of ledger lines: canonical JSON, chained by SHA-256; what is stored, exported, published and verified.

Used by everything that writes or reads lines. A line's *body* is one JSON object with sorted keys, no white space,
UTF-8, and neither fractions nor exponents (times are RFC 3339 in microseconds, versions are strings), so that any JSON
library writes the same bytes. It holds the hash of the line before; its own hash is SHA-256 over the body. A published
line is the body with `,"hash":"…"` in front of the last brace: `sed` and `sha256sum` are enough to verify it.
Secrets: passwords and tokens in URLs are taken out of every text before it is hashed; texts are cut at a length.
"""

import datetime
import hashlib
from dataclasses import replace
from typing import Any

import msgspec

from reconciler.adapters.git_remote import redact
from reconciler.state.entry import Entry, EntryAction, EntryKind

FORMAT_VERSION = "1.0"
LONGEST_TEXT = 1000
_MAJOR = FORMAT_VERSION.partition(".")[0] + "."
_UTC = datetime.UTC


class LineError(ValueError):
    """A text is no line of a ledger, or one of a format that this release does not know; says which."""


def sealed(entry: Entry, number: int, previous: str) -> Entry:
    """The entry with its place in the chain: number, the hash of the line before, and its own."""
    told = _told(replace(entry, id=number, previous=previous))
    return replace(told, hash=digest(body(told)))


def digest(text: str) -> str:
    """The hash of a line, over its body."""
    return hashlib.sha256(text.encode()).hexdigest()


def body(entry: Entry) -> str:
    """The canonical text of a line, without its hash."""
    return msgspec.json.encode(_plain(entry), order="sorted").decode()


def published(text: str, own: str) -> str:
    """A body with its hash, as it is exported and published; no line break."""
    return f'{text[:-1]},"hash":"{own}"}}'


def parted(line: str) -> tuple[str, str]:
    """The body and the hash of a published line. Raises LineError."""
    text, found, own = line.rpartition(',"hash":"')
    if not found or not own.endswith('"}'):
        raise LineError("it does not end with its hash")
    return text + "}", own.removesuffix('"}')


def entry(text: str, own: str) -> Entry:
    """The entry that a body tells of, with its hash. Raises LineError."""
    try:
        plain = msgspec.json.decode(text)
        version = str(plain["formatVersion"])
        if not version.startswith(_MAJOR):
            raise LineError(f"it has format {version}, and this reconciler knows {_MAJOR}x: a newer one wrote it")
        return _entry(plain, own)
    except (msgspec.DecodeError, KeyError, TypeError, ValueError, AttributeError) as error:
        if isinstance(error, LineError):
            raise
        raise LineError(f"it is no line of a ledger ({type(error).__name__}: {error})") from error


def _plain(entry: Entry) -> dict[str, Any]:
    return {
        "formatVersion": FORMAT_VERSION,
        "id": entry.id,
        "previous": entry.previous,
        "kind": str(entry.kind),
        "intent": entry.intent,
        "commit": entry.commit,
        "author": entry.author,
        "committer": entry.committer,
        "signer": entry.signer,
        "parent": entry.parent,
        "fleet": entry.fleet,
        "server": entry.server,
        "model": entry.model,
        "digest": entry.digest,
        "actions": [_plain_action(each) for each in entry.actions],
        "started": _moment(entry.started),
        "finished": None if entry.finished is None else _moment(entry.finished),
        "outcome": entry.outcome,
        "evidence": entry.evidence,
        "initiatedBy": str(entry.initiated_by),
        "reason": entry.reason,
    }


def _plain_action(action: EntryAction) -> dict[str, str]:
    told = {
        "kind": action.kind,
        "version": _version(action.version),
        "label": action.label,
        "before": _version(action.before),
        "check": action.check,
        "because": action.because,
        "outcome": action.outcome,
        "evidence": action.evidence,
    }
    return {key: value for key, value in told.items() if value}


def _entry(plain: dict[str, Any], own: str) -> Entry:
    finished = plain["finished"]
    return Entry(
        hash=own,
        id=int(plain["id"]),
        kind=EntryKind(plain["kind"]),
        intent=int(plain["intent"]),
        actions=tuple(_action(each) for each in plain["actions"]),
        started=_seconds(plain["started"]),
        finished=None if finished is None else _seconds(finished),
        initiated_by=plain["initiatedBy"],
        **{name: str(plain[name]) for name in _TEXTS},
    )


_TEXTS = (
    "previous",
    "commit",
    "author",
    "committer",
    "signer",
    "parent",
    "fleet",
    "server",
    "model",
    "digest",
    "outcome",
    "evidence",
    "reason",
)


def _action(plain: dict[str, str]) -> EntryAction:
    return EntryAction(
        plain["kind"],
        _number(plain.get("version")),
        plain.get("label"),
        _number(plain.get("before")),
        plain.get("because", ""),
        plain.get("outcome", ""),
        plain.get("evidence", ""),
        plain.get("check", ""),
    )


def _told(entry: Entry) -> Entry:
    """The entry as it may be told: times to the microsecond, texts without secrets, and no longer than they may be."""
    actions = tuple(replace(each, because=_text(each.because), evidence=_text(each.evidence)) for each in entry.actions)
    return replace(
        entry,
        actions=actions,
        author=_text(entry.author),
        committer=_text(entry.committer),
        signer=_text(entry.signer),
        evidence=_text(entry.evidence),
        reason=_text(entry.reason),
        started=_seconds(_moment(entry.started)),
        finished=None if entry.finished is None else _seconds(_moment(entry.finished)),
    )


def _text(text: str) -> str:
    told = redact(text)
    return told if len(told) <= LONGEST_TEXT else told[: LONGEST_TEXT - 1] + "…"


def _version(number: int | None) -> str:
    return "" if number is None else str(number)


def _number(text: str | None) -> int | None:
    return int(text) if text else None


def _moment(at: float) -> str:
    return datetime.datetime.fromtimestamp(at, _UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def _seconds(text: str) -> float:
    return datetime.datetime.fromisoformat(text).timestamp()
