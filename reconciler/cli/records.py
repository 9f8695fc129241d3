"""Reading the record beside a running service: nothing here writes, waits for a lock, or asks a server.

Called by `status`, `explain` and `sync`.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from reconciler.adapters import codec
from reconciler.adapters.ledger import SqliteLedger
from reconciler.adapters.lock import StateDirectory
from reconciler.expose.explain import Records
from reconciler.state.plan import ServerPlan

TROUBLE = "source-trouble"
"""The note in which the service keeps what is wrong with the repository, "" where nothing is."""


@contextmanager
def reading(state: Path) -> Iterator[SqliteLedger]:
    """The record, opened for reading. Raises RecordError where there is none yet."""
    ledger = SqliteLedger(StateDirectory(state).ledger, writable=False)
    try:
        yield ledger
    finally:
        ledger.close()


def everything(ledger: SqliteLedger) -> Records:
    """What `explain` answers from."""
    statuses = tuple(ledger.statuses())
    servers = sorted({each.server for each in statuses})
    texts = {server: ledger.plan_json(server) for server in servers}
    plans = {server: plan for server, text in texts.items() if text and (plan := _plan(text))}
    intents = tuple(each for server in servers for each in ledger.intents(server=server, limit=50))
    outcomes = tuple(outcome for intent in intents for outcome in ledger.outcomes(intent.id))
    return Records(statuses, plans, intents, outcomes, ledger.noted(TROUBLE) or "")


def _plan(text: str) -> ServerPlan | None:
    """The plan that a service stored; None where another release wrote something this one cannot read."""
    try:
        return codec.load(ServerPlan, text)
    except codec.CodecError:
        return None
