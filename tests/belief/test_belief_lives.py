"""Lives of a server: first contact, restarts proven and not, broken connections, another writer, doubts."""

from belief_lane import AVAILABLE, BROKEN, END, LOADING, START, config, desired, listing, serving

from reconciler import belief
from reconciler.state.desired import TfServing
from reconciler.state.look import LabelKind, ReachKind
from reconciler.state.memory import DoubtReason, Standing
from reconciler.state.observed import Observed

FENCE = 1.6


def test_fence_is_a_poll_and_a_bit_and_longer_where_a_file_is_polled() -> None:
    assert belief.fence_seconds(TfServing()) == FENCE
    assert belief.fence_seconds(TfServing(file_system_poll_wait=10.0, model_config_file_poll_wait=3.0)) == 13.6


def test_first_contact_waits_one_fence_from_its_first_answer() -> None:
    lane, _ = serving(listing("m", 1))
    lane.memory = belief.first_contact(lane.server)
    lane.down()
    lane.look(200.0)
    lane.up()
    lane.look(300.0)
    seen = lane.look(300.1)
    assert (seen.standing, seen.fence_until) == (Standing.FIRST_CONTACT, 300.0 + FENCE)
    assert lane.look(302.0).fence_until < 302.0


def test_first_contact_sees_what_is_served_and_takes_it_for_the_config() -> None:
    lane, world = serving(listing("m", 1, 2, stable=1))
    world.models["m"][3] = END
    lane.memory = belief.first_contact(lane.server)
    lane.look(200.0)
    seen = lane.look(202.0)
    assert seen.standing is Standing.FIRST_CONTACT
    assert seen.sent == config(listing("m", 1, 2, stable=1))


def test_nothing_is_sent_before_labels_and_versions_were_read_back() -> None:
    lane, _ = serving(listing("m", 1, stable=1))
    lane.memory = belief.first_contact(lane.server)
    lane.blind.add("m")
    lane.look(200.0)
    assert lane.look(260.0).fence_until > 260.0


def test_another_address_is_another_server() -> None:
    lane, _ = serving(listing("m", 1))
    lane.server = desired(listing("m", 1), grpc="there:8500")
    seen = lane.look(101.0)
    assert (seen.standing, lane.memory.endpoint) == (Standing.FIRST_CONTACT, "there:8500")


def test_first_accepted_reload_makes_the_config_known() -> None:
    lane, _ = serving(listing("m", 1))
    assert lane.look(101.0).standing is Standing.KNOWN


def test_entry_that_is_gone_proves_a_new_life_without_a_fence() -> None:
    lane, world = serving(listing("m", 1, 2, stable=1))
    world.models, world.labels = {}, {}
    lane.look(101.0)
    seen = lane.look(101.1)
    assert seen.standing is Standing.RESTARTED
    assert seen.fence_until < 101.1
    assert seen.known_as == config(listing("m", 1, 2, stable=1))


def test_shorter_history_of_ends_alone_proves_a_new_life() -> None:
    lane, world = serving(listing("m", 1))
    world.models["m"][7] = END
    lane.look(101.0)
    del world.models["m"][7]
    assert lane.look(102.0).standing is Standing.RESTARTED


def test_restarted_server_is_taken_for_what_its_start_config_loads() -> None:
    lane, world = serving(listing("m", 1, 2, stable=1), listing("n", 1))
    world.models, world.labels = {"m": {1: LOADING}}, {}
    lane.look(101.0)
    seen = lane.look(101.1)
    assert seen.sent == config(listing("m", 1))
    assert not seen.model("m").version(1).suspect


def test_fall_to_start_with_a_broken_connection_proves_a_new_life() -> None:
    lane, world = serving(listing("m", 1, 2))
    world.models["m"][2] = START
    lane.broke = True
    assert lane.look(101.0).standing is Standing.RESTARTED


def test_fall_to_start_alone_loses_the_config_and_needs_a_fence() -> None:
    lane, world = serving(listing("m", 1, 2))
    world.models["m"][2] = START
    seen = lane.look(101.0)
    assert (seen.standing, seen.fence_until) == (Standing.LOST, 101.0 + FENCE)


def test_all_labels_gone_with_a_broken_connection_prove_a_new_life() -> None:
    lane, world = serving(listing("m", 1, canary=1, stable=1))
    world.labels.clear()
    lane.broke = True
    assert lane.look(101.0).standing is Standing.LOST
    assert lane.look(101.05).standing is Standing.RESTARTED


