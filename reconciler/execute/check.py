"""One check, run: the same question as often as the check says, every answer compared, the middle one timed.

Called by a lane beside its turns. It never raises for what a server does: an answer that is not as it must be fails the
check, no answer at all is no verdict (`Unanswered`), and the lane asks again after a pause. Every call has a deadline,
and the check as a whole has one. The time that counts is the median of the repetitions: it passes over a first answer
that is slow because the graph is cold, and over a hiccup on the way. Deliberately not here: when to ask (plan), and
what follows (plan, belief).
"""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from reconciler.ports import Clock, Offload, ServingClient
from reconciler.state.check import Check, CheckDue, CheckKind, CheckResult, CheckVerdict
from reconciler.state.export import Signature
from reconciler.state.inference import Heard, Named, Prediction, Question
from reconciler.wire import comparing, predictjson
from reconciler.wire.comparing import Comparison

CALL_DEADLINE = 10.0
"""Seconds for one answer where the check names no `maxLatency`."""

LATE_FACTOR = 4.0
"""With a `maxLatency` an answer is awaited that many times as long, so that evidence can say how slow it was."""

LEAST_DEADLINE = 1.0
"""Seconds that every call is given: a network's hiccup is no verdict."""

SLACK = 5.0
"""Seconds for everything about a check that is no Predict."""

NOISE = 0.005
"""Seconds by which a version may always be slower than the one it is compared with: no clock here tells them apart."""

MAX_EVIDENCE = 1000
"""Characters of evidence that are kept."""


async def check(client: ServingClient, due: CheckDue, check: Check, clock: Clock, offload: Offload) -> CheckResult:
    """Run a check on the version that `due` names; files and answers may be large, and are read and compared apart."""
    running = _Running(client, due, check, offload)
    calls = check.repetitions * (2 if check.kind is CheckKind.COMPARE else 1)
    try:
        async with clock.deadline(running.deadline * calls + SLACK):
            ended = await running.run()
    except TimeoutError:
        ended = _Ended(CheckVerdict.UNANSWERED, "its answers did not come within its time")
    return CheckResult(due, ended.verdict, clock.now(), ended.evidence[:MAX_EVIDENCE])


@dataclass(frozen=True, slots=True)
class _Ended:
    verdict: CheckVerdict
    evidence: str


class _EndError(Exception):
    """Ends a check early, with how it ended."""

    def __init__(self, verdict: CheckVerdict, evidence: str) -> None:
        super().__init__(evidence)
        self.ended = _Ended(verdict, evidence)


