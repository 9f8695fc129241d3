"""Starting: when ports may open, when the process exits, what an empty start leaves; the file that is read again."""

from __future__ import annotations

from dataclasses import replace

import pytest
from core_world import CORRUPT, QUICK, World, model

from reconciler.modelserver.core import OK, All, Code, Flags, Load, ServerConfig, Status, VersionState

LABELLED = model("half", 1, 2, labels={"stable": 1, "canary": 2})


def started(world: World, *models: object) -> Status | None:
    """Start with these models and wait a good while for the ports."""
    config = ServerConfig(tuple(each for each in models if isinstance(each, type(LABELLED))))
    return world.run_until_done(world.start(config), limit=1000.0)


def test_ports_open_when_every_model_has_one_version_available() -> None:
    """Observed (start)."""
    world = World({"a": (1,), "b": (1,)})
    world.loads("b", 1, seconds=5.0)
    assert started(world, model("a", 1), model("b", 1)) == OK
    assert world.now >= 5.0
    assert (world.asks("a"), world.asks("b")) == (1, 1)


def test_labels_in_the_start_config_end_the_process_without_the_flag() -> None:
    """C24, E33; the words of the log."""
    world = World({"half": (1, 2)})
    status = started(world, LABELLED)
    text = "Request to assign label to version 1 of model half, which is not currently available for inference"
    assert status == Status(Code.FAILED_PRECONDITION, text)
    assert world.core.exited == status
    assert world.logs[-1][1] == f"Failed to start server. Error: FAILED_PRECONDITION: {text}"


def test_labels_in_the_start_config_work_with_the_flag() -> None:
    """C25."""
    world = World({"half": (1, 2)}, replace(QUICK, allow_version_labels_for_unavailable_models=True))
    assert started(world, LABELLED) == OK
    world.run_for(1.0)
    assert (world.asks("half", label="stable"), world.asks("half", label="canary")) == (1, 2)


def test_a_corrupt_model_ends_the_process_after_its_retries_and_calls_it_a_servable() -> None:
    """Observed (start)."""
    world = World({"bad": (4,)}, replace(QUICK, max_num_load_retries=1, load_retry_interval_micros=3_000_000))
    world.loads("bad", 4, status=CORRUPT)
    status = started(world, model("bad", 4))
    assert world.logs[-1][1] == (
        "Failed to start server. Error: UNKNOWN: 1 servable(s) did not become available: "
        f"{{{{{{name: bad version: 4}} due to error: {CORRUPT}}}, }}"
    )
    assert status is not None
    assert 3.0 <= world.now <= 4.0


def test_one_failed_version_ends_the_process_only_after_the_loads_already_begun() -> None:
    """C94, behaviour 5.5; and after the poll thread has woken from its sleep, for whoever ends it waits for it."""
    world = World({"m": (1, 2)})
    world.loads("m", 2, seconds=0.3, status=CORRUPT)
    world.loads("m", 1, seconds=20.0)
    status = started(world, model("m", policy=All()))
    assert status is not None
    assert status.code is Code.UNKNOWN
    assert world.now == 21.0


@pytest.mark.parametrize("make", [False, True])
def test_a_missing_or_empty_base_path_keeps_the_ports_closed_for_ever(*, make: bool) -> None:
    """C93, E35."""
    world = World()
    if make:
        world.disk.make("/models/m")
    assert started(world, model("m", 1)) is None
    assert world.core.exited is None


def test_start_up_loads_with_many_threads_and_goes_on_with_the_flags() -> None:
    """Behaviour 5.3: inline only once it is up."""
    world = World({"a": (1,), "b": (1, 2)}, replace(QUICK, num_load_threads=0))
    world.loads("a", 1, seconds=10.0)
    world.loads("b", 1, seconds=10.0)
    assert started(world, model("a", 1), model("b", 1)) == OK
    assert world.now < 11.0


def test_a_logging_config_at_the_start_ends_the_process() -> None:
    """Behaviour 3.2 step 11."""
    world = World({"m": (1,)})
    status = started(world, replace(model("m", 1), logging=True))
    assert status == Status(Code.INVALID_ARGUMENT, "No request-logger-creator provided.")
    assert world.core.exited == status


def test_an_exited_server_does_nothing_more() -> None:
    """A restart is a new core."""
    world = World({"half": (1, 2)})
    started(world, LABELLED)
    world.run_for(60.0)
    assert world.next_at() is None
    assert world.states("half") == {}


@pytest.mark.parametrize("config", [None, ServerConfig(None), ServerConfig(())])
def test_an_empty_start_opens_the_ports_and_a_reload_adds_models(config: ServerConfig | None) -> None:
    """Observed (start), C95."""
    world = World({"m": (1,)})
    assert world.start(config).status == OK
    assert world.apply(model("m", 1)) == OK


def test_after_a_whitespace_start_a_failed_first_model_can_never_be_loaded_and_blocks() -> None:
    """C68, E34: the source was thrown away, the manager still wants what failed."""
    world = World({"A": (1,), "B": (1,)})
    world.start(None)
    world.loads("A", 1, status=CORRUPT)
    status = world.apply(model("A", 1))
    assert status is not None
    assert status.message.startswith("1 servable(s) did not become available: ")
    assert world.core.exited is None
    assert world.apply(model("B", 1)) == OK
    world.loads("A", 1)
    world.run_for(5.0)
    blocked = world.send(model("A", 1), model("B", 1))
    world.run_for(600.0)
    assert not blocked.done


def test_after_a_start_with_an_empty_list_the_same_model_recovers() -> None:
    """C69."""
    world = World({"A": (1,), "B": (1,)})
    world.start(ServerConfig(()))
    world.loads("A", 1, status=CORRUPT)
    status = world.apply(model("A", 1))
    assert status is not None
    assert status.message.startswith("1 model(s) did not become available: ")
    assert world.apply(model("B", 1)) == OK
    world.loads("A", 1)
    world.run_for(2.0)
    assert world.apply(model("A", 1), model("B", 1)) == OK


