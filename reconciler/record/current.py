"""What runs where now, as far as it is remembered: the second half of the published ledger.

Pure. Called by the composition that publishes (`cli/publishing.py`). Versions and labels are as last seen; commit and
time are those of the spec that the model had wholly reached last.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from reconciler.state.look import LabelKind, VersionState
from reconciler.state.memory import GoodSpec, Memory

CommitOf = Callable[[str, str, str], str]
"""The commit by which a digest came to a model of a server: (server, model, digest) to its id, "" for none."""


@dataclass(frozen=True, slots=True)
class Running:
    """One model on one server. since: when its spec was wholly reached, 0 where none ever was; `commit` is "" then."""

    server: str
    model: str
    versions: tuple[int, ...]
    labels: tuple[tuple[str, int], ...]
    commit: str
    since: float


def current(memories: Iterable[Memory], commit_of: CommitOf) -> tuple[Running, ...]:
    """Everything that is loaded or wanted, ascending by server and model."""
    found = [each for memory in memories for each in _of_server(memory, commit_of)]
    return tuple(sorted(found, key=lambda each: (each.server, each.model)))


def _of_server(memory: Memory, commit_of: CommitOf) -> list[Running]:
    goods = {spec.config.name: spec for spec in memory.good}
    loaded = [each for each in memory.versions if each.state is VersionState.AVAILABLE]
    names = {each.model for each in loaded} | (memory.sent.names if memory.sent is not None else frozenset())
    return [_running(memory, name, goods.get(name), commit_of) for name in sorted(names)]


def _running(memory: Memory, name: str, good: GoodSpec | None, commit_of: CommitOf) -> Running:
    available = VersionState.AVAILABLE
    versions = {each.version for each in memory.versions if each.model == name and each.state is available}
    labels = {
        each.label: each.reading.version
        for each in memory.labels
        if each.model == name and each.reading.kind is LabelKind.RESOLVES and each.reading.version is not None
    }
    commit = commit_of(memory.server, name, good.digest) if good is not None else ""
    since = good.at if good is not None else 0.0
    return Running(memory.server, name, tuple(sorted(versions)), tuple(sorted(labels.items())), commit, since)
