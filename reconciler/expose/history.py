"""The history of a model, a server or everything: what commits asked, who, and what came of it, as text and as data.

Called by `history`; rows come from `record/deployments.py`. Everything that a commit's author wrote is shown with
control characters escaped (`words.harmless`), and in Markdown with markup escaped. A deployment is shown as `d41`.
"""

from collections.abc import Iterable, Sequence
from itertools import groupby

from reconciler.expose import costs, words
from reconciler.expose.documents import Data, envelope
from reconciler.expose.markup import plain
from reconciler.state.history import Asked, Fate, Landing, Return, Row, Spec, Step

_MODELS_SHOWN = 5
_SERVERS_SHOWN = 3

_SAID = {
    Fate.DONE: "done",
    Fate.NOTHING: "nothing to send, it was so already",
    Fate.UNDER_WAY: "under way",
    Fate.HELD: "held",
    Fate.FAILED: "FAILED",
    Fate.REFUSED: "REFUSED",
    Fate.TIMED_OUT: "TIMED OUT",
    Fate.OVERTAKEN: "overtaken before it was reached",
    Fate.NEVER: "never applied",
    Fate.INVALID: "invalid, never in force",
    Fate.WAITING: "not in force yet",
    Fate.UNRECORDED: "from before this record",
}


def deployment(number: int) -> str:
    """The name of a deployment: `d41`; "–" where nothing was sent."""
    return f"d{number}" if number else "–"


def history_text(rows: Sequence[Row], *, named: bool) -> str:
    """The rows as paragraphs, newest first: deployment and commit, what it asked, who, what came of it.

    Args:
        rows: in the order in which they are shown; those of one commit lie together.
        named: whether to say which model each row is about, because there may be several.
    """
    return "\n".join("\n".join(_paragraph(list(group), named)) + "\n" for _, group in _by_commit(rows))


def history_markdown(rows: Sequence[Row], *, named: bool) -> str:
    """The rows as a Markdown table."""
    head = "| deployment | commit | asked | by | applied | outcome |\n|---|---|---|---|---|---|\n"
    return head + "".join(_line(list(group), named) for _, group in _by_commit(rows))


def history_document(rows: Sequence[Row]) -> dict[str, Data]:
    """The rows as data."""
    return envelope("History", {"rows": [row_document(row) for row in rows]})


def asked_text(row: Row) -> str:
    """What the commit asked of the model, in words."""
    if row.asked is None:
        return "no change of this model, but it was put right under this commit"
    said = _change(row.asked, row.step)
    return f"goes back to {row.back_to[:10]}: {said}" if row.back_to else said


def outcome_text(row: Row) -> str:
    """What came of it, servers with equal fates together: `done on 2 of 2 servers`."""
    if not row.landings:
        return "placed on no server"
    newer = f" by {row.overtaken_by[:10]}" if row.overtaken_by else ""
    parts = [_fate(fate, group, len(row.landings), newer) for fate, group in _by_fate(row.landings)]
    return "; ".join(parts)


def row_document(row: Row) -> dict[str, Data]:
    """One row."""
    return {
        "deployment": deployment(row.deployment) if row.deployment else None,
        "model": row.model,
        "commit": commit_document(row),
        "asked": asked_text(row),
        "before": _spec(row.asked.before) if row.asked else None,
        "after": _spec(row.asked.after) if row.asked else None,
        "initiatedBy": row.initiated_by or None,
        "outcome": outcome_text(row),
        "appliedAt": words.timestamp(_started(row)),
        "finishedAt": words.timestamp(_finished(row)),
        "seconds": _seconds(row),
        "servers": [_landing(each) for each in row.landings],
        "overtakenBy": row.overtaken_by or None,
        "goesBackTo": row.back_to or None,
        "rolledBackBy": [{"commit": each.commit, "proven": each.proven} for each in row.rolled_back_by],
    }


