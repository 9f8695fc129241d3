"""`reconciler validate`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from reconciler.cli.exits import Exit, Misused
from reconciler.cli.options import Format, OutputOptions, RepositoryOptions, StateOptions

if TYPE_CHECKING:
    from reconciler.parse import Parsed

Folder = Annotated[
    Path | None,
    typer.Argument(help="A plain folder, git or not, as it lies there; default: the head of --repo."),
]


def validate(repository: RepositoryOptions, state: StateOptions, output: OutputOptions, folder: Folder = None) -> int:
    """Check every document and print all problems as file:line:column; nothing is asked of any server."""
    from reconciler.cli import output as out
    from reconciler.expose import problems

    parsed, checked = _parsed(repository, state, folder)
    found = [str(each) for each in parsed.problems]
    warnings = [str(each) for each in parsed.warnings]
    if output.output is Format.TABLE:
        out.show(problems.problems_text(found, warnings, checked))
    else:
        out.emit(output.output, problems.problems_document(found, warnings, checked))
    return Exit.ERROR if found else Exit.OK


def _parsed(options: RepositoryOptions, state: StateOptions, folder: Path | None) -> "tuple[Parsed, str]":
    from reconciler.cli import repository, wiring

    if folder is not None:
        if not folder.is_dir():
            raise Misused(f"{folder} is no folder. Give the folder that holds the documents.")
        return repository.in_folder(folder), str(folder.resolve())  # "." would read as a full stop
    source = repository.for_reading(options, state.directory())
    commit = repository.head(source, options)
    repository.verified(source, commit, options, wiring.in_force(state.directory()))
    return repository.at_commit(source, commit, options.path), f"commit {commit[:10]}"
