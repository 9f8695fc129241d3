"""`reconciler ledger verify`, `reconciler ledger export` and `reconciler ledger release`."""

import enum
from typing import TYPE_CHECKING, Annotated

import typer

from reconciler.cli.exits import Exit
from reconciler.cli.options import Format, Instance, OutputOptions, PublishOptions, RepositoryOptions, StateOptions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from reconciler.adapters.ledger import SqliteLedger
    from reconciler.adapters.ledger_verify import Verification
    from reconciler.expose.documents import Data

BATCH = 1000
"""Lines that are held in memory at once."""


class Lines(enum.StrEnum):
    """How lines are exported: one per row, or as one JSON document."""

    JSONL = "jsonl"
    JSON = "json"


def verify(
    state: StateOptions,
    output: OutputOptions,
    known: Annotated[
        list[str] | None,
        typer.Option(help="A line's hash, noted elsewhere: it must be there still. May be given several times."),
    ] = None,
) -> int:
    """Check that no line of the ledger was changed, removed or added, and that every pass is told of.

    Ends with 0 where the ledger is whole, and with 1 where it is not. A service may go on meanwhile.
    """
    from dataclasses import replace

    from reconciler.cli import output as out
    from reconciler.cli import records, verb

    published = _published(state.directory())  # before the record is opened, which goes on
    with records.reading(state.directory()) as ledger:
        found = ledger.verify()
        found = replace(found, troubles=(*found.troubles, *published(ledger), *_unknown(ledger, known or [])))
    if output.output is not Format.TABLE:
        out.emit(output.output, _document(found))
        return Exit.ERROR if found.troubles else Exit.OK
    for trouble in found.troubles:
        verb.say(trouble)
    if found.troubles:
        verb.say(_broken(found))
        return Exit.ERROR
    typer.echo(_whole(found))
    return Exit.OK


def _published(state: "Path") -> "Callable[[SqliteLedger], list[str]]":
    """What is wrong with the line that this ledger published last, as far as the state directory remembers it."""
    from reconciler.adapters.git_ledger import published_last

    tip = published_last(state / "ledger.git")

    def compared(ledger: "SqliteLedger") -> list[str]:
        if tip is None or tip.writer is None or tip.writer.ledger != ledger.own(1):
            return []
        here = ledger.own(tip.number)
        if here == tip.own:
            return []
        now = f"has {here} now" if here else f"the ledger ends with line {ledger.last_line()}"
        return [
            f"Line {tip.number} was published with the hash {tip.own}, and {now}. "
            "Lines were cut off or written anew since, or an older copy of the record was put back."
        ]

    return compared


def _unknown(ledger: "SqliteLedger", known: "list[str]") -> list[str]:
    """Of the hashes that somebody noted, those that no line has."""
    return [
        f"No line has the hash {each}: lines were cut off or written anew since it was noted."
        for each in known
        if not ledger.has_line(each)
    ]


def _whole(found: "Verification") -> str:
    said = f"The ledger is whole: {found.lines} lines of {found.passes} passes"
    if found.still_open:
        said += f"; {found.still_open} actions have not ended yet"
    return f"{said}. The hash of the last line is {found.head}." if found.lines else f"{said}."


def _broken(found: "Verification") -> str:
    return (
        f"The ledger is not whole ({found.lines} lines, {found.passes} passes). Nothing was changed, and the service "
        "goes on with it: no decision about a server reads the ledger. Keep a copy of the file for whoever asks how it "
        "came to be, and compare it with the published ledger or an earlier export."
    )


def _document(found: "Verification") -> "dict[str, Data]":
    from reconciler.expose import documents

    content: dict[str, Data] = {
        "whole": not found.troubles,
        "lines": found.lines,
        "passes": found.passes,
        "openActions": found.still_open,
        "head": found.head or None,
        "troubles": list(found.troubles),
    }
    return documents.envelope("LedgerVerification", content)


def export(
    state: StateOptions,
    output: Annotated[Lines, typer.Option("--output", "-o", help="How to print.")] = Lines.JSONL,
    since: Annotated[
        str | None, typer.Option(help="Only lines from then on: 2026-11-20, 2026-11-20T08:00:00Z, 7d, 12h, 30m.")
    ] = None,
    after: Annotated[int, typer.Option(min=0, help="Only lines above this number.")] = 0,
) -> int:
    """Print the ledger, oldest line first, as it is: every line with its hash, so that a copy can be verified."""
    from reconciler.cli import records
    from reconciler.cli.moments import since_when

    begin = since_when(since) if since is not None else None
    with records.reading(state.directory()) as ledger:
        lines = (text for text, at in _lines(ledger, after) if begin is None or at >= begin)
        _print_document(lines) if output is Lines.JSON else _print_lines(lines)
    return Exit.OK


def _print_lines(lines: "Iterator[str]") -> None:
    for line in lines:
        typer.echo(line)


def _print_document(lines: "Iterator[str]") -> None:
    from reconciler.expose import documents

    typer.echo(f'{{"formatVersion": "{documents.FORMAT_VERSION}", "kind": "Ledger", "lines": [', nl=False)
    for number, line in enumerate(lines):
        typer.echo(f"{',' if number else ''}\n{line}", nl=False)
    typer.echo("\n]}")


def _lines(ledger: "SqliteLedger", after: int) -> "Iterator[tuple[str, float]]":
    """Every line above a number with the time it tells of, batch by batch."""
    from reconciler.adapters import ledger_lines

    while batch := ledger.lines(after, BATCH):
        for number, text in batch:
            after = number
            entry = ledger_lines.entry(*ledger_lines.parted(text))
            yield text, entry.started if entry.finished is None else entry.finished


def release(
    repository: RepositoryOptions, state: StateOptions, publishing: PublishOptions, instance: Instance = "default"
) -> int:
    """Let another instance go on with a published ledger whose writer is gone for good.

    Adds a commit to the ref that says so; nothing is removed. The next instance of that name begins a new chain.
    """
    from reconciler.adapters.lock import StateDirectory
    from reconciler.cli import publishing as published
    from reconciler.cli import repository as repositories
    from reconciler.cli import verb

    directory = state.directory()
    StateDirectory(directory).create()
    name = published.Name(instance, publishing.ledger_refs)
    target = published.git_ledger(name, repositories.remote(repository), directory)
    commit = target.release()
    where = f"{target.place.ref} of {target.remote.name}"
    if commit is None:
        verb.say(f"Nobody writes {where}: there is nothing to release. The name is that of --instance.")
        return Exit.ERROR
    verb.say(f"{where} is released (commit {commit[:10]}). The next instance of that name goes on with it.")
    return Exit.OK
