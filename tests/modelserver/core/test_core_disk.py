"""What stands in the way of a look: files where directories should be, closed doors, things that vanish, slow disks."""

from __future__ import annotations

from dataclasses import replace

import pytest
from core_world import QUICK, World, model, serving

from reconciler.modelserver.core import (
    OK,
    All,
    Code,
    Core,
    Latest,
    Look,
    Measure,
    MemoryDisk,
    ModelConfig,
    Policy,
    ServerConfig,
    Sight,
    Specific,
    Status,
)
from reconciler.modelserver.core.looking import ENDLESS

ERROR = "FileSystemStoragePathSource encountered a filesystem access error: "


def look(disk: MemoryDisk, policy: Policy | None, base_path: str = "/models/m") -> Sight:
    return Look(disk, (ModelConfig("m", base_path, policy=policy),)).run()


def no_estimate(version: int, cause: str) -> Status:
    """How a version of m ends whose size could not be estimated."""
    return Status(
        Code.INTERNAL,
        "Error while attempting to reserve resources to load servable "
        f"{{name: m version: {version}}}: /models/m/{version}{cause}",
    )


def logged(world: World) -> set[str]:
    return {text for _, text in world.logs}


# -- base paths -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("policy", [Specific((1,)), Latest(), All()])
def test_a_base_path_that_is_a_file_stops_discovery_for_all_models(policy: Policy) -> None:
    """``GetChildren`` fails, and a poll that fails tells nobody anything."""
    world = serving(model("m", 1), model("other", 1), on_disk={"other": (1, 2)})
    world.disk.write("/file")
    world.send(ModelConfig("m", "/file", policy=policy), model("other", 1, 2))
    world.run_for(3.0)
    assert (world.states("m"), world.states("other")) == ({1: "AVAILABLE"}, {1: "AVAILABLE"})
    assert f"{ERROR}/file; Not a directory" in logged(world)


def test_a_closed_base_path_stops_discovery_for_all_models_until_it_is_opened() -> None:
    """``Permission denied`` on the directory, as chmod 000 gives it; what is loaded stays."""
    world = serving(model("m", 1), model("other", 1), on_disk={"m": (1, 2), "other": (1, 2)})
    world.disk.close("/models/m")
    world.send(model("m", 1, 2), model("other", 1, 2))
    world.run_for(3.0)
    assert (world.states("m"), world.states("other")) == ({1: "AVAILABLE"}, {1: "AVAILABLE"})
    assert f"{ERROR}/models/m; Permission denied" in logged(world)
    world.disk.open("/models/m")
    world.run_for(2.0)
    assert (world.state("m", 2), world.state("other", 2)) == ("AVAILABLE", "AVAILABLE")


def test_a_base_path_that_is_not_there_says_so_with_the_code_of_the_file_system() -> None:
    """Observed (f), the words of the log."""
    sight = look(MemoryDisk(), Latest(), "/models/nowhere")
    assert sight.failure == (
        "Could not find base path /models/nowhere for servable m with error NOT_FOUND: /models/nowhere not found"
    )


@pytest.mark.parametrize(
    ("base_path", "path"),
    [("/models/m", "/models/m/1"), ("/models/m/", "/models/m/1"), ("/models/m//", "/models/m//1"), ("/", "/1")],
)
def test_a_version_s_path_is_joined_as_in_cpp(base_path: str, path: str) -> None:
    """``JoinPathImpl``: a slash at the end saves the one between, more than one are kept."""
    disk = MemoryDisk("/models/m/1", "/1")
    assert look(disk, Latest(), base_path).found == (("m", ((1, path),)),)
    assert look(disk, Specific((1,)), base_path).found == (("m", ((1, path),)),)


# -- what a look warns of ---------------------------------------------------------------------------------------------

