"""Policy `auto`: which order a change goes in here, and what makes room for it.

Called by `plan/road.py` and `plan/progress.py` in place of `targets`: the targets of a server with a budget, each with
the order it comes to. `availability` where old and new fit beside everything else, now or once what is at hand has come
to rest; else `resource`, which needs no more than the new versions take. Until the first version is loaded or unloaded
the choice is made anew from what is seen; from then on it is remembered (`plan/ways.py`). A size that nobody can tell
is not known to fit: then it is `resource`, whose worst is a gap that was stated and consented to, while a load too many
can take the whole server down with every model on it. Only a plan made without looking at storage takes both to fit, as
it takes the files to exist: nothing is sent by it.

Versions that stay only for a while (`keepPrevious`) go early where a load that fits without them waits for their room,
the one that was left longest ago first.
"""

from collections.abc import Iterator
from dataclasses import replace

from reconciler.plan.effective import targets
from reconciler.plan.memory import Room, room
from reconciler.plan.target import Target, Targets
from reconciler.plan.vetoing import FREE, Vetoes
from reconciler.state.desired import Commit, DesiredServer, TransitionPolicy
from reconciler.state.footprint import written
from reconciler.state.observed import Observed
from reconciler.state.versions import Specific


def aims(commit: Commit, server: DesiredServer, observed: Observed, vetoes: Vetoes = FREE) -> Targets:
    """The targets of one server, each with the order in which it changes, and without what must make room."""
    found = targets(commit, server, observed, vetoes)
    space = room(server, observed, found)
    if space is None:
        return found
    models = tuple(_chosen(target, space) if target.asked else target for target in found.models)
    return _relieved(replace(found, models=models), observed, space)


def _chosen(target: Target, space: Room) -> Target:
    policy = target.transition.policy
    if policy is not TransitionPolicy.AUTO:
        return replace(target, choice="as it began") if space.missing(target) else target
    policy, why = _choice(target, space)
    return replace(target, transition=replace(target.transition, policy=policy), choice=why, open=True)


def _choice(target: Target, space: Room) -> tuple[TransitionPolicy, str]:
    if not target.specific or not space.missing(target):
        return TransitionPolicy.AVAILABILITY, ""
    if not space.is_held(target.name):
        return TransitionPolicy.AVAILABILITY, "none of its versions is loaded yet"
    if space.is_unknown(target) and space.is_assumed:
        return (
            TransitionPolicy.AVAILABILITY,
            "storage was not looked at: both are taken to fit",
        )
    if space.is_unknown(target):
        return TransitionPolicy.RESOURCE, "not every size is known, so both are not known to fit"
    both, limit = space.sum_of(target, space.both(target)), written(space.budget.usable)
    others = space.others_bare(target.name)
    words = f"old and new take {written(both)} together, other models {written(others)}, and {limit} may be used"
    fits = space.fits(both + others)
    return TransitionPolicy.AVAILABILITY if fits else TransitionPolicy.RESOURCE, words


def _relieved(found: Targets, observed: Observed, space: Room) -> Targets:
    """The targets without as many of the versions that stay for a while as a load needs the room of."""
    kept = {(target.name, version) for target in found.models for version in target.retained}
    if not kept:
        return found
    left = {(each.model, each.version): each.at for each in observed.departures}
    over = max((each for target in found.models for each in _over(target, space)), default=0)
    given: set[tuple[str, int]] = set()
    for name, version in sorted(kept, key=lambda each: (left.get(each, 0.0), each)):
        if over > 0:
            given.add((name, version))
            over -= space.kept_by(name, version)
    return replace(found, models=tuple(_without(target, given) for target in found.models)) if given else found


def _over(target: Target, space: Room) -> Iterator[int]:
    """By how many bytes a load of this model does not fit beside what stays for a while, where it fits without."""
    missing = space.missing(target)
    if not space.sum_of(target, missing):
        return
    exchange = target.transition.policy is TransitionPolicy.RESOURCE
    most = space.goal(target) if exchange else space.sum_of(target, space.both(target))
    bare = most + space.others_bare(target.name)
    if space.fits(bare):
        yield bare + space.kept - space.budget.usable


def _without(target: Target, given: set[tuple[str, int]]) -> Target:
    gone = tuple(version for version in target.retained if (target.name, version) in given)
    if not gone:
        return target
    versions = tuple(version for version in target.versions if version not in gone)
    stay = tuple(version for version in target.retained if version not in gone)
    return replace(target, policy=Specific(versions), versions=versions, retained=stay, given_up=gone)
