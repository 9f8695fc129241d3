"""Edges of versions and their files, each as a pair: what a script does, and what our passes do instead.

E13–E15, E17–E19, E27, E28.
"""

from collections.abc import Callable
from dataclasses import replace

from builders import model, resource, retried
from plan_lane import Lane, entry

from reconciler.modelserver import core
from reconciler.state.desired import Transition

STABLE = ("m", "stable")


def one() -> Lane:
    """Version 1 of m serves as stable; 2 and 3 are on disk."""
    lane = Lane(model("m", (1,), stable=1), m=(1, 2, 3))
    lane.asked = {STABLE}
    return lane


def test_e13_naive_a_repaired_version_in_the_same_config_is_not_tried_again() -> None:
    lane = one()
    lane.breaks("m", 2)
    lane.push(entry("m", 1, 2, stable=1))
    lane.wait(2.0)
    lane.slow("m", 2, 0.05)

    status = lane.push(entry("m", 1, 2, stable=1))
    lane.wait(30.0)

    assert (status, lane.states("m")) == (core.OK, {2: "END", 1: "AVAILABLE"})


def test_e13_ours_it_is_left_out_for_a_poll_and_tried_again_after_its_pause() -> None:
    lane = one()
    lane.breaks("m", 2)
    lane.git(retried(model("m", (1, 2), stable=2), limit=3, backoff=5.0))
    lane.drive(4.0)
    failed = lane.states("m"), lane.reasons
    lane.slow("m", 2, 0.05)

    lane.settle()

    assert failed == ({2: "END", 1: "AVAILABLE"}, {"RetryPause"})
    assert (lane.asks(*STABLE), lane.plan.converged, lane.lost) == (2, True, {})


def test_e14_naive_after_a_failed_switch_every_list_with_the_old_version_is_ignored() -> None:
    lane = one()
    lane.breaks("m", 2)
    lane.push(entry("m", 2, stable=1))
    lane.wait(2.0)

    lane.push(entry("m", 1, 3, stable=1))
    lane.wait(60.0)

    assert lane.states("m") == {2: "END", 1: "AVAILABLE"}


def test_e14_ours_after_a_failed_switch_the_next_version_loads() -> None:
    lane = one()
    lane.breaks("m", 2)
    lane.git(model("m", (2,), stable=2))
    lane.drive(4.0)

    lane.git(model("m", (3,), stable=3))
    lane.settle()

    assert (lane.states("m"), lane.asks(*STABLE), lane.lost) == ({3: "AVAILABLE", 2: "END", 1: "END"}, 3, {})


def wedged() -> Lane:
    """A script wedged the model: 1 serves and no list with it is carried out. Belief has seen it twice."""
    lane = one()
    lane.breaks("m", 2)
    lane.git(model("m", (1, 3), stable=1))
    lane.push(entry("m", 2, stable=1))
    lane.wait(2.0)
    lane.push(entry("m", 1, stable=1))
    lane.drive(40.0)
    return lane


def test_e15_naive_a_wedged_model_stays_so_whatever_list_with_the_old_version_comes() -> None:
    lane = wedged()

    for versions in ((1,), (1, 3), (1, 2, 3)):
        lane.push(entry("m", *versions, stable=1))
        lane.wait(5.0)

    assert lane.states("m") == {2: "END", 1: "AVAILABLE"}


def test_e15_ours_a_wedged_model_is_held_while_its_label_stays() -> None:
    lane = wedged()

    assert ("VersionWedged" in lane.reasons, lane.plan.blocked, lane.lost) == (True, True, {})


def test_e15_ours_a_wedged_model_comes_free_when_its_label_moves_and_no_request_fails() -> None:
    lane = wedged()

    lane.git(model("m", (1, 3), stable=3))
    lane.settle()

    assert (lane.states("m")[3], lane.asks(*STABLE), lane.plan.converged, lane.lost) == ("AVAILABLE", 3, True, {})


def test_e15_ours_a_wedged_model_comes_free_with_consent_and_its_label_comes_back() -> None:
    lane = wedged()

    lane.git(replace(model("m", (1, 3), stable=1), transition=Transition(allow_downtime=True)))
    lane.settle()

    assert (lane.states("m")[1], lane.states("m")[3], lane.asks(*STABLE)) == ("AVAILABLE", "AVAILABLE", 1)


