"""Versions that stay loaded for a while after a label left them, so that a revert is a label flip and no load.

Called by `plan/effective.py`, which lists them beside what git names, and by `plan/road.py`, which says until when.
Only a version *lower* than the highest that git names is kept: requests without a label follow the highest loaded
version (rule E38), so a higher one goes in the next pass. Nothing is loaded for this: what has gone is not brought
back. Deliberately not here: when a label left (`belief/reloads.py`); and what goes early because its memory is needed
(`plan/auto.py`).
"""

from reconciler.plan.ways import policy_of
from reconciler.state.desired import DesiredModel, TransitionPolicy
from reconciler.state.observed import Observed
from reconciler.state.plan import Retained
from reconciler.state.versions import Specific


def retained(wanted: DesiredModel, observed: Observed) -> tuple[Retained, ...]:
    """What is kept loaded of one model beyond what git names, ascending by version.

    A version counts that a label left less than `keepPrevious` ago, that the config in force lists under the path git
    names, and that is proven available. Policy `resource` has no room for any.
    """
    keep, names = wanted.transition.keep_previous, wanted.policy
    config = observed.sent.model(wanted.name)
    if not keep or config is None or not isinstance(names, Specific) or config.base_path != wanted.base_path:
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