class _Running:
    """One check while it runs."""

    def __init__(self, client: ServingClient, due: CheckDue, check: Check, offload: Offload) -> None:
        self._offload = offload
        self._client = client
        self._due = due
        self._check = check
        wanted = check.max_latency
        self.deadline = CALL_DEADLINE if wanted is None else max(LEAST_DEADLINE, wanted * LATE_FACTOR)

    async def run(self) -> _Ended:
        """How it ends."""
        try:
            if self._check.kind is CheckKind.COMPARE:
                return await self._compare()
            return await self._expect()
        except _EndError as end:
            return end.ended
        except predictjson.NotPredictJson as problem:  # the files were sound when the commit was taken up
            return _Ended(CheckVerdict.FAILED, f"the expectation cannot be used: {problem}")

    async def _expect(self) -> _Ended:
        expectation = await self._offload(lambda: predictjson.expectation(self._check.expect))
        question = await self._question(self._due.version)
        worst, times = Comparison(), []
        for _ in range(self._check.repetitions):
            answer = await self._ask(question)
            found = await self._offload(partial(comparing.expected, expectation, answer.outputs, self._check.tolerance))
            self._must_not_differ(found)
            worst = max(worst, found, key=lambda each: each.largest)
            times.append(answer.seconds)
        self._must_be_quick(times)
        return _Ended(CheckVerdict.PASSED, f"as expected{_largest(worst)}; {_took(times)}")

    async def _compare(self) -> _Ended:
        """Both versions in turn, so that whatever else the server does burdens both."""
        ours, theirs = await self._question(self._due.version), await self._question(self._due.against)
        worst, times, others = Comparison(), [], []
        for _ in range(self._check.repetitions):
            old, new = await self._ask(theirs), await self._ask(ours)
            found = await self._offload(partial(comparing.alike, new.outputs, old.outputs, self._check.tolerance))
            self._must_not_differ(found)
            worst = max(worst, found, key=lambda each: each.largest)
            times.append(new.seconds)
            others.append(old.seconds)
        self._must_keep_up(times, others)
        text = f"as version {self._due.against}{_largest(worst)}; {_took(times)}, that one {_took(others)}"
        return _Ended(CheckVerdict.PASSED, text)

    async def _question(self, version: int) -> Question:
        said = await self._client.signatures(self._due.model, version)
        if said.heard is not Heard.ANSWERED:
            raise _EndError(CheckVerdict.UNANSWERED, f"version {version} did not say what it takes: {said.detail}")
        try:
            signature, inputs = await self._offload(lambda: _asked(self._check.request, said.signatures))
        except predictjson.NotPredictJson as problem:
            raise _EndError(CheckVerdict.FAILED, f"the request does not fit version {version}: {problem}") from problem
        return Question(self._due.model, version, signature, inputs)

    async def _ask(self, question: Question) -> Prediction:
        answer = await self._client.predict(question, self.deadline)
        if answer.heard is Heard.ANSWERED:
            return answer
        who = f"version {question.version}"
        ours = question.version == self._due.version
        if answer.heard is Heard.LATE and self._check.max_latency is not None:
            await self._must_be_there(question)
            text = f"{who} did not answer within {_ms(self.deadline)}, allowed are {_ms(self._check.max_latency)}"
            raise _EndError(CheckVerdict.FAILED, text)
        if answer.heard is Heard.REFUSED and ours:
            raise _EndError(CheckVerdict.FAILED, f"{who} answered with an error: {answer.detail}")
        raise _EndError(CheckVerdict.UNANSWERED, f"{who}: {answer.detail}")

    async def _must_be_there(self, question: Question) -> None:
        """A server that answers nothing at all is not slow but away."""
        proof = await self._client.prove(question.model, question.version)
        if not proof.answered:
            raise _EndError(CheckVerdict.UNANSWERED, f"the server does not answer: {proof.unseen or 'not loaded'}")

    def _must_not_differ(self, found: Comparison) -> None:
        if found.difference:
            base = f", compared with version {self._due.against}" if self._due.against else ""
            raise _EndError(CheckVerdict.FAILED, f"{found.difference}{base}")

    def _must_be_quick(self, times: Sequence[float]) -> None:
        allowed = self._check.max_latency
        if allowed is not None and statistics.median(times) > allowed:
            raise _EndError(CheckVerdict.FAILED, f"{_took(times)}, allowed are {_ms(allowed)}")

    def _must_keep_up(self, times: Sequence[float], others: Sequence[float]) -> None:
        factor = self._check.max_slowdown
        if factor is None:
            return
        ours, theirs = statistics.median(times), statistics.median(others)
        if ours > max(theirs * factor, theirs + NOISE):
            text = (
                f"{_took(times)}, and version {self._due.against} {_took(others)}: more than {factor:g} times as long"
            )
            raise _EndError(CheckVerdict.FAILED, text)


def _asked(text: str, signatures: tuple[Signature, ...]) -> tuple[str, Named]:
    """The signature that a request is for, and its inputs with the types that the version names."""
    body = predictjson.request(text)
    return body.signature, predictjson.inputs(body, predictjson.chosen(body, signatures))


def _largest(found: Comparison) -> str:
    if not found.largest:
        return ", no difference"
    return f", the largest difference is {found.largest:.6g} at {found.where}"


def _took(times: Sequence[float]) -> str:
    middle = _ms(statistics.median(times))
    return f"took {middle}" if len(times) == 1 else f"took {middle} (median of {len(times)})"


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:.3g} ms" if seconds < 1 else f"{seconds:.3g} s"
