"""What holds a whole server, or a model that git may not have: nothing is sent that could hurt what nobody saw."""

from dataclasses import replace

import pytest
from builders import (
    COMMIT,
    DATA_LOSS,
    FLEET,
    at,
    config,
    empty,
    failed,
    failure,
    going,
    lines,
    listing,
    model,
    next_lines,
    planned,
    reasons,
    retried,
    seen,
    server,
    stored,
    with_model,
)

from reconciler.plan import plan, spec_digest
from reconciler.state.config import ModelConfig
from reconciler.state.desired import Adopt, Commit, Desired, DesiredModel, DesiredServer, TfServing
from reconciler.state.look import Presence, Reach, ReachKind, VersionState
from reconciler.state.memory import Doubt, DoubtReason, GoodSpec, Outstanding, Refusal, Standing
from reconciler.state.observed import Observed, ObservedModel, ObservedVersion
from reconciler.state.plan import PassKind
from reconciler.state.versions import specific

BEFORE, AFTER = server(model("half", (1, 2), stable=1)), server(model("half", (1, 2), stable=2))
PRUNING = replace(FLEET, prune=True)


@pytest.mark.parametrize("kind", [kind for kind in ReachKind if kind is not ReachKind.ANSWERING])
def test_a_server_that_cannot_be_talked_to_is_left_alone(kind: ReachKind) -> None:
    held = planned(AFTER, replace(at(BEFORE, AFTER), reach=Reach(kind, "connection refused")))

    assert (held.passes, reasons(held), held.blocked) == ((), {"Unreachable"}, True)


def test_a_server_nobody_looked_at_counts_as_unreachable() -> None:
    held = plan(Desired(COMMIT, (AFTER,)), {})

    assert {hold.reason.value for hold in held.servers[0].holds} == {"Unreachable"}


def test_one_status_that_could_not_be_read_holds_the_server() -> None:
    observed = at(BEFORE, AFTER)

    held = planned(AFTER, with_model(observed, replace(observed.model("half"), unseen="deadline exceeded")))

    assert next_lines(held) == []
    assert "NotSeen" in reasons(held)


def test_first_contact_is_not_adopted_unless_the_fleet_says_so() -> None:
    refusing = server(*AFTER.models, fleet=replace(FLEET, adopt=Adopt.REFUSE))
    observed = replace(empty(AFTER), standing=Standing.FIRST_CONTACT)

    assert reasons(planned(refusing, observed)) == {"AdoptionUnconfirmed"}
    assert next_lines(planned(AFTER, observed)) == ["addModel half 2"]


def test_with_memory_lost_nothing_is_sent_before_one_fence_has_passed() -> None:
    observed = replace(at(BEFORE, AFTER), standing=Standing.LOST, fence_until=1001.0)

    held = planned(AFTER, observed)

    assert (next_lines(held), held.look_again_at) == ([], 1001.0)
    assert "Fenced" in reasons(held)
    assert next_lines(planned(AFTER, replace(observed, at=1001.0))) == ["label half stable 1>2"]


def test_an_unanswered_reload_with_new_names_is_only_observed() -> None:
    waiting = Outstanding(config(half={"versions": (1,)}), ("half",), 990.0)

    held = planned(AFTER, replace(empty(AFTER), outstanding=waiting))

    assert next_lines(held) == []
    assert "Unsettled" in reasons(held)


def test_a_lost_answer_without_new_names_is_followed_by_the_identical_config() -> None:
    waiting = Outstanding(config(half={"versions": (1, 2), "stable": 1}), (), 990.0)
    observed = replace(at(BEFORE, AFTER), outstanding=waiting)

    again = planned(AFTER, observed).next_pass

    assert again is not None
    assert (again.kind, again.config, again.actions) == (PassKind.RESEND, waiting.config, ())
    assert next_lines(planned(AFTER, replace(observed, outstanding=replace(waiting, sent_at=999.0)))) == []


def test_a_wedged_server_says_what_to_do() -> None:
    waiting = Outstanding(config(half={"versions": (1,)}), ("half",), 900.0)

    held = planned(AFTER, replace(empty(AFTER), paths=(), outstanding=waiting, wedged=True))

    wedge = next(hold for hold in held.holds if hold.reason.value == "Wedged")
    assert (held.passes, wedge.progressing, "restart" in wedge.released_by) == ((), False, True)


