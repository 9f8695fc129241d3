"""`reconciler promote`."""

from typing import TYPE_CHECKING, Annotated

import typer

from reconciler.cli.exits import Exit
from reconciler.cli.options import CommitOptions, DestinationOptions, Format, OutputOptions, StateOptions

if TYPE_CHECKING:
    from reconciler.cli.committing import Workplace
    from reconciler.cli.promote import Promoted

Model = Annotated[str, typer.Argument(help="A model by metadata.name, or as servers call it.")]
From = Annotated[str, typer.Option("--from", help="The label whose version is promoted.")]
To = Annotated[str, typer.Option("--to", help="The label that goes there.")]
DropOld = Annotated[
    bool, typer.Option("--drop-old", help="Take versions that no label points at any more off the list.")
]
Offline = Annotated[
    bool, typer.Option("--offline", help="Ask no server: the plan begins where git has the servers now.")
]
Reason = Annotated[str, typer.Option(help="Why; stands in the commit.")]


def promote(  # noqa: PLR0913, PLR0917 - one parameter per option
    model: Model,
    repository: CommitOptions,
    destination: DestinationOptions,
    state: StateOptions,
    output: OutputOptions,
    from_: From = "canary",
    to: To = "stable",
    drop_old: DropOld = False,
    reason: Reason = "",
    offline: Offline = False,
) -> int:
    """Move one label to the version of another: a commit that edits the document in place.

    Comments and order stay. Shows the change and the plan; pushes only with --push (to the followed branch) or
    --branch NAME (for a pull request).
    """
    from reconciler.adapters import git_patch
    from reconciler.cli import committing, verb
    from reconciler.cli import promote as making

    destination.check(repository.base)
    place = committing.workplace(repository, state.directory())
    ask = making.Ask(model, from_, to, drop_old, reason, offline)
    maker = making.Maker(ask, place, repository, state.directory())
    commit, told = committing.delivered(place, repository, destination, maker.make)
    if destination.print_:
        typer.echo(git_patch.mail(place.mirror.path, commit), nl=False)
        return Exit.OK
    pushed = destination.branch or (repository.base if destination.push else None)
    _show(told, place, pushed, output.output)
    if output.output is Format.TABLE:
        verb.say(destination.said(told.commit.short, pushed, repository.base))
    return Exit.OK


def _show(told: "Promoted", place: "Workplace", pushed: str | None, form: Format) -> None:
    from reconciler.adapters import git_patch
    from reconciler.cli import output, verb
    from reconciler.expose import documents, text

    patch = git_patch.diff(place.mirror.path, told.commit.id)
    for note in told.notes:
        verb.say(f"warning: {note}")
    if form is not Format.TABLE:
        data: dict[str, documents.Data] = {
            "model": told.document,
            "commit": told.commit.id if pushed is not None else None,
            "branch": pushed,
            "labels": dict(told.edit.labels),
            "versions": [*told.edit.versions],
            "patch": patch,
            "plan": documents.plan_document(told.plan, told.subject),
        }
        output.emit(form, documents.envelope("Promotion", data))
        return
    typer.echo(f"{told.commit.subject}\n\n{patch}")
    output.show(text.plan_text(told.plan, told.subject))
