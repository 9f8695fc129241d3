"""Whether a fact holds on an observed server: the one place where `leads_to` and `needs` are read against the world.

Pure. Used by `settle` and by the simulator's tests. A fact about a label or a version is judged by what was *seen*,
never by what a reload answered (rules E7, E12); a fact about the config in force is judged by what is remembered of it.
"""

from collections.abc import Callable

from reconciler.state.check import CheckResult, CheckVerdict
from reconciler.state.config import ModelConfig, ServerConfig
from reconciler.state.look import LabelKind, VersionState
from reconciler.state.memory import Standing
from reconciler.state.observed import Observed
from reconciler.state.plan import Fact, FactKind


def holds(fact: Fact, observed: Observed, config: ServerConfig) -> bool:
    """Whether the fact is true of the server as believed now.

    Args:
        fact: what is asked.
        observed: the server as believed.
        config: the config of the pass that the fact belongs to; it says where files lie and which policy was meant.
    """
    return _JUDGES[fact.kind](fact, observed, config)


def config_is_known(observed: Observed) -> bool:
    """Whether `observed.sent` is the config in force for sure: accepted in this life, nothing in flight since."""
    return observed.standing is Standing.KNOWN and observed.outstanding is None


def _available(fact: Fact, observed: Observed, _config: ServerConfig) -> bool:
    return fact.version is not None and observed.model(fact.model).version(fact.version).proven


def _listed(fact: Fact, observed: Observed, _config: ServerConfig) -> bool:
    in_force = _in_force(fact, observed)
    return in_force is not None and fact.version in in_force.listed


def _gone(fact: Fact, observed: Observed, _config: ServerConfig) -> bool:
    """Unlisted and not on its way out any more; a START that was dropped may never show END (observed, trap 1)."""
    if fact.version is None or not observed.reach.answers:
        return False
    version = observed.model(fact.model).version(fact.version)
    if version.listed:
        return False
    return version.state in (VersionState.END, VersionState.ABSENT) or not version.going


def _label_at(fact: Fact, observed: Observed, _config: ServerConfig) -> bool:
    if fact.label is None or fact.version is None:
        return False
    return observed.model(fact.model).reading(fact.label).resolves_to(fact.version)


def _label_undefined(fact: Fact, observed: Observed, _config: ServerConfig) -> bool:
    """Read as undefined; or not asked any more because the config known to be in force does not carry it."""
    if fact.label is None:
        return False
    kind = observed.model(fact.model).reading(fact.label).kind
    if kind is not LabelKind.UNSEEN:
        return kind is LabelKind.UNDEFINED
    in_force = _in_force(fact, observed)
    return config_is_known(observed) and (in_force is None or in_force.label(fact.label) is None)


def _model_listed(fact: Fact, observed: Observed, _config: ServerConfig) -> bool:
    return _in_force(fact, observed) is not None


def _model_unlisted(fact: Fact, observed: Observed, _config: ServerConfig) -> bool:
    return config_is_known(observed) and _in_force(fact, observed) is None


def _files_complete(fact: Fact, observed: Observed, config: ServerConfig) -> bool:
    meant = config.model(fact.model)
    if meant is None or fact.version is None:
        return False
    files = observed.files(meant.base_path, fact.version)
    return files is not None and files.complete


def _policy(fact: Fact, observed: Observed, config: ServerConfig) -> bool:
    in_force, meant = _in_force(fact, observed), config.model(fact.model)
    return in_force is not None and meant is not None and in_force.policy == meant.policy


def _checked(fact: Fact, observed: Observed, _config: ServerConfig) -> bool:
    found = last_check(fact, observed)
    return found is not None and found.verdict is CheckVerdict.PASSED


def last_check(fact: Fact, observed: Observed) -> CheckResult | None:
    """How the check that a fact is about ended last, None where it never did."""
    about = (fact.model, fact.version, fact.check)
    known = [each for each in observed.checks if (each.due.model, each.due.version, each.due.check) == about]
    return max(known, key=lambda each: each.at, default=None)


def _in_force(fact: Fact, observed: Observed) -> ModelConfig | None:
    return observed.sent.model(fact.model)


_JUDGES: dict[FactKind, Callable[[Fact, Observed, ServerConfig], bool]] = {
    FactKind.AVAILABLE: _available,
    FactKind.LISTED: _listed,
    FactKind.GONE: _gone,
    FactKind.LABEL_AT: _label_at,
    FactKind.LABEL_UNDEFINED: _label_undefined,
    FactKind.MODEL_LISTED: _model_listed,
    FactKind.MODEL_UNLISTED: _model_unlisted,
    FactKind.FILES_COMPLETE: _files_complete,
    FactKind.POLICY: _policy,
    FactKind.CHECKED: _checked,
}
