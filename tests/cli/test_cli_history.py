import json
import subprocess
from pathlib import Path

import pytest
from cli_past import AT, SERVER, Service, two_commits_applied
from cli_world import World

from reconciler.adapters.git_line import GitLine
from reconciler.state.plan import Action, ActionKind


@pytest.fixture
def world(tmp_path: Path) -> World:
    """Two commits, both applied; the service has ended since."""
    return two_commits_applied(World(tmp_path))


def test_history_of_a_model_says_what_was_asked_and_what_came_of_it(world: World) -> None:
    second, first = world.git("log", "--format=%h", "--abbrev=10").split()
    assert world.call("history", "half").out == (
        f"{second}  half 2 is stable\n"
        "    by       Ada Lovelace <ada@example.org>, 2026-11-20 18:40:00 UTC\n"
        "    asked    stable 1 → 2, adds version 2\n"
        "    applied  d5, 2026-11-20 18:41:40 UTC, took 3.0 s\n"
        "    outcome  done on 1 of 1 server\n"
        "\n"
        f"{first}  half 1 is stable\n"
        "    by       Ada Lovelace <ada@example.org>, 2026-11-20 18:40:00 UTC\n"
        "    asked    adds the model: versions 1; stable 1\n"
        "    applied  d1, 2026-11-20 18:40:00 UTC, took 8.0 s\n"
        "    outcome  done on 1 of 1 server\n"
    )


def test_history_answers_while_the_repository_is_gone(world: World) -> None:
    world.repo.rename(world.folder / "elsewhere")
    shown = world.call("history", "half")
    assert shown.code == 0
    assert "stable 1 → 2" in shown.out


def test_history_of_everything_names_the_model_and_what_else_changed(world: World) -> None:
    out = world.call("history").out
    assert "    asked    half: stable 1 → 2, adds version 2\n" in out
    assert "    also     adds the Fleet eu\n" in out


def test_history_of_a_server_has_only_what_concerns_it(world: World) -> None:
    assert "d5" in world.call("history", "--server", "gpu-1").out
    nothing = world.call("history", "--server", "gpu-9")
    assert (nothing.code, nothing.out) == (1, "")
    assert "No commit concerns gpu-9" in nothing.err


def test_history_as_json_has_ids_that_scripts_can_use(world: World) -> None:
    head = world.git("rev-parse", "HEAD").strip()
    row = json.loads(world.call("history", "half", "-o", "json").out)["rows"][0]
    assert (row["deployment"], row["commit"]["id"], row["seconds"]) == ("d5", head, 3.0)
    assert row["servers"] == [
        {
            "server": SERVER,
            "outcome": "Done",
            "startedAt": "2026-11-20T18:41:40.000Z",
            "finishedAt": "2026-11-20T18:41:43.000Z",
            "because": None,
            "ledger": [5, 6],
            "putRight": 0,
            "pinned": 0,
            "sentUnder": None,
        }
    ]


def test_history_as_markdown_is_a_table(world: World) -> None:
    lines = world.call("history", "half", "-o", "markdown").out.splitlines()
    assert lines[0].startswith("| deployment | commit | asked |")
    assert lines[2].startswith("| d5 | `")


def test_history_shows_as_many_commits_as_asked_for(world: World) -> None:
    assert world.call("history", "half", "-n", "1").out.count("    asked") == 1


@pytest.mark.parametrize(("since", "rows"), [("2026-11-20T18:41:00Z", 1), ("2026-11-19", 2), ("2030-01-01", 0)])
def test_history_since_a_time_has_what_was_committed_or_applied_later(world: World, since: str, rows: int) -> None:
    assert world.call("history", "half", "--since", since).out.count("    asked") == rows


def test_history_since_no_time_says_what_a_time_is(world: World) -> None:
    shown = world.call("history", "half", "--since", "yesterday")
    assert shown.code == 2
    assert "2026-11-20, 7d" not in shown.err
    assert "12h, 7d" in shown.err


def test_history_of_an_unknown_model_says_where_to_look(world: World) -> None:
    shown = world.call("history", "hafl")
    assert shown.code == 1
    assert "No commit on the followed branch's first-parent line ever asked for a Model hafl" in shown.err