def test_e17_naive_a_version_that_is_not_there_unloads_the_running_model() -> None:
    lane = one()

    status = lane.push(entry("m", 11, stable=1))
    lane.wait(2.0)

    assert (status, lane.states("m"), lane.lost[STABLE] > 50) == (core.OK, {1: "END"}, True)


def test_e17_ours_a_version_that_is_not_there_is_held_and_nothing_is_unloaded() -> None:
    lane = one()

    lane.git(model("m", (11,), stable=11))
    lane.settle()

    assert (lane.passes, "ArtifactMissing" in lane.reasons, lane.states("m"), lane.lost) == (
        [],
        True,
        {1: "AVAILABLE"},
        {},
    )


def test_e18_naive_other_bytes_under_the_same_number_are_never_loaded() -> None:
    lane = one()
    lane.disk.add("/new/m", 1)
    before = len(lane.life.history)

    status = lane.push(entry("m", 1, base_path="/new/m", stable=1))
    lane.wait(10.0)

    assert (status, len(lane.life.history)) == (core.OK, before)


def test_e18_ours_a_path_with_other_bytes_under_a_serving_number_is_held() -> None:
    lane = one()
    lane.disk.add("/new/m", 1)
    lane.prints["/new/m/1"] = "sha256:other"

    lane.git(model("m", (1,), base_path="/new/m", stable=1))
    lane.settle()

    assert (lane.passes, lane.reasons) == ([], {"BasePathNeedsCopy"})


def half_copied() -> Lane:
    """Version 2 is still being copied: it would fail to load."""
    lane = one()
    lane.torn.add("/models/m/2")
    lane.breaks("m", 2)
    return lane


def test_e19_naive_a_half_copied_version_is_loaded_and_fails_for_good() -> None:
    lane = half_copied()
    lane.push(entry("m", 1, 2, stable=1))
    lane.wait(2.0)

    lane.slow("m", 2, 0.05)
    lane.wait(30.0)

    assert lane.states("m") == {2: "END", 1: "AVAILABLE"}


def test_e19_ours_a_half_copied_version_is_listed_when_it_is_complete() -> None:
    lane = half_copied()
    lane.git(model("m", (1, 2), stable=2))
    lane.settle()
    held = lane.reasons, lane.passes[:]

    lane.torn.clear()
    lane.slow("m", 2, 0.05)
    lane.drive(5.0)

    assert held == ({"ArtifactIncomplete"}, [])
    assert (lane.asks(*STABLE), lane.plan.converged) == (2, True)


def most_at_once(lane: Lane, seconds: float, look: Callable[[], None] = lambda: None) -> int:
    """How many versions were in memory at any moment of that time."""
    most = 0
    for _ in range(round(seconds / 0.05)):
        look()
        lane.wait(0.05)
        most = max(most, sum(state in ("LOADING", "AVAILABLE", "UNLOADING") for state in lane.states("m").values()))
    return most


def test_e27_naive_a_switch_has_both_versions_in_memory() -> None:
    lane = one()
    lane.slow("m", 2, 1.0)

    lane.push(entry("m", 2, stable=1))

    assert most_at_once(lane, 5.0) == 2


def test_e27_ours_under_resource_never_two_at_once_and_no_longer_gap_than_was_stated() -> None:
    lane = one()
    lane.slow("m", 2, 1.0)

    lane.git(resource(model("m", (2,), stable=2)))
    lane.turn()
    (gap,) = lane.passes[0].gaps
    most = most_at_once(lane, 10.0, lane.turn)

    assert (most, lane.plan.converged, lane.asks(*STABLE)) == (1, True, 2)
    assert lane.lost[STABLE] * 0.01 <= gap.seconds + (0.0 if gap.load_known else 1.0)


def test_e28_naive_an_old_end_looks_like_a_failure_for_ever() -> None:
    lane = one()
    lane.push(entry("m", 1, 2, stable=1))
    lane.wait(2.0)
    lane.push(entry("m", 1, stable=1))

    lane.wait(600.0)

    assert lane.states("m") == {2: "END", 1: "AVAILABLE"}


def test_e28_ours_an_end_that_nobody_wants_is_no_difference() -> None:
    lane = one()
    lane.git(model("m", (2,), stable=2))

    lane.settle()

    assert (lane.states("m"), lane.plan.differences) == ({2: "AVAILABLE", 1: "END"}, ())
