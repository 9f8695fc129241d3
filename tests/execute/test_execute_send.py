"""One pass sent: what is written before, what is written after, and what is never sent."""

import asyncio

import pytest

from reconciler import belief
from reconciler.adapters.clock import SystemClock
from reconciler.errors import InvariantBroken, RecordError
from reconciler.execute import Errand, send
from reconciler.execute.send import Sending
from reconciler.sim.crash import CrashPoint, Killed, Trap
from reconciler.sim.ledger import MemoryLedger, Pages
from reconciler.state.config import ModelConfig, ServerConfig
from reconciler.state.desired import Commit, DesiredModel, DesiredServer, Fleet
from reconciler.state.inference import Prediction, Question, Signatures
from reconciler.state.look import LabelReading, ModelLook, Page, PathFacts, Presence, ProofLook, Reach, VersionFiles
from reconciler.state.memory import Answer, AnswerKind, Standing
from reconciler.state.observed import Observed
from reconciler.state.outcome import OutcomeKind
from reconciler.state.plan import Action, ActionKind, Fact, FactKind, Pass, PassKind
from reconciler.state.versions import specific

SERVER = DesiredServer(
    Fleet("eu"), "gpu-1", "gpu-1:8500", models=(DesiredModel("half", "half", "/models/half", specific(1)),)
)
CONFIG = ServerConfig((ModelConfig("half", "/models/half", specific(1)),))
ADD = Action(ActionKind.ADD_MODEL, "half", 1, leads_to=(Fact(FactKind.AVAILABLE, "half", 1),))
OBSERVED = Observed(
    "eu/gpu-1",
    100.0,
    standing=Standing.RESTARTED,
    paths=(PathFacts("/models/half", Presence.SEEN, (VersionFiles(1, (), 1, "sha256:x"),)),),
)
BODY = Pass(1, PassKind.ADD, (ADD,), CONFIG, specs=(("half", "digest"),))


class Client:
    """A server that answers reloads as told, and remembers them."""

    def __init__(self, answer: Answer | None) -> None:
        self._answer = answer
        self.reloads: list[ServerConfig] = []

    async def reload(self, config: ServerConfig) -> Answer:
        self.reloads.append(config)
        if self._answer is None:
            await asyncio.Event().wait()
        return self._answer or Answer(AnswerKind.NONE)

    async def reach(self) -> Reach:
        return Reach()

    async def status(self, model: str) -> ModelLook:
        raise NotImplementedError

    async def read_label(self, model: str, label: str) -> LabelReading:
        raise NotImplementedError

    async def page(self) -> Page:
        return Page()

    async def prove(self, model: str, version: int) -> ProofLook:
        raise NotImplementedError

    async def signatures(self, model: str, version: int) -> Signatures:
        raise NotImplementedError

    async def predict(self, question: Question, deadline: float) -> Prediction:
        raise NotImplementedError

    def dropped(self) -> bool:
        return False

    async def close(self) -> None:
        return None


def errand(body: Pass = BODY) -> Errand:
    return Errand(Commit("c1"), SERVER, OBSERVED, belief.first_contact(SERVER), body)


async def sent(client: Client, pages: Pages, trap: Trap | None = None, body: Pass = BODY) -> Sending:
    return await send(errand(body), client, MemoryLedger(pages, trap), SystemClock())


async def test_accepted_pass_is_in_force_in_the_memory() -> None:
    pages = Pages()
    sending = await sent(Client(Answer(AnswerKind.ACCEPTED)), pages)
    assert sending.memory.sent == CONFIG
    assert pages.memories["eu/gpu-1"] == sending.memory
    assert pages.answers[1].answer.kind is AnswerKind.ACCEPTED


async def test_refused_pass_settles_its_actions_as_refused() -> None:
    pages = Pages()
    await sent(Client(Answer(AnswerKind.REFUSED, 9, "not currently available")), pages)
    assert [(each.kind, each.evidence) for each in pages.outcomes[1].values()] == [
        (OutcomeKind.REFUSED, "not currently available")
    ]


async def test_pass_without_an_answer_stays_outstanding() -> None:
    pages = Pages()
    sending = await sent(Client(Answer(AnswerKind.NONE, 4, "Deadline Exceeded")), pages)
    assert sending.memory.outstanding is not None
    assert sending.memory.outstanding.names == ("half",)


async def test_pass_that_breaks_an_invariant_is_neither_written_nor_sent() -> None:
    pages, client = Pages(), Client(Answer(AnswerKind.ACCEPTED))
    labelled = ServerConfig((CONFIG.models[0].with_labels({"stable": 1}),))
    with pytest.raises(InvariantBroken, match="eu/gpu-1: pass 1 of commit c1 was not sent"):
        await sent(client, pages, body=Pass(1, PassKind.ADD, (ADD,), labelled))
    assert (pages.intents, client.reloads) == ([], [])


async def test_pass_that_cannot_be_recorded_is_not_sent() -> None:
    pages, client = Pages(full=True), Client(Answer(AnswerKind.ACCEPTED))
    with pytest.raises(RecordError):
        await sent(client, pages)
    assert client.reloads == []


async def test_answer_that_cannot_be_recorded_leaves_the_reload_outstanding() -> None:
    pages = Pages()

    class Filling(Client):
        async def reload(self, config: ServerConfig) -> Answer:
            pages.full = True
            return await super().reload(config)

    with pytest.raises(RecordError):
        await sent(Filling(Answer(AnswerKind.ACCEPTED)), pages)
    memory = pages.memories["eu/gpu-1"]
    assert memory.outstanding is not None


async def test_cancelled_pass_leaves_its_reload_outstanding() -> None:
    pages = Pages()
    task = asyncio.create_task(sent(Client(None), pages))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert pages.memories["eu/gpu-1"].outstanding is not None
    assert MemoryLedger(pages).unsettled("eu/gpu-1")[0][1] == (0,)


async def test_process_killed_before_the_intent_has_written_and_sent_nothing() -> None:
    pages, client, trap = Pages(), Client(Answer(AnswerKind.ACCEPTED)), Trap()
    trap.arm(CrashPoint.BEFORE_INTENT)
    with pytest.raises(Killed):
        await sent(client, pages, trap)
    assert (pages.intents, client.reloads) == ([], [])
