"""Belief on the real core: every trap that was met on a real server, and the ends and losses of a life."""

from belief_lane import CoreLane, CoreWorld, config, desired, listing

from reconciler import belief
from reconciler.modelserver import core
from reconciler.state.look import LabelKind, VersionState
from reconciler.state.memory import Standing


def lane_with(*wanted: str, versions: tuple[int, ...] = (1, 2, 3), flags: core.Flags | None = None) -> CoreLane:
    disk = core.MemoryDisk()
    for name in wanted:
        disk.add(f"/models/{name}", *versions)
    world = CoreWorld(disk, flags=flags)
    lane = CoreLane(desired(*(listing(name, 1, 2, stable=1) for name in wanted)), world)
    lane.last(2.0)
    return lane


def running(*wanted: str, flags: core.Flags | None = None) -> CoreLane:
    """Version 1 of each model loaded and labelled stable."""
    lane = lane_with(*wanted, flags=flags)
    for count in range(1, len(wanted) + 1):
        lane.deliver(config(*(listing(name, 1) for name in wanted[:count])))
    lane.last(0.2)
    lane.deliver(config(*(listing(name, 1, stable=1) for name in wanted)))
    lane.last(2.0)
    return lane


def test_promotion_is_proven_by_the_look_that_first_shows_it() -> None:
    lane = running("m")
    lane.deliver(config(listing("m", 1, 2, stable=1)))
    for seen in lane.watch(3.0):
        version = seen.model("m").version(2)
        assert version.proven is (version.state is VersionState.AVAILABLE)
    assert seen.model("m").version(2).proven


def test_phantom_start_is_not_going_after_a_fence() -> None:
    """The model is dropped while 3 loads and 2 waits, accepted, for the manager (num_load_threads=0)."""
    lane = running("m", "n", flags=core.Flags(max_num_load_retries=0))
    lane.core.loads.set("m", 3, core.Load(seconds=2.0))
    lane.deliver(config(listing("m", 1, 2, 3), listing("n", 1)))
    lane.last(1.5)
    lane.deliver(config(listing("n", 1)))
    seen = lane.last(2.5)
    assert seen.model("m").version(2).state is VersionState.START
    assert seen.model("m").version(2).going
    seen = lane.last(20.0)
    assert seen.model("m").version(2).state is VersionState.START
    assert not seen.model("m").version(2).going
    assert seen.at >= seen.model("m").rest_at


def test_phantom_available_is_neither_proven_nor_going_for_ever() -> None:
    lane = running("m", "n")
    lane.core.life.core.publish_race("m", 2, 3.0)
    lane.deliver(config(listing("m", 1, 2), listing("n", 1)))
    lane.last(1.3)
    lane.deliver(config(listing("n", 1)))
    seen = lane.last(8.0)
    assert seen.model("m").version(2).state is VersionState.AVAILABLE
    assert not seen.model("m").version(2).proven
    assert not seen.model("m").version(2).going
    assert not seen.doubts


def test_available_of_an_earlier_life_is_never_proven() -> None:
    lane = running("m")
    lane.core.loads.set("m", 2, core.Load(seconds=1.5))
    lane.deliver(config(listing("m", 1, 2)))
    for seen in lane.watch(3.0):
        if seen.model("m").version(2).state is VersionState.LOADING:
            break
    lane.deliver(config(listing("m", 1)))
    lane.last(1.2)
    lane.deliver(config(listing("m", 1, 2)))
    for seen in lane.watch(12.0, step=0.02):
        if seen.model("m").version(2).proven:
            break
    assert seen.model("m").version(2).proven
    for later in lane.watch(5.0):
        assert later.model("m").version(2).state is VersionState.AVAILABLE
    assert not later.failures


def test_queued_unloads_are_going_until_each_ended() -> None:
    names = [f"m{number}" for number in range(6)]
    lane = lane_with(*names)
    whole = config(*(listing(name, 1, 2, 3) for name in names))
    for count in range(1, 7):
        lane.deliver(config(*(listing(name, 1, 2, 3) for name in names[:count])))
    lane.last(6.0)
    assert len(whole.models) == 6
    lane.deliver(config())
    for seen in lane.watch(6.0):
        for name in names:
            for version in seen.model(name).versions:
                assert version.going is (version.state in (VersionState.AVAILABLE, VersionState.UNLOADING))
    assert all(version.ended for name in names for version in seen.model(name).versions)


def test_empty_restart_is_proven_and_leaves_what_it_served_to_be_healed() -> None:
    lane = running("m")
    lane.core.restart(lane.core.life.now)
    lane.broke = True
    seen = lane.look(lane.core.life.now + 0.01)
    assert seen.standing is Standing.RESTARTED
    assert seen.sent == config()
    assert seen.known_as == config(listing("m", 1, stable=1))
    assert lane.look(lane.core.life.now + 0.06).fence_until < lane.at


def test_restart_from_file_without_labels_is_proven_by_all_labels_gone() -> None:
    lane = running("m")
    lane.core.restart(lane.core.life.now, config(listing("m", 1)))
    lane.broke = True
    lane.look(lane.core.life.now + 0.01)
    seen = lane.look(lane.core.life.now + 0.06)
    seen = lane.look(lane.core.life.now + 0.11)
    assert seen.standing is Standing.RESTARTED
    assert seen.sent == config(listing("m", 1))
    assert seen.model("m").reading("stable").kind is LabelKind.UNDEFINED
    assert seen.model("m").version(1).proven


