"""Why is it not applied yet? One answer per model and server, as data; `explained.py` has the sentences.

Called by `explain MODEL|SERVER|FLEET`, from the record alone: nothing is asked of a server or of git, so it also
answers for a server that is down. How old the answer is stands in it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from reconciler.expose import timeline, words
from reconciler.expose.documents import Data, difference_document, envelope, hold_document, retained_document
from reconciler.propose import Waiting
from reconciler.state.outcome import Condition, ConditionType, Intent, Outcome, Status
from reconciler.state.plan import Action, ActionKind, Difference, Hold, Retained, ServerPlan


@dataclass(frozen=True, slots=True)
class Records:
    """What the record holds: statuses, last plans by server, intents newest first, outcomes, trouble with git ("").

    loads: seconds that the last load took, by server and model. bots: what bots wait for, each with what servers call
    the model.
    """

    statuses: tuple[Status, ...]
    plans: Mapping[str, ServerPlan]
    intents: tuple[Intent, ...] = ()
    outcomes: tuple[Outcome, ...] = ()
    trouble: str = ""
    loads: Mapping[tuple[str, str], float] = field(default_factory=dict)
    bots: tuple[tuple[str, Waiting], ...] = ()


@dataclass(frozen=True, slots=True)
class Obstacle:
    """One hold with its age: `since` is when its subject's condition took this reason, None if not known."""

    hold: Hold
    since: float | None


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer about one subject: a server (model "") or a model on it.

    planned: whether a plan is on record. obstacles: what keeps it as it is, what needs somebody first. next: the
    actions to come, in order. about: how long these take, in words ("" where there are none). last: the newest intent
    that touched the subject. bots: why bots commit nothing for the model. kept: versions that stay loaded for a while
    although git no longer names them.
    """

    status: Status
    planned: bool = False
    differences: tuple[Difference, ...] = ()
    obstacles: tuple[Obstacle, ...] = ()
    next: tuple[Action, ...] = ()
    about: str = ""
    last: timeline.Done | None = None
    look_again_at: float | None = None
    bots: tuple[Waiting, ...] = ()
    kept: tuple[Retained, ...] = ()


def subjects(subject: str, statuses: Iterable[Status]) -> list[Status]:
    """The statuses a name is about: a model everywhere, `fleet/server`, `fleet/server/model`, a server, a fleet."""
    known = [each for each in statuses if "/" in each.server]
    at = [each for each in known if each.model and subject == f"{each.server}/{each.model}"]
    model = [each for each in known if each.model == subject]
    named = [each for each in known if subject == each.server or subject in each.server.split("/")]
    server = [each for each in named if not each.model]
    return sorted(at or model or server, key=lambda each: (each.server, each.model))


def answers(subject: str, records: Records) -> list[Answer]:
    """One answer per subject named; none where the record does not know the name."""
    return [_answer(status, records) for status in subjects(subject, records.statuses)]


def explain_document(subject: str, found: Sequence[Answer], records: Records) -> dict[str, Data]:
    """The answers as data."""
    return envelope(
        "Explanation",
        {"subject": subject, "sourceTrouble": records.trouble or None, "answers": [_item(each) for each in found]},
    )


def _answer(status: Status, records: Records) -> Answer:
    plan, model = records.plans.get(status.server), status.model
    last = _last(status, records)
    bots = tuple(each for name, each in records.bots if name == model)
    if plan is None:
        return Answer(status, last=last, bots=bots)
    holds = [each for each in plan.holds if model in ("", each.model) or not each.model]
    return Answer(
        status,
        planned=True,
        differences=_differences(plan, model),
        obstacles=tuple(Obstacle(hold, _since(hold, status, records)) for hold in sorted(holds, key=_people_first)),
        next=tuple(each for body in plan.passes for each in body.actions if model in ("", each.model)),
        about=_about(plan, status, records),
        last=last,
        look_again_at=plan.look_again_at,
        bots=bots,
        kept=tuple(each for each in plan.retained if model in ("", each.model)),
    )


def _differences(plan: ServerPlan, model: str) -> tuple[Difference, ...]:
    """What differs, each thing once: of a model that waits the plan also has what it should be meanwhile, before."""
    mine = (each for each in plan.differences if model in ("", each.model))
    return tuple({(each.model, each.version, each.label): each for each in mine}.values())


POLL = 1.0
"""Seconds until a server notices a change of its list, with TensorFlow Serving's default poll interval."""


