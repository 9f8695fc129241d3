"""The bots' task, beside the lanes: asks `propose` what is to be committed, has it made and pushed, keeps it on record.

Started only where the service was given consent (`run --bots`), and then only for models that ask. One commit at a time
for the whole repository: made in the mirror, noted, pushed forwards only, noted again. A process killed at any point of
that leaves either nothing, or a commit that the next one finds noted and pushes; and a push that a person's came before
is refused by the remote, and decided anew from the new head.
Deliberately not here: what is decided (propose), texts and git (`Hands`), what errors mean (reactions).
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Protocol

from reconciler import propose
from reconciler.errors import BranchMoved, PushRefused, RevisionRefused
from reconciler.loop import reactions
from reconciler.loop.botbook import BotBook
from reconciler.loop.events import BotCommitted, BotTrouble, BotWaits
from reconciler.loop.service import Service
from reconciler.loop.sights import Places, Sight, places, sights
from reconciler.loop.tools import Tools
from reconciler.propose import Chapter, Facts, Made, Proposal, State, Waiting
from reconciler.state.desired import Desired

EVERY = 1.0
"""Seconds between two glances at what has failed."""
ALL_EVERY = 5.0
"""Seconds between two looks at every model that asks for bots: nothing of it is urgent but failures."""
UNMADE_PAUSE = 600.0
"""Seconds until what could not be made is tried again where nothing says when."""
OVERTAKEN_PAUSE = 5.0
"""Seconds for which nothing is tried for a model after a person's push came first: its head is fetched meanwhile."""


class Hands(Protocol):
    """The repository as bots use it. Its calls block; they are made off the event loop, one at a time."""

    def history(self, head: str, documents: frozenset[str]) -> Mapping[str, Sequence[Chapter]]:
        """The chapters of these models, newest first, from a commit back. Raises SourceError."""
        ...

    def write(self, proposal: Proposal, head: str) -> str:
        """Make the proposal's commit on top of `head` in the mirror; its id. Nothing is pushed.

        Raises:
            RevisionRefused: it cannot be made, or the documents would not be valid.
            SourceError: the mirror cannot be used.
        """
        ...

    def push(self, commit_id: str, branch: str) -> None:
        """Push it onto the followed branch ("") or onto its own. Raises as `ports.Revisions.push`."""
        ...