def test_broken_connection_alone_goes_back_to_the_config_in_force() -> None:
    lane = running("m")
    lane.broke = True
    first = lane.look(lane.core.life.now + 0.01)
    assert (first.standing, first.at < first.fence_until) == (Standing.LOST, True)
    second = lane.look(lane.core.life.now + 0.06)
    assert second.standing is Standing.KNOWN
    assert second.sent == config(listing("m", 1, stable=1))


def test_lost_answer_of_a_new_name_settles_when_it_is_available() -> None:
    lane = lane_with("m")
    lane.deliver(config(listing("m", 1)), lose_answer=True)
    assert lane.memory.outstanding is not None
    seen = lane.last(0.2)
    assert seen.outstanding is None
    assert seen.sent == config(listing("m", 1))


def test_lost_reload_that_was_never_applied_stays_outstanding_until_it_is_sent_again() -> None:
    lane = running("m")
    lane.sending(config(listing("m", 1, 2, stable=1)), lane.core.life.now)
    seen = lane.last(3.0)
    assert seen.outstanding is not None
    assert seen.sent == config(listing("m", 1, stable=1))
    lane.deliver(seen.outstanding.config)
    seen = lane.last(3.0)
    assert (seen.outstanding, seen.model("m").version(2).proven) == (None, True)


def test_new_name_whose_files_are_missing_is_wedged_and_leaves_when_they_appear() -> None:
    lane = running("m")
    lane.deliver(config(listing("m", 1, stable=1), listing("new", 1)))
    assert not lane.last(0.1).wedged
    assert lane.last(3.0).wedged
    lane.core.disk.add("/models/new", 1)
    seen = lane.last(3.0)
    assert not seen.wedged
    assert seen.outstanding is None
    assert seen.sent.model("new") is not None


def test_slow_new_model_is_not_wedged() -> None:
    lane = running("m")
    lane.core.disk.add("/models/slow", 1)
    lane.core.loads.set("slow", 1, core.Load(seconds=60.0))
    lane.deliver(config(listing("m", 1, stable=1), listing("slow", 1)))
    assert all(not seen.wedged and seen.outstanding for seen in lane.watch(50.0, step=1.0))
    assert lane.last(10.0).outstanding is None


def test_another_writer_is_found_and_not_fought_for_ever() -> None:
    lane = running("m")
    ours, theirs = config(listing("m", 1, stable=1)), config(listing("m", 1))
    discarded = 0
    for _ in range(22):
        lane.core.reload(theirs)
        seen = lane.last(70.0, step=1.0)
        if seen.standing is Standing.LOST:
            discarded += 1
            lane.deliver(ours)
            lane.last(3.0)
    assert discarded == 6
    assert [doubt.rounds for doubt in lane.last(1.0).doubts] == [7]


def test_memory_lost_between_the_reload_and_its_record_is_rebuilt_from_what_is_seen() -> None:
    lane = running("m")
    lane.core.reload(config(listing("m", 1, 2, stable=1)))
    lane.memory = belief.first_contact(lane.server)
    first = lane.last(0.05)
    assert (first.standing, first.at < first.fence_until) == (Standing.FIRST_CONTACT, True)
    seen = lane.last(6.0)
    assert seen.fence_until < seen.at
    assert seen.sent == config(listing("m", 1, 2, stable=1))
    assert not any(version.suspect for version in seen.model("m").versions)


def test_failed_load_is_one_failure_and_its_retry_a_second() -> None:
    lane = running("m")
    lane.core.loads.set("m", 2, core.Load(0.02, core.Status(core.Code.DATA_LOSS, "broken")))
    lane.sending(config(listing("m", 1, 2, stable=1)), lane.core.life.now, m="digest")
    lane.deliver(config(listing("m", 1, 2, stable=1)))
    seen = lane.last(5.0)
    assert [failure.count for failure in seen.failures] == [1]
    lane.deliver(config(listing("m", 1, stable=1)))
    lane.last(2.0)
    lane.deliver(config(listing("m", 1, 2, stable=1)))
    seen = lane.last(5.0)
    assert [failure.count for failure in seen.failures] == [2]


def test_retry_too_fast_to_be_seen_still_counts_once() -> None:
    lane = running("m")
    lane.core.loads.set("m", 2, core.Load(0.001, core.Status(core.Code.DATA_LOSS, "broken")))
    lane.deliver(config(listing("m", 1, 2)))
    lane.last(3.0)
    lane.deliver(config(listing("m", 1)))
    lane.last(2.0)
    lane.deliver(config(listing("m", 1, 2)))
    seen = lane.last(5.0, step=1.0)
    assert [failure.count for failure in seen.failures] == [2]


def test_wedged_rollback_is_doubted_once_and_then_shown() -> None:
    """Rule E14: [1] → [2 corrupt] leaves 1 serving and unlisted; a list with 1 and 3 is never applied."""
    lane = running("m")
    lane.core.loads.set("m", 2, core.Load(0.02, core.Status(core.Code.DATA_LOSS, "broken")))
    lane.deliver(config(listing("m", 2)))
    lane.last(2.0)
    lane.deliver(config(listing("m", 1, 3)))
    seen = lane.last(8.0)
    assert seen.standing is Standing.LOST
    lane.deliver(config(listing("m", 1, 3)))
    seen = lane.last(8.0)
    assert seen.standing is Standing.KNOWN
    assert [(doubt.model, doubt.version, doubt.rounds) for doubt in seen.doubts] == [("m", 3, 2)]


def test_directory_taken_away_is_no_doubt() -> None:
    lane = running("m")
    lane.core.disk.remove("/models/m/1")
    seen = lane.last(12.0)
    assert seen.model("m").version(1).state is VersionState.END
    assert (seen.standing, seen.doubts) == (Standing.KNOWN, ())
