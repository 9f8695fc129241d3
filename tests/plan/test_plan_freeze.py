"""Freeze windows: nothing begins in one; what has begun goes on, healing and going back pass."""

from dataclasses import replace

from builders import COMMIT, FLEET, at, empty, lines, loading, model, reasons, seen, server, with_model

from reconciler import record
from reconciler.plan import guarded, plan, plan_server, progress, reached, spec_digest
from reconciler.plan.progress import Stage
from reconciler.state.desired import Desired, DesiredServer, Rollout
from reconciler.state.look import VersionState
from reconciler.state.memory import Standing
from reconciler.state.observed import Observed, ObservedModel, ObservedVersion
from reconciler.state.outcome import ConditionType, Health, Sync
from reconciler.state.plan import Freeze, ServerPlan

FREEZE = Freeze("window weekend", 900.0, 5000.0)
BEFORE = server(model("half", (1,), stable=1), model("other", (1,), stable=1))
AFTER = server(model("half", (2,), stable=2), model("other", (1,), stable=1))


def rest(after: DesiredServer = AFTER) -> Observed:
    """At rest on BEFORE, and remembered to have reached it."""
    observed = at(BEFORE, after)
    goods = reached(BEFORE, observed)
    return replace(observed, good=goods, specs=tuple((good.config.name, good.digest) for good in goods))


def planned(after: DesiredServer, observed: Observed, freeze: Freeze | None = FREEZE) -> ServerPlan:
    held = guarded(after, observed, plan_server(COMMIT, after, observed), freeze)
    return plan_server(COMMIT, after, observed, held)


def test_a_change_is_not_begun_and_the_road_after_it_is_shown() -> None:
    found = planned(AFTER, rest())
    assert (found.next_pass, found.waiting, reasons(found)) == (None, True, {"Frozen"})
    assert lines(found) == ["1 load half 2", "2 label half stable 1>2", "3 unload half 1"]


def test_the_hold_names_the_window_since_when_and_the_next_opening() -> None:
    (hold,) = planned(AFTER, rest()).holds
    assert "window weekend of Fleet eu" in hold.detail
    assert (hold.model, hold.since, hold.until) == ("half", 900.0, 5000.0)


def test_the_plan_is_made_again_at_the_opening() -> None:
    assert planned(AFTER, rest()).look_again_at == 5000.0


def test_without_a_freeze_it_begins() -> None:
    assert planned(AFTER, rest(), None).next_pass is not None


def test_what_has_begun_goes_on() -> None:
    digest = spec_digest(AFTER.models[0], rest())
    begun = seen(replace(rest(), specs=(("half", digest),)), "half", loading(2))
    found = planned(AFTER, begun)
    assert (found.next_pass is not None, reasons(found)) == (True, set())


def test_a_restart_is_healed() -> None:
    gone = replace(
        empty(BEFORE), standing=Standing.RESTARTED, good=rest().good, specs=rest().specs, known_as=rest().sent
    )
    assert lines(planned(BEFORE, gone))[0] == "1 addModel half 1"


def test_a_server_that_fell_back_amid_a_freeze_is_healed_to_what_it_served() -> None:
    both = server(model("half", (1, 2)), model("other", (1,)))
    gone = replace(empty(both), standing=Standing.RESTARTED, good=rest().good, specs=rest().specs, known_as=rest().sent)
    body = planned(AFTER, gone).next_pass
    assert body is not None
    half = body.config.model("half")
    assert half is not None
    assert half.listed == (1,)


def test_going_back_to_what_was_served_before_may_begin() -> None:
    back = (("half", spec_digest(AFTER.models[0], rest())),)
    assert planned(AFTER, replace(rest(), past=back)).next_pass is not None


def test_not_so_where_the_window_holds_rollbacks() -> None:
    back = (("half", spec_digest(AFTER.models[0], rest())),)
    found = planned(AFTER, replace(rest(), past=back), replace(FREEZE, rollbacks=False))
    assert reasons(found) == {"Frozen"}


def test_a_model_that_git_no_longer_names_is_not_removed() -> None:
    after = replace(server(model("half", (1,), stable=1)), fleet=replace(FLEET, prune=True))
    found = planned(after, rest(after))
    assert (found.next_pass, reasons(found)) == (None, {"Frozen"})


def test_a_new_model_is_not_added() -> None:
    after = server(*BEFORE.models, model("new", (1,)))
    assert planned(after, rest(after)).next_pass is None


def test_a_converged_server_says_nothing_of_a_freeze() -> None:
    assert planned(BEFORE, rest(BEFORE)).as_git_says
    assert planned(BEFORE, at(BEFORE)).as_git_says


def test_the_model_is_out_of_sync_healthy_and_not_stalled() -> None:
    observed = rest()
    _, half, _ = record.statuses(COMMIT, AFTER, planned(AFTER, observed), observed, ())
    assert (half.sync, half.health) == (Sync.OUT_OF_SYNC, Health.HEALTHY)
    assert ConditionType.STALLED not in {condition.type for condition in half.conditions}


def test_an_end_of_a_version_that_nobody_wants_any_more_is_waited_for() -> None:
    gone = ObservedModel(
        "old", (ObservedVersion(1, VersionState.UNLOADING, going=True, dropped_at=999.0),), removed_at=999.0
    )
    assert "Frozen" not in reasons(planned(BEFORE, with_model(rest(BEFORE), gone)))


def test_a_frozen_change_takes_nobodys_place_in_a_rollout() -> None:
    fleet = replace(FLEET, rollout=Rollout())
    after = replace(AFTER, fleet=fleet)
    free = plan_server(COMMIT, after, rest())
    held = guarded(after, rest(), free, FREEZE)
    part = progress(COMMIT, after, rest(), free, held).part("half")
    assert part is not None
    assert (part.stage, part.why) == (Stage.BLOCKED, "Frozen")


def test_the_plan_of_a_fleet_shows_the_freeze_on_each_of_its_servers() -> None:
    servers = tuple(replace(AFTER, name=name, fleet=replace(FLEET, rollout=Rollout())) for name in ("gpu-1", "gpu-2"))
    made = plan(
        Desired(COMMIT, servers), {each.id: replace(rest(), server=each.id) for each in servers}, {"eu": FREEZE}
    )
    assert [reasons(each) for each in made.servers] == [{"Frozen"}, {"Frozen"}]
