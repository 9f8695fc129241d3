"""Which config is in force, as far as it is known, and what follows from it for single versions.

In standing KNOWN it is the config sent last. In every other standing it is rebuilt from what was *seen*: a server
cannot be asked for its config (rules E1, E33). Called by all other modules of belief. Deliberately not here: time.
"""

from collections.abc import Iterable, Mapping

from reconciler.state.config import ModelConfig, ServerConfig
from reconciler.state.desired import DesiredServer
from reconciler.state.look import LabelKind, VersionState
from reconciler.state.memory import Memory, Standing, VersionMemory
from reconciler.state.versions import Specific, specific

LOADED_OR_COMING = frozenset({VersionState.START, VersionState.LOADING, VersionState.AVAILABLE})
COMING = frozenset({VersionState.START, VersionState.LOADING})
BUSY = frozenset({VersionState.LOADING, VersionState.UNLOADING})


def in_force(server: DesiredServer, memory: Memory) -> ServerConfig:
    """The config in force: what was sent last, or else what was seen to be served."""
    return memory.sent if memory.sent is not None else _as_seen(server, memory)


def lists(config: ModelConfig | None, version: VersionMemory) -> bool:
    """Whether that entry of the config asks for the version.

    Under `latest` and `all` the server decides: whatever it holds on its own account counts as asked for.
    """
    if config is None:
        return False
    if isinstance(config.policy, Specific):
        return version.version in config.policy.versions
    chosen_and_failed = version.state is VersionState.END and version.error is not None
    return version.dropped_at == 0 and (version.state in LOADED_OR_COMING or chosen_and_failed)


def by_name(config: ServerConfig | None) -> Mapping[str, ModelConfig]:
    """The models of a config by name."""
    return {model.name: model for model in config.models} if config else {}


def names_of_interest(server: DesiredServer, memory: Memory) -> set[str]:
    """Every model that git, a config in force now or before, or a reload under way names, or that was removed."""
    names = {model.name for model in server.models} | {name for name, _ in memory.removed}
    configs = (memory.sent, memory.parked, memory.known_as, memory.outstanding.config if memory.outstanding else None)
    return names.union(*(config.names for config in configs if config))


def label_pairs(*configs: ServerConfig | None) -> set[tuple[str, str]]:
    """Every (model, label) of these configs."""
    return {(model.name, label) for config in configs if config for model in config.models for label, _ in model.labels}


def of_model(versions: Iterable[VersionMemory], model: str) -> list[VersionMemory]:
    """The versions of one model."""
    return [each for each in versions if each.model == model]


def _as_seen(server: DesiredServer, memory: Memory) -> ServerConfig:
    known = by_name(memory.known_as)
    found: list[ModelConfig] = []
    for name in sorted({each.model for each in memory.versions}):
        base_path = _base_path(server, memory, name)
        seen = [each for each in of_model(memory.versions, name) if _counts(memory.standing, known.get(name), each)]
        if base_path and any(_carries(memory.standing, each) for each in seen):
            found.append(_rebuilt(memory, ModelConfig(name, base_path, specific(*(each.version for each in seen)))))
    return ServerConfig(tuple(found))


def _base_path(server: DesiredServer, memory: Memory, name: str) -> str:
    """The base path last known; git's where there is none; "" where nobody knows."""
    known = memory.known_as.model(name)
    wanted = server.model(name)
    return known.base_path if known else wanted.base_path if wanted else ""


def _counts(standing: Standing, known: ModelConfig | None, version: VersionMemory) -> bool:
    """Whether a version seen is taken for listed.

    After a proven restart every status is of this life, so whatever loads or is loaded stands in the start config. With
    memory lost, only a proven version does, and one on its way that was listed before.
    """
    if standing is Standing.RESTARTED:
        return version.state in LOADED_OR_COMING and version.denied_at == 0
    if version.proven and version.state is VersionState.AVAILABLE:
        return True
    return version.state in COMING and known is not None and version.version in known.listed


def _carries(standing: Standing, version: VersionMemory) -> bool:
    return standing is Standing.RESTARTED or version.proven


def _rebuilt(memory: Memory, model: ModelConfig) -> ModelConfig:
    labels = {
        each.label: each.reading.version
        for each in memory.labels
        if each.model == model.name and each.reading.kind is LabelKind.RESOLVES and each.reading.version in model.listed
    }
    return model.with_labels(labels)
