"""Questions that left for the owner and have no answer yet.

The owner loads, frees and looks at the disk, in its own time; the thread of the core that asked stands still meanwhile,
with whatever locks it holds, just as a thread of TensorFlow Serving does in a call that takes long. Used by discovery
and loading. Deliberately not here: what is asked (ports, looking).
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Generic, TypeVar

from reconciler.modelserver.core.ports import Effect
from reconciler.modelserver.core.schedule import Gate, Scheduler, Wait

Question = TypeVar("Question", bound=Effect)
Answer = TypeVar("Answer")


class _Slot(Generic[Answer]):
    """Where an answer is put, and who waits for it."""

    __slots__ = ("answer", "gate")

    def __init__(self) -> None:
        self.gate = Gate()
        self.answer: Answer | None = None


class Desk(Generic[Question, Answer]):
    """Hands out questions and passes on their answers, each once."""

    __slots__ = ("_open", "_outbox", "_scheduler")

    def __init__(self, scheduler: Scheduler, outbox: list[Effect]) -> None:
        self._scheduler = scheduler
        self._outbox = outbox
        self._open: dict[Question, _Slot[Answer]] = {}

    def ask(self, question: Question) -> Generator[Wait, None, Answer]:
        """``yield from`` this."""
        slot: _Slot[Answer] = _Slot()
        self._open[question] = slot
        self._outbox.append(question)
        while slot.answer is None:
            yield slot.gate
        return slot.answer

    def answer(self, question: Question, answer: Answer) -> None:
        """The owner's answer; KeyError if that was not asked, or answered before."""
        slot = self._open.pop(question)
        slot.answer = answer
        self._scheduler.open(slot.gate)
