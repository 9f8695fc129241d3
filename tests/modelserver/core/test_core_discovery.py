"""What a poll finds: names of directories, policies, changes on disk, poll intervals."""

from __future__ import annotations

from dataclasses import replace

import pytest
from core_world import QUICK, World, model, serving
from hypothesis import given
from hypothesis import strategies as st

from reconciler.modelserver.core import OK, All, Latest, ModelConfig, ServerConfig, Specific, Status
from reconciler.modelserver.core.looking import parse_version


def on_disk(*names: str, policy: All | Latest | Specific) -> World:
    """A server serving model m from a base path with exactly these children."""
    world = serving()
    for name in names:
        world.disk.make(f"/models/m/{name}")
    assert world.apply(ModelConfig("m", "/models/m", policy=policy)) == OK
    world.run_for(3.0)
    return world


def path_of(world: World, version: int) -> str:
    found = world.core.resolve("m", version)
    assert not isinstance(found, Status)
    return found[1].key.path


def test_names_that_are_numbers_are_versions_and_others_are_ignored() -> None:
    """C51."""
    world = on_disk("01", "3.5", "_4", "-7", "+8", "12x", "00013", "13", "8.tmp", "tmp", policy=All())
    assert list(world.states("m")) == [13, 8, 1, -7]


@pytest.mark.parametrize("name", ["_4", "3.5", "12x", "1e2", "0x10", ".14", "2.denied", "", "+", "9" * 20, "१"])
def test_other_spellings_are_not_versions(name: str) -> None:
    """Behaviour 4.3."""
    assert parse_version(name) is None


@given(st.integers(min_value=-(2**63), max_value=2**63 - 1), st.integers(0, 4), st.sampled_from(["", " ", "\t"]))
def test_every_int64_is_a_version_with_leading_zeros_and_spaces(number: int, zeros: int, space: str) -> None:
    """Behaviour 4.3."""
    sign = "-" if number < 0 else ""
    assert parse_version(f"{space}{sign}{'0' * zeros}{abs(number)}{space}") == number


def test_among_several_spellings_specific_and_latest_take_the_last_and_all_the_first() -> None:
    """C52, behaviour 4.5."""
    names = ("00013", "013")
    assert path_of(on_disk(*names, policy=Specific((13,))), 13) == "/models/m/013"
    assert path_of(on_disk(*names, policy=Latest()), 13) == "/models/m/013"
    assert path_of(on_disk(*names, policy=All()), 13) == "/models/m/00013"


def test_specific_prefers_the_plain_number_without_listing() -> None:
    """Behaviour 4.2, since 2.17."""
    assert path_of(on_disk("13", "+13", "013", policy=Specific((13,))), 13) == "/models/m/13"


@pytest.mark.parametrize("number", [0, 1])
def test_latest_nothing_means_latest_one(number: int) -> None:
    """C53."""
    assert on_disk("1", "2", "3", policy=Latest(number)).states("m") == {3: "AVAILABLE"}


def test_no_policy_means_latest_one() -> None:
    """Behaviour 4.4."""
    world = serving(on_disk={"m": (1, 2)})
    world.apply(ModelConfig("m", "/models/m"))
    assert world.states("m") == {2: "AVAILABLE"}


def test_a_file_named_like_a_number_is_tried_as_a_version() -> None:
    """Behaviour 4.3: files count too; here the size estimate stumbles over it."""
    world = on_disk("1", policy=Latest())
    world.disk.write("/models/m/15")
    world.run_for(3.0)
    assert world.states("m") == {15: "END", 1: "AVAILABLE"}
    assert world.error("m", 15).message == (
        "Error while attempting to reserve resources to load servable {name: m version: 15}: "
        "/models/m/15; Not a directory"
    )


def test_naming_only_missing_versions_unloads_everything() -> None:
    """C37, E17."""
    world = serving(model("M", 1))
    assert world.send(model("M", 9)).status == OK
    world.run_for(1.5)
    assert world.states("M") == {1: "END"}
    assert world.asks("M") == "Servable not found for request: Latest(M)"


def test_naming_nothing_unloads_everything() -> None:
    """C38."""
    world = serving(model("M", 1, 2))
    assert world.send(model("M")).status == OK
    world.run_for(1.5)
    assert world.states("M") == {2: "END", 1: "END"}


