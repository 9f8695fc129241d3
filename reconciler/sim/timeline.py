"""What happened in a simulated world, as lines: one per commit, pass, answer, outcome, hold and fault.

Used by `World`. Meant for the eye and for golden files: times are optional, wording is short and stable.
"""

from collections.abc import Iterator
from functools import singledispatch

from reconciler.loop import events
from reconciler.sim.virtualtime import EPOCH
from reconciler.state.memory import AnswerKind
from reconciler.state.plan import Action, Hold


class Timeline:
    """Lines with their times, in order; and the errors that lanes met."""

    def __init__(self) -> None:
        self.lines: list[tuple[float, str]] = []
        self.troubles: list[events.LaneTrouble] = []

    def hear(self, event: events.Event) -> None:
        """Write down an event of the loop."""
        if isinstance(event, events.LaneTrouble):
            self.troubles.append(event)
        self.lines.extend((event.at - EPOCH, line) for line in said(event))

    def note(self, at: float, text: str) -> None:
        """Write down something that the world did."""
        self.lines.append((at, text))

    def clear(self) -> None:
        """Begin anew: what led here is not of the story."""
        self.lines.clear()

    def text(self, *, times: bool = True) -> str:
        """All lines, with or without their times in seconds."""
        return "".join(f"{at:9.3f}  {line}\n" if times else f"{line}\n" for at, line in self.lines)


@singledispatch
def said(event: object) -> Iterator[str]:
    """An event as lines; what is not registered is not worth one."""
    yield from ()


@said.register
def _(event: events.CommitInForce) -> Iterator[str]:
    yield f"commit {event.commit.id} in force"


@said.register
def _(event: events.SourceTrouble) -> Iterator[str]:
    yield f"repository: {event.kind}: {event.message}"


@said.register
def _(_event: events.SourceRecovered) -> Iterator[str]:
    yield "repository: well again"


@said.register
def _(event: events.SourceRenewed) -> Iterator[str]:
    yield f"repository: {event.message}"


@said.register
def _(event: events.ServerLetGo) -> Iterator[str]:
    yield f"{_short(event.server)}  let go"


@said.register
def _(event: events.PassSent) -> Iterator[str]:
    body = event.intent.body
    deeds = ", ".join(deed(action) for action in body.actions)
    yield f"{_short(event.intent.server)}  {body.kind.value}: {deeds or 'the same config once more'}"


@said.register
def _(event: events.ChecksBegun) -> Iterator[str]:
    yield f"{_short(event.intent.server)}  checks: {', '.join(deed(action) for action in event.intent.body.actions)}"


@said.register
def _(event: events.PassAnswered) -> Iterator[str]:
    answer = event.sent.answer
    if answer.kind is not AnswerKind.ACCEPTED:
        yield f"{_short(event.sent.intent.server)}  answer: {answer.kind.value}: {answer.message}"


@said.register
def _(event: events.OutcomeSeen) -> Iterator[str]:
    outcome = event.outcome
    said_so = f" ({outcome.evidence})" if outcome.kind.value != "Done" else ""
    yield f"{_short(event.server)}  {deed(outcome.action)}: {outcome.kind.value}{said_so}"


@said.register
def _(event: events.HoldsChanged) -> Iterator[str]:
    for hold in event.appeared:
        if not hold.progressing:
            yield f"{_short(event.server)}  held {_named(hold)}"
    for hold in event.released:
        if not hold.progressing:
            yield f"{_short(event.server)}  released {_named(hold)}"


@said.register
def _(event: events.ServerStateChanged) -> Iterator[str]:
    state = event.standing.value if event.reach.answers else event.reach.kind.value
    yield f"{_short(event.server)}  is {state}"


@said.register
def _(event: events.ServerConverged) -> Iterator[str]:
    yield f"{_short(event.server)}  converged on {event.commit}"


@said.register
def _(event: events.LaneTrouble) -> Iterator[str]:
    yield f"{_short(event.server)}  {event.reaction}: {event.message}"


@said.register
def _(event: events.BotCommitted) -> Iterator[str]:
    where = f" on branch {event.branch}" if event.branch else ""
    yield f"bot {event.bot} of {event.document}: commit {event.commit}{where}: {event.words}"


@said.register
def _(event: events.BotWaits) -> Iterator[str]:
    yield f"bot {event.bot} of {event.document} leaves it to a person: {event.reason}"


@said.register
def _(event: events.BotTrouble) -> Iterator[str]:
    yield f"bot of {event.document}: {event.reason}: {event.message}"


def deed(action: Action) -> str:
    """An action in a few words."""
    what = action.model
    if action.label is not None:
        what += f":{action.label}"
        if action.before is not None:
            what += f" {action.before}"
        if action.version is not None:
            what += f" → {action.version}"
    elif action.version is not None:
        what += f" {action.version}" + (f" {action.check}" if action.check else "")
    return f"{action.kind.value} {what}"


def _named(hold: Hold) -> str:
    parts = [hold.model, str(hold.version or ""), hold.label or ""]
    return " ".join([hold.reason.value, *(part for part in parts if part)])


def _short(server: str) -> str:
    return server.rpartition("/")[2]
