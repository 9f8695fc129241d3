"""Where things are printed: answers on stdout in the format asked for, progress and remarks on stderr.

Called by the verbs. rich honours NO_COLOR and pipes; where stdout is no terminal nothing is wrapped or cut, so that the
text can be compared and searched.
"""

import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING

from reconciler.cli.exits import Misused
from reconciler.cli.options import Format
from reconciler.expose import documents

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

_UNCUT = 10_000
"""Columns of a stream that is no terminal."""


def stdout() -> "Console":
    """The console for answers."""
    from rich.console import Console

    return Console(width=None if sys.stdout.isatty() else _UNCUT, highlight=False, emoji=False, markup=False)


def stderr() -> "Console":
    """The console for progress and remarks."""
    from rich.console import Console

    return Console(stderr=True, highlight=False, emoji=False, markup=False)


def show(renderable: "RenderableType") -> None:
    """Print for people; plain text as it is, so that rich is not imported for it."""
    if isinstance(renderable, str):
        sys.stdout.write(renderable)
    else:
        stdout().print(renderable, end="", soft_wrap=True)


def table(renderable: "RenderableType") -> None:
    """Print a table for people; elsewhere than on a terminal without padding at the ends of lines."""
    console = stdout()
    if console.is_terminal:
        console.print(renderable)
        return
    with console.capture() as capture:
        console.print(renderable)
    sys.stdout.write("".join(f"{line.rstrip()}\n" for line in capture.get().splitlines()))


def emit(form: Format, document: Mapping[str, documents.Data]) -> None:
    """Print for machines. Raises Misused for Markdown, which only plans have."""
    if form is Format.MARKDOWN:
        raise Misused("Only `plan` can be printed as markdown; use -o table, json or yaml.")
    sys.stdout.write(documents.as_yaml(document) if form is Format.YAML else documents.as_json(document))
