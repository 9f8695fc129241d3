"""The memory budget: what does not fit beside each other goes in sequence, what never fits is held with the numbers."""

from dataclasses import replace

from builders import (
    FLEET,
    at,
    auto,
    empty,
    going,
    limited,
    lines,
    listing,
    loading,
    model,
    next_lines,
    planned,
    reasons,
    resource,
    seen,
    server,
    sized,
    stored,
)

from reconciler.state.config import ModelConfig
from reconciler.state.desired import DesiredServer, Transition
from reconciler.state.look import PathFacts, Presence
from reconciler.state.memory import Departure, GoodSpec
from reconciler.state.observed import Observed
from reconciler.state.plan import Hold, ServerPlan
from reconciler.state.versions import Latest, specific

ONE, TWO = server(model("a", (1,), stable=1)), server(model("a", (2,), stable=2))
BOTH_ONE = server(model("a", (1,), stable=1), model("b", (1,), stable=1))
BOTH_TWO = server(model("a", (2,), stable=2), model("b", (2,), stable=2))
EQUAL = {1: 2, 2: 2, 3: 2}
ONES = {1: 1, 2: 1, 3: 1, 4: 1}


def hold_of(plan: ServerPlan, reason: str) -> Hold:
    (found,) = [hold for hold in plan.holds if hold.reason.value == reason]
    return found


def blocking(plan: ServerPlan) -> set[str]:
    """The reasons of the holds that do not release themselves, without what only follows from them."""
    return {hold.reason.value for hold in plan.holds if not hold.progressing} - {"ChangesFirst"}


def both(units: int) -> ServerPlan:
    """Two models of two units each get another version on a server with so much room."""
    after = limited(BOTH_TWO, units)
    return planned(after, sized(at(BOTH_ONE, after), a=EQUAL, b=EQUAL))


def use(plan: ServerPlan) -> tuple[int, int, int]:
    """Before, peak, after, in units."""
    assert plan.memory is not None
    return plan.memory.before // 6, plan.memory.peak // 6, plan.memory.after // 6


def test_without_a_budget_all_loads_go_at_once_and_nothing_is_reckoned() -> None:
    plan = planned(BOTH_TWO, sized(at(BOTH_ONE, BOTH_TWO), a=EQUAL, b=EQUAL))
    assert next_lines(plan) == ["load a 2", "load b 2"]
    assert plan.memory is None


def test_what_fits_goes_together() -> None:
    plan = both(8)
    assert next_lines(plan) == ["load a 2", "load b 2"]
    assert use(plan) == (4, 8, 4)


def test_what_does_not_fit_together_goes_in_sequence() -> None:
    plan = both(6)
    assert lines(plan) == [
        "1 load a 2",
        "2 label a stable 1>2",
        "3 unload a 1",
        "4 load b 2",
        "5 label b stable 1>2",
        "6 unload b 1",
    ]
    assert use(plan) == (4, 6, 4)
    assert not plan.blocked


def test_the_model_that_waits_says_for_how_much() -> None:
    hold = hold_of(planned(limited(BOTH_TWO, 6), under_way()), "MemoryTurn")
    assert hold.progressing
    assert hold.detail == (
        "version 2 needs 12 B (1.2 × its files); in memory now: a 24 B, b 12 B; 36 B may be used: it waits for room"
    )


def under_way() -> Observed:
    """The first of two models loads its new version."""
    observed = sized(at(BOTH_ONE, BOTH_TWO), a=EQUAL, b=EQUAL)
    return seen(listing(observed, "a", 1, 2, stable=1), "a", loading(2))


def test_what_never_fits_is_held_with_the_numbers_and_nothing_is_touched() -> None:
    after = limited(TWO, 3, reserve=1)
    plan = planned(after, sized(at(ONE, after), a=EQUAL))
    hold = hold_of(plan, "MemoryShort")
    assert (plan.passes, plan.blocked, hold.version) == ((), True, 2)
    assert hold.detail == (
        "version 2 needs 12 B (1.2 × its files); with all that it and the other models keep loaded meanwhile that "
        "makes 24 B; in memory now: a 12 B; 18 B may be used (budget 24 B, reserve 6 B)"
    )
    assert use(plan) == (2, 2, 2)


