"""Policy `auto` once a change has begun: the way that was chosen then, whatever fits now.

Used by `plan/effective.py` and `plan/retention.py`. The choice is recorded with the pass that first loads or unloads a
version of the model, and belongs to the versions that git asks for; other versions are another transition, and chosen
for anew (`plan/auto.py`). Were it made at every look, a model that has unloaded its old version could find that both
would fit now, and change its mind about what a failed load means.
"""

from dataclasses import replace

from reconciler.state.desired import DesiredModel, TransitionPolicy
from reconciler.state.observed import Observed
from reconciler.state.versions import Specific


def settled(wanted: DesiredModel, observed: Observed, *, limited: bool = True) -> DesiredModel:
    """The model with the policy that its change began with; `auto` where it has not begun.

    Without a budget (`limited`) everything fits: then `auto` is `availability`.
    """
    if wanted.transition.policy is not TransitionPolicy.AUTO:
        return wanted
    policy = policy_of(wanted, observed) if limited else TransitionPolicy.AVAILABILITY
    return replace(wanted, transition=replace(wanted.transition, policy=policy))


def policy_of(wanted: DesiredModel, observed: Observed) -> TransitionPolicy:
    """The policy in force for a model; `auto` where that is still to be chosen."""
    if wanted.transition.policy is not TransitionPolicy.AUTO or not isinstance(wanted.policy, Specific):
        return wanted.transition.policy
    begun = next((way for way in observed.ways if way.model == wanted.name), None)
    return begun.policy if begun is not None and begun.versions == wanted.policy.versions else wanted.transition.policy
