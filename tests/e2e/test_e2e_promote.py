"""The main road: commits promote, a revert takes back, and clients notice nothing but the version."""

import pytest
from e2e_stage import Stage
from running_server import AVAILABLE, END

from reconciler.state.plan import ActionKind

pytestmark = pytest.mark.serving


def test_promotion_over_canary_and_its_revert_lose_no_request(stage: Stage) -> None:
    half = stage.model(1, 2)
    stage.commit("1 is live", half.at(1, stable=1))
    with stage.service() as service:
        stage.settle()
        with stage.traffic(half) as stable:
            stable.wait_for(1)
            stage.commit("2 as canary", half.at(1, 2, stable=1, canary=2))
            stage.settle()
            with stage.traffic(half, "canary") as canary:
                canary.wait_for(2)
                stage.commit("2 is stable, 1 goes", half.at(2, stable=2, canary=2))
                stage.settle()
                stable.wait_for(2)
                assert stage.server.now.states(half.name) == {1: END, 2: AVAILABLE}
                stage.repository.revert()
                stage.settle()
                stable.wait_for(1)
        assert "libtensorflow" not in service.mapped()
    assert stable.lost == canary.lost == []
    assert stable.versions == [1, 2, 1]
    assert canary.versions == [2]


def test_revert_while_the_new_version_loads_loses_no_request(stage: Stage) -> None:
    half = stage.model(1, 2)
    stage.commit("1 is live", half.at(1, stable=1))
    with stage.service() as service:
        stage.settle()
        with stage.traffic(half) as stable:
            mark = len(service.log)
            stage.commit("2 is stable", half.at(2, stable=2))
            service.wait_for("pass answered", since=mark)
            stage.repository.revert()
            stage.settle()
            stable.wait_for(1)
    assert stable.lost == []
    assert stage.server.now.states(half.name)[1] == AVAILABLE


def test_missing_version_is_held_with_nothing_unloaded_and_loads_when_it_appears(stage: Stage) -> None:
    half = stage.model(1)
    stage.commit("1 is live", half.at(1, stable=1))
    with stage.service():
        stage.settle()
        with stage.traffic(half) as stable:
            stage.commit("2, which nobody exported yet", half.at(2, stable=2))
            held = stage.wait_stalled(f"gpu-1/{half.name}", "ArtifactMissing")
            assert str(half.base_path) in held.message
            stable.wait_for_more()
            assert stage.server.now.states(half.name) == {1: AVAILABLE}
            stage.publish(half, 2)
            stage.settle()
            stable.wait_for(2)
    assert stable.lost == []
    assert stable.versions == [1, 2]


def test_half_copied_version_is_held_until_its_copy_is_complete(stage: Stage) -> None:
    half = stage.model(1, 2)
    coming = (half.base_path / "2" / "variables").rename(stage.folder / "coming")
    stage.commit("1 is live", half.at(1, stable=1))
    with stage.service():
        stage.settle()
        with stage.traffic(half) as stable:
            stage.commit("2, which is still being copied", half.at(2, stable=2))
            held = stage.wait_stalled(f"gpu-1/{half.name}", "ArtifactIncomplete")
            assert "variables" in held.message
            coming.rename(half.base_path / "2" / "variables")
            stage.settle()
            stable.wait_for(2)
    assert stable.lost == []
    assert stable.versions == [1, 2]


def test_corrupt_version_is_quarantined_while_the_old_one_serves_until_a_good_one_comes(stage: Stage) -> None:
    half = stage.model(1, 2)
    stage.publish(half, 3)
    for shard in (half.base_path / "3" / "variables").glob("*.data-*"):
        shard.write_bytes(shard.read_bytes()[:1])
    stage.commit("1 is live", half.at(1, stable=1))
    with stage.service():
        stage.settle()
        with stage.traffic(half) as stable:
            stage.commit("3, which is corrupt", half.at(3, stable=3))
            held = stage.wait_stalled(f"gpu-1/{half.name}", "Quarantined")
            assert "version 3 failed to load" in held.message
            stable.wait_for(1)
            stage.commit("2 instead", half.at(2, stable=2))
            stage.settle()
            stable.wait_for(2)
    assert stable.lost == []
    assert stable.versions == [1, 2]


def test_torn_export_is_held_before_any_server_is_touched(stage: Stage) -> None:
    half = stage.model(1)
    stage.publish(half, 3)
    (half.base_path / "3" / "saved_model.pb").write_bytes(b"no protocol buffer")
    stage.commit("1 is live", half.at(1, stable=1))
    with stage.service():
        stage.settle()
        sent = len(stage.history())
        stage.commit("3, which is torn", half.at(3, stable=3))
        held = stage.wait_stalled(f"gpu-1/{half.name}", "ArtifactUnreadable")
        assert "saved_model.pb" in held.message
        assert len(stage.history()) == sent


def test_resource_transition_keeps_its_gap_within_what_the_plan_stated(stage: Stage) -> None:
    half = stage.model(1, 2)
    stage.commit("1 is live", half.at(1, stable=1))
    with stage.service():
        stage.settle()
    stage.commit("2 instead of 1, one at a time", half.at(2, stable=2, policy="resource"))
    plan = stage.run("plan", "-o", "json").document
    [stated] = [gap for body in plan["servers"][0]["passes"] for gap in body["gaps"]]
    with stage.traffic(half) as stable, stage.service():
        stage.settle()
        stable.wait_for(2)
    outcomes = [(intent, outcome) for intent, all_of_it in stage.history() for outcome in all_of_it]
    load = next(
        outcome.at - intent.at
        for intent, outcome in reversed(outcomes)
        if (outcome.action.kind, outcome.action.version) == (ActionKind.LOAD, 2)
    )
    assert stable.versions == [1, 2]
    assert 0 < stable.gap <= stated["seconds"] + (0.0 if stated["loadKnown"] else load)


def test_ten_new_models_come_with_their_labels(stage: Stage) -> None:
    models = [stage.model(1, 2) for _ in range(10)]
    stage.commit("ten models", *(each.at(1, 2, stable=1, canary=2) for each in models))
    with stage.service():
        stage.settle()
        with stage.traffic(models[9], "canary") as canary:
            canary.wait_for(2)
    assert all(stage.server.now.states(each.name) == {1: AVAILABLE, 2: AVAILABLE} for each in models)


def test_removed_model_stays_until_the_fleet_prunes(stage: Stage) -> None:
    half, other = stage.model(1), stage.model(1)
    gone = other.at(1, stable=1)
    stage.commit("two models", half.at(1, stable=1), gone)
    with stage.service():
        stage.settle()
        with stage.traffic(half) as stable, stage.traffic(other) as guarded:
            stage.repository.remove("without the other", gone)
            stage.wait_stalled(f"gpu-1/{other.name}", "PruneGuard")
            guarded.wait_for(1)
            assert guarded.lost == []
            stage.commit("and prune", stage.fleet(prune=True))
            stage.settle()
            stage.server.now.until_states(other.name, {1: END})
            stable.wait_for_more()
    assert stable.lost == []
