import json
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from cli_world import World, promoted

from reconciler.adapters import codec
from reconciler.adapters.ledger import SqliteLedger
from reconciler.adapters.lock import StateDirectory
from reconciler.cli import planfile, records, triggers
from reconciler.cli.exits import Misused
from reconciler.cli.service import Listener
from reconciler.errors import PlanChanged
from reconciler.loop.events import LedgerPublished, LedgerUnpublished, ReportsGoOn, ReportsHeldUp
from reconciler.state.desired import Commit
from reconciler.state.outcome import Condition, ConditionStatus, ConditionType, Health, Status, Sync
from reconciler.state.plan import Hold, HoldReason, Plan, ServerPlan

AT = 1_795_200_000.0
READY = Condition(ConditionType.READY, ConditionStatus.FALSE, "ArtifactMissing", "version 7 is not in storage", AT)
STALLED = Condition(ConditionType.STALLED, ConditionStatus.TRUE, "ArtifactMissing", "version 7 is not in storage", AT)
HOLD = Hold(
    HoldReason.ARTIFACT_MISSING, "half", "version 7 is not in storage", "the directory /models/half/7", version=7
)
COMMIT = "3f2a9c1d04e5b6a7f8091a2b3c4d5e6f70819203"


@pytest.fixture
def world(tmp_path: Path) -> World:
    """A record in which one server is held."""
    world = World(tmp_path)
    directory = StateDirectory(world.state)
    directory.create()
    ledger = SqliteLedger(directory.ledger)
    statuses = tuple(
        Status("eu/gpu-1", model, Sync.OUT_OF_SYNC, Health.DEGRADED, (READY, STALLED), COMMIT, AT)
        for model in ("", "half")
    )
    plan = codec.dump(ServerPlan, ServerPlan("eu/gpu-1", holds=(HOLD,)))
    ledger.set_statuses("eu/gpu-1", statuses, plan)
    ledger.set_good_commit(COMMIT)
    ledger.close()
    return world


def test_status_shows_fleet_server_and_model(world: World) -> None:
    lines = world.call("status").out.splitlines()
    assert [line.split()[0] for line in lines] == ["SERVER", "eu", "eu/gpu-1", "eu/gpu-1"]
    assert "OutOfSync  Degraded  ArtifactMissing  2026-11-20 18:40:00 UTC" in lines[2]


def test_status_as_json_says_which_commit_is_in_force(world: World) -> None:
    found = json.loads(world.call("status", "-o", "json").out)
    assert found["source"] == {
        "commitInForce": COMMIT,
        "trouble": None,
        "ledgerTrouble": None,
        "reportTrouble": None,
        "serviceRuns": False,
        "conditions": [],
    }
    assert [item["kind"] for item in found["items"]] == ["fleet", "server", "model"]


def test_status_shows_trouble_with_the_repository(world: World) -> None:
    ledger = SqliteLedger(StateDirectory(world.state).ledger)
    ledger.note(records.TROUBLE, "SourceUnavailable: the remote does not answer")
    ledger.close()
    assert "git: SourceUnavailable: the remote does not answer\n" in world.call("status").err


@pytest.mark.parametrize("command", [("status",), ("explain", "half")])
def test_record_that_no_service_keeps_up_is_not_shown_as_the_present(world: World, command: tuple[str, ...]) -> None:
    assert "No service runs on the state directory" in world.call(*command).err


@pytest.mark.parametrize("command", [("status",), ("explain", "half")])
def test_record_of_a_running_service_is_shown_without_remark(world: World, command: tuple[str, ...]) -> None:
    with StateDirectory(world.state).locked("reconciler run"):
        assert world.call(*command).err == ""


def test_asking_whether_a_service_runs_keeps_nobody_out(world: World) -> None:
    records.kept_up(world.state)
    with StateDirectory(world.state).locked("reconciler run"):
        assert records.kept_up(world.state) is True


def test_status_without_a_record_says_how_one_comes_to_be(tmp_path: Path) -> None:
    shown = World(tmp_path).call("status")
    assert shown.code == 1
    assert "`run`" in shown.err


def test_explain_says_what_blocks_and_what_releases_it(world: World) -> None:
    shown = world.call("explain", "half")
    assert shown.code == 0
    assert "ArtifactMissing, since 2026-11-20 18:40:00 UTC: version 7 is not in storage" in shown.out
    assert "released by the directory /models/half/7" in shown.out


