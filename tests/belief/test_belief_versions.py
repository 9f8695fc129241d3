"""What statuses and answers prove about one version: proven, suspect, going, ended, failed."""

from belief_lane import (
    AVAILABLE,
    BROKEN,
    END,
    LOADING,
    START,
    UNLOADING,
    HandWorld,
    Lane,
    config,
    listing,
    serving,
)

from reconciler import belief
from reconciler.state.look import VersionState

FENCE = 1.6


def test_available_is_proven_only_by_an_answer_for_that_number() -> None:
    lane, world = serving(listing("m", 1))
    lane.send(config(listing("m", 1, 2)), 101.0)
    world.models["m"][2] = AVAILABLE
    world.denied.add(("m", 2))
    assert not lane.version("m", 2, 102.0).proven
    world.denied.clear()
    assert lane.version("m", 2, 102.1).proven


def test_label_that_resolves_proves_its_version() -> None:
    lane, _ = serving(listing("m", 1, stable=1))
    lane.memory = belief.first_contact(lane.server)
    assert lane.look(200.0).model("m").version(1).proven


def test_break_in_available_ends_the_proof() -> None:
    lane, world = serving(listing("m", 1))
    world.models["m"][1] = UNLOADING
    assert not lane.version("m", 1, 101.0).proven
    world.models["m"][1] = AVAILABLE
    world.denied.add(("m", 1))
    assert not lane.version("m", 1, 101.1).proven


def test_status_that_could_not_be_read_proves_nothing() -> None:
    lane, _ = serving(listing("m", 1))
    lane.blind.add("m")
    seen = lane.look(101.0).model("m")
    assert (seen.unseen, seen.version(1).state, seen.version(1).proven) == ("deadline exceeded", AVAILABLE, False)


def test_silent_server_proves_nothing() -> None:
    lane, _ = serving(listing("m", 1))
    lane.down()
    seen = lane.look(101.0).model("m")
    assert (bool(seen.unseen), seen.version(1).proven) == (True, False)


def test_dropped_version_is_not_proven_though_it_serves_on() -> None:
    lane, _ = serving(listing("m", 1, 2))
    lane.send(config(listing("m", 2)), 101.0)
    version = lane.version("m", 1, 101.1)
    assert (version.proven, version.going, version.listed) == (False, True, False)


def test_version_listed_for_the_first_time_is_not_suspect() -> None:
    lane, world = serving(listing("m", 1))
    lane.send(config(listing("m", 1, 2)), 101.0)
    world.models["m"][2] = AVAILABLE
    assert not lane.version("m", 2, 102.0).suspect


def relisted(state: VersionState) -> tuple[Lane, HandWorld]:
    """Version 2 was dropped, shows that state, and is listed again at 110 s."""
    lane, world = serving(listing("m", 1, 2))
    lane.send(config(listing("m", 1)), 105.0)
    world.models["m"][2] = state
    lane.look(109.9)
    lane.send(config(listing("m", 1, 2)), 110.0)
    return lane, world


def test_version_listed_with_any_status_of_an_earlier_life_is_suspect() -> None:
    for state in (START, LOADING, AVAILABLE, UNLOADING, END):
        lane, _ = relisted(state)
        assert lane.version("m", 2, 110.05).suspect, state


def test_move_away_from_end_clears_a_suspect() -> None:
    lane, world = relisted(END)
    world.models["m"][2] = LOADING
    assert not lane.version("m", 2, 110.5).suspect


def test_loading_to_available_clears_no_suspect() -> None:
    lane, world = relisted(LOADING)
    lane.look(110.1)
    world.models["m"][2] = AVAILABLE
    version = lane.version("m", 2, 110.2)
    assert (version.suspect, version.proven) == (True, False)


def test_fence_without_an_end_clears_a_suspect() -> None:
    lane, world = relisted(LOADING)
    lane.look(110.1)
    world.models["m"][2] = AVAILABLE
    assert lane.version("m", 2, 110.1 + FENCE - 0.01).suspect
    version = lane.version("m", 2, 110.1 + FENCE)
    assert (version.suspect, version.proven) == (False, True)


def test_any_loading_on_the_server_keeps_a_suspect() -> None:
    lane, world = relisted(AVAILABLE)
    world.models["m"][1] = LOADING
    for tenth in range(40):
        assert lane.version("m", 2, 110.1 + tenth / 10).suspect


def test_end_of_a_suspect_is_no_failure_while_its_own_life_may_begin() -> None:
    lane, world = relisted(LOADING)
    world.models["m"][2] = BROKEN
    seen = lane.look(111.0)
    assert (seen.failures, seen.model("m").version(2).failed) == ((), False)
    world.models["m"][2] = AVAILABLE
    lane.look(112.0)
    seen = lane.look(112.1)
    assert (seen.failures, seen.model("m").version(2).proven) == ((), True)


def test_end_that_stays_for_a_fence_was_its_own_and_is_a_failure() -> None:
    lane, world = relisted(LOADING)
    world.models["m"][2] = BROKEN
    lane.look(111.0)
    seen = lane.look(111.0 + FENCE)
    assert [each.count for each in seen.failures] == [1]
    assert seen.model("m").version(2).failed