def test_broken_connection_and_everything_as_before_is_no_restart() -> None:
    lane, _ = serving(listing("m", 1, stable=1), listing("n", 3))
    lane.broke = True
    assert lane.look(101.0).sent != config(listing("m", 1, stable=1), listing("n", 3))
    seen = lane.look(101.05)
    assert (seen.standing, seen.sent) == (Standing.KNOWN, config(listing("m", 1, stable=1), listing("n", 3)))


def test_connection_that_breaks_while_nobody_answers_is_a_sign_too() -> None:
    lane, _ = serving(listing("m", 1, stable=1))
    lane.broke = True
    lane.down(ReachKind.SLOW)
    assert lane.look(101.0).standing is Standing.LOST
    lane.up()
    lane.look(110.0)
    assert lane.look(110.1).standing is Standing.KNOWN


def test_label_that_reads_otherwise_after_a_break_leaves_memory_lost() -> None:
    lane, world = serving(listing("m", 1, 2, canary=1, stable=1))
    world.labels["m", "stable"] = 2
    lane.broke = True
    lane.look(101.0)
    for at in (101.1, 102.0, 103.0):
        seen = lane.look(at)
    assert seen.standing is Standing.LOST
    assert seen.sent == config(listing("m", 1, 2, canary=1, stable=2))


def test_unread_model_after_a_break_leaves_the_question_open() -> None:
    lane, _ = serving(listing("m", 1), listing("n", 1))
    lane.broke = True
    lane.look(101.0)
    lane.blind.add("n")
    assert lane.look(101.1).standing is Standing.LOST
    lane.blind.clear()
    lane.look(101.2)
    assert lane.look(101.3).standing is Standing.KNOWN


def test_break_during_a_load_goes_back_to_the_config_in_force() -> None:
    lane, world = serving(listing("m", 1, stable=1))
    lane.send(config(listing("m", 1, 2, stable=1)), 101.0)
    world.models["m"][2] = LOADING
    lane.look(102.0)
    lane.broke = True
    lane.look(102.1)
    world.models["m"][2] = AVAILABLE
    lane.look(102.2)
    seen = lane.look(102.3)
    assert (seen.standing, seen.sent) == (Standing.KNOWN, config(listing("m", 1, 2, stable=1)))


def test_restart_forgets_a_reload_under_way() -> None:
    lane, world = serving(listing("m", 1))
    lane.sending(config(listing("m", 1), listing("n", 1)), 101.0)
    world.models = {}
    assert lane.look(102.0).outstanding is None


def test_label_undefined_by_another_writer_loses_the_config_at_once() -> None:
    lane, world = serving(listing("m", 1, canary=1, stable=1))
    world.labels.pop(("m", "canary"))
    seen = lane.look(161.0)
    assert seen.standing is Standing.LOST
    lane.look(162.7)
    seen = lane.look(162.8)
    assert seen.sent == config(listing("m", 1, stable=1))


def test_label_undefined_again_and_again_is_shown_and_not_fought() -> None:
    lane, world = serving(listing("m", 1, stable=1))
    world.labels.clear()
    for at in (161.0, 164.0):
        assert lane.look(at).standing is Standing.LOST
        lane.look(at + 2.0)
        lane.send(config(listing("m", 1, stable=1)), at + 2.1)
    seen = lane.look(167.0)
    assert seen.standing is Standing.KNOWN
    assert [(doubt.model, doubt.rounds) for doubt in seen.doubts] == [("m", 3)]


def test_doubt_is_forgotten_ten_minutes_after_it_last_held() -> None:
    lane, world = serving(listing("m", 1, stable=1))
    world.labels.clear()
    lane.look(161.0)
    lane.look(163.0)
    lane.send(config(listing("m", 1, stable=1)), 163.1)
    world.labels["m", "stable"] = 1
    assert lane.look(163.2).doubts == ()
    lane.look(761.1)
    assert lane.memory.doubts == ()


def test_config_file_not_read_yet_is_no_missing_label() -> None:
    by_poll = TfServing(model_config_file_poll_wait=5.0)
    lane, world = serving(listing("m", 1), tf_serving=by_poll)
    fleet = lane.server.fleet
    lane.server = lane.server.__class__(
        fleet.__class__(
            "f", tf_serving=by_poll, delivery=fleet.delivery.__class__(mode=fleet.delivery.mode.__class__("file"))
        ),
        "s",
        lane.server.grpc,
        models=lane.server.models,
    )
    lane.send(config(listing("m", 1, stable=1)), 200.0)
    assert lane.look(203.0).standing is Standing.KNOWN
    world.labels["m", "stable"] = 1
    assert lane.look(206.0).model("m").reading("stable").resolves_to(1)


