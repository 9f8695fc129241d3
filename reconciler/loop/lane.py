"""The life of one server: observe → learn → plan → act → observe, alone and for as long as a Fleet lists it.

Owned by `Lanes`. Every turn decides from the whole state of the server, never from what happened before it; what must
be remembered is in the memory that the store keeps. One pass is in flight at most. A newer aim wakes the lane out of
any wait between turns; a reload that is under way is not cut off by it, because its server would go on with it anyway.
Checks run beside the turns, and wake the lane with their results (checking).
Deliberately not here: what to do about errors (reactions), bookkeeping (books), how long to wait (rhythm).
"""

import asyncio
import contextlib
from collections.abc import Collection, Sequence
from dataclasses import replace

from reconciler import belief, execute, observe, windows
from reconciler import plan as planning
from reconciler.errors import Reaction, RecordError
from reconciler.loop import reactions
from reconciler.loop.books import Books
from reconciler.loop.checking import Checking
from reconciler.loop.events import ChecksBegun, LaneTrouble, PassAnswered, PassSent
from reconciler.loop.rhythm import Rhythm
from reconciler.loop.tools import Aim, Tools
from reconciler.state.config import ServerConfig
from reconciler.state.desired import DeliveryMode, DesiredServer
from reconciler.state.look import Look
from reconciler.state.memory import AnswerKind
from reconciler.state.observed import Observed
from reconciler.state.outcome import Status
from reconciler.state.plan import HoldReason, Pass, ServerPlan

REPLAN_AFTER = 1.0
"""Seconds after which a plan that still has work is made anew even if no fact changed: time itself is a fact."""


