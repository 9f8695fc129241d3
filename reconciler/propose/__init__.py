"""What the reconciler would commit by itself, and why it does not yet: facts in, a proposal or a reason out.

Called by `loop/bots.py`, which makes the commit of it; promotion is also what `reconciler promote` asks for. Pure, and
level-triggered like planning: every decision is made from the state of all servers, the history of the model's spec and
what is on record of earlier commits, never from an event. So no commit of a bot sets off another bot, a restart forgets
nothing, and whatever a person pushed meanwhile is what counts.

    rollback     a new spec has failed: back to the last good one                     (`onFailure`)
    promotion    one label has stood well for a time: the other goes there, too       (`promotion`)
    discovery    storage holds a new version: a label goes there                      (`discover`)

Deliberately not here: texts of files (revise), git, time.
"""

from reconciler.propose.discovery import discovery
from reconciler.propose.facts import (
    FAILURES,
    Chapter,
    Facts,
    Failed,
    Made,
    Spec,
    Stands,
    State,
    chapters,
    joined,
    spec_of,
    stands,
)
from reconciler.propose.message import Message, message
from reconciler.propose.notices import notice
from reconciler.propose.promotion import moved, promotion
from reconciler.propose.proposal import Bot, Edit, Proposal, Waiting
from reconciler.propose.rollback import rollback
from reconciler.propose.rules import UNREAD, muted

__all__ = [
    "FAILURES",
    "UNREAD",
    "Bot",
    "Chapter",
    "Edit",
    "Facts",
    "Failed",
    "Made",
    "Message",
    "Proposal",
    "Spec",
    "Stands",
    "State",
    "Waiting",
    "chapters",
    "decide",
    "discovery",
    "joined",
    "message",
    "moved",
    "muted",
    "notice",
    "promotion",
    "rollback",
    "spec_of",
    "stands",
]


def decide(facts: Facts) -> tuple[Proposal | Waiting, ...]:
    """What every bot of one model has to say, the most urgent first; nothing where none is asked for.

    Only the first proposal counts: one commit at a time.
    """
    return tuple(found for bot in (rollback, promotion, discovery) if (found := bot(facts)) is not None)
