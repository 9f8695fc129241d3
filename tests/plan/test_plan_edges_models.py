"""Edges of whole models and of the reload itself, each as a pair: what a script does, and what our passes do instead.

E1, E2, E8–E12, E16, E20, E21, E36.
"""

from dataclasses import replace

from builders import FLEET, model
from plan_lane import Lane, entry

from reconciler.invariants import check_config
from reconciler.modelserver import core
from reconciler.state.config import ModelConfig, ServerConfig
from reconciler.state.versions import specific

PRUNING = replace(FLEET, prune=True)
STABLE = ("m", "stable")
M, B = model("m", (1,), stable=1), model("b", (1,))


def two() -> Lane:
    """m (labelled) and b serve version 1; both have a version 2 on disk. A model new has a version 1 there."""
    lane = Lane(M, B, m=(1, 2), b=(1, 2), new=(1,))
    lane.asked = {STABLE}
    return lane


def code(status: core.Status | None) -> core.Code | None:
    return status.code if status is not None else None


def test_e1_naive_a_config_of_one_model_unloads_the_others() -> None:
    lane = two()

    lane.push(entry("b", 1, 2))
    lane.wait(2.0)

    assert (lane.states("m"), lane.lost[STABLE] > 100) == ({1: "END"}, True)


def test_e1_ours_every_reload_carries_every_model() -> None:
    lane = two()

    lane.git(M, model("b", (2,)))
    lane.settle()

    assert (lane.states("b"), lane.lost) == ({2: "AVAILABLE", 1: "END"}, {})
    assert all(sent.names == {"m", "b"} for sent in lane.configs)


def test_e2_naive_an_empty_list_unloads_everything_and_is_ok() -> None:
    lane = two()

    status = lane.push()
    lane.wait(1.0)

    assert (status, lane.states("m"), lane.states("b")) == (core.OK, {1: "END"}, {1: "END"})


def test_e2_ours_a_commit_that_deletes_every_file_unloads_nothing() -> None:
    lane = two()

    lane.git(fleet=PRUNING)
    lane.settle()

    assert (lane.passes, lane.reasons, lane.lost) == ([], {"EmptyingGuard"}, {})


def test_e8_naive_a_new_model_without_its_version_blocks_every_later_reload() -> None:
    lane = two()

    new = lane.push(entry("m", 1, stable=1), entry("b", 1), entry("new", 7))
    correcting = lane.push(entry("m", 1, stable=1), entry("b", 1, 2), limit=60.0)

    assert (new, correcting, lane.states("b")) == (None, None, {1: "AVAILABLE"})


def test_e8_ours_the_new_model_waits_for_its_files_and_the_others_change() -> None:
    lane = two()

    lane.git(M, model("b", (2,)), model("new", (7,)))
    lane.settle()
    waiting = lane.reasons, lane.states("b")
    lane.disk.add("/models/new", 7)
    lane.drive(15.0)

    assert waiting == ({"ArtifactMissing"}, {2: "AVAILABLE", 1: "END"})
    assert (lane.states("new"), lane.plan.converged) == ({7: "AVAILABLE"}, True)


def test_e9_naive_a_model_sent_to_a_missing_path_stops_every_version_change_without_a_word() -> None:
    lane = two()
    typo = entry("m", 1, base_path="/modles/m", stable=1)

    statuses = [lane.push(typo, entry("b", 1)), lane.push(typo, entry("b", 1, 2))]
    lane.wait(30.0)

    assert (statuses, lane.states("b")) == ([core.OK, core.OK], {1: "AVAILABLE"})


def test_e9_ours_the_model_stays_where_it_is_and_the_others_change() -> None:
    lane = two()

    lane.git(replace(M, base_path="/modles/m"), model("b", (2,)))
    lane.settle()

    assert (lane.reasons, lane.states("b"), lane.lost) == ({"BasePathNeedsCopy"}, {2: "AVAILABLE", 1: "END"}, {})


def slow() -> Lane:
    lane = two()
    lane.slow("new", 1, 30.0)
    return lane


def test_e10_naive_every_try_after_a_deadline_queues_another_reload() -> None:
    lane = slow()

    tries = [lane.push(entry("m", 1, stable=1), entry("b", 1), entry("new", 1)) for _ in range(3)]
    corrected = lane.push(entry("m", 1, stable=1), entry("b", 1, 2))
    lane.wait(2.0)

    assert (tries, corrected, lane.states("b")) == ([None, None, None], None, {1: "AVAILABLE"})


def test_e10_ours_after_a_deadline_nothing_is_sent_until_looking_shows_its_end() -> None:
    lane = slow()

    lane.git(M, B, model("new", (1,)))
    lane.drive(20.0)
    during = len(lane.passes), lane.reasons
    lane.settle()

    assert (during, len(lane.passes), lane.plan.converged) == ((1, {"Unsettled"}), 1, True)


