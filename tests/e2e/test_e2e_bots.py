"""Commits that the service makes by itself, on real repositories and model servers, under constant load."""

import pytest
from e2e_documents import Document
from e2e_stage import Stage

from reconciler.state.outcome import ConditionType

pytestmark = pytest.mark.serving

GOLDEN: Document = {
    "name": "golden",
    "kind": "request",
    "request": "checks/half.json",
    "expect": "checks/half.expected.json",
    "tolerance": {"abs": 0.1},
}


def expecting(stage: Stage, version: int) -> None:
    """What git expects is what that version answers: y = x / 2 + version + 1."""
    stage.repository.put("checks/half.json", '{"instances": [[1.0], [2.0], [5.0]]}')
    values = [[x / 2 + version + 1] for x in (1.0, 2.0, 5.0)]
    stage.repository.put("checks/half.expected.json", f'{{"predictions": {values}}}')


def asking(document: Document, **automation: object) -> Document:
    """The document with what it lets bots do."""
    document["spec"] |= automation
    return document


def test_a_failing_check_is_taken_back_by_a_commit_and_no_reload_follows_it(stage: Stage) -> None:
    half = stage.model(1, 2)
    expecting(stage, 1)
    stage.commit("1 is live", asking(half.at(1, checks=[GOLDEN], stable=1), onFailure="push"))
    good = stage.repository.head
    stage.environment = {"RECONCILER_BOTS": "1"}
    with stage.service() as service:
        stage.settle()
        with stage.traffic(half) as traffic:
            traffic.wait_for(1)
            bad = stage.commit("2, wrong", asking(half.at(2, checks=[GOLDEN], stable=2), onFailure="push"))
            stage.until(lambda: stage.repository.pull() != bad, "a commit that takes it back")
            stage.settle()
        assert "libtensorflow" not in service.mapped()
    revert = stage.repository.head
    message = stage.repository.message()
    assert f"Rollback-Of: {bad}" in message
    assert f"Rollback-To: {good}" in message
    assert "Rollback-Trigger: auto" in message
    assert "Deployment-Id: d" in message
    assert "predictions[0][0]: expected 2.5, got 3.5" in " ".join(message.split())
    assert [intent for intent, _ in stage.history() if intent.commit == revert] == []
    assert (traffic.lost, traffic.versions) == ([], [1])


def test_with_branch_the_revert_waits_on_a_branch_and_the_status_names_it(stage: Stage) -> None:
    half = stage.model(1, 2)
    expecting(stage, 1)
    stage.commit("1 is live", asking(half.at(1, checks=[GOLDEN], stable=1), onFailure="branch"))
    stage.environment = {"RECONCILER_BOTS": "1"}
    with stage.service():
        stage.settle()
        bad = stage.commit("2, wrong", asking(half.at(2, checks=[GOLDEN], stable=2), onFailure="branch"))

        def told() -> str:
            status = stage.statuses()[f"eu/gpu-1/{half.name}"]
            return next((each.message for each in status.conditions if each.type is ConditionType.ROLLED_BACK), "")

        message = stage.until(told, "the condition RolledBack")
        branch = message.split("merge branch ")[1].split()[0]
        assert stage.repository.merge(branch) != bad
        stage.settle()
    assert "reconciler/rollback/" in branch


def test_a_new_version_in_storage_becomes_canary_and_then_stable(stage: Stage) -> None:
    half = stage.model(1)
    expecting(stage, 1)
    wanted = asking(
        half.at(1, checks=[GOLDEN | {"tolerance": {"abs": 2}}], stable=1, canary=1),
        onFailure="push",
        discover={"mode": "latest"},
        promotion={"mode": "auto", "bake": "1s", "dropOld": True},
    )
    first = stage.commit("1 is live", wanted)
    stage.environment = {"RECONCILER_BOTS": "1"}
    with stage.service():
        stage.settle()
        with stage.traffic(half) as traffic:
            traffic.wait_for(1)
            stage.publish(half, 2)
            stage.until(lambda: stage.repository.pull() != first, "a commit that takes up version 2")
            assert "Reconciler-Bot: version" in stage.repository.message()
            canary = stage.repository.head
            stage.until(lambda: stage.repository.pull() != canary, "a commit that promotes it")
            stage.settle()
            traffic.wait_for(2)
    assert f"Promotion-Of: {canary}" in stage.repository.message()
    text = stage.repository.read(f"models/{half.name}.yaml")
    assert "stable: 2" in text
    assert "- 1\n" not in text
    assert traffic.lost == []
