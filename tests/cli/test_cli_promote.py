"""`reconciler promote` as people call it, against real repositories; no server answers here."""

import json
from pathlib import Path

import pytest
from cli_world import World


@pytest.fixture
def world(tmp_path: Path) -> World:
    """Version 2 is canary; the branch can be pushed to."""
    made = World(tmp_path)
    made.write("[1]", "{stable: 1}")
    made.commit("half 1 is stable")
    made.write("[1, 2]", "{stable: 1, canary: 2}  # two by two")
    made.commit("half 2 is canary")
    made.git("checkout", "--quiet", "--detach")
    return made


def file_at(world: World, revision: str) -> str:
    return world.git("show", f"{revision}:half.yaml")


def test_without_a_destination_nothing_is_written_and_the_plan_is_shown(world: World) -> None:
    before = world.git("rev-parse", "main")
    shown = world.call("promote", "half", "--drop-old", "--offline")
    assert (shown.code, world.git("rev-parse", "main")) == (0, before)
    assert "-  versions: {specific: [1, 2]}\n" in shown.out
    assert "+  labels: {stable: 2, canary: 2}  # two by two\n" in shown.out
    assert "stable  1 → 2" in shown.out
    assert "Nothing was written" in shown.err


def test_a_pushed_promotion_edits_in_place_and_says_what_it_is(world: World) -> None:
    canary = world.git("rev-parse", "main").strip()
    shown = world.call("promote", "half", "--offline", "--push", "--reason", "ten good days")
    assert shown.code == 0
    assert file_at(world, "main") == file_at(world, "main~1").replace("stable: 1", "stable: 2")
    assert world.git("log", "-1", "--format=%B", "main").strip() == (
        f"Promote half: stable → 2\n\nten good days\n\nPromotion-Of: {canary}"
    )


def test_a_promotion_on_a_branch_leaves_the_followed_one(world: World) -> None:
    before = world.git("rev-parse", "main")
    assert world.call("promote", "half", "--offline", "--branch", "promote-half").code == 0
    assert world.git("rev-parse", "main", "promote-half~1").split() == [before.strip(), before.strip()]


def test_the_printed_patch_is_taken_by_git_am(world: World) -> None:
    patch = world.call("promote", "half", "--offline", "--print", "--drop-old").out
    (world.folder / "x.patch").write_text(patch)
    world.git("checkout", "--quiet", "main")
    world.git("am", "--quiet", str(world.folder / "x.patch"))
    assert "specific: [2]" in file_at(world, "HEAD")


def test_as_json_it_has_the_edit_the_patch_and_the_plan(world: World) -> None:
    told = json.loads(world.call("promote", "half", "--offline", "--drop-old", "-o", "json").out)
    assert (told["kind"], told["model"], told["commit"], told["labels"], told["versions"]) == (
        "Promotion",
        "half",
        None,
        {"stable": 2},
        [2],
    )
    assert told["plan"]["servers"]


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("nope",), "No server has a Model nope. To do: give one of: half."),
        (("half", "--from", "next"), "half has no label next; its labels: canary, stable"),
        (("half", "--from", "stable"), "from stable to itself"),
        (("half", "--from", "stable", "--to", "canary", "--push", "--print"), "Give one of --push"),
    ],
)
def test_what_cannot_be_promoted_is_refused_with_the_reason(world: World, arguments: tuple[str, ...], why: str) -> None:
    shown = world.call("promote", *arguments, "--offline")
    assert (shown.code > 0, shown.out) == (True, "")
    assert why in " ".join(shown.err.split())


def test_a_promotion_downwards_is_warned_of(world: World) -> None:
    shown = world.call("promote", "half", "--from", "stable", "--to", "canary", "--offline")
    assert shown.code == 0
    assert "warning: canary goes from version 2 down to 1" in shown.err


def test_a_second_promotion_has_nothing_to_do(world: World) -> None:
    assert world.call("promote", "half", "--offline", "--push").code == 0
    again = world.call("promote", "half", "--offline", "--push")
    assert (again.code, "stable is on version 2 already" in again.err) == (1, True)


def test_without_offline_the_servers_are_asked_and_one_that_is_away_is_said(world: World) -> None:
    shown = world.call("promote", "half")
    assert shown.code == 0
    assert "Unreachable" in shown.out
