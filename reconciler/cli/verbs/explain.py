"""`reconciler explain`."""

from typing import Annotated

import typer

from reconciler.cli.exits import Exit
from reconciler.cli.options import Format, OutputOptions, StateOptions

Subject = Annotated[
    str, typer.Argument(help="A model, a server (name or fleet/server), fleet/server/model, or a fleet.")
]


def explain(subject: Subject, state: StateOptions, output: OutputOptions) -> int:
    """Say why something is not applied yet: what blocks it, since when, what releases it, what happens next."""
    from reconciler.cli import output as out
    from reconciler.cli import records, verb
    from reconciler.expose import explain as explaining
    from reconciler.expose import explained

    with records.reading(state.directory()) as ledger:
        known, beside = records.everything(ledger), records.beside(ledger)
    found = explaining.answers(subject, known)
    if output.output is Format.TABLE:
        for remark in filter(None, (records.age(state.directory()), *beside)):
            verb.say(remark)
        out.show(explained.explain_text(subject, found, known))
    else:
        out.emit(output.output, explaining.explain_document(subject, found, known))
    return Exit.OK if found else Exit.ERROR