def commit_document(row: Row) -> dict[str, Data]:
    """The commit of a row."""
    commit = row.step.commit
    return {
        "id": commit.id,
        "author": commit.author,
        "committer": commit.committer or commit.author,
        "signer": row.signer or None,
        "time": words.timestamp(commit.time),
        "subject": commit.subject,
        "alsoChanges": list(row.step.others),
    }


def who(row: Row) -> str:
    """Author, committer where that is somebody else, signer where one was verified."""
    commit = row.step.commit
    said = [words.harmless(commit.author) or "nobody named"]
    if commit.committer and commit.committer != commit.author:
        said.append(f"committed by {words.harmless(commit.committer)}")
    if row.signer:
        said.append(f"signed by {words.harmless(row.signer)}")
    return ", ".join(said)


def _by_commit(rows: Iterable[Row]) -> Iterable[tuple[str, Iterable[Row]]]:
    return groupby(rows, key=lambda row: row.step.commit.id)


def _by_fate(landings: Sequence[Landing]) -> list[tuple[Fate, list[Landing]]]:
    groups: dict[Fate, list[Landing]] = {}
    for each in landings:
        groups.setdefault(each.fate, []).append(each)
    return list(groups.items())


def _paragraph(rows: list[Row], named: bool) -> list[str]:
    first = rows[0]
    commit = first.step.commit
    lines = [f"{commit.short}  {words.harmless(commit.subject) or '(no subject)'}"]
    lines.append(f"    by       {who(first)}, {words.moment(commit.time)}")
    if named and first.step.others:
        lines.append(f"    also     {', '.join(words.harmless(each) for each in first.step.others)}")
    for row in rows[:_MODELS_SHOWN]:
        lines += _about(row, named)
    if len(rows) > _MODELS_SHOWN:
        lines.append(f"    … and {words.count(len(rows) - _MODELS_SHOWN, 'model')} more: `-o json` shows all")
    return lines


def _about(row: Row, named: bool) -> list[str]:
    if not row.model:
        return []
    about = f"{words.harmless(row.model)}: " if named else ""
    lines = [f"    asked    {about}{asked_text(row)}"]
    if row.deployment:
        lines.append(f"    applied  {deployment(row.deployment)}, {_when(row)}")
    lines.append(f"    outcome  {outcome_text(row)}")
    return [*lines, *(f"    then     {_returned(each)}" for each in row.rolled_back_by)]


def _line(rows: list[Row], named: bool) -> str:
    first = rows[0]
    others = [plain(each) for each in first.step.others] if named else []
    models = [row for row in rows[:_MODELS_SHOWN] if row.model]
    asked = [plain((f"{row.model}: " if named else "") + asked_text(row)) for row in models]
    ends = [plain("; ".join([outcome_text(row), *map(_returned, row.rolled_back_by)])) for row in models]
    more = [f"… and {len(rows) - _MODELS_SHOWN} more"] if len(rows) > _MODELS_SHOWN else []
    columns = (
        "<br>".join(deployment(row.deployment) for row in models) or "–",
        f"`{first.step.commit.short}` {plain(first.step.commit.subject, 200)}",
        "<br>".join([*asked, *others, *more]) or " ",
        f"{plain(who(first), 300)}, {words.moment(first.step.commit.time)}",
        "<br>".join(plain(_when(row)) for row in models if row.deployment) or "–",
        "<br>".join(ends) or " ",
    )
    return f"| {' | '.join(columns)} |\n"


def _returned(each: Return) -> str:
    if each.proven:
        return f"rolled back by {each.commit[:10]}"
    return f"{each.commit[:10]} claims to roll this back, but sets back nothing of it"


def _when(row: Row) -> str:
    started, seconds = _started(row), _seconds(row)
    said = words.moment(started or 0)
    if seconds is not None:
        said += f", took {words.duration(seconds)}"
    carried = {each.by for each in row.landings if each.by}
    return said + (f", with {', '.join(sorted(each[:10] for each in carried))}" if carried else "")


