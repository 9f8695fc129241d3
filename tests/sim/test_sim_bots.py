"""Promotion and discovery of versions on the simulated world: from a directory in storage to `stable`, or not."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from reconciler.propose import Bot, Waiting
from reconciler.sim import World, model
from reconciler.sim.predictions import Behaviour, plus
from reconciler.state.automation import Automation, Discover, OnFailure, Promotion, Via
from reconciler.state.check import Check
from reconciler.state.desired import DesiredModel, Retry, Window, WindowKind

GOLDEN = Check("golden", request='{"instances": [[1.0], [2.5]]}', expect='{"predictions": [[1.0], [2.5]]}')
PROMOTE = Automation(promotion=Promotion(bake=600.0, drop_old=True))
DISCOVER = Automation(discover=Discover())
ALL = Automation(OnFailure.PUSH, Promotion(bake=600.0, drop_old=True), Discover())


@pytest.fixture
def world() -> Iterator[World]:
    with World(seed=8) as world:
        world.bots = True
        world.server("gpu-1")
        world.server("gpu-2")
        world.model_files("half", 1, 2)
        yield world
        assert world.lost == []
        assert world.troubles == []


def half(*versions: int, how: Automation = PROMOTE, **labels: int) -> DesiredModel:
    wanted = replace(model("half", *versions), labels=tuple(sorted(labels.items())), checks=(GOLDEN,))
    return replace(wanted, automation=how, retry=Retry(limit=1))


def live(world: World, wanted: DesiredModel) -> None:
    world.commit(wanted)
    world.run_until_converged(limit=400)


def wrong(world: World, *versions: int) -> None:
    for version in versions:
        world.network.predictions.script("half", version, Behaviour(plus(1.0)))


def line(world: World) -> list[str]:
    return [each.commit.id for each in world.repository.line]


def newest(world: World) -> DesiredModel:
    """The model as the newest commit has it."""
    return world.repository.line[-1].servers[0].models[0]


def labels(world: World) -> dict[str, int]:
    return dict(newest(world).labels)


def listed(world: World) -> list[int]:
    return [int(each) for each in getattr(newest(world).policy, "versions", ())]


def waits(world: World) -> dict[Bot, Waiting]:
    assert world.process is not None
    assert world.process.bots is not None
    said = [each for all_said in world.process.bots.said.values() for each in all_said]
    return {each.bot: each for each in said if isinstance(each, Waiting)}


def put(world: World, *versions: int) -> None:
    """New versions lie in storage, and every server's lane has looked."""
    world.model_files("half", *versions)
    world.run(90)


# -- promotion --------------------------------------------------------------------------------------------------------


def test_a_canary_that_stood_well_for_its_time_is_promoted_and_the_old_version_leaves(world: World) -> None:
    live(world, half(1, 2, stable=1, canary=2))
    since = world.now
    world.run_until(lambda: len(line(world)) == 2, limit=700)
    assert 590 < world.now - since < 615
    world.run_until_converged()
    assert (labels(world), listed(world)) == ({"stable": 2, "canary": 2}, [2])
    assert {world.answers(name, "half", "stable") for name in ("gpu-1", "gpu-2")} == {2}


def test_until_then_it_says_how_long(world: World) -> None:
    live(world, half(1, 2, stable=1, canary=2))
    world.run(60)
    waiting = waits(world)[Bot.PROMOTION]
    assert waiting.reason == "Baking"
    assert waiting.until is not None
    assert 520 < waiting.until - world.clock.now() < 560


def test_a_promotion_names_the_commit_that_brought_the_canary(world: World) -> None:
    live(world, half(1, stable=1))
    live(world, half(1, 2, stable=1, canary=2))
    world.run_until(lambda: len(line(world)) == 3, limit=700)
    said = dict(world.repository.line[-1].commit.trailers)
    assert said == {"Promotion-Of": "c2", "Reconciler-Bot": "promotion"}


def test_a_restart_of_the_reconciler_does_not_begin_the_time_anew(world: World) -> None:
    live(world, half(1, 2, stable=1, canary=2))
    world.run(400)
    world.crash()
    world.start()
    took = world.run_until(lambda: len(line(world)) == 2, limit=700)
    assert took < 250


