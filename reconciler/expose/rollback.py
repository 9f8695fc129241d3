"""A rollback in words: the message of its commit, what it asks and costs, and what else it takes back.

Called by the verb `rollback`, for people and as data. Texts from commits are shown with control characters escaped.
Deliberately not here: choosing what is gone back to, and making the commit.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from reconciler.errors import RevisionRefused
from reconciler.expose import costs, documents, history, words
from reconciler.expose.outline import Subject
from reconciler.revise.target import Target
from reconciler.state.desired import Commit
from reconciler.state.history import Row
from reconciler.state.plan import Plan

_SUBJECT = 100
_SHOWN = 10  # commits that are listed by name as taken back


@dataclass(frozen=True, slots=True)
class Rollback:
    """The commit of a rollback and everything to be said of it.

    base: the commit that it stands on. notes: what else was decided about files. weighed: by document, what it
    costs per server. unseen: servers that did not answer, whose costs are those of what was seen of them last.
    """

    commit: Commit
    base: str
    models: tuple[Target, ...]
    files: tuple[str, ...]
    notes: tuple[str, ...] = ()
    weighed: Mapping[str, tuple[costs.Cost, ...]] = field(default_factory=dict)
    unseen: tuple[str, ...] = ()
    plan: Plan | None = None
    subject: Subject | None = None


def message(targets: Sequence[Target], reason: str, trigger: str) -> tuple[str, list[str], list[tuple[str, str]]]:
    """Subject, paragraphs and trailers of the commit; see `revise.compose`."""
    names = ", ".join(each.document for each in targets)
    asked = f": {_asked(targets[0])}" if len(targets) == 1 else ""
    paragraphs = [sentence for each in targets for sentence in _sentences(each)]
    trailers = [pair for each in targets for pair in _trailers(each)]
    trailers += [("Rollback-Reason", reason), ("Rollback-Trigger", trigger)]
    trailers += [("Deployment-Id", f"d{row.deployment}") for row in _undone(targets) if row.deployment]
    return f"Roll back {names}{asked}"[:_SUBJECT], [*([reason] if reason else []), *paragraphs], trailers


def _sentences(each: Target) -> Iterator[str]:
    commit = each.row.step.commit
    yield (
        f"The document of {each.document} is as it was in commit {commit.short} ({words.harmless(commit.subject)}): "
        f"{_asked(each)}. Other documents are as they were."
    )
    if len(each.taken_back) > 1:
        yield "This takes back: " + "; ".join(_listed(each.taken_back)) + "."


def _trailers(each: Target) -> Iterator[tuple[str, str]]:
    yield "Rollback-Of", each.taken_back[0].step.commit.id if each.taken_back else ""
    yield "Rollback-To", each.row.step.commit.id
    yield "Rollback-Scope", each.document


def _undone(targets: Sequence[Target]) -> Iterator[Row]:
    """What is taken back of each model first: the deployment in force."""
    return (each.taken_back[0] for each in targets if each.taken_back)


def _asked(each: Target) -> str:
    now = each.now.model if each.now is not None else None
    return costs.asked(now, each.spec.model) or "where it is placed, or how it is written"


def _listed(rows: Sequence[Row]) -> Iterator[str]:
    for row in rows[:_SHOWN]:
        commit = row.step.commit
        yield f"{commit.short} {words.harmless(commit.subject)} ({words.harmless(commit.author)})"
    if len(rows) > _SHOWN:
        yield f"and {len(rows) - _SHOWN} more commits"


def require_files(weighed: Mapping[str, Sequence[costs.Cost]]) -> None:
    """Refuse to go back to versions that storage does not hold any more.

    Raises:
        RevisionRefused: it names them all.
    """
    gone = [
        f"{document}: version {', '.join(map(str, cost.gone))} on {cost.server}"
        for document, found in weighed.items()
        for cost in found
        if cost.gone
    ]
    if gone:
        raise RevisionRefused(
            f"The files of what would be gone back to are gone from storage ({'; '.join(gone)}), so it could not be "
            "loaded and no commit was pushed. To do: bring the version directories back; name with --to a commit "
            "whose versions are still there; or, where only this machine does not see the storage, add --offline."
        )


def text(told: Rollback) -> Iterator[str]:
    """What is rolled back, to what, at which cost; line by line."""
    for each in told.models:
        commit = each.row.step.commit
        known = f" ({history.deployment(each.row.deployment)})" if each.row.deployment else ""
        yield f"{each.document} goes back to commit {commit.short}{known}: {words.harmless(commit.subject)}"
        yield f"  by     {words.harmless(commit.author)}, {words.moment(commit.time)}"
        yield f"  asks   {_asked(each)}"
        yield f"  costs  {cost_text(told, each)}"
        if len(each.taken_back) > 1:
            yield "  takes back, too:"
            yield from (f"    {line}" for line in _listed(each.taken_back))
    yield from (f"note: {words.harmless(each)}." for each in told.notes)
    if told.unseen:
        servers = ", ".join(told.unseen[:5]) + (f" and {len(told.unseen) - 5} more" if len(told.unseen) > 5 else "")
        yield f"note: {servers} did not answer; what it costs there is said of what was last seen."


def cost_text(told: Rollback, each: Target) -> str:
    """What it takes to bring the servers there, in words."""
    found = told.weighed.get(each.document, ())
    if each.spec.model is None or not found:
        return "nothing: no server shall have it"
    return costs.cost_text(found, each.spec.model)


def document(told: Rollback, patch: str, pushed: str | None) -> dict[str, documents.Data]:
    """A rollback as data. pushed: the branch that the commit was pushed to, None where it was not."""
    return documents.envelope(
        "Rollback",
        {
            "commit": told.commit.id,
            "subject": told.commit.subject,
            "base": told.base,
            "pushed": pushed,
            "files": list(told.files),
            "notes": list(told.notes),
            "unseenServers": list(told.unseen),
            "models": [_model(told, each) for each in told.models],
            "patch": patch,
            "plan": documents.plan_document(told.plan, told.subject) if told.plan and told.subject else None,
        },
    )


def _model(told: Rollback, each: Target) -> dict[str, documents.Data]:
    return {
        "name": each.document,
        "to": each.row.step.commit.id,
        "deployment": history.deployment(each.row.deployment) if each.row.deployment else None,
        "asks": _asked(each),
        "cost": cost_text(told, each),
        "labelFlipOnly": all(cost.flip_only for cost in told.weighed.get(each.document, ())),
        "loads": [*sorted({str(version) for cost in told.weighed.get(each.document, ()) for version, _ in cost.loads})],
        "takesBack": [row.step.commit.id for row in each.taken_back],
    }
