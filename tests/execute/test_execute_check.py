"""One check, run: what is asked how often, what passes, what fails, and what is no verdict."""

import asyncio
import itertools
from collections.abc import Callable, Iterator
from typing import TypeVar

import pytest

from reconciler.execute import check
from reconciler.execute.check import MAX_EVIDENCE
from reconciler.sim.process import at_once
from reconciler.sim.storage import USUAL
from reconciler.state.check import Check, CheckDue, CheckKind, CheckResult, CheckVerdict
from reconciler.state.config import ServerConfig
from reconciler.state.inference import Heard, Prediction, Question, Signatures, Tensor
from reconciler.state.look import LabelReading, ModelLook, Page, ProofLook, Reach
from reconciler.state.memory import Answer

T = TypeVar("T")
GOLDEN = Check("golden", request='{"instances": [[1.0]]}', expect='{"predictions": [[1.0]]}')
DRIFT = Check("drift", CheckKind.COMPARE, request='{"instances": [[1.0]]}', against="stable", repetitions=3)
DUE = CheckDue("half", 2, "golden", GOLDEN.digest)
BOTH = CheckDue("half", 2, "drift", DRIFT.digest, against=1)
SAID = Signatures(Heard.ANSWERED, USUAL.signatures)


class Clock:
    def __init__(self, whole: float = 100.0) -> None:
        self._whole = whole

    def now(self) -> float:
        return 42.0

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(0)

    def deadline(self, _seconds: float) -> asyncio.Timeout:
        return asyncio.timeout(self._whole)


class Server:
    """Gives these answers in turn, the last for ever; `proof` is what GetModelMetadata says."""

    def __init__(self, *answers: Prediction, said: Signatures = SAID, there: bool = True, hangs: bool = False) -> None:
        self._answers = answers
        self._said = said
        self._there = there
        self._hangs = hangs
        self.asked: list[tuple[Question, float]] = []

    async def predict(self, question: Question, deadline: float) -> Prediction:
        self.asked.append((question, deadline))
        if self._hangs:
            await asyncio.Event().wait()
        return self._answers[min(len(self.asked), len(self._answers)) - 1]

    async def signatures(self, model: str, version: int) -> Signatures:
        return self._said

    async def page(self) -> Page:
        return Page()

    async def prove(self, model: str, version: int) -> ProofLook:
        return ProofLook(model, version, answered=self._there, unseen="" if self._there else "Connection refused")

    async def reach(self) -> Reach:
        raise NotImplementedError

    async def status(self, model: str) -> ModelLook:
        raise NotImplementedError

    async def read_label(self, model: str, label: str) -> LabelReading:
        raise NotImplementedError

    async def reload(self, config: ServerConfig) -> Answer:
        raise NotImplementedError

    def dropped(self) -> bool:
        return False

    async def close(self) -> None:
        return None


def says(value: float, seconds: float = 0.01) -> Prediction:
    return Prediction(Heard.ANSWERED, (("y", Tensor("float", (1, 1), (value,))),), seconds)


def silent(heard: Heard, detail: str = "why") -> Prediction:
    return Prediction(heard, detail=detail)


async def run(server: Server, asked: Check = GOLDEN, due: CheckDue = DUE) -> CheckResult:
    return await check(server, due, asked, Clock(), at_once)


async def test_an_answer_as_expected_passes_and_says_what_it_showed() -> None:
    server = Server(says(1.0))
    result = await run(server)
    assert (result.due, result.verdict, result.at) == (DUE, CheckVerdict.PASSED, 42.0)
    assert result.evidence == "as expected, no difference; took 10 ms"
    assert server.asked[0][0] == Question("half", 2, "", (("x", Tensor("float", (1, 1), (1.0,))),))


async def test_it_is_asked_as_often_as_the_check_says_and_every_answer_counts() -> None:
    server = Server(says(1.0), says(1.0), says(3.0))
    result = await run(server, Check("g", request=GOLDEN.request, expect=GOLDEN.expect, repetitions=3))
    assert (len(server.asked), result.verdict) == (3, CheckVerdict.FAILED)


def timed(most: float, *times: float) -> tuple[Server, Check]:
    wanted = Check("g", request=GOLDEN.request, expect=GOLDEN.expect, max_latency=most, repetitions=len(times))
    return Server(*(says(1.0, seconds) for seconds in times)), wanted


async def test_one_slow_answer_of_several_is_passed_over() -> None:
    assert (await run(*timed(0.05, 0.9, 0.01, 0.02))).verdict is CheckVerdict.PASSED


async def test_answers_that_are_slow_in_the_middle_fail() -> None:
    result = await run(*timed(0.05, 0.9, 0.06, 0.02))
    assert (result.verdict, result.evidence) == (
        CheckVerdict.FAILED,
        "took 60 ms (median of 3), allowed are 50 ms",
    )