def test_a_new_name_that_never_shows_up_though_its_files_are_there_is_sent_again_at_doubling_pauses() -> None:
    waiting = Outstanding(config(half={"versions": (1,)}), ("half",), 985.0)
    first = replace(empty(AFTER), outstanding=waiting, wedged=True)
    second = replace(first, outstanding=replace(waiting, tries=2))

    again = planned(AFTER, first).next_pass

    assert again is not None
    assert (again.kind, again.config) == (PassKind.RESEND, waiting.config)
    assert planned(AFTER, second).next_pass is None
    assert planned(AFTER, second).look_again_at == 1005.0


def test_a_refused_config_is_not_sent_again_at_once_and_each_pause_is_longer() -> None:
    first = replace(at(BEFORE, AFTER), refusal=Refusal(9, "not currently available", 1, 999.5))
    third = replace(first, refusal=Refusal(9, "not currently available", 3, 999.5))

    assert planned(AFTER, first).look_again_at == 1000.5
    assert planned(AFTER, third).look_again_at == 1003.5


def test_a_poisoned_server_is_not_tried_again() -> None:
    poison = Refusal(3, "Illegal setting neither ModelServerConfig::model_type (deprecated) nor ...", 1, 1.0)

    held = planned(AFTER, replace(at(BEFORE, AFTER), refusal=poison))

    assert (held.passes, held.blocked, reasons(held)) == ((), True, {"ServerRefused"})


def test_a_model_git_no_longer_names_is_carried_with_its_labels_where_the_fleet_does_not_prune() -> None:
    before = server(model("half", (1, 2), stable=1), model("old", (1,), stable=1))

    kept = planned(AFTER, at(before, AFTER))

    assert lines(kept) == ["1 label half stable 1>2"]
    assert kept.passes[0].config.model("old") == ModelConfig("old", "/models/old", specific(1), (("stable", 1),))
    assert "PruneGuard" in reasons(kept)


def test_a_model_git_no_longer_names_is_removed_where_the_fleet_prunes() -> None:
    before = server(model("half", (1,)), model("old", (1,), stable=1), fleet=PRUNING)
    after = server(model("half", (1,)), fleet=PRUNING)

    assert lines(planned(after, at(before, after))) == ["1 removeModel old"]


def test_a_removed_model_is_waited_for_until_its_versions_have_ended() -> None:
    after = server(model("half", (1,)), fleet=PRUNING)
    leaving = ObservedModel("old", (going(1),), (), "", 999.5, 1001.1)

    plan = planned(after, with_model(at(after), leaving))

    assert (plan.converged, next_lines(plan), reasons(plan)) == (False, [], {"Unloading"})


def test_a_server_is_emptied_only_with_the_trailer() -> None:
    before, after = server(model("half", (1,)), fleet=PRUNING), server(fleet=PRUNING)
    consent = Commit("beef", trailers=(("Model-Prune", "all"),))

    assert reasons(planned(after, at(before))) == {"EmptyingGuard"}
    assert lines(planned(after, at(before), consent)) == ["1 removeModel half"]


def test_while_a_base_path_is_missing_only_labels_and_removals_go() -> None:
    before = server(model("half", (1, 2), stable=1), model("lost", (1,)), model("old", (1,)), fleet=PRUNING)
    after = server(model("half", (2, 3), stable=2), model("lost", (1,)), fleet=PRUNING)
    observed = stored(at(before, after), "/models/lost", presence=Presence.MISSING)

    held = planned(after, observed)

    assert next_lines(held) == ["removeModel old", "label half stable 1>2"]
    assert "DiscoveryFrozen" in reasons(held)


def quarantined(observed: Observed, count: int) -> Observed:
    """The spec half {1,2} stable 2 failed that often; {1} stable 1 was good."""
    wanted = retried(model("half", (1, 2), stable=2))
    digest = spec_digest(wanted, observed)
    good = GoodSpec(ModelConfig("half", "/models/half", specific(1), (("stable", 1),)), "sha256:good", 1.0)
    observed = seen(listing(observed, "half", 1, stable=1), "half", failed(2, listed=False, dropped_at=995.0))
    return replace(observed, good=(good,), failures=(failure("half", 2, digest, count=count, when=995.0),))


def test_a_failed_version_is_tried_again_after_a_pause_that_doubles() -> None:
    wanted = server(retried(model("half", (1, 2), stable=2)))
    base = at(server(model("half", (1,), stable=1)), wanted)

    assert planned(wanted, quarantined(base, 1)).look_again_at == 1005.0
    assert planned(wanted, quarantined(base, 2)).look_again_at == 1015.0
    assert next_lines(planned(wanted, quarantined(replace(base, at=1005.0), 1))) == ["load half 2"]


