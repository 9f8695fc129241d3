"""How long a lane waits between two looks."""

from dataclasses import replace

import pytest

from reconciler.loop.rhythm import Rhythm, labels_age
from reconciler.loop.tools import Pace
from reconciler.state.desired import DesiredModel, DesiredServer, Fleet
from reconciler.state.look import Reach, ReachKind
from reconciler.state.observed import Observed
from reconciler.state.plan import Hold, HoldReason, ServerPlan
from reconciler.state.versions import specific

SEEN = Observed("eu/gpu-1", 100.0)
LOST = replace(SEEN, reach=Reach(ReachKind.UNREACHABLE, "refused"))
PLAN = ServerPlan("eu/gpu-1")
WAITING = Hold(HoldReason.LOADING, "half", "version 2 loads", "AVAILABLE or END", progressing=True)


def rhythm() -> Rhythm:
    return Rhythm(Pace(), "eu/gpu-1")


def test_idle_server_is_looked_at_every_ten_seconds_after_a_first_share_of_them() -> None:
    beat = rhythm()
    first, second = (beat.pause(PLAN, SEEN, moving=False) for _ in range(2))
    assert 1.0 <= first < 10.0
    assert second == 10.0


def test_servers_are_spread_over_the_interval() -> None:
    firsts = {round(Rhythm(Pace(), f"eu/gpu-{n}").pause(PLAN, SEEN, moving=False)) for n in range(100)}
    assert len(firsts) > 7


def test_what_moves_is_looked_at_every_50_ms_and_every_100_ms_when_it_takes_long() -> None:
    beat = rhythm()
    beat.moved(100.0)
    assert beat.pause(PLAN, SEEN, moving=True) == 0.05
    assert beat.pause(PLAN, replace(SEEN, at=106.0), moving=True) == 0.1


def test_pause_is_never_longer_than_until_the_plan_wants_a_look() -> None:
    assert rhythm().pause(replace(PLAN, look_again_at=100.5), SEEN, moving=False) == 0.5


def test_unreachable_server_is_tried_at_growing_pauses_that_stay_short_for_a_minute() -> None:
    beat = rhythm()
    pauses = [beat.pause(PLAN, LOST, moving=False) for _ in range(5)]
    assert pauses == [0.25, 0.5, 1.0, 1.0, 1.0]
    later = [beat.pause(PLAN, replace(LOST, at=200.0), moving=False) for _ in range(5)]
    assert later == [1.0, 2.0, 4.0, 5.0, 5.0]


def test_server_that_answers_again_is_tried_at_short_pauses_the_next_time() -> None:
    beat = rhythm()
    for _ in range(5):
        beat.pause(PLAN, LOST, moving=False)
    beat.pause(PLAN, SEEN, moving=False)
    assert beat.pause(PLAN, LOST, moving=False) == 0.25


@pytest.mark.parametrize(
    ("plan", "observed", "moving"),
    [
        (PLAN, SEEN, False),
        (PLAN, replace(SEEN, busy=True), True),
        (replace(PLAN, holds=(WAITING,)), SEEN, True),
        (replace(PLAN, holds=(replace(WAITING, progressing=False),)), SEEN, False),
        (replace(PLAN, holds=(replace(WAITING, reason=HoldReason.CHANGES_FIRST),)), SEEN, False),
        (replace(PLAN, holds=(replace(WAITING, until=101.0),)), SEEN, True),
        (replace(PLAN, holds=(replace(WAITING, until=220.0),)), SEEN, False),
    ],
    ids=["at rest", "busy", "waiting", "held", "waits its turn", "held for a second", "held for two minutes"],
)
def test_what_counts_as_moving(plan: ServerPlan, observed: Observed, moving: bool) -> None:
    assert rhythm().is_moving(plan, observed) is moving


def test_unreachable_server_is_taken_to_be_coming_back_for_ten_seconds() -> None:
    beat = rhythm()
    beat.pause(PLAN, LOST, moving=True)
    assert beat.is_moving(PLAN, replace(LOST, at=109.0)) is True
    assert beat.is_moving(PLAN, replace(LOST, at=111.0)) is False


def fleet_of(servers: int) -> list[DesiredServer]:
    models = tuple(
        DesiredModel(f"m{number}", f"m{number}", "/m", specific(1), (("stable", 1),)) for number in range(20)
    )
    return [
        DesiredServer(Fleet("eu"), f"gpu-{number}", f"gpu-{number}:8500", models=models) for number in range(servers)
    ]


@pytest.mark.parametrize(("servers", "age"), [(1, 5.0), (80, 5.0), (250, 15.0), (1000, 60.0)])
def test_labels_are_read_at_every_idle_look_as_long_as_there_are_few(servers: int, age: float) -> None:
    assert labels_age(fleet_of(servers), idle=10.0) == pytest.approx(age, rel=0.01)
