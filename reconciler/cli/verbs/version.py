"""`reconciler version`."""

import platform

from reconciler import __version__
from reconciler.cli.options import Format, OutputOptions


def version(output: OutputOptions) -> None:
    """Print the versions of the reconciler and of what it stands on."""
    from importlib import metadata

    from reconciler.cli import output as out
    from reconciler.expose import documents

    names = ("grpcio", "pygit2", "tensorflow", "tensorflow-serving-api")
    found = {
        "reconciler": __version__,
        "python": platform.python_version(),
        **{name: _of(metadata, name) for name in names},
    }
    if output.output is not Format.TABLE:
        out.emit(output.output, documents.envelope("Version", found))
        return
    out.show("".join(f"{name} {number}\n" for name, number in found.items()))


def _of(metadata: object, name: str) -> str:
    from importlib.metadata import PackageNotFoundError
    from importlib.metadata import version as installed

    try:
        return installed(name)
    except PackageNotFoundError:
        return "not installed"
