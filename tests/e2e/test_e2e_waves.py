"""Rollouts over two real servers under load: waves, accidents in the middle of one, versions kept for a revert."""

import pytest
from e2e_documents import Document
from e2e_stage import Stage
from running_server import AVAILABLE, END

from reconciler.state.plan import ActionKind

pytestmark = [pytest.mark.serving, pytest.mark.parametrize("stage", [2], indirect=True)]
FIRST_THEN_REST = [{"name": "first", "maxServers": 1}, {"name": "rest"}]
WAVES: Document = {"maxConcurrent": 1, "maxUnavailable": 1, "waves": FIRST_THEN_REST}


def test_a_change_goes_from_server_to_server_and_no_request_is_lost(stage: Stage) -> None:
    half = stage.model(1, 2)
    stage.commit("1 is live", stage.fleet(rollout=WAVES), half.at(1, stable=1))
    first, second = stage.servers
    with stage.service():
        stage.settle()
        with stage.traffic(half, server=first) as one, stage.traffic(half, server=second) as two:
            mark = len(stage.history())
            stage.commit("2 is stable", half.at(2, stable=2))
            stage.settle()
            one.wait_for(2)
            two.wait_for(2)
        servers = [intent.server for intent, _ in stage.history()[mark:]]
    assert one.lost == two.lost == []
    assert servers == sorted(servers)
    assert set(servers) == {"eu/gpu-1", "eu/gpu-2"}


def test_a_server_restarted_in_the_middle_of_a_wave_holds_up_the_rest_until_it_is_healed(stage: Stage) -> None:
    half = stage.model(1, 2)
    stage.commit("1 is live", stage.fleet(rollout=WAVES), half.at(1, stable=1))
    first, second = stage.servers
    with stage.service():
        stage.settle()
        with stage.traffic(half, server=second) as rest:
            stage.commit("2 is stable", half.at(2, stable=2))
            stage.until(lambda: first.now.states(half.name).get(2) == AVAILABLE, "2 on the first server")
            first.restart()
            stage.settle()
            rest.wait_for(2)
    assert rest.lost == []
    assert rest.versions == [1, 2]


def test_a_reconciler_killed_in_mid_wave_is_followed_by_one_that_goes_on_there(stage: Stage) -> None:
    half = stage.model(1, 2)
    stage.commit("1 is live", stage.fleet(rollout=WAVES), half.at(1, stable=1))
    first, second = stage.servers
    service = stage.start()
    stage.settle()
    with stage.traffic(half, server=first) as one, stage.traffic(half, server=second) as two:
        stage.commit("2 is stable", half.at(2, stable=2))
        one.wait_for(2)
        service.kill()
        with stage.service():
            stage.settle()
        two.wait_for(2)
    assert one.lost == two.lost == []


def test_a_version_that_fails_on_the_first_server_reaches_no_other(stage: Stage) -> None:
    half = stage.model(1, 3)
    for shard in (half.base_path / "3" / "variables").glob("*.data-*"):
        shard.write_bytes(shard.read_bytes()[:1])
    stage.commit("1 is live", stage.fleet(rollout=WAVES), half.at(1, stable=1))
    first, second = stage.servers
    with stage.service():
        stage.settle()
        with stage.traffic(half, server=first) as one, stage.traffic(half, server=second) as two:
            stage.commit("3, which cannot load", half.at(3, stable=3))
            stage.wait_stalled(f"gpu-1/{half.name}", "Quarantined")
            held = stage.wait_stalled(f"gpu-2/{half.name}", "RolloutStopped")
            assert "failed on eu/gpu-1" in held.message
            one.wait_for_more()
            two.wait_for_more()
    assert one.lost == two.lost == []
    assert second.now.states(half.name) == {1: AVAILABLE}


def test_a_revert_within_the_time_of_a_kept_version_loads_nothing(stage: Stage) -> None:
    half = stage.model(1, 2)

    def at(version: int) -> Document:
        document = half.at(version, stable=version)
        document["spec"]["transition"]["keepPrevious"] = "10m"
        return document

    stage.commit("1 is live", stage.fleet(rollout=WAVES), at(1))
    with stage.service():
        stage.settle()
        with stage.traffic(half) as stable:
            stage.commit("2 is stable", at(2))
            stage.settle()
            stable.wait_for(2)
            assert stage.server.now.states(half.name) == {1: AVAILABLE, 2: AVAILABLE}
            mark = len(stage.history())
            stage.repository.revert()
            stage.settle()
            stable.wait_for(1)
            done = [action.kind for intent, _ in stage.history()[mark:] for action in intent.body.actions]
            assert ActionKind.LOAD not in done
            stage.until(lambda: stage.server.now.states(half.name) == {1: AVAILABLE, 2: END}, "the end of 2")
    assert stable.lost == []
    assert stable.versions == [1, 2, 1]
