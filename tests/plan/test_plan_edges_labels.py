"""Edges of labels, each as a pair: what a script's config does to the server, and what our passes do instead.

E3–E7, E29, E33, E37, E38. `naive` is what a team would push; it really does the damage on the model server's core.
"""

from dataclasses import replace

from builders import FLEET, model
from plan_lane import Lane, entry

from reconciler.modelserver import core

STABLE = ("m", "stable")
REFUSED = core.Code.FAILED_PRECONDITION


def promoting(*, seconds: float = 0.05, allow: bool = False) -> Lane:
    """Version 1 serves as stable; version 2 is on disk and takes that long to load."""
    lane = Lane(model("m", (1,), stable=1), model("other", (1,)), allow=allow, m=(1, 2), other=(1, 2))
    lane.slow("m", 2, seconds)
    lane.asked = {STABLE}
    return lane


OTHER = entry("other", 1)


def code(status: core.Status | None) -> core.Code | None:
    return status.code if status is not None else None


def again_and_again(lane: Lane, *models: core.ModelConfig) -> set[core.Code | None]:
    """A script that sends the same config each second: every answer it got."""
    answers = set()
    for _ in range(20):
        answers.add(code(lane.push(*models)))
        lane.wait(1.0)
    return answers


def test_e3_naive_the_final_config_is_refused_for_ever() -> None:
    lane = promoting()

    answers = again_and_again(lane, entry("m", 2, stable=2), OTHER)

    assert (answers, lane.states("m")) == ({REFUSED}, {1: "AVAILABLE"})


def test_e3_naive_stripping_the_label_to_load_fails_every_request_by_it() -> None:
    lane = promoting(seconds=3.0)

    lane.push(entry("m", 1, 2), OTHER)
    lane.wait(4.0)

    assert lane.lost[STABLE] == 400


def test_e3_ours_the_label_moves_when_its_version_is_there_and_no_request_fails() -> None:
    lane = promoting(seconds=3.0)

    lane.git(model("m", (2,), stable=2), model("other", (1,)))
    lane.settle()

    assert (lane.plan.converged, lane.asks(*STABLE), lane.lost) == (True, 2, {})


def stale() -> Lane:
    """The labelled version of m was deleted from disk, so its label dangles."""
    lane = promoting()
    lane.disk.remove("/models/m/1")
    lane.wait(2.0)
    lane.asked = set()
    return lane


def test_e4_naive_one_stale_label_refuses_the_change_of_another_model() -> None:
    lane = stale()

    status = lane.push(entry("m", 1, stable=1), entry("other", 1, 2))
    lane.wait(2.0)

    assert (code(status), lane.states("other")) == (REFUSED, {1: "AVAILABLE"})


def test_e4_ours_the_stale_label_is_left_out_and_the_other_model_changes() -> None:
    lane = stale()

    lane.git(model("m", (1,), stable=1), model("other", (1, 2)))
    lane.settle()

    assert (lane.states("other"), lane.reasons) == ({2: "AVAILABLE", 1: "AVAILABLE"}, {"ArtifactMissing"})


def test_e5_naive_dropping_the_labelled_version_blocks_every_later_reload() -> None:
    lane = promoting()
    lane.push(entry("m", 1, 2, stable=1), OTHER)
    lane.wait(2.0)
    lane.push(entry("m", 2, stable=1), OTHER)
    lane.wait(2.0)

    status = lane.push(entry("m", 2, stable=1), entry("other", 1, 2))

    assert code(status) is REFUSED
    assert lane.lost[STABLE] > 100


def test_e5_ours_a_labelled_version_is_never_dropped() -> None:
    lane = promoting()

    lane.git(model("m", (2,), stable=2), model("other", (1, 2)))
    lane.settle()

    assert (lane.plan.converged, lane.lost) == (True, {})
    assert all(set(dict(each.labels).values()) <= set(each.listed) for sent in lane.configs for each in sent.models)


def test_e6_naive_after_move_and_drop_in_one_reload_the_way_back_is_refused() -> None:
    lane = promoting()
    lane.push(entry("m", 1, 2, stable=1), OTHER)
    lane.wait(2.0)
    lane.push(entry("m", 2, stable=2), OTHER)
    lane.wait(2.0)

    assert code(lane.push(entry("m", 1, 2, stable=1), OTHER)) is REFUSED


