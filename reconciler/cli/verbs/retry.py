"""`reconciler retry`."""

from pathlib import Path
from typing import Annotated

import typer

from reconciler.cli.exits import Exit
from reconciler.cli.options import StateOptions

Subject = Annotated[
    str, typer.Argument(help="A model, a server (name or fleet/server), fleet/server/model, or a fleet.")
]


def retry(subject: Subject, state: StateOptions) -> int:
    """Try again at once what failed: the cause is gone, and git still asks for it.

    Failures of the model are forgotten on the servers it is about, so that its spec is no longer quarantined. The
    server is sent a list without the failed version first: TensorFlow Serving tries nothing again that stays listed.
    """
    from reconciler.cli import records, triggers, verb
    from reconciler.cli.verbs import sync

    directory: Path = state.directory()
    holder = sync.service_of(directory)
    identity = triggers.SyncFile(directory).ask(retry=subject)
    with records.reading(directory) as ledger:
        if not sync.until(lambda: ledger.noted(triggers.HANDLED) == identity, sync.TAKEN_UP_WITHIN):
            verb.say(f"Asked {holder}, which has not taken it up within {sync.TAKEN_UP_WITHIN:g} s; it will.")
            return Exit.TIMED_OUT
        found = (ledger.noted(triggers.ANSWER) or "").split()
    if not found:
        verb.say(f"Nothing that git asks for is named {subject}: no model, server or fleet. Nothing was done.")
        return Exit.ERROR
    more = f" and {len(found) - 5} more" if len(found) > 5 else ""
    verb.say(
        f"{holder} forgets what failed of {', '.join(found[:5])}{more}, and tries anew what git still asks for. "
        f"`reconciler explain {subject}` says how it goes."
    )
    return Exit.OK