NOTHING = (
    "No versions of servable m found under base path /models/m. "
    "Did you forget to name your leaf directory as a number (eg. '/1/')?"
)
MISSING = (
    "Version 9 of servable m, which was requested to be served as a 'specific' version in the servable's version "
    "policy, was not found in the file system"
)


@pytest.mark.parametrize(
    ("children", "policy", "warnings"),
    [
        ((), Latest(), (NOTHING,)),
        (("tmp",), All(), (NOTHING,)),
        (("1",), Specific((1,)), ()),
        (("1",), Specific((1, 9)), (MISSING,)),
        (("1",), Specific((9,)), (MISSING, NOTHING)),
        (("1",), Specific(()), ("No specific versions requested for servable m.", NOTHING)),
        (
            ("013", "13"),
            Latest(),
            ("Duplicate version directories detected. Version 13 will be loaded from 13, 013 will be ignored.",),
        ),
    ],
)
def test_a_look_warns_in_the_words_of_the_real_server(
    children: tuple[str, ...], policy: Policy, warnings: tuple[str, ...]
) -> None:
    """``file_system_storage_path_source.cc``."""
    assert look(MemoryDisk("/models/m", *(f"/models/m/{name}" for name in children)), policy).warnings == warnings


def test_what_was_seen_before_the_failure_is_warned_of_all_the_same() -> None:
    """The models before the bad one were looked at."""
    models = (ModelConfig("m", "/models/m"), ModelConfig("x", "/gone"))
    sight = Look(MemoryDisk("/models/m"), models).run()
    assert (sight.found, sight.warnings) == ((), (NOTHING,))
    assert sight.failure is not None


def test_specific_nothing_still_has_to_list_the_directory() -> None:
    """The short way needs at least one number; so a closed base path freezes even this."""
    disk = MemoryDisk("/models/m")
    disk.close("/models/m")
    assert look(disk, Specific(())).failure == "/models/m; Permission denied"


# -- version directories ----------------------------------------------------------------------------------------------


def test_a_closed_version_directory_fails_its_estimate() -> None:
    """Behaviour 5.3: no permission."""
    world = serving(model("m", 1), on_disk={"m": (1, 2)})
    world.disk.close("/models/m/2")
    world.send(model("m", 1, 2))
    world.run_for(2.0)
    assert (world.state("m", 2), world.error("m", 2)) == ("END", no_estimate(2, "; Permission denied"))
    assert world.asks("m") == 1


def test_a_closed_directory_deep_in_a_version_fails_its_estimate_too() -> None:
    """The walk goes through everything."""
    world = serving(model("m", 1), on_disk={"m": (1,)})
    world.disk.make("/models/m/2/assets/private")
    world.disk.close("/models/m/2/assets/private")
    world.send(model("m", 1, 2))
    world.run_for(2.0)
    assert world.error("m", 2) == no_estimate(2, "/assets/private; Permission denied")


def test_a_version_removed_while_it_loads_ends_as_not_found_although_the_load_went_well() -> None:
    """``SimpleLoader`` estimates once more after a load, and the directory is not there any more."""
    world = serving(model("m", 1), on_disk={"m": (1, 2)})
    world.loads("m", 2, seconds=3.0)
    world.send(model("m", 1, 2))
    world.run_for(2.0)
    assert world.state("m", 2) == "LOADING"
    world.disk.remove("/models/m/2")
    world.run_for(4.0)
    assert (world.state("m", 2), world.error("m", 2)) == ("END", Status(Code.NOT_FOUND, "/models/m/2 not found"))
    assert world.core.loaded("m") == (1,)


