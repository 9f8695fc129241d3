"""Naive ways to change a server, and the documented damage each does.

A planner's tests say that its own way does not do it; these say that the server really does, so that those mean
something.
"""

from __future__ import annotations

from dataclasses import replace

from core_world import CORRUPT, QUICK, World, model, serving

from reconciler.modelserver.core import OK, Code, ModelConfig, Specific


def lost(world: World, seconds: float, label: str = "stable") -> int:
    """How many of the labelled requests sent every 10 ms fail."""
    failed = 0
    for _ in range(round(seconds * 100)):
        failed += not isinstance(world.asks("m", label=label), int)
        world.run_for(0.01)
    return failed


def test_sending_the_final_config_again_and_again_never_loads_anything() -> None:
    """E3: a script that just pushes the final config is refused for ever."""
    world = serving(model("m", 1, labels={"stable": 1}), on_disk={"m": (1, 2)})
    for _ in range(30):
        status = world.send(model("m", 2, labels={"stable": 2})).status
        assert status is not None
        assert status.code is Code.FAILED_PRECONDITION
        assert lost(world, 1.0) == 0
    assert world.states("m") == {1: "AVAILABLE"}


def test_stripping_the_labels_to_load_fails_every_labelled_request_until_they_are_back() -> None:
    """E3: the gap is as long as the load; and one that adds them too early is refused and never recovers."""
    world = serving(model("m", 1, labels={"stable": 1}), on_disk={"m": (1, 2)})
    world.loads("m", 2, seconds=5.0)
    assert world.send(model("m", 2)).status == OK
    status = world.send(model("m", 2, labels={"stable": 2})).status
    assert status is not None
    assert not status.ok
    assert lost(world, 8.0) == 800


def test_stripping_a_label_round_the_flag_leaves_a_label_to_nothing() -> None:
    """Behaviour 3.4: remove then add gets round the rule, with a gap and then NOT_FOUND."""
    flags = replace(QUICK, allow_version_labels_for_unavailable_models=True)
    world = serving(model("m", 1, labels={"stable": 1}), on_disk={"m": (1, 2)}, flags=flags)
    world.loads("m", 2, seconds=3.0)
    world.send(model("m", 1))
    assert world.send(model("m", 1, 2, labels={"stable": 2})).status == OK
    assert lost(world, 3.0) == 300


def test_dropping_the_labelled_version_dangles_the_label_and_then_blocks_all_other_models() -> None:
    """E5: unrelated reloads are refused from then on."""
    world = serving(model("m", 1, 2, labels={"stable": 1}), model("other", 1), on_disk={"other": (1, 2)})
    dangling = model("m", 2, labels={"stable": 1})
    world.send(dangling, model("other", 1))
    world.run_for(2.0)
    status = world.send(dangling, model("other", 1, 2)).status
    assert status is not None
    assert status.code is Code.FAILED_PRECONDITION
    world.run_for(2.0)
    assert world.states("other") == {1: "AVAILABLE"}
    assert lost(world, 1.0) == 100


def test_dropping_what_serves_before_its_replacement_is_up_wedges_the_model_when_that_fails() -> None:
    """E14: every later list with the old version is answered OK and ignored."""
    world = serving(model("m", 1, labels={"stable": 1}), on_disk={"m": (1, 2, 3)})
    world.loads("m", 2, status=CORRUPT)
    world.send(model("m", 2, labels={"stable": 1}))
    world.run_for(2.0)
    for versions in ((1,), (1, 3), (1, 2, 3)):
        assert world.send(model("m", *versions, labels={"stable": 1})).status == OK
        world.run_for(30.0)
        assert world.states("m") == {2: "END", 1: "AVAILABLE"}


def test_a_model_whose_version_is_not_on_disk_takes_configuration_away_from_everyone() -> None:
    """E8, E10: not even the correcting reload goes through."""
    world = serving(model("m", 1, labels={"stable": 1}), on_disk={"m": (1, 2), "new": (1,)})
    m = model("m", 1, labels={"stable": 1})
    tickets = [world.send(m, model("new", 7)), world.send(m), world.send(model("m", 1, 2))]
    world.run_for(3600.0)
    assert [ticket.done for ticket in tickets] == [False, False, False]
    assert lost(world, 1.0) == 0


