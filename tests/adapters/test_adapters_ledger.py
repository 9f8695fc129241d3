"""The record on a real SQLite file: damage, full disks, kills, readers. What it keeps: tests/contracts."""

import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from reconciler.adapters.ledger import SqliteLedger
from reconciler.adapters.ledger_reserve import Reserve
from reconciler.errors import Reaction, RecordError
from reconciler.state.config import ServerConfig
from reconciler.state.desired import Commit
from reconciler.state.memory import Answer, AnswerKind, Memory
from reconciler.state.outcome import Outcome, OutcomeKind, Sent
from reconciler.state.plan import Action, ActionKind, Pass, PassKind

MEMORY = Memory("eu/gpu-1", "gpu-1:8500")
BODY = Pass(1, PassKind.CHANGE, (Action(ActionKind.LOAD, "a", version=2),), ServerConfig())

INTEND_FOR_EVER = """
import itertools, sys
from pathlib import Path
from reconciler.adapters.ledger import SqliteLedger
from reconciler.state.config import ServerConfig
from reconciler.state.desired import Commit
from reconciler.state.memory import Answer, AnswerKind, Memory
from reconciler.state.outcome import Outcome, OutcomeKind, Sent
from reconciler.state.plan import Action, ActionKind, Pass, PassKind

ledger = SqliteLedger(Path(sys.argv[1]))
for number in itertools.count(1):
    actions = tuple(Action(ActionKind.LOAD, "a", version=each) for each in (1, 2, 3))
    ledger.intend(number, Commit("c"), "eu/gpu-1", Pass(number, PassKind.CHANGE, actions, ServerConfig()),
                  Memory("eu/gpu-1", "h", changed_at=number))
    print(number, flush=True)
"""

