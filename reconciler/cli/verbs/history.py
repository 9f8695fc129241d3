"""`reconciler history`."""

from typing import TYPE_CHECKING, Annotated

import typer

from reconciler.cli.exits import Exit
from reconciler.cli.options import Format, OutputOptions, RepositoryOptions, StateOptions

if TYPE_CHECKING:
    from reconciler.cli.lineage import Look
    from reconciler.state.history import Row

Model = Annotated[str | None, typer.Argument(help="A Model by its metadata.name, or as servers call it; default: all.")]
Server = Annotated[str | None, typer.Option(help="Only what concerns this server: its name, or fleet/server.")]
Limit = Annotated[int, typer.Option("--limit", "-n", min=1, help="Commits to show, from the newest.")]
Since = Annotated[
    str | None,
    typer.Option(help="Only what was committed or applied since then: 2026-11-20, 2026-11-20T08:00:00Z, 7d, 12h, 30m."),
]


def history(  # noqa: PLR0913, PLR0917 - one parameter per option
    repository: RepositoryOptions,
    state: StateOptions,
    output: OutputOptions,
    model: Model = None,
    server: Server = None,
    limit: Limit = 20,
    since: Since = None,
) -> int:
    """Show what commits asked of a model, a server or everything, and what came of it, newest first.

    Answers from the mirror and the record alone: the git host may be down and no service needs to run.
    """
    from reconciler.cli import collector, lineage, verb
    from reconciler.cli.moments import since_when

    collector.patient()  # a tenth of the time for thousands of commits
    earliest = 0.0 if since is None else since_when(since)
    with lineage.opened(repository, state.directory()) as look:
        found = _rows(look, model, server, limit)
        if look.ledger is None:
            verb.say(f"There is no record in {state.directory()}: what was applied is not known, only what was asked.")
    shown = _shown(found, limit, earliest)
    _show(shown, output.output, named=model is None or len({row.model for row in shown}) > 1)
    if not found:
        verb.say(_nothing(model, server))
    return Exit.OK if found or (model is None and server is None) else Exit.ERROR


def _rows(look: "Look", model: str | None, server: str | None, limit: int) -> "tuple[Row, ...]":
    from reconciler.cli import lineage
    from reconciler.record import deployments

    if model is not None:
        found = lineage.of_models(look, lineage.documents(look, model), limit)
    else:
        found = lineage.of_all(look, limit if server is None else limit * 10)
    return found if server is None else deployments.of_server(found, server)


def _shown(found: "tuple[Row, ...]", limit: int, earliest: float) -> "list[Row]":
    """As many commits as asked for; by history, so that a clock that was wrong hides nothing but its own commit."""
    recent = [row for row in found if max(row.step.commit.time, *_starts(row), 0.0) >= earliest]
    positions = sorted({row.step.position for row in recent})[:limit]
    return [row for row in recent if row.step.position in set(positions)]


def _starts(row: "Row") -> list[float]:
    return [each.started for each in row.landings if each.started is not None] or [0.0]


def _show(rows: "list[Row]", form: Format, *, named: bool) -> None:
    from reconciler.cli import output
    from reconciler.expose import history as words

    match form:
        case Format.TABLE:
            output.show(words.history_text(rows, named=named))
        case Format.MARKDOWN:
            output.show(words.history_markdown(rows, named=named))
        case Format.JSON | Format.YAML:
            output.emit(form, words.history_document(rows))


def _nothing(model: str | None, server: str | None) -> str:
    if model is not None:
        where = f" on a server {server}" if server else ""
        return (
            f"No commit on the followed branch's first-parent line ever asked for a Model {model}{where}. "
            "`reconciler status` lists what there is; check the name, and the folder that is watched (--path)."
        )
    return f"No commit concerns {server or 'any model'}. Check the name, and the folder that is watched (--path)."