def test_a_spec_that_failed_too_often_is_quarantined_and_the_last_good_one_stays() -> None:
    wanted = server(retried(model("half", (1, 2), stable=2)))

    held = planned(wanted, quarantined(at(server(model("half", (1,), stable=1)), wanted), 3))

    assert (held.passes, reasons(held)) == ((), {"Quarantined"})


def test_a_quarantine_ends_with_another_spec_or_other_files() -> None:
    wanted = server(retried(model("half", (1, 2), stable=2)))
    held = quarantined(at(server(model("half", (1,), stable=1)), wanted), 3)

    other = server(retried(model("half", (1, 2), stable=1)))

    assert next_lines(planned(other, held)) == ["load half 2"]
    assert next_lines(planned(wanted, stored(held, "/models/half", 1, 2))) == ["load half 2"]


def test_without_a_good_spec_the_versions_that_load_are_served() -> None:
    wanted = server(retried(model("half", (1, 2), stable=1, canary=2), limit=1))
    observed = at(server(model("half", (1,), stable=1)), wanted)
    digest = spec_digest(wanted.models[0], observed)
    observed = seen(listing(observed, "half", 1, 2, stable=1), "half", failed(2))

    held = planned(wanted, replace(observed, failures=(failure("half", 2, digest),)))

    assert (lines(held), reasons(held)) == (["1 unload half 2"], {"Quarantined"})


def test_a_wedged_model_waits_for_consent_and_then_leaves_the_stuck_version_out() -> None:
    before, after = server(model("half", (1,), stable=1)), server(model("half", (1, 3), stable=1))
    absent = ObservedVersion(3, VersionState.ABSENT, listed=True)
    observed = seen(listing(at(before, after), "half", 1, 3, stable=1), "half", absent)
    observed = replace(observed, doubts=(Doubt("half", 3, "listed and absent", 990.0, 2, kind=DoubtReason.ABSENT),))
    moving = server(model("half", (1, 3), stable=3))

    assert (next_lines(planned(after, observed)), reasons(planned(after, observed))) == ([], {"VersionWedged"})
    assert next_lines(planned(moving, observed)) == ["unload half 1"]


def drifting(*others: DesiredModel, downtime: bool = False) -> tuple[DesiredServer, Observed]:
    """Version 2, which canary points at, was unloaded by somebody else for the third time."""
    half = model("half", (1, 2), stable=1, canary=2)
    before, after = server(half, model("other", (1,))), server(half, *(others or (model("other", (1,)),)))
    ended = ObservedVersion(2, VersionState.END, listed=True)
    observed = seen(at(before, after), "half", ended)
    doubt = Doubt("half", 2, "unloaded", 990.0, 3, kind=DoubtReason.ENDED, until=1050.0)
    if downtime:
        transition = replace(half.transition, allow_downtime=True)
        after = server(replace(half, transition=transition), model("other", (1,)))
    return after, replace(observed, doubts=(doubt,))


@pytest.mark.parametrize("downtime", [False, True], ids=["plain", "downtime allowed"])
def test_a_version_that_somebody_else_unloads_again_and_again_is_drift_and_waits(downtime: bool) -> None:
    plan = planned(*drifting(downtime=downtime))

    assert (next_lines(plan), reasons(plan), plan.blocked) == ([], {"DriftFight"}, True)
    assert plan.look_again_at == 1050.0


def test_a_label_that_dangles_by_drift_is_left_out_when_another_model_changes() -> None:
    plan = planned(*drifting(model("other", (1, 2))))

    assert sorted(next_lines(plan)) == ["load other 2", "unlabel half canary"]


def test_loads_in_line_and_unlabelled_traffic_are_warned_of() -> None:
    fleet = replace(FLEET, tf_serving=TfServing())
    before, after = server(model("half", (1,)), fleet=fleet), server(model("half", (1, 2)), fleet=fleet)

    unlabelled, in_line = planned(after, at(before, after)).warnings

    assert ("without a label" in unlabelled, "numLoadThreads" in in_line) == (True, True)


def test_the_error_of_a_failed_version_is_in_the_hold() -> None:
    wanted = server(retried(model("half", (1, 2), stable=2)))

    held = planned(wanted, quarantined(at(server(model("half", (1,), stable=1)), wanted), 3))

    assert DATA_LOSS.message in held.holds[0].detail
