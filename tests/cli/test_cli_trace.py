import json
from pathlib import Path

import pytest
from cli_past import AT, SERVER, Service, two_commits_applied
from cli_world import World

from reconciler.state.outcome import Condition, ConditionStatus, ConditionType, Sync
from reconciler.state.plan import Action, ActionKind

MISSING = Condition(ConditionType.READY, ConditionStatus.FALSE, "ArtifactMissing", "version 3 is not in storage", AT)


@pytest.fixture
def world(tmp_path: Path) -> World:
    """Two commits, both applied; the service has ended since."""
    return two_commits_applied(World(tmp_path))


def test_trace_leads_from_a_label_to_the_line_and_the_commit_that_wrote_it(world: World) -> None:
    second = world.git("rev-parse", "--short=10", "HEAD").strip()
    assert world.call("trace", "gpu-1", "half", "stable").out == (
        f"half on eu/gpu-1, held to commit {second}\n"
        "\n"
        "stable\n"
        "    server   answers with 2, read back 2026-11-20 18:41:50 UTC\n"
        f"    git      stable: 2 at half.yaml:8:20 in {second}\n"
        f"    commit   {second} half 2 is stable\n"
        "    by       Ada Lovelace <ada@example.org>, 2026-11-20 18:40:00 UTC\n"
        "    asked    stable 1 → 2, adds version 2\n"
        "    applied  since 2026-11-20 18:41:43 UTC, d5, ledger line 6\n"
    )


def test_blame_is_of_the_value_and_not_of_the_file(world: World) -> None:
    author = world.git("rev-parse", "HEAD").strip()
    world.write("[1, 2, 3]", "{stable: 2, canary: 3}", "resource")
    head = world.commit("something else in the same document")
    service = Service(world)
    service.follow()
    service.stands(head, stable=2)
    found = json.loads(world.call("trace", SERVER, "half", "stable", "-o", "json").out)
    assert (found["commit"], found["values"][0]["commit"]) == (head, author)
    assert found["values"][0]["place"] == "half.yaml:8:20"


def test_a_label_that_went_back_is_blamed_on_who_set_it_back(world: World) -> None:
    world.git("revert", "--no-edit", "HEAD")
    head = world.git("rev-parse", "HEAD").strip()
    service = Service(world)
    service.follow()
    service.stands(head, stable=1)
    (value,) = json.loads(world.call("trace", SERVER, "half", "stable", "-o", "json").out)["values"]
    assert (value["commit"], value["version"]) == (head, "1")


def test_without_a_label_all_labels_and_unlabelled_versions_are_traced(world: World) -> None:
    out = world.call("trace", "gpu-1", "half").out
    assert "\nstable\n" in out
    assert "\nversion 1\n    git      1 at half.yaml:7:25 in" in out


def test_a_server_that_is_not_as_git_says_is_said_to_be_so_first(world: World) -> None:
    world.write("[1, 3]", "{stable: 3}")
    head = world.commit("half 3 is stable")
    service = Service(world)
    service.follow()
    service.stands(head, Sync.OUT_OF_SYNC, MISSING, stable=2)
    lines = world.call("trace", "gpu-1", "half", "stable").out.splitlines()
    assert lines[1:3] == [
        "    not (yet) as git says: ArtifactMissing, version 3 is not in storage",
        "    why: `reconciler explain eu/gpu-1/half`",
    ]
    assert "    server   answers with 2, read back 2026-11-20 18:41:50 UTC: NOT what git says" in lines
    assert "    applied  not there now, as said above; `reconciler history` has what came of the commit" in lines


def test_a_newer_commit_that_is_not_in_force_is_mentioned(world: World) -> None:
    (world.repo / "half.yaml").write_text("kind: [")
    head = world.commit("break it")
    Service(world).follow()
    shown = world.call("trace", "gpu-1", "half", "stable").out
    assert f"git: the branch's newest commit {head[:10]} is not in force here yet" in shown
    assert "stable: 2 at half.yaml:8:20" in shown


def test_what_was_put_right_since_is_told_with_when_it_came(world: World) -> None:
    head = world.git("rev-parse", "HEAD").strip()
    service = Service(world)
    service.apply(head, Action(ActionKind.LABEL, "half", 2, "stable"), AT + 500, head)
    applied = world.call("trace", "gpu-1", "half", "stable").out.splitlines()[-1]
    assert applied == (
        "    applied  since 2026-11-20 18:41:43 UTC, d5, ledger line 6; put right 2026-11-20 18:48:23 UTC, line 8"
    )


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("gpu-1", "hafl"), "has no Model hafl"),
        (("gpu-7", "half"), "places half on eu/gpu-1, not on gpu-7"),
        (("gpu-1", "half", "canary"), "half has no label canary"),
    ],
)
def test_what_git_does_not_ask_for_cannot_be_traced(world: World, arguments: tuple[str, ...], said: str) -> None:
    shown = world.call("trace", *arguments)
    assert shown.code == 2
    assert said in shown.err


def test_trace_answers_while_the_repository_is_gone(world: World) -> None:
    world.repo.rename(world.folder / "elsewhere")
    assert world.call("trace", "gpu-1", "half", "stable").code == 0


def test_a_server_that_was_never_recorded_is_not_said_to_be_as_git_says(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.write("[1]", "{stable: 1}")
    world.commit("half 1 is stable")
    assert "the record knows nothing of it there" in world.call("trace", "gpu-1", "half").out
