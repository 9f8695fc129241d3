"""What one reload carries: the whole config of one model server, as a value.

A reload replaces everything (tensorflow_serving/model_servers/server_core.cc, ReloadConfig), so a `ServerConfig`
is always complete. Made by `plan/`, judged by `invariants.py`, written to the wire by `wire/`. It never holds what a
server may not be sent: no model type, no logging config (they poison or half-apply, rules E20 and E22).
"""

import hashlib
from dataclasses import dataclass, replace

from reconciler.state.versions import Specific, VersionPolicy


@dataclass(frozen=True, slots=True)
class ModelConfig:
    """One model in a server's config. `labels` are pairs (label, version), ascending by label."""

    name: str
    base_path: str
    policy: VersionPolicy
    labels: tuple[tuple[str, int], ...] = ()
    platform: str = "tensorflow"

    def __post_init__(self) -> None:
        if len(self.labels) < 2:
            return
        names = [label for label, _ in self.labels]
        if names != sorted(set(names)):
            raise ValueError(f"labels must be ascending without repeats: {self.labels}")

    @property
    def listed(self) -> tuple[int, ...]:
        """The versions named outright; empty under `latest` and `all`, where the server decides."""
        return self.policy.versions if isinstance(self.policy, Specific) else ()

    def label(self, name: str) -> int | None:
        """The version that a label points at, None where the label is not set."""
        return dict(self.labels).get(name)

    def with_labels(self, labels: dict[str, int]) -> "ModelConfig":
        """The same model with these labels."""
        return replace(self, labels=tuple(sorted(labels.items())))

    def with_versions(self, *versions: int) -> "ModelConfig":
        """The same model listing exactly these versions."""
        return replace(self, policy=Specific(tuple(sorted(set(versions)))))


@dataclass(frozen=True, slots=True)
class ServerConfig:
    """Every model of one server, ascending by name: the unit of a reload."""

    models: tuple[ModelConfig, ...] = ()

    def __post_init__(self) -> None:
        names = [model.name for model in self.models]
        if names != sorted(set(names)):
            raise ValueError(f"models must be ascending without repeats: {names}")

    @property
    def names(self) -> frozenset[str]:
        """The names of the models listed."""
        return frozenset(model.name for model in self.models)

    def model(self, name: str) -> ModelConfig | None:
        """The model of that name, None where the config does not list it."""
        for model in self.models:
            if model.name == name:
                return model
        return None

    def with_model(self, model: ModelConfig) -> "ServerConfig":
        """The same config with that model added or replaced."""
        others = [other for other in self.models if other.name != model.name]
        return ServerConfig(tuple(sorted([*others, model], key=lambda each: each.name)))

    def without(self, name: str) -> "ServerConfig":
        """The same config without that model."""
        return ServerConfig(tuple(model for model in self.models if model.name != name))

    @property
    def digest(self) -> str:
        """`sha256:` and the hex digest of the canonical form; equal configs have equal digests."""
        plain = [(each.name, each.base_path, each.policy, each.labels, each.platform) for each in self.models]
        return "sha256:" + hashlib.sha256(repr(plain).encode()).hexdigest()
