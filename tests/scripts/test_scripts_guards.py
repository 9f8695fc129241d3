"""Scripts of what holds a change, and of what goes wrong meanwhile: their timelines, word for word, with every hold.

What is expected, and how it is written anew: `scripts_expected.py`. Each script ends with what an on-call engineer is
told: the holds that stand, in full.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from scripts_expected import same_as_expected

from reconciler.sim import World, model
from reconciler.sim.storage import USUAL, Files
from reconciler.sim.world import auto
from reconciler.state.config import ModelConfig, ServerConfig
from reconciler.state.desired import (
    Accepted,
    BlastRadius,
    DesiredModel,
    Drift,
    MemoryBudget,
    Preflight,
    Retry,
    Rollout,
    Suspend,
    Wave,
    Window,
    WindowKind,
)
from reconciler.state.export import TensorSpec
from reconciler.state.versions import specific

RENAMED = replace(USUAL, signatures=(replace(USUAL.signatures[0], inputs=(TensorSpec("pixels", "float", (-1,)),)),))
MB = 10**6


ADDED = ServerConfig((ModelConfig("half", "/models/half", specific(1, 2), (("stable", 1),)),))
TAKEN = ServerConfig((ModelConfig("half", "/models/half", specific(1)),))
"""What somebody else sends: a version more, or the label away."""


def half(version: int) -> DesiredModel:
    return model("half", version, stable=version)


def settled(world: World, *models: DesiredModel) -> None:
    """One server at rest on this; the story begins after it."""
    if not world.servers:
        world.server("gpu-1")
    world.commit(*models)
    world.run_until_converged(60)
    world.timeline.clear()


def told(world: World) -> str:
    """The holds that stand on the first server, as they are printed."""
    server = min(world.servers)
    plan = world.plans()[server]
    return "".join(
        f"  {hold.reason.value} {hold.model}: {hold.detail}. Released by: {hold.released_by}\n" for hold in plan.holds
    )


def now_told(world: World) -> None:
    world.timeline.note(world.now, "told:\n" + told(world))


def incomplete_export(world: World) -> None:
    """A directory without its variables: nothing is touched until it is whole."""
    world.model_files("half", 1)
    settled(world, half(1))
    world.storage.put("/models/half", 2, Files("half/2", lacks=("variables/variables.index",)))
    world.commit(half(2))
    world.run(12)
    now_told(world)
    world.model_files("half", 2)
    world.run_until_converged()


def pinned_fingerprint(world: World) -> None:
    """Git names the very export; storage holds another under that number."""
    world.model_files("half", 1, 2)
    settled(world, half(1))
    world.commit(replace(half(2), preflight=Preflight(((2, "sha256:abc"),))))
    world.run(12)
    now_told(world)
    world.commit(replace(half(2), preflight=Preflight(((2, "sha256:half/2"),))))
    world.run_until_converged()


def accepted_break(world: World) -> None:
    """Breaking signature, held; the same commit with a consent and its reason goes."""
    world.model_files("half", 1)
    world.storage.put("/models/half", 2, Files("half/2", export=RENAMED))
    settled(world, half(1))
    world.commit(half(2))
    world.run(12)
    now_told(world)
    consent = Preflight(accept_breaking=(Accepted(1, 2, "all clients send pixels by now"),))
    world.commit(replace(half(2), preflight=consent))
    world.run_until_converged()


def budget_smaller_than_one_version(world: World) -> None:
    """One model that can never fit is held with the numbers; the other goes."""
    world.model_files("half", 1, size=10 * MB)
    world.model_files("half", 2, size=100 * MB)
    world.model_files("other", 1, 2, size=5 * MB)
    world.memory = MemoryBudget(60 * MB)
    settled(world, half(1), model("other", 1, stable=1))
    world.commit(half(2), model("other", 2, stable=2))
    world.run(15)
    now_told(world)


def auto_takes_either_way(world: World) -> None:
    """Where both fit the new comes first; where they do not, the old goes first."""
    world.model_files("half", 1, 2, size=10 * MB)
    world.model_files("big", 1, 2, size=30 * MB)
    world.memory = MemoryBudget(72 * MB)
    settled(world, auto(half(1)), auto(model("big", 1, stable=1)))
    world.commit(auto(half(2)), auto(model("big", 1, stable=1)))
    world.run_until_converged()
    world.commit(auto(half(2)), auto(model("big", 2, stable=2)))
    world.run_until_converged()


def quarantine_and_back_off(world: World) -> None:
    """Three tries with growing pauses, then the last good spec stays."""
    world.model_files("half", 1)
    world.model_files("half", 2, error="Can't parse saved_model.pb as binary proto")
    settled(world, half(1))
    world.commit(replace(half(2), retry=Retry(3, 5.0, 60.0)))
    world.run(40)
    now_told(world)


def one_model_fails_on_a_shared_server(world: World) -> None:
    """The other one's change goes through at the same time."""
    world.model_files("half", 1)
    world.model_files("half", 2, error="Can't parse saved_model.pb as binary proto")
    world.model_files("other", 1, 2)
    settled(world, half(1), model("other", 1, stable=1))
    world.commit(replace(half(2), retry=Retry(1)), model("other", 2, stable=2))
    world.run(12)
    now_told(world)


