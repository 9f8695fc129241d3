"""Where a reconciler process can be killed, and the trap that does it.

A trap belongs to one process. Once sprung, the process is dead: it can write nothing more, so it can send nothing more.
"""

import enum
from collections.abc import Iterable

from reconciler.state.plan import Action, ActionKind


class CrashPoint(enum.StrEnum):
    """Moments of one pass, and of one commit of a bot, at which a SIGKILL matters."""

    BEFORE_INTENT = "before intent"
    AFTER_INTENT = "after intent"
    RPC_SENT = "RPC sent"
    ANSWERED = "answered"
    ANSWER_WRITTEN = "answer written"
    OUTCOME_SEEN = "outcome seen"
    OUTCOME_WRITTEN = "outcome written"
    COMMIT_MADE = "commit made"
    COMMIT_NOTED = "commit noted"
    COMMIT_PUSHED = "commit pushed"


class Killed(BaseException):
    """The process was killed. Not an Exception: nothing of ours may catch it, as nothing catches a SIGKILL."""


class Trap:
    """Kills its process when a pass with a certain kind of action comes to a certain point."""

    def __init__(self) -> None:
        self.dead = False
        self._armed: tuple[CrashPoint, ActionKind | None] | None = None

    def arm(self, point: CrashPoint, kind: ActionKind | None = None) -> None:
        """Die at that point of the next pass that has such an action; any pass where no kind is given."""
        self._armed = (point, kind)

    def kill(self) -> None:
        """Die now."""
        self.dead = True

    def live(self) -> None:
        """Raise Killed in a process that is dead."""
        if self.dead:
            raise Killed

    def at(self, point: CrashPoint, actions: Iterable[Action]) -> None:
        """Come to a point: raise Killed if the trap is set for it."""
        self.live()
        if self._armed is None or self._armed[0] is not point:
            return
        kind = self._armed[1]
        if kind is None or any(action.kind is kind for action in actions):
            self.dead = True
            raise Killed
