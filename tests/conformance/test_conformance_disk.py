"""The model's directory: which names are versions, and what happens when files come, go or change."""

from __future__ import annotations

from conformance_cases import case
from conformance_world import POLL, World

from reconciler.modelserver.core import OK


@case("C51", "O45")
def test_names_that_read_as_whole_numbers_are_versions_and_nothing_else_is(world: World) -> None:
    m = world.model("m").publish("01", "3.5", "_4", "-7", "+8", "12x", "00013", "13", "8.tmp", "tmp")
    assert world.reload(m.all()) == OK
    m.until({13: "AVAILABLE", 8: "AVAILABLE", 1: "AVAILABLE", -7: "AVAILABLE"})


@case("O45")
def test_leading_zeros_do_not_count(world: World) -> None:
    m = world.model("m").publish("0007")
    assert world.reload(m(7)) == OK
    assert (m.states(), m.asks(7)) == ({7: "AVAILABLE"}, 7)


@case("C52")
def test_of_two_spellings_the_last_in_order_of_names_is_served(world: World) -> None:
    m = world.model("m").publish("00013", content=5).publish("013", content=3)
    assert world.reload(m(13)) == OK
    assert world.content(m.name) == 3


@case("C52")
def test_under_all_the_first_spelling_is_served(world: World) -> None:
    m = world.model("m").publish("00013", content=5).publish("013", content=3)
    assert world.reload(m.all()) == OK
    assert world.content(m.name) == 5


@case("C52")
def test_a_listed_version_under_its_plain_name_is_found_whatever_other_spellings_there_are(world: World) -> None:
    m = world.model("m").publish("013", content=3).publish("13", content=2)
    assert world.reload(m(13)) == OK
    assert world.content(m.name) == 2


@case("C53")
def test_the_latest_zero_versions_are_one(world: World) -> None:
    m = world.model("m", 1, 2)
    assert world.reload(m.latest(0)) == OK
    world.settle()
    assert m.states() == {2: "AVAILABLE"}


@case("C53")
def test_no_policy_means_the_latest_version(world: World) -> None:
    m = world.model("m", 1, 2)
    assert world.reload(m.entry(None)) == OK
    world.settle()
    assert m.states() == {2: "AVAILABLE"}


@case("C54", "O42")
def test_a_version_whose_directory_is_removed_ends_and_comes_back_with_it(world: World) -> None:
    m = world.model("m", 1)
    world.serve(m(1))
    m.remove(1)
    m.until({1: "END"})
    assert m.asks() == m.not_found()
    m.publish(1)
    m.until({1: "AVAILABLE"})


@case("O42")
def test_one_of_two_directories_removed_ends_only_that_version(world: World) -> None:
    m = world.model("m", 1, 2)
    assert world.reload(m.latest(2)) == OK
    m.until({2: "AVAILABLE", 1: "AVAILABLE"})
    m.remove(2)
    m.until({2: "END", 1: "AVAILABLE"})
    assert m.asks() == 1


@case("C55", "O43")
def test_a_base_path_that_is_removed_unloads_nothing_and_freezes_the_versions_of_every_model(world: World) -> None:
    m, other = world.model("m", 1), world.model("other", 1)
    world.serve(m(1), other.latest())
    m.remove_base()
    other.publish(2)
    world.stays(lambda: (m.asks(), other.states()) == (1, {1: "AVAILABLE"}), POLL + 0.5)
    m.publish(1)
    other.until({2: "AVAILABLE", 1: "END"})
    assert m.states() == {1: "AVAILABLE"}


@case("C55")
def test_a_base_path_that_comes_back_empty_unloads_the_model(world: World) -> None:
    m = world.model("m", 1)
    world.serve(m(1))
    m.remove_base()
    world.settle()
    assert m.states() == {1: "AVAILABLE"}
    world.make(m.base)
    m.until({1: "END"})


@case("O44")
def test_files_changed_under_the_same_number_are_not_noticed(world: World) -> None:
    m = world.model("m", 1)
    world.serve(m(1))
    world.overwrite(m.path(1), m.export(content=101))
    world.settle()
    assert (m.states(), world.content(m.name)) == ({1: "AVAILABLE"}, 1)


@case("O44")
def test_changed_files_are_read_when_the_version_is_loaded_again(world: World) -> None:
    m = world.model("m", 1)
    world.serve(m(1))
    world.overwrite(m.path(1), m.export(content=101))
    assert world.reload() == OK
    m.until({1: "END"})
    assert world.reload(m(1)) == OK
    assert world.content(m.name) == 101


@case("C54")
def test_a_version_renamed_to_something_else_ends(world: World) -> None:
    m = world.model("m", 1, 2)
    assert world.reload(m.latest()) == OK
    m.publish("2.old")
    m.remove(2)
    m.until({2: "END", 1: "AVAILABLE"})