def test_a_budget_smaller_than_one_version_holds_it_and_serves_the_others() -> None:
    after = limited(server(model("a", (1,)), model("b", (1,))), 3)
    plan = planned(after, sized(empty(after), a={1: 4}, b={1: 2}))
    assert lines(plan) == ["1 addModel b 1"]
    assert {(hold.model, hold.reason.value) for hold in plan.holds} == {("a", "MemoryShort")}


def test_versions_of_one_model_come_together_or_not_at_all() -> None:
    after = limited(server(model("a", (1, 2, 3), stable=1)), 5)
    plan = planned(after, sized(at(ONE, after), a=EQUAL))
    assert (plan.passes, blocking(plan)) == ((), {"MemoryShort"})


def test_new_names_share_what_there_is() -> None:
    after = limited(server(*(model(name, (1,)) for name in "abc")), 4)
    plan = planned(after, sized(empty(after), a={1: 2}, b={1: 2}, c={1: 2}))
    assert lines(plan) == ["1 addModel a 1", "1 addModel b 1"]
    assert {(hold.model, hold.reason.value) for hold in plan.holds} == {("c", "MemoryShort")}


def test_a_removed_model_makes_room_for_the_load_that_waits() -> None:
    pruning = replace(FLEET, prune=True)
    before = server(model("a", (1,), stable=1), model("old", (1,)), fleet=pruning)
    after = limited(server(model("a", (2,), stable=2), fleet=pruning), 5)
    plan = planned(after, sized(at(before, after), a=EQUAL, old={1: 2}))
    assert lines(plan)[:2] == ["1 removeModel old", "2 load a 2"]


def test_a_model_that_git_no_longer_names_takes_its_room_while_it_is_carried() -> None:
    before, after = server(model("a", (1,), stable=1), model("old", (1,))), limited(TWO, 5)
    plan = planned(after, sized(at(before, after), a=EQUAL, old={1: 2}))
    assert blocking(plan) == {"MemoryShort", "PruneGuard"}


def test_a_version_on_its_way_out_takes_memory_until_its_end() -> None:
    after = limited(server(model("a", (2,), stable=2)), 3)
    observed = sized(at(server(model("a", (), stable=1)), after), a=EQUAL)
    plan = planned(after, seen(observed, "a", going(1)))
    assert next_lines(plan) == []
    assert {"MemoryTurn", "Unloading"} <= reasons(plan)


def test_a_failed_version_takes_no_memory() -> None:
    after = limited(server(model("a", (1, 3), stable=1)), 4)
    observed = listing(sized(at(ONE, after), a=EQUAL), "a", 1, stable=1)
    assert lines(planned(after, observed)) == ["1 load a 3"]


def test_models_that_answer_nobody_are_given_memory_first() -> None:
    after = limited(server(model("a", (2,), stable=2), model("b", (1,), stable=1)), 4)
    observed = sized(at(server(model("a", (1,), stable=1), model("b", (1,), stable=1)), after), a=EQUAL, b=EQUAL)
    observed = listing(observed, "b")
    gone = replace(observed.model("b"), versions=(), labels=())
    observed = replace(observed, models=(observed.model("a"), gone))
    assert next_lines(planned(after, observed)) == ["load b 1"]


def test_an_unknown_size_counts_as_nothing_and_is_said_aloud() -> None:
    after = limited(TWO, 2)
    after = replace(after, fleet=replace(after.fleet, allow_unseen_storage=True))
    unseen = (PathFacts("/models/a", Presence.UNSEEN),)
    plan = planned(after, replace(at(ONE, after), paths=unseen))
    assert next_lines(plan) == ["load a 2"]
    assert plan.memory is not None
    assert plan.memory.unknown == (("a", 1), ("a", 2))
    assert any("the size of a 1, a 2 is not known" in sentence for sentence in plan.warnings)


