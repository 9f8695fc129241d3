"""Checks on the command line: validated with their files, and shown in a plan that asks no server."""

import json
from pathlib import Path

import pytest
from cli_world import World

CHECKS = "  checks: [{name: golden, kind: request, request: checks/f.json, expect: checks/e.json}]\n"


@pytest.fixture
def world(tmp_path: Path) -> World:
    world = World(tmp_path)
    world.write("[1]", "{stable: 1}")
    checked(world)
    world.commit("1 is stable")
    return world


def checked(world: World) -> None:
    """The model has a check, and its files lie there."""
    (world.repo / "checks").mkdir(exist_ok=True)
    (world.repo / "checks" / "f.json").write_text('{"instances": [1]}')
    (world.repo / "checks" / "e.json").write_text('{"predictions": [1]}')
    with (world.repo / "half.yaml").open("a") as file:
        file.write(CHECKS)


def test_validate_reads_the_files_of_checks_beside_the_documents(world: World) -> None:
    assert world.call("validate", str(world.repo)).code == 0
    (world.repo / "checks" / "e.json").unlink()
    found = world.call("validate", str(world.repo))
    assert found.code == 1
    assert "half.yaml:10:74 check-file-missing" in found.out


def test_validate_of_a_commit_does_not_see_what_only_lies_in_the_folder(world: World) -> None:
    (world.repo / "checks" / "e.json").write_text("no JSON")
    assert world.call("validate").code == 0


def test_a_link_is_no_file_of_a_check(world: World) -> None:
    (world.repo / "checks" / "e.json").rename(world.repo / "elsewhere.txt")
    (world.repo / "checks" / "e.json").symlink_to(world.repo / "elsewhere.txt")
    assert "check-file-missing" in world.call("validate", str(world.repo)).out


def test_an_offline_plan_shows_when_a_version_is_checked(world: World) -> None:
    world.write("[2]", "{stable: 2}")
    checked(world)
    world.commit("2 is stable")
    shown = world.call("plan", "--from", "HEAD~1", "--to", "HEAD")
    assert "Pass 2: ask what is loaded, without a reload" in shown.out
    assert "? half  check 2  golden   before stable goes to it" in shown.out
    plan = json.loads(world.call("plan", "--from", "HEAD~1", "--to", "HEAD", "-o", "json").out)
    assert [body["kind"] for body in plan["servers"][0]["passes"]] == ["change", "check", "change", "change"]
