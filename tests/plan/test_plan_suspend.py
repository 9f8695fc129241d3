"""suspend: while somebody asks for it nothing is changed, on a model, a server or a fleet."""

from dataclasses import replace

from builders import COMMIT, FLEET, at, available, lines, model, planned, reading, reasons, seen, sent, server

from reconciler import record
from reconciler.state.config import ModelConfig
from reconciler.state.desired import DesiredModel, Suspend
from reconciler.state.look import VersionState
from reconciler.state.observed import ObservedVersion
from reconciler.state.outcome import ConditionType, Health, Sync
from reconciler.state.versions import specific

SUSPEND = Suspend("clients are being moved", "ada", until=2000.0)


def suspended(wanted: DesiredModel, suspend: Suspend = SUSPEND) -> DesiredModel:
    return replace(wanted, suspend=suspend)


BEFORE = server(model("half", (1,), stable=1), model("other", (1,), stable=1))
AFTER = server(suspended(model("half", (2,), stable=2)), model("other", (2,), stable=2))


def test_a_suspended_model_is_left_as_it_is_while_the_others_change() -> None:
    assert lines(planned(AFTER, at(BEFORE, AFTER))) == [
        "1 load other 2",
        "2 label other stable 1>2",
        "3 unload other 1",
    ]


def test_reloads_of_others_carry_the_suspended_model_with_its_labels() -> None:
    body = planned(AFTER, at(BEFORE, AFTER)).next_pass
    assert body is not None
    assert body.config.model("half") == ModelConfig("half", "/models/half", specific(1), (("stable", 1),))


def test_the_hold_says_why_who_and_until_when() -> None:
    (hold,) = [each for each in planned(AFTER, at(BEFORE, AFTER)).holds if each.reason == "Suspended"]
    assert "suspended by ada: clients are being moved" in hold.detail
    assert hold.until == 2000.0


def test_a_suspension_that_is_over_holds_nothing() -> None:
    assert "Suspended" not in reasons(planned(AFTER, at(BEFORE, AFTER, now=2000.0)))


def test_one_without_an_end_stands_until_git_takes_it_away() -> None:
    wanted = server(suspended(model("half", (2,)), Suspend("incident", "ada")))
    plan = planned(wanted, at(server(model("half", (1,))), wanted, now=9e9))
    assert (plan.passes, plan.look_again_at) == ((), None)


def test_the_plan_is_made_again_when_a_suspension_ends() -> None:
    assert planned(AFTER, at(BEFORE, AFTER)).look_again_at == 2000.0


def test_drift_of_a_suspended_model_is_not_put_right() -> None:
    wanted = server(suspended(model("half", (1,), stable=1)))
    observed = reading(seen(at(wanted), "half", available(3, listed=False)), "half", "canary", 3)
    assert lines(planned(wanted, observed)) == []


def test_a_suspended_model_that_is_not_there_is_not_added() -> None:
    wanted = server(suspended(model("half", (1,))))
    plan = planned(wanted, at(server(), wanted))
    assert (plan.passes, reasons(plan)) == ((), {"Suspended"})
    assert not plan.as_git_says


def test_a_dangling_label_of_a_suspended_model_does_not_spoil_the_reloads_of_others() -> None:
    observed = seen(at(BEFORE, AFTER), "half", ObservedVersion(1, VersionState.END, listed=True))
    body = planned(AFTER, observed).next_pass
    assert body is not None
    half = body.config.model("half")
    assert half is not None
    assert half.labels == ()


def test_a_dangling_label_of_a_suspended_model_is_no_reason_for_a_reload() -> None:
    wanted = server(suspended(model("half", (1,), stable=1)))
    observed = seen(at(wanted), "half", ObservedVersion(1, VersionState.END, listed=True))
    assert planned(wanted, observed).next_pass is None


def test_nothing_at_all_is_sent_to_a_suspended_server() -> None:
    after = replace(server(model("half", (2,), stable=2)), suspend=SUSPEND)
    plan = planned(after, at(server(model("half", (1,), stable=1)), after))
    assert (plan.passes, reasons(plan)) == ((), {"Suspended"})


def test_nothing_at_all_is_sent_to_the_servers_of_a_suspended_fleet() -> None:
    after = server(model("half", (2,)), fleet=replace(FLEET, suspend=SUSPEND))
    plan = planned(after, at(server(model("half", (1,))), after))
    assert "Fleet eu is suspended by ada" in plan.holds[0].detail


def test_a_server_that_is_suspended_says_so_even_where_nothing_differs() -> None:
    wanted = replace(server(model("half", (1,), stable=1)), suspend=SUSPEND)
    plan = planned(wanted, at(wanted))
    assert (plan.as_git_says, reasons(plan), plan.look_again_at) == (True, {"Suspended"}, 2000.0)
    whole, half = record.statuses(COMMIT, wanted, plan, at(wanted), ())
    assert (whole.sync, whole.health, half.health) == (Sync.SYNCED, Health.SUSPENDED, Health.HEALTHY)


def test_a_suspended_model_shows_in_what_it_is_not_as_git_says() -> None:
    found = planned(AFTER, at(BEFORE, AFTER)).differences
    assert {(each.version, each.label) for each in found if each.model == "half"} == {
        (1, None),
        (2, None),
        (2, "stable"),
    }


def test_a_suspended_model_that_is_as_git_says_is_synced_and_suspended() -> None:
    wanted = server(suspended(model("half", (1,), stable=1)))
    plan = planned(wanted, at(wanted))
    _, half = record.statuses(COMMIT, wanted, plan, at(wanted), ())
    assert (plan.as_git_says, half.sync, half.health) == (True, Sync.SYNCED, Health.SUSPENDED)


def test_a_suspended_model_is_out_of_sync_suspended_and_not_stalled() -> None:
    observed = at(BEFORE, AFTER)
    _, half, _ = record.statuses(COMMIT, AFTER, planned(AFTER, observed), observed, ())
    assert (half.sync, half.health) == (Sync.OUT_OF_SYNC, Health.SUSPENDED)
    kinds = {condition.type for condition in half.conditions}
    assert ConditionType.SUSPENDED in kinds
    assert ConditionType.STALLED not in kinds


def test_another_base_path_waits_for_the_end_of_the_suspension() -> None:
    wanted = server(suspended(model("half", (1,), base_path="/new/half")))
    observed = sent(at(server(model("half", (1,))), wanted), ModelConfig("half", "/models/half", specific(1)))
    assert planned(wanted, observed).passes == ()
