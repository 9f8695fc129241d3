"""One life of a server process: the signs that it ended, and how well the config in force is known since.

| sign | what it proves |
|---|---|
| a status entry that was there is gone | a new life: entries are never removed while the process lives (rule E28) |
| the connection broke, and every label set is undefined | a new life: labels come by reload only (rule E33) |
| the connection broke, and a listed, loaded version is at START or LOADING | a new life |
| the connection broke, nothing else | nothing: the config is *parked* until one full look confirms or refutes it |
| a label that was set is undefined, or a loaded version is at START, without a break | another writer, or worse: LOST |

A proven new life needs no fence: everything read comes from its own start config. Called by `learning`. Deliberately
not here: versions and labels themselves (versions.py, labels.py), and what a planner may do in each standing.
"""

from dataclasses import replace

from reconciler.belief import fence, listing
from reconciler.state.config import ServerConfig
from reconciler.state.desired import DesiredServer
from reconciler.state.look import LabelKind, LabelReading, Look, StatusEntry, VersionState
from reconciler.state.memory import Memory, Standing, VersionMemory
from reconciler.state.versions import Specific

UNSURE = (Standing.FIRST_CONTACT, Standing.LOST)
"""Standings in which a fence is kept from the first answer on: `stood_since` is 0 until that comes."""


def first_contact(server: DesiredServer) -> Memory:
    """The memory of a server nothing is known of."""
    return Memory(server.id, server.grpc)


def at_address(server: DesiredServer, memory: Memory) -> Memory:
    """The memory, as long as it was learned at this address: another address is another server."""
    return memory if memory.endpoint == server.grpc else first_contact(server)


def unanswered(memory: Memory, look: Look) -> Memory:
    """The server did not answer: a break of the connection counts even so, and a fence starts at its first answer."""
    if look.channel_dropped:
        memory = broken(memory, look.at)
    if memory.standing in UNSURE and memory.stood_since:
        return replace(memory, stood_since=0.0)
    return memory


def judged(server: DesiredServer, memory: Memory, look: Look) -> Memory:
    """The memory after the signs of a restart in this look were weighed; versions and labels are not folded yet."""
    if memory.standing is Standing.FIRST_CONTACT:
        return _first_seen(memory, look)
    if vanished(memory, look) or _proven_anew(memory, look):
        return restarted(memory, look.at)
    if look.channel_dropped:
        return broken(memory, look.at)
    if memory.standing is Standing.LOST and not memory.stood_since:
        return replace(memory, stood_since=look.at)
    if memory.standing is Standing.KNOWN and _fell_back(memory, look):
        return lost(memory, look.at)
    return memory


def broken(memory: Memory, at: float) -> Memory:
    """The connection left READY: nothing is known for sure until everything was read back once."""
    if memory.standing is Standing.KNOWN:
        return replace(lost(memory, at), parked=memory.sent)
    stood_since = memory.stood_since if memory.standing is Standing.RESTARTED else at
    return replace(_unread(memory), stood_since=stood_since)


def resumed(memory: Memory, at: float) -> Memory:
    """What was kept of a server while nobody watched it: no better than after a break of the connection.

    It may have been started anew meanwhile, even with the same versions and without its labels.
    """
    return broken(memory, at)


def lost(memory: Memory, at: float) -> Memory:
    """Memory no longer holds: the config in force is what will be seen."""
    return replace(_unread(memory), standing=Standing.LOST, stood_since=at, sent=None, parked=None)


def restarted(memory: Memory, at: float) -> Memory:
    """A new life: nothing of the old one is true any more, except what it served (`known_as`), failures, good specs."""
    return replace(
        memory,
        standing=Standing.RESTARTED,
        stood_since=at,
        sent=None,
        parked=None,
        changed_at=0.0,
        busy_at=0.0,
        versions=(),
        labels=(),
        labels_wanted=True,
        removed=(),
        outstanding=None,
        refusal=None,
        doubts=(),
        steady=(),
    )


