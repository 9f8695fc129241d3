"""Back to the last good spec, once a new one has failed.

The labels are back there already, or never moved: planning falls back to the last good spec of a server on its own.
What is decided here is only whether git shall say so, too. Held back, and said: a revert of a revert, a spec that git
had before (bringing it back was a person's decision), a third one in a row, and a spec with nothing good before it.
"""

from collections.abc import Sequence

from reconciler.propose.facts import Chapter, Facts, Failed, Stands, taken_back
from reconciler.propose.proposal import Bot, Proposal, Waiting, branch_for
from reconciler.propose.rules import not_now, once, without_history
from reconciler.state.automation import OnFailure, Via

HOPS = 2
"""Specs that are taken back one after the other, without one that stayed between them, before a person must look."""
_BOT = Bot.ROLLBACK


def rollback(facts: Facts) -> Proposal | Waiting | None:
    """The commit that takes the spec in force back, why there is none, or None where nothing has failed."""
    chosen = facts.model.automation.on_failure
    failing = [each for each in facts.stands if each.failed is not None]
    if chosen is OnFailure.HOLD or not failing:
        return None
    return _forbidden(facts) or _back(facts, failing, Via.PUSH if chosen is OnFailure.PUSH else Via.BRANCH)


def _forbidden(facts: Facts) -> Waiting | None:
    document = facts.model.document
    waiting = not_now(facts, _BOT) or without_history(facts, _BOT)
    if waiting is not None:
        return waiting
    current, *before = facts.chapters
    by = f"commit {current.first.short} ({current.first.subject})"
    if taken_back(facts.chapters, 0):
        words = f"{by} is an automatic rollback itself, and failed; that is never taken back automatically"
        return Waiting(_BOT, document, "RevertFailed", f"{words}: a person must choose what to serve", stuck=True)
    earlier = next((each for each in before if each.spec == current.spec), None)
    if earlier is not None:
        words = (
            f"{by} brought back a spec that git had until commit {earlier.last.short}: a person wanted it once more, "
            "so a person takes it back (`git revert`, or `reconciler rollback`)"
        )
        return Waiting(_BOT, document, "HadBefore", words, stuck=True)
    if _in_a_row(facts.chapters) >= HOPS:
        words = (
            f"{HOPS} specs in a row were taken back automatically, and {by} failed as well: the next step is a "
            "person's (`reconciler rollback`, or a commit)"
        )
        return Waiting(_BOT, document, "TooManyInARow", words, stuck=True)
    return None


def _in_a_row(chapters: Sequence[Chapter]) -> int:
    count = 0
    while 2 * count + 1 < len(chapters) and taken_back(chapters, 2 * count + 1):
        count += 1
    return count


def _back(facts: Facts, failing: Sequence[Stands], via: Via) -> Proposal | Waiting:
    document = facts.model.document
    known = [(each.server, each.failed) for each in failing if each.failed is not None]
    restored = [each for each in known if each[1].good is not None]
    if not restored:
        server, failed = known[0]
        words = f"{server} has served no spec of this model before that could come back ({failed.evidence})"
        return Waiting(_BOT, document, "NothingGood", words, stuck=True)
    to = next((each for each in facts.chapters[1:] if _served(each, [failed for _, failed in restored])), None)
    if to is None:
        words = "the last good spec is in no earlier commit that was read back"
        return Waiting(_BOT, document, "GoodNotInHistory", words, stuck=True)
    moving = next((server for server, failed in restored if not failed.at_rest), None)
    if moving is not None:
        return Waiting(_BOT, document, "Freezing", f"{moving} is being put back to its last good spec first")
    return once(facts, _proposal(facts, restored, to, via))


def _served(chapter: Chapter, failed: Sequence[Failed]) -> bool:
    spec = chapter.spec
    return spec is not None and any(each.good is not None and spec.is_in(each.good) for each in failed)


def _proposal(facts: Facts, failing: Sequence[tuple[str, Failed]], to: Chapter, via: Via) -> Proposal:
    (server, first), *others = failing
    of = facts.chapters[0].first
    more = f", and on {len(others)} more" if len(others) > 1 else f", and on {others[0][0]}" if others else ""
    key = first.digest.removeprefix("sha256:")[:8]
    return Proposal(
        _BOT,
        facts.model.document,
        key,
        via,
        of,
        reason=f"{first.reason} on {server}{more}: {first.evidence}",
        evidence=tuple(f"{name}: {each.reason}: {each.evidence}" for name, each in failing),
        to=to.last,
        branch=branch_for(_BOT, facts.model.document, key, via),
    )
