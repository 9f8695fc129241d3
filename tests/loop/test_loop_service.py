"""The service and its lanes, on the simulated world: triggers, commits, stopping, writing no more than needed."""

from dataclasses import replace

from reconciler.errors import InvariantBroken
from reconciler.sim import World, model
from reconciler.state.config import ModelConfig, ServerConfig
from reconciler.state.desired import Delivery
from reconciler.state.outcome import ConditionType, Health, Status, Sync
from reconciler.state.versions import specific


def settled_world(seed: int = 1) -> World:
    world = World(seed)
    world.server("gpu-1")
    world.model_files("half", 1, 2)
    world.commit(model("half", 1, stable=1))
    world.run_until_converged()
    return world


def status(world: World, name: str = "half") -> Status:
    return next(each for each in world.pages.statuses["eu/gpu-1"] if each.model == name)


def test_idle_service_writes_nothing() -> None:
    with settled_world() as world:
        world.run(30)
        before = world.pages.writes
        world.run(600)
        assert world.pages.writes == before


def test_idle_service_sends_nothing() -> None:
    with settled_world() as world:
        sent = len(world.pages.intents)
        world.run(600)
        assert len(world.pages.intents) == sent


def test_commit_that_nobody_announces_is_found_at_the_next_poll() -> None:
    with settled_world() as world:
        desired = world.repository.head
        assert desired is not None
        half = replace(desired.servers[0].models[0], policy=specific(2), labels=(("stable", 2),))
        server = replace(desired.servers[0], models=(half,))
        world.repository.head = replace(desired, commit=replace(desired.commit, id="c2"), servers=(server,))
        world.traffic.follow(world.repository.head)
        world.run_until_converged(limit=35)
        assert world.serves("gpu-1") == {"half": (2,)}


def test_every_trigger_is_answered_by_a_refresh_that_began_after_it() -> None:
    with settled_world() as world:
        assert world.process is not None
        service = world.process.service
        assert service is not None
        asked = [service.trigger() for _ in range(3)]
        world.run_until(lambda: service.refreshed >= asked[-1], limit=1)


def test_unrelated_commit_sends_nothing_and_is_in_force() -> None:
    with settled_world() as world:
        sent = len(world.pages.intents)
        world.commit(model("half", 1, stable=1))
        world.run(15)
        assert len(world.pages.intents) == sent
        assert status(world).commit == "c2"


def test_newer_commit_pre_empts_the_wait_for_an_older_one() -> None:
    with settled_world() as world:
        world.model_files("half", 3, seconds=300)
        world.commit(model("half", 3, stable=3))
        world.run(5)
        world.commit(model("half", 1, 2, stable=2))
        world.run_until(lambda: world.answers("gpu-1", "half", "stable") == 2, limit=10)
        assert world.lost == []


def test_service_that_is_told_to_stop_ends_at_once_when_idle() -> None:
    with settled_world() as world:
        assert world.stop() < 0.1


def test_service_started_again_knows_its_servers_and_sends_nothing() -> None:
    with settled_world() as world:
        sent = len(world.pages.intents)
        world.stop()
        world.run(5)
        world.start()
        world.run_until_converged(limit=5)
        assert len(world.pages.intents) == sent
        assert "FirstContact" not in world.timeline.text().split("converged", 1)[1]


def test_statuses_keep_their_since_over_a_restart_of_the_service() -> None:
    with settled_world() as world:
        before = {each.type: each.since for each in status(world).conditions}
        world.stop()
        world.run(50)
        world.start()
        world.run(20)
        assert {each.type: each.since for each in status(world).conditions} == before


def test_status_tells_of_a_converged_server() -> None:
    with settled_world() as world:
        told = [(each.model, each.sync, each.health) for each in world.pages.statuses["eu/gpu-1"]]
        assert told == [("", Sync.SYNCED, Health.HEALTHY), ("half", Sync.SYNCED, Health.HEALTHY)]


def test_bootstrap_file_is_written_without_labels_when_the_server_has_converged() -> None:
    with World(seed=1) as world:
        world.fleet = replace(world.fleet, delivery=Delivery(bootstrap_file="/etc/{server}.pbtxt"))
        world.server("gpu-1")
        world.model_files("half", 1)
        world.commit(model("half", 1, stable=1))
        world.run_until_converged()
        assert world.process is not None
        written = ServerConfig((ModelConfig("half", "/models/half", specific(1)),))
        assert world.process.bootstrap == {"/etc/gpu-1.pbtxt": written}


def test_lane_that_meets_a_bug_of_ours_stops_alone_says_so_and_goes_on_with_the_next_commit() -> None:
    with settled_world() as world:
        world.server("gpu-2")
        world.fail_next_look("gpu-1", InvariantBroken("pass 1 would empty the server"))
        world.commit(model("half", 1, 2, stable=1))
        world.run_until(lambda: world.serves("gpu-2") == {"half": (1, 2)}, limit=10)
        assert world.serves("gpu-1") == {"half": (1,)}
        told = next(each for each in world.pages.statuses["eu/gpu-1"] if not each.model)
        stalled = next(each for each in told.conditions if each.type is ConditionType.STALLED)
        assert (stalled.reason, stalled.message) == ("InvariantBroken", "pass 1 would empty the server")
        world.commit(model("half", 2, stable=2))
        world.run_until_converged(limit=10)
        assert world.serves("gpu-1") == {"half": (2,)}


def test_labels_lost_in_a_restart_that_nobody_watched_are_back_at_once_when_the_service_returns() -> None:
    with settled_world() as world:
        world.stop()
        world.restart("gpu-1", ServerConfig((ModelConfig("half", "/models/half", specific(1)),)))
        world.run(50)
        world.start()
        assert world.run_until(lambda: world.answers("gpu-1", "half", "stable") == 1, limit=5) < 5