def test_explain_of_an_unknown_name_ends_with_1_and_names_what_there_is(world: World) -> None:
    shown = world.call("explain", "nope")
    assert (shown.code, "it knows eu/gpu-1, half." in shown.out) == (1, True)


def test_plan_of_another_release_on_record_is_passed_over(world: World) -> None:
    ledger = SqliteLedger(StateDirectory(world.state).ledger)
    ledger.set_statuses("eu/gpu-1", ledger.statuses(), '{"of": "another release"}')
    ledger.close()
    assert "no plan of it is on record yet" in world.call("explain", "half").out


def test_apply_beside_a_running_service_is_refused_with_its_name(tmp_path: Path) -> None:
    world = promoted(tmp_path)
    with StateDirectory(world.state).locked("reconciler run"):
        shown = world.call("apply")
    assert shown.code == 3
    assert "`reconciler run`, process" in shown.err


def test_apply_to_a_server_that_stays_down_times_out_and_says_what_it_waited_for(tmp_path: Path) -> None:
    world = promoted(tmp_path)
    shown = world.call("apply", "--timeout", "0.3", "-o", "json")
    assert shown.code == 5
    assert json.loads(shown.out)["unfinished"] == ["eu/gpu-1"]
    assert "held, Unreachable:" in shown.err


def test_apply_of_an_invalid_commit_applies_nothing(tmp_path: Path) -> None:
    world = promoted(tmp_path)
    world.write("[1]", "{stable: 3}")
    world.commit("a label to nowhere")
    shown = world.call("apply")
    assert shown.code == 1
    assert "half.yaml:8:" in shown.err


def test_apply_of_a_saved_plan_goes_on_where_it_is_still_the_plan(tmp_path: Path) -> None:
    world, saved = promoted(tmp_path), tmp_path / "saved.json"
    world.call("plan", "--out", str(saved))
    shown = world.call("apply", "--plan", str(saved), "--timeout", "0.3")
    assert "not the plan that was reviewed" not in shown.err


def test_apply_of_a_saved_plan_is_refused_where_the_branch_has_moved(tmp_path: Path) -> None:
    world, saved = promoted(tmp_path), tmp_path / "saved.json"
    world.call("plan", "--out", str(saved))
    world.write("[1]", "{stable: 1}")
    world.commit("back to 1")
    shown = world.call("apply", "--plan", str(saved))
    assert shown.code == 3
    assert "the branch is at" in shown.err


def test_saved_plan_is_refused_where_a_server_needs_something_else_now(tmp_path: Path) -> None:
    path = tmp_path / "saved.json"
    reviewed = Plan(COMMIT, (ServerPlan("eu/gpu-1", fingerprint="one"),))
    from reconciler.expose.outline import Subject

    planfile.save(path, reviewed, Subject(Commit(COMMIT), "the servers"))
    with pytest.raises(PlanChanged, match="the plan of eu/gpu-1 is another one now"):
        planfile.check(planfile.load(path), Plan(COMMIT, (ServerPlan("eu/gpu-1", fingerprint="other"),)))


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"formatVersion": "2.0", "commit": {"id": "a"}}'])
def test_file_that_is_no_plan_is_a_usage_error(tmp_path: Path, content: str) -> None:
    path = tmp_path / "saved.json"
    path.write_text(content)
    with pytest.raises(Misused):
        planfile.load(path)


def test_sync_without_a_service_says_so(tmp_path: Path) -> None:
    shown = World(tmp_path).call("sync")
    assert shown.code == 3
    assert "No service runs" in shown.err


@contextmanager
def serving(world: World) -> Iterator[None]:
    """Somebody holds the state directory and takes up every request."""
    directory = StateDirectory(world.state)
    held, done = threading.Event(), threading.Event()

    def service() -> None:
        with directory.locked("reconciler run"):
            ledger, file = SqliteLedger(directory.ledger), triggers.SyncFile(world.state)
            held.set()
            while not done.is_set():
                if (request := file.asked()) is not None:
                    ledger.note(triggers.ANSWER, "eu/gpu-1/half" if request.retry == "half" else "")
                    ledger.note(triggers.HANDLED, request.identity)
                done.wait(0.01)
            ledger.close()

    thread = threading.Thread(target=service)
    thread.start()
    held.wait(5)
    try:
        yield
    finally:
        done.set()
        thread.join()


