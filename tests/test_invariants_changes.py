"""Invariants 4 to 6, 9 and 10: room, what a reload carries, consent, serving versions, retries."""

from dataclasses import replace

from builders import (
    at,
    config,
    empty,
    failed,
    going,
    listing,
    model,
    seen,
    server,
    stored,
    with_model,
)
from invariant_pairs import (
    BOTH,
    GAP,
    LOAD,
    ONE,
    PRUNING,
    REMOVE,
    UNLOAD,
    WEDGE,
    Pair,
    Situation,
    act,
    breaks,
    exchange,
    reload,
)

from reconciler.state.config import ModelConfig, ServerConfig
from reconciler.state.look import Reach, ReachKind
from reconciler.state.look import VersionState as State
from reconciler.state.memory import DoubtReason, GoodSpec, Outstanding
from reconciler.state.observed import ObservedModel, ObservedVersion
from reconciler.state.plan import PassKind
from reconciler.state.versions import specific

# 4: resource stays within its room


@breaks(4)
def test_under_resource_the_new_version_is_not_listed_beside_the_old() -> Pair:
    """4"""
    before, after = exchange(1, stable=1), exchange(2, stable=2)
    naive = reload(config(half={"versions": (1, 2), "stable": 1}), act(LOAD, "half", 2))
    drop = reload(config(half={"versions": ()}), act(UNLOAD, "half", 1), gaps=(GAP,))
    return Situation(after, at(before, after), naive), Situation(after, at(before, after), drop)


@breaks(4)
def test_under_resource_the_new_version_waits_for_the_end_of_the_old() -> Pair:
    """4"""
    before, after = exchange(1), exchange(2)
    observed = listing(at(before, after), "half")
    body = reload(config(half={"versions": (2,)}), act(LOAD, "half", 2))
    unloading = seen(observed, "half", going(1, State.UNLOADING))
    ended = seen(observed, "half", ObservedVersion(1, State.END, ended=True))
    return Situation(after, unloading, body), Situation(after, ended, body)


@breaks(4)
def test_the_room_is_what_the_last_good_spec_took() -> Pair:
    """4: between the drop and the load the list is empty, and says nothing about the room."""
    after = exchange(3, 4)
    observed = stored(
        listing(seen(at(exchange(1), after), "half", ObservedVersion(1, State.END)), "half"), "/models/half", 3, 4, 5
    )
    good = GoodSpec(ModelConfig("half", "/models/half", specific(1, 2, 6)), "sha256:good", 1.0)
    body = reload(config(half={"versions": (3, 4, 5)}))
    return Situation(after, observed, body), Situation(after, replace(observed, good=(good,)), body)


# 5: every model is carried


@breaks(5)
def test_a_config_of_only_the_model_that_changes_is_rejected() -> Pair:
    """5"""
    before = server(model("half", (1, 2), stable=1), model("other", (1,)))
    after = server(model("half", (1, 2), stable=2), model("other", (1,)))
    naive = reload(config(half={"versions": (1, 2), "stable": 2}))
    right = reload(config(half={"versions": (1, 2), "stable": 2}, other={"versions": (1,)}))
    return Situation(after, at(before, after), naive), Situation(after, at(before, after), right)


@breaks(5)
def test_after_a_lost_answer_only_the_identical_config_goes() -> Pair:
    """5, RESEND"""
    carried = config(half={"versions": (1, 2), "stable": 1})
    observed = replace(at(BOTH), outstanding=Outstanding(carried, (), 900.0))
    other = config(half={"versions": (1,), "stable": 1})
    naive, right = (reload(each, kind=PassKind.RESEND) for each in (other, carried))
    return Situation(BOTH, observed, naive), Situation(BOTH, observed, right)


@breaks(5)
def test_a_lost_reload_that_named_a_new_model_is_not_sent_again() -> Pair:
    """5, RESEND: the first may still hold the server's lock."""
    carried = config(half={"versions": (1,)})
    again = reload(carried, kind=PassKind.RESEND)
    waiting = Outstanding(carried, ("half",), 900.0)
    return (
        Situation(ONE, replace(empty(ONE), outstanding=waiting), again),
        Situation(ONE, replace(at(ONE), outstanding=replace(waiting, names=())), again),
    )


@breaks(5)
def test_nothing_is_sent_again_that_was_answered() -> Pair:
    """5, RESEND"""
    carried = config(half={"versions": (1,), "stable": 1})
    again = reload(carried, kind=PassKind.RESEND)
    waiting = replace(at(ONE), outstanding=Outstanding(carried, (), 900.0))
    return Situation(ONE, at(ONE), again), Situation(ONE, waiting, again)


# 6: removals have consent


@breaks(6)
def test_nothing_is_sent_to_a_server_that_was_not_seen() -> Pair:
    """6"""
    body = reload(config(half={"versions": (1, 2), "stable": 1}), act(LOAD, "half", 2))
    observed = at(ONE, BOTH)
    gone = replace(observed, reach=Reach(ReachKind.UNREACHABLE, "connection refused"))
    return Situation(BOTH, gone, body), Situation(BOTH, observed, body)


