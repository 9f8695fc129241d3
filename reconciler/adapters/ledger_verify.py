"""Whether the ledger is whole: its chain of hashes, and its lines against the passes and outcomes that are recorded.

Used by `adapters/ledger.py` for `reconciler ledger verify`, in one read transaction, so that a service may go on
writing meanwhile. Two questions, because neither is enough: a chain shows that a line was changed, but not that the
last ones were cut off; the tables show that every pass is told of, but could be changed together with lines. Against
somebody who rewrites everything with new hashes only a copy elsewhere helps: an export, or the published ledger.
Deliberately not here: repairing anything.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from reconciler.adapters import codec, ledger_entries, ledger_lines
from reconciler.adapters.ledger_entries import Rows
from reconciler.record import entries as wording
from reconciler.state.entry import Entry, EntryKind
from reconciler.state.outcome import Intent
from reconciler.state.plan import Pass

CLOSE = 2e-6
"""Seconds by which a line's times may differ from the record's: lines tell microseconds."""

MOST = 20
"""Troubles that are told; more would not help anybody."""

Told = dict[tuple[EntryKind, str], list[Entry]]


@dataclass(frozen=True, slots=True)
class Verification:
    """What was found.

    lines: how many there are. head: the hash of the last one, to compare with a copy. passes: how many were recorded.
    still_open: actions that have not ended yet, which is no trouble. troubles: sentences; the first broken line first.
    """

    lines: int
    head: str
    passes: int
    still_open: int
    troubles: tuple[str, ...]


def verify(rows: Rows) -> Verification:
    """Walk the chain, then hold every pass against its lines."""
    chain = list(_limited(chain_troubles(ledger_entries.texts(rows))))
    passes = list(_limited(_pass_troubles(rows)))
    count, head = rows("SELECT count(*), (SELECT hash FROM entries ORDER BY id DESC LIMIT 1) FROM entries").fetchone()
    (number,) = rows("SELECT count(*) FROM intents").fetchone()
    (still_open,) = rows("SELECT count(*) FROM open_actions").fetchone()
    return Verification(count, head or "", number, still_open, (*chain, *passes)[: MOST + 1])


def _limited(troubles: Iterator[str]) -> Iterator[str]:
    for count, each in enumerate(troubles):
        if count == MOST:
            yield "There is more; this is where telling stopped."
            return
        yield each


def chain_troubles(lines: Iterable[tuple[int, str, str]]) -> Iterator[str]:
    """What breaks the chain of (number, hash, body), at the first place only: whatever follows stands on it."""
    number, previous = 0, ""
    for found, own, body in lines:
        if found != number + 1:
            yield f"Line {number + 1} is missing: line {number} is followed by line {found}."
            return
        trouble = _line_trouble(found, previous, own, body)
        if trouble:
            yield trouble
            return
        number, previous = found, own


def _line_trouble(number: int, previous: str, own: str, body: str) -> str:
    really = ledger_lines.digest(body)
    if really != own:
        return f"Line {number} was changed: its hash is {own}, and its text has {really}. It reads: {body[:400]}"
    try:
        line = ledger_lines.entry(body, own)
    except ledger_lines.LineError as error:
        return f"Line {number} cannot be read: {error}. It reads: {body[:400]}"
    if line.id != number:
        return f"Line {number} stands in the wrong place: it says that it is line {line.id}."
    if line.previous != previous:
        return (
            f"Line {number} does not follow the one before: it names {line.previous or 'none'} as that line's hash, "
            f"which is {previous or 'that of no line'}. A line was exchanged or taken out."
        )
    return ""


def _pass_troubles(rows: Rows) -> Iterator[str]:
    known = 0
    for number, at, commit, server, body in rows("SELECT id, at, commit_id, server, body FROM intents ORDER BY id"):
        known = number
        try:
            intent = Intent(number, at, commit, server, codec.load(Pass, body))
            told = _told(rows, number)
        except (codec.CodecError, ledger_lines.LineError) as error:
            yield f"Pass {number}: it or one of its lines cannot be read: {error}."
            continue
        yield from _intent_troubles(rows, intent, told)
    strangers = rows("SELECT id, intent FROM entries WHERE intent NOT IN (SELECT id FROM intents) ORDER BY id")
    yield from (
        f"Line {line} tells of pass {number}, and the record holds none of that number (its last is {known})."
        for line, number in strangers
    )


def _told(rows: Rows, number: int) -> Told:
    told: Told = {}
    for body, own in rows("SELECT body, hash FROM entries WHERE intent = ? ORDER BY id", number).fetchall():
        line = ledger_lines.entry(body, own)
        told.setdefault((line.kind, line.model), []).append(line)
    return told


def _intent_troubles(rows: Rows, intent: Intent, told: Told) -> Iterator[str]:
    ended = _ended(rows, intent.id)
    left = {
        position for (position,) in rows("SELECT position FROM open_actions WHERE intent = ?", intent.id).fetchall()
    }
    for position, action in enumerate(intent.body.actions):
        if (position in ended) == (position in left):
            both = "both ended and open" if position in ended else "neither ended nor open"
            yield f"Pass {intent.id} to {intent.server}: action {position} ({action.kind} {action.model}) is {both}."
    for name in wording.names(intent):
        yield from _model_troubles(intent, name, told, ended)
    known = {(kind, name) for name in wording.names(intent) for kind in EntryKind}
    yield from (
        f"Line {line.id} tells of {line.model}, which pass {intent.id} does not change."
        for key in told.keys() - known
        for line in told[key]
    )


def _ended(rows: Rows, number: int) -> dict[int, tuple[str, float]]:
    found = rows("SELECT position, kind, at FROM outcomes WHERE intent = ?", number).fetchall()
    return {position: (kind, at) for position, kind, at in found}


def _model_troubles(intent: Intent, name: str, told: Told, ended: dict[int, tuple[str, float]]) -> Iterator[str]:
    where = f"pass {intent.id} to {intent.server}" + (f", model {name}" if name else "")
    mine = [position for position, each in enumerate(intent.body.actions) if each.model == name]
    openings, endings = told.get((EntryKind.INTENT, name), []), told.get((EntryKind.OUTCOME, name), [])
    if len(openings) != 1:
        yield f"No line tells that {where} was sent." if not openings else _twice(openings, where)
    is_over = bool(mine) and all(position in ended for position in mine)
    if is_over and not endings:
        yield f"No line tells how {where} ended, and all of its actions have."
    if endings and not is_over:
        yield f"Line {endings[0].id} tells how {where} ended, and the record has not seen all of its actions end."
    if len(endings) > 1:
        yield _twice(endings, where)
    for line in (*openings, *endings):
        yield from _differences(line, intent, mine, ended if line.kind is EntryKind.OUTCOME else {})


def _twice(lines: Sequence[Entry], where: str) -> str:
    return f"Lines {', '.join(str(line.id) for line in lines)} tell the same of {where}."


def _differences(
    line: Entry, intent: Intent, mine: Sequence[int], ended: dict[int, tuple[str, float]]
) -> Iterator[str]:
    """Where a line says otherwise than the record."""
    actions = [intent.body.actions[position] for position in mine]
    ends = [ended[position][0] if position in ended else "" for position in mine]
    pairs = (
        ("commit", line.commit, intent.commit),
        ("server", line.server, intent.server),
        (
            "actions",
            [(each.kind, each.version, each.label) for each in line.actions],
            [(str(each.kind), each.version, each.label) for each in actions],
        ),
        ("outcomes", [each.outcome for each in line.actions], ends),
    )
    for what, said, recorded in pairs:
        if said != recorded:
            yield f"Line {line.id} says {what} {said!r}, and the record of pass {intent.id} says {recorded!r}."
    if abs(line.started - intent.at) > CLOSE:
        yield f"Line {line.id} says that pass {intent.id} began {line.started - intent.at:+.6f} s from when it did."
    last = max((ended[position][1] for position in mine if position in ended), default=None)
    if line.finished is not None and last is not None and abs(line.finished - last) > CLOSE:
        yield f"Line {line.id} says that pass {intent.id} ended {line.finished - last:+.6f} s from when it did."
