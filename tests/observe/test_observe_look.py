"""One look: every answer kept, whatever fails, and no more asked than is needed."""

import asyncio
from collections.abc import Callable

from reconciler import observe
from reconciler.state.config import ServerConfig
from reconciler.state.desired import Deadlines, DesiredServer, Fleet
from reconciler.state.export import Export
from reconciler.state.inference import Prediction, Question, Signatures
from reconciler.state.look import (
    LabelKind,
    LabelReading,
    Look,
    ModelLook,
    Page,
    PathFacts,
    Presence,
    ProofLook,
    Questions,
    Reach,
    ReachKind,
    VersionFiles,
)
from reconciler.state.memory import Answer

SERVER = DesiredServer(Fleet("f", deadlines=Deadlines(status=0.01)), "s", "here:8500")
ALL = Questions(("a", "b", "c"), (("a", "stable"), ("b", "stable")), (("a", 1),), ("/models/a", "/models/b"))


class Clock:
    def now(self) -> float:
        return 42.0

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    def deadline(self, seconds: float) -> asyncio.Timeout:
        return asyncio.timeout(seconds)


class Server:
    """Answers everything; what it does wrong is told by `fails`, and by what `reach` gives."""

    def __init__(self, reach: Reach | None = None, fails: Callable[[str], str] = lambda _: "") -> None:
        self.reached = reach or Reach()
        self.fails = fails
        self.asked = 0
        self.at_once = 0
        self.most_at_once = 0
        self.hang: set[str] = set()

    async def _answer(self, what: str) -> str:
        self.asked += 1
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        await asyncio.sleep(0)
        if what in self.hang:
            await asyncio.Event().wait()
        self.at_once -= 1
        return self.fails(what) or ("" if self.reached.answers else self.reached.detail)

    async def reach(self) -> Reach:
        return self.reached

    async def status(self, model: str) -> ModelLook:
        return ModelLook(model, unseen=await self._answer(model))

    async def read_label(self, model: str, label: str) -> LabelReading:
        await self._answer(f"{model}.{label}")
        return LabelReading(LabelKind.RESOLVES, 1)

    async def page(self) -> Page:
        return Page()

    async def prove(self, model: str, version: int) -> ProofLook:
        return ProofLook(model, version, answered=not await self._answer(f"{model}/{version}"))

    async def reload(self, config: ServerConfig) -> Answer:
        raise AssertionError("a look changes nothing")

    async def signatures(self, model: str, version: int) -> Signatures:
        raise NotImplementedError

    async def predict(self, question: Question, deadline: float) -> Prediction:
        raise NotImplementedError

    def dropped(self) -> bool:
        return True

    async def close(self) -> None:
        return None


class Store:
    def __init__(self) -> None:
        self.hangs = False

    async def facts(self, server: DesiredServer, base_path: str) -> PathFacts:
        if self.hangs:
            await asyncio.Event().wait()
        return PathFacts(base_path, Presence.SEEN, (VersionFiles(1), VersionFiles(2, lacks=("saved_model.pb",))))

    async def export(self, server: DesiredServer, base_path: str, version: int) -> Export:
        if self.hangs:
            await asyncio.Event().wait()
        return Export(base_path, version)


async def looked(server: Server, questions: Questions = ALL, store: Store | None = None) -> Look:
    return await observe.look(server, store or Store(), SERVER, questions, Clock())


async def test_everything_asked_is_answered_in_order() -> None:
    look = await looked(Server())
    assert (look.server, look.at, look.reach.answers, look.channel_dropped) == ("f/s", 42.0, True, True)
    assert tuple(each.model for each in look.models) == ALL.models
    assert tuple((each.model, each.label) for each in look.labels) == ALL.labels
    assert tuple((each.model, each.version) for each in look.proofs) == ALL.proofs
    assert tuple(each.base_path for each in look.paths) == ALL.paths


async def test_nothing_is_asked_twice() -> None:
    server = Server()
    await looked(server)
    assert server.asked == 6


async def test_silent_server_is_asked_one_question() -> None:
    server = Server(Reach(ReachKind.UNREACHABLE, "refused"))
    look = await looked(server)
    assert (look.reach.kind, look.models, server.asked) == (ReachKind.UNREACHABLE, (), 1)
    assert len(look.paths) == 2


async def test_one_unanswered_status_leaves_the_rest() -> None:
    look = await looked(Server(fails=lambda what: "too slow" if what == "b" else ""))
    assert [each.unseen for each in look.models] == ["", "too slow", ""]


async def test_first_status_alone_without_answer_is_asked_again_with_the_rest() -> None:
    look = await looked(Server(fails=lambda what: "too slow" if what == "a" else ""))
    assert look.reach.answers
    assert [each.unseen for each in look.models] == ["too slow", "", ""]


async def test_hanging_client_ends_with_the_deadline_of_the_look() -> None:
    server = Server()
    server.hang = {"b"}
    look = await looked(server)
    assert look.reach.answers
    assert [bool(each.unseen) for each in look.models] == [False, True, False]


async def test_client_that_never_answers_is_slow() -> None:
    server = Server()
    server.hang = {"a"}
    assert (await looked(server)).reach.kind is ReachKind.SLOW


async def test_hanging_storage_is_unseen_and_holds_up_no_status() -> None:
    store = Store()
    store.hangs = True
    look = await looked(Server(), store=store)
    assert {each.presence for each in look.paths} == {Presence.UNSEEN}
    assert all(not each.unseen for each in look.models)


async def test_questions_in_flight_are_bounded() -> None:
    server = Server()
    look = await looked(server, Questions(tuple(f"m{number:03}" for number in range(200))))
    assert len(look.models) == 200
    assert 1 < server.most_at_once <= 16


async def test_no_models_to_ask_still_tells_whether_anybody_is_there() -> None:
    assert (await looked(Server(Reach(ReachKind.NOT_SERVING)), Questions())).reach.kind is ReachKind.NOT_SERVING


async def test_cancelling_a_look_leaves_no_question_behind() -> None:
    server = Server()
    server.hang = {"b", "c"}
    task = asyncio.create_task(looked(server))
    await asyncio.sleep(0.001)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert task.cancelled()
    assert len(asyncio.all_tasks()) == 1


EXPORTS = Questions(paths=("/models/half",), exports=(("/models/half", 1), ("/models/half", 2), ("/models/half", 3)))


async def test_exports_are_read_of_versions_that_are_complete() -> None:
    look = await looked(Server(), EXPORTS)
    assert look.exports == (Export("/models/half", 1),)


async def test_exports_below_a_path_that_is_not_looked_at_again_are_read_as_asked() -> None:
    look = await looked(Server(), Questions(exports=(("/models/half", 2),)))
    assert look.exports == (Export("/models/half", 2),)


async def test_storage_that_hangs_costs_the_exports_and_not_the_look() -> None:
    store = Store()
    store.hangs = True
    look = await looked(Server(), Questions(exports=(("/models/half", 1),)), store)
    assert (look.exports, look.reach.answers) == ((), True)
