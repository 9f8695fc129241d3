"""Times as people give them to `--since`: a day, a time, or how long ago.

Called by `history` and `ledger export`. Deliberately not here: how times are printed (`expose/words.py`).
"""

import datetime
import re
import time

from reconciler.cli.exits import Misused

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def since_when(text: str) -> float:
    """Seconds since the epoch; UTC where no zone is given. Raises Misused for what is no time."""
    if span := re.fullmatch(r"([0-9]{1,6})([smhd])", text):
        return time.time() - int(span[1]) * _UNITS[span[2]]
    try:
        found = datetime.datetime.fromisoformat(text)
        return (found if found.tzinfo else found.replace(tzinfo=datetime.UTC)).timestamp()
    except (ValueError, OverflowError) as error:
        raise Misused(
            f"--since {text!r} is no time. Give a day (2026-11-20), a time (2026-11-20T08:00:00Z), or how long ago: "
            "30m, 12h, 7d."
        ) from error
