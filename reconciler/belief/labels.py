"""Labels as last read back, and which of them are due.

GetModelStatus ignores labels (rule E29), so each is read through GetModelMetadata: after every change of ours, in every
standing but KNOWN, while it reads otherwise than sent, and at least every 60 s (sooner where there are few labels in
all: `loop/rhythm.py`). Called by `learning` and `questions`.
Deliberately not here: what a wrong label means (doubts.py, life.py).
"""

from dataclasses import replace

from reconciler.belief import fence, listing
from reconciler.state.config import ServerConfig
from reconciler.state.desired import DesiredServer
from reconciler.state.look import LabelKind, Look
from reconciler.state.memory import LabelMemory, Memory, Standing

Pair = tuple[str, str]


def of_interest(server: DesiredServer, memory: Memory) -> set[Pair]:
    """Every label that git, the config in force, or an earlier config names."""
    wanted = {(model.name, label) for model in server.models for label, _ in model.labels}
    outstanding = memory.outstanding.config if memory.outstanding else None
    return wanted | listing.label_pairs(memory.sent, memory.parked, memory.known_as, outstanding)


def due(server: DesiredServer, memory: Memory, now: float, age: float) -> tuple[Pair, ...]:
    """The labels to read back at the next look, ascending; one that reads as sent rests for `age` s, 60 at most."""
    pairs = of_interest(server, memory)
    if memory.labels_wanted or memory.standing is not Standing.KNOWN:
        return tuple(sorted(pairs))
    read = {(each.model, each.label): each for each in memory.labels}
    sent = _targets(memory.sent)
    return tuple(
        sorted(pair for pair in pairs if _is_due(read.get(pair), sent.get(pair), now - min(age, fence.PROOF_MAX_AGE)))
    )


def folded(server: DesiredServer, memory: Memory, look: Look) -> Memory:
    """The memory with the labels of this look in it. One that could not be read keeps no reading: it is not known."""
    if not look.labels and not memory.labels_wanted:
        return memory
    pairs = of_interest(server, memory)
    held = {(each.model, each.label): each for each in memory.labels if (each.model, each.label) in pairs}
    for each in look.labels:
        if each.reading.kind is LabelKind.UNSEEN:
            held.pop((each.model, each.label), None)
        else:
            held[each.model, each.label] = LabelMemory(each.model, each.label, each.reading, look.at)
    read = {(each.model, each.label) for each in look.labels if each.reading.kind is not LabelKind.UNSEEN}
    return replace(
        memory,
        labels=tuple(held[pair] for pair in sorted(held)),
        labels_wanted=memory.labels_wanted and not pairs <= read,
    )


def _targets(config: ServerConfig | None) -> dict[Pair, int]:
    models = config.models if config else ()
    return {(model.name, label): version for model in models for label, version in model.labels}


def _is_due(read: LabelMemory | None, target: int | None, before: float) -> bool:
    if read is None or read.at <= before:
        return True
    if target is None:
        return read.reading.kind is not LabelKind.UNDEFINED
    return not read.reading.resolves_to(target)