def test_a_typo_in_the_version_list_unloads_the_running_model() -> None:
    """E17."""
    world = serving(model("m", 1, labels={"stable": 1}))
    assert world.send(model("m", 11, labels={"stable": 1})).status == OK
    world.run_for(1.5)
    assert world.states("m") == {1: "END"}
    assert lost(world, 1.0) == 100


def test_an_empty_list_by_accident_unloads_the_whole_server_and_says_ok() -> None:
    """E2."""
    world = serving(model("m", 1, labels={"stable": 1}), model("b", 1))
    assert world.send().status == OK
    world.run_for(0.5)
    assert (world.asks("m"), world.asks("b")) == (
        "Servable not found for request: Latest(m)",
        "Servable not found for request: Latest(b)",
    )


def test_a_forgotten_platform_makes_the_server_deaf_until_it_is_restarted() -> None:
    """E20."""
    world = serving(model("m", 1), on_disk={"new": (1,)})
    world.send(model("m", 1), replace(model("new", 1), platform=""))
    for _ in range(3):
        status = world.send(model("m", 1)).status
        assert status is not None
        assert status.code is Code.INVALID_ARGUMENT
        world.run_for(60.0)


def test_a_base_path_typo_on_one_model_stops_rollouts_of_all_others_without_an_error() -> None:
    """E9."""
    world = serving(model("m", 1), model("b", 1), on_disk={"b": (1, 2)})
    typo = ModelConfig("m", "/modles/m", policy=Specific((1,)))
    assert world.send(typo, model("b", 1)).status == OK
    assert world.send(typo, model("b", 2)).status == OK
    world.run_for(60.0)
    assert (world.states("m"), world.states("b")) == ({1: "AVAILABLE"}, {1: "AVAILABLE"})


def test_a_new_path_with_old_numbers_is_answered_ok_and_serves_the_old_files() -> None:
    """E18."""
    world = serving(model("m", 1))
    world.disk.add("/v2/m", 1)
    assert world.send(ModelConfig("m", "/v2/m", policy=Specific((1,)))).status == OK
    before = len(world.history)
    world.run_for(10.0)
    assert len(world.history) == before


def test_trusting_ok_after_a_failed_reload_leaves_a_dead_model() -> None:
    """E11, E12."""
    world = serving(on_disk={"m": (1,)})
    world.loads("m", 1, status=CORRUPT)
    status = world.apply(model("m", 1))
    assert status is not None
    assert status.code is Code.UNKNOWN
    assert world.apply(model("m", 1)) == OK
    assert world.asks("m") == "Servable not found for request: Latest(m)"


def test_a_canary_with_a_higher_number_takes_all_unlabelled_traffic() -> None:
    """E38."""
    world = serving(model("m", 1, labels={"stable": 1}), on_disk={"m": (1, 2)})
    world.send(model("m", 1, 2, labels={"stable": 1}))
    world.run_for(2.0)
    assert (world.asks("m"), world.asks("m", label="stable")) == (2, 1)


def test_the_careful_way_loses_nothing() -> None:
    """Behaviour 11: add, wait, move, drop; and the way back is a label flip."""
    world = serving(model("m", 1, labels={"stable": 1}), on_disk={"m": (1, 2)})
    world.loads("m", 2, seconds=3.0)
    assert world.send(model("m", 1, 2, labels={"stable": 1})).status == OK
    assert lost(world, 6.0) == 0
    assert world.send(model("m", 1, 2, labels={"stable": 2})).status == OK
    assert lost(world, 2.0) == 0
    assert world.send(model("m", 2, labels={"stable": 2})).status == OK
    assert lost(world, 3.0) == 0
    assert world.states("m") == {2: "AVAILABLE", 1: "END"}
