"""`run --publish-ledger` and `ledger release` on a real repository."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from cli_world import World, promoted

from reconciler.adapters.ledger import SqliteLedger
from reconciler.adapters.lock import StateDirectory
from reconciler.cli import publishing, records
from reconciler.state.config import ServerConfig
from reconciler.state.desired import Commit
from reconciler.state.memory import Memory
from reconciler.state.outcome import Outcome, OutcomeKind
from reconciler.state.plan import Action, ActionKind, Pass, PassKind

AT = 1_795_200_000.0
LOAD = Action(ActionKind.LOAD, "half", version=2, because="see https://ann:hunter2@git.example.com/x")
REF = "refs/reconciler/eu/ledger"


@pytest.fixture
def world(tmp_path: Path) -> World:
    """A repository, and a record of one pass that has ended in another month than it began."""
    world = promoted(tmp_path)
    directory = StateDirectory(world.state)
    directory.create()
    with closing(SqliteLedger(directory.ledger)) as ledger:
        body = Pass(1, PassKind.CHANGE, (LOAD,), ServerConfig(), specs=(("half", "A"),))
        intent = ledger.intend(AT, Commit("c1", "Ann"), "eu/gpu-1", body, Memory("eu/gpu-1", "h"))
        ledger.settle([Outcome(intent.id, LOAD, OutcomeKind.DONE, AT + 86400 * 12)])
    return world


@contextmanager
def service(world: World, *options: str) -> Iterator["subprocess.Popen[str]"]:
    command = [sys.executable, "-m", "reconciler", "run", "--repo", str(world.repo), "--state", str(world.state)]
    with subprocess.Popen([*command, "--log-format", "json", *options], stderr=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.send_signal(signal.SIGTERM)
            process.communicate(timeout=20)


def said(process: "subprocess.Popen[str]", event: str) -> dict[str, object]:
    """The first log line that begins so."""
    assert process.stderr is not None
    for line in process.stderr:
        found = json.loads(line)
        if str(found["event"]).startswith(event):
            return dict(found)
    raise AssertionError(f"the service ended without a word of: {event}")


def test_a_running_service_publishes_its_ledger_and_goes_on_after_a_restart(world: World) -> None:
    with service(world, "--publish-ledger", "--instance", "eu") as process:
        published = said(process, "ledger published")
    assert (published["lines"], published["last"]) == (2, 2)
    assert json.loads(world.git("show", f"{REF}:2026-11.jsonl"))["kind"] == "intent"
    assert json.loads(world.git("show", f"{REF}:2026-12.jsonl"))["kind"] == "outcome"
    assert "hunter2" not in world.git("log", "-p", REF)
    with closing(SqliteLedger(StateDirectory(world.state).ledger)) as ledger:
        body = Pass(1, PassKind.RESEND, (), ServerConfig())
        ledger.intend(AT, Commit("c1", "Ann"), "eu/gpu-1", body, Memory("eu/gpu-1", "h"))
    with service(world, "--publish-ledger", "--instance", "eu") as process:
        assert said(process, "ledger published")["lines"] == 1
    assert world.git("rev-list", "--count", REF).strip() == "2"


def test_a_service_publishes_nothing_unless_it_is_asked_to(world: World) -> None:
    with service(world) as process:
        said(process, "commit in force")
    assert world.git("for-each-ref", "refs/reconciler") == ""


def test_a_ref_that_is_taken_is_told_by_log_and_status_until_it_is_released(world: World) -> None:
    with service(world, "--publish-ledger", "--instance", "eu") as process:
        said(process, "ledger published")
    second = World(world.folder)
    state = world.folder / "other"
    StateDirectory(state).create()
    with closing(SqliteLedger(StateDirectory(state).ledger)) as ledger:
        body = Pass(1, PassKind.RESEND, (), ServerConfig())
        ledger.intend(AT, Commit("c9"), "eu/gpu-1", body, Memory("eu/gpu-1", "h"))
    options = ("--publish-ledger", "--instance", "eu", "--state", str(state))
    with service(world, *options) as process:
        assert said(process, "ledger not published")["reason"] == "LedgerTaken"
        told = noted(state)
    assert told.startswith("LedgerTaken: refs/reconciler/eu/ledger")
    assert "ledger, not published: LedgerTaken" in second.call("status", "--state", str(state)).err
    assert second.call("ledger", "release", "--instance", "eu", "--state", str(state)).code == 0
    with service(world, *options) as process:
        assert said(process, "ledger published; a new chain")["lines"] == 1
    assert "not published" not in second.call("status", "--state", str(state)).err


def noted(state: Path, within: float = 10.0) -> str:
    """The note of trouble, once it is there."""
    end = time.monotonic() + within
    while time.monotonic() < end:
        with closing(SqliteLedger(StateDirectory(state).ledger, writable=False)) as ledger:
            if told := ledger.noted(records.UNPUBLISHED):
                return told
    raise AssertionError("no trouble was noted")


def test_a_ledger_that_nobody_publishes_cannot_be_released(world: World) -> None:
    found = world.call("ledger", "release", "--instance", "eu")
    assert found.code == 1
    assert "there is nothing to release" in found.err


def test_the_branch_that_is_followed_is_no_place_for_a_ledger(world: World) -> None:
    options = ("--instance", "x", "--ledger-refs", "refs/heads", "--branch", "x/ledger")
    found = world.call("ledger", "release", *options)
    assert found.code == 2
    assert "is the branch that is followed" in found.err


def test_a_name_that_git_would_not_take_is_a_misuse(world: World) -> None:
    found = world.call("ledger", "release", "--instance", "a b")
    assert found.code == 2
    assert "is no name of a ref" in found.err


def test_the_ref_is_made_of_prefix_and_instance() -> None:
    assert publishing.Name("eu").ref == REF
    assert publishing.Name("eu", "refs/heads/ledgers/").ref == "refs/heads/ledgers/eu/ledger"
