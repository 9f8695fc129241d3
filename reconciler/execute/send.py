"""Send one pass: judge it once more, write the intent, reload, write the answer.

Called by a lane (`loop/`) with the first pass of a plan and the very observation it was made from. There is no `await`
between the intent and the start of the RPC, and none between its end and the answer's record: a crash or a
cancellation leaves either nothing, or an intent with its reload outstanding in the memory, which is how the next
observation begins. What cannot be recorded is not done.
Deliberately not here: deciding anything about the pass; waiting for its effect (settle, by observation).
"""

from collections.abc import Callable
from dataclasses import dataclass

from reconciler import belief, invariants
from reconciler.errors import InvariantBroken
from reconciler.ports import Clock, Ledger, ServingClient
from reconciler.state.desired import Commit, DesiredServer
from reconciler.state.memory import AnswerKind, Memory
from reconciler.state.observed import Observed
from reconciler.state.outcome import Intent, Outcome, OutcomeKind, Sent
from reconciler.state.plan import Pass


@dataclass(frozen=True, slots=True)
class Errand:
    """One pass to be sent: for which commit and server, and the observation and memory that it was planned from."""

    commit: Commit
    server: DesiredServer
    observed: Observed
    memory: Memory
    body: Pass


@dataclass(frozen=True, slots=True)
class Sending:
    """What sending brought: the intent with its answer, and what is remembered now."""

    sent: Sent
    memory: Memory


def unheard(_intent: Intent) -> None:
    """For callers that need not know when a pass leaves."""


async def send(
    errand: Errand,
    client: ServingClient,
    ledger: Ledger,
    clock: Clock,
    leaving: Callable[[Intent], None] = unheard,
) -> Sending:
    """Send the pass and record what was answered; `leaving` is told the intent when it is written.

    Raises:
        InvariantBroken: the pass violates an invariant; nothing was written or sent.
        RecordError: before the RPC, nothing was sent; after it, the reload stays outstanding in the record.
        CancelledError: while the RPC ran; the reload stays outstanding in the record.
    """
    judge(errand)
    now = clock.now()
    outstanding = belief.sending(errand.server, errand.memory, errand.body, now)
    intent = ledger.intend(now, errand.commit, errand.server.id, errand.body, outstanding)
    leaving(intent)
    answer = await client.reload(errand.body.config)
    at = clock.now()
    memory = belief.answered(errand.server, outstanding, answer, at)
    sent = Sent(intent, answer, at)
    ledger.answered(sent, memory)
    if answer.kind is AnswerKind.REFUSED:
        ledger.settle(refusals(intent, answer.message, at))
    return Sending(sent, memory)


def judge(errand: Errand) -> None:
    """Hold the pass against every invariant, on the observation it was planned from; raises InvariantBroken."""
    broken = invariants.check_pass(errand.server, errand.observed, errand.body, prunes_all=errand.commit.prunes_all)
    if broken:
        said = "\n".join(f"  {each.rule} {each.model or '(server)'}: {each.message}" for each in broken)
        raise InvariantBroken(
            f"{errand.server.id}: pass {errand.body.number} of commit {errand.commit.short} was not sent, because it "
            f"violates what every pass must satisfy:\n{said}\n"
            "This is a bug of the reconciler; the server is left as it is. Please report it with the output of "
            "`reconciler plan -o json`. This server is not touched again until git asks for something else."
        )


def refusals(intent: Intent, words: str, at: float) -> tuple[Outcome, ...]:
    """Every action of an intent whose reload was turned down, with the server's words."""
    return tuple(Outcome(intent.id, action, OutcomeKind.REFUSED, at, words) for action in intent.body.actions)
