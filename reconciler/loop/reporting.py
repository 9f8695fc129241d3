"""Commit statuses: from what lanes tell to a git host, through the outbox. A task of the service, beside the lanes.

Level-triggered like everything here: each second the statuses of all servers are made reports, what is new goes into
the outbox, and one letter of it to the host. Of each commit and fleet the newest wins; nothing is told twice; a state
that lasts a moment is not told at all. A host that is slow, down, or turns us away delays nothing but its own news.
Deliberately not here: the words (record), the wire (adapters).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from reconciler.errors import RecordError
from reconciler.loop.events import Events, ReportsGoOn, ReportsHeldUp
from reconciler.loop.outbox import Outbox, StatusHost
from reconciler.ports import Clock, Offload
from reconciler.record import reports as wording
from reconciler.source import InForce
from reconciler.source.inforce import Backoff
from reconciler.state.outcome import Status
from reconciler.state.report import Letter, Posted, PostedKind, Report, ReportState

_NO_FLEET = "repository"
"""The fleet of reports on commits that are refused before any was in force."""


@dataclass(frozen=True, slots=True)
class Tempo:
    """How often is looked and told, in seconds.

    every: between two looks, and so between two posts (GitHub asks for a second between requests that change
    something). settle: how long a state must last before it is told. calm: between two texts of one state. denied:
    until the next try after the host turned us away.
    """

    every: float = 1.0
    settle: float = 3.0
    calm: float = 15.0
    denied: float = 900.0
    backoff: Backoff = field(default_factory=lambda: Backoff(first=5.0, longest=900.0))


@dataclass(frozen=True, slots=True)
class Post:
    """What it takes to tell a host: the outbox, the host, time and chance, who listens, how to leave the event loop.

    remembered: reports that are known by heart, those on the present commits apart; the outbox keeps as many.
    """

    outbox: Outbox
    host: StatusHost
    clock: Clock
    chance: Callable[[], float]
    tell: Events
    offload: Offload
    tempo: Tempo = Tempo()
    remembered: int = 1_000


class Watched(Protocol):
    """What is reported on (`Service`, through the composition)."""

    @property
    def found(self) -> InForce:
        """What is in force, and the head where that is not it."""
        ...

    def statuses(self) -> Mapping[str, Sequence[Status]]:
        """By server id, what was told of it last."""
        ...


class Reporting:
    """Reports on one service until cancelled."""

    def __init__(self, watched: Watched, post: Post) -> None:
        self._watched = watched
        self._post = post
        self._known: dict[tuple[str, str], Report] | None = None
        self._failures = 0
        self._not_before = 0.0
        self._pause = 0.0
        self._said = ""

    async def run(self) -> None:
        """Look, and tell, until cancelled. What goes wrong is said once and tried again."""
        while True:
            try:
                await self.turn()
            except RecordError as error:
                self._held_up(str(error))
            except Exception as error:  # whatever it is, it must not end the news without a word
                self._held_up(f"Unexpected error, a bug of the reconciler: {type(error).__name__}: {error}.")
            await self._post.clock.sleep(self._post.tempo.every)

    async def turn(self) -> None:
        """Look once; put what is new into the outbox, and tell at most one thing. Raises RecordError."""
        await self._collect()
        now = self._post.clock.now()
        if 0.0 < self._not_before - now <= self._pause:  # further off only where the clock was set back
            return
        for letter in reversed(await self._post.offload(self._post.outbox.letters)):
            if self._needs_no_telling(letter):
                await self._taken(letter.report, now)
            elif self._is_due(letter, now):
                await self._send(letter)
                return

    # What is to be told

    async def _collect(self) -> None:
        outbox = self._post.outbox
        if self._known is None:
            kept = await self._post.offload(outbox.reports)
            self._known = {(each.commit, each.fleet): each for each in kept}
        known = self._known
        found = self._watched.found
        wanted = [*self._wanted(found), *self._overtaken(found)]
        new = [each for each in wanted if wording.follows(known.get((each.commit, each.fleet)), each)]
        if new:
            now = self._post.clock.now()
            await self._post.offload(lambda: outbox.put(new, now))
            known.update({(each.commit, each.fleet): each for each in new})
            self._forget(known, {each.commit for each in wanted})

    def _forget(self, known: dict[tuple[str, str], Report], needed: set[str]) -> None:
        """Keep what is looked at, and of the past as much as the outbox does: services live for years."""
        for key in list(known)[: max(0, len(known) - self._post.remembered)]:
            if key[0] not in needed:
                del known[key]

    def _wanted(self, found: InForce) -> tuple[Report, ...]:
        desired, head = found.desired, found.head
        wanted = wording.reports(desired, self._watched.statuses()) if desired is not None else ()
        if head is None or not found.problems or (desired is not None and head.id == desired.commit.id):
            return wanted
        fleets = [each.fleet for each in wanted] or [_NO_FLEET]
        reason = found.trouble.reason if found.trouble is not None else "not valid"
        return (*wanted, *wording.refused(head, fleets, reason, found.problems))

    def _overtaken(self, found: InForce) -> list[Report]:
        """Commits that were on their way when the one in force came."""
        if found.desired is None or self._known is None:
            return []
        now = found.desired.commit.id
        pending = [each for each in self._known.values() if each.state is ReportState.PENDING and each.commit != now]
        return [wording.overtaken(each, now) for each in pending]

    # When it is told

    def _needs_no_telling(self, letter: Letter) -> bool:
        """Whether the host shows as much already, or never heard of a commit that is of the past."""
        if letter.taken is None:
            return letter.report.state is ReportState.OVERTAKEN and not letter.tried
        return self._post.host.same(letter.taken, letter.report)

    def _is_due(self, letter: Letter, now: float) -> bool:
        tempo = self._post.tempo
        if letter.taken is not None and letter.taken.state is letter.report.state:
            return abs(now - letter.taken_at) >= tempo.calm
        lasting = letter.report.state in (ReportState.SUCCESS, ReportState.OVERTAKEN)
        return lasting or abs(now - letter.at) >= tempo.settle  # either way: a clock that was set back is no reason

    # Telling it

    async def _send(self, letter: Letter) -> None:
        report, outbox = letter.report, self._post.outbox
        if letter.tried:  # it was sent before, and perhaps arrived: the host knows
            there = await self._post.host.has(report)
            if there is None:
                self._wait(Posted(PostedKind.LATER, "it does not say what it shows"))
                return
            if there:
                await self._arrived(report)
                return
        await self._post.offload(lambda: outbox.trying(report))
        posted = await self._post.host.post(report)
        if posted.kind is PostedKind.TAKEN:
            await self._arrived(report)
            return
        if posted.kind is PostedKind.SENSELESS:
            await self._taken(report, self._post.clock.now())
            self._held_up(posted.message)
            return
        if not posted.unsure:
            await self._post.offload(lambda: outbox.returned(report))
        self._wait(posted)

    async def _arrived(self, report: Report) -> None:
        await self._taken(report, self._post.clock.now())
        self._failures = 0
        if self._said:
            self._said = ""
            self._post.tell(ReportsGoOn(self._post.clock.now()))

    async def _taken(self, report: Report, now: float) -> None:
        await self._post.offload(lambda: self._post.outbox.taken(report, now))

    def _wait(self, posted: Posted) -> None:
        self._failures += 1
        tempo, now = self._post.tempo, self._post.clock.now()
        pause = tempo.backoff.pause(self._failures, self._post.chance())
        if posted.kind is PostedKind.DENIED:
            pause = tempo.denied
        self._pause = posted.wait if posted.wait is not None else pause
        self._not_before = now + self._pause
        self._held_up(posted.message)

    def _held_up(self, message: str) -> None:
        """Say it once: the same trouble is not repeated until something arrived."""
        if message != self._said:
            self._said = message
            self._post.tell(ReportsHeldUp(self._post.clock.now(), message))