def doubted(seconds: float) -> Standing:
    """Version 2 is listed at 101 s and never shows up."""
    lane, _ = serving(listing("m", 1))
    lane.send(config(listing("m", 1, 2)), 101.0)
    lane.look(103.0)
    return lane.look(101.0 + seconds).standing


def test_listed_version_that_is_absent_is_doubted_four_seconds_after_the_change() -> None:
    assert doubted(4.0) is Standing.KNOWN
    assert doubted(6.5) is Standing.LOST


def test_missing_files_explain_an_absent_version() -> None:
    lane, world = serving(listing("m", 1))
    world.missing.add(("m", 2))
    lane.send(config(listing("m", 1, 2)), 101.0)
    for at in (103.0, 108.0, 120.0):
        seen = lane.look(at)
    assert (seen.standing, seen.doubts) == (Standing.KNOWN, ())


def test_missing_base_path_of_a_neighbour_explains_everything_that_stands_still() -> None:
    lane, world = serving(listing("m", 1, 2), listing("n", 1))
    world.paths_missing.add("/models/n")
    lane.send(config(listing("m", 1, 3), listing("n", 1)), 101.0)
    for at in (103.0, 108.0, 120.0):
        seen = lane.look(at)
    assert (seen.standing, seen.doubts) == (Standing.KNOWN, ())


def test_version_ended_undropped_is_doubted_and_a_failed_one_is_not() -> None:
    lane, world = serving(listing("m", 1, 2))
    world.models["m"][2] = BROKEN
    for at in (101.0, 106.0, 112.0):
        seen = lane.look(at)
    assert seen.standing is Standing.KNOWN
    world.models["m"][2] = END
    for at in (120.0, 125.0):
        seen = lane.look(at)
    assert seen.standing is Standing.LOST


def test_unlisted_version_that_serves_on_is_doubted() -> None:
    lane, _ = serving(listing("m", 1, 2))
    lane.send(config(listing("m", 2)), 101.0)
    lane.look(103.0)
    assert lane.look(108.0).standing is Standing.LOST


def test_doubt_that_ripens_twice_is_shown_instead_of_discarding_again() -> None:
    lane, _ = serving(listing("m", 1))
    for at in (101.0, 121.0):
        lane.send(config(listing("m", 1, 2)), at)
        lane.look(at + 2.0)
        lane.look(at + 7.0)
    seen = lane.look(150.0)
    assert seen.standing is Standing.KNOWN
    assert [(doubt.version, doubt.rounds) for doubt in seen.doubts] == [(2, 2)]


def test_doubt_needs_the_cause_to_hold_without_a_break() -> None:
    lane, world = serving(listing("m", 1, 2))
    for at in range(110, 150, 3):
        world.models["m"][2] = END if at % 2 else AVAILABLE
        seen = lane.look(float(at))
    assert seen.standing is Standing.KNOWN


def test_reading_of_a_label_nobody_could_read_is_not_known() -> None:
    lane, _ = serving(listing("m", 1, stable=1))
    lane.blind.add("m")
    assert lane.look(161.0).model("m").reading("stable").kind is LabelKind.UNSEEN


def gone_and_brought_back(times: int) -> Observed:
    """Version 2 is unloaded by somebody else, and every time a reload of ours lists it anew, before a doubt ripens."""
    lane, world = serving(listing("m", 1, 2))
    for count in range(times):
        at = 101.0 + 10.0 * count
        world.models["m"][2] = END
        lane.look(at)
        lane.send(config(listing("m", 1, 2)), at + 0.1)
        world.models["m"][2] = LOADING
        lane.look(at + 1.0)
        world.models["m"][2] = AVAILABLE
        lane.look(at + 1.2)
        lane.look(at + 1.3)
    world.models["m"][2] = END
    return lane.look(150.0)


def test_version_that_went_and_was_brought_back_on_the_way_counts_as_a_round() -> None:
    found = [gone_and_brought_back(times) for times in (0, 1, 2, 3)]
    assert [seen.standing for seen in found] == [Standing.KNOWN] * 4
    assert [[each.rounds for each in seen.doubts] for seen in found] == [[], [1], [2], [3]]
    assert [each.until for each in found[3].doubts] == [210.0]


def test_version_that_never_came_is_not_listed_anew_for_ever() -> None:
    lane, _ = serving(listing("m", 1))
    for at in (101.0, 121.0):
        lane.send(config(listing("m", 1, 2)), at)
        lane.look(at + 2.0)
        lane.look(at + 7.0)
    assert lane.look(2000.0).standing is Standing.KNOWN
    assert [each.kind for each in lane.memory.doubts] == [DoubtReason.ABSENT]
