"""Availability transitions: load new, then unload old; nothing a label answers from ever leaves first."""

from builders import (
    at,
    available,
    failed,
    going,
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
    stored,
)

from reconciler.state.look import VersionState
from reconciler.state.observed import ObservedVersion


def test_a_moved_label_waits_for_its_version_and_the_old_version_for_the_label() -> None:
    before, after = server(model("half", (1,), stable=1)), server(model("half", (2,), stable=2))

    plan = planned(after, at(before, after))

    assert lines(plan) == ["1 load half 2", "2 label half stable 1>2", "3 unload half 1"]


def test_overlapping_lists_load_before_they_unload() -> None:
    before, after = server(model("half", (1, 2), stable=1)), server(model("half", (2, 3), stable=3))

    plan = planned(after, at(before, after))

    assert lines(plan) == ["1 load half 3", "2 label half stable 1>3", "3 unload half 1"]


def test_a_label_flips_in_one_pass_when_its_target_is_resident() -> None:
    before, after = server(model("half", (1, 2), stable=1)), server(model("half", (1, 2), stable=2))

    plan = planned(after, at(before, after))

    assert lines(plan) == ["1 label half stable 1>2"]


def test_a_label_moves_while_another_model_loads() -> None:
    before = server(model("half", (1, 2), stable=1), model("slow", (1,)))
    after = server(model("half", (1, 2), stable=2), model("slow", (1, 2)))
    observed = listing(at(before, after), "slow", 1, 2)
    observed = seen(observed, "slow", loading(2))

    plan = planned(after, observed)

    assert next_lines(plan) == ["label half stable 1>2"]
    assert "Loading" in reasons(plan)


def test_a_converged_server_has_an_empty_plan() -> None:
    wanted = server(model("half", (1, 2), stable=1, canary=2))

    plan = planned(wanted, at(wanted))

    assert (plan.converged, plan.passes, plan.holds) == (True, (), ())


def test_the_old_version_stays_until_the_label_is_read_back() -> None:
    before, after = server(model("half", (1, 2), stable=1)), server(model("half", (2,), stable=2))
    observed = listing(at(before, after), "half", 1, 2, stable=2)

    plan = planned(after, observed)

    assert next_lines(plan) == []
    assert "Unproven" in reasons(plan)


def test_a_version_that_is_available_and_has_not_answered_gets_no_label() -> None:
    before, after = server(model("half", (1, 2), stable=1)), server(model("half", (1, 2), stable=2))
    unproven = ObservedVersion(2, VersionState.AVAILABLE, listed=True)

    plan = planned(after, seen(at(before, after), "half", unproven))

    assert next_lines(plan) == []
    assert "Unproven" in reasons(plan)


def test_a_suspect_version_gets_no_label() -> None:
    before, after = server(model("half", (1, 2), stable=1)), server(model("half", (1, 2), stable=2))
    suspect = ObservedVersion(2, VersionState.AVAILABLE, listed=True, suspect=True)

    plan = planned(after, seen(at(before, after), "half", suspect))

    assert next_lines(plan) == []
    assert "Suspect" in reasons(plan)


def test_a_version_on_its_way_out_is_listed_again_only_after_its_end() -> None:
    before, after = server(model("half", (2,), stable=2)), server(model("half", (1, 2), stable=2))

    plan = planned(after, seen(at(before, after), "half", going(1)))

    assert next_lines(plan) == []
    assert "Going" in reasons(plan)


def test_a_revert_while_the_new_version_loads_takes_it_off_the_list_at_once() -> None:
    before, after = server(model("half", (1,), stable=1)), server(model("half", (1,), stable=1))
    observed = seen(listing(at(before), "half", 1, 2, stable=1), "half", loading(2))

    plan = planned(after, observed)

    assert next_lines(plan) == ["unload half 2"]


def test_a_failed_version_leaves_the_list_and_the_serving_one_stays() -> None:
    before, after = server(model("half", (1,), stable=1)), server(model("half", (2,), stable=2))
    observed = seen(listing(at(before, after), "half", 1, 2, stable=1), "half", failed(2))

    plan = planned(after, observed)

    assert next_lines(plan) == ["unload half 2"]
    assert plan.passes[0].config.models[0].listed == (1,)


def test_a_missing_version_is_held_and_nothing_is_unloaded() -> None:
    before, after = server(model("half", (1,), stable=1)), server(model("half", (9,), stable=9))

    plan = planned(after, stored(at(before), "/models/half", 1))

    assert plan.passes == ()
    assert reasons(plan) >= {"ArtifactMissing"}
    assert plan.blocked


def test_a_missing_version_does_not_keep_another_from_loading() -> None:
    before, after = server(model("half", (1,), stable=1)), server(model("half", (1, 2, 9), stable=1))

    plan = planned(after, stored(at(before), "/models/half", 1, 2))

    assert lines(plan) == ["1 load half 2"]
    assert "ArtifactMissing" in reasons(plan)


def test_a_label_whose_version_is_gone_is_left_out_so_that_other_models_can_change() -> None:
    before = server(model("half", (1,), stable=1), model("other", (1, 2), stable=1))
    after = server(model("half", (1,), stable=1), model("other", (1, 2), stable=2))
    gone = ObservedVersion(1, VersionState.END, listed=True)

    plan = planned(after, seen(at(before, after), "half", gone))

    assert next_lines(plan) == ["unlabel half stable", "label other stable 1>2"]


def test_a_label_git_dropped_goes_before_its_version() -> None:
    before, after = server(model("half", (1, 2), stable=1, canary=2)), server(model("half", (1,), stable=1))

    plan = planned(after, at(before, after))

    assert lines(plan) == ["1 unlabel half canary", "2 unload half 2"]


def test_an_extra_version_stays_while_any_label_reads_as_it() -> None:
    before, after = server(model("half", (1, 2), stable=2)), server(model("half", (2,), stable=2))
    observed = reading(at(before, after), "half", "stable", 1)

    plan = planned(after, observed)

    assert "unload half 1" not in next_lines(plan)


def test_a_version_at_start_since_long_is_said_to_be_late() -> None:
    before, after = server(model("half", (1,), stable=1)), server(model("half", (2,), stable=2))
    observed = seen(listing(at(before, after), "half", 1, 2, stable=1), "half", loading(2, since=100.0))

    plan = planned(after, observed)

    late = next(hold for hold in plan.holds if hold.reason.value == "Loading")
    assert (late.progressing, "loadDeadline" in late.detail) == (False, True)


def test_a_served_version_that_nobody_listed_is_waited_for() -> None:
    wanted = server(model("half", (1,), stable=1))

    plan = planned(wanted, seen(at(wanted), "half", available(7, listed=False)))

    assert (plan.converged, next_lines(plan), reasons(plan)) == (False, [], {"Unloading"})
