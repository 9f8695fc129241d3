"""`reconciler ledger`: verified and exported from the record alone."""

import json
import subprocess
from contextlib import closing
from pathlib import Path

import pytest
from cli_world import World
from repositories import Repository

from reconciler.adapters.git_remote import GitRemote
from reconciler.adapters.ledger import SqliteLedger
from reconciler.adapters.lock import StateDirectory
from reconciler.cli.publishing import Name, Publication, git_ledger
from reconciler.state.config import ServerConfig
from reconciler.state.desired import Commit
from reconciler.state.memory import Memory
from reconciler.state.outcome import Outcome, OutcomeKind
from reconciler.state.plan import Action, ActionKind, Pass, PassKind

AT = 1_795_200_000.0  # 2026-11-20 18:40:00 UTC
LOAD = Action(ActionKind.LOAD, "half", version=2)
BODY = Pass(1, PassKind.CHANGE, (LOAD,), ServerConfig(), specs=(("half", "A"),))


@pytest.fixture
def world(tmp_path: Path) -> World:
    """A record of two passes a day apart; the first has ended."""
    world = World(tmp_path)
    directory = StateDirectory(world.state)
    directory.create()
    with closing(SqliteLedger(directory.ledger)) as ledger:
        for number in range(2):
            memory = Memory("eu/gpu-1", "h")
            intent = ledger.intend(AT + 86400 * number, Commit(f"c{number}", "Ann"), "eu/gpu-1", BODY, memory)
            if not number:
                ledger.settle([Outcome(intent.id, LOAD, OutcomeKind.DONE, AT + 5)])
    return world


def spoil(world: World) -> None:
    with closing(SqliteLedger(StateDirectory(world.state).ledger)) as ledger:
        ledger._file.connection.execute("DROP TRIGGER entries_stay_as_they_are")
        ledger._file.connection.execute("UPDATE entries SET body = replace(body, 'Ann', 'Eve') WHERE id = 2")


def test_a_whole_ledger_ends_with_0_and_says_its_last_hash(world: World) -> None:
    found = world.call("ledger", "verify")
    assert found.code == 0
    assert found.out.startswith(
        "The ledger is whole: 3 lines of 2 passes; 1 actions have not ended yet. The hash of the last line is "
    )


def test_a_changed_line_ends_with_1_and_is_named(world: World) -> None:
    spoil(world)
    found = world.call("ledger", "verify")
    assert (found.code, found.out) == (1, "")
    assert found.err.startswith("Line 2 was changed: its hash is ")
    assert "The ledger is not whole (3 lines, 2 passes). Nothing was changed" in found.err


def test_machines_are_told_the_same(world: World) -> None:
    spoil(world)
    found = world.call("ledger", "verify", "-o", "json")
    said = json.loads(found.out)
    assert found.code == 1
    assert (said["formatVersion"], said["kind"], said["whole"], said["lines"]) == (
        "1.0",
        "LedgerVerification",
        False,
        3,
    )
    assert said["troubles"][0].startswith("Line 2 was changed")


def test_a_ledger_that_nobody_began_is_an_error(tmp_path: Path) -> None:
    found = World(tmp_path).call("ledger", "verify")
    assert found.code == 1
    assert "There is no record" in found.err


def test_every_line_of_an_export_is_verified_with_sed_and_sha256sum(world: World) -> None:
    lines = world.call("ledger", "export").out.splitlines()
    assert [json.loads(line)["id"] for line in lines] == [1, 2, 3]
    for line in lines:
        command = """sed 's/,"hash":"[0-9a-f]*"}$/}/' | tr -d '\\n' | sha256sum | cut -d' ' -f1"""
        said = subprocess.run(["sh", "-c", command], input=line, capture_output=True, text=True, check=True)
        assert said.stdout.strip() == json.loads(line)["hash"]
    assert [json.loads(line)["previous"] for line in lines[1:]] == [json.loads(line)["hash"] for line in lines[:2]]


def test_an_export_can_be_one_document(world: World) -> None:
    found = json.loads(world.call("ledger", "export", "-o", "json").out)
    assert (found["formatVersion"], found["kind"]) == ("1.0", "Ledger")
    assert [line["kind"] for line in found["lines"]] == ["intent", "outcome", "intent"]


def test_an_export_of_nothing_is_a_document_as_well(world: World) -> None:
    assert json.loads(world.call("ledger", "export", "-o", "json", "--after", "9").out)["lines"] == []


@pytest.mark.parametrize("since", ["2026-11-21", "2026-11-21T18:40:00Z", "2026-11-21T19:40:00+01:00"])
def test_an_export_begins_where_it_is_asked_to(world: World, since: str) -> None:
    lines = world.call("ledger", "export", "--since", since).out.splitlines()
    assert [json.loads(line)["id"] for line in lines] == [3]


def test_an_export_may_begin_so_long_ago(world: World) -> None:
    assert world.call("ledger", "export", "--since", "10000d").out == world.call("ledger", "export").out


def test_an_export_since_no_time_is_a_misuse(world: World) -> None:
    found = world.call("ledger", "export", "--since", "yesterday")
    assert found.code == 2
    assert "Give a day (2026-11-20)" in found.err


def cut(world: World) -> str:
    """Take the last pass out of the record with all that tells of it; the hash of the last line before."""
    with closing(SqliteLedger(StateDirectory(world.state).ledger)) as ledger:
        last = ledger.entries()[-1].hash
        statements = ("DROP TRIGGER entries_are_kept", "DELETE FROM entries WHERE intent = 2")
        more = ("DELETE FROM open_actions WHERE intent = 2", "DELETE FROM intents WHERE id = 2")
        for statement in (*statements, *more):
            ledger._file.connection.execute(statement)
    return last


def test_lines_cut_off_with_their_pass_are_missed_where_a_hash_was_noted(world: World) -> None:
    last = cut(world)
    assert world.call("ledger", "verify").code == 0
    found = world.call("ledger", "verify", "--known", last)
    assert found.code == 1
    assert f"No line has the hash {last}: lines were cut off or written anew" in found.err


def test_a_hash_that_was_noted_is_found_however_much_came_after_it(world: World) -> None:
    with closing(SqliteLedger(StateDirectory(world.state).ledger)) as ledger:
        noted = [each.hash for each in ledger.entries()[:2]]
    assert world.call("ledger", "verify", "--known", noted[0], "--known", noted[1]).code == 0


def test_lines_cut_off_after_they_were_published_are_missed(world: World) -> None:
    remote = Repository(world.state.parent / "remote.git")
    path = StateDirectory(world.state).ledger
    publication = Publication(
        git_ledger(Name("default"), GitRemote(remote.url), world.state), path, lambda _key, _value: None
    )
    publication.publish()
    publication.close()
    assert world.call("ledger", "verify").code == 0
    last = cut(world)
    found = world.call("ledger", "verify")
    assert found.code == 1
    assert f"Line 3 was published with the hash {last}, and the ledger ends with line 2." in found.err