FILL_A_SMALL_DISK = """
import os, subprocess, sys
from pathlib import Path
from reconciler.adapters.ledger import SqliteLedger
from reconciler.adapters.ledger_reserve import Reserve
from reconciler.errors import RecordError
from reconciler.state.config import ServerConfig
from reconciler.state.desired import Commit
from reconciler.state.memory import Memory
from reconciler.state.plan import Pass, PassKind

disk = Path(sys.argv[1])
subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", str(disk)], check=True)
ledger = SqliteLedger(disk / "ledger.sqlite")
print("reserve", (disk / "ledger.sqlite-reserve").stat().st_size)
with open(disk / "somebody-elses", "wb") as other:
    try:
        while True:
            other.write(bytes(65536)); other.flush()
    except OSError:
        os.ftruncate(other.fileno(), max(0, os.fstat(other.fileno()).st_size // 65536 * 65536))
body = Pass(1, PassKind.CHANGE, (), ServerConfig())
for number in range(20):
    ledger.intend(number, Commit("c" * 40000), "eu/gpu-1", body, Memory("eu/gpu-1", "h"))
left = (disk / "ledger.sqlite-reserve").stat().st_size
print("recorded", len(ledger.intents()), 0 < left < 16 * 2**20, ledger.tight())
again = SqliteLedger(disk / "ledger.sqlite")
print("started again", again.tight(), (disk / "ledger.sqlite-reserve").stat().st_size == left)
again.close()
try:
    while True:
        ledger.intend(99, Commit("c" * 400000), "eu/gpu-1", body, Memory("eu/gpu-1", "h"))
except RecordError as error:
    print(error)
print("left", (disk / "ledger.sqlite-reserve").stat().st_size, ledger.tight())
(disk / "somebody-elses").unlink()
print("again", ledger.intend(100, Commit("c"), "eu/gpu-1", body, Memory("eu/gpu-1", "h")).at)
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ledger.sqlite"


@pytest.fixture
def opened(path: Path) -> Iterator[Callable[..., SqliteLedger]]:
    """Opens the ledger as often as a test likes and closes it at the end."""
    ledgers: list[SqliteLedger] = []

    def open_it(*, writable: bool = True) -> SqliteLedger:
        ledgers.append(SqliteLedger(path, writable=writable))
        return ledgers[-1]

    yield open_it
    for ledger in ledgers:
        ledger.close()


Opened = Callable[..., SqliteLedger]


def test_what_was_recorded_is_there_after_opening_again(opened: Opened) -> None:
    first = opened()
    intent = first.intend(1.0, Commit("c"), "eu/gpu-1", BODY, MEMORY)
    first.close()
    assert list(opened().intents()) == [intent]


def test_the_number_of_an_intent_is_never_given_twice(opened: Opened, path: Path) -> None:
    ledger = opened()
    last = ledger.intend(1.0, Commit("c"), "eu/gpu-1", BODY, MEMORY)
    ledger.close()
    with sqlite3.connect(path) as other:
        other.execute("DELETE FROM open_actions")
        other.execute("DELETE FROM intents")
    other.close()
    assert opened().intend(2.0, Commit("c"), "eu/gpu-1", BODY, MEMORY).id > last.id


def test_a_memory_that_did_not_change_is_not_written_again(opened: Opened, path: Path) -> None:
    ledger = opened()
    ledger.remember(MEMORY)
    size = Path(f"{path}-wal").stat().st_size
    ledger.remember(Memory("eu/gpu-1", "gpu-1:8500"))
    assert Path(f"{path}-wal").stat().st_size == size


def test_a_reader_sees_what_the_running_service_recorded(opened: Opened) -> None:
    service = opened()
    service.set_good_commit("c0ffee")
    assert opened(writable=False).good_commit() == "c0ffee"
    service.set_good_commit("beef")
    assert opened(writable=False).good_commit() == "beef"


def test_a_reader_cannot_write(opened: Opened) -> None:
    opened()
    with pytest.raises(RecordError, match="cannot be written"):
        opened(writable=False).set_good_commit("c0ffee")


def test_reading_a_record_that_nobody_began_says_so_and_makes_no_file(opened: Opened, path: Path) -> None:
    with pytest.raises(RecordError, match="no `run` or `apply` has worked with this state directory"):
        opened(writable=False)
    assert not path.exists()


def test_a_record_in_a_directory_that_does_not_exist_is_an_error_with_the_path(tmp_path: Path) -> None:
    with pytest.raises(RecordError, match=r"absent/ledger\.sqlite: it cannot be opened"):
        SqliteLedger(tmp_path / "absent" / "ledger.sqlite")


def test_a_file_that_is_no_database_is_left_alone_and_losing_it_is_called_safe(opened: Opened, path: Path) -> None:
    path.write_bytes(b"not a database at all" * 100)
    before = path.read_bytes()
    with pytest.raises(RecordError, match=r"damaged.*Losing the record is safe.*first contact"):
        opened()
    assert path.read_bytes() == before


def test_a_damaged_page_is_an_error_that_halts(opened: Opened, path: Path) -> None:
    ledger = opened()
    for number in range(200):
        ledger.remember(Memory(f"eu/gpu-{number}", "h" * 500))
    ledger.close()
    with path.open("r+b") as file:
        file.seek(4096 * 6)
        file.write(b"\xff" * 4096 * 20)
    with pytest.raises(RecordError, match="damaged") as error:
        opened().memories()
    assert error.value.reaction is Reaction.HALT


def test_a_body_that_is_not_what_it_should_be_is_called_damaged(opened: Opened, path: Path) -> None:
    ledger = opened()
    ledger.remember(MEMORY)
    with sqlite3.connect(path) as other:
        other.execute("UPDATE memory SET body = '{}'")
    other.close()
    with pytest.raises(RecordError, match=r"damaged.*lacks"):
        ledger.memories()


def test_a_record_of_a_newer_reconciler_is_refused_and_not_touched(opened: Opened, path: Path) -> None:
    opened().close()
    with sqlite3.connect(path) as other:
        other.execute("PRAGMA user_version = 999")
    other.close()
    before = path.read_bytes()
    with pytest.raises(RecordError, match=r"schema version 999.*newer"):
        opened()
    assert path.read_bytes() == before


def test_the_database_of_another_program_is_refused_and_not_touched(opened: Opened, path: Path) -> None:
    with sqlite3.connect(path) as other:
        other.execute("CREATE TABLE cookies (name)")
    other.close()
    before = path.read_bytes()
    with pytest.raises(RecordError, match="another program"):
        opened()
    assert path.read_bytes() == before


def test_a_record_that_another_process_writes_to_is_called_held(opened: Opened, path: Path) -> None:
    ledger = opened()
    ledger._file.connection.execute("PRAGMA busy_timeout = 1")
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(RecordError, match="another process holds it"):
        ledger.set_good_commit("c0ffee")
    other.close()
    ledger.set_good_commit("c0ffee")


def test_a_full_disk_refuses_the_intent_whole_and_recording_goes_on_when_there_is_room(opened: Opened) -> None:
    ledger = opened()
    ledger.remember(MEMORY)
    connection = ledger._file.connection
    connection.execute("PRAGMA max_page_count = 1")  # SQLite's own way to say that there is no more room
    later = Memory("eu/gpu-1", "h" * 100_000)
    with pytest.raises(RecordError, match=r"the disk is full.*while recording an intent for eu/gpu-1.*Free space"):
        ledger.intend(1.0, Commit("c"), "eu/gpu-1", BODY, later)
    assert ledger.memory("eu/gpu-1") == MEMORY
    assert not ledger.intents()
    connection.execute("PRAGMA max_page_count = 1000000")
    assert ledger.intend(1.0, Commit("c"), "eu/gpu-1", BODY, later).server == "eu/gpu-1"
    assert ledger.memory("eu/gpu-1") == later


def test_on_a_full_disk_the_room_kept_aside_is_used_before_recording_stops(tmp_path: Path) -> None:
    apart = ["unshare", "--mount"]  # the disk goes with the process
    if subprocess.run([*apart, "mount", "-t", "tmpfs", "tmpfs", "/mnt"], capture_output=True, check=False).returncode:
        pytest.skip("only root can mount a small disk")
    command = [*apart, sys.executable, "-c", FILL_A_SMALL_DISK, str(tmp_path)]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    assert said[0] == f"reserve {16 * 2**20}"
    assert said[1] == "recorded 20 True True"
    assert said[2] == "started again True True"
    assert "the disk is full" in said[3]
    assert said[4] == "left 0 True"
    assert said[5] == "again 100"


def test_a_folder_that_takes_no_reserve_is_done_without(tmp_path: Path) -> None:
    reserve = Reserve(tmp_path / "absent" / "reserve")
    reserve.make()
    assert not reserve.tight
    assert not reserve.give_up()


def test_a_write_protected_record_is_an_error_that_names_the_permission(opened: Opened, path: Path) -> None:
    ledger = opened()
    ledger._file.connection.execute("PRAGMA query_only = 1")
    with pytest.raises(RecordError, match=r"cannot be written to.*write permission"):
        ledger.note("source", "down")


def test_a_service_killed_while_recording_leaves_whole_intents_only(path: Path, opened: Opened) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", INTEND_FOR_EVER, str(path)], stdout=subprocess.PIPE, text=True
    ) as writer:
        assert writer.stdout is not None
        while (said := int(writer.stdout.readline())) < 25:
            pass
        writer.send_signal(signal.SIGKILL)
        said = max([said, *(int(line) for line in writer.stdout.read().split("\n")[:-1])])
    ledger = opened()
    newest = ledger.intents()[0]
    assert newest.id >= said
    memory = ledger.memory("eu/gpu-1")
    assert memory is not None
    assert memory.changed_at == newest.at
    assert [len(left) for _, left in ledger.unsettled("eu/gpu-1")] == [3] * newest.id


def test_losing_the_record_means_to_begin_with_nothing_remembered(opened: Opened, path: Path) -> None:
    ledger = opened()
    ledger.remember(MEMORY)
    ledger.close()
    for file in path.parent.iterdir():
        file.unlink()
    assert not opened().memories()


def test_calls_from_many_threads_are_carried_out_one_after_the_other(opened: Opened) -> None:
    ledger = opened()
    with ThreadPoolExecutor(4) as threads:
        list(
            threads.map(
                lambda n: ledger.intend(n, Commit("c"), f"eu/gpu-{n}", BODY, Memory(f"eu/gpu-{n}", "h")), range(40)
            )
        )
    assert len({intent.id for intent in ledger.intents()}) == 40
    assert len(ledger.memories()) == 40


def test_the_last_answer_of_an_intent_can_be_read_back(opened: Opened) -> None:
    ledger = opened()
    intent = ledger.intend(1.0, Commit("c"), "eu/gpu-1", BODY, MEMORY)
    assert ledger.answer(intent.id) is None
    ledger.answered(Sent(intent, Answer(AnswerKind.REFUSED, 9, "no"), 2.5), MEMORY)
    ledger.answered(Sent(intent, Answer(AnswerKind.ACCEPTED), 3.5), MEMORY)
    assert ledger.answer(intent.id) == (Answer(AnswerKind.REFUSED, 9, "no"), 2.5)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file to another user")
def test_a_record_of_another_user_cannot_be_opened_and_the_message_says_what_to_check(
    path: Path, opened: Opened
) -> None:
    opened().close()
    path.parent.chmod(0o755)
    for file in path.parent.iterdir():
        file.chmod(0o600)
    script = (
        "import os, sys; from pathlib import Path; from reconciler.adapters.ledger import SqliteLedger\n"
        "Path('/').as_uri()\n"  # imports urllib at its first call since Python 3.13; that user may not read ours
        "os.setuid(65534)\n"
        "try: SqliteLedger(Path(sys.argv[1]))\n"
        "except Exception as error: print(type(error).__name__, error)"
    )
    said = subprocess.run([sys.executable, "-c", script, str(path)], capture_output=True, text=True, check=True).stdout
    assert said.startswith("RecordError")
    assert str(path) in said


def test_an_outcome_of_an_intent_that_was_never_recorded_is_refused_with_all_beside_it(opened: Opened) -> None:
    ledger = opened()
    intent = ledger.intend(1.0, Commit("c"), "eu/gpu-1", BODY, MEMORY)
    known = Outcome(intent.id, BODY.actions[0], OutcomeKind.DONE, 9.0)
    with pytest.raises(RecordError, match="no intent 99"):
        ledger.settle([known, Outcome(99, BODY.actions[0], OutcomeKind.DONE, 9.0)])
    assert not ledger.outcomes(intent.id)


def test_an_outcome_of_an_action_that_the_intent_does_not_have_is_refused(opened: Opened) -> None:
    ledger = opened()
    intent = ledger.intend(1.0, Commit("c"), "eu/gpu-1", BODY, MEMORY)
    with pytest.raises(RecordError, match="no such action"):
        ledger.settle([Outcome(intent.id, Action(ActionKind.UNLOAD, "a", version=1), OutcomeKind.DONE, 9.0)])