class Lane:
    """One server's lane. `plan`, `observed` and `statuses` are of the latest turn, for whoever wants to look.

    halted: an error stopped it until it gets another aim. finished: what git wants of the server, when the latest turn
    found nothing on its way towards it and nothing to send; None otherwise.
    """

    def __init__(self, aim: Aim, tools: Tools, told: Sequence[Status] = ()) -> None:
        self._aim = aim
        self._tools = tools
        self._told = told
        self._wake = asyncio.Event()
        self._closing = False
        self._dropped = False
        self._errors = 0
        self._books: Books | None = None
        self._facts: tuple[Aim, Observed] | None = None
        self._rhythm = Rhythm(tools.pace, aim.server.id)
        self._checking = Checking(tools, self._wake.set)
        self._bootstrapped = ServerConfig()
        self._unwritten = ""
        self._forgive: set[str] = set()
        self._tight = False
        self.plan = ServerPlan(aim.server.id)
        self.observed: Observed | None = None
        self.halted = False
        self.finished: DesiredServer | None = None

    @property
    def aim(self) -> Aim:
        """What the lane works towards now."""
        return self._aim

    @property
    def statuses(self) -> Sequence[Status]:
        """What was last told about the server and its models."""
        return self._books.statuses if self._books is not None else self._told

    def aim_at(self, aim: Aim) -> None:
        """Work towards something newer from the next turn on, which begins at once. Aims replace aims."""
        self._aim = aim
        self._wake.set()

    def follow(self, aim: Aim) -> None:
        """Take up another commit that asks the same of this server; nothing is urgent about it."""
        self._aim = aim

    def permitted(self) -> None:
        """Plan anew, at once: what had to wait for other servers may begin."""
        self._facts = None
        self._wake.set()

    def retry(self, models: Collection[str]) -> None:
        """Try these models (servable names) anew, at once: what failed of them before does not count any more."""
        self._forgive |= set(models)
        self._facts = None
        self._wake.set()

    def look_now(self) -> None:
        """End a wait between two turns."""
        self._wake.set()

    def close(self) -> None:
        """End after the turn under way; the server is left as it is."""
        self._closing = True
        self._wake.set()

    def watch(self) -> None:
        """Look at once if the connection broke since this was last asked: a restart must not wait for a timer."""
        answered = self.observed is not None and self.observed.reach.answers and not self.halted
        if answered and self._tools.clients.client(self._aim.server).dropped():
            self._dropped = True
            self._wake.set()

    async def run(self) -> None:
        """Turn after turn until closed."""
        try:
            while not self._closing:
                self._wake.clear()
                aim = self._aim
                try:
                    pause: float | None = await self._turn(aim)
                    self._errors, self.halted = 0, False
                except Exception as error:  # a lane outlives its errors; `reactions` says how
                    pause = self._react(aim, error)
                await self._rest(pause)
        finally:
            await self._checking.end()

    async def _turn(self, aim: Aim) -> float:
        """One look and what follows from it; seconds until the next."""
        books = self._opened(aim)
        if self._forgive:
            books.forgive(self._forgive)
            self._forgive.clear()
        look = await self._look(aim, books)
        books.checked(self._checking.take())
        observed = books.learn(aim, look)
        news = self._is_news(aim, observed)
        if news:
            observed = books.reached(aim, look, observed)
            self.plan = self._planned(aim, observed)
            self._facts = (aim, _timeless(observed))
        books.keep()
        if books.settle(aim, observed) or news:
            books.report(aim, self.plan, observed)
        self.observed = observed
        self._check(aim, books, observed)
        body = self.plan.next_pass
        if body is not None and aim is self._aim and not self._closing:
            await self._send(aim, books, observed, body)
            return 0.0
        # A pass that was not sent because another commit came meanwhile is sent by the next turn, which is due at once.
        moving = body is not None or self._rhythm.is_moving(self.plan, observed) or bool(books.still_open)
        self.finished = None if moving or _waits_its_turn(self.plan) else aim.server
        await self._bootstrap(aim, observed)
        return self._rhythm.pause(self.plan, observed, moving=moving)

    def _check(self, aim: Aim, books: Books, observed: Observed) -> None:
        """Begin the checks that are due and not under way: written down first, as everything is."""
        if aim is not self._aim or self._closing:
            return
        due = self._checking.new(aim, self.plan.checks)
        if due:
            intent = books.checking(aim, planning.check_pass(aim.server, observed, due))
            self._tools.tell(ChecksBegun(intent.at, intent))
            self._checking.begin(aim, due)

    def _planned(self, aim: Aim, observed: Observed) -> ServerPlan:
        """The plan of now, without what may not begin here yet: in a freeze, or where servers take turns."""
        free = planning.plan_server(aim.commit, aim.server, observed)
        permits = self._tools.permits
        self._tight = self._tools.ledger.tight()
        freeze = windows.frozen(aim.server.fleet.windows, observed.at)
        held = planning.guarded(aim.server, observed, free, freeze, tight=self._tight)
        if aim is self._aim and permits.joins(aim.server):
            far = planning.progress(aim.commit, aim.server, observed, free, held)
            held = {**permits.ask(aim.server, far, observed.at), **held}
        return planning.plan_server(aim.commit, aim.server, observed, held) if held else free

    def _opened(self, aim: Aim) -> Books:
        if self._books is None:
            self._books = Books(aim, self._tools, self._told)
            self._told = ()
        return self._books

    async def _look(self, aim: Aim, books: Books) -> Look:
        tools = self._tools
        asked = belief.questions(aim.server, books.memory, tools.clock.now(), aim.labels_age)
        answered = self.observed is None or self.observed.reach.answers
        # A server that is lost costs one question but perhaps its whole deadline: it must not hold a place.
        async with tools.gate if answered else contextlib.nullcontext():
            client = tools.clients.client(aim.server)
            look = await observe.look(client, tools.store, aim.server, asked, tools.clock)
        dropped, self._dropped = self._dropped, False
        return replace(look, channel_dropped=True) if dropped else look

    def _is_news(self, aim: Aim, observed: Observed) -> bool:
        """Whether the plan on hand may no longer be the plan: another aim, other facts, or a time that has come."""
        if self._facts is None or self._facts[0] is not aim or self._facts[1] != _timeless(observed):
            self._rhythm.moved(observed.at)
            return True
        if self._tight != self._tools.ledger.tight():
            return True
        due = self.plan.look_again_at
        if (due is not None and observed.at >= due) or observed.at < self.plan.observed_at:  # a clock may jump back
            return True
        return not self.plan.converged and observed.at >= self.plan.observed_at + REPLAN_AFTER

    async def _send(self, aim: Aim, books: Books, observed: Observed, body: Pass) -> None:
        tools = self._tools
        errand = execute.Errand(aim.commit, aim.server, observed, books.memory, body)
        client = tools.clients.client(aim.server)
        self._facts = None
        sending = await execute.send(
            errand, client, tools.ledger, tools.clock, lambda intent: tools.tell(PassSent(intent.at, intent))
        )
        books.sent(sending.memory)
        sent = sending.sent
        tools.tell(PassAnswered(sent.at, sent, sent.at - sent.intent.at))
        if sent.answer.kind is AnswerKind.REFUSED:
            books.told(aim.server.id, tools.ledger.outcomes(sent.intent.id))

    async def _rest(self, pause: float | None) -> None:
        """Wait that long, or until woken; with None, only until woken."""
        if self._wake.is_set():
            return
        if pause is None:
            await self._wake.wait()
        elif pause > 0:
            with contextlib.suppress(TimeoutError):
                async with self._tools.clock.deadline(pause):
                    await self._wake.wait()

    def _react(self, aim: Aim, error: Exception) -> float | None:
        self._errors += 1
        response = reactions.respond(error, self._errors)
        self._facts, self.halted, self.finished = None, response.halted, None
        trouble = LaneTrouble(self._tools.clock.now(), aim.server.id, response.name, response.message, response.halted)
        self._tools.tell(trouble)
        if response.halted:
            self._tools.permits.lost(aim.server, f"its lane stopped: {response.reason}", trouble.at)
        books = self._books
        # What is remembered here may be ahead of the record, or behind it: the record is what counts.
        self._books = None
        if books is not None:
            self._told = books.statuses
            with contextlib.suppress(RecordError):  # told already, and the record itself may be the trouble
                self._told = books.stopped(aim, response.reason, response.message)
        return response.pause

    async def _bootstrap(self, aim: Aim, observed: Observed) -> None:
        """Keep the file that the server reads at its start in step with what it has proven to load, without labels."""
        delivery, write = aim.server.fleet.delivery, self._tools.bootstrap
        path = delivery.bootstrap_file
        if write is None or path is None or delivery.mode is DeliveryMode.FILE or not self.plan.converged:
            return
        config = _without_labels(observed.sent)
        if observed.outstanding is None and config != self._bootstrapped:
            target = path.replace("{server}", aim.server.name)
            try:
                await self._tools.offload(lambda: write(target, config))
            except OSError as error:
                self._not_written(aim, target, error)
            else:
                self._bootstrapped, self._unwritten = config, ""

    def _not_written(self, aim: Aim, target: str, error: OSError) -> None:
        """Said once; tried again at every look at rest. The server at hand needs no bootstrap file to be healed."""
        said = (
            f"the bootstrap file {target} was not written: {error.strerror or error}; a restart of {aim.server.id} "
            "would begin with what it held before. Make its folder writable, with room; the next try comes by itself"
        )
        if said != self._unwritten:
            self._unwritten = said
            at, name = self._tools.clock.now(), Reaction.RETRY.value
            self._tools.tell(LaneTrouble(at, aim.server.id, name, said, halted=False))


def _waits_its_turn(plan: ServerPlan) -> bool:
    """Whether other servers go first: nothing happens here meanwhile, and yet it is not the end of it."""
    return any(hold.reason is HoldReason.WAVE_TURN and hold.progressing for hold in plan.holds)


def _timeless(observed: Observed) -> Observed:
    """Without the times that every look brings: of the look itself, and of when a doubt held last."""
    doubts = tuple(replace(doubt, seen_at=0.0) for doubt in observed.doubts)
    return replace(observed, at=0.0, doubts=doubts)


def _without_labels(config: ServerConfig) -> ServerConfig:
    return ServerConfig(tuple(replace(model, labels=()) for model in config.models))