def test_failed_load_is_booked_once_however_often_it_is_seen() -> None:
    lane, world = serving(listing("m", 1))
    lane.send(config(listing("m", 1, 2)), 101.0, m="sha256:spec")
    world.models["m"][2] = BROKEN
    for at in (102.0, 103.0, 104.0):
        seen = lane.look(at)
    (failure,) = seen.failures
    assert (failure.version, failure.digest, failure.count, failure.at) == (2, "sha256:spec", 1, 102.0)


def test_failure_of_a_version_that_is_not_listed_is_none() -> None:
    lane, world = serving(listing("m", 1))
    world.models["m"][7] = BROKEN
    assert lane.look(101.0).failures == ()


def test_reload_that_carries_a_failed_version_books_nothing_anew() -> None:
    lane, world = serving(listing("m", 1))
    lane.send(config(listing("m", 1, 2)), 101.0)
    world.models["m"][2] = BROKEN
    lane.look(102.0)
    lane.send(config(listing("m", 1, 2, stable=1)), 103.0)
    assert [each.count for each in lane.look(110.0).failures] == [1]


def test_memory_lost_and_found_books_no_old_failure_anew() -> None:
    lane, world = serving(listing("m", 1, stable=1))
    lane.send(config(listing("m", 1, 2, stable=1)), 101.0)
    world.models["m"][2] = BROKEN
    lane.look(102.0)
    del world.labels["m", "stable"]
    lane.look(200.0)
    lane.look(210.0)
    lane.send(config(listing("m", 1, 2, stable=1)), 211.0)
    world.labels["m", "stable"] = 1
    assert [each.count for each in lane.look(230.0).failures] == [1]


def test_unlisted_start_is_going_for_a_fence_after_its_drop_only() -> None:
    lane, world = serving(listing("m", 1, 2))
    world.models["m"][2] = START
    lane.send(config(listing("m", 1)), 105.0)
    assert lane.version("m", 2, 105.0 + FENCE - 0.01).going
    assert not lane.version("m", 2, 105.0 + FENCE).going


def test_start_stays_going_while_loads_stand_in_line() -> None:
    lane, world = serving(listing("m", 1, 2))
    world.models["m"] = {1: LOADING, 2: START}
    lane.send(config(listing("m", 1)), 105.0)
    lane.look(130.0)
    assert lane.version("m", 2, 130.1).going


def test_unloading_is_going_however_long_it_takes() -> None:
    lane, world = serving(listing("m", 1, 2))
    lane.send(config(listing("m", 1)), 105.0)
    world.models["m"][2] = UNLOADING
    lane.look(106.0)
    assert lane.version("m", 2, 5000.0).going


def test_loading_past_the_deadline_counts_as_gone_and_holds_no_fence() -> None:
    lane, world = serving(listing("m", 1, 2))
    world.models["m"][2] = LOADING
    lane.send(config(listing("m", 1)), 105.0)
    lane.look(106.0)
    assert lane.version("m", 2, 106.0 + 600.0).going
    seen = lane.look(106.0 + 600.1)
    assert (seen.model("m").version(2).going, seen.busy) == (False, False)


def test_available_that_nobody_gets_an_answer_from_is_not_going_after_a_fence() -> None:
    lane, world = serving(listing("m", 1, 2))
    lane.send(config(listing("m", 1)), 105.0)
    world.denied.add(("m", 2))
    assert lane.version("m", 2, 106.0).going
    assert not lane.version("m", 2, 106.0 + FENCE).going


def test_end_since_the_drop_is_witnessed_and_an_older_one_is_not() -> None:
    lane, world = serving(listing("m", 1, 2))
    world.models["m"][2] = BROKEN
    lane.look(101.0)
    lane.send(config(listing("m", 1)), 105.0)
    assert not lane.version("m", 2, 106.0).ended
    lane.send(config(), 107.0)
    world.models["m"][1] = END
    assert lane.version("m", 1, 108.0).ended


def test_removed_model_may_come_back_a_fence_after_its_drop_and_the_last_busy_sight() -> None:
    lane, world = serving(listing("m", 1), listing("n", 1))
    lane.send(config(listing("n", 1)), 105.0)
    assert lane.look(105.1).model("m").rest_at == 105.0 + FENCE
    world.models["n"][1] = LOADING
    seen = lane.look(106.0).model("m")
    assert (seen.removed_at, seen.rest_at) == (105.0, 106.0 + FENCE)


def test_model_in_the_config_has_no_rest_to_take() -> None:
    lane, _ = serving(listing("m", 1))
    lane.send(config(), 105.0)
    lane.look(107.0)
    lane.send(config(listing("m", 1)), 110.0)
    assert lane.look(111.0).model("m").removed_at == 0.0


def test_length_of_a_load_is_remembered() -> None:
    lane, world = serving(listing("m", 1))
    lane.send(config(listing("m", 1, 2)), 101.0)
    world.models["m"][2] = LOADING
    lane.look(102.0)
    world.models["m"][2] = AVAILABLE
    assert dict(lane.look(104.5).load_seconds) == {"m": 2.5}
