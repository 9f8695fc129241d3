"""Checks on real model servers: what a version must answer before clients get it, under constant load."""

import pytest
from e2e_documents import Document
from e2e_stage import Stage
from running_server import AVAILABLE, END

from reconciler.state.outcome import OutcomeKind
from reconciler.state.plan import ActionKind

pytestmark = pytest.mark.serving

GOLDEN: Document = {
    "name": "golden",
    "kind": "request",
    "request": "checks/half.json",
    "expect": "checks/half.expected.json",
    "maxLatency": "1s",
    "repetitions": 3,
}
LIKE_STABLE: Document = {
    "name": "like-stable",
    "kind": "compare",
    "request": "checks/half.json",
    "with": "stable",
    "tolerance": {"abs": 2},
}


def expecting(stage: Stage, version: int) -> None:
    """What git expects is what that version answers: y = x / 2 + version + 1."""
    stage.repository.put("checks/half.json", '{"instances": [[1.0], [2.0], [5.0]]}')
    values = [[x / 2 + version + 1] for x in (1.0, 2.0, 5.0)]
    stage.repository.put("checks/half.expected.json", f'{{"predictions": {values}}}')


def test_bad_version_under_load_gets_no_label_and_goes_and_a_good_one_is_promoted_with_no_request_lost(
    stage: Stage,
) -> None:
    half = stage.model(1, 2)
    expecting(stage, 1)
    stage.commit("1 is live", half.at(1, checks=[GOLDEN], stable=1))
    with stage.service() as service:
        stage.settle()
        with stage.traffic(half) as stable:
            stable.wait_for(1)
            stage.commit("2, which answers otherwise", half.at(2, checks=[GOLDEN], stable=2))
            held = stage.wait_stalled(f"gpu-1/{half.name}", "CheckFailed")
            assert "predictions[0][0]: expected 2.5, got 3.5" in held.message
            stage.server.now.until_states(half.name, {1: AVAILABLE, 2: END})
            stable.wait_for_more()
            assert stable.versions == [1]
            expecting(stage, 2)
            stage.commit("2 is right, the expectation was not", half.at(2, checks=[GOLDEN, LIKE_STABLE], stable=2))
            stage.settle()
            stable.wait_for(2)
        assert "libtensorflow" not in service.mapped()
    assert stable.lost == []
    assert stable.versions == [1, 2]
    checked = [
        (outcome.action.check, outcome.kind, outcome.evidence)
        for _, outcomes in stage.history()
        for outcome in outcomes
        if outcome.action.kind is ActionKind.CHECK
    ]
    assert [each[:2] for each in checked] == [
        ("golden", OutcomeKind.DONE),
        ("golden", OutcomeKind.FAILED),
        ("golden", OutcomeKind.DONE),
        ("like-stable", OutcomeKind.DONE),
    ]
    assert "expected 2.5, got 3.5" in checked[1][2]
    assert "the largest difference is 1 at y[0][0]" in checked[3][2]


def test_a_restarted_service_asks_no_version_again(stage: Stage) -> None:
    half = stage.model(1)
    expecting(stage, 1)
    stage.commit("1 is live", half.at(1, checks=[GOLDEN], stable=1))
    with stage.service():
        stage.settle()
    with stage.service() as again:
        again.wait_for("server is as git says")
    kinds = [action.kind for intent, _ in stage.history() for action in intent.body.actions]
    assert kinds.count(ActionKind.CHECK) == 1
