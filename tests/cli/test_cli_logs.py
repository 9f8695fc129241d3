import logging
from typing import get_args

import pytest

from reconciler.cli import logs, progress, settled
from reconciler.loop import events
from reconciler.state.config import ModelConfig, ServerConfig
from reconciler.state.desired import Commit
from reconciler.state.look import Reach, ReachKind
from reconciler.state.memory import Answer, AnswerKind, Standing
from reconciler.state.outcome import (
    Condition,
    ConditionStatus,
    ConditionType,
    Health,
    Intent,
    Outcome,
    OutcomeKind,
    Sent,
    Status,
    Sync,
)
from reconciler.state.plan import Action, ActionKind, Hold, HoldReason, Pass, PassKind
from reconciler.state.versions import specific

LOAD = Action(ActionKind.LOAD, "half", version=2)
BODY = Pass(1, PassKind.CHANGE, (LOAD,), ServerConfig((ModelConfig("half", "/m/half", specific(1, 2)),)))
INTENT = Intent(7, 1.0, "abc", "eu/gpu-1", BODY)
CHECKS = Pass(1, PassKind.CHECK, (Action(ActionKind.CHECK, "half", version=2, check="golden"),), BODY.config)
REFUSED = Sent(INTENT, Answer(AnswerKind.REFUSED, 9, "not currently available"), 1.0)
STUCK = Hold(HoldReason.ARTIFACT_MISSING, "half", "9 is not there", "the directory")
WAITING = Hold(HoldReason.LOADING, "half", "2 loads", "its end", progressing=True)
DOWN = Reach(ReachKind.UNREACHABLE, "connection refused")

EVENTS: list[tuple[events.Event, int]] = [
    (events.CommitInForce(1.0, Commit("abc", "Ada", 1.0, "two"), ("eu/gpu-1",)), logging.INFO),
    (events.SourceTrouble(1.0, "SourceUnavailable", "silent"), logging.ERROR),
    (events.SourceRecovered(1.0), logging.INFO),
    (events.SourceRenewed(1.0, "its head was garbage"), logging.WARNING),
    (events.BotCommitted(1.0, "promotion", "half", "abc", "", "2 becomes stable"), logging.WARNING),
    (events.BotWaits(1.0, "version", "half", "Blocked", "2 is blocked"), logging.WARNING),
    (events.BotTrouble(1.0, "half", "PushRefused", "protected", 60.0), logging.ERROR),
    (events.ReportsHeldUp(1.0, "the token is not valid"), logging.WARNING),
    (events.ReportsGoOn(1.0), logging.INFO),
    (events.LedgerPublished(1.0, 4, 44, "abc"), logging.INFO),
    (events.LedgerPublished(1.0, 4, 4, "abc", "the state directory was lost"), logging.WARNING),
    (events.LedgerUnpublished(1.0, "SourceUnavailable", "silent"), logging.WARNING),
    (events.LaneOpened(1.0, "eu/gpu-1"), logging.INFO),
    (events.ServerLetGo(1.0, "eu/gpu-1"), logging.INFO),
    (events.ServerStateChanged(1.0, "eu/gpu-1", DOWN, Standing.LOST), logging.WARNING),
    (events.ServerConverged(1.0, "eu/gpu-1", "abc"), logging.INFO),
    (events.LaneTrouble(1.0, "eu/gpu-1", "halt", "a bug", halted=True), logging.ERROR),
    (events.HoldsChanged(1.0, "eu/gpu-1", (STUCK,), ()), logging.WARNING),
    (events.PassSent(1.0, INTENT), logging.INFO),
    (events.ChecksBegun(1.0, Intent(8, 1.0, "abc", "eu/gpu-1", CHECKS)), logging.INFO),
    (events.PassAnswered(1.0, REFUSED, 0.01), logging.WARNING),
    (events.OutcomeSeen(1.0, "eu/gpu-1", Outcome(7, LOAD, OutcomeKind.FAILED, 2.0, "corrupt")), logging.WARNING),
]


def test_every_class_of_event_is_tried_here() -> None:
    assert {type(event) for event, _ in EVENTS} == set(get_args(events.Event))


@pytest.mark.parametrize(("event", "level"), EVENTS, ids=lambda each: type(each).__name__)
def test_event_becomes_one_line_of_its_level(event: events.Event, level: int) -> None:
    (line,) = logs.lines(event)
    assert line[0] == level


def test_hold_that_needs_nobody_is_no_warning() -> None:
    ((level, _, fields),) = logs.lines(events.HoldsChanged(1.0, "eu/gpu-1", (WAITING,), ()))
    assert level == logging.INFO
    assert fields["released_by"] == "its end"


def test_refusal_is_logged_in_the_servers_words() -> None:
    ((_, _, fields),) = logs.lines(events.PassAnswered(1.0, REFUSED, 0.01))
    assert fields["message"] == "not currently available"


@pytest.mark.parametrize(("event", "_level"), EVENTS, ids=lambda each: type(each).__name__)
def test_progress_has_at_most_one_line_per_event(event: events.Event, _level: int) -> None:
    assert len(progress.told(event)) <= 1


def test_progress_says_what_is_sent_and_how_it_ended() -> None:
    assert progress.told(events.PassSent(1.0, INTENT)) == ["eu/gpu-1  half load 2"]
    failed = Outcome(7, LOAD, OutcomeKind.FAILED, 2.0, "corrupt")
    assert progress.told(events.OutcomeSeen(1.0, "eu/gpu-1", failed)) == ["eu/gpu-1  half load 2  failed: corrupt"]


STALLED = Condition(ConditionType.STALLED, ConditionStatus.TRUE, "ArtifactMissing", "not there", 1.0)


def server(number: int, sync: Sync, *conditions: Condition, commit: str = "abc") -> Status:
    return Status(f"eu/gpu-{number}", "", sync, Health.HEALTHY, conditions, commit, 1.0)


VERDICTS = [
    ((), settled.Verdict.SETTLED),
    ((server(1, Sync.SYNCED),), settled.Verdict.SETTLED),
    ((server(1, Sync.OUT_OF_SYNC),), settled.Verdict.MOVING),
    ((server(1, Sync.SYNCED, commit="old"),), settled.Verdict.MOVING),
    ((server(1, Sync.OUT_OF_SYNC, STALLED),), settled.Verdict.BLOCKED),
    ((server(1, Sync.SYNCED, STALLED),), settled.Verdict.BLOCKED),  # on the last good spec of a quarantined one
    ((server(1, Sync.SYNCED), server(2, Sync.OUT_OF_SYNC, STALLED)), settled.Verdict.PARTLY),
    ((server(1, Sync.OUT_OF_SYNC), server(2, Sync.OUT_OF_SYNC, STALLED)), settled.Verdict.MOVING),
]


@pytest.mark.parametrize(("statuses", "verdict"), VERDICTS)
def test_servers_on_record_are_settled_when_each_is_in_sync_or_held(
    statuses: tuple[Status, ...], verdict: settled.Verdict
) -> None:
    assert settled.verdict(statuses, "abc") is verdict


@pytest.mark.parametrize("verdict", list(settled.Verdict))
def test_every_verdict_has_a_sentence(verdict: settled.Verdict) -> None:
    assert settled.sentence(verdict).endswith(".")