def test_history_without_a_record_tells_what_was_asked(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.write("[1]", "{stable: 1}")
    world.commit("half 1 is stable")
    shown = world.call("history", "half")
    assert "asked    adds the model: versions 1; stable 1\n    outcome  from before this record\n" in shown.out
    assert "There is no record" in shown.err


def test_history_without_mirror_or_folder_says_how_one_comes_to_be(tmp_path: Path) -> None:
    shown = World(tmp_path).call("history", RECONCILER_REPO="https://git.example.org/x.git")
    assert shown.code == 3
    assert "no mirror" in shown.err


def test_history_follows_the_branch_of_the_mirror(world: World) -> None:
    world.git("checkout", "--quiet", "-b", "other")
    world.write("[9]", "{stable: 9}")
    world.commit("somewhere else")
    assert "somewhere else" not in world.call("history", "half").out


def test_texts_of_hostile_commits_are_shown_harmlessly(world: World) -> None:
    hostile = "Half \x1b[2J\x1b]0;owned\x07 <script>alert(1)</script> | @team \u202egpj.exe"
    (world.repo / "half.yaml").unlink()
    world.commit(hostile)
    Service(world).follow()
    text, markdown = (world.call("history", "half", "-o", form).out for form in ("table", "markdown"))
    assert not {"\x1b", "\x07", "\u202e"} & set(text + markdown)
    assert "\N{REPLACEMENT CHARACTER}[2J" in text
    assert "<script>" not in markdown
    assert "&lt;script&gt;" in markdown
    assert " \\| @\u200bteam" in markdown


def test_a_clock_that_was_wrong_does_not_change_the_order(world: World) -> None:
    world.write("[1, 2, 3]", "{stable: 3}")
    world.git("add", "--all")
    early = [
        "git",
        "-C",
        str(world.repo),
        "-c",
        "user.name=Bob",
        "-c",
        "user.email=b@example.org",
        "commit",
        "-qm",
        "x",
    ]
    subprocess.run(
        [*early, "--date=1980-01-01T00:00:00Z"], check=True, env={"GIT_COMMITTER_DATE": "1980-01-01T00:00:00Z"}
    )
    Service(world).follow()
    rows = json.loads(world.call("history", "half", "-o", "json").out)["rows"]
    assert [row["commit"]["subject"] for row in rows] == ["x", "half 2 is stable", "half 1 is stable"]


def test_a_revert_by_hand_is_told_on_both_sides(world: World) -> None:
    world.git("revert", "--no-edit", "HEAD")
    head = world.git("rev-parse", "HEAD").strip()
    service = Service(world)
    service.follow()
    service.apply(head, Action(ActionKind.LABEL, "half", 1, "stable", 2), AT + 200)
    service.stands(head)
    service.ledger.close()
    second, first = world.git("log", "--format=%h", "--abbrev=10", "--skip=1").split()
    out = world.call("history", "half").out
    assert f"asked    goes back to {first}: stable 2 → 1, drops version 2\n" in out
    assert f"then     rolled back by {head[:10]}\n" in out.partition(second)[2].partition(first)[0]


def test_a_commit_that_cannot_be_in_force_says_what_is_wrong(world: World) -> None:
    (world.repo / "half.yaml").write_text("kind: [")
    world.commit("break it")
    Service(world).follow()
    assert "asked    nothing that can be followed\n    outcome  invalid, never in force: half.yaml:2:1 not-yaml" in (
        world.call("history", "half").out
    )


def test_a_shallow_repository_says_how_things_stood(world: World) -> None:
    subprocess.run(
        ["git", "clone", "-q", "--bare", "--depth=1", f"file://{world.repo}", world.folder / "shallow"], check=True
    )
    shallow = world.call(
        "history", "half", "--repo", str(world.folder / "shallow"), "--state", str(world.folder / "new")
    )
    assert "asked    as of the oldest commit that is here: versions 1, 2; stable 2\n" in shallow.out


def test_history_starts_no_connection_and_writes_nothing(world: World) -> None:
    before = {path: path.stat().st_mtime_ns for path in world.state.rglob("*") if "-shm" not in path.name}
    world.call("history", "half")
    after = {path: path.stat().st_mtime_ns for path in world.state.rglob("*") if "-shm" not in path.name}
    assert {path for path in before if before[path] != after.get(path)} == set()


def test_the_head_of_a_mirror_without_commits_is_none(tmp_path: Path) -> None:
    World(tmp_path).repo.mkdir()
    World(tmp_path).git("init", "--quiet")
    assert GitLine(World(tmp_path).repo).head() is None
