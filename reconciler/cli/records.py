"""Reading the record beside a running service: nothing here writes, waits for a lock, or asks a server.

Called by `status`, `explain` and `sync`.
"""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.adapters import codec
from reconciler.adapters.ledger import SqliteLedger
from reconciler.adapters.lock import StateDirectory
from reconciler.state.plan import ServerPlan

if TYPE_CHECKING:
    from reconciler.expose.explain import Records

TROUBLE = "source-trouble"
"""The note in which the service keeps what is wrong with the repository, "" where nothing is."""

UNPUBLISHED = "ledger-trouble"
"""The note in which the service keeps why the ledger could not be published lately, "" where it could."""

UNREPORTED = "report-trouble"
"""The note in which the service keeps why commit statuses do not get through, "" where they do."""


@contextmanager
def reading(state: Path) -> Iterator[SqliteLedger]:
    """The record, opened for reading. Raises RecordError where there is none yet."""
    ledger = SqliteLedger(StateDirectory(state).ledger, writable=False)
    try:
        yield ledger
    finally:
        ledger.close()


def kept_up(state: Path) -> bool | None:
    """Whether a process keeps the record up to date now; None where the lock file may not be read.

    The shared lock is given back at once: a service that starts in that very moment is the only one it could refuse.
    """
    try:
        with StateDirectory(state).lock_file.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except FileNotFoundError:
        return False
    except OSError:
        return None
    return False


def age(state: Path) -> str:
    """What a reader must know of a record that nobody keeps up any more; "" where somebody does."""
    if kept_up(state) is not False:
        return ""
    return (
        f"No service runs on the state directory {state}: this is what was recorded last, not what is now. "
        "Start `reconciler run`, or ask the servers with `reconciler plan`."
    )


def beside(ledger: SqliteLedger) -> tuple[str, ...]:
    """What a service has trouble with that no server waits for, in sentences."""
    about = {"ledger, not published": UNPUBLISHED, "commit statuses, held up": UNREPORTED}
    return tuple(f"{what}: {said}" for what, key in about.items() if (said := ledger.noted(key)))


def everything(ledger: SqliteLedger) -> "Records":
    """What `explain` answers from."""
    from reconciler.expose.explain import Records  # its tables are not for the service
    from reconciler.loop import botbook

    statuses = tuple(ledger.statuses())
    servers = sorted({each.server for each in statuses})
    texts = {server: ledger.plan_json(server) for server in servers}
    plans = {server: plan for server, text in texts.items() if text and (plan := _plan(text))}
    intents = tuple(each for server in servers for each in ledger.intents(server=server, limit=50))
    outcomes = tuple(outcome for intent in intents for outcome in ledger.outcomes(intent.id))
    loads = {(each.server, name): seconds for each in ledger.memories() for name, seconds in each.load_seconds}
    return Records(statuses, plans, intents, outcomes, ledger.noted(TROUBLE) or "", loads, botbook.waiting(ledger))


def _plan(text: str) -> ServerPlan | None:
    """The plan that a service stored; None where another release wrote something this one cannot read."""
    try:
        return codec.load(ServerPlan, text)
    except codec.CodecError:
        return None
