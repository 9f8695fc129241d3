"""Lanes, the service that owns them, and the one reader of error reactions.

Called by the compositions (`cli`, `sim`). Deliberately not here: deciding what to send (plan), sending it (execute),
rendering what happened (expose). Nothing here logs: everything of note is an event given to the composition.
"""

from reconciler.loop.applying import Applied, Verdict, apply
from reconciler.loop.bots import Bots, Hands
from reconciler.loop.lane import Lane
from reconciler.loop.lanes import Lanes
from reconciler.loop.schedule import IntervalTimer, Timer
from reconciler.loop.service import Repository, Service
from reconciler.loop.tools import Aim, Bootstrap, Pace, Tools, deaf
from reconciler.ports import Offload

__all__ = [
    "Aim",
    "Applied",
    "Bootstrap",
    "Bots",
    "Hands",
    "IntervalTimer",
    "Lane",
    "Lanes",
    "Offload",
    "Pace",
    "Repository",
    "Service",
    "Timer",
    "Tools",
    "Verdict",
    "apply",
    "deaf",
]