def _started(row: Row) -> float | None:
    return min((each.started for each in row.landings if each.started is not None), default=None)


def _finished(row: Row) -> float | None:
    if any(each.fate is Fate.UNDER_WAY for each in row.landings):
        return None
    return max((each.finished for each in row.landings if each.finished is not None), default=None)


def _seconds(row: Row) -> float | None:
    started, finished = _started(row), _finished(row)
    return None if started is None or finished is None else max(finished - started, 0.0)


def _fate(fate: Fate, group: Sequence[Landing], of: int, newer: str) -> str:
    said = _SAID[fate]
    if fate is Fate.NEVER and newer:
        said += f", overtaken{newer}"
    elif fate is Fate.OVERTAKEN:
        said = f"overtaken{newer} before it was reached" if newer else said
    if fate is Fate.INVALID:
        return f"{said}: {words.harmless(group[0].because)}"
    if fate not in (Fate.WAITING, Fate.UNRECORDED):
        said += f" on {_where(fate, group, of)}"
    because = list(dict.fromkeys(words.harmless(each.because) for each in group if each.because))
    if because and fate is not Fate.DONE:
        said += ": " + because[0] + (f" (and {len(because) - 1} more)" if len(because) > 1 else "")
    healed = sum(each.healed for each in group)
    said += f", put right {'once' if healed == 1 else f'{healed} times'} since" if healed else ""
    return said + (", held elsewhere by a local pin for a time" if any(map(_was_pinned, group)) else "")


def _was_pinned(each: Landing) -> bool:
    return each.pinned > 0 and each.fate is not Fate.HELD  # else the hold says it


def _where(fate: Fate, group: Sequence[Landing], of: int) -> str:
    """How many of how many servers; by name where few of them stand out."""
    if fate in (Fate.DONE, Fate.NOTHING) or len(group) == of > 1 or len(group) > _SERVERS_SHOWN:
        return f"{len(group)} of {words.count(of, 'server')}"
    return ", ".join(each.server for each in group)


def _change(asked: Asked, step: Step) -> str:
    if asked.after is not None and asked.after.model is None:
        return "nothing that can be followed"
    before, after = (spec.model if spec is not None else None for spec in (asked.before, asked.after))
    if step.edge:
        said = costs.asked(None, after).removeprefix("adds the model: ")
        return f"as of the oldest commit that is here: {said}"
    parts = [f"renamed from {words.harmless(asked.was)}"] if asked.was else []
    parts += [text for text in (costs.asked(before, after),) if text]
    if before is not None and after is not None:
        parts += _placement(asked)
    return ", ".join(parts) or "no change"


def _placement(asked: Asked) -> list[str]:
    old, new = (set(spec.servers) if spec is not None else set() for spec in (asked.before, asked.after))
    return [
        f"{verb} {_servers(sorted(there))}"
        for verb, there in (("also on", new - old), ("no longer on", old - new))
        if there
    ]


def _servers(names: Sequence[str]) -> str:
    return ", ".join(names) if len(names) <= _SERVERS_SHOWN else words.count(len(names), "server")


def _spec(spec: Spec | None) -> dict[str, Data] | None:
    if spec is None:
        return None
    model = spec.model
    return {
        "place": str(spec.place),
        "problem": spec.problem or None,
        "versions": words.policy(model.policy) if model else None,
        "labels": {label: str(version) for label, version in model.labels} if model else None,
        "servers": list(spec.servers),
    }


def _landing(each: Landing) -> dict[str, Data]:
    return {
        "server": each.server,
        "outcome": str(each.fate),
        "startedAt": words.timestamp(each.started),
        "finishedAt": words.timestamp(each.finished),
        "because": each.because or None,
        "ledger": list(each.entries),
        "putRight": each.healed,
        "pinned": each.pinned,
        "sentUnder": each.by or None,
    }
