"""What a lane does about each error."""

import pytest

from reconciler.errors import (
    InvariantBroken,
    PlanChanged,
    PlanUnsafe,
    RecordError,
    ServerRefused,
    ServerUnreachable,
    StateLocked,
)
from reconciler.loop.reactions import LONGEST_PAUSE, respond


def test_error_that_is_to_be_retried_is_retried_at_doubling_pauses() -> None:
    pauses = [respond(ServerUnreachable("down"), count).pause for count in (1, 2, 3, 50)]
    assert pauses == [0.25, 0.5, 1.0, LONGEST_PAUSE]


def test_refusal_is_waited_for() -> None:
    assert respond(ServerRefused("no"), 1).halted is False


def test_changed_plan_is_made_anew_at_once() -> None:
    assert respond(PlanChanged("other"), 1).pause == 0.0


@pytest.mark.parametrize("error", [PlanUnsafe("ask"), InvariantBroken("bug"), StateLocked("taken", holder="run 7")])
def test_error_that_needs_somebody_stops_the_lane(error: Exception) -> None:
    assert respond(error, 1).halted


def test_record_that_cannot_be_written_is_tried_again_because_nothing_was_done_without_it() -> None:
    response = respond(RecordError("disk full"), 1)
    assert (response.name, response.halted) == ("halt", False)


def test_error_that_is_not_ours_stops_the_lane_and_says_where_it_came_from() -> None:
    try:
        raise KeyError("model")
    except KeyError as error:
        response = respond(error, 1)
    assert response.halted
    assert response.reason == "InternalError"
    assert "KeyError: 'model'" in response.message
