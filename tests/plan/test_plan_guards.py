"""What an unlucky look, a rename or a frozen discovery must not cost: each was once a plan that would have cost it."""

from dataclasses import replace

from builders import (
    FLEET,
    at,
    empty,
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
    retried,
    seen,
    server,
    stored,
    with_model,
)

from reconciler.invariants import check_pass
from reconciler.plan import spec_digest
from reconciler.state.config import ModelConfig
from reconciler.state.look import Presence, VersionState
from reconciler.state.memory import GoodSpec, Outstanding
from reconciler.state.observed import ObservedModel, ObservedVersion
from reconciler.state.plan import PassKind
from reconciler.state.versions import Latest

PRUNING = replace(FLEET, prune=True)
UNPROVEN = ObservedVersion(1, VersionState.AVAILABLE, listed=True)


def test_a_labelled_version_that_once_gave_no_answer_keeps_its_label_and_holds_the_server() -> None:
    before, after = (
        server(model("a", (1,), stable=1), model("b", (1,))),
        server(model("a", (1,), stable=1), model("b", (1, 2))),
    )

    plan = planned(after, seen(at(before, after), "a", UNPROVEN))

    assert (next_lines(plan), reasons(plan), plan.blocked) == ([], {"Unproven"}, False)
    assert lines(plan) == ["1 load b 2"]


def test_a_label_that_reads_as_dangling_is_left_out_even_though_its_version_says_available() -> None:
    before, after = server(model("a", (1, 2), stable=1)), server(model("a", (2,), stable=2))
    observed = reading(seen(at(before, after), "a", UNPROVEN), "a", "stable", None)

    assert next_lines(planned(after, observed)) == ["label a stable 1>2"]


def test_out_of_the_wedge_the_label_stays_on_the_unlisted_version_until_its_replacement_is_proven() -> None:
    after = server(model("a", (3,), stable=3), model("b", (1, 2)))
    before = server(model("a", (1,), stable=1), model("b", (1,)))
    observed = listing(at(before, after), "a", 3, stable=1)
    observed = seen(observed, "a", replace(going(1), proven=False), loading(3))

    plan = planned(after, observed)

    assert next_lines(plan) == ["load b 2"]
    assert plan.passes[0].config.models[0].labels == (("stable", 1),)


def test_the_only_model_of_a_server_goes_after_the_one_that_replaces_it() -> None:
    before = server(model("old", (1,), stable=1), fleet=PRUNING)
    after = server(model("new", (1,), stable=1), fleet=PRUNING)

    plan = planned(after, at(before, after))

    assert lines(plan) == ["1 addModel new 1", "2 removeModel old", "2 label new stable ->1"]


def test_the_only_model_of_a_server_stays_while_the_one_that_replaces_it_is_missing() -> None:
    before, after = server(model("old", (1,)), fleet=PRUNING), server(model("new", (1,)), fleet=PRUNING)

    plan = planned(after, stored(at(before), "/models/new"))

    assert (plan.passes, reasons(plan)) == ((), {"ArtifactMissing", "ChangesFirst"})


def test_nobody_is_given_the_choice_of_versions_while_discovery_is_frozen() -> None:
    before, after = server(model("a", (1,)), model("lost", (1,))), server(model("a", Latest(1)), model("lost", (1,)))
    observed = stored(at(before, after), "/models/lost", presence=Presence.MISSING)

    plan = planned(after, observed)

    assert (plan.passes, reasons(plan)) == ((), {"DiscoveryFrozen"})


def test_a_label_whose_version_is_gone_goes_before_the_last_model_is_replaced() -> None:
    before, after = server(model("old", (1,)), fleet=PRUNING), server(model("new", (1,)), fleet=PRUNING)
    gone = ObservedVersion(1, VersionState.END, listed=True)

    plan = planned(after, seen(listing(at(before, after), "old", 1, stable=1), "old", gone))

    assert lines(plan) == ["1 unlabel old stable", "2 addModel new 1", "3 removeModel old"]


def test_a_label_nobody_sent_is_taken_away_once_a_fence_has_passed() -> None:
    wanted = server(model("a", (1,), stable=1))
    observed = reading(at(wanted), "a", "stray", 1)

    fenced = planned(wanted, replace(observed, fence_until=1000.5))

    assert lines(planned(wanted, observed)) == ["1 unlabel a stray"]
    assert (next_lines(fenced), fenced.look_again_at) == ([], 1000.5)


