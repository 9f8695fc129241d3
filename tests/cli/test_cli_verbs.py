import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import pytest
import typer
from cli_world import World
from typer.testing import CliRunner

from reconciler import __version__, errors
from reconciler.cli import verb
from reconciler.cli.app import app
from reconciler.cli.exits import Blocked, Exit, Misused, code_for

HEAVY = {
    "apscheduler", "fsspec", "grpc", "google.protobuf", "httpx", "jsonschema", "msgspec", "numpy", "pygit2", "rich",
    "sqlite3", "structlog", "tensorflow", "tensorflow_serving", "uvicorn", "yaml", "reconciler.modelserver",
    "reconciler.loop", "reconciler.adapters", "reconciler.plan", "reconciler.wire", "reconciler.parse",
}  # fmt: skip
VERBS = [
    "validate", "plan", "diff", "apply", "run", "sync", "status", "explain", "import", "render", "acknowledge-rewrite",
    "model-server", "demo", "version", "promote",
]  # fmt: skip


def python(*arguments: str, cwd: Path | None = None) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, *arguments], capture_output=True, text=True, check=False, timeout=60, cwd=cwd
    )


def test_version_is_printed_without_importing_anything_heavy() -> None:
    program = (
        "import sys\nfrom reconciler.cli import main\n"
        "try: main(['--version'])\nexcept SystemExit: pass\n"
        "print(*sys.modules)"
    )
    first, modules = python("-c", program).stdout.splitlines()
    assert first == f"reconciler {__version__}"
    assert HEAVY.isdisjoint(modules.split())


@pytest.mark.parametrize("name", VERBS)
def test_verb_is_listed_and_explains_itself(name: str) -> None:
    assert f"  {name} " in CliRunner().invoke(app, ["--help"]).stdout


def test_model_server_gets_everything_after_it_untouched() -> None:
    shown = python("-m", "reconciler", "model-server", "--help")
    assert "--file_system_poll_wait_seconds" in shown.stdout + shown.stderr


def test_unknown_verb_and_unknown_option_are_usage_errors(tmp_path: Path) -> None:
    world = World(tmp_path)
    assert (world.call("plam").code, world.call("plan", "--no-such").code) == (2, 2)


def test_version_as_json_names_what_it_stands_on(tmp_path: Path) -> None:
    found = json.loads(World(tmp_path).call("version", "-o", "json").out)
    assert (found["reconciler"], found["formatVersion"]) == (__version__, "1.0")


@dataclass(frozen=True)
class Bundle:
    one: Annotated[str, typer.Option(help="One.")] = "1"
    two: Annotated[int, typer.Option(help="Two.")] = 2


def calling(command: Callable[..., int | None], *arguments: str) -> tuple[int, str, str]:
    own = typer.Typer()
    own.command()(verb.verb(command))
    result = CliRunner().invoke(own, list(arguments))
    return result.exit_code, result.stdout, result.stderr


def test_bundle_stands_for_one_option_per_field() -> None:
    def command(bundle: Bundle, three: int = 3) -> None:
        typer.echo(f"{bundle.one} {bundle.two} {three}")

    assert calling(command, "--two", "5", "--three", "7")[1] == "1 5 7\n"


def test_number_that_a_command_returns_is_the_exit_code() -> None:
    assert calling(lambda: 4)[0] == 4


ENDINGS = [
    (errors.StateLocked("held", holder="run"), Exit.BLOCKED),
    (errors.PlanChanged("another"), Exit.BLOCKED),
    (errors.HistoryRewritten("rewritten", known="a", offered="b"), Exit.BLOCKED),
    (errors.DesiredInvalid(("a:1:1 wrong",)), Exit.ERROR),
    (errors.SourceUnavailable("silent"), Exit.ERROR),
    (errors.RecordError("full"), Exit.ERROR),
    (Blocked("no"), Exit.BLOCKED),
    (Misused("how"), Exit.USAGE),
]


@pytest.mark.parametrize(("error", "code"), ENDINGS, ids=lambda each: type(each).__name__)
def test_error_of_ours_ends_as_a_sentence_with_its_code(error: errors.ReconcilerError, code: Exit) -> None:
    def command() -> None:
        raise error

    assert calling(command) == (code, "", f"Error: {error}\n")
    assert code_for(error) is code


def test_unexpected_error_is_one_line_that_says_how_to_see_more() -> None:
    def command() -> None:
        raise ZeroDivisionError("oops")

    code, out, err = calling(command)
    assert (code, out, err.count("\n")) == (1, "", 1)
    assert "ZeroDivisionError: oops" in err
    assert "--debug" in err


def test_debug_shows_the_traceback() -> None:
    def command() -> None:
        raise ZeroDivisionError("oops")

    assert "Traceback" in calling(command, "--debug")[2]


def test_interrupt_ends_with_130() -> None:
    def command() -> None:
        raise KeyboardInterrupt

    assert calling(command)[0] == Exit.INTERRUPTED


@pytest.mark.parametrize("text", ["print('all at once', flush=True)", "print('left in the buffer')"])
def test_reader_that_goes_away_is_no_error(text: str) -> None:
    program = f"import sys; from reconciler.cli import verb; sys.exit(verb.guarded(lambda: {text}, debug=False))"
    reading, writing = os.pipe()
    os.close(reading)  # gone before anything is written, however the processes are scheduled
    done = subprocess.run(
        [sys.executable, "-c", program], stdout=writing, stderr=subprocess.PIPE, text=True, check=False, timeout=60
    )
    os.close(writing)
    assert (done.returncode, done.stderr) == (0, "")
