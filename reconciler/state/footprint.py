"""What is in a server's memory, or on its way there: versions, and the bytes that each is reckoned to take.

TensorFlow Serving tells nobody what a loaded version takes: no RPC, no status and no metric has it, and on a GPU its
allocator keeps what it once took. So the only number there is, is the one it reckons with itself: 1.2 × the size of
all files of the version (tensorflow_serving/servables/tensorflow/util.cc, kResourceEstimateRAMMultiplier). Where the
files cannot be seen there is no number. Used by `plan/` and by `invariants.py`. No decision is made here.
"""

from collections.abc import Iterable
from typing import TypeAlias

from reconciler.state.config import ModelConfig, ServerConfig
from reconciler.state.look import ASSUMED, PathFacts, VersionState
from reconciler.state.observed import Observed, ObservedModel
from reconciler.state.versions import All, Latest, Specific

Held: TypeAlias = dict[tuple[str, int], int | None]
"""Bytes by (model, version); None where nobody can tell."""

ALIVE = (VersionState.START, VersionState.LOADING, VersionState.AVAILABLE, VersionState.UNLOADING)
"""States in which a version holds memory, or will in a moment."""


def estimate(size: int) -> int | None:
    """What a version with so many bytes of files takes, in bytes; None where the size is not known (0)."""
    return -(-size * 6 // 5) if size > 0 else None


def held(observed: Observed) -> Held:
    """Everything that is in memory now or on its way there: listed and not failed, or unlisted and not gone yet."""
    configs = (observed.sent, *((observed.outstanding.config,) if observed.outstanding is not None else ()))
    found: Held = {}
    weigh = Scales(observed)
    paths = {model.name: model.base_path for config in (observed.known_as, *configs) for model in config.models}
    for seen in observed.models:
        for version in seen.versions:
            if version.going and version.state in ALIVE:
                found[seen.name, version.version] = weigh(paths.get(seen.name, ""), version.version)
    for config in configs:
        found |= _asked(observed, config, weigh)
    return found


def certain(observed: Observed, base_path: str, versions: Iterable[int]) -> bool:
    """Whether the size of everything in memory is known, and that of these versions below that path."""
    weigh = Scales(observed)
    return all(weigh(base_path, version) for version in versions) and not unknown(held(observed))


def assumed(observed: Observed) -> bool:
    """Whether nobody looked at storage, and files are only taken to be there (a plan without servers)."""
    return any(files.fingerprint == ASSUMED and not files.size for path in observed.paths for files in path.versions)


def peak(observed: Observed, config: ServerConfig) -> Held:
    """The most that can be in memory at once when that config is sent now: what is there, and what it adds."""
    return held(observed) | _asked(observed, config, Scales(observed))


def total(found: Held) -> int:
    """The bytes of all whose size is known."""
    return sum(size for size in found.values() if size is not None)


def unknown(found: Held) -> tuple[tuple[str, int], ...]:
    """The (model, version) of all whose size is not known, ascending."""
    return tuple(sorted(place for place, size in found.items() if size is None))


def written(size: int) -> str:
    """A number of bytes as people say it: `512 B`, `1.5 GiB`."""
    for unit, scale in (("TiB", 40), ("GiB", 30), ("MiB", 20), ("KiB", 10)):
        if size >= 1 << scale:
            return f"{size / (1 << scale):.3g} {unit}" if size < 1000 << scale else f"{size >> scale} {unit}"
    return f"{size} B"


class Scales:
    """Weighs versions by the files that were seen."""

    def __init__(self, observed: Observed) -> None:
        self._paths: dict[str, PathFacts] = {path.base_path: path for path in observed.paths}

    def __call__(self, base_path: str, version: int) -> int | None:
        """The bytes that a version below that path is reckoned to take; None where nobody can tell."""
        facts = self._paths.get(base_path)
        files = facts.files(version) if facts is not None else None
        return estimate(files.size) if files is not None else None

    def chosen(self, model: ModelConfig) -> Iterable[int]:
        """The versions that a config asks for; under `latest` and `all` as far as storage shows them complete."""
        if isinstance(model.policy, Specific):
            return model.policy.versions
        facts = self._paths.get(model.base_path)
        there = [files.version for files in facts.versions if files.complete] if facts is not None else []
        match model.policy:
            case Latest(count):
                return there[-max(count, 1) :]
            case All():
                return there


def _asked(observed: Observed, config: ServerConfig, weigh: Scales) -> Held:
    """What a config has loaded: not a version that failed and stays listed, for the server does not try it again."""
    seen = {model.name: model for model in observed.models}
    before = {model.name: model for model in observed.sent.models}
    found: Held = {}
    for model in config.models:
        known = seen.get(model.name) or ObservedModel(model.name)
        failed = {each.version for each in known.versions if each.failed and each.listed}
        failed &= set(before[model.name].listed) if model.name in before else set()
        numbers = set(weigh.chosen(model)) - failed
        if not isinstance(model.policy, Specific):
            numbers |= {each.version for each in known.versions if each.listed and each.state in ALIVE}
        found |= {(model.name, number): weigh(model.base_path, number) for number in numbers}
    return found