def drift_is_healed(world: World) -> None:
    world.model_files("half", 1, 2)
    settled(world, half(1))
    world.run(12)
    world.foreign_reload("gpu-1", TAKEN)
    world.run(30)


def drift_is_reported(world: World) -> None:
    world.model_files("half", 1, 2)
    world.fleet = replace(world.fleet, drift=Drift.REPORT)
    settled(world, half(1))
    world.run(12)
    world.foreign_reload("gpu-1", ADDED)
    world.run(30)
    now_told(world)


def a_second_writer_fights(world: World) -> None:
    """Put right twice, then said to be a fight and left for longer and longer."""
    world.model_files("half", 1, 2)
    settled(world, half(1))
    for _ in range(4):
        world.run(25)
        world.foreign_reload("gpu-1", TAKEN)
    world.run(25)
    now_told(world)


def removal_without_prune(world: World) -> None:
    """What git no longer names stays as it is; with prune it goes."""
    world.model_files("half", 1)
    world.model_files("other", 1)
    settled(world, half(1), model("other", 1, stable=1))
    world.commit(half(1))
    world.run(12)
    now_told(world)
    world.fleet = replace(world.fleet, prune=True)
    world.commit(half(1))
    world.run_until_converged()


def blast_radius_held_and_confirmed(world: World) -> None:
    names = [f"m{number}" for number in range(4)]
    for name in names:
        world.model_files(name, 1)
    world.fleet = replace(world.fleet, prune=True, blast_radius=BlastRadius(2))
    settled(world, *(model(name, 1) for name in names))
    world.commit(model("m0", 1))
    world.run(12)
    now_told(world)
    world.commit(model("m0", 1), confirmed=True)
    world.run_until_converged()


def freeze_over_a_change_of_clocks(world: World) -> None:
    """Denied from 01:59 for two minutes on the night that clocks in Berlin go from 02:00 to 03:00: until 03:01."""
    _frozen_in_berlin(world, datetime(2026, 3, 29, 0, 59, 10, tzinfo=UTC), "59 1 * * *")


def freeze_over_a_repeated_hour(world: World) -> None:
    """Denied from 02:59 for two minutes on the night that clocks in Berlin go from 03:00 back to 02:00: until 02:01."""
    _frozen_in_berlin(world, datetime(2026, 10, 25, 0, 59, 10, tzinfo=UTC), "59 2 * * *")