def test_e6_ours_until_the_move_is_read_back_the_way_back_is_one_reload() -> None:
    lane = promoting()
    lane.git(model("m", (2,), stable=2), model("other", (1,)))
    while lane.asks(*STABLE) != 2:
        lane.turn()
        lane.wait(0.05)

    lane.passes.clear()
    lane.git(model("m", (1, 2), stable=1), model("other", (1,)))
    lane.drive(0.1)

    assert (len(lane.passes), lane.asks(*STABLE), lane.lost) == (1, 1, {})


def test_e7_naive_a_label_sent_right_after_ok_is_refused() -> None:
    lane = promoting()

    added = lane.push(entry("m", 1, 2, stable=1), OTHER)
    moved = lane.push(entry("m", 1, 2, stable=2), OTHER)

    assert (added, code(moved)) == (core.OK, REFUSED)


def test_e7_ours_ok_starts_a_wait_for_the_status() -> None:
    lane = promoting(seconds=5.0)

    lane.git(model("m", (1, 2), stable=2), model("other", (1,)))
    lane.drive(4.0)
    held = lane.reasons
    lane.settle()

    assert (held, len(lane.passes), lane.memory.refusal, lane.asks(*STABLE)) == ({"Loading"}, 2, None, 2)


def test_e29_naive_the_status_shows_nothing_of_a_label_that_is_gone() -> None:
    lane = promoting()
    before = lane.states("m")

    lane.push(entry("m", 1), OTHER)
    lane.wait(1.0)

    assert (lane.states("m"), lane.lost[STABLE] > 0) == (before, True)


def test_e29_ours_labels_are_read_back_and_a_lost_one_comes_back() -> None:
    lane = promoting()
    lane.push(entry("m", 1), OTHER)

    lane.drive(70.0, every=0.5)

    assert (lane.asks(*STABLE), lane.plan.converged) == (1, True)


def test_e33_naive_the_full_config_is_refused_for_ever_after_a_restart() -> None:
    lane = promoting()
    lane.restart()

    answers = again_and_again(lane, entry("m", 1, stable=1), OTHER)

    assert (answers, lane.states("m")) == ({REFUSED}, {})


def test_e33_ours_an_empty_server_is_healed_in_two_phases() -> None:
    lane = promoting()
    lane.restart()
    lane.passes.clear()

    lane.settle()

    assert ([body.kind.value for body in lane.passes], lane.asks(*STABLE)) == (["heal", "change"], 1)


def test_e33_ours_a_server_back_from_its_file_gets_its_labels_only() -> None:
    lane = promoting()
    lane.restart(entry("m", 1), OTHER)
    lane.passes.clear()

    lane.settle()

    assert ([body.kind.value for body in lane.passes], lane.asks(*STABLE)) == (["change"], 1)


def test_e37_naive_with_the_flag_a_new_label_answers_nobody_until_its_version_is_there() -> None:
    lane = promoting(seconds=3.0, allow=True)
    lane.asked = {("m", "next")}

    status = lane.push(entry("m", 1, 2, stable=1, next=2), OTHER)
    lane.wait(3.0)

    assert (status, lane.lost["m", "next"]) == (core.OK, 300)


def test_e37_ours_the_flag_changes_nothing() -> None:
    lane = promoting(seconds=3.0, allow=True)
    fleet = replace(FLEET, tf_serving=replace(FLEET.tf_serving, allow_labels_for_unavailable=True))

    lane.git(model("m", (1, 2), stable=1, next=2), model("other", (1,)), fleet=fleet)
    lane.drive(2.0)
    early = lane.asks("m", "next")
    lane.settle()

    assert (early, lane.asks("m", "next")) == ("Unrecognized servable version label: next", 2)


def test_e38_naive_a_canary_with_a_higher_number_takes_all_unlabelled_requests() -> None:
    lane = promoting()

    lane.push(entry("m", 1, 2, stable=1), OTHER)
    lane.wait(2.0)

    assert (lane.asks("m"), lane.asks(*STABLE)) == (2, 1)


def test_e38_ours_the_plan_says_so_before_it_happens() -> None:
    lane = promoting()

    lane.git(model("m", (1, 2), stable=1, canary=2), model("other", (1,)))
    lane.turn()

    assert "without a label or version go to version 2" in lane.plan.warnings[0]