def test_an_unrelated_commit_does_not_begin_the_time_anew(world: World) -> None:
    live(world, half(1, 2, stable=1, canary=2))
    world.run(400)
    world.model_files("other", 1)
    world.commit(half(1, 2, stable=1, canary=2), model("other", 1, stable=1))
    took = world.run_until(lambda: len(line(world)) == 3, limit=700)
    assert took < 250


def test_a_server_that_was_away_begins_the_time_anew(world: World) -> None:
    live(world, half(1, 2, stable=1, canary=2))
    world.run(400)
    world.restart("gpu-2")
    took = world.run_until(lambda: len(line(world)) == 2, limit=900)
    assert took > 550


def test_another_canary_begins_the_time_anew(world: World) -> None:
    world.model_files("half", 3)
    live(world, half(1, 2, stable=1, canary=2))
    world.run(400)
    live(world, half(1, 3, stable=1, canary=3))
    took = world.run_until(lambda: len(line(world)) == 3, limit=900)
    assert took > 550
    assert labels(world) == {"stable": 3, "canary": 3}


def test_a_canary_that_failed_its_check_is_not_promoted(world: World) -> None:
    wrong(world, 2)
    live(world, half(1, stable=1))
    world.commit(half(1, 2, stable=1, canary=2))
    world.run(1500)
    assert line(world) == ["c1", "c2"]
    assert waits(world)[Bot.PROMOTION].reason == "NotConverged"


def test_what_a_person_took_off_stable_is_not_promoted_again(world: World) -> None:
    live(world, half(1, 2, stable=1, canary=2))
    world.run_until(lambda: len(line(world)) == 2, limit=700)
    world.run_until_converged()
    live(world, half(1, 2, stable=1, canary=2))
    world.run(1500)
    assert len(line(world)) == 3
    assert waits(world)[Bot.PROMOTION].reason == "HadBefore"


def test_a_promotion_never_lowers_a_version(world: World) -> None:
    live(world, half(1, 2, stable=2, canary=1))
    world.run(1500)
    assert waits(world)[Bot.PROMOTION].reason == "WouldLower"
    assert line(world) == ["c1"]


def test_a_promotion_by_branch_is_proposed_once(world: World) -> None:
    by_branch = Automation(promotion=Promotion(bake=60.0, via=Via.BRANCH))
    live(world, half(1, 2, how=by_branch, stable=1, canary=2))
    world.run(600)
    assert [*world.repository.branches] == ["reconciler/promotion/half-stable-2"]
    assert waits(world)[Bot.PROMOTION].reason == "Proposed"
    assert line(world) == ["c1"]


def test_without_consent_nothing_is_promoted() -> None:
    with World(seed=8) as world:
        world.server("gpu-1")
        world.model_files("half", 1, 2)
        live(world, half(1, 2, stable=1, canary=2))
        world.run(1500)
        assert line(world) == ["c1"]


# -- discovery --------------------------------------------------------------------------------------------------------


def test_a_new_version_in_storage_goes_to_the_canary(world: World) -> None:
    live(world, half(1, 2, how=DISCOVER, stable=1, canary=2))
    put(world, 3)
    world.run_until_converged()
    assert (labels(world), listed(world)) == ({"stable": 1, "canary": 3}, [1, 3])
    assert dict(world.repository.line[-1].commit.trailers) == {"Reconciler-Bot": "version"}
    assert world.answers("gpu-2", "half", "canary") == 3


def test_the_highest_of_several_is_taken_up_and_the_others_are_passed_over(world: World) -> None:
    live(world, half(1, how=DISCOVER, stable=1))
    put(world, 3, 5, 4)
    world.run(300)
    assert (labels(world), listed(world)) == ({"stable": 1, "canary": 5}, [1, 5])


def test_versions_without_a_label_stay_listed_as_far_as_asked(world: World) -> None:
    keeping = Automation(discover=Discover(keep=1))
    world.model_files("half", 3)
    live(world, half(1, 2, 3, how=keeping, stable=1))
    put(world, 4)
    assert listed(world) == [1, 3, 4]


