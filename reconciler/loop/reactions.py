"""What a lane does about an error: the only place that reads `Reaction`.

Pure. Called by lanes and by the service. An error that is not one of ours is a bug of ours and is taken like
InvariantBroken: the lane stops, says so, and goes on only when git asks for something else.
"""

import traceback
from dataclasses import dataclass

from reconciler.errors import Reaction, ReconcilerError, RecordError, StateLocked

FIRST_PAUSE = 0.25
LONGEST_PAUSE = 30.0
RECORD_PAUSE = 5.0


@dataclass(frozen=True, slots=True)
class Response:
    """How to go on: after `pause` seconds; or, with pause None, only when what is wanted changes.

    `reason` and `message` are for the status and the log; `name` is the reaction's.
    """

    name: str
    pause: float | None
    reason: str
    message: str

    @property
    def halted(self) -> bool:
        """Whether nothing goes on by itself."""
        return self.pause is None


def respond(error: Exception, in_a_row: int) -> Response:
    """What to do about an error that ended a turn, the `in_a_row`-th without a good turn between (from 1)."""
    reason = type(error).__name__
    if not isinstance(error, ReconcilerError):
        return Response(Reaction.HALT.value, None, "InternalError", _report(error))
    match error.reaction:
        case Reaction.REPLAN:
            return Response(error.reaction.value, 0.0, reason, str(error))
        case Reaction.RETRY | Reaction.WAIT:
            pause = min(LONGEST_PAUSE, FIRST_PAUSE * 2.0 ** min(in_a_row - 1, 20))
            return Response(error.reaction.value, pause, reason, str(error))
        case Reaction.STALL:
            return Response(error.reaction.value, None, reason, str(error))
        case Reaction.HALT:
            # A record that cannot be written stops everything, but safely so: nothing was done that it does not hold.
            # When the disk has room again, going on is right, and nobody needs to restart anything.
            heals = isinstance(error, RecordError) and not isinstance(error, StateLocked)
            return Response(error.reaction.value, RECORD_PAUSE if heals else None, reason, str(error))


def _report(error: Exception) -> str:
    last = "".join(traceback.format_exception(error)[-3:]).strip()
    return (
        f"an error of the reconciler itself stopped this server's lane; the server is left as it is: {last}\n"
        "Please report it. The lane goes on when git asks for something else, or when the reconciler is restarted."
    )