@breaks(6)
def test_a_model_is_removed_only_where_the_fleet_prunes() -> Pair:
    """6"""
    body = reload(config(half={"versions": (1,), "stable": 1}), act(REMOVE, "old"))
    before = server(*ONE.models, model("old", (1,)))
    return (
        Situation(ONE, at(before, ONE), body),
        Situation(replace(ONE, fleet=PRUNING), at(before, ONE), body),
    )


@breaks(6)
def test_a_model_that_git_names_is_never_removed() -> Pair:
    """6"""
    both = server(*ONE.models, model("old", (1,)), fleet=PRUNING)
    body = reload(config(half={"versions": (1,), "stable": 1}), act(REMOVE, "old"))
    return Situation(both, at(both), body), Situation(server(*ONE.models, fleet=PRUNING), at(both), body)


@breaks(6)
def test_a_server_is_emptied_only_with_the_trailer() -> Pair:
    """6"""
    body = reload(ServerConfig(), act(REMOVE, "half"))
    none = server(fleet=PRUNING)
    return Situation(none, at(ONE), body), Situation(none, at(ONE), body, prunes_all=True)


# 9: a serving version stays


@breaks(9)
def test_the_only_serving_version_is_not_replaced_in_one_step() -> Pair:
    """9: a failed load would wedge the model."""
    before, after = server(model("half", (1,))), server(model("half", (2,)))
    naive = reload(config(half={"versions": (2,)}), act(LOAD, "half", 2), act(UNLOAD, "half", 1))
    right = reload(config(half={"versions": (1, 2)}), act(LOAD, "half", 2))
    return Situation(after, at(before, after), naive), Situation(after, at(before, after), right)


@breaks(9)
def test_a_typo_in_the_version_list_does_not_unload_the_running_model() -> Pair:
    """9"""
    before, after = server(model("half", (1,))), server(model("half", ()))
    body = reload(config(half={"versions": ()}), act(UNLOAD, "half", 1))
    ended = seen(at(before), "half", ObservedVersion(1, State.END, listed=True))
    return Situation(after, at(before), body), Situation(after, ended, body)


@breaks(9)
def test_only_a_wedged_model_loses_its_serving_version_first() -> Pair:
    """9"""
    before, after = server(model("half", (1,))), server(model("half", (3,)))
    observed = listing(at(before, after), "half", 1, 3)
    body = reload(config(half={"versions": (3,)}), act(UNLOAD, "half", 1))
    return Situation(after, observed, body), Situation(after, replace(observed, doubts=WEDGE), body)


@breaks(9)
def test_drift_is_no_wedge() -> Pair:
    """9: a version that was there and went says nothing about what the server carries out."""
    before, after = server(model("half", (1,))), server(model("half", (3,)))
    observed = listing(at(before, after), "half", 1, 3)
    body = reload(config(half={"versions": (3,)}), act(UNLOAD, "half", 1))
    drift = tuple(replace(each, kind=DoubtReason.ENDED) for each in WEDGE)
    return Situation(after, replace(observed, doubts=drift), body), Situation(
        after, replace(observed, doubts=WEDGE), body
    )


# 10: retries wait for a poll


@breaks(10)
def test_a_failed_version_comes_back_only_after_a_poll_without_it() -> Pair:
    """10"""
    body = reload(config(half={"versions": (1, 2), "stable": 1}), act(LOAD, "half", 2))
    early, late = (
        seen(at(ONE, BOTH), "half", failed(2, listed=False, dropped_at=dropped)) for dropped in (999.0, 998.5)
    )
    return Situation(BOTH, early, body), Situation(BOTH, late, body)


@breaks(10)
def test_a_removed_model_comes_back_only_after_its_end() -> Pair:
    """10"""
    body = reload(config(half={"versions": (1,)}), kind=PassKind.ADD)
    dropped = ObservedModel("half", (going(1, State.UNLOADING),), (), "", 999.5, 1001.1)
    ended = replace(dropped, versions=(ObservedVersion(1, State.END, ended=True),))
    return Situation(ONE, with_model(empty(ONE), dropped), body), Situation(ONE, with_model(empty(ONE), ended), body)


@breaks(10)
def test_a_removed_model_whose_end_was_not_witnessed_waits_one_fence() -> Pair:
    """10: a START may stay for ever, so nothing else can be waited for."""
    body = reload(config(half={"versions": (1,)}), kind=PassKind.ADD)
    phantom = ObservedModel("half", (ObservedVersion(1, State.START),), (), "", 999.0, 1001.1)
    rested = replace(phantom, rest_at=1000.0)
    return Situation(ONE, with_model(empty(ONE), phantom), body), Situation(ONE, with_model(empty(ONE), rested), body)
