"""Transitions during which something goes wrong outside: answers lost, second writers, partitions, lost records."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from reconciler.modelserver.core import Flags
from reconciler.sim import CrashPoint, World, model
from reconciler.state.config import ModelConfig, ServerConfig
from reconciler.state.desired import Delivery, DeliveryMode, TfServing
from reconciler.state.plan import ActionKind, HoldReason, PassKind
from reconciler.state.versions import specific


@pytest.fixture
def world() -> Iterator[World]:
    with World(seed=5) as world:
        world.server("gpu-1")
        world.model_files("half", 1, 2)
        world.model_files("other", 1)
        yield world
        assert world.lost == []
        assert world.troubles == []


@pytest.mark.parametrize("applied", [True, False], ids=["applied", "not applied"])
def test_lost_answer_of_a_reload_is_observed_and_then_repeated(world: World, applied: bool) -> None:
    world.commit(model("half", 1, stable=1))
    world.run_until_converged()
    lose = world.lose_answers if applied else world.lose_requests
    lose("gpu-1")
    world.commit(model("half", 2, stable=2))
    world.run_until_converged(limit=40)
    assert world.serves("gpu-1") == {"half": (2,)}


def test_lost_answer_of_a_reload_with_a_new_name_settles_by_observation(world: World) -> None:
    world.lose_answers("gpu-1")
    world.commit(model("half", 1, stable=1))
    world.run_until_converged(limit=20)
    assert [intent.body.kind for intent in world.pages.intents] == [PassKind.ADD, PassKind.CHANGE]


def test_reload_with_a_new_name_that_never_arrived_is_sent_again(world: World) -> None:
    world.lose_requests("gpu-1")
    world.commit(model("half", 1, stable=1))
    world.run_until_converged(limit=25)
    kinds = [intent.body.kind for intent in world.pages.intents]
    assert kinds == [PassKind.ADD, PassKind.RESEND, PassKind.CHANGE]


def test_second_writer_is_seen_as_drift_and_undone(world: World) -> None:
    world.commit(model("half", 1, stable=1))
    world.run_until_converged()
    world.foreign_reload("gpu-1", ServerConfig((ModelConfig("half", "/models/half", specific(2)),)))
    world.run(5)
    world.run_until(lambda: world.answers("gpu-1", "half", "stable") == 1, limit=60)
    world.run_until(lambda: world.serves("gpu-1") == {"half": (1,)}, limit=10)


def test_second_writer_who_never_stops_is_not_fought_for_ever(world: World) -> None:
    world.commit(model("half", 1, stable=1))
    world.run_until_converged()
    for _ in range(20):
        world.foreign_reload("gpu-1", ServerConfig((ModelConfig("half", "/models/half", specific(2)),)))
        world.run(30)
    assert len(world.pages.intents) < 60


def test_restart_is_noticed_at_once(world: World) -> None:
    world.commit(model("half", 1, stable=1))
    world.run_until_converged()
    world.run(3)
    world.restart("gpu-1")
    assert world.run_until(lambda: world.answers("gpu-1", "half", "stable") == 1, limit=6) < 4


def test_server_that_is_down_is_healed_when_it_comes_back(world: World) -> None:
    world.commit(model("half", 1, stable=1))
    world.run_until_converged()
    world.servers["gpu-1"].kill()
    world.run(60)
    assert world.holds("gpu-1") == {HoldReason.UNREACHABLE}
    world.restart("gpu-1")
    world.run_until_converged(limit=10)
    assert world.answers("gpu-1", "half", "stable") == 1


def test_server_that_accepts_and_never_answers_keeps_nobody_else_back(world: World) -> None:
    world.server("gpu-2")
    world.servers["gpu-1"].silent = True
    world.commit(model("half", 1, stable=1))
    world.run_until(lambda: world.answers("gpu-2", "half", "stable") == 1, limit=6)
    world.run(5)
    assert world.holds("gpu-1") == {HoldReason.UNREACHABLE}
    world.servers["gpu-1"].silent = False
    world.run_until_converged(limit=20)


def test_partition_during_a_promotion_loses_nothing(world: World) -> None:
    world.commit(model("half", 1, stable=1))
    world.run_until_converged()
    world.commit(model("half", 2, stable=2))
    world.run(0.3)
    world.servers["gpu-1"].silent = True
    world.run(20)
    world.servers["gpu-1"].silent = False
    world.run_until_converged(limit=15)
    assert world.answers("gpu-1", "half", "stable") == 2


@pytest.mark.parametrize("kind", [ActionKind.LOAD, ActionKind.LABEL, ActionKind.UNLOAD, ActionKind.ADD_MODEL])
def test_memory_lost_between_the_reload_and_its_record_is_safe(world: World, kind: ActionKind) -> None:
    world.commit(model("half", 1, stable=1))
    world.run_until_converged()
    world.crash_at(CrashPoint.RPC_SENT, kind)
    world.commit(model("half", 2, stable=2), model("other", 1, stable=1))
    world.run_until_crashed()
    world.forget()
    world.start()
    world.run_until_converged(limit=40)
    assert world.serves("gpu-1") == {"half": (2,), "other": (1,)}


def test_repository_down_leaves_the_last_commit_in_force_and_healed(world: World) -> None:
    world.commit(model("half", 1, stable=1))
    world.run_until_converged()
    world.repository.trouble = ("SourceUnavailable", "the git host does not answer")
    world.restart("gpu-1")
    world.run(45)
    assert world.answers("gpu-1", "half", "stable") == 1
    assert "SourceUnavailable" in world.timeline.text()


def test_nothing_is_applied_when_the_first_head_is_bad(world: World) -> None:
    world.repository.trouble = ("DesiredInvalid", "models/half.yaml:3:1 ...")
    world.run(60)
    assert world.pages.intents == []


def test_full_disk_stops_everything_that_could_not_be_recorded(world: World) -> None:
    world.commit(model("half", 1, stable=1))
    world.run_until_converged()
    sent = len(world.pages.intents)
    world.pages.full = True
    world.commit(model("half", 2, stable=2))
    world.run(20)
    assert len(world.pages.intents) == sent
    assert "full" in world.timeline.text()
    world.pages.full = False
    world.timeline.troubles.clear()
    world.run_until_converged(limit=40)
    assert world.answers("gpu-1", "half", "stable") == 2


def test_disk_that_fills_up_in_the_middle_of_a_change_stops_what_could_not_be_recorded(world: World) -> None:
    world.commit(model("half", 1, stable=1))
    world.run_until_converged()
    sent = len(world.pages.intents)
    world.commit(model("half", 2, stable=2))
    world.run_until(lambda: len(world.pages.intents) > sent, limit=5)
    world.pages.full = True
    world.run(20)
    assert world.answers("gpu-1", "half", "stable") == 1
    assert "full" in world.troubles[0]
    world.pages.full = False
    world.timeline.troubles.clear()
    world.run_until_converged(limit=15)


def test_sigterm_during_a_slow_reload_ends_the_service_and_leaves_it_outstanding(world: World) -> None:
    world.model_files("slow", 1, seconds=60)
    world.commit(model("slow", 1, stable=1))
    world.run(3)
    took = world.stop()
    assert took < 5
    memory = world.pages.memories["eu/gpu-1"]
    assert memory.outstanding is not None
    world.start()
    world.run_until_converged(limit=80)


def test_config_file_that_the_server_polls_is_delivered_in_order() -> None:
    flags = Flags(
        num_load_threads=2,
        num_unload_threads=1,
        max_num_load_retries=0,
        model_config_file_poll_wait_seconds=2,
        allow_version_labels_for_unavailable_models=True,
    )
    with World(seed=2, flags=flags) as world:
        serving = TfServing(model_config_file_poll_wait=2, allow_labels_for_unavailable=True)
        delivery = Delivery(DeliveryMode.FILE, config_file="/etc/{server}.pbtxt")
        world.fleet = replace(world.fleet, tf_serving=serving, delivery=delivery)
        world.server("gpu-1")
        world.model_files("half", 1, 2)
        world.commit(model("half", 1, stable=1))
        world.run_until_converged(limit=30)
        world.commit(model("half", 2, stable=2))
        world.run_until_converged(limit=30)
        assert world.answers("gpu-1", "half", "stable") == 2
        assert world.lost == []
        assert world.troubles == []