def test_what_an_unlucky_load_left_behind_is_freed() -> None:
    """Ours: the owner is told, so that nothing stays in its memory."""
    core = Core(replace(QUICK, max_num_load_retries=0), MemoryDisk("/m/1"), 0.0)
    core.start(ServerConfig((ModelConfig("m", "/m"),)), 0.0)
    asked: list[str] = []
    for at in (0.0, 0.1, 0.2, 0.3, 0.4):
        while effects := core.advance(at):
            for effect in effects:
                match effect:
                    case Look():
                        core.answered(effect, effect.run(), at)
                    case Measure():
                        second = "StartLoad" in asked
                        core.answered(effect, Status(Code.NOT_FOUND, "gone") if second else OK, at)
                    case _:
                        asked.append(type(effect).__name__)
                        if type(effect).__name__ == "StartLoad":
                            core.load_finished(effect.key, OK, at)  # type: ignore[union-attr]
    assert [name for name in asked if name.startswith("Start")] == ["StartLoad", "StartUnload"]


def test_a_ring_of_directories_ends_somewhere() -> None:
    """The real server runs out of memory; ours says what is wrong."""

    class Ring(MemoryDisk):
        def file_exists(self, path: str) -> Status:
            return OK

        def get_children(self, path: str) -> tuple[str, ...]:
            return ("round", *["file"] * (ENDLESS // 2))

        def is_directory(self, path: str) -> bool:
            return path.endswith("round")

    assert Measure(Ring(), "/m/1").run() == Status(Code.UNKNOWN, "/m/1; Too many levels of symbolic links")


# -- slow disks -------------------------------------------------------------------------------------------------------


def slow(seconds: float) -> World:
    """A server whose disk has become slow after it came up, in the midst of a poll."""
    world = serving(model("m", 1), model("n", 1), on_disk={"m": (1, 2)})
    world.run_until(9.9)
    world.look_seconds = seconds
    world.run_until(10.1)
    return world


def test_a_reload_waits_for_the_poll_that_is_under_way() -> None:
    """``UpdateConfig`` takes the mutex that a poll holds; labels are swapped before that, and requests go on."""
    world = slow(3.0)
    ticket = world.send(model("m", 1, 2, labels={"x": 1}), model("n", 1))
    assert not ticket.done
    assert (world.asks("m", label="x"), world.asks("n"), world.states("m")) == (1, 1, {1: "AVAILABLE"})
    world.run_until(13.1)
    assert (ticket.status, ticket.finished_at) == (OK, 13.0)


def test_a_poll_that_took_longer_than_the_period_is_followed_by_the_next_at_once() -> None:
    """``PeriodicFunction``: the period runs from where a poll began."""
    world = slow(1.5)
    world.disk.add("/models/m", 2)
    world.send(model("m", 1, 2), model("n", 1))
    world.run_until(13.02)
    assert world.state("m", 2) is None
    world.run_until(13.1)
    assert world.state("m", 2) == "START"


def test_a_slow_estimate_holds_up_loads_of_other_models_but_no_requests() -> None:
    """Behaviour 5.3: it holds the central lock."""
    world = serving(
        model("m", 1), model("n", 1), on_disk={"m": (1, 2), "n": (1, 2)}, flags=replace(QUICK, num_load_threads=4)
    )
    world.run_until(9.5)
    world.send(model("m", 1, 2), model("n", 1, 2))
    world.run_until(10.04)
    world.look_seconds = 4.0
    world.run_until(13.9)
    assert (world.state("m", 2), world.state("n", 2)) == ("START", "START")
    assert (world.asks("m"), world.asks("n")) == (1, 1)
    world.run_until(20.0)
    assert {world.state("m", 2), world.state("n", 2)} == {"AVAILABLE", "LOADING"}


def test_an_answer_to_the_wrong_question_is_an_error_of_the_owner() -> None:
    """The owner's side of the contract."""
    core = Core(QUICK, MemoryDisk("/m"), 0.0)
    core.start(ServerConfig((ModelConfig("m", "/m"),)), 0.0)
    [question] = [effect for effect in core.advance(0.0) if isinstance(effect, Look)]
    with pytest.raises(TypeError):
        core.answered(question, OK, 0.0)
    with pytest.raises(KeyError):
        core.answered(Look(MemoryDisk(), ()), Sight(), 0.0)
