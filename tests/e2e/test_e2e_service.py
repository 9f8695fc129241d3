"""The service itself: killed, ended, doubled, without its record, without room to write."""

import shutil
import sqlite3

import pytest
from e2e_stage import Stage
from running_server import AVAILABLE

from reconciler.adapters.lock import StateDirectory

pytestmark = pytest.mark.serving

INSTANTS = [
    ("commit in force", 1),
    ("pass sent", 1),
    ("pass answered", 1),
    ("action done", 1),
    ("pass sent", 2),
    ("pass answered", 2),
    ("action done", 2),
    ("pass sent", 3),
    ("action done", 3),
]
"""Before, within and after each of the three passes: load, label, unload."""


def test_service_killed_at_any_instant_of_a_promotion_goes_on_where_it_was(stage: Stage) -> None:
    half = stage.model(1, 2)
    stage.commit("1 is live", half.at(1, stable=1))
    service = stage.start()
    stage.settle()
    with stage.traffic(half) as stable:
        for number, (event, nth) in enumerate(INSTANTS):
            version = 2 - number % 2
            mark = len(service.log)
            stage.commit(f"{version} is stable", half.at(version, stable=version))
            service.wait_for(event, since=mark, nth=nth)
            service.kill()
            service = stage.start()
            stage.settle()
            stable.wait_for(version)
    service.wait_for("service started")  # all may have been settled before it was, and it ends by 0 from then on
    assert service.stop() == 0
    assert stable.lost == []
    assert stable.versions == [1, *(2 - number % 2 for number in range(len(INSTANTS)))]
    assert all(len(outcomes) == len(intent.body.actions) for intent, outcomes in stage.history())
    with sqlite3.connect(StateDirectory(stage.state).ledger) as record:
        assert record.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    record.close()


def test_service_killed_while_a_new_model_is_added_adds_it_once_it_is_back(stage: Stage) -> None:
    half, new = stage.model(1), stage.model(1, 2)
    stage.commit("one model", half.at(1, stable=1))
    service = stage.start()
    stage.settle()
    with stage.traffic(half) as stable:
        mark = len(service.log)
        stage.commit("and another", new.at(1, 2, stable=1, canary=2))
        service.wait_for("pass sent", since=mark)
        service.kill()
        with stage.service(), stage.traffic(new, "canary") as canary:
            canary.wait_for(2)
            stage.settle()
    assert stable.lost == []


def test_sigterm_during_a_promotion_ends_the_service_and_the_next_one_finishes_it(stage: Stage) -> None:
    half = stage.model(1, 2)
    stage.commit("1 is live", half.at(1, stable=1))
    with stage.traffic(half) as stable:
        with stage.service() as service:
            stage.settle()
            stable.wait_for(1)
            lost_before = len(stable.lost)
            mark = len(service.log)
            stage.commit("2 is stable", half.at(2, stable=2))
            service.wait_for("pass sent", since=mark)
        with stage.service():
            stage.settle()
            stable.wait_for(2)
    assert len(stable.lost) == lost_before


def test_apply_beside_run_is_refused_and_names_the_holder(stage: Stage) -> None:
    half = stage.model(1, 2)
    stage.commit("1 is live", half.at(1, stable=1))
    with stage.service() as service:
        stage.settle()
        refused = stage.run("apply")
    assert refused.code == 3
    assert f"`reconciler run`, process {service.process.pid}" in refused.said


def test_apply_brings_servers_to_what_git_says_and_ends(stage: Stage) -> None:
    half = stage.model(1, 2)
    stage.commit("all is live", half.at(1, 2, stable=1, canary=2))
    assert stage.run("apply").code == 0
    assert stage.server.now.states(half.name) == {1: AVAILABLE, 2: AVAILABLE}
    assert stage.is_settled()
    assert stage.run("diff").code == 0


def test_service_without_its_record_replaces_what_it_may_and_loses_no_request(stage: Stage) -> None:
    half = stage.model(1, 2)
    stage.commit("1 is live", half.at(1, stable=1))
    with stage.service():
        stage.settle()
    shutil.rmtree(stage.state)
    with stage.traffic(half) as stable, stage.service():
        stage.settle()
        stage.commit("2 is stable", half.at(2, stable=2))
        stage.settle()
        stable.wait_for(2)
    assert stable.lost == []
    assert stable.versions == [1, 2]


def test_service_without_its_record_sends_nothing_where_adoption_is_refused(stage: Stage) -> None:
    half = stage.model(1, 2)
    stage.commit("1 is live", half.at(1, stable=1))
    with stage.service():
        stage.settle()
    shutil.rmtree(stage.state)
    stage.commit("2 is stable, adopt nothing", stage.fleet(adopt="refuse"), half.at(2, stable=2))
    with stage.traffic(half) as stable, stage.service():
        held = stage.wait_stalled("gpu-1", "AdoptionUnconfirmed")
        stable.wait_for_more()
        assert stage.history() == []
    assert "adopt: replace" in held.message
    assert stable.lost == []
    assert stable.versions == [1]


def test_full_disk_stops_what_cannot_be_recorded_until_there_is_room_again(stage: Stage) -> None:
    half = stage.model(1)
    stage.commit("1 is live", half.at(1, stable=1))
    with stage.service() as service:
        stage.settle()
        mark = len(service.log)
        service.limit_files(1)
        stage.server.restart()
        trouble = service.wait_for("trouble with a server's lane", since=mark)
        assert str(StateDirectory(stage.state).ledger) in trouble["why"]
        assert stage.server.now.states(half.name) == {}
        service.limit_files(-1)
        with stage.traffic(half) as stable:
            stable.wait_for(1)
        stage.settle()
