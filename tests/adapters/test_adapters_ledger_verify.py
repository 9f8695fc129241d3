"""Whether a ledger is whole: what was done to a file is named, and a kill at any statement is no trouble."""

import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from reconciler.adapters import ledger_lines
from reconciler.adapters.ledger import SqliteLedger
from reconciler.adapters.ledger_verify import Verification
from reconciler.state.config import ServerConfig
from reconciler.state.desired import Commit
from reconciler.state.memory import Memory
from reconciler.state.outcome import Intent, Outcome, OutcomeKind
from reconciler.state.plan import Action, ActionKind, Pass, PassKind

LOAD = Action(ActionKind.LOAD, "a", version=2)
LABEL = Action(ActionKind.LABEL, "a", version=2, label="stable")
OTHER = Action(ActionKind.LOAD, "b", version=7)
BODY = Pass(1, PassKind.CHANGE, (LOAD, LABEL, OTHER), ServerConfig(), specs=(("a", "A"), ("b", "B")))
MEMORY = Memory("eu/gpu-1", "h")

KILL_AT_EVERY_STATEMENT = """
import itertools, os, signal, sys
from pathlib import Path
from reconciler.adapters.ledger import SqliteLedger
from reconciler.state.config import ServerConfig
from reconciler.state.desired import Commit
from reconciler.state.memory import Answer, AnswerKind, Memory
from reconciler.state.outcome import Outcome, OutcomeKind, Sent
from reconciler.state.plan import Action, ActionKind, Pass, PassKind

actions = (
    Action(ActionKind.LOAD, "a", version=2),
    Action(ActionKind.LABEL, "a", version=2, label="stable"),
    Action(ActionKind.LOAD, "b", version=2),
)
check = (Action(ActionKind.CHECK, "a", version=2, check="golden"),)
memory = Memory("eu/gpu-1", "h")

def work(path, doomed):
    ledger = SqliteLedger(path)
    left = itertools.count(doomed, -1)
    def trap(_statement):
        if next(left) == 0:
            os.kill(os.getpid(), signal.SIGKILL)
    ledger._file.connection.set_trace_callback(trap)
    intent = ledger.intend(1.0, Commit("c1"), "eu/gpu-1", Pass(1, PassKind.CHANGE, actions, ServerConfig()), memory)
    ledger.answered(Sent(intent, Answer(AnswerKind.ACCEPTED), 2.0), memory)
    ledger.settle([Outcome(intent.id, actions[0], OutcomeKind.DONE, 3.0)])
    checks = ledger.intend(4.0, Commit("c1"), "eu/gpu-1", Pass(1, PassKind.CHECK, check, ServerConfig()), memory)
    ledger.settle([Outcome(intent.id, each, OutcomeKind.DONE, 5.0) for each in actions[1:]])
    ledger.settle([Outcome(checks.id, check[0], OutcomeKind.FAILED, 6.0)])
    os._exit(0)

for doomed in itertools.count():
    child = os.fork()
    if not child:
        work(Path(sys.argv[1]) / f"{doomed}.sqlite", doomed)
    _, status = os.waitpid(child, 0)
    if not os.WIFSIGNALED(status):
        sys.exit(os.waitstatus_to_exitcode(status))
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ledger.sqlite"


@pytest.fixture
def ledger(path: Path) -> Iterator[SqliteLedger]:
    """Two passes: of the first everything has ended, of the second one model."""
    with closing(SqliteLedger(path)) as made:
        first = made.intend(1.5, Commit("c1", "Ann"), "eu/gpu-1", BODY, MEMORY)
        second = made.intend(2.5, Commit("c2", "Bea"), "eu/gpu-2", BODY, Memory("eu/gpu-2", "h"))
        made.settle([*(done(first, action) for action in BODY.actions), done(second, OTHER)])
        yield made


def done(intent: Intent, action: Action, at: float = 9.0) -> Outcome:
    return Outcome(intent.id, action, OutcomeKind.DONE, at)


def tampered(ledger: SqliteLedger, *statements: str) -> Verification:
    """What verifying finds once somebody with the rights to do so has changed the file."""
    connection = ledger._file.connection
    for trigger in ("entries_stay_as_they_are", "entries_are_kept", "entries_follow_each_other"):
        connection.execute(f"DROP TRIGGER {trigger}")
    connection.execute("PRAGMA foreign_keys = OFF")
    for statement in statements:
        connection.execute(statement)
    return ledger.verify()


def test_a_whole_ledger_has_no_trouble_and_tells_what_is_open(ledger: SqliteLedger) -> None:
    lines = ledger.entries()
    assert ledger.verify() == Verification(7, lines[-1].hash, 2, 2, ())


def test_a_new_ledger_is_whole(path: Path) -> None:
    with closing(SqliteLedger(path)) as ledger:
        assert ledger.verify() == Verification(0, "", 0, 0, ())


def test_a_ledger_is_verified_while_the_service_goes_on(ledger: SqliteLedger, path: Path) -> None:
    with closing(SqliteLedger(path, writable=False)) as reader:
        ledger.intend(3.0, Commit("c3"), "eu/gpu-1", BODY, MEMORY)
        assert reader.verify().troubles == ()
        assert reader.verify().lines == 9


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("UPDATE entries SET body = replace(body, 'Ann', 'Eve') WHERE id = 2", r"Line 2 was changed: .*Eve"),
        ("UPDATE entries SET hash = 'x' WHERE id = 3", "Line 3 was changed: its hash is x"),
        ("DELETE FROM entries WHERE id = 2", "Line 2 is missing: line 1 is followed by line 3"),
        ("DELETE FROM entries WHERE id = 1", "Line 1 is missing: line 0 is followed by line 2"),
        ("DELETE FROM entries WHERE id = 7", "No line tells how pass 2 to eu/gpu-2, model b ended"),
        ("DELETE FROM entries WHERE id >= 3", "No line tells that pass 2 to eu/gpu-2, model a was sent"),
        ("UPDATE intents SET commit_id = 'c9' WHERE id = 1", r"Line 1 says commit 'c1', .* pass 1 says 'c9'"),
        ("UPDATE intents SET server = 'eu/x' WHERE id = 1", "Line 1 says server 'eu/gpu-1'"),
        ("UPDATE intents SET at = 1.6 WHERE id = 1", r"Line 1 says that pass 1 began -0\.100000 s"),
        ("UPDATE outcomes SET at = 8 WHERE intent = 1", r"says that pass 1 ended \+1\.000000 s"),
        ("UPDATE outcomes SET kind = 'Failed' WHERE intent = 1", r"says outcomes \['Done', 'Done'\]"),
        ("DELETE FROM outcomes WHERE intent = 1 AND position = 1", "action 1 .label a. is neither ended nor open"),
        ("DELETE FROM open_actions WHERE position = 0", "Pass 2 to eu/gpu-2: action 0 .load a. is neither"),
        ("INSERT INTO open_actions VALUES ('eu/gpu-1', 1, 0)", "action 0 .load a. is both ended and open"),
        ("DELETE FROM intents WHERE id = 2", "Line 3 tells of pass 2, and the record holds none"),
        ("UPDATE intents SET body = '{}' WHERE id = 2", "Pass 2: it or one of its lines cannot be read"),
        ('UPDATE intents SET body = replace(body, \'"model":"b"\', \'"model":"z"\')', "model z was sent"),
    ],
)
def test_what_was_changed_is_named(ledger: SqliteLedger, statement: str, said: str) -> None:
    found = tampered(ledger, statement)
    assert any(re.search(said, trouble) for trouble in found.troubles), found.troubles


def test_a_line_that_was_exchanged_with_its_hash_breaks_the_chain_behind_it(ledger: SqliteLedger) -> None:
    (_, line) = ledger.lines(1, 1)[0]
    body, _ = ledger_lines.parted(line.replace("Ann", "Eve"))
    found = tampered(ledger, f"UPDATE entries SET body = '{body}', hash = '{ledger_lines.digest(body)}' WHERE id = 2")
    assert found.troubles[0].startswith("Line 3 does not follow the one before")


def test_lines_that_change_places_are_found(ledger: SqliteLedger) -> None:
    (_, line) = ledger.lines(0, 1)[0]
    body, own = ledger_lines.parted(line)
    found = tampered(ledger, f"UPDATE entries SET body = '{body}', hash = '{own}' WHERE id = 2")
    assert found.troubles[0] == "Line 2 stands in the wrong place: it says that it is line 1."


def test_of_many_troubles_the_first_are_told(ledger: SqliteLedger) -> None:
    for number in range(40):
        ledger.intend(3.0 + number, Commit("c3"), "eu/gpu-1", BODY, MEMORY)
    assert tampered(ledger, "UPDATE intents SET server = 'x'").troubles[-1].startswith("There is more")


def test_a_kill_at_any_statement_leaves_no_action_unaccounted_for(tmp_path: Path) -> None:
    command = [sys.executable, "-c", KILL_AT_EVERY_STATEMENT, str(tmp_path)]
    subprocess.run(command, check=True, timeout=120)
    left = sorted(tmp_path.glob("*.sqlite"))
    assert len(left) > 30
    for file in left:
        with closing(SqliteLedger(file)) as ledger:
            assert ledger.verify().troubles == (), file.name
            for intent, positions in ledger.unsettled("eu/gpu-1"):
                ledger.settle([done(intent, intent.body.actions[position]) for position in positions])
            after = ledger.verify()
            assert (after.troubles, after.still_open) == ((), 0), file.name
            assert after.lines == sum(2 * len({a.model for a in each.body.actions}) for each in ledger.intents())
