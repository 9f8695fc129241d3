"""Finding what `trace` shows: the document in force on a server, where it says something, and who wrote that.

Called by the verb alone. Everything comes from the mirror and the record (`cli/lineage.py`); nobody is asked.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

from reconciler import parse
from reconciler.cli import lineage
from reconciler.cli.exits import Misused
from reconciler.expose.trace import Chain, Trace
from reconciler.record import deployments, origins
from reconciler.record.returns import Change
from reconciler.source import origin
from reconciler.source.trail import Trail
from reconciler.state.desired import DesiredModel
from reconciler.state.entry import Entry
from reconciler.state.history import Row, Spec
from reconciler.state.memory import LabelMemory
from reconciler.state.outcome import Status
from reconciler.state.versions import Specific

MOST_STEPS = 1_000
"""Commits that changed the model which are searched for the one that wrote a value."""


@dataclass(frozen=True, slots=True)
class _Found:
    """A document in force, the content of its file, its changes newest first, and what the record says of it there."""

    document: str
    spec: Spec
    data: bytes
    changes: Sequence[Change]
    lines: Sequence[Entry]
    rows: Sequence[Row]


def trace(look: lineage.Look, server: str, model: str, label: str | None) -> Trace:
    """What is asked of a model on a server, back to who wrote it.

    Raises:
        Misused: git asks for no such model there, or for no such label; or the server's name is that of several.
    """
    status = _status(look, server, model)
    commit = next((each for each in (status.commit if status else "", look.in_force, look.head) if each), look.head)
    trail = Trail(look.line, look.below)
    document, spec, server_id = _asked(trail, commit, server, model)
    wanted = spec.model
    if wanted is None:
        raise Misused(f"The document {document} in commit {commit[:10]} is not sound: {spec.problem}")
    steps = list(islice(trail.of_model(commit, document), MOST_STEPS))
    lines = _lines(look, wanted.name, server_id)
    found = _Found(
        document,
        spec,
        look.line.read(spec.blob, parse.MAX_BYTES),
        next(iter(deployments.chains(steps)), []),
        lines,
        lineage.joined(look, steps, trail.positions, lines),
    )
    readings = _readings(look, server_id, wanted.name)
    values = _values(wanted, label)
    chains = tuple(_chain(found, name, version, readings.get(name)) for name, version in values)
    known = next((each for each in look.statuses if (each.server, each.model) == (server_id, wanted.name)), None)
    return Trace(server_id, document, wanted.name, look.line.commit(commit), chains, known, _behind(look, commit))


def _status(look: lineage.Look, server: str, model: str) -> Status | None:
    there = [each for each in look.statuses if deployments.is_at(each.server, server)]
    return next((each for each in there if each.model == model), there[0] if there else None)


def _asked(trail: Trail, commit: str, server: str, model: str) -> tuple[str, Spec, str]:
    """The document that a server's model is from, what it says, and the server's id."""
    found = [(name, spec) for name in trail.documents(commit, model) if (spec := trail.spec(commit, name)) is not None]
    at = [(name, spec, each) for name, spec in found for each in spec.servers if deployments.is_at(each, server)]
    if len({each for _, _, each in at}) > 1:
        names = ", ".join(sorted({each for _, _, each in at}))
        raise Misused(f"Several servers are called {server}: {names}. Name one of them with its fleet.")
    if at:
        return at[0]
    unsound = [(name, spec, server) for name, spec in found if spec.model is None]
    if unsound:
        return unsound[0]
    if not found:
        why = f"has no Model {model}"
    else:
        where = ", ".join(sorted({each for _, spec in found for each in spec.servers})[:10]) or "no server"
        why = f"places {model} on {where}, not on {server}"
    raise Misused(
        f"Commit {commit[:10]}, which is in force, {why}. `reconciler status` lists what there is; "
        f"`reconciler history {model}` says what was asked before."
    )


def _values(wanted: DesiredModel, label: str | None) -> list[tuple[str, int]]:
    """The labels to be told of, or the versions where there is no label. Raises Misused for a label that is not set."""
    if label is None:
        listed = wanted.policy.versions if isinstance(wanted.policy, Specific) else ()
        bare = [("", version) for version in listed if version not in dict(wanted.labels).values()]
        return [*wanted.labels, *bare]
    found = [each for each in wanted.labels if each[0] == label]
    if not found and label.isdecimal() and isinstance(wanted.policy, Specific) and int(label) in wanted.policy.versions:
        found = [("", int(label))]
    if not found:
        known = ", ".join(name for name, _ in wanted.labels) or "none"
        raise Misused(f"{wanted.document} has no label {label} and lists no such version; its labels: {known}.")
    return found


def _chain(found: _Found, label: str, version: int, read: LabelMemory | None) -> Chain:
    brought = origins.brought_by(found.lines, label, version)
    change = origins.set_by(found.changes, label, version)
    path = found.spec.place.path
    if label:
        place = origin.label_at(found.data, path, found.document, label)
    else:
        place = origin.version_at(found.data, path, found.document, version)
    return Chain(
        label=label,
        version=version,
        place=place,
        change=change if change is not None and not change.step.edge else None,
        brought=brought,
        deployment=_deployment(found.rows, brought.entry) if brought is not None else 0,
        reading=read.reading if read is not None else None,
        read_at=read.at if read is not None else 0.0,
    )


def _deployment(rows: Sequence[Row], entry: Entry) -> int:
    """The deployment that a line is part of, 0 where its commit changed nothing of the model as far as was read."""
    return next((row.deployment for row in rows for each in row.landings if entry.id in each.entries), 0)


def _lines(look: lineage.Look, model: str, server: str) -> list[Entry]:
    return [] if look.ledger is None else list(look.ledger.entries(model=model, server=server))


def _readings(look: lineage.Look, server: str, model: str) -> dict[str, LabelMemory]:
    labels = (each for memory in look.memories if memory.server == server for each in memory.labels)
    return {each.label: each for each in labels if each.model == model}


def _behind(look: lineage.Look, commit: str) -> str:
    """Why the newest commit is not what the server is held to, "" where it is."""
    if commit == look.head:
        return ""
    said = look.trouble.partition("\n")[0]
    return f"the branch's newest commit {look.head[:10]} is not in force here yet" + (f": {said}" if said else "")