def test_a_missing_version_among_others_is_only_logged_and_loads_when_it_appears() -> None:
    """Observed (e)."""
    world = serving(model("half", 1), on_disk={"half": (1, 2)})
    assert world.send(model("half", 1, 2, 9)).status == OK
    world.run_for(3.0)
    assert world.states("half") == {2: "AVAILABLE", 1: "AVAILABLE"}
    assert "Version 9 of servable half" in world.logs[-1][1]
    world.disk.add("/models/half", 9)
    world.run_for(2.0)
    assert world.state("half", 9) == "AVAILABLE"


def test_a_version_removed_from_disk_is_unloaded_even_the_last_one_and_comes_back() -> None:
    """C54, observed (versions)."""
    world = serving(model("m", 1))
    world.disk.remove("/models/m/1")
    world.run_for(1.2)
    assert world.states("m") == {1: "END"}
    world.disk.add("/models/m", 1)
    world.run_for(1.5)
    assert world.states("m") == {1: "AVAILABLE"}


def test_a_base_path_removed_from_disk_unloads_nothing_but_empty_again_unloads() -> None:
    """C55, behaviour 4."""
    world = serving(model("m", 1), model("other", 1), on_disk={"other": (1, 2)})
    world.disk.remove("/models/m")
    world.send(model("m", 1), model("other", 1, 2))
    world.run_for(5.0)
    assert (world.states("m"), world.states("other")) == ({1: "AVAILABLE"}, {1: "AVAILABLE"})
    world.disk.make("/models/m")
    world.run_for(2.0)
    assert (world.states("m"), world.states("other")) == ({1: "END"}, {2: "AVAILABLE", 1: "AVAILABLE"})


def test_a_model_before_the_missing_one_gets_no_update_either() -> None:
    """Behaviour 4.1: a poll tells all models or none."""
    world = serving(model("a", 1), model("b", 1), on_disk={"a": (1, 2)})
    world.send(model("a", 1, 2), ModelConfig("b", "/gone", policy=Specific((1,))))
    world.run_for(3.0)
    assert world.states("a") == {1: "AVAILABLE"}


def test_renaming_a_directory_to_no_number_unloads_it() -> None:
    """Behaviour 4, disk events."""
    world = serving(model("m", policy=All()), on_disk={"m": (1, 2)})
    world.run_for(2.0)
    world.disk.remove("/models/m/1")
    world.disk.make("/models/m/1.old")
    world.run_for(2.0)
    assert world.states("m") == {2: "AVAILABLE", 1: "END"}


def test_with_a_poll_interval_of_zero_changes_are_accepted_and_nothing_happens() -> None:
    """C65: one poll, at the start."""
    flags = replace(QUICK, file_system_poll_wait_seconds=0.0)
    world = World({"m": (1, 2), "new": (1,)}, flags)
    assert world.run_until_done(world.start(ServerConfig((model("m", 1),)))) == OK
    world.run_for(1.0)
    assert world.send(model("m", 1, 2)).status == OK
    world.disk.add("/models/m", 3)
    world.run_for(60.0)
    assert world.states("m") == {1: "AVAILABLE"}
    blocked = world.send(model("m", 1), model("new", 1))
    world.run_for(600.0)
    assert not blocked.done


def test_with_a_negative_poll_interval_the_server_never_comes_up() -> None:
    """Behaviour 4."""
    world = World({"m": (1,)}, replace(QUICK, file_system_poll_wait_seconds=-1.0))
    ticket = world.start(ServerConfig((model("m", 1),)))
    world.run_for(3600.0)
    assert not ticket.done


def test_a_long_poll_interval_delays_versions_but_not_the_dropping_of_a_model() -> None:
    """Observed (poll intervals): up to 10 s; 0.1 s."""
    world = World({"m": (1, 2), "x": (1,)}, replace(QUICK, file_system_poll_wait_seconds=10.0))
    assert world.run_until_done(world.start(ServerConfig((model("m", 1), model("x", 1))))) == OK
    world.run_until(11.0)
    world.send(model("m", 1, 2))
    world.run_for(0.3)
    assert world.states("x") == {1: "END"}
    world.run_until(19.9)
    assert world.state("m", 2) is None
    world.run_until(20.5)
    assert world.state("m", 2) == "AVAILABLE"