def corrupt() -> Lane:
    lane = two()
    lane.breaks("new", 1)
    return lane


def test_e11_naive_unknown_is_taken_for_refused_though_everything_was_applied() -> None:
    lane = corrupt()

    status = lane.push(entry("m", 1, stable=1), entry("b", 1, 2), entry("new", 1))
    lane.wait(2.0)

    assert (code(status), lane.states("b")) == (core.Code.UNKNOWN, {2: "AVAILABLE", 1: "AVAILABLE"})


def test_e11_ours_unknown_is_followed_by_a_look_and_only_the_failed_version_goes() -> None:
    lane = corrupt()

    lane.git(M, B, model("new", (1,)))
    lane.drive(10.0)

    assert (lane.memory.refusal, lane.states("m"), lane.states("b"), lane.lost) == (
        None,
        {1: "AVAILABLE"},
        {1: "AVAILABLE"},
        {},
    )
    assert [failure.model for failure in lane.observed.failures] == ["new"]


def test_e12_naive_the_failed_config_again_is_ok_over_a_dead_model() -> None:
    lane = corrupt()
    config = (entry("m", 1, stable=1), entry("b", 1), entry("new", 1))

    answers = [code(lane.push(*config)), code(lane.push(*config))]

    assert (answers, lane.states("new")) == ([core.Code.UNKNOWN, core.Code.OK], {1: "END"})


def test_e12_ours_a_model_has_arrived_only_when_its_version_answers() -> None:
    lane = corrupt()

    lane.git(M, B, model("new", (1,)))
    lane.drive(10.0)

    assert (lane.plan.converged, lane.reasons) == (False, {"RetryPause"})


def test_e16_naive_a_model_dropped_and_added_at_once_is_unknown() -> None:
    lane = two()
    lane.push(entry("b", 1))

    status = lane.push(entry("b", 1), entry("m", 1))

    assert code(status) is not core.Code.OK


def test_e16_ours_a_model_taken_back_by_the_next_commit_waits_for_its_end() -> None:
    lane = Lane(M, B, fleet=PRUNING, m=(1, 2), b=(1, 2))

    lane.git(B)
    lane.drive(0.05)
    lane.git(M, B)
    lane.turn()
    early = lane.plan.next_pass, lane.reasons
    lane.settle()

    assert early == (None, {"Going"})
    assert (lane.asks(*STABLE), lane.memory.refusal, lane.plan.converged) == (1, None, True)


def test_e20_naive_a_forgotten_platform_makes_the_server_deaf() -> None:
    lane = two()
    lane.push(entry("m", 1, stable=1), entry("b", 1), entry("new", 1, platform=""))

    later = {code(lane.push(entry("m", 1, stable=1), entry("b", 1))) for _ in range(3)}

    assert later == {core.Code.INVALID_ARGUMENT}


def test_e20_ours_every_model_of_every_config_says_tensorflow() -> None:
    lane = two()

    lane.git(M, model("b", (2,)), model("new", (1,)))
    lane.settle()

    assert {each.platform for sent in lane.configs for each in sent.models} == {"tensorflow"}


def test_e21_naive_a_wrong_platform_sticks_to_the_name() -> None:
    lane = two()
    lane.push(entry("m", 1, stable=1), entry("b", 1), entry("new", 1, platform="pytorch"))

    right = lane.push(entry("m", 1, stable=1), entry("b", 1), entry("new", 1))

    assert code(right) is core.Code.INVALID_ARGUMENT


def test_e21_ours_no_other_platform_passes_the_invariants() -> None:
    wrong = ModelConfig("new", "/models/new", specific(1), platform="pytorch")

    assert [violation.rule for violation in check_config(ServerConfig((wrong,)))] == [0]


def test_e36_naive_a_slow_new_name_holds_up_the_label_of_another_model() -> None:
    lane = slow()
    lane.push(entry("m", 1, 2, stable=1), entry("b", 1))
    lane.wait(2.0)

    lane.push(entry("m", 1, 2, stable=1), entry("b", 1), entry("new", 1))
    flip = lane.push(entry("m", 1, 2, stable=2), entry("b", 1), entry("new", 1))

    assert (flip, lane.asks(*STABLE)) == (None, 1)


def test_e36_ours_changes_of_models_that_are_there_go_before_new_names() -> None:
    lane = slow()
    lane.git(model("m", (1, 2), stable=1), B)
    lane.settle()

    lane.git(model("m", (1, 2), stable=2), B, model("new", (1,)))
    lane.drive(1.0)
    early = lane.asks(*STABLE)
    lane.settle()

    assert (early, lane.plan.converged, lane.lost) == (2, True, {})