def confirmed(memory: Memory, look: Look) -> Memory:
    """Back to KNOWN when one full look shows everything as it was before the connection broke.

    Every model seen, every label of the parked config resolving as it says, every loaded version answering. One thing
    that reads otherwise refutes the parked config; one that could not be read leaves the question open.
    """
    if memory.parked is None or look.channel_dropped:
        return memory
    unseen = {each.model for each in look.models if each.unseen}
    asked = {each.model for each in look.models}
    readings = {(each.model, each.label): each.reading for each in look.labels}
    complete = True
    for model in memory.parked.models:
        for label, target in model.labels:
            reading = readings.get((model.name, label), LabelReading(LabelKind.UNSEEN))
            if reading.kind is not LabelKind.UNSEEN and not reading.resolves_to(target):
                return replace(memory, parked=None)
            complete = complete and reading.resolves_to(target)
        loaded = [
            each
            for each in listing.of_model(memory.versions, model.name)
            if listing.lists(model, each) and each.state is VersionState.AVAILABLE
        ]
        complete = complete and all(each.proven for each in loaded)
        complete = complete and model.name in asked - unseen
    if not complete:
        return memory
    return replace(memory, standing=Standing.KNOWN, stood_since=look.at, sent=memory.parked, parked=None)


def label_gone(server: DesiredServer, memory: Memory, look: Look) -> tuple[tuple[str, str, int], ...]:
    """Labels of the config sent, as (model, label, target), that this look found undefined.

    By RPC a label is set when the reload returns; a config file is read a poll later, so there a fence must have
    passed.
    """
    if memory.sent is None or memory.outstanding is not None:
        return ()
    if fence.delivered_by_file(server) and look.at < memory.changed_at + fence.fence_of(server):
        return ()
    undefined = {(each.model, each.label) for each in look.labels if each.reading.kind is LabelKind.UNDEFINED}
    return tuple(
        (model.name, label, target)
        for model in memory.sent.models
        for label, target in model.labels
        if (model.name, label) in undefined
    )


def vanished(memory: Memory, look: Look) -> bool:
    """Whether a status entry that was there is gone: entries live as long as the process (rule E28)."""
    entries = _entries(look)
    return any(
        each.state is not VersionState.ABSENT and each.model in entries and each.version not in entries[each.model]
        for each in memory.versions
    )


def _proven_anew(memory: Memory, look: Look) -> bool:
    """Whether a break of the connection, now or while the config is parked, is explained by a new life."""
    before = memory.sent if look.channel_dropped and memory.sent is not None else memory.parked
    if before is None:
        return False
    return _all_labels_gone(before, look) or _any_fell_back(before, memory, look)


def _all_labels_gone(before: ServerConfig, look: Look) -> bool:
    wanted = listing.label_pairs(before)
    gone = {(each.model, each.label) for each in look.labels if each.reading.kind is LabelKind.UNDEFINED}
    return bool(wanted) and wanted <= gone


def _fell_back(memory: Memory, look: Look) -> bool:
    return memory.sent is not None and _any_fell_back(memory.sent, memory, look)


def _any_fell_back(config: ServerConfig, memory: Memory, look: Look) -> bool:
    entries = _entries(look)
    models = listing.by_name(config)
    for each in memory.versions:
        model = models.get(each.model)
        if model is None or not isinstance(model.policy, Specific) or not _stood_loaded(each):
            continue
        entry = entries.get(each.model, {}).get(each.version)
        if entry and each.version in model.policy.versions and entry.state in listing.COMING:
            return True
    return False


def _stood_loaded(version: VersionMemory) -> bool:
    """A suspect may well fall back: its AVAILABLE was an earlier life's."""
    return version.state is VersionState.AVAILABLE and version.dropped_at == 0 and not version.suspect


def _first_seen(memory: Memory, look: Look) -> Memory:
    if vanished(memory, look):
        return replace(_unread(memory), versions=(), stood_since=look.at)
    if look.channel_dropped or not memory.stood_since:
        return replace(_unread(memory), stood_since=look.at)
    return memory


def _unread(memory: Memory) -> Memory:
    """Nothing that was read before counts as read: proofs and labels are asked for again."""
    versions = tuple(replace(each, proven=False) if each.proven else each for each in memory.versions)
    return replace(memory, versions=versions, labels=(), labels_wanted=True, page=None)


def _entries(look: Look) -> dict[str, dict[int, StatusEntry]]:
    return {each.model: {entry.version: entry for entry in each.entries} for each in look.models if not each.unseen}