def _about(plan: ServerPlan, status: Status, records: Records) -> str:
    """How long the road takes once it may go: a poll for each change of versions, and the loads as long as the last."""
    bodies = [body for body in plan.passes if any(status.model in ("", each.model) for each in body.actions)]
    if not bodies:
        return ""
    seconds, unknown = 0.0, False
    for body in bodies:
        loading = {each.model for each in body.actions if each.kind in _LOADS and status.model in ("", each.model)}
        known = [records.loads[key] for name in loading if (key := (status.server, name)) in records.loads]
        unknown |= len(known) < len(loading)
        seconds += max(known, default=0.0) + (POLL if any(each.kind in _VERSIONS for each in body.actions) else 0.0)
    start = " once it may go" if plan.waiting or any(not hold.progressing for hold in plan.holds) else ""
    words_ = f"about {max(seconds, 0.1):.1f} s{start}" if seconds < 90 else f"about {seconds / 60:.0f} min{start}"
    return f"{words_}, and a load that was never measured here" if unknown else words_


_LOADS = frozenset({ActionKind.LOAD, ActionKind.ADD_MODEL})
_VERSIONS = _LOADS | {ActionKind.UNLOAD}


def _people_first(hold: Hold) -> bool:
    return hold.progressing


def _last(status: Status, records: Records) -> timeline.Done | None:
    for intent in records.intents:
        touched = {"", *(action.model for action in intent.body.actions)}
        if intent.server == status.server and status.model in touched:
            return timeline.Done(intent, tuple(each for each in records.outcomes if each.intent == intent.id))
    return None


def _since(hold: Hold, status: Status, records: Records) -> float | None:
    """Since when its cause stands; where that is not known, since when a condition of its subject has its reason."""
    if hold.since is not None:
        return hold.since
    own = [each for each in records.statuses if each.server == status.server and each.model == hold.model]
    ages = [each.since for one in own for each in one.conditions if each.reason == str(hold.reason)]
    return min(ages, default=None)


def next_words(answer: Answer) -> str:
    """What happens next, in words."""
    if not answer.planned:
        return "the server is looked at; no plan of it is on record yet"
    if answer.next:
        deeds = "; ".join(timeline.deed_without_config(each) for each in answer.next)
        return f"{deeds} ({answer.about})" if answer.about else deeds
    if any(not obstacle.hold.progressing for obstacle in answer.obstacles):
        return "nothing until it is released as said above"
    if answer.obstacles:
        return "nothing for anybody to do: it goes on by itself as said above"
    if any(each.type is ConditionType.PINNED for each in answer.status.conditions):
        return "nothing until the pin ends: it is what the pin asks for, and not what git does"
    return "nothing: it is what git asks for"


def _item(answer: Answer) -> dict[str, Data]:
    status = answer.status
    return {
        "server": status.server,
        "model": status.model or None,
        "sync": str(status.sync),
        "health": str(status.health),
        "commit": status.commit,
        "at": words.timestamp(status.at),
        "conditions": [_condition(each) for each in status.conditions],
        "differences": [difference_document(each) for each in answer.differences],
        "holds": [{**hold_document(each.hold), "since": words.timestamp(each.since)} for each in answer.obstacles],
        "next": next_words(answer),
        "keptLoaded": [retained_document(each) for each in answer.kept],
        "lookAgainAt": words.timestamp(answer.look_again_at),
        "last": timeline.done_document(answer.last) if answer.last else None,
        "bots": [_bot_item(each) for each in answer.bots],
    }


def _bot_item(each: Waiting) -> dict[str, Data]:
    return {
        "bot": str(each.bot),
        "reason": each.reason,
        "message": each.words,
        "until": words.timestamp(each.until),
        "needsPerson": each.stuck,
    }


def _condition(each: Condition) -> dict[str, Data]:
    return {
        "type": str(each.type),
        "status": str(each.status),
        "reason": each.reason,
        "message": each.message,
        "since": words.timestamp(each.since),
    }
