"""From a server to the line in git that it owes a label or a version to, and the commit that wrote that line.

Called by `trace`; found by `cli/tracing.py`. Where the server is not as git says, or cannot be said to be, that comes
first, with where to ask why. Texts from commits are shown harmlessly.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from reconciler.expose import costs, words
from reconciler.expose.documents import Data, envelope
from reconciler.expose.history import deployment
from reconciler.expose.status import leading
from reconciler.record.origins import Brought
from reconciler.record.returns import Change
from reconciler.state.desired import Commit, Place
from reconciler.state.look import LabelKind, LabelReading
from reconciler.state.outcome import Status, Sync


@dataclass(frozen=True, slots=True)
class Chain:
    """One label (or, with label "", one version) of a model on a server, back to who wrote it.

    place: where the commit in force says so. change: the commit that wrote it, None where that lies before what is here
    (or before what was read). brought: the ledger's lines, None where none says how it came there. deployment: its id.
    reading, read_at: what the server said of the label last; None for a version, or where it was not read.
    """

    label: str
    version: int
    place: Place | None
    change: Change | None
    brought: Brought | None = None
    deployment: int = 0
    reading: LabelReading | None = None
    read_at: float = 0.0


@dataclass(frozen=True, slots=True)
class Trace:
    """All that was asked about one model on one server.

    document: the Model's metadata.name; servable: as the server knows it. commit: what the server is held to. status:
    of the model there, None where there is no record. behind: why the branch's newest commit is not what it is held to.
    """

    server: str
    document: str
    servable: str
    commit: Commit
    chains: tuple[Chain, ...]
    status: Status | None = None
    behind: str = ""


def trace_text(trace: Trace) -> str:
    """The trace as paragraphs, one per label or version."""
    return "\n".join([*_first(trace), *(line for chain in trace.chains for line in _paragraph(trace, chain))]) + "\n"


def trace_document(trace: Trace) -> dict[str, Data]:
    """The trace as data."""
    status = trace.status
    return envelope(
        "Trace",
        {
            "server": trace.server,
            "model": trace.document,
            "servable": trace.servable,
            "commit": trace.commit.id,
            "sync": str(status.sync) if status else None,
            "behind": trace.behind or None,
            "values": [_item(trace, chain) for chain in trace.chains],
        },
    )


def _first(trace: Trace) -> Iterable[str]:
    named = "" if trace.servable == trace.document else f" (the Model {words.harmless(trace.document)})"
    yield f"{words.harmless(trace.servable)}{named} on {trace.server}, held to commit {trace.commit.short}"
    status = trace.status
    if status is None:
        yield "    not as git says, as far as is known: the record knows nothing of it there"
    elif status.sync is not Sync.SYNCED:
        condition = leading(status)
        said = f": {condition.reason}, {words.harmless(condition.message)}" if condition is not None else ""
        yield f"    not (yet) as git says{said}"
        yield f"    why: `reconciler explain {trace.server}/{trace.servable}`"
    if trace.behind:
        yield f"    git: {words.harmless(trace.behind)}"


def _paragraph(trace: Trace, chain: Chain) -> Sequence[str]:
    name = chain.label or f"version {chain.version}"
    lines = ["", name]
    if chain.label:
        lines.append(f"    server   {_read(chain)}")
    place = str(chain.place) if chain.place is not None else "nowhere"
    said = f"{chain.label}: {chain.version}" if chain.label else str(chain.version)
    lines.append(f"    git      {said} at {words.harmless(place)} in {trace.commit.short}")
    lines += _written(chain)
    lines.append(f"    applied  {_applied(trace, chain)}")
    return lines


def _read(chain: Chain) -> str:
    seen = chain.reading
    if seen is None or seen.kind is LabelKind.UNSEEN:
        return "was not read back yet"
    text = f"answers with {words.reading(seen)}, read back {words.moment(chain.read_at)}"
    return text if seen.resolves_to(chain.version) else f"{text}: NOT what git says"


def _agrees_there(chain: Chain) -> bool:
    seen = chain.reading
    return seen is None or seen.kind is LabelKind.UNSEEN or seen.resolves_to(chain.version)


def _written(chain: Chain) -> Iterable[str]:
    if chain.change is None:
        return ["    commit   before the oldest commit that is here"]
    commit, asked = chain.change.step.commit, chain.change.asked
    before, after = (spec.model if spec is not None else None for spec in (asked.before, asked.after))
    return [
        f"    commit   {commit.short} {words.harmless(commit.subject)}",
        f"    by       {words.harmless(commit.author)}, {words.moment(commit.time)}",
        f"    asked    {costs.asked(before, after)}",
    ]


def _applied(trace: Trace, chain: Chain) -> str:
    if chain.brought is None and chain.label and not _agrees_there(chain):
        return "not there now, as said above; `reconciler history` has what came of the commit"
    if chain.brought is None:
        return "no line of the ledger says how it came there: from before this record, or not applied yet"
    entry, again = chain.brought.entry, chain.brought.put_right
    under = "" if entry.commit == trace.commit.id else f", under commit {entry.commit[:10]}"
    named = f", {deployment(chain.deployment)}" if chain.deployment else ""  # what a pin sent is none
    text = f"since {words.moment(entry.finished or entry.started)}{named}, ledger line {entry.id}{under}"
    return f"{text}; put right {words.moment(again.finished or again.started)}, line {again.id}" if again else text


def _item(trace: Trace, chain: Chain) -> dict[str, Data]:
    entry = chain.brought.entry if chain.brought is not None else None
    again = chain.brought.put_right if chain.brought is not None else None
    commit = chain.change.step.commit if chain.change is not None else None
    return {
        "label": chain.label or None,
        "version": str(chain.version),
        "place": str(chain.place) if chain.place is not None else None,
        "commit": commit.id if commit else None,
        "author": commit.author if commit else None,
        "subject": commit.subject if commit else None,
        "time": words.timestamp(commit.time) if commit else None,
        "deployment": deployment(chain.deployment) if chain.deployment else None,
        "ledgerLine": entry.id if entry else None,
        "appliedAt": words.timestamp(entry.finished) if entry else None,
        "appliedUnder": entry.commit if entry else None,
        "putRightAt": words.timestamp(again.finished) if again else None,
        "read": words.reading(chain.reading) if chain.reading else None,
        "readAt": words.timestamp(chain.read_at),
        "asGitSays": _agrees(trace, chain),
    }


def _agrees(trace: Trace, chain: Chain) -> bool | None:
    """Whether the server is as git says there; None where nobody knows."""
    if chain.reading is not None and chain.reading.kind is not LabelKind.UNSEEN:
        return chain.reading.resolves_to(chain.version)
    return True if trace.status is not None and trace.status.sync is Sync.SYNCED else None
