"""`reconciler rollback`."""

from typing import TYPE_CHECKING, Annotated

import typer

from reconciler.cli.exits import Exit, Misused
from reconciler.cli.options import CommitOptions, DestinationOptions, Format, OutputOptions, StateOptions

if TYPE_CHECKING:
    from reconciler.cli.committing import Workplace
    from reconciler.expose.rollback import Rollback

Models = Annotated[list[str], typer.Argument(help="Models by metadata.name, or as servers call them.")]
To = Annotated[
    str | None,
    typer.Option(metavar="COMMIT|DEPLOYMENT", help="Go to this commit, or deployment as `history` shows it."),
]
Steps = Annotated[int, typer.Option(min=1, max=1000, help="Go so many deployments back, counting those reached.")]
Offline = Annotated[
    bool, typer.Option("--offline", help="Ask no server and no storage: the cost is then what the record says.")
]
Reason = Annotated[str, typer.Option(help="Why; stands in the commit.")]

Local = Annotated[
    bool, typer.Option("--local", help="Hold the model there for a while without git; needs --ttl and --reason.")
]
Ttl = Annotated[str | None, typer.Option(metavar="TIME", help="With --local: for how long, such as 30m or 2h.")]
Unpin = Annotated[bool, typer.Option("--unpin", help="End what --local began; git counts again.")]


def rollback(  # noqa: PLR0913, PLR0917 - one parameter per option
    models: Models,
    repository: CommitOptions,
    destination: DestinationOptions,
    state: StateOptions,
    output: OutputOptions,
    to: To = None,
    steps: Steps = 1,
    reason: Reason = "",
    offline: Offline = False,
    local: Local = False,
    ttl: Ttl = None,
    unpin: Unpin = False,
) -> int:
    """Go back with some models: a new commit that restores their documents, and nothing else.

    Without --to the last spec before this one that was reached. Shows the commit, the plan and the cost; pushes only
    with --push (to the followed branch) or --branch NAME (for a pull request). While git cannot be reached, --local
    holds the models there until --ttl is over.
    """
    from reconciler.adapters import git_patch
    from reconciler.cli import backwards, committing, pinning, verb
    from reconciler.cli import rollback as making

    destination.check(repository.base)
    if to is not None and steps != 1:
        raise Misused("Give --to or --steps: both say where to go back to.")
    ask = backwards.Ask(tuple(models), to, steps, reason, offline)
    if ttl is not None and not local:
        raise Misused("--ttl belongs to --local: a commit has no end.")
    if local or unpin:
        pinning.check(destination, local=local, unpin=unpin)
        where = backwards.Where(repository.path, repository.base, state.directory())
        return pinning.unpin(ask.models, where) if unpin else pinning.pin(ask, where, ttl)
    place = committing.workplace(repository, state.directory())
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


def _show(told: "Rollback", place: "Workplace", pushed: str | None, form: Format) -> None:
    from reconciler.adapters import git_patch
    from reconciler.cli import output
    from reconciler.expose import rollback as words
    from reconciler.expose import text

    patch = git_patch.diff(place.mirror.path, told.commit.id)
    if form is not Format.TABLE:
        output.emit(form, words.document(told, patch, pushed))
        return
    typer.echo("\n".join(words.text(told)))
    typer.echo(f"\n{patch}")
    if told.plan is not None and told.subject is not None:
        output.show(text.plan_text(told.plan, told.subject))