class Bots:
    """Every bot of every model. `said`: what they had to say at the last look, by model."""

    def __init__(self, service: Service, tools: Tools, hands: Hands | None) -> None:
        """With `hands` None nothing is ever committed; who asks for it is only told so."""
        self._service = service
        self._tools = tools
        self._hands: Hands = hands if hands is not None else _Tied()
        self._may_commit = hands is not None
        self._book = BotBook(tools.ledger)
        self._head = ""
        self._chapters: dict[str, Sequence[Chapter]] = {}
        self._places: tuple[Desired | None, Places] = (None, {})
        self._unmade: dict[str, Waiting] = {}
        self._all_at = 0.0
        self._errors: defaultdict[str, int] = defaultdict(int)
        self._told: dict[str, tuple[str, str]] = {}
        self._paused: dict[str, float] = {}
        self._names: dict[str, str] = {}
        self.said: dict[str, tuple[Proposal | Waiting, ...]] = {}

    async def run(self) -> None:
        """Look and act until cancelled; no error ends it."""
        while True:
            pause = EVERY
            try:
                await self.look()
                self._errors.pop("", None)
            except Exception as error:  # whatever it is, `reactions` words it
                pause = self._trouble("", error)
            await self._tools.clock.sleep(pause)

    async def look(self) -> None:
        """One look at what has failed, or, when that is due, at everything; and what follows from it."""
        desired, now = self._service.desired, self._tools.clock.now()
        if desired is None:
            return
        self._take_up(desired)
        everything = now >= self._all_at
        found = sights(desired.commit.id, self._places[1], self._service.lanes.lanes)
        if everything:
            self._all_at = now + ALL_EVERY
            self.said = {}
        if not self._may_commit:
            self._say_that_nothing_is_committed(everything=everything)
            return
        acted = False
        for sight in (each for each in found if everything or each.failed):
            said = await self._decided(desired, sight, now)
            self.said[sight.model.document] = said
            self._tell(sight.model.document, said)
            if not acted:  # the next one is decided from the head that this one makes
                acted = await self._act(sight, desired, said)
        await self._notice(desired, found)
        if everything or acted:
            self._names |= {sight.model.document: sight.model.name for sight in found}
            self._book.publish(self.said, self._names)

    def _take_up(self, desired: Desired) -> None:
        """Forget what was of another head."""
        if self._places[0] is not desired:
            self._places = (desired, places(desired))
        if self._head != desired.commit.id:
            self._head, self._chapters = desired.commit.id, {}

    def _say_that_nothing_is_committed(self, *, everything: bool) -> None:
        """For `explain`: somebody may wait for a commit that will never come."""
        if everything:
            models = {document: group[0][1] for document, group in self._places[1].items()}
            self.said = {document: propose.muted(model) for document, model in models.items()}
            self._book.publish(self.said, {document: model.name for document, model in models.items()})

    async def _notice(self, desired: Desired, found: Sequence[Sight]) -> None:
        """Have the statuses say of every model that its spec was taken back, while git still asks for it."""
        for sight in found:
            document, notice = sight.model.document, None
            made = next((each for each in self._book.made(document) if each.bot is propose.Bot.ROLLBACK), None)
            if sight.failed and made is not None:
                chapters = await self._history(desired, document)
                notice = propose.notice(made) if chapters and chapters[0].first.id == made.of else None
            if self._tools.notices.get(document) != notice:
                self._tools.notices[document] = notice
                sight.wake()

    async def _history(self, desired: Desired, document: str) -> Sequence[Chapter]:
        """The chapters of a model, read once per head, and only where something depends on them."""
        if document not in self._chapters:
            hands, head = self._hands, desired.commit.id
            found = await self._tools.offload(lambda: hands.history(head, frozenset({document})))
            self._chapters[document] = found.get(document, ())
        return self._chapters[document]

    async def _decided(self, desired: Desired, sight: Sight, now: float) -> tuple[Proposal | Waiting, ...]:
        """What bots have to say of a model; its history is read where they ask for it."""
        document = sight.model.document
        known = tuple(self._chapters.get(document, ()))
        made, unsettled = self._book.made(document), self._unsettled(desired)
        facts = Facts(sight.model, desired.commit, sight.stands(), known, now, made, unsettled)
        said = propose.decide(facts)
        if document not in self._chapters and any(_unread(each) for each in said):
            history = tuple(await self._history(desired, document))
            said = propose.decide(replace(facts, chapters=history))
        unmade = self._unmade.get(document)
        if unmade is None or now >= self._paused.get(document, 0.0):
            return said
        return tuple(unmade if isinstance(each, Proposal) and each.bot is unmade.bot else each for each in said)

    def _unsettled(self, desired: Desired) -> str:
        answer = self._service.in_force
        if answer.trouble is not None:
            return f"the repository is in trouble ({answer.trouble.reason}), and bots wait until it is well"
        if answer.head is None:
            return "the repository was not asked yet since the start"
        if answer.head.id != desired.commit.id:
            return f"the newest commit {answer.head.short} is not in force"
        return ""

    async def _act(self, sight: Sight, desired: Desired, said: Sequence[Proposal | Waiting]) -> bool:
        """Carry out the first proposal; whether a commit was tried."""
        proposal = next((each for each in said if isinstance(each, Proposal)), None)
        document, now = sight.model.document, self._tools.clock.now()
        if proposal is None or now < self._paused.get(document, 0.0) or self._service.desired is not desired:
            return False
        try:
            await self._carry_out(self._with_deployment(proposal, sight), desired.commit.id)
            self._errors.pop(document, None)
            self._unmade.pop(document, None)
        except BranchMoved:  # a person's push came first; what they pushed decides what is to be done
            self._paused[document] = now + OVERTAKEN_PAUSE
        except Exception as error:  # whatever it is, `reactions` words it
            pause = self._trouble(document, error)
            self._paused[document] = now + pause
            words = f"its commit could not be made or pushed: {error}"
            self._unmade[document] = Waiting(
                proposal.bot, document, type(error).__name__, words, now + pause, stuck=True
            )
        self._service.trigger()
        return True

    def _with_deployment(self, proposal: Proposal, sight: Sight) -> Proposal:
        """With the id of the deployment that is taken back: that of its first line in the ledger."""
        if proposal.bot is not propose.Bot.ROLLBACK:
            return proposal
        lines = self._tools.ledger.entries(model=sight.model.name)
        first = next((each for each in lines if each.commit == proposal.of.id), None)
        return replace(proposal, deployment=f"d{first.id}") if first is not None else proposal

    async def _carry_out(self, proposal: Proposal, head: str) -> None:
        hands, now = self._hands, self._tools.clock.now()
        commit = proposal.resume
        if not commit:
            commit = await self._tools.offload(lambda: hands.write(proposal, head))
        made = Made(
            proposal.bot, proposal.key, commit, proposal.of.id, head, proposal.branch, State.MADE, now, proposal.reason
        )
        self._book.keep(proposal.document, made)
        try:
            await self._tools.offload(lambda: hands.push(commit, proposal.branch))
        except PushRefused as error:
            self._book.keep(proposal.document, made, State.REFUSED, str(error))
            raise
        except BranchMoved:
            if not proposal.branch:
                raise
            # The branch bears the name of this very thing: it was proposed before, and a person may have worked on it.
        self._book.keep(proposal.document, made, State.PUSHED)
        where = (proposal.document, commit, proposal.branch, proposal.reason)
        self._tools.tell(BotCommitted(self._tools.clock.now(), proposal.bot, *where))

    def _tell(self, document: str, said: Sequence[Proposal | Waiting]) -> None:
        """Tell, once, of what needs a person because something failed."""
        first = next((each for each in said if isinstance(each, Waiting) and each.stuck), None)
        words = (first.reason, first.words) if first is not None else ("", "")
        if first is not None and self._told.get(document) != words:
            self._tools.tell(BotWaits(self._tools.clock.now(), first.bot, document, *words))
        self._told[document] = words

    def _trouble(self, document: str, error: Exception) -> float:
        self._errors[document] += 1
        response = reactions.respond(error, self._errors[document])
        pause = max(EVERY, UNMADE_PAUSE if response.pause is None else response.pause)
        self._tools.tell(BotTrouble(self._tools.clock.now(), document, response.reason, response.message, pause))
        return pause


class _Tied:
    """Hands of a service without consent: whatever asks them to commit is a mistake of ours, and is refused."""

    def history(self, head: str, documents: frozenset[str]) -> Mapping[str, Sequence[Chapter]]:
        """See `Hands`."""
        return {}

    def write(self, proposal: Proposal, _head: str) -> str:
        """See `Hands`."""
        raise RevisionRefused(f"Nothing may be committed for {proposal.document}: the service runs without --bots.")

    def push(self, commit_id: str, _branch: str) -> None:
        """See `Hands`."""
        raise RevisionRefused(f"Commit {commit_id[:10]} may not be pushed: the service runs without --bots.")


def _unread(said: Proposal | Waiting) -> bool:
    return isinstance(said, Waiting) and said.reason == propose.UNREAD