def test_what_takes_too_much_already_is_said_aloud_and_left_alone() -> None:
    after = limited(server(model("a", (1,), stable=1), model("b", (1,))), 1)
    plan = planned(after, sized(at(ONE, after), a=EQUAL, b=EQUAL))
    assert any("models take 12 B already, and 6 B may be used" in sentence for sentence in plan.warnings)
    assert plan.passes == ()


def test_a_converged_server_says_what_its_models_take() -> None:
    plan = planned(limited(ONE, 4), sized(at(ONE), a=EQUAL))
    assert (plan.converged, use(plan)) == (True, (2, 2, 2))


def test_models_whose_versions_the_server_chooses_take_what_storage_gives() -> None:
    after = limited(server(model("a", (1, 2), stable=1), model("b", Latest(1))), 5)
    observed = sized(at(server(model("a", (1,), stable=1), model("b", Latest(1))), after), a=EQUAL, b={1: 2})
    assert reasons(planned(after, observed)) == {"MemoryShort"}


def test_the_choice_is_not_handed_to_the_server_where_that_would_load_too_much() -> None:
    before, after = server(model("a", (1,))), limited(server(model("a", Latest(2))), 3)
    plan = planned(after, sized(at(before, after), a={1: 2, 2: 2}))
    assert (plan.passes, blocking(plan)) == ((), {"MemoryShort"})


# keepPrevious


def keeping(*versions: int, stable: int, units: int, also: int = 0) -> DesiredServer:
    """A model that keeps its previous version for a while, and perhaps another beside it."""
    kept = replace(model("a", versions, stable=stable), transition=Transition(keep_previous=600.0))
    others = (model("b", (also,), stable=also),) if also else ()
    return limited(server(kept, *others), units)


def test_what_is_only_kept_for_a_while_goes_when_another_model_needs_its_room() -> None:
    before, after = keeping(1, 2, stable=2, units=7, also=1), keeping(2, stable=2, units=7, also=2)
    observed = replace(at(before, after), departures=(Departure("a", 1, 900.0),))
    plan = planned(after, sized(observed, a=EQUAL, b=EQUAL))
    assert lines(plan)[:2] == ["1 unload a 1", "2 load b 2"]
    assert plan.retained == ()


def test_what_is_kept_for_a_while_stays_where_the_load_fits_beside_it() -> None:
    before, after = keeping(1, 2, stable=2, units=8, also=1), keeping(2, stable=2, units=8, also=2)
    observed = replace(at(before, after), departures=(Departure("a", 1, 900.0),))
    plan = planned(after, sized(observed, a=EQUAL, b=EQUAL))
    assert lines(plan)[0] == "1 load b 2"
    assert [each.version for each in plan.retained] == [1]


def test_what_is_kept_for_a_while_is_not_given_up_for_what_never_fits() -> None:
    before, after = keeping(1, 2, stable=2, units=5, also=1), keeping(2, stable=2, units=5, also=2)
    observed = replace(at(before, after), departures=(Departure("a", 1, 900.0),))
    plan = planned(after, sized(observed, a=EQUAL, b=EQUAL))
    assert (plan.passes, blocking(plan)) == ((), {"MemoryShort"})
    assert [each.version for each in plan.retained] == [1]


def test_the_next_version_of_the_same_model_takes_the_room_of_the_one_that_was_kept() -> None:
    before, after = keeping(1, 2, stable=2, units=4), keeping(3, stable=3, units=4)
    observed = replace(at(before, after), departures=(Departure("a", 1, 900.0),))
    plan = planned(after, sized(observed, a=EQUAL))
    assert lines(plan)[:3] == ["1 unload a 1", "2 load a 3", "3 label a stable 2>3"]


