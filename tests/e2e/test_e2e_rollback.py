"""Going back with real servers and real git: the verb, a reverted merge, and a pin while the git host is away."""

import pytest
from e2e_stage import Stage

from reconciler.state.outcome import ConditionType, Sync
from reconciler.state.plan import ActionKind

pytestmark = pytest.mark.serving


def test_the_verb_goes_back_by_a_label_move_and_loses_no_request(stage: Stage) -> None:
    half = stage.model(1, 2)
    stage.commit("1 is live", half.at(1, 2, stable=1))
    with stage.service():
        stage.settle()
        with stage.traffic(half) as stable:
            stage.commit("2 is live", half.at(1, 2, stable=2))
            stage.settle()
            stable.wait_for(2)
            loads = [each for each in actions(stage) if each is ActionKind.LOAD]
            told = stage.run("rollback", half.name, "--push", "--reason", "p99 doubled", "-o", "json").document
            stage.repository.pull()
            stage.settle()
            stable.wait_for(1)
    assert told["models"][0]["cost"] == "label flip only, no load"
    assert told["models"][0]["labelFlipOnly"]
    assert (stable.lost, stable.versions) == ([], [1, 2, 1])
    assert [each for each in actions(stage) if each is ActionKind.LOAD] == loads


def test_a_deployment_of_the_record_can_be_gone_back_to(stage: Stage) -> None:
    half = stage.model(1, 2)
    stage.commit("1 is live", half.at(1, 2, stable=1))
    with stage.service():
        stage.settle()
        for version in (2, 1, 2):
            stage.commit(f"{version} is live", half.at(1, 2, stable=version))
            stage.settle()
        told = stage.run("rollback", half.name, "--to", "d1", "--push", "-o", "json").document
        stage.repository.pull()
        stage.settle()
    assert told["models"][0]["asks"] == "stable 2 → 1"
    assert "Rollback-Trigger: manual" in stage.repository.message()


def test_files_that_are_gone_are_named_and_nothing_is_pushed(stage: Stage) -> None:
    half = stage.model(1, 2)
    stage.commit("1 is live", half.at(1, stable=1))
    with stage.service():
        stage.settle()
        head = stage.commit("2 is live", half.at(2, stable=2))
        stage.settle()
        (half.base_path / "1").rename(stage.folder / "gone")
        refused = stage.run("rollback", half.name, "--push")
    assert (refused.code, f"{half.name}: version 1 on eu/gpu-1" in refused.said) == (1, True)
    assert stage.repository.pull() == head


def test_a_reverted_merge_converges(stage: Stage) -> None:
    half = stage.model(1, 2)
    stage.commit("1 is live", half.at(1, 2, stable=1))
    with stage.service():
        stage.settle()
        with stage.traffic(half) as stable:
            stage.repository.branch("feature", "2 is live", half.at(1, 2, stable=2))
            stage.repository.merge("feature")
            stage.settle()
            stable.wait_for(2)
            stage.repository.revert("-m", "1")
            stage.settle()
            stable.wait_for(1)
    assert (stable.lost, stable.versions) == ([], [1, 2, 1])


def test_a_pin_holds_the_model_while_git_is_away_and_ends_with_the_merge_of_its_commit(stage: Stage) -> None:
    half = stage.model(1, 2)
    good = stage.commit("1 is live", half.at(1, 2, stable=1))
    remote, away = stage.repository.remote, stage.folder / "away.git"
    with stage.service():
        stage.settle()
        stage.commit("2 is live", half.at(1, 2, stable=2))
        stage.settle()
        with stage.traffic(half) as stable:
            stable.wait_for(2)
            remote.rename(away)
            pinned = stage.run("rollback", half.name, "--local", "--ttl", "1h", "--reason", "p99 doubled")
            assert pinned.code == 0, pinned.said
            stable.wait_for(1)
            stage.until(lambda: pin_of(stage, half.name), "the condition Pinned")
            assert stage.statuses()[f"eu/gpu-1/{half.name}"].sync is Sync.OUT_OF_SYNC
            assert "p99 doubled" in stage.run("explain", half.name).out
            away.rename(remote)
            branch = f"reconciler/rollback-{half.name}-{good[:10]}"
            stage.until(lambda: branch in stage.repository.branches(), "the branch with the commit")
            stage.repository.merge(branch)
            stage.settle()
            stage.until(lambda: not pin_of(stage, half.name), "the end of the pin")
    assert (stable.lost, stable.versions) == ([], [2, 1])


def actions(stage: Stage) -> list[ActionKind]:
    return [action.kind for intent, _ in stage.history() for action in intent.body.actions]


def pin_of(stage: Stage, model: str) -> str:
    status = stage.statuses().get(f"eu/gpu-1/{model}")
    found = status.conditions if status is not None else ()
    return next((each.message for each in found if each.type is ConditionType.PINNED), "")
