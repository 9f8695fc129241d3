"""`reconciler trace`."""

from typing import Annotated

import typer

from reconciler.cli.exits import Exit
from reconciler.cli.options import Format, OutputOptions, RepositoryOptions, StateOptions

Server = Annotated[str, typer.Argument(help="A server: its name, or fleet/server.")]
Model = Annotated[str, typer.Argument(help="A model: as the server calls it, or the Model's metadata.name.")]
Label = Annotated[str | None, typer.Argument(help="One label, or a version's number; default: all of them.")]


def trace(  # noqa: PLR0913, PLR0917 - one parameter per option
    server: Server,
    model: Model,
    repository: RepositoryOptions,
    state: StateOptions,
    output: OutputOptions,
    label: Label = None,
) -> int:
    """Say which line in git a label on a server comes from, who wrote it, and since when it is applied.

    Answers from the mirror and the record alone: nobody is asked. Says first where the server is not as git says.
    """
    from reconciler.cli import lineage, tracing
    from reconciler.cli import output as out
    from reconciler.expose import trace as words

    with lineage.opened(repository, state.directory()) as look:
        found = tracing.trace(look, server, model, label)
    if output.output is Format.TABLE:
        out.show(words.trace_text(found))
    else:
        out.emit(output.output, words.trace_document(found))
    return Exit.OK
