"""Versions that stay loaded for a while after a label left them, so that a revert is a label flip and no load.

Called by `plan/effective.py`, which lists them beside what git names, and by `plan/road.py`, which says until when.
Only a version *lower* than the highest that git names is kept: requests without a label follow the highest loaded
version (rule E38), so a higher one goes in the next pass. Nothing is loaded for this: what has gone is not brought
back. Deliberately not here: when a label left (`belief/reloads.py`); and what goes early because its memory is needed
(`plan/auto.py`).
"""

from dataclasses import replace

from reconciler.plan.ways import policy_of
from reconciler.state.desired import DesiredModel, TransitionPolicy
from reconciler.state.memory import GoodSpec
from reconciler.state.observed import Observed
from reconciler.state.plan import Retained
from reconciler.state.versions import Specific


def retained(wanted: DesiredModel, observed: Observed) -> tuple[Retained, ...]:
    """What is kept loaded of one model beyond what git names, ascending by version.

    A version counts that a label left less than `keepPrevious` ago, that the config in force lists under the path git
    names, and that is proven available. Policy `resource` has no room for any.
    """
    keep, names = wanted.transition.keep_previous, wanted.policy
    if not keep or not isinstance(names, Specific):
        return ()
    config = observed.sent.model(wanted.name)
    if config is None or config.base_path != wanted.base_path:
        return ()
    if policy_of(wanted, observed) is TransitionPolicy.RESOURCE:
        return ()
    seen = observed.model(wanted.name)
    return tuple(
        Retained(wanted.name, each.version, each.at + keep)
        for each in observed.departures
        if each.model == wanted.name
        and each.version in config.listed
        and each.version not in names.versions
        and each.version < max(names.versions)
        and each.at + keep > observed.at
        and seen.version(each.version).proven
    )


def waiting(wanted: DesiredModel, good: GoodSpec, observed: Observed) -> tuple[int, ...]:
    """What stays loaded beside the last good spec while git's waits for its turn, ascending.

    Besides what `keepPrevious` asks for, that is every version which git itself names: a revert that may not begin yet
    must find the version that it goes back to still loaded, whether or not its own commit says `keepPrevious`.
    """
    config, names = observed.sent.model(wanted.name), good.config.policy
    if config is None or not isinstance(names, Specific) or not names.versions:
        return ()
    if config.base_path != good.config.base_path or not isinstance(config.policy, Specific):
        return ()
    if policy_of(wanted, observed) is TransitionPolicy.RESOURCE:
        return ()
    own, seen = replace(wanted, policy=names, base_path=good.config.base_path), observed.model(wanted.name)
    asked = wanted.policy.versions if isinstance(wanted.policy, Specific) else ()
    named = {
        version
        for version in asked
        if version in config.listed and version < max(names.versions) and seen.version(version).proven
    }
    return tuple(sorted((named | {each.version for each in retained(own, observed)}) - {*names.versions}))