def test_of_two_versions_that_are_kept_the_one_left_longest_ago_goes_first() -> None:
    before, after = keeping(1, 2, 3, stable=3, units=9, also=1), keeping(3, stable=3, units=9, also=2)
    observed = replace(at(before, after), departures=(Departure("a", 1, 950.0), Departure("a", 2, 900.0)))
    plan = planned(after, sized(observed, a=EQUAL, b=EQUAL))
    assert lines(plan)[:2] == ["1 unload a 2", "2 load b 2"]
    assert [each.version for each in plan.retained] == [1]


# resource


def test_an_exchange_loads_by_size_and_not_only_by_number() -> None:
    before, after = (
        server(resource(model("a", (1, 2), stable=1))),
        limited(server(resource(model("a", (3, 4), stable=3))), 6),
    )
    plan = planned(after, sized(at(before, after), a={1: 5, 2: 1, 3: 5, 4: 1}))
    assert lines(plan)[:3] == ["1 unload a 2", "2 unlabel a stable", "2 unload a 1"]
    assert use(plan) == (6, 6, 6)
    assert not plan.blocked


def test_an_exchange_that_will_not_fit_does_not_begin() -> None:
    after = limited(server(resource(model("a", (2,), stable=2))), 3)
    plan = planned(after, sized(at(server(resource(model("a", (1,), stable=1))), after), a={1: 2, 2: 4}))
    assert (plan.passes, blocking(plan)) == ((), {"MemoryShort"})


def test_an_exchange_that_must_wait_for_another_lets_that_go_first() -> None:
    before = server(resource(model("a", (1,), stable=1)), resource(model("b", (1,), stable=1)))
    after = limited(server(resource(model("a", (2,), stable=2)), resource(model("b", (2,), stable=2))), 5)
    plan = planned(after, sized(at(before, after), a={1: 1, 2: 3}, b={1: 4, 2: 2}))
    assert lines(plan)[:3] == ["1 unlabel b stable", "1 unload b 1", "2 load b 2"]
    assert not plan.blocked
    assert lines(plan)[-1] == "5 label a stable ->2"


def test_the_room_that_an_exchange_made_is_not_given_to_others() -> None:
    before = server(resource(model("b", (1,), stable=1)), model("a", (1,), stable=1))
    after = limited(server(resource(model("b", (2,), stable=2)), model("a", (2,), stable=2)), 5)
    observed = sized(at(before, after), a=EQUAL, b={1: 3, 2: 3})
    gone = replace(observed.model("b"), versions=(), labels=())
    observed = replace(listing(observed, "b"), models=(observed.model("a"), gone))
    assert next_lines(planned(after, observed)) == ["load b 2"]


def test_a_model_that_will_never_fit_keeps_nobody_waiting_for_its_turn() -> None:
    """Its old version went early because somebody needed the room: that is no exchange that others must wait for."""
    wanted = limited(server(auto(model("a", (1, 3, 4))), resource(model("b", (1, 2, 3)))), 4)
    observed = sized(at(server(model("a", (1,)), model("b", (1, 2))), wanted), a=ONES, b=ONES)
    good = GoodSpec(ModelConfig("a", "/models/a", specific(1, 2)), "sha256:good", 1.0)
    plan = planned(wanted, replace(observed, good=(good,)))
    assert next_lines(plan) == ["load b 3"]
    assert reasons(plan) == {"MemoryShort"}


def test_a_missing_artifact_is_said_before_its_memory() -> None:
    after = limited(TWO, 1)
    plan = planned(after, stored(at(ONE), "/models/a", 1, presence=Presence.SEEN))
    assert blocking(plan) == {"ArtifactMissing"}


def test_a_version_below_another_path_is_weighed_there() -> None:
    after = limited(server(model("a", (1, 2), base_path="/new/a", stable=1)), 3)
    observed = sized(at(ONE, after), a=EQUAL)
    same = replace(observed.path("/models/a"), base_path="/new/a")
    observed = replace(observed, paths=(*(each for each in observed.paths if each.base_path != "/new/a"), same))
    observed = replace(
        observed, sent=observed.sent.with_model(ModelConfig("a", "/new/a", specific(1), (("stable", 1),)))
    )
    assert reasons(planned(after, observed)) == {"MemoryShort"}
