"""What one model of a server shall be, for now: a target, with the versions resolved; and when two specs are the same.

The values that every other module of `plan/` speaks in. A target is made from git's spec, from the last good one of its
model, or from the config in force. Which of these counts is `plan/effective.py`; how to get there is not decided here.
"""

import enum
import hashlib
from dataclasses import dataclass, replace
from functools import lru_cache

from reconciler.state.check import Check
from reconciler.state.config import ModelConfig
from reconciler.state.desired import DesiredModel, Preflight, Retry, Transition
from reconciler.state.memory import GoodSpec
from reconciler.state.observed import Observed
from reconciler.state.plan import Hold
from reconciler.state.versions import Latest, Specific, VersionPolicy


class Origin(enum.Enum):
    """Where a target comes from."""

    GIT = "git"
    FALLBACK = "fallback"
    REDUCED = "reduced"
    ORPHAN = "orphan"
    SUSPENDED = "suspended"
    REPORTED = "reported"
    WAITING = "waiting"


@dataclass(frozen=True, slots=True)
class Target:
    """One model as it shall be. `versions` ascend: those listed; under `latest` and `all` what storage would give.

    retained: the versions among them that git no longer names and that stay for a while (`plan/retention.py`). checks:
    what a version must pass before a label goes to it; none where all of it was reached before.
    given_up: versions that would stay for a while if their memory were not needed. asked: under policy `auto` the
    versions that git names; `transition` then has the policy it comes to, `choice` says why, and `open` that it may be
    another at the next look. alone: labels that only this server answers, each with the hold that keeps an exchange
    from taking it away.
    """

    name: str
    base_path: str
    policy: VersionPolicy
    versions: tuple[int, ...]
    labels: tuple[tuple[str, int], ...]
    transition: Transition = Transition()
    retry: Retry = Retry()
    platform: str = "tensorflow"
    digest: str = ""
    origin: Origin = Origin.GIT
    retained: tuple[int, ...] = ()
    preflight: Preflight = Preflight()
    checks: tuple[Check, ...] = ()
    given_up: tuple[int, ...] = ()
    asked: tuple[int, ...] = ()
    choice: str = ""
    open: bool = False
    alone: tuple[tuple[str, Hold], ...] = ()

    @property
    def specific(self) -> bool:
        """Whether the versions are named outright."""
        return isinstance(self.policy, Specific)

    @property
    def config(self) -> ModelConfig:
        """The model's part of the config when everything is reached, and nothing is retained any more."""
        config = ModelConfig(self.name, self.base_path, self.policy, self.labels, self.platform)
        return config.with_versions(*set(config.listed) - set(self.retained)) if self.retained else config

    def label(self, name: str) -> int | None:
        """The version that label shall point at, None where it shall not exist."""
        return dict(self.labels).get(name)


@dataclass(frozen=True, slots=True)
class Targets:
    """Every model the server shall hold, ascending by name, with the holds that made a target differ from git.

    fixed: whether nothing that a forecast can change has a say in them, so that they hold for the whole road.
    `removed` are the models that the server holds and shall lose now, with git's consent; `last` those it shall lose
    once another is there: they still are targets, as they are. `waiting` are those that stay as they are for now
    although git wants them otherwise.
    """

    models: tuple[Target, ...]
    removed: tuple[str, ...] = ()
    holds: tuple[Hold, ...] = ()
    last: tuple[str, ...] = ()
    waiting: tuple[str, ...] = ()
    fixed: bool = False

    def model(self, name: str) -> Target | None:
        """The target of that model."""
        return next((target for target in self.models if target.name == name), None)


def resolve(policy: VersionPolicy, base_path: str, observed: Observed) -> tuple[int, ...]:
    """The versions a policy gives on the storage that was seen, ascending; only complete ones under latest and all."""
    if isinstance(policy, Specific):
        return policy.versions
    found = [files.version for files in observed.path(base_path).versions if files.complete]
    return tuple(found[-max(policy.count, 1) :]) if isinstance(policy, Latest) else tuple(found)


def spec_digest(model: DesiredModel, observed: Observed) -> str:
    """The identity of a spec for quarantine: base path, platform, versions, labels, checks, and what the files are.

    Nothing else enters, so an unrelated commit does not retry a failed spec, and repaired files do.
    """
    path = observed.path(model.base_path)
    versions = model.policy.versions if isinstance(model.policy, Specific) else ()
    prints = [(number, files.fingerprint) for number in versions if (files := path.files(number)) is not None]
    digests = "".join([check.digest for check in model.checks])
    return _digest((model.base_path, model.platform, model.policy, model.labels), tuple(prints), digests)


@lru_cache(maxsize=4096)
def _digest(plain: tuple[object, ...], prints: tuple[tuple[int, str], ...], checks: str) -> str:
    """Kept, because the same spec is asked for once per server of its fleet, and more often on its way."""
    text = repr((*plain, list(prints))) + checks
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()


def begins(wanted: DesiredModel, observed: Observed) -> bool:
    """Whether to follow git here would begin something: its spec was neither reached nor sent on this server yet."""
    digest = spec_digest(wanted, observed)
    good = observed.good_spec(wanted.name)
    reached_before = good is not None and good.digest == digest
    return not reached_before and dict(observed.specs).get(wanted.name) != digest


def from_git(wanted: DesiredModel, observed: Observed) -> Target:
    """The target that is git's own spec."""
    return Target(
        wanted.name,
        wanted.base_path,
        wanted.policy,
        resolve(wanted.policy, wanted.base_path, observed),
        wanted.labels,
        wanted.transition,
        wanted.retry,
        wanted.platform,
        preflight=wanted.preflight,
        checks=wanted.checks,
    )


def at_good(asked: Target, good: GoodSpec, observed: Observed, origin: Origin) -> Target:
    """The same model as its last good spec has it; all of that was proven here, so nothing is to be checked."""
    config = good.config
    versions = resolve(config.policy, config.base_path, observed)
    return replace(
        asked,
        base_path=config.base_path,
        policy=config.policy,
        versions=versions,
        labels=config.labels,
        digest=good.digest,
        origin=origin,
        checks=(),
    )


def carried(config: ModelConfig, observed: Observed, origin: Origin = Origin.ORPHAN) -> Target:
    """A model as a config has it, whatever git says of it."""
    return Target(
        config.name,
        config.base_path,
        config.policy,
        resolve(config.policy, config.base_path, observed),
        config.labels,
        platform=config.platform,
        origin=origin,
    )
