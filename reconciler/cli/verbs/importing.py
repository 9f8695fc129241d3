"""`reconciler import`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from reconciler.cli.exits import Blocked, Exit, Misused

if TYPE_CHECKING:
    from reconciler.parse.importing import Imported

File = Annotated[Path, typer.Argument(dir_okay=False, help="An existing model_config.pbtxt, as servers read it.")]
Fleet = Annotated[str, typer.Option(help="Name of the Fleet to write.")]
Server = Annotated[str, typer.Option(help="Name of the server in it.")]
Grpc = Annotated[str, typer.Option(help="The server's gRPC address, host:port.")]
Out = Annotated[Path | None, typer.Option(file_okay=False, help="Write the files below this folder; default: stdout.")]


def import_(file: File, fleet: Fleet = "imported", server: Server = "gpu-1", grpc: Grpc = "", out: Out = None) -> int:
    """Turn an existing model config file into Fleet and Model documents.

    Ends with 4 where some model of the file could not be turned into a document; each is named.
    """
    from reconciler.cli.verb import say
    from reconciler.parse import importing
    from reconciler.wire.text import TextProtoError

    try:
        found = importing.import_config(file.read_text(encoding="utf-8"), fleet=fleet, server=server, grpc=grpc)
    except OSError as error:
        raise Misused(f"Cannot read {file}: {error.strerror}.") from error
    except TextProtoError as error:
        raise Misused(f"{file}:{error.line}:{error.column} is no model config: {str(error).rstrip('.')}.") from error
    except ValueError as error:
        raise Misused(f"{file}: {error}.") from error
    for note in found.notes:
        say(f"{'error' if note.lost else 'note'}: {note}")
    _print(found) if out is None else _write(found, out)
    return Exit.OK if found.complete else Exit.PARTLY


def _print(found: "Imported") -> None:
    from reconciler.cli import output

    output.show("---\n".join(f"# {path}\n{text}" for path, text in found.files))


def _write(found: "Imported", out: Path) -> None:
    """Write every file, or none where one of them is there already."""
    from reconciler.cli.verb import say

    there = [path for path, _ in found.files if (out / path).exists()]
    if there:
        raise Blocked(f"Not written: {', '.join(there)} already there below {out}. Give an empty folder with --out.")
    for path, text in found.files:
        target = out / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
        say(f"Wrote {target}")
