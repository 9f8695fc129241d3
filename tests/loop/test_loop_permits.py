"""Permits: who may begin what his fleet's rollout guards, who is woken, and what is given back."""

from dataclasses import dataclass, field, replace

from builders import FLEET, model

from reconciler.loop.permits import Permits
from reconciler.plan import FREE, Progress, Vetoes
from reconciler.plan.progress import Part, Stage
from reconciler.state.desired import DesiredModel, DesiredServer, Rollout, Transition, TransitionPolicy, Wave

NOW = 1000.0
HALF = model("half", (2,), stable=2)
PENDING, CHANGING, DONE = (
    Progress((Part("half", stage, since=NOW),)) for stage in (Stage.PENDING, Stage.CHANGING, Stage.DONE)
)
LOST = replace(PENDING, lost="no answer")


@dataclass
class Fleet:
    """Some servers of a fleet and their permits; `woken` are the lanes that were woken since last asked."""

    count: int
    rules: Rollout | None = field(default_factory=Rollout)
    wanted: DesiredModel = HALF
    name: str = "eu"
    permits: Permits = field(default_factory=Permits)
    woken: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.permits.wake = self.woken.append
        self.permits.aim_at(self.servers, [each.id for each in self.servers])

    @property
    def servers(self) -> list[DesiredServer]:
        fleet = replace(FLEET, name=self.name, rollout=self.rules)
        return [DesiredServer(fleet, f"gpu-{number}", "", models=(self.wanted,)) for number in range(1, self.count + 1)]

    def ask(self, number: int, progress: Progress, now: float = NOW) -> Vetoes:
        self.woken.clear()
        return self.permits.ask(self.servers[number - 1], progress, now)


def reasons(held: Vetoes) -> set[str]:
    return {hold.reason.value for hold in held.values()}


def test_the_first_that_asks_may_begin_once_everybody_was_looked_at() -> None:
    fleet = Fleet(2)
    assert reasons(fleet.ask(1, PENDING)) == {"WaveTurn"}
    fleet.ask(2, DONE)
    assert fleet.woken == ["eu/gpu-1"]
    assert fleet.ask(1, PENDING) == FREE


def test_the_next_is_woken_when_one_is_through() -> None:
    fleet = Fleet(2)
    fleet.ask(1, PENDING)
    fleet.ask(2, PENDING)
    fleet.ask(1, CHANGING)
    assert fleet.woken == []
    fleet.ask(1, DONE)
    assert fleet.woken == ["eu/gpu-2"]


def test_a_server_out_of_reach_is_given_no_permit_that_it_could_come_back_with() -> None:
    """Else it would begin beside another that began meanwhile."""
    fleet = Fleet(2, Rollout(1, max_unavailable=2))
    fleet.ask(2, LOST)
    assert fleet.ask(1, PENDING) == FREE
    assert reasons(fleet.ask(2, PENDING)) == {"WaveTurn"}


def test_a_lane_that_stopped_gives_its_permit_back_and_stops_the_rollout() -> None:
    """What became of its server is not known: that is for a person to look at, and not for ever in silence."""
    fleet = Fleet(2)
    fleet.ask(2, DONE)
    fleet.ask(1, PENDING)
    fleet.ask(2, PENDING)
    fleet.permits.lost(fleet.servers[0], "its lane stopped: InvariantBroken", NOW)
    (hold,) = fleet.ask(2, PENDING).values()
    assert (hold.reason.value, "gpu-1 cannot be reached or used (its lane stopped" in hold.detail) == (
        "RolloutStopped",
        True,
    )


def test_a_lane_that_waits_is_woken_when_the_time_it_waits_for_is_known() -> None:
    """Else it would sleep through the end of a short pause."""
    fleet = Fleet(2, Rollout(waves=(Wave("one", most=1, pause=5.0), Wave("two"))))
    fleet.ask(1, CHANGING)
    assert [hold.until for hold in fleet.ask(2, PENDING).values()] == [None]
    fleet.ask(1, DONE)
    assert fleet.woken == ["eu/gpu-2"]
    assert [hold.until for hold in fleet.ask(2, PENDING).values()] == [NOW + 5.0]
    assert fleet.ask(2, PENDING, NOW + 5.0) == FREE


def test_who_waits_for_a_server_that_left_its_fleet_asks_anew() -> None:
    fleet = Fleet(2)
    fleet.ask(1, CHANGING)
    fleet.ask(2, PENDING)
    fleet.permits.aim_at(fleet.servers[1:], [])
    assert fleet.woken == ["eu/gpu-2"]
    assert fleet.ask(2, PENDING) == FREE


def test_who_waits_for_a_label_to_be_answered_elsewhere_is_woken_by_a_server_of_another_fleet() -> None:
    exchanged = replace(HALF, transition=Transition(TransitionPolicy.RESOURCE))
    eu, us = Fleet(1, None, exchanged), Fleet(1, None, exchanged, "us")
    permits, (here,), (there,) = eu.permits, eu.servers, us.servers
    permits.aim_at([here, there], [here.id, there.id])
    answers = (("half", "stable"),)
    part = Part("half", Stage.PENDING, exchanges=True, takes=("stable",))
    silent = Progress((replace(part, stage=Stage.BLOCKED),))
    permits.ask(there, silent, NOW)
    assert "DowntimeNotAllowed" in reasons(permits.ask(here, Progress((part,), answers=answers), NOW))
    eu.woken.clear()
    permits.ask(there, replace(silent, answers=answers), NOW)
    assert eu.woken == [here.id]
    assert permits.ask(here, Progress((part,), answers=answers), NOW) == FREE
