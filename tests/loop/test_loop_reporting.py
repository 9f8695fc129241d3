"""Commit statuses as a git host hears them: a real outbox, a host that is a list, time that tests move."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import pytest

from reconciler.adapters.ledger import SqliteLedger
from reconciler.adapters.outbox import SqliteOutbox
from reconciler.errors import RecordError
from reconciler.loop.events import Event, ReportsGoOn, ReportsHeldUp
from reconciler.loop.reporting import Post, Reporting
from reconciler.source import InForce, Trouble
from reconciler.state.desired import Commit, Desired, DesiredServer, Fleet
from reconciler.state.outcome import Condition, ConditionStatus, ConditionType, Health, Status, Sync
from reconciler.state.report import Letter, Posted, PostedKind, Report, ReportState

T = TypeVar("T")
TAKEN = Posted(PostedKind.TAKEN)
"""What a host answers that is well."""


class Clock:
    """Time that stands still until a test moves it."""

    def __init__(self) -> None:
        self.at = 1_000.0

    def now(self) -> float:
        return self.at

    async def sleep(self, seconds: float) -> None:
        self.at += seconds

    def deadline(self, seconds: float) -> asyncio.Timeout:
        return asyncio.timeout(seconds)


@dataclass
class Host:
    """A git host: what it was told, what it shows, and what it answers next."""

    told: list[Report] = field(default_factory=list)
    answers: list[Posted] = field(default_factory=list)
    arrives: bool = True
    shows: bool | None = False
    alike: Callable[[Report, Report], bool] = lambda one, other: one == other
    questions: int = 0

    def same(self, one: Report, other: Report) -> bool:
        return self.alike(one, other)

    async def post(self, report: Report) -> Posted:
        self.told.append(report)
        return self.answers.pop(0) if self.answers else TAKEN

    async def has(self, _report: Report) -> bool | None:
        self.questions += 1
        return self.shows

    async def close(self) -> None:
        pass

    @property
    def states(self) -> list[str]:
        return [str(each.state) for each in self.told]


@dataclass
class World:
    """A service that reports, as far as reporting knows it."""

    path: Path
    host: Host = field(default_factory=Host)
    clock: Clock = field(default_factory=Clock)
    found: InForce = field(default_factory=InForce)
    events: list[Event] = field(default_factory=list)
    shown: dict[str, Sequence[Status]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        SqliteLedger(self.path).close()
        self.start()

    def start(self) -> None:
        """A process, perhaps after another one that was killed."""
        self.outbox = SqliteOutbox(self.path)
        post = Post(self.outbox, self.host, self.clock, lambda: 0.5, self.events.append, at_once)
        self.reporting = Reporting(self, post)

    def statuses(self) -> Mapping[str, Sequence[Status]]:
        return self.shown

    def commit(self, name: str, servers: int = 3) -> None:
        listed = tuple(DesiredServer(Fleet("eu"), f"gpu-{number}", "a:1") for number in range(1, servers + 1))
        commit = Commit(name * 40)
        self.found = InForce(Desired(commit, listed), commit)

    def converged(self, *numbers: int) -> None:
        """These servers are what the commit in force asks for; of the others nothing is known of it."""
        assert self.found.desired is not None
        ready = (Condition(ConditionType.READY, ConditionStatus.TRUE, "Synced", "", 0.0),)
        commit = self.found.desired.commit.id
        for number in numbers:
            name = f"eu/gpu-{number}"
            self.shown[name] = [Status(name, "", Sync.SYNCED, Health.HEALTHY, ready, commit, 0.0)]

    def held(self, number: int, reason: str = "CheckFailed") -> None:
        assert self.found.desired is not None
        said = tuple(
            Condition(kind, status, reason, "", 0.0)
            for kind, status in (
                (ConditionType.READY, ConditionStatus.FALSE),
                (ConditionType.STALLED, ConditionStatus.TRUE),
            )
        )
        name = f"eu/gpu-{number}"
        commit = self.found.desired.commit.id
        self.shown[name] = [Status(name, "", Sync.OUT_OF_SYNC, Health.DEGRADED, said, commit, 0.0)]

    async def passes(self, seconds: int) -> None:
        for _ in range(seconds):
            await self.reporting.turn()
            self.clock.at += 1.0


async def at_once(call: Callable[[], T]) -> T:
    return call()


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path / "ledger.sqlite")


async def test_a_commit_is_pending_and_then_succeeds(world: World) -> None:
    world.commit("a")
    await world.passes(10)
    world.converged(1, 2, 3)
    await world.passes(10)
    assert [(each.state, each.text) for each in world.host.told] == [
        (ReportState.PENDING, "0 of 3 servers converged"),
        (ReportState.SUCCESS, "3 of 3 servers converged"),
    ]


async def test_a_commit_that_is_there_at_once_is_told_once(world: World) -> None:
    world.commit("a")
    await world.passes(1)
    world.converged(1, 2, 3)
    await world.passes(60)
    assert world.host.states == ["success"]


async def test_a_failure_says_why_and_gives_way_to_a_success(world: World) -> None:
    world.commit("a")
    world.converged(1, 2)
    world.held(3)
    await world.passes(10)
    world.converged(3)
    await world.passes(10)
    assert world.host.told[0].text == "2 of 3 servers converged; gpu-3 held: CheckFailed"
    assert world.host.states == ["failure", "success"]


async def test_a_hold_that_lasts_a_moment_is_not_told(world: World) -> None:
    world.commit("a")
    await world.passes(5)
    world.held(3, "ArtifactMissing")
    await world.passes(2)
    world.converged(1, 2, 3)
    await world.passes(10)
    assert world.host.states == ["pending", "success"]


async def test_progress_is_told_now_and_then_and_not_at_every_server(world: World) -> None:
    world.commit("a", servers=100)
    for number in range(1, 101):
        world.converged(number)
        await world.passes(1)
    await world.passes(10)
    assert world.host.states == ["pending"] * 7 + ["success"]


async def test_what_befalls_servers_after_a_success_is_not_the_commits_affair(world: World) -> None:
    world.commit("a")
    world.converged(1, 2, 3)
    await world.passes(5)
    world.held(2, "VersionWedged")
    await world.passes(60)
    assert world.host.states == ["success"]


async def test_a_commit_that_is_overtaken_ends_and_a_failed_one_stays_failed(world: World) -> None:
    world.commit("a")
    await world.passes(10)
    world.commit("b")
    world.converged(1, 2)
    world.held(3)
    await world.passes(10)
    world.commit("c")
    await world.passes(10)
    last = {each.commit[0]: each for each in world.host.told}
    assert last["a"].state is ReportState.OVERTAKEN
    assert last["a"].text == "overtaken by bbbbbbbbbb at: 0 of 3 servers converged"
    assert last["b"].state is ReportState.FAILURE


async def test_a_commit_that_the_host_never_heard_of_is_not_said_to_be_overtaken(world: World) -> None:
    for name in "abc":
        world.commit(name)
        await world.passes(1)
    world.converged(1, 2, 3)
    await world.passes(10)
    assert [(each.commit[0], str(each.state)) for each in world.host.told] == [("c", "success")]


async def test_a_commit_that_is_not_put_in_force_fails_while_the_other_goes_on(world: World) -> None:
    world.commit("a")
    await world.passes(5)
    head, problems = Commit("b" * 40), ("half.yaml:7:28 version-out-of-range `0` — write the number",)
    desired = world.found.desired
    world.found = InForce(desired, head, problems, trouble=Trouble("DesiredInvalid", "…", 0.0))
    await world.passes(10)
    last = {each.commit[0]: each for each in world.host.told}
    assert (last["b"].state, last["b"].fleet) == (ReportState.FAILURE, "eu")
    assert last["b"].text.startswith("not put in force: half.yaml:7:28")
    assert last["a"].state is ReportState.PENDING


async def test_a_restart_repeats_nothing(world: World) -> None:
    world.commit("a")
    world.converged(1, 2, 3)
    await world.passes(10)
    world.start()
    await world.passes(60)
    assert world.host.states == ["success"]


async def test_a_restart_forgets_nothing(world: World) -> None:
    world.host.answers = [Posted(PostedKind.LATER, "down")] * 3
    world.commit("a")
    world.converged(1, 2, 3)
    await world.passes(3)
    world.start()
    world.host.answers.clear()
    await world.passes(3)
    assert len({(each.commit, each.text) for each in world.host.told}) == 1
    assert world.outbox.letters() == ()


async def test_what_was_sent_before_a_crash_is_asked_for_and_not_told_twice(world: World) -> None:
    world.commit("a")
    world.converged(1, 2, 3)
    world.host.answers = [Posted(PostedKind.LATER, "no answer", unsure=True)]
    await world.passes(1)
    world.host.shows = True
    world.start()
    await world.passes(30)
    assert (len(world.host.told), world.host.questions) == (1, 1)
    assert world.outbox.letters() == ()


async def test_what_did_not_arrive_before_a_crash_is_told_after_it(world: World) -> None:
    world.commit("a")
    world.converged(1, 2, 3)
    world.host.answers = [Posted(PostedKind.LATER, "no answer", unsure=True)]
    await world.passes(30)
    assert (len(world.host.told), world.host.questions) == (2, 1)


async def test_a_host_that_does_not_say_what_it_shows_is_told_nothing_until_it_does(world: World) -> None:
    world.commit("a")
    world.converged(1, 2, 3)
    world.host.answers = [Posted(PostedKind.LATER, "no answer", unsure=True)]
    world.host.shows = None
    await world.passes(100)
    assert len(world.host.told) == 1
    assert 1 < world.host.questions < 10


async def test_a_host_that_names_a_time_is_left_alone_until_then(world: World) -> None:
    world.commit("a")
    world.converged(1, 2, 3)
    world.host.answers = [Posted(PostedKind.LATER, "slow down", wait=40.0)]
    await world.passes(40)
    assert len(world.host.told) == 1
    await world.passes(2)
    assert len(world.host.told) == 2


async def test_a_host_that_is_down_is_asked_ever_more_rarely(world: World) -> None:
    world.commit("a")
    world.converged(1, 2, 3)
    world.host.answers = [Posted(PostedKind.LATER, "down")] * 1000
    await world.passes(3600)
    assert 8 <= len(world.host.told) <= 14


async def test_a_host_that_turns_us_away_is_said_once_and_tried_now_and_then(world: World) -> None:
    world.commit("a")
    world.converged(1, 2, 3)
    world.host.answers = [Posted(PostedKind.DENIED, "no rights")] * 2
    await world.passes(2000)
    assert len(world.host.told) == 3
    assert [type(each) for each in world.events] == [ReportsHeldUp, ReportsGoOn]


async def test_while_a_host_is_down_only_the_newest_of_a_commit_is_kept(world: World) -> None:
    world.host.answers = [Posted(PostedKind.LATER, "down", wait=100.0)]
    world.commit("a")
    await world.passes(10)
    for number in (1, 2, 3):
        world.converged(number)
        await world.passes(20)
    await world.passes(60)
    assert world.host.states == ["pending", "success"]


async def test_a_report_that_makes_no_sense_to_the_host_is_given_up_and_the_others_go(world: World) -> None:
    world.host.answers = [Posted(PostedKind.SENSELESS, "No commit found")]
    world.commit("a")
    world.converged(1, 2, 3)
    await world.passes(10)
    world.commit("b")
    world.converged(1, 2, 3)
    await world.passes(10)
    assert [each.commit[0] for each in world.host.told] == ["a", "b"]


async def test_a_host_that_takes_no_new_text_is_not_told_one(world: World) -> None:
    world.host.alike = lambda one, other: one.state is other.state
    world.commit("a")
    await world.passes(10)
    world.converged(1)
    await world.passes(60)
    assert world.host.states == ["pending"]
    assert world.outbox.letters() == ()


async def test_one_thing_is_told_at_a_time(world: World) -> None:
    servers = tuple(DesiredServer(Fleet(f"fleet-{number}"), "gpu", "a:1") for number in range(20))
    commit = Commit("a" * 40)
    world.found = InForce(Desired(commit, servers), commit)
    await world.passes(10)
    assert len(world.host.told) == 7


class Broken:
    """An outbox on a disk that is full."""

    def reports(self) -> Sequence[Report]:
        return ()

    def put(self, reports: Sequence[Report], at: float) -> None:
        raise RecordError("The disk is full.")

    def letters(self) -> Sequence[Letter]:
        return ()

    trying = returned = taken = put


async def test_a_record_that_cannot_be_written_is_said_once_and_nothing_is_told(world: World) -> None:
    post = Post(Broken(), world.host, world.clock, lambda: 0.5, world.events.append, at_once)  # type: ignore[arg-type]  # only `put` is called
    world.commit("a")
    reporting = Reporting(world, post)
    for _ in range(3):
        with pytest.raises(RecordError):
            await reporting.turn()
    assert world.host.told == []


async def test_a_clock_that_is_set_back_does_not_silence_what_waits(world: World) -> None:
    world.commit("a")
    await world.passes(1)
    world.clock.at -= 86_400.0
    await world.passes(2)
    assert world.host.states == ["pending"]


async def test_a_clock_that_is_set_back_does_not_prolong_a_pause(world: World) -> None:
    world.commit("a")
    world.host.answers = [Posted(PostedKind.LATER, "down", 60.0)]
    await world.passes(10)
    world.clock.at -= 86_400.0
    await world.passes(2)
    assert world.host.states == ["pending", "pending"]


async def test_a_service_of_many_commits_forgets_the_oldest_and_never_the_present_one(world: World) -> None:
    post = Post(world.outbox, world.host, world.clock, lambda: 0.5, world.events.append, at_once, remembered=3)
    world.reporting = Reporting(world, post)
    for name in "abcdef":
        world.commit(name, servers=1)
        world.converged(1)
        await world.reporting.turn()
    assert [commit[0] for commit, _ in world.reporting._known or ()] == ["d", "e", "f"]
