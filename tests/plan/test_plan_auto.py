"""Policy `auto`: availability where both fit, resource where they do not, a hold where not even one does."""

from dataclasses import replace

import pytest
from builders import (
    FLEET,
    at,
    auto,
    failed,
    failure,
    limited,
    lines,
    listing,
    loading,
    model,
    next_lines,
    planned,
    reading,
    reasons,
    seen,
    server,
    sized,
    stored,
    with_model,
)

from reconciler.plan import spec_digest
from reconciler.state.config import ModelConfig
from reconciler.state.desired import TransitionPolicy
from reconciler.state.memory import Departure, GoodSpec, Way
from reconciler.state.observed import Observed
from reconciler.state.plan import ServerPlan
from reconciler.state.versions import specific

ONE, TWO = server(auto(model("rank", (1,), stable=1))), server(auto(model("rank", (2,), stable=2)))
EQUAL = {1: 2, 2: 2, 3: 2}
AVAILABILITY = ["1 load rank 2", "2 label rank stable 1>2", "3 unload rank 1"]
RESOURCE = ["1 unlabel rank stable", "1 unload rank 1", "2 load rank 2", "3 label rank stable ->2"]


def promoted(units: int) -> ServerPlan:
    """Version 2 instead of 1, two units each, on a server with so much room."""
    return planned(limited(TWO, units), sized(at(ONE, TWO), rank=EQUAL))


def choices(plan: ServerPlan) -> list[tuple[str, str]]:
    assert plan.memory is not None
    return [(each.model, each.policy.value) for each in plan.memory.choices]


@pytest.mark.parametrize(("units", "expected"), [(4, AVAILABILITY), (3, RESOURCE), (2, RESOURCE), (1, [])])
def test_the_order_is_that_for_which_there_is_room(units: int, expected: list[str]) -> None:
    assert lines(promoted(units)) == expected


def test_not_even_one_version_is_a_hold_with_numbers() -> None:
    plan = promoted(1)
    (hold,) = [hold for hold in plan.holds if hold.reason.value == "MemoryShort"]
    assert "version 2 needs 12 B" in hold.detail
    assert "6 B may be used" in hold.detail
    assert not hold.progressing


@pytest.mark.parametrize(("units", "policy"), [(4, "availability"), (3, "resource")])
def test_the_plan_says_what_it_came_to_and_why(units: int, policy: str) -> None:
    plan = promoted(units)
    assert choices(plan) == [("rank", policy)]
    assert plan.memory is not None
    said = f"old and new take 24 B together, other models 0 B, and {6 * units} B may be used"
    assert plan.memory.choices[0].because == said


def test_only_the_exchange_states_a_gap() -> None:
    assert [len(body.gaps) for body in promoted(4).passes] == [0, 0, 0]
    assert [gap.label for gap in promoted(3).passes[0].gaps] == ["stable"]


def test_without_a_budget_auto_is_availability() -> None:
    assert lines(planned(TWO, sized(at(ONE, TWO), rank=EQUAL))) == AVAILABILITY


def test_where_a_size_is_not_known_nothing_is_known_to_fit() -> None:
    plan = planned(limited(TWO, 100), stored(at(ONE, TWO), "/models/rank", 1, 2))
    assert lines(plan) == RESOURCE
    assert plan.memory is not None
    assert "not every size is known" in plan.memory.choices[0].because


def test_a_plan_that_looks_at_no_storage_takes_both_to_fit_and_says_so() -> None:
    plan = planned(limited(TWO, 1), at(ONE, TWO))
    assert lines(plan) == AVAILABILITY
    assert plan.memory is not None
    assert "storage was not looked at" in plan.memory.choices[0].because


def test_an_unknown_size_of_another_model_makes_no_availability_either() -> None:
    before, after = (
        server(auto(model("rank", (1,), stable=1)), model("old", (1,))),
        server(auto(model("rank", (2,), stable=2)), model("old", (1,))),
    )
    observed = stored(sized(at(before, after), rank=EQUAL), "/models/old", 1)
    assert choices(planned(limited(after, 100), observed)) == [("rank", "resource")]
    assert choices(planned(limited(after, 100), sized(observed, old={1: 2}))) == [("rank", "availability")]


def test_other_models_count() -> None:
    before, after = (
        server(auto(model("rank", (1,), stable=1)), model("other", (1,))),
        server(auto(model("rank", (2,), stable=2)), model("other", (1,))),
    )
    observed = sized(at(before, after), rank=EQUAL, other={1: 3})
    found = [choices(planned(limited(after, units), observed))[0][1] for units in (7, 6)]
    assert found == ["availability", "resource"]


def test_a_model_that_is_being_removed_is_waited_for() -> None:
    pruning = replace(FLEET, prune=True)
    before = server(auto(model("rank", (1,), stable=1)), model("old", (1,)), fleet=pruning)
    after = limited(server(auto(model("rank", (2,), stable=2)), fleet=pruning), 4)
    plan = planned(after, sized(at(before, after), rank=EQUAL, old={1: 2}))
    assert lines(plan) == ["1 removeModel old", "2 load rank 2", "3 label rank stable 1>2", "4 unload rank 1"]


def test_two_models_that_fit_one_after_the_other_both_keep_their_labels() -> None:
    before = server(*(auto(model(name, (1,), stable=1)) for name in ("a", "b")))
    after = limited(server(*(auto(model(name, (2,), stable=2)) for name in ("a", "b"))), 6)
    plan = planned(after, sized(at(before, after), a=EQUAL, b=EQUAL))
    assert lines(plan)[:4] == ["1 load a 2", "2 label a stable 1>2", "3 unload a 1", "4 load b 2"]
    assert not any(body.gaps for body in plan.passes)