def test_from_latest_to_resource_only_what_serves_is_named_first() -> None:
    before, after = server(model("a", Latest(1))), server(resource(model("a", (2,), stable=2)))

    plan = planned(after, at(before, after))

    assert lines(plan) == ["1 policy a", "2 unload a 1", "3 load a 2", "4 label a stable ->2"]
    assert plan.passes[0].config.models[0].listed == (1,)


def test_under_resource_a_version_that_fits_is_loaded_though_another_is_missing() -> None:
    after = server(resource(model("a", (1, 2))))
    observed = stored(listing(with_model(at(after), ObservedModel("a")), "a"), "/models/a", 1)

    plan = planned(after, observed)

    assert (lines(plan), reasons(plan)) == (["1 load a 1"], {"ArtifactMissing"})


def test_under_resource_nothing_is_dropped_while_one_wanted_version_is_missing() -> None:
    before, after = server(resource(model("a", (1, 2)))), server(resource(model("a", (3, 4))))

    plan = planned(after, stored(at(before, after), "/models/a", 1, 2, 3))

    assert (plan.passes, reasons(plan)) == ((), {"ArtifactMissing", "ChangesFirst"})


def test_a_config_sent_once_more_is_said_to_be_that() -> None:
    wanted = server(model("a", (1,), stable=1))
    observed = seen(at(wanted), "a", ObservedVersion(1, VersionState.START, listed=True))

    plan = planned(wanted, replace(observed, outstanding=Outstanding(observed.sent, (), 900.0)))

    assert (plan.passes[0].kind, reasons(plan)) == (PassKind.RESEND, {"Unsettled"})


def test_what_waits_for_other_actions_is_said_where_those_never_come() -> None:
    before, after = server(model("a", (2,), stable=2, old=2)), server(model("a", (1,), stable=1))

    plan = planned(after, stored(at(before), "/models/a", 2))

    assert lines(plan) == ["1 unlabel a old"]
    assert ("ChangesFirst", 2) in {(hold.reason.value, hold.version) for hold in plan.holds}


def test_a_version_on_its_way_is_waited_for_aloud_while_its_base_path_changes() -> None:
    before, after = server(model("a", (1,))), server(model("a", (1, 2), base_path="/new/a"))
    observed = seen(listing(at(before, after), "a", 1, 2), "a", loading(2))

    plan = planned(after, observed)

    assert "Loading" in reasons(plan)


def test_a_retry_that_waits_behind_another_version_is_looked_at_in_time() -> None:
    wanted = retried(model("a", (1, 2)), backoff=10.0)
    observed = empty(server(wanted))
    booked = failure("a", 1, spec_digest(wanted, observed), when=995.0)

    plan = planned(server(wanted), replace(observed, failures=(booked,)))

    assert (next_lines(plan), plan.look_again_at) == (["addModel a 2"], 1005.0)


def test_the_last_good_spec_may_take_the_room_that_latest_took() -> None:
    """Invariant 4 must not refuse the way back after a failed exchange."""
    wanted = resource(model("a", (1,), stable=1))
    observed = stored(listing(empty(server(wanted)), "a"), "/models/a", 1, 3, 4)
    good = GoodSpec(ModelConfig("a", "/models/a", Latest(2)), "sha256:good", 1.0)
    booked = failure("a", 1, spec_digest(wanted, observed))
    observed = replace(observed, good=(good,), failures=(booked,))

    plan = planned(server(wanted), observed)

    assert lines(plan) == ["1 load a 3", "1 load a 4", "2 policy a"]
    assert check_pass(server(wanted), observed, plan.passes[0]) == ()


def test_what_waits_its_turn_behind_a_missing_file_is_not_said_to_be_on_its_way() -> None:
    before, after = server(model("a", (1,), stable=1)), server(model("a", (9,), stable=9))

    plan = planned(after, stored(at(before), "/models/a", 1))

    assert {(hold.reason.value, hold.progressing) for hold in plan.holds} == {
        ("ArtifactMissing", False),
        ("ChangesFirst", False),
    }


def test_a_listed_version_whose_directory_was_deleted_is_missing_and_not_loading() -> None:
    wanted = server(model("a", (1, 2)))
    observed = stored(seen(at(wanted), "a", ObservedVersion(2, VersionState.END, listed=True)), "/models/a", 1)

    plan = planned(wanted, observed)

    assert (plan.passes, reasons(plan), plan.blocked) == ((), {"ArtifactMissing"}, True)