def _frozen_in_berlin(world: World, night: datetime, schedule: str) -> None:
    world.clock.jump(night.timestamp() - 30 - world.clock.now())
    world.model_files("half", 1, 2)
    settled(world, half(1))
    world.fleet = replace(world.fleet, windows=(Window("night", WindowKind.DENY, schedule, 120.0, "Europe/Berlin"),))
    world.run(night.timestamp() - world.clock.now())
    world.commit(half(2))
    world.run(10)
    now_told(world)
    opening = night.timestamp() + 110
    world.run(opening - 2 - world.clock.now())
    assert world.serves("gpu-1") == {"half": (1,)}
    world.run_until_converged(20)


def suspended_server(world: World) -> None:
    """Nothing at all is sent, until the time given."""
    world.model_files("half", 1, 2)
    settled(world, half(1))
    world.fleet = replace(world.fleet, suspend=Suspend("the rack is moved", "ada", world.clock.now() + 30))
    world.commit(half(2))
    world.run(10)
    now_told(world)
    world.run_until_converged(60)


def files_changed_under_a_loaded_version(world: World) -> None:
    world.model_files("half", 1)
    settled(world, half(1))
    world.storage.change("/models/half", 1, content="half/1 trained again")
    world.run(60)
    now_told(world)


def storage_cannot_be_reached(world: World) -> None:
    """Nothing is loaded blindly; what serves goes on serving."""
    world.model_files("half", 1, 2)
    settled(world, half(1))
    world.storage.unseen.add("/models/half")
    world.run(65)
    world.commit(half(2))
    world.run(12)
    now_told(world)
    world.storage.unseen.clear()
    world.run_until_converged(60)


def storage_goes_amid_a_rollout(world: World) -> None:
    """What has begun goes on, in its order: a look that fails is no other spec."""
    world.fleet = replace(world.fleet, rollout=Rollout(1))
    for number in (1, 2):
        world.server(f"gpu-{number}")
    world.model_files("half", 1)
    world.model_files("half", 2, seconds=3.0)
    settled(world, half(1))
    world.commit(half(2))
    world.run(1.5)
    world.storage.unseen.add("/models/half")
    world.run(70)
    now_told(world)
    world.storage.unseen.clear()
    world.run_until_converged(90)


def thousands_of_versions_in_storage(world: World) -> None:
    world.model_files("half", *range(1, 2001))
    settled(world, half(1))
    world.commit(half(2000))
    world.run_until_converged()


def contradictory_waves(world: World) -> None:
    """A wave that no server is in, and one whose servers all are in an earlier one: they hold nobody up."""
    waves = (Wave("nobody", (("tier", "gold"),), pause=600.0), Wave("all"), Wave("again", (("tier", "prod"),)))
    world.fleet = replace(world.fleet, rollout=Rollout(1, 1, waves))
    for number in (1, 2):
        world.server(f"gpu-{number}", tier="prod")
    world.model_files("half", 1, 2)
    settled(world, half(1))
    world.commit(half(2))
    world.run_until_converged(60)


SCRIPTS = [
    incomplete_export,
    pinned_fingerprint,
    accepted_break,
    budget_smaller_than_one_version,
    auto_takes_either_way,
    quarantine_and_back_off,
    one_model_fails_on_a_shared_server,
    drift_is_healed,
    drift_is_reported,
    a_second_writer_fights,
    removal_without_prune,
    blast_radius_held_and_confirmed,
    freeze_over_a_change_of_clocks,
    freeze_over_a_repeated_hour,
    suspended_server,
    files_changed_under_a_loaded_version,
    storage_cannot_be_reached,
    storage_goes_amid_a_rollout,
    thousands_of_versions_in_storage,
    contradictory_waves,
]


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.__name__)
def test_what_holds_a_change_is_told_as_written_down(script: Callable[[World], None]) -> None:
    with World(seed=42) as world:
        script(world)
        assert (world.lost, world.troubles) == ([], [])
        assert same_as_expected(f"{script.__name__}.txt", world.timeline.text(times=False))
