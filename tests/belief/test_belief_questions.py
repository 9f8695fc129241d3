"""What a look asks: enough for every decision, and little where all is at rest."""

from belief_lane import AVAILABLE, END, LOADING, config, desired, listing, serving

from reconciler import belief


def test_server_at_rest_is_asked_for_statuses_only() -> None:
    lane, _ = serving(listing("m", 1, stable=1), listing("n", 2))
    lane.look(101.0)
    asked = belief.questions(lane.server, lane.memory, 101.5)
    assert asked.models == ("m", "n")
    assert (asked.labels, asked.proofs, asked.paths) == ((), (), ())


def test_labels_are_read_every_minute_and_paths_every_ten_seconds() -> None:
    lane, _ = serving(listing("m", 1, stable=1))
    lane.look(101.0)
    assert belief.questions(lane.server, lane.memory, 110.0).paths == ("/models/m",)
    assert belief.questions(lane.server, lane.memory, 159.0).labels == ()
    assert belief.questions(lane.server, lane.memory, 160.0).labels == (("m", "stable"),)


def test_labels_are_read_sooner_where_the_caller_has_time_for_it_and_never_later_than_every_minute() -> None:
    lane, _ = serving(listing("m", 1, stable=1))
    assert belief.questions(lane.server, lane.memory, 104.0, 5.0).labels == ()
    assert belief.questions(lane.server, lane.memory, 105.1, 5.0).labels == (("m", "stable"),)
    assert belief.questions(lane.server, lane.memory, 160.0, 300.0).labels == (("m", "stable"),)


def test_labels_are_read_after_every_change_of_ours() -> None:
    lane, _ = serving(listing("m", 1, stable=1))
    lane.send(config(listing("m", 1, 2, stable=1)), 101.0)
    assert belief.questions(lane.server, lane.memory, 101.1).labels == (("m", "stable"),)


def test_label_that_reads_otherwise_is_read_at_every_look() -> None:
    lane, world = serving(listing("m", 1, 2, stable=1))
    world.labels["m", "stable"] = 2
    lane.look(161.0)
    assert belief.questions(lane.server, lane.memory, 161.1).labels == (("m", "stable"),)


def test_everything_known_from_any_life_is_asked_after() -> None:
    lane, world = serving(listing("m", 1), listing("old", 1, prod=1))
    lane.server = desired(listing("m", 1), listing("new", 1))
    world.models, world.labels = {}, {}
    lane.look(101.0)
    asked = belief.questions(lane.server, lane.memory, 101.1)
    assert asked.models == ("m", "new", "old")
    assert asked.labels == (("old", "prod"),)


def test_removed_model_is_asked_after_for_an_hour() -> None:
    lane, world = serving(listing("m", 1), listing("n", 1))
    lane.server = desired(listing("m", 1))
    lane.send(config(listing("m", 1)), 101.0)
    world.models["n"][1] = END
    lane.look(3600.0)
    assert "n" in belief.questions(lane.server, lane.memory, 3601.0).models
    lane.look(3702.0)
    assert belief.questions(lane.server, lane.memory, 3703.0).models == ("m",)


def test_version_under_way_is_asked_for_proof_and_a_proven_one_is_not() -> None:
    lane, world = serving(listing("m", 1))
    lane.send(config(listing("m", 1, 2)), 101.0)
    world.models["m"][2] = LOADING
    lane.look(102.0)
    assert belief.questions(lane.server, lane.memory, 102.1).proofs == (("m", 2),)
    world.models["m"][2] = AVAILABLE
    lane.look(102.2)
    assert belief.questions(lane.server, lane.memory, 102.3).proofs == ()


def test_unlisted_version_that_claims_to_serve_is_asked_at_every_look() -> None:
    lane, _ = serving(listing("m", 1, 2))
    lane.send(config(listing("m", 1)), 101.0)
    lane.look(101.1)
    assert belief.questions(lane.server, lane.memory, 101.2).proofs == (("m", 2),)


def test_storage_is_looked_at_while_a_version_is_wanted_and_its_neighbours_every_second() -> None:
    lane, world = serving(listing("m", 1), listing("n", 1))
    lane.server = desired(listing("m", 1, 2), listing("n", 1))
    lane.look(101.0)
    lane.look(101.1)
    assert belief.questions(lane.server, lane.memory, 101.2).paths == ("/models/m",)
    assert belief.questions(lane.server, lane.memory, 102.1).paths == ("/models/m", "/models/n")
    assert world.models["n"] == {1: AVAILABLE}


def test_look_that_brings_nothing_new_leaves_the_same_memory() -> None:
    lane, _ = serving(listing("m", 1, stable=1))
    lane.look(101.0)
    before = lane.memory
    lane.look(102.0)
    assert lane.memory is before
