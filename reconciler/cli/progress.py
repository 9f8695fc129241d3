"""What `apply` shows while it works, on stderr: a line per event, and where that is a terminal a spinner with a count.

Given to the loop as its listener.
"""

from types import TracebackType
from typing import Any

from reconciler.cli import output
from reconciler.expose import timeline, words
from reconciler.loop import events
from reconciler.state.memory import AnswerKind


class Progress:
    """A listener of the loop that prints."""

    def __init__(self, servers: int) -> None:
        self._servers = servers
        self._done: set[str] = set()
        self._console = output.stderr()
        self._spinner: Any = None

    def __enter__(self) -> "Progress":
        if self._console.is_terminal:
            self._spinner = self._console.status(self._count())
            self._spinner.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._spinner is not None:
            self._spinner.stop()

    def tell(self, event: events.Event) -> None:
        """Print one event, if it is one that people wait for."""
        if isinstance(event, events.ServerConverged):
            self._done.add(event.server)
        for line in told(event):
            self._console.print(line, soft_wrap=True)
        if self._spinner is not None:
            self._spinner.update(self._count())

    def _count(self) -> str:
        return f"{len(self._done)} of {words.count(self._servers, 'server')} as git says"


def told(event: events.Event) -> list[str]:
    """An event in the words of progress; none for those that nobody waits for."""
    return [*_of_passes(event), *_of_servers(event)]


def _of_passes(event: events.Event) -> list[str]:
    match event:
        case events.PassSent(_, intent) | events.ChecksBegun(_, intent):
            return [f"{intent.server}  {'; '.join(timeline.deeds(intent)) or 'the same config once more'}"]
        case events.PassAnswered(_, sent, _) if sent.answer.kind is not AnswerKind.ACCEPTED:
            return [f"{sent.intent.server}  the server answered {sent.answer.kind}: {sent.answer.message}"]
        case events.OutcomeSeen(_, server, outcome):
            evidence = f": {outcome.evidence}" if outcome.evidence else ""
            deed = timeline.deed_without_config(outcome.action)
            return [f"{server}  {deed}  {words.spaced(outcome.kind)}{evidence}"]
        case _:
            return []


def _of_servers(event: events.Event) -> list[str]:
    match event:
        case events.HoldsChanged(_, server, appeared, _):
            held = [each for each in appeared if not each.progressing]
            return [f"{server}  held, {each.reason}: {each.detail}; released by {each.released_by}" for each in held]
        case events.ServerStateChanged(_, server, reach, _) if not reach.answers:
            return [f"{server}  {words.reach(reach)}"]
        case events.LaneTrouble(_, server, _, message, _):
            return [f"{server}  {message}"]
        case events.ServerConverged(_, server, _):
            return [f"{server}  as git says"]
        case _:
            return []
