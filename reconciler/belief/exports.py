"""What exports promise to clients: which of them must be read, and which are still of use.

Only of versions that a label is about to leave or to go to, and only once per state of their files: reading one is
reading its protos. Called by `questions` and `learning`. Deliberately not here: comparing them (preflight/).
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from reconciler.belief import listing
from reconciler.state.config import ServerConfig
from reconciler.state.desired import DesiredServer
from reconciler.state.look import Look, PathFacts, VersionState
from reconciler.state.memory import Memory, Replaced

Place = tuple[str, int]
"""Base path and version."""


def wanted(server: DesiredServer, memory: Memory, config: ServerConfig) -> tuple[Place, ...]:
    """The exports to be read at the next look, ascending."""
    prints = {(path.base_path, files.version): files.fingerprint for path in memory.paths for files in path.versions}
    known = {(each.base_path, each.version): each.fingerprint for each in memory.exports}
    return tuple(
        sorted(
            place
            for place in set(_compared(server, config))
            if place not in known or known[place] != (prints.get(place) or known[place])
        )
    )


def _compared(server: DesiredServer, config: ServerConfig) -> Iterator[Place]:
    """Both ends of every label move that git asks for."""
    models = {model.name: model for model in config.models}
    for model in server.models:
        found = models.get(model.name)
        if found is None or found.labels == model.labels:
            continue
        before = dict(found.labels)
        for label, version in model.labels:
            if before.get(label, version) != version:
                yield found.base_path, before[label]
                yield model.base_path, version


def folded(server: DesiredServer, memory: Memory, look: Look) -> Memory:
    """The memory with the exports of this look, without those of versions that nothing names any more."""
    if not look.exports and not memory.exports:
        return memory
    read = {(each.base_path, each.version): each for each in (*memory.exports, *look.exports)}
    named = {(model.base_path, version) for model in server.models for _, version in model.labels}
    for model in listing.in_force(server, memory).models:
        named |= {(model.base_path, number) for number in (*model.listed, *dict(model.labels).values())}
    kept = tuple(read[place] for place in sorted(read) if place in named)
    return memory if kept == memory.exports else replace(memory, exports=kept)


def replaced(memory: Memory, facts: Mapping[str, PathFacts]) -> tuple[Replaced, ...]:
    """The loaded versions whose files are no longer those they were loaded from, as far as both were seen at rest.

    The server goes on with what it has loaded (rule E18), and would load something else after a restart.
    """
    paths = {model.name: facts.get(model.base_path) for model in (memory.sent.models if memory.sent else ())}
    found = []
    for each in memory.versions:
        path = paths.get(each.model) if each.fingerprint and each.state is VersionState.AVAILABLE else None
        files = path.files(each.version) if path is not None else None
        if files is not None and files.fingerprint not in ("", each.fingerprint):
            found.append(Replaced(each.model, each.version, each.fingerprint, files.fingerprint))
    return tuple(found)