def test_of_two_models_the_one_that_shrinks_makes_room_for_the_one_that_grows() -> None:
    before = server(*(auto(model(name, (1,), stable=1)) for name in ("a", "b")))
    after = limited(server(*(auto(model(name, (2,), stable=2)) for name in ("a", "b"))), 5)
    plan = planned(after, sized(at(before, after), a={1: 1, 2: 4}, b={1: 4, 2: 1}))
    assert [line for line in lines(plan) if "load" in line] == [
        "1 unload b 1",
        "2 load b 2",
        "3 unload a 1",
        "4 load a 2",
    ]
    assert not plan.blocked


def test_a_version_that_is_only_added_drops_nothing() -> None:
    after = limited(server(auto(model("rank", (1, 2), stable=1))), 4)
    assert lines(planned(after, sized(at(ONE, after), rank=EQUAL))) == ["1 load rank 2"]


def test_what_is_only_kept_for_a_while_does_not_cost_a_label() -> None:
    keeping = auto(model("rank", (3,), stable=3), keep=600.0)
    before, after = server(auto(model("rank", (1, 2), stable=2))), limited(server(keeping), 4)
    observed = replace(at(before, after), departures=(Departure("rank", 1, 900.0),))
    plan = planned(after, sized(observed, rank=EQUAL))
    assert lines(plan)[:3] == ["1 unload rank 1", "2 load rank 3", "3 label rank stable 2>3"]


# the choice is made once


def emptied() -> Observed:
    """Version 1 was unloaded for version 2."""
    observed = listing(sized(at(ONE, TWO), rank=EQUAL), "rank")
    return reading(with_model(observed, replace(observed.model("rank"), versions=())), "rank", "stable", None)


def going_by(observed: Observed, policy: TransitionPolicy, *versions: int) -> Observed:
    return replace(observed, ways=(Way("rank", versions or (2,), policy),))


def test_the_choice_is_recorded_with_the_first_load_or_unload() -> None:
    assert promoted(4).passes[0].ways == (Way("rank", (2,), TransitionPolicy.AVAILABILITY),)
    assert promoted(3).passes[0].ways == (Way("rank", (2,), TransitionPolicy.RESOURCE),)


def test_moving_a_label_chooses_nothing() -> None:
    before, after = server(auto(model("rank", (1, 2), stable=1))), server(auto(model("rank", (1, 2), stable=2)))
    (body,) = planned(limited(after, 4), sized(at(before, after), rank=EQUAL)).passes
    assert body.ways == ()


def test_an_exchange_that_finds_room_for_both_stays_one_and_takes_no_label_away() -> None:
    plan = planned(limited(TWO, 100), going_by(sized(at(ONE, TWO), rank=EQUAL), TransitionPolicy.RESOURCE))
    assert lines(plan) == AVAILABILITY
    assert plan.memory is not None
    assert [(each.policy.value, each.because) for each in plan.memory.choices] == [("resource", "as it began")]


def test_an_exchange_unloads_only_as_much_as_the_new_versions_need() -> None:
    before = server(auto(model("rank", (1, 2), stable=1)))
    after = limited(server(auto(model("rank", (3,), stable=3))), 4)
    plan = planned(after, sized(at(before, after), rank=EQUAL))
    assert lines(plan) == ["1 unload rank 2", "2 load rank 3", "3 label rank stable 1>3", "4 unload rank 1"]


def test_what_began_with_a_load_does_not_turn_into_an_exchange() -> None:
    observed = going_by(listing(sized(at(ONE, TWO), rank=EQUAL), "rank", 1, 2, stable=1), TransitionPolicy.AVAILABILITY)
    plan = planned(limited(TWO, 3), seen(observed, "rank", loading(2)))
    assert next_lines(plan) == []
    assert "unlabel rank stable" not in " ".join(lines(plan))


def test_a_choice_for_other_versions_is_made_anew() -> None:
    observed = going_by(sized(at(ONE, TWO), rank=EQUAL), TransitionPolicy.RESOURCE, 3)
    assert lines(planned(limited(TWO, 4), observed)) == AVAILABILITY


def test_a_failed_exchange_under_auto_restores_what_was_dropped() -> None:
    observed = going_by(stored(emptied(), "/models/rank", 1, 2), TransitionPolicy.RESOURCE)
    observed = sized(observed, rank={1: 2, 2: 2})
    good = GoodSpec(ModelConfig("rank", "/models/rank", specific(1), (("stable", 1),)), "sha256:good", 1.0)
    digest = spec_digest(TWO.models[0], observed)
    observed = seen(listing(observed, "rank", 2), "rank", failed(2))
    observed = replace(observed, good=(good,), failures=(failure("rank", 2, digest),))
    plan = planned(limited(TWO, 3), observed)
    assert lines(plan) == ["1 unload rank 2", "1 load rank 1", "2 label rank stable ->1"]
    assert "RestoredAfterFailedLoad" in reasons(plan)


def test_a_failed_load_beside_the_old_version_is_tried_again_under_auto_too() -> None:
    observed = going_by(listing(sized(at(ONE, TWO), rank=EQUAL), "rank", 1, stable=1), TransitionPolicy.AVAILABILITY)
    good = GoodSpec(ModelConfig("rank", "/models/rank", specific(1), (("stable", 1),)), "sha256:good", 1.0)
    digest = spec_digest(TWO.models[0], observed)
    failures = (failure("rank", 2, digest, when=0.0),)
    observed = replace(observed, good=(good,), failures=failures)
    assert next_lines(planned(limited(TWO, 4), observed)) == ["load rank 2"]
