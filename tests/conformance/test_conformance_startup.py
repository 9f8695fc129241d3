"""Starting: which configs a process comes up with, when its ports open, and what it dies of."""

from __future__ import annotations

from conformance_cases import ALLOW, case
from conformance_process import UNREADABLE, ProcessWorld
from conformance_world import BLOCKED, World, garbage

from reconciler.modelserver.core import OK, ModelConfig, ServerConfig

A_START = "it is about a start"


def dies_of(world: World, *configs: ModelConfig) -> str | None:
    """The last words of a process that does not come up."""
    world.start(ServerConfig(configs))
    world.until(lambda: world.last_words() is not None)
    return world.last_words()


@case("C24", "O1", fresh=A_START)
def test_labels_in_the_start_config_end_the_process(world: World) -> None:
    m = world.model("m", 1, 2)
    assert dies_of(world, m(1, 2, stable=1)) == f"Failed to start server. Error: {m.label_refused(1)}"


@case("C25", "O2", flags=ALLOW, fresh=A_START)
def test_with_the_flag_labels_in_the_start_config_work(world: World) -> None:
    m = world.model("m", 1, 2)
    world.open(m(1, 2, stable=1, canary=2))
    m.until({2: "AVAILABLE", 1: "AVAILABLE"})
    assert (m.asks(label="stable"), m.asks(label="canary")) == (1, 2)


@case("O3", fresh=A_START)
def test_the_ports_open_when_every_model_has_an_available_version(world: World) -> None:
    m, slow = world.model("m", 1), world.model("slow").publish(1, seconds=2.0)
    began = world.now
    world.open(m(1), slow(1))
    assert world.now - began > 1.9
    assert (m.states(), slow.states()) == ({1: "AVAILABLE"}, {1: "AVAILABLE"})


@case("O4", fresh=A_START)
def test_an_empty_list_starts_a_server_without_models_and_a_reload_adds_them(world: World) -> None:
    m = world.model("m", 1)
    world.open()
    assert (m.states(), m.asks()) == ({}, m.not_found())
    assert world.reload(m(1)) == OK
    assert m.states() == {1: "AVAILABLE"}


@case("C93", "O6", fresh=A_START)
def test_a_base_path_that_is_missing_keeps_the_ports_closed_until_it_is_there(world: World) -> None:
    m, n = world.model("m", 1), world.model("n")
    n.remove_base()
    world.start(ServerConfig((m(1), n(1))))
    world.stays(lambda: not world.is_open(), BLOCKED)
    n.publish(1)
    world.until(world.is_open)
    assert (m.states(), n.states()) == ({1: "AVAILABLE"}, {1: "AVAILABLE"})


@case("C93", fresh=A_START)
def test_a_model_without_a_version_keeps_the_ports_closed(world: World) -> None:
    m = world.model("m")
    world.start(ServerConfig((m(1),)))
    world.stays(lambda: not world.is_open(), BLOCKED)
    m.publish(1)
    world.until(world.is_open)


@case("O7", fresh=A_START)
def test_a_corrupt_model_ends_the_process_with_its_error(world: World) -> None:
    m, bad = world.model("m", 1), world.model("bad").publish(4, fault="garbage")
    said = bad.not_up(4, noun="servable", error=garbage(bad, 4))
    assert dies_of(world, m(1), bad(4)) == f"Failed to start server. Error: {said}"


@case("C94", fresh=A_START)
def test_a_start_fails_if_the_first_version_of_a_model_to_finish_does(world: World) -> None:
    m = world.model("m").publish(1, seconds=1.0).publish(2, fault="garbage")
    said = m.not_up(2, noun="servable", error=garbage(m, 2))
    assert dies_of(world, m.all()) == f"Failed to start server. Error: {said}"


@case("C94", fresh=A_START)
def test_a_start_goes_well_if_the_first_version_to_finish_does(world: World) -> None:
    m = world.model("m", 2).publish(1, seconds=1.0)
    world.open(m.all())
    assert m.states()[2] == "AVAILABLE"


@case("C62", fresh=A_START)
def test_request_logging_in_the_start_config_ends_the_process(world: World) -> None:
    m = world.model("m", 1)
    config = ModelConfig(m.name, m.base, logging=True)
    said = "INVALID_ARGUMENT: No request-logger-creator provided."
    assert dies_of(world, config) == f"Failed to start server. Error: {said}"


@case("C95", "O5", fresh=A_START, process_only="the core is never shown a file")
def test_a_config_file_of_no_bytes_ends_the_process(world: ProcessWorld) -> None:
    world.start_with("")
    world.until(lambda: world.last_words() is not None)
    assert world.last_words() == (
        f"Failed to start server. Error: INVALID_ARGUMENT: {world.server.config_file}; Invalid argument"
    )


@case("C95", fresh=A_START, process_only="the core is never shown a file")
def test_a_config_file_of_one_newline_starts_without_models(world: ProcessWorld) -> None:
    world.start_with("\n")
    world.until(world.is_open)


@case("C88", fresh=A_START, process_only="the core is never shown a file")
def test_a_config_file_that_cannot_be_parsed_ends_the_process(world: ProcessWorld) -> None:
    world.start_with(UNREADABLE)
    world.until(lambda: world.last_words() is not None)
    assert world.last_words() == (
        f"Failed to start server. Error: INVALID_ARGUMENT: Invalid protobuf file: '{world.server.config_file}'"
    )
    assert "Error parsing text-format tensorflow.serving.ModelServerConfig: " in world.log()


@case("C68", fresh="the reload hangs for good")
def test_a_model_that_failed_first_on_a_server_started_without_a_list_can_never_be_added(world: World) -> None:
    a, b = world.model("a").publish(1, fault="garbage"), world.model("b", 1)
    world.start(None)
    world.until(world.is_open)
    assert str(world.reload(a(1))) == a.not_up(1, noun="servable", error=garbage(a, 1))
    a.repair(1)
    assert world.reload(b(1)) == OK
    sent = world.send(a(1), b(1))
    world.stays(lambda: sent.status is None, BLOCKED)
    assert a.states() == {1: "END"}


@case("C69", fresh=A_START)
def test_a_model_that_failed_first_on_a_server_started_with_an_empty_list_can_be_added(world: World) -> None:
    a, b = world.model("a").publish(1, fault="garbage"), world.model("b", 1)
    world.open()
    assert str(world.reload(a(1))) == a.not_up(1, error=garbage(a, 1))
    a.repair(1)
    assert world.reload(b(1)) == OK
    world.settle()
    assert world.reload(a(1), b(1)) == OK
    assert a.states() == {1: "AVAILABLE"}


@case("C68", fresh=A_START)
def test_before_any_config_labels_are_unavailable(world: World) -> None:
    world.start(None)
    world.until(world.is_open)
    assert str(world.resolve("m", label="a")) == "UNAVAILABLE: Model labels does not init yet.a"