def polling(period: float = 3.0, flags: Flags = QUICK) -> World:
    """A server that reads its file, which lists half version 1, every three seconds."""
    world = World({"half": (1, 2), "new": (1,)}, replace(flags, model_config_file_poll_wait_seconds=period))
    world.config_file = ServerConfig((model("half", 1),))
    assert started(world, model("half", 1)) == OK
    return world


def test_the_file_is_applied_again_and_again_and_undoes_reloads() -> None:
    """E32, observed (file polling)."""
    world = polling()
    world.run_for(1.0)
    world.send(model("half", 1, 2))
    world.run_for(1.5)
    assert world.state("half", 2) == "AVAILABLE"
    world.run_for(3.5)
    assert world.states("half") == {2: "END", 1: "AVAILABLE"}


def test_a_changed_file_is_followed() -> None:
    """C86; with period 0 it is not read again, C87."""
    for period, expected in ((3.0, {1: "END"}), (0.0, {1: "AVAILABLE"})):
        world = polling(period)
        world.config_file = ServerConfig((model("new", 1),))
        world.run_for(6.0)
        assert world.states("half") == expected


def test_an_unreadable_or_refused_file_is_logged_and_changes_nothing() -> None:
    """Observed (file polling): the words of the log."""
    world = polling()
    world.config_file = Status(Code.INVALID_ARGUMENT, "Invalid protobuf file: '/etc/models'")
    world.run_for(3.5)
    assert "Failed to read ModelServerConfig file: Invalid protobuf file: '/etc/models'" in [t for _, t in world.logs]
    world.config_file = ServerConfig((model("half", 1), model("half", 1)))
    world.run_for(3.0)
    assert any(t.startswith("PollFilesystemAndReloadConfig failed to ReloadConfig: Illegal") for _, t in world.logs)
    assert world.states("half") == {1: "AVAILABLE"}


def test_a_file_without_a_list_is_no_legal_transition_any_more() -> None:
    """Behaviour 3.2 step 2 and section 9."""
    world = polling()
    world.config_file = ServerConfig(None)
    ticket = world.core.reload_from_file(ServerConfig(None), world.now)
    assert ticket.status is not None
    assert ticket.status.code is Code.FAILED_PRECONDITION
    assert ticket.status.message.startswith("Cannot transition to requested config.")
    world.run_for(5.0)
    assert world.states("half") == {1: "AVAILABLE"}


def test_a_blocked_reload_stops_the_reading_of_the_file() -> None:
    """Observed (new): the poller queues behind the mutex too."""
    world = polling()
    world.run_for(0.5)
    blocked = world.send(model("half", 1), model("gone", 1))
    world.run_for(60.0)
    assert not blocked.done
    assert world.core.applied_config() != world.config_file
    world.disk.add("/models/gone", 1)
    world.run_for(4.0)
    assert world.core.applied_config() == world.config_file


def test_a_restart_forgets_everything() -> None:
    """E33: history, labels and what reloads said."""
    world = polling(0.0)
    world.send(model("half", 1, 2))
    world.run_for(2.0)
    again = World({"half": (1, 2)})
    started(again, model("half", 1))
    assert again.states("half") == {1: "AVAILABLE"}
    assert again.core.labels_of("half") == {}


def test_a_load_is_retried_at_start_like_any_other() -> None:
    """Behaviour 5.5."""
    world = World({"m": (1,)}, replace(QUICK, max_num_load_retries=2, load_retry_interval_micros=1_000_000))
    world.plan.set("m", 1, Load(0.1, CORRUPT), Load(0.1))
    assert started(world, model("m", 1)) == OK
    assert world.moment("m", 1, VersionState.AVAILABLE) == pytest.approx(1.3, abs=0.15)


def test_a_file_with_an_empty_list_unloads_everything() -> None:
    """Behaviour 9."""
    world = polling()
    world.config_file = ServerConfig(())
    world.run_for(6.0)
    assert world.states("half") == {1: "END"}


def test_a_file_that_is_refused_is_tried_again_every_period() -> None:
    """Behaviour 9: and its labels count each time."""
    world = polling()
    world.config_file = ServerConfig((model("half", 1, labels={"x": 1}), replace(model("np", 1), platform="")))
    world.run_for(10.0)
    complaints = [text for _, text in world.logs if text.startswith("PollFilesystemAndReloadConfig failed")]
    assert len(complaints) in {3, 4}
    assert world.asks("half", label="x") == 1


def test_a_first_config_that_fails_returns_when_its_poll_thread_has_woken() -> None:
    """Behaviour 3.7: the source is thrown away, and that waits for a thread in its sleep."""
    world = World({"A": (1,)})
    world.start(None)
    world.run_for(0.4)
    world.loads("A", 1, seconds=0.1, status=CORRUPT)
    ticket = world.send(model("A", 1))
    world.run_for(5.0)
    assert ticket.finished_at == pytest.approx(1.4)


def test_a_first_config_that_failed_can_be_followed_by_another_first_config_that_remembers() -> None:
    """Behaviour 3.7: the long-lived listener still knows the END."""
    world = World({"A": (1,), "B": (1,)})
    world.start(None)
    world.loads("A", 1, status=CORRUPT)
    world.apply(model("A", 1))
    status = world.apply(model("A", 1), model("B", 1))
    assert status is not None
    assert (
        status.message
        == f"1 servable(s) did not become available: {{{{{{name: A version: 1}} due to error: {CORRUPT}}}, }}"
    )
    assert world.asks("B") == 1
