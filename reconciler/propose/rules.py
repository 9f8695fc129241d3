"""Rules that all bots share: when any may commit at all, and what is on record of the same thing already."""

from dataclasses import replace

from reconciler.propose.facts import Facts, Made, State
from reconciler.propose.proposal import Bot, Proposal, Waiting
from reconciler.state.automation import OnFailure
from reconciler.state.desired import DesiredModel

PAUSE = 60.0
"""Seconds between two commits of one bot for one model; an automatic rollback does not wait for it."""
UNREAD = "HistoryUnread"
"""The reason of a decision that needs the history of the model and has not got it."""
REFUSED_PAUSE = 600.0
"""Seconds after which a push that was refused is tried once more: somebody may have given the rights."""


def muted(model: DesiredModel) -> tuple[Waiting, ...]:
    """What every bot that a model asks for has to say where the service may not commit."""
    asked = {
        Bot.ROLLBACK: model.automation.on_failure is not OnFailure.HOLD,
        Bot.PROMOTION: model.automation.promotion is not None,
        Bot.VERSION: model.automation.discover is not None,
    }
    words = "the Model asks for it, and the service was started without --bots, so that nothing is committed"
    return tuple(Waiting(bot, model.document, "NoConsent", words, stuck=True) for bot, asks in asked.items() if asks)


def not_now(facts: Facts, bot: Bot) -> Waiting | None:
    """Why no bot may commit on top of what is in force."""
    document = facts.model.document
    return Waiting(bot, document, "HeadNotInForce", facts.unsettled) if facts.unsettled else None


def without_history(facts: Facts, bot: Bot) -> Waiting | None:
    """Why nothing can be decided that needs the history of the model; asked last, because reading it takes time."""
    if facts.current is not None:
        return None
    words = "the history of this model could not be read back from the commit in force"
    return Waiting(bot, facts.model.document, UNREAD, words, stuck=True)


def restless(facts: Facts, bot: Bot) -> Waiting | None:
    """Why a commit that is not urgent waits: some server is not as git says, or the last commit is too recent."""
    document = facts.model.document
    if not facts.stands:
        return Waiting(bot, document, "NotPlaced", "no server serves this model", stuck=True)
    for each in facts.stands:
        if each.closed:
            return Waiting(bot, document, "Closed", f"nothing new may begin on {each.server}: {each.closed}")
        if each.since is None:
            return Waiting(bot, document, "NotConverged", f"{each.server} is not as git says ({each.why or 'unknown'})")
    made = facts.last(bot)
    if made is not None and facts.now < made.at + PAUSE:
        words = f"it committed {made.commit[:10]} less than {PAUSE:g} s ago"
        return Waiting(bot, document, "TooSoon", words, made.at + PAUSE)
    return None


def once(facts: Facts, found: Proposal) -> Proposal | Waiting:
    """The proposal, unless the record has the same one already; one that may not have arrived is taken up again."""
    made = facts.last(found.bot)
    if made is None or not _same(made, found):
        return found
    if made.state is State.REFUSED:
        return _refused(facts, found, made)
    if made.state is State.PUSHED and made.branch:
        words = f"commit {made.commit[:10]} on branch {made.branch} proposes it; merge that branch, or delete it"
        return Waiting(found.bot, found.document, "Proposed", words, stuck=True)
    if made.state is State.PUSHED:
        words = f"commit {made.commit[:10]} does it, and is pushed; it is not in force here yet"
        return Waiting(found.bot, found.document, "Pushed", words)
    return replace(found, resume=made.commit) if made.base == facts.head.id else found


def _same(made: Made, found: Proposal) -> bool:
    """Whether the same was committed before. A failed spec has a digest per server, and is taken back once for all."""
    return made.key == found.key or (found.bot is Bot.ROLLBACK and made.of == found.of.id)


def _refused(facts: Facts, found: Proposal, made: Made) -> Proposal | Waiting:
    until = made.at + REFUSED_PAUSE
    if facts.now >= until:
        return replace(found, resume=made.commit) if made.base == facts.head.id else found
    words = f"the remote turned commit {made.commit[:10]} down: {made.words}"
    return Waiting(found.bot, found.document, "PushRefused", words, until, stuck=True)