@pytest.mark.parametrize(("most", "deadline"), [(None, 10.0), (0.05, 1.0), (2.0, 8.0)])
async def test_every_call_has_a_deadline(most: float | None, deadline: float) -> None:
    server = Server(says(1.0))
    await run(server, Check("g", request=GOLDEN.request, expect=GOLDEN.expect, max_latency=most))
    assert [seconds for _, seconds in server.asked] == [deadline]


async def test_the_check_as_a_whole_has_a_deadline() -> None:
    result = await check(Server(hangs=True), DUE, GOLDEN, Clock(whole=0.01), at_once)
    assert result.verdict is CheckVerdict.UNANSWERED


async def test_files_and_answers_are_read_and_compared_off_the_event_loop_within_that_deadline() -> None:
    """Where no thread is ever free the loop goes on, and the check ends in time."""

    async def never(call: Callable[[], T]) -> T:
        await asyncio.Event().wait()
        raise AssertionError

    result = await check(Server(says(1.0)), DUE, GOLDEN, Clock(whole=0.01), never)
    assert result.verdict is CheckVerdict.UNANSWERED


async def test_a_late_answer_fails_only_where_a_latency_is_asked_for_and_the_server_is_there() -> None:
    quick = Check("g", request=GOLDEN.request, expect=GOLDEN.expect, max_latency=0.05)
    late = silent(Heard.LATE, "Deadline Exceeded")
    assert (await run(Server(late))).verdict is CheckVerdict.UNANSWERED
    assert (await run(Server(late), quick)).verdict is CheckVerdict.FAILED
    away = await run(Server(late, there=False), quick)
    assert (away.verdict, away.evidence) == (
        CheckVerdict.UNANSWERED,
        "the server does not answer: Connection refused",
    )


async def test_an_error_of_the_version_fails_and_one_of_the_way_does_not() -> None:
    refused = await run(Server(silent(Heard.REFUSED, "No hash table (code 5)")))
    assert (refused.verdict, refused.evidence) == (
        CheckVerdict.FAILED,
        "version 2 answered with an error: No hash table (code 5)",
    )
    assert (await run(Server(silent(Heard.LOST)))).verdict is CheckVerdict.UNANSWERED


async def test_a_version_that_does_not_say_what_it_takes_is_no_verdict() -> None:
    result = await run(Server(says(1.0), said=Signatures(Heard.LOST, detail="Connection refused")))
    assert result.verdict is CheckVerdict.UNANSWERED


async def test_a_request_that_does_not_fit_the_version_fails() -> None:
    asked = Check("g", request='{"instances": ["a"]}', expect=GOLDEN.expect)
    result = await run(Server(says(1.0)), asked)
    assert result.verdict is CheckVerdict.FAILED
    assert (
        result.evidence == "the request does not fit version 2: value 0 of input x is 'a', and the version takes float"
    )


async def test_evidence_is_bounded() -> None:
    result = await run(Server(silent(Heard.REFUSED, "x" * 100_000)))
    assert len(result.evidence) == MAX_EVIDENCE


async def test_a_comparison_asks_both_in_turn_and_reports_the_difference() -> None:
    server = Server(says(1.0), says(1.000001))
    result = await run(server, DRIFT, BOTH)
    assert [question.version for question, _ in server.asked] == [1, 2] * 3
    assert result.verdict is CheckVerdict.PASSED
    assert "as version 1, the largest difference is 1e-06 at y[0][0]; took 10 ms (median of 3)" in result.evidence


async def test_a_comparison_that_differs_fails_with_what_the_other_said() -> None:
    result = await run(Server(says(1.0), says(2.0)), DRIFT, BOTH)
    assert result.verdict is CheckVerdict.FAILED
    assert result.evidence.startswith("y[0][0]: expected 1, got 2 (difference 1")
    assert result.evidence.endswith("compared with version 1")


def alternating(old: float, new: float) -> Iterator[Prediction]:
    return itertools.cycle((says(1.0, old), says(1.0, new)))


@pytest.mark.parametrize(
    ("old", "new", "verdict"),
    [
        (0.010, 0.014, CheckVerdict.PASSED),
        (0.010, 0.016, CheckVerdict.FAILED),
        (0.001, 0.005, CheckVerdict.PASSED),
        (0.001, 0.007, CheckVerdict.FAILED),
    ],
)
async def test_a_slowdown_counts_beyond_its_factor_and_beyond_noise(
    old: float, new: float, verdict: CheckVerdict
) -> None:
    slower = Check("d", CheckKind.COMPARE, request=DRIFT.request, against="stable", max_slowdown=1.5, repetitions=3)
    server = Server(*itertools.islice(alternating(old, new), 6))
    assert (await run(server, slower, BOTH)).verdict is verdict


async def test_an_error_of_the_version_compared_with_is_no_verdict_on_the_new_one() -> None:
    result = await run(Server(silent(Heard.REFUSED, "broken")), DRIFT, BOTH)
    assert (result.verdict, result.evidence) == (CheckVerdict.UNANSWERED, "version 1: broken")
