"""Invariant 15, and what policy `auto` means to invariants 4 and 9."""

from dataclasses import replace

from builders import at, auto, config, going, limited, model, seen, server, sized
from invariant_pairs import GAP, LOAD, ONE, TWO, UNLOAD, Pair, Situation, act, breaks, reload

from reconciler.state.desired import TransitionPolicy
from reconciler.state.look import VersionState
from reconciler.state.memory import Way
from reconciler.state.observed import ObservedVersion
from reconciler.state.plan import Pass, PassKind

EQUAL = {1: 2, 2: 2}
LISTED_BOTH = reload(config(half={"versions": (1, 2), "stable": 1}), act(LOAD, "half", 2))
DROP = reload(config(half={"versions": ()}), act(UNLOAD, "half", 1), gaps=(GAP,))


def going_by(body: Pass, policy: TransitionPolicy) -> Pass:
    return replace(body, ways=(Way("half", (2,), policy),))


@breaks(15)
def test_old_and_new_are_not_listed_together_where_they_do_not_fit() -> Pair:
    """15"""
    observed = sized(at(ONE, TWO), half=EQUAL)
    return Situation(limited(TWO, 3), observed, LISTED_BOTH), Situation(limited(TWO, 4), observed, LISTED_BOTH)


@breaks(15)
def test_what_is_unlisted_and_has_not_ended_takes_memory_still() -> Pair:
    """15"""
    after = limited(server(model("half", (1, 2), stable=1)), 5)
    observed = sized(at(ONE, after), half={**EQUAL, 3: 2})
    left = ObservedVersion(3, VersionState.END, ended=True)
    return Situation(after, seen(observed, "half", going(3)), LISTED_BOTH), Situation(
        after, seen(observed, "half", left), LISTED_BOTH
    )


@breaks(15)
def test_the_reserve_is_left_alone() -> Pair:
    """15"""
    observed = sized(at(ONE, TWO), half=EQUAL)
    tight, wide = limited(TWO, 3, reserve=1), limited(TWO, 4, reserve=1)
    return Situation(tight, observed, LISTED_BOTH), Situation(wide, observed, LISTED_BOTH)


@breaks(15)
def test_a_new_name_takes_memory_beside_the_models_that_are_there() -> Pair:
    """15"""
    after = server(model("half", (1,), stable=1), model("new", (1,)))
    observed = sized(at(ONE, after), half=EQUAL, new={1: 2})
    body = reload(config(half={"versions": (1,), "stable": 1}, new={"versions": (1,)}), kind=PassKind.ADD)
    return Situation(limited(after, 3), observed, body), Situation(limited(after, 4), observed, body)


def test_a_pass_that_adds_nothing_goes_even_where_too_much_is_loaded_already() -> None:
    before = server(model("half", (1, 2), stable=2))
    body = reload(config(half={"versions": (2,), "stable": 2}), act(UNLOAD, "half", 1))
    assert Situation(limited(TWO, 1), sized(at(before), half=EQUAL), body).broken() == set()


def test_a_size_that_nobody_can_tell_counts_as_nothing() -> None:
    assert Situation(limited(TWO, 1), at(ONE, TWO), LISTED_BOTH).broken() == set()


@breaks(9)
def test_under_auto_a_serving_version_leaves_first_only_where_that_was_chosen() -> Pair:
    """9"""
    after = server(auto(model("half", (2,), stable=2)))
    naive, right = (going_by(DROP, policy) for policy in (TransitionPolicy.AVAILABILITY, TransitionPolicy.RESOURCE))
    return Situation(after, at(ONE, after), naive), Situation(after, at(ONE, after), right)


@breaks(4)
def test_under_auto_the_new_version_waits_for_room_where_resource_was_chosen() -> Pair:
    """4"""
    after = server(auto(model("half", (2,), stable=2)))
    naive, right = (
        going_by(LISTED_BOTH, policy) for policy in (TransitionPolicy.RESOURCE, TransitionPolicy.AVAILABILITY)
    )
    return Situation(after, at(ONE, after), naive), Situation(after, at(ONE, after), right)


@breaks(9)
def test_a_way_that_was_chosen_for_other_versions_says_nothing() -> Pair:
    """9"""
    after = server(auto(model("half", (2,), stable=2)))
    observed, ways = at(ONE, after), [(Way("half", each, TransitionPolicy.RESOURCE),) for each in ((3,), (2,))]
    return Situation(after, replace(observed, ways=ways[0]), DROP), Situation(
        after, replace(observed, ways=ways[1]), DROP
    )
