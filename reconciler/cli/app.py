"""The command tree: which verbs there are, in the order in which people meet them.

Built at every start, so it imports only what defines options; every verb's own imports happen when it runs.
"""

from typing import Annotated

import typer

from reconciler import __version__
from reconciler.cli import verb
from reconciler.cli.verbs import (
    apply,
    demo,
    explain,
    history,
    importing,
    ledger,
    plan,
    promote,
    render,
    retry,
    rewrite,
    rollback,
    run,
    server,
    status,
    sync,
    trace,
    validate,
    version,
)
from reconciler.cli.verbs import diff as diff_verb

app = typer.Typer(
    name="reconciler",
    help="Keep fleets of TensorFlow Serving servers as a git repository says.",
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback(invoke_without_command=True)
def start(
    version: Annotated[bool, typer.Option("--version", help="Print the version and end.", is_eager=True)] = False,
) -> None:
    """Keep fleets of TensorFlow Serving servers as a git repository says."""
    if version:
        typer.echo(f"reconciler {__version__}")
        raise typer.Exit


for name, command in (
    ("validate", validate.validate),
    ("plan", plan.plan),
    ("diff", diff_verb.diff),
    ("apply", apply.apply),
    ("run", run.run),
    ("sync", sync.sync),
    ("retry", retry.retry),
    ("status", status.status),
    ("explain", explain.explain),
    ("history", history.history),
    ("trace", trace.trace),
    ("rollback", rollback.rollback),
    ("promote", promote.promote),
    ("import", importing.import_),
    ("render", render.render),
    ("acknowledge-rewrite", rewrite.acknowledge_rewrite),
    ("demo", demo.demo),
    ("version", version.version),
):
    app.command(name)(verb.verb(command))

parts = typer.Typer(name="ledger", help="The record of every change: verify, export, publish.", no_args_is_help=True)
for name, part in (("verify", ledger.verify), ("export", ledger.export), ("release", ledger.release)):
    parts.command(name)(verb.verb(part))
app.add_typer(parts)

# Never called: `main` hands `model-server` over before Typer parses anything. It is here for `--help` to list it.
app.command("model-server", add_help_option=False)(server.model_server)
