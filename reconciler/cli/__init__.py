"""The command line: composition of the real adapters, one module per verb under `verbs/`.

`main` is the console script. Start-up must be quick (`reconciler --version` within a quarter of a second), so nothing
heavier than Typer is imported before a verb runs: each verb imports what it needs inside its function.
"""

import sys
from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command and end the process with its exit code."""
    argv = list(sys.argv[1:] if arguments is None else arguments)
    if argv[:1] == ["model-server"]:
        # Everything after it belongs to the server, --help included: its flags are tensorflow_model_server's.
        from reconciler import modelserver

        raise SystemExit(modelserver.main(argv[1:]))
    from reconciler.cli import app

    app.app(args=argv, prog_name="reconciler")
