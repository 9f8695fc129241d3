"""Repositories that are rewritten, unreachable or wrong, while servers are served as before."""

import socket

import pytest
from e2e_stage import Stage
from e2e_strangers import silent_listener
from running_server import AVAILABLE

pytestmark = pytest.mark.serving

TROUBLE = "trouble with the repository; what is in force stays"


def test_force_push_is_refused_until_somebody_acknowledges_it(stage: Stage) -> None:
    half = stage.model(1, 2)
    stage.commit("1 is live", half.at(1, stable=1))
    with stage.service() as service:
        stage.settle()
        with stage.traffic(half) as stable:
            rewritten = stage.repository.rewrite("2 was always live", half.at(2, stable=2))
            trouble = service.wait_for(TROUBLE, reason="HistoryRewritten")
            assert "acknowledge-rewrite" in trouble["why"]
            assert rewritten[:10] in trouble["why"]
            assert "rewritten" in stage.run("status").said
            stable.wait_for_more()
            assert stable.versions == [1]
            assert stage.run("acknowledge-rewrite").code == 0
            stage.settle()
            stable.wait_for(2)
    assert stable.lost == []


def test_remote_that_is_away_does_not_stop_healing_and_status_says_so(stage: Stage) -> None:
    half = stage.model(1, 2)
    stage.commit("1 is live", half.at(1, stable=1))
    with stage.service() as service:
        stage.settle()
        away = stage.repository.remote.rename(stage.folder / "away.git")
        service.wait_for(TROUBLE, reason="SourceUnavailable")
        stage.server.restart()
        with stage.traffic(half) as stable:
            stable.wait_for(1)
            stage.settle()
            assert str(stage.repository.remote) in stage.run("status").said
            away.rename(stage.repository.remote)
            stage.commit("2 is stable", half.at(2, stable=2))
            assert stage.run("sync", "--wait").code == 0
            stable.wait_for(2)
        assert stage.run("status").said == ""


def test_bad_head_is_not_put_in_force_and_the_last_good_commit_goes_on_healing(stage: Stage) -> None:
    half = stage.model(1)
    good = stage.commit("1 is live", half.at(1, stable=1))
    with stage.service() as service:
        stage.settle()
        stage.commit("a label to nowhere", half.at(1, stable=7))
        trouble = service.wait_for(TROUBLE, reason="DesiredInvalid")
        assert f"models/{half.name}.yaml:" in trouble["why"]
        assert good[:10] in trouble["why"]
        stage.server.restart()
        with stage.traffic(half) as stable:
            stable.wait_for(1)
        stage.repository.revert()
        stage.settle()


def test_empty_repository_is_waited_for_until_somebody_pushes(stage: Stage) -> None:
    half = stage.model(1)
    with stage.service() as service:
        service.wait_for(TROUBLE, reason="NothingPushed")
        stage.commit("1 is live", half.at(1, stable=1))
        stage.settle()
    assert stage.server.now.states(half.name) == {1: AVAILABLE}


def test_commit_that_deletes_every_file_unloads_nothing(stage: Stage) -> None:
    half = stage.model(1)
    stage.commit("1 is live", stage.fleet(prune=True), half.at(1, stable=1))
    with stage.service() as service:
        stage.settle()
        passes = len(stage.history())
        with stage.traffic(half) as stable:
            mark = len(service.log)
            stage.repository.remove_all("an accident")
            service.wait_for("server let go; it keeps what it serves", since=mark)
            stable.wait_for_more()
            stage.repository.revert()
            stage.settle()
        assert len(stage.history()) == passes
    assert stable.lost == []


def test_git_host_that_never_answers_does_not_hold_up_the_end_of_the_service(stage: Stage) -> None:
    callers: list[socket.socket] = []
    with silent_listener(callers) as host:
        service = stage.start(f"http://{host}/models.git")
        stage.until(lambda: callers, "the host is asked")
        assert service.stop() == 0