def test_a_version_that_is_still_being_copied_is_waited_for(world: World) -> None:
    world.storage.change("/models/half", 2, lacks=("saved_model.pb",))
    live(world, half(1, how=DISCOVER, stable=1, canary=1))
    world.run(120)
    assert line(world) == ["c1"]
    assert waits(world)[Bot.VERSION].reason == "NothingNew"
    world.storage.change("/models/half", 2, lacks=())
    world.run(90)
    assert labels(world)["canary"] == 2


def test_only_versions_that_match_the_pattern_are_taken_up(world: World) -> None:
    by_pattern = Automation(discover=Discover("2026*"))
    live(world, half(1, how=by_pattern, stable=1))
    put(world, 20260101, 20270101)
    world.run(120)
    assert labels(world) == {"stable": 1, "canary": 20260101}


def test_a_blocked_version_is_passed_over(world: World) -> None:
    blocked = replace(DISCOVER, blocked=(4,))
    live(world, half(1, how=blocked, stable=1))
    put(world, 3, 4)
    world.run(120)
    assert labels(world) == {"stable": 1, "canary": 3}
    assert "4 is in blockedVersions" in waits(world)[Bot.VERSION].words


def test_a_lower_version_that_appears_later_is_not_taken_up(world: World) -> None:
    live(world, half(2, how=DISCOVER, stable=2))
    world.model_files("half", 1)
    world.run(300)
    assert line(world) == ["c1"]


def test_a_version_that_a_person_took_off_its_label_never_comes_back(world: World) -> None:
    live(world, half(1, how=DISCOVER, stable=1, canary=1))
    world.run_until(lambda: labels(world)["canary"] == 2, limit=60)
    world.run_until_converged()
    live(world, half(1, how=DISCOVER, stable=1, canary=1))
    world.run(600)
    assert line(world) == ["c1", "b1", "c2"]
    assert "2 was taken off its label after commit b1" in waits(world)[Bot.VERSION].words
    put(world, 3)
    assert labels(world)["canary"] == 3


def test_a_persons_revert_does_not_bring_an_older_version_that_was_passed_over(world: World) -> None:
    live(world, half(1, how=DISCOVER, stable=1, canary=1))
    put(world, 3, 4, 5)
    assert labels(world)["canary"] == 5
    live(world, half(1, how=DISCOVER, stable=1, canary=1))
    world.run(600)
    assert labels(world)["canary"] == 1


def test_in_a_freeze_nothing_new_is_committed_and_after_it_the_newest_is() -> None:
    with World(seed=8) as world:
        world.bots = True
        # Simulated clocks begin at 13:46:40; this window begins 200 s later.
        world.fleet = replace(world.fleet, windows=(Window("afternoon", WindowKind.DENY, "50 13 * * *", 1800.0),))
        world.server("gpu-1")
        world.model_files("half", 1)
        live(world, half(1, how=DISCOVER, stable=1, canary=1))
        world.run(210 - world.now)
        put(world, 2)
        world.run(600)
        assert (line(world), waits(world)[Bot.VERSION].reason) == (["c1"], "Closed")
        put(world, 3)
        world.run(1800)
        assert labels(world)["canary"] == 3


def test_a_version_that_fails_is_taken_back_once_and_never_proposed_again(world: World) -> None:
    wrong(world, 2)
    live(world, half(1, how=ALL, stable=1, canary=1))
    world.run(900)
    assert line(world) == ["c1", "b1", "b2"]
    assert (labels(world), listed(world)) == ({"stable": 1, "canary": 1}, [1])
    assert world.converged()


def test_while_storage_is_not_seen_nothing_is_taken_up(world: World) -> None:
    live(world, half(1, how=DISCOVER, stable=1, canary=1))
    world.run_until_converged()
    world.storage.unseen.add("/models/half")
    world.run(30)
    assert waits(world)[Bot.VERSION].reason in {"StorageUnseen", "NotConverged"}


def test_from_storage_to_stable_without_a_person(world: World) -> None:
    live(world, half(1, how=ALL, stable=1, canary=1))
    world.run_until(lambda: labels(world) == {"stable": 2, "canary": 2}, limit=900)
    world.run_until_converged()
    world.run(1500)
    assert line(world) == ["c1", "b1", "b2"]
    assert world.serves("gpu-1") == {"half": (2,)}
    assert world.answers("gpu-1", "half", "stable") == 2
