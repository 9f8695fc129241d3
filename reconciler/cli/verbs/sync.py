"""`reconciler sync`."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from reconciler.cli.exits import Blocked, Exit
from reconciler.cli.options import StateOptions

if TYPE_CHECKING:
    from reconciler.ports import Ledger

Wait = Annotated[bool, typer.Option("--wait/--no-wait", help="Wait until every server is in sync or held.")]
Timeout = Annotated[float, typer.Option(min=0.0, help="Seconds to wait, with --wait.")]

TAKEN_UP_WITHIN = 30.0
"""Seconds for the service to ask git: it sees the request within a quarter of a second, git may be slow."""


def sync(state: StateOptions, wait: Wait = False, timeout: Timeout = 300.0) -> int:
    """Ask the running service to look at git and at every server now.

    Ends with 3 where the branch's head cannot be put in force: it is invalid, rewritten, or the host does not answer.
    """
    from reconciler.cli import records, triggers, verb

    directory = state.directory()
    holder = service_of(directory)
    identity = triggers.SyncFile(directory).ask()
    with records.reading(directory) as ledger:
        if not until(lambda: ledger.noted(triggers.HANDLED) == identity, TAKEN_UP_WITHIN):
            verb.say(f"Asked {holder}, which has not finished asking git within {TAKEN_UP_WITHIN:g} s; it will.")
            return Exit.TIMED_OUT
        if trouble := ledger.noted(records.TROUBLE):
            verb.say(f"git: {trouble}")
            return Exit.BLOCKED
        verb.say(f"Done by {holder}: git was asked, every server is looked at.")
        return _settle(ledger, timeout) if wait else Exit.OK


def service_of(directory: Path) -> str:
    """Who holds the state directory. Raises Blocked where nobody does: then nobody would answer."""
    from reconciler.adapters.lock import StateDirectory
    from reconciler.errors import StateLocked

    try:
        with StateDirectory(directory).locked("reconciler sync"):
            raise Blocked(
                f"No service runs on the state directory {directory}. Start `reconciler run`, or bring the servers to "
                "what git says once with `reconciler apply`."
            )
    except StateLocked as error:
        return error.holder


def _settle(ledger: "Ledger", timeout: float) -> int:
    from reconciler.cli import settled, verb

    def verdict() -> settled.Verdict:
        return settled.verdict(ledger.statuses(), ledger.good_commit())

    until(lambda: verdict() is not settled.Verdict.MOVING, timeout)
    found = verdict()
    verb.say(settled.sentence(found, ledger.statuses()))
    return found if found is not settled.Verdict.MOVING else Exit.TIMED_OUT


def until(done: Callable[[], bool], seconds: float) -> bool:
    """Ask five times a second until it holds or the time is over."""
    deadline = time.monotonic() + seconds
    while not done():
        if time.monotonic() >= deadline:
            return False
        time.sleep(0.2)
    return True
