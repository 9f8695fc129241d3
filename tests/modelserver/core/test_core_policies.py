"""The two policies as tables, and what a server does that follows the one or the other."""

from __future__ import annotations

from dataclasses import replace

import pytest
from core_world import CORRUPT, QUICK, World, model, serving

from reconciler.modelserver.core import TRANSITIONS, AspiredVersionPolicy, Flags, Stage
from reconciler.modelserver.core.lifecycle import Event, Held
from reconciler.modelserver.core.policies import Choice, availability_preserving, resource_preserving
from reconciler.modelserver.core.values import LoadKey

RESOURCE = replace(QUICK, aspired_version_policy=AspiredVersionPolicy.RESOURCE_PRESERVING)
NEW, LOADING, READY, QUIESCING, ERROR, DISABLED = (
    Stage.NEW,
    Stage.LOADING,
    Stage.READY,
    Stage.QUIESCING,
    Stage.ERROR,
    Stage.DISABLED,
)
Versions = dict[int, tuple[Stage, bool]]


def road_to(stage: Stage) -> tuple[Event, ...]:
    """Events that bring a new version there."""
    roads: dict[Stage, tuple[Event, ...]] = {NEW: ()}
    while stage not in roads:
        for (a, event), b in TRANSITIONS.items():
            if a in roads:
                roads.setdefault(b, (*roads[a], event))
    return roads[stage]


def chosen(policy: Choice, versions: Versions) -> int | None:
    held = {}
    for number, (stage, wanted) in versions.items():
        each = held[number] = Held(LoadKey("m", number, f"/m/{number}", number))
        for event in road_to(stage):
            each.on(event)
        each.wanted = wanted
    action = policy(held)
    return action.key.version if action else None


@pytest.mark.parametrize(
    ("versions", "expected"),
    [
        pytest.param({}, None, id="nothing held: nothing"),
        pytest.param({1: (NEW, True), 2: (NEW, True)}, 2, id="the highest new one loads first"),
        pytest.param({1: (READY, False), 2: (NEW, True)}, 2, id="a lone old one stays until its successor is up"),
        pytest.param({1: (READY, False), 2: (LOADING, True)}, None, id="and while it loads"),
        pytest.param({1: (READY, False), 2: (ERROR, True)}, None, id="and when it failed: the wedge"),
        pytest.param({1: (READY, False), 2: (READY, True)}, 1, id="then it goes"),
        pytest.param(
            {1: (READY, False), 2: (READY, False), 3: (NEW, True)}, 1, id="of two old ones the lower goes first"
        ),
        pytest.param({1: (READY, False), 2: (READY, False)}, 1, id="nothing wanted: all go, lowest first"),
        pytest.param({1: (READY, False), 2: (READY, True), 3: (NEW, True)}, 1, id="unloading comes before loading"),
        pytest.param({1: (NEW, False)}, None, id="an unwanted new one is nothing to do"),
        pytest.param({1: (QUIESCING, False), 2: (NEW, True)}, 2, id="one that leaves is in nobody's way"),
    ],
)
def test_the_availability_preserving_policy_chooses(versions: Versions, expected: int | None) -> None:
    """Behaviour 5.2, ``availability_preserving_policy.cc``."""
    assert chosen(availability_preserving, versions) == expected


@pytest.mark.parametrize(
    ("versions", "expected"),
    [
        pytest.param({}, None, id="nothing held: nothing"),
        pytest.param({1: (NEW, True), 2: (NEW, True)}, 2, id="the highest new one loads first"),
        pytest.param({1: (READY, False), 2: (NEW, True)}, 1, id="the old one goes before the new one comes"),
        pytest.param({2: (READY, False), 1: (READY, False)}, 2, id="of two old ones the first held goes first"),
        pytest.param({1: (QUIESCING, False), 2: (NEW, True)}, None, id="one that leaves is waited for"),
        pytest.param({1: (LOADING, False), 2: (NEW, True)}, None, id="and one that still loads unwanted"),
        pytest.param({1: (NEW, False), 2: (NEW, True)}, None, id="and one that never was chosen"),
        pytest.param({1: (DISABLED, False), 2: (NEW, True)}, 2, id="one that is gone is not"),
        pytest.param({1: (ERROR, False), 2: (NEW, True)}, 2, id="nor one that failed"),
        pytest.param({1: (READY, True), 2: (NEW, True)}, 2, id="wanted versions stand beside each other"),
    ],
)
def test_the_resource_preserving_policy_chooses(versions: Versions, expected: int | None) -> None:
    """``resource_preserving_policy.cc``."""
    assert chosen(resource_preserving, versions) == expected


def switched(flags: Flags) -> World:
    """A server that served version 1 and was told to serve 2."""
    world = serving(model("m", 1), on_disk={"m": (1, 2)}, flags=flags)
    world.send(model("m", 2))
    world.run_for(3.0)
    return world


@pytest.mark.parametrize(
    ("flags", "story"),
    [
        (QUICK, [(2, "AVAILABLE"), (1, "END")]),
        (RESOURCE, [(1, "END"), (2, "AVAILABLE")]),
    ],
)
def test_a_switch_goes_the_policy_s_way(flags: Flags, story: list[tuple[int, str]]) -> None:
    """C43 and its opposite."""
    ends = [each for each in switched(flags).story("m") if each[1] in {"AVAILABLE", "END"}]
    assert ends == [(1, "AVAILABLE"), *story]


def test_with_the_resource_policy_a_failed_successor_leaves_nothing_serving_and_no_wedge() -> None:
    """C45 and C46 the other way round: there is no old version that could be in the way of going back."""
    world = serving(model("m", 1), on_disk={"m": (1, 2)}, flags=RESOURCE)
    world.loads("m", 2, status=CORRUPT)
    world.send(model("m", 2))
    world.run_for(3.0)
    assert world.states("m") == {2: "END", 1: "END"}
    world.send(model("m", 1))
    world.run_for(3.0)
    assert world.states("m") == {2: "END", 1: "AVAILABLE"}
