"""The answers of `explain` as sentences; what servers answer alike is said once.

Called by `explain` of the command line. Deliberately not here: what the answers are (`explain.py`).
"""

from collections.abc import Iterable, Iterator, Sequence

from reconciler.expose import diff, explain, timeline, words
from reconciler.expose.explain import Answer, Obstacle, Records
from reconciler.expose.status import leading
from reconciler.propose import Waiting
from reconciler.state.outcome import ConditionStatus, ConditionType, Status
from reconciler.state.plan import HoldReason

_NAMED = 12
"""Names listed where an unknown one was given; a fleet may have thousands."""


def explain_text(subject: str, found: Sequence[Answer], records: Records) -> str:
    """The answers as sentences."""
    lines = [f"git: {records.trouble}", ""] if records.trouble else []
    for alike in _folded(found):
        lines += [*_lines(alike), ""]
    return "\n".join(lines) if found else _unknown(subject, records.statuses)


def _unknown(subject: str, statuses: Iterable[Status]) -> str:
    names = sorted({name for each in statuses for name in (each.model, each.server) if name})
    known = ", ".join(names[:_NAMED]) + (f" and {len(names) - _NAMED} more" if len(names) > _NAMED else "")
    known = known or "none yet"
    return f"The record knows no model, server or fleet named {subject}; it knows {known}.\n"


def _folded(found: Sequence[Answer]) -> list[list[Answer]]:
    """Answers that say the same but for times and the server's name, together, in the order of the first of each."""
    alike: dict[object, list[Answer]] = {}
    for answer in found:
        alike.setdefault(_said(answer), []).append(answer)
    return list(alike.values())


def _said(answer: Answer) -> object:
    status, condition = answer.status, leading(answer.status)
    said = (condition.reason, condition.message) if condition is not None else None
    holds = tuple((_subject(each, answer), each.hold.detail, each.hold.released_by) for each in answer.obstacles)
    kept = tuple((each.model, each.version) for each in answer.kept)
    whole = (status.model, status.sync, status.health, status.commit, said, _checks(status))
    return (*whole, answer.differences, holds, kept, explain.next_words(answer), answer.bots)


def _lines(alike: Sequence[Answer]) -> list[str]:
    answer = alike[0]
    status, servers = answer.status, [each.status.server for each in alike]
    name = f"{status.model} on {words.names(servers)}" if status.model else words.names(servers)
    lines = [f"{name}: {status.sync}, {status.health}"]
    lines += [f"  state     {_state(alike)}"] if leading(status) is not None else []
    lines += [f"  differs   {words.one_line(diff.difference_text(each))}" for each in answer.differences]
    lines += [line for obstacle in _merged(answer) for line in _obstacle(*obstacle)]
    lines += [f"  keeps     {_kept(alike, each.model, each.version)}" for each in answer.kept]
    lines += [f"  checks    {text}" for text in _checks(status)]
    lines.append(f"  next      {explain.next_words(answer)}")
    lines += [f"  bot       {_bot(each)}" for each in answer.bots]
    last = max((each.last for each in alike if each.last is not None), key=lambda each: each.intent.at, default=None)
    if last is not None:
        lines.append(f"  last      {words.one_line(timeline.headline(last))}")
    at = min(each.status.at for each in alike)
    lines.append(f"  in force  commit {status.commit[:10] or 'none yet'}; state recorded {words.moment(at)}")
    return lines


def _state(alike: Sequence[Answer]) -> str:
    """The condition that says most; in full only where no line below says the same."""
    found = [each for answer in alike if (each := leading(answer.status)) is not None]
    first = min(found, key=lambda each: each.since)
    text = f"{first.reason} since {words.moment(first.since)}"
    if any(each.hold.reason.value == first.reason for each in alike[0].obstacles):
        return text
    return f"{text}: {words.one_line(first.message)}"


def _checks(status: Status) -> tuple[str, ...]:
    """What the checks showed that were passed; of those that were not a hold speaks."""
    passed = (each for each in status.conditions if each.type is ConditionType.CHECKS_PASSED)
    return tuple(words.one_line(each.message) for each in passed if each.status is ConditionStatus.TRUE)


def _kept(alike: Sequence[Answer], model: str, version: int) -> str:
    times = [each.until for answer in alike for each in answer.kept if (each.model, each.version) == (model, version)]
    return f"{model} {version} loaded until {words.moment(min(times))}: going back to it needs no load (keepPrevious)"


def _subject(obstacle: Obstacle, answer: Answer) -> str:
    """Whom a hold is about, where the answer is about a whole server; "" where that is clear."""
    return "" if answer.status.model else obstacle.hold.model


def _merged(answer: Answer) -> Iterator[tuple[str, Obstacle]]:
    """Holds that say the same of several models, once, with the models' names."""
    alike: dict[object, list[Obstacle]] = {}
    for each in answer.obstacles:
        hold = each.hold
        alike.setdefault((hold.reason, hold.detail, hold.released_by, hold.progressing), []).append(each)
    for found in alike.values():
        names = sorted({name for each in found if (name := _subject(each, answer))})
        yield words.names(names), found[0]


def _obstacle(whose: str, obstacle: Obstacle) -> list[str]:
    hold = obstacle.hold
    about = f"{whose}: " if whose else ""
    if hold.reason is HoldReason.CHANGES_FIRST:
        return [f"  follows   {about}{words.one_line(hold.detail)}"]
    word = "waits" if hold.progressing else "blocked"
    since = f", since {words.moment(obstacle.since)}" if obstacle.since else ""
    until = f", {words.moment(hold.until)} at the latest" if hold.until is not None else ""
    said = f"  {word:<8}  {hold.reason}{since}: {about}{words.one_line(hold.detail)}"
    return [said, f"            released by {hold.released_by}{until}"]


def _bot(each: Waiting) -> str:
    until = f", until {words.moment(each.until)}" if each.until is not None else ""
    return f"{each.bot} {'leaves it to a person' if each.stuck else 'waits'}: {each.reason}{until}: {each.words}"
