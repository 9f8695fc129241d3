"""The head of the branch that was accepted last, kept in the record beside the mirror.

Used by `Watch` and by `apply`. The mirror is a cache and may be lost; that a branch was rewritten must be noticed all
the same. Another repository or branch than before is followed from its head on, as on a first start.
"""

import json

from reconciler.ports import Ledger, Source

NOTE = "followed-head"


def remembered(ledger: Ledger, source: Source) -> str | None:
    """The head that was accepted last of what the source follows, None where the record names none."""
    noted = ledger.noted(NOTE)
    known = json.loads(noted) if noted else {}
    return known.get("head") if known.get("followed") == source.followed else None


def remember(ledger: Ledger, source: Source, head: str) -> None:
    """Note an accepted head, if it is a new one. Raises RecordError."""
    if remembered(ledger, source) != head:
        ledger.note(NOTE, json.dumps({"followed": source.followed, "head": head}, sort_keys=True))