def test_sync_ends_when_the_service_has_taken_it_up(world: World) -> None:
    with serving(world):
        shown = world.call("sync", "--wait")
    assert shown.code == 3  # settled, but every server is held
    assert "Done by `reconciler run`" in shown.err
    assert "Every server is held (eu/gpu-1); `reconciler explain eu/gpu-1` says by what." in shown.err


def test_sync_to_a_head_that_is_refused_ends_with_3_and_says_why(world: World) -> None:
    ledger = SqliteLedger(StateDirectory(world.state).ledger)
    ledger.note(records.TROUBLE, "DesiredInvalid: half.yaml:8:3 unknown field")
    ledger.close()
    with serving(world):
        shown = world.call("sync")
    assert (shown.code, shown.err) == (3, "git: DesiredInvalid: half.yaml:8:3 unknown field\n")


def test_request_is_seen_once_and_each_has_its_own_identity(tmp_path: Path) -> None:
    asking, asked = triggers.SyncFile(tmp_path), triggers.SyncFile(tmp_path)
    first = asking.ask(retry="half")
    assert asked.asked() == triggers.Request(first, "half")
    assert asked.asked() is None
    assert asking.ask() != first


@pytest.mark.parametrize("text", ["", "[]", "{}", "no JSON", '{"id": null'])
def test_request_that_is_none_is_passed_over(tmp_path: Path, text: str) -> None:
    file = triggers.SyncFile(tmp_path)
    file.path.write_text(text)
    assert file.asked() is None


def test_retry_says_what_is_tried_anew(world: World) -> None:
    with serving(world):
        shown = world.call("retry", "half")
    assert (shown.code, "forgets what failed of eu/gpu-1/half" in shown.err) == (0, True)
    assert "eu/gpu-1/half" in shown.err


def test_retry_of_a_name_that_nothing_has_is_an_error(world: World) -> None:
    with serving(world):
        shown = world.call("retry", "haff")
    assert (shown.code, "Nothing that git asks for is named haff" in shown.err) == (1, True)


def test_retry_without_a_service_says_so(tmp_path: Path) -> None:
    assert World(tmp_path).call("retry", "half").code == 3


def test_request_made_before_the_service_started_is_not_lost(tmp_path: Path) -> None:
    identity = triggers.SyncFile(tmp_path).ask()
    assert triggers.SyncFile(tmp_path).asked() == triggers.Request(identity)


def test_acknowledging_without_a_rewrite_says_so(tmp_path: Path) -> None:
    world = promoted(tmp_path)
    world.call("apply", "--timeout", "0.3")
    assert world.call("acknowledge-rewrite").code == 1


def test_rewritten_branch_is_refused_until_it_is_acknowledged(tmp_path: Path) -> None:
    world = promoted(tmp_path)
    world.call("apply", "--timeout", "0.3")
    world.git("commit", "--quiet", "--amend", "--message", "rewritten")
    refused = world.call("apply", "--timeout", "0.3")
    acknowledged = world.call("acknowledge-rewrite")
    assert (refused.code, acknowledged.code) == (3, 0)
    assert "acknowledge-rewrite" in refused.err
    assert "main went from" in acknowledged.err
    assert "held, Unreachable:" in world.call("apply", "--timeout", "0.3").err


@pytest.mark.parametrize("command", [("status",), ("explain", "half")])
def test_what_the_service_has_trouble_with_beside_servers_is_shown_until_it_ends(
    world: World, command: tuple[str, ...]
) -> None:
    with closing(SqliteLedger(StateDirectory(world.state).ledger)) as ledger:
        listener = Listener(ledger)
        listener(LedgerUnpublished(AT, "SourceUnavailable", "the remote does not answer"))
        listener(ReportsHeldUp(AT, "the token is refused"))
        troubled = world.call(*command).err
        listener(LedgerPublished(AT, 1, 1, COMMIT))
        listener(ReportsGoOn(AT))
    assert "ledger, not published: SourceUnavailable: the remote does not answer\n" in troubled
    assert "commit statuses, held up: the token is refused\n" in troubled
    assert "refused" not in world.call(*command).err
