"""`reconciler plan`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from reconciler.cli.exits import Exit
from reconciler.cli.options import Format, OutputOptions, ReferenceOptions, RepositoryOptions, StateOptions

if TYPE_CHECKING:
    from reconciler.cli.planning import Made

Out = Annotated[Path | None, typer.Option("--out", dir_okay=False, help="Also save the plan, for `apply --plan FILE`.")]
Detailed = Annotated[
    bool,
    typer.Option("--detailed-exitcode", help="End with 0 if nothing is to be done, 2 if something is, 1 on errors."),
]

CHANGES = 2


def plan(  # noqa: PLR0913, PLR0917 - one parameter per option
    repository: RepositoryOptions,
    references: ReferenceOptions,
    state: StateOptions,
    output: OutputOptions,
    out: Out = None,
    detailed_exitcode: Detailed = False,
) -> int:
    """Show what would be done, in which order, and why; nothing is changed.

    The servers are asked how they are now; with --from REF none is needed: they are assumed to be converged there.
    """
    from reconciler.cli import planfile, planning, verb

    made = planning.make(repository, state, references)
    for warning in made.warnings:
        verb.say(f"warning: {warning}")
    _show(made, output.output)
    if out is not None:
        planfile.save(out, made.plan, made.subject)
        verb.say(f"Saved to {out}; `reconciler apply --plan {out}` applies exactly this or refuses.")
    changes = any(not server.converged or server.passes or server.blocked for server in made.plan.servers)
    return CHANGES if detailed_exitcode and changes else Exit.OK


def _show(made: "Made", form: Format) -> None:
    from reconciler.cli import output
    from reconciler.expose import documents, markdown, text

    match form:
        case Format.TABLE:
            output.show(text.plan_text(made.plan, made.subject))
        case Format.MARKDOWN:
            output.show(markdown.plan_markdown(made.plan, made.subject))
        case Format.JSON | Format.YAML:
            output.emit(form, documents.plan_document(made.plan, made.subject))
