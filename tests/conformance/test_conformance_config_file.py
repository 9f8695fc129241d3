"""The config file after the start, and poll intervals other than one second."""

from __future__ import annotations

from conformance_cases import PLAIN, case
from conformance_world import BLOCKED, POLL, World

from reconciler.modelserver.core import OK, ServerConfig

EVERY_SECOND = (*PLAIN, "--model_config_file_poll_wait_seconds=1")
NO_POLLS = (*PLAIN, "--file_system_poll_wait_seconds=0")
SLOW_POLLS = (*PLAIN, "--file_system_poll_wait_seconds=3")
A_FILE = "it writes the config file"


@case("C86", flags=EVERY_SECOND, fresh=A_FILE)
def test_a_config_file_that_is_replaced_is_applied_within_its_period(world: World) -> None:
    m, n = world.model("m", 1), world.model("n", 1)
    world.open(m(1))
    world.write_config(ServerConfig((n(1),)))
    n.until({1: "AVAILABLE"})
    m.until({1: "END"})


@case("O77", flags=EVERY_SECOND, fresh=A_FILE)
def test_a_polled_config_file_undoes_what_a_reload_did(world: World) -> None:
    m, n = world.model("m", 1, 2), world.model("n", 1)
    world.open(m(1))
    assert world.reload(m(1, 2), n(1)) == OK
    n.until({1: "END"})
    m.stays({1: "AVAILABLE"}, POLL + 0.3) if 2 not in m.states() else m.until({2: "END", 1: "AVAILABLE"})
    assert m.asks() == 1


@case("O78", flags=EVERY_SECOND, fresh=A_FILE)
def test_a_config_file_that_cannot_be_read_changes_nothing_and_is_logged(world: World) -> None:
    m, n = world.model("m", 1), world.model("n", 1)
    world.open(m(1))
    world.write_config(None)
    world.until(lambda: "Failed to read ModelServerConfig file: Invalid protobuf file: " in world.log())
    assert (m.states(), m.asks()) == ({1: "AVAILABLE"}, 1)
    world.write_config(ServerConfig((m(1), n(1))))
    n.until({1: "AVAILABLE"})


@case("O78", flags=EVERY_SECOND, fresh=A_FILE)
def test_a_config_file_that_is_refused_changes_nothing_and_is_logged(world: World) -> None:
    m = world.model("m", 1)
    world.open(m(1))
    world.write_config(ServerConfig((m(1), m(1))))
    words = "PollFilesystemAndReloadConfig failed to ReloadConfig: "
    world.until(lambda: words in world.log())
    assert f"Illegal to list model {m.name} multiple times in config list" in world.log()
    assert m.states() == {1: "AVAILABLE"}


@case("C87", "O79", fresh=A_FILE)
def test_a_config_file_is_read_once_if_it_is_not_polled(world: World) -> None:
    m, n = world.model("m", 1), world.model("n", 1)
    world.open(m(1))
    world.write_config(ServerConfig((n(1),)))
    world.stays(lambda: (m.states(), n.states()) == ({1: "AVAILABLE"}, {}), 1.5)


@case("O79", fresh="it is about a restart")
def test_a_reload_is_not_written_to_the_config_file(world: World) -> None:
    m, n = world.model("m", 1), world.model("n", 1)
    world.open(m(1))
    assert world.reload(n(1)) == OK
    world.restart()
    assert (m.states(), n.states()) == ({1: "AVAILABLE"}, {})


@case("C65", "O80", flags=NO_POLLS, fresh="the reload hangs for good")
def test_without_polls_configured_models_stand_still_and_new_ones_hang(world: World) -> None:
    m, n = world.model("m", 1), world.model("n", 1)
    world.open(m.latest())
    m.publish(2)
    assert world.reload(m(2)) == OK
    m.stays({1: "AVAILABLE"}, 1.5)
    sent = world.send(m(2), n(1))
    world.stays(lambda: sent.status is None and n.states() == {}, BLOCKED)


@case("O80", flags=NO_POLLS, fresh="it leaves a model that cannot come back")
def test_without_polls_a_model_can_still_be_dropped(world: World) -> None:
    m = world.model("m", 1)
    world.open(m(1))
    assert world.reload() == OK
    m.until({1: "END"}, within=0.8)


@case("O81", flags=SLOW_POLLS)
def test_with_a_long_poll_interval_versions_take_that_long_and_dropping_a_model_does_not(world: World) -> None:
    m = world.model("m", 1, 2)
    world.serve(m(1))
    assert world.reload(m(1, 2)) == OK
    m.stays({1: "AVAILABLE"}, 1.6)
    m.until({2: "AVAILABLE", 1: "AVAILABLE"}, within=4.0)
    assert world.reload() == OK
    m.until({2: "END", 1: "END"}, within=1.0)
