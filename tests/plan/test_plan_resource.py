"""Resource transitions: unload old, then load new; the gap is stated, and a failed load brings the old version back."""

from dataclasses import replace

from builders import (
    at,
    failed,
    failure,
    going,
    lines,
    listing,
    loading,
    model,
    next_lines,
    planned,
    reading,
    reasons,
    resource,
    seen,
    server,
    stored,
    with_model,
)

from reconciler.plan import spec_digest
from reconciler.state.config import ModelConfig
from reconciler.state.memory import GoodSpec
from reconciler.state.observed import Observed
from reconciler.state.versions import specific

ONE = server(resource(model("rank", (1,), stable=1)))
TWO = server(resource(model("rank", (2,), stable=2)))


def emptied(observed: Observed) -> Observed:
    """After step (b): nothing listed, version 1 ended, the label undefined."""
    observed = listing(observed, "rank")
    return reading(with_model(observed, replace(observed.model("rank"), versions=())), "rank", "stable", None)


def test_the_old_version_goes_with_its_label_before_the_new_one_loads() -> None:
    plan = planned(TWO, at(ONE, TWO))

    assert lines(plan) == ["1 unlabel rank stable", "1 unload rank 1", "2 load rank 2", "3 label rank stable ->2"]
    assert plan.passes[0].config.models[0].listed == ()


def test_the_gap_is_stated_before_it_happens() -> None:
    plan = planned(TWO, replace(at(ONE, TWO), load_seconds=(("rank", 4.0),)))

    (gap,) = plan.passes[0].gaps
    assert (gap.model, gap.label, gap.seconds, gap.load_known) == ("rank", "stable", 6.6, True)


def test_nothing_is_dropped_for_a_version_that_is_not_there() -> None:
    plan = planned(TWO, stored(at(ONE), "/models/rank", 1))

    assert plan.passes == ()
    assert "ArtifactMissing" in reasons(plan)


def test_the_new_version_waits_for_the_end_of_the_old() -> None:
    observed = seen(listing(at(ONE, TWO), "rank"), "rank", going(1))

    plan = planned(TWO, observed)

    assert next_lines(plan) == []
    assert "Unloading" in reasons(plan)


def test_unlabelled_versions_go_first_and_no_label_has_a_gap_where_that_is_enough() -> None:
    before = server(resource(model("rank", (1, 2), stable=2)))
    after = server(resource(model("rank", (3, 4), stable=4)))

    plan = planned(after, at(before, after))

    assert lines(plan) == [
        "1 unload rank 1",
        "2 load rank 4",
        "3 label rank stable 2>4",
        "4 unload rank 2",
        "5 load rank 3",
    ]
    assert not any(body.gaps for body in plan.passes)


def test_the_version_stable_points_at_goes_last() -> None:
    before = server(resource(model("rank", (1, 2), stable=1, canary=2)))
    after = server(resource(model("rank", (3, 4), stable=3, canary=4)))

    plan = planned(after, at(before, after))

    assert lines(plan)[:3] == ["1 unlabel rank canary", "1 unload rank 2", "2 load rank 3"]


def test_a_label_whose_new_target_is_resident_moves_first() -> None:
    before = server(resource(model("rank", (1, 2), stable=1)))
    after = server(resource(model("rank", (2, 3), stable=2)))

    plan = planned(after, at(before, after))

    assert lines(plan) == ["1 label rank stable 1>2", "2 unload rank 1", "3 load rank 3"]


def test_one_model_at_a_time_is_exchanged_on_a_server() -> None:
    before = server(resource(model("a", (1,), stable=1)), resource(model("b", (1,), stable=1)))
    after = server(resource(model("a", (2,), stable=2)), resource(model("b", (2,), stable=2)))

    plan = planned(after, at(before, after))

    assert next_lines(plan) == ["unlabel a stable", "unload a 1"]
    assert [line for line in lines(plan) if line.startswith("3")] == [
        "3 label a stable ->2",
        "3 unlabel b stable",
        "3 unload b 1",
    ]


def test_an_exchange_under_way_keeps_its_turn() -> None:
    before = server(resource(model("a", (1,), stable=1)), resource(model("b", (1,), stable=1)))
    after = server(resource(model("a", (2,), stable=2)), resource(model("b", (2,), stable=2)))
    observed = seen(listing(at(before, after), "b", 2), "b", loading(2))

    plan = planned(after, observed)

    assert next_lines(plan) == []
    assert "ResourceTurn" not in {hold.reason.value for hold in plan.holds if hold.model == "b"}


def test_a_failed_load_restores_the_version_that_was_dropped() -> None:
    observed = stored(emptied(at(ONE)), "/models/rank", 1, 2)
    good = GoodSpec(ModelConfig("rank", "/models/rank", specific(1), (("stable", 1),)), "sha256:good", 1.0)
    digest = spec_digest(TWO.models[0], observed)
    observed = seen(listing(observed, "rank", 2), "rank", failed(2))
    observed = replace(observed, good=(good,), failures=(failure("rank", 2, digest),))

    plan = planned(TWO, observed)

    assert lines(plan) == ["1 unload rank 2", "2 load rank 1", "3 label rank stable ->1"]
    assert "RestoredAfterFailedLoad" in reasons(plan)


def test_adding_a_version_where_there_is_room_drops_nothing() -> None:
    after = server(resource(model("rank", (1, 2), stable=1)))

    plan = planned(after, at(ONE, after))

    assert lines(plan) == ["1 load rank 2"]
