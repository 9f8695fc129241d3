"""`reconciler plan`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from reconciler.cli.exits import Exit
from reconciler.cli.options import (
    Format,
    OutputOptions,
    ReferenceOptions,
    RepositoryOptions,
    ReviewOptions,
    StateOptions,
)

if TYPE_CHECKING:
    from reconciler.cli.planning import Made
    from reconciler.errors import ReconcilerError

Asked = tuple[RepositoryOptions, ReferenceOptions, ReviewOptions]

Out = Annotated[Path | None, typer.Option("--out", dir_okay=False, help="Also save the plan, for `apply --plan FILE`.")]
Detailed = Annotated[
    bool,
    typer.Option("--detailed-exitcode", help="End with 0 if nothing is to be done, 2 if something is, 1 on errors."),
]

CHANGES = 2


def plan(  # noqa: PLR0913, PLR0917 - one parameter per option
    repository: RepositoryOptions,
    references: ReferenceOptions,
    review: ReviewOptions,
    state: StateOptions,
    output: OutputOptions,
    out: Out = None,
    detailed_exitcode: Detailed = False,
) -> int:
    """Show what would be done, in which order, and why; nothing is changed.

    The servers are asked how they are now; with --from REF none is needed: they are assumed to be converged there.
    For a pull request: --from BASE --to HEAD --merge -o markdown is the body of one comment.
    """
    from reconciler.cli import planfile, planning, verb
    from reconciler.errors import ReconcilerError

    try:
        made = planning.make(repository, state, references, review)
    except ReconcilerError as error:
        if output.output is Format.MARKDOWN:
            _refused(error, repository, references, review)
        raise
    for warning in made.warnings:
        verb.say(f"warning: {warning}")
    for notice in made.notices:
        verb.say(f"note: {notice}")
    _show(made, output.output, (repository, references, review))
    if out is not None:
        planfile.save(out, made.plan, made.subject)
        verb.say(f"Saved to {out}; `reconciler apply --plan {out}` applies exactly this or refuses.")
    changes = any(not server.converged or server.passes or server.blocked for server in made.plan.servers)
    return CHANGES if detailed_exitcode and changes else Exit.OK


def _show(made: "Made", form: Format, asked: Asked) -> None:
    from reconciler.cli import output
    from reconciler.expose import documents, text

    match form:
        case Format.TABLE:
            output.show(text.plan_text(made.plan, made.subject))
        case Format.MARKDOWN:
            from reconciler.cli import reviewing
            from reconciler.expose import markdown

            output.show(markdown.plan_markdown(reviewing.review(made, *asked)))
        case Format.JSON | Format.YAML:
            output.emit(form, documents.plan_document(made.plan, made.subject))


def _refused(
    error: "ReconcilerError", repository: RepositoryOptions, references: ReferenceOptions, review: ReviewOptions
) -> None:
    """The comment all the same: one from before would show a plan that is none any more."""
    from reconciler.cli import output, reviewing
    from reconciler.cli.exits import Misused
    from reconciler.errors import DesiredInvalid, MergeConflict
    from reconciler.expose import markdown

    key = reviewing.key(repository, review)
    match error:
        case Misused():
            return
        case DesiredInvalid():
            command = reviewing.command(repository, references, review)
            body = markdown.problems_markdown(key, _what(references, review), error.problems, command)
        case MergeConflict():
            body = markdown.refusal_markdown(key, str(error), error.paths)
        case _:
            body = markdown.refusal_markdown(key, str(error))
    output.show(body)


def _what(references: ReferenceOptions, review: ReviewOptions) -> str:
    head = references.to or "the branch's head"
    return f"{head} merged into {references.from_}" if review.merge else head
