"""`plan --from BASE --to HEAD --merge -o markdown`: what CI puts beside a pull request."""

from pathlib import Path

import pytest
from cli_world import MODEL, World


def forked(folder: Path, labels: str = "{stable: 1, canary: 2}", versions: str = "[1, 2]") -> World:
    """A branch that gives half a canary, made before main got a second model."""
    world = World(folder)
    world.write("[1]", "{stable: 1}")
    world.commit("half 1 is stable")
    world.git("checkout", "--quiet", "-b", "feature")
    world.write(versions, labels)
    world.commit("half 2 is the canary")
    world.git("checkout", "--quiet", "main")
    document = MODEL.format(versions="[3]", labels="{stable: 3}", policy="availability")
    (world.repo / "other.yaml").write_text(document.replace("half", "other"))
    world.commit("other comes")
    return world


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return forked(tmp_path_factory.mktemp("review"))


MERGED = ("plan", "--from", "main", "--to", "feature", "--merge")


def test_merging_shows_what_the_branch_brings_and_nothing_that_main_got_since(world: World) -> None:
    shown = world.call(*MERGED, "-o", "markdown")
    assert shown.code == 0
    assert "### Plan: <code>half</code> changes on 1 server" in shown.out
    assert "other" not in shown.out.replace("other comes", "")


def test_without_merging_a_branch_that_lacks_commits_says_what_the_plan_takes_back(world: World) -> None:
    shown = world.call("plan", "--from", "main", "--to", "feature", "-o", "markdown")
    assert "<code>half</code>, <code>other</code> change" in shown.out
    assert "lacks a commit of" in shown.out
    assert "add --merge to see what it gives" in shown.err


def test_a_plan_back_to_an_older_commit_says_that_it_goes_back(world: World) -> None:
    assert "this plan goes back 1 commit." in world.call("plan", "--from", "main", "--to", "main~1").err


def test_a_merged_plan_names_the_commit_of_the_branch_and_both_ends(world: World) -> None:
    shown = world.call(*MERGED, "-o", "markdown").out
    head, base = (world.git("rev-parse", "--short=10", name).strip() for name in ("feature", "main"))
    assert f'Commit {head} "half 2 is the canary" by Ada Lovelace' in shown
    assert f'> Planned is what merging {head} "half 2 is the canary" into {base} "other comes" gives' in shown


def test_ci_with_a_detached_head_plans_what_is_checked_out(tmp_path: Path) -> None:
    world = forked(tmp_path)
    world.git("checkout", "--quiet", "--detach", "feature")
    assert (
        "changes on 1 server" in world.call("plan", "--from", "main", "--to", "HEAD", "--merge", "-o", "markdown").out
    )


def test_a_detached_head_without_to_says_to_give_it(tmp_path: Path) -> None:
    world = forked(tmp_path)
    world.git("checkout", "--quiet", "--detach", "feature")
    world.git("branch", "--quiet", "--move", "main", "trunk")
    shown = world.call("plan", "--from", "trunk", "--merge")
    assert (shown.code, "give --to HEAD" in shown.err) == (1, True)


def test_the_merge_commit_of_the_host_needs_no_merging_here(tmp_path: Path) -> None:
    world = forked(tmp_path)
    world.git("checkout", "--quiet", "--detach", "main")
    world.git("merge", "--quiet", "--no-ff", "--message", "Merge feature into main", "feature")
    shown = world.call("plan", "--from", "HEAD^1", "--to", "HEAD", "-o", "markdown").out
    assert "### Plan: <code>half</code> changes on 1 server" in shown
    assert "\n> " not in shown


def test_a_conflict_is_a_comment_with_the_files_and_exit_code_3(tmp_path: Path) -> None:
    world = forked(tmp_path)
    world.write("[1, 3]", "{stable: 3}")
    world.commit("half 3 on main")
    shown = world.call(*MERGED, "-o", "markdown")
    assert shown.code == 3
    assert shown.out.splitlines()[1] == "### No plan: merge conflict"
    assert "- <code>half.yaml</code>" in shown.out
    assert "Merge or rebase the branch" in shown.err


def test_an_invalid_branch_is_a_comment_with_file_and_line_and_exit_code_1(tmp_path: Path) -> None:
    world = forked(tmp_path, versions="[1, 0]")
    shown = world.call(*MERGED, "-o", "markdown", "--detailed-exitcode")
    assert shown.code == 1
    assert "### Not valid: 1 problem" in shown.out
    assert "- <code>half.yaml:7:28</code>" in shown.out
    assert "half.yaml:7:28" in shown.err


def test_an_unknown_revision_is_a_comment_too_so_that_no_old_plan_stays(world: World) -> None:
    shown = world.call("plan", "--from", "nowhere", "--to", "feature", "-o", "markdown")
    assert shown.code == 1
    assert shown.out.splitlines()[1] == "### No plan: it could not be made"


def test_every_comment_of_one_folder_has_the_same_marker(world: World) -> None:
    texts = [world.call(*MERGED, "-o", "markdown").out, world.call("plan", "--from", "no", "-o", "markdown").out]
    assert len({text.splitlines()[0] for text in texts}) == 1


def test_another_fleet_has_another_marker(world: World) -> None:
    texts = [world.call(*MERGED, "-o", "markdown", *more).out for more in ((), ("--fleet", "eu"))]
    assert len({text.splitlines()[0] for text in texts}) == 2


def test_a_fleet_that_there_is_not_is_a_usage_error_without_a_comment(world: World) -> None:
    shown = world.call(*MERGED, "-o", "markdown", "--fleet", "us")
    assert (shown.code, shown.out, "Give one of: eu." in shown.err) == (2, "", True)


def test_merging_without_a_branch_to_merge_into_is_a_usage_error(world: World) -> None:
    assert world.call("plan", "--merge").code == 2


def test_a_base_that_is_not_valid_itself_gives_way_to_the_last_valid_commit(tmp_path: Path) -> None:
    world = forked(tmp_path)
    valid = world.git("rev-parse", "--short=10", "main").strip()
    world.write("[0]", "{stable: 0}")
    world.commit("main is broken")
    world.write("[1, 2]", "{stable: 2}")
    world.commit("and mended")
    shown = world.call("plan", "--from", "HEAD~1", "--to", "HEAD", "-o", "markdown")
    assert shown.code == 0
    assert f"this plan starts from the last valid commit before it, {valid}" in shown.out
    assert "stable 1 → 2" in shown.out


def test_a_folder_that_the_branch_adds_is_planned_from_nothing(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.write("[1]", "{stable: 1}")
    world.commit("documents at the top")
    (world.repo / "live").mkdir()
    for name in ("fleet.yaml", "half.yaml"):
        (world.repo / name).rename(world.repo / "live" / name)
    world.commit("documents in a folder")
    shown = world.call("plan", "--from", "HEAD~1", "--path", "live", "-o", "markdown")
    assert (shown.code, "has no folder live: all is new" in shown.out) == (0, True)


def test_a_consent_in_the_branchs_message_is_said_not_to_count_by_itself(tmp_path: Path) -> None:
    world = forked(tmp_path)
    world.git("checkout", "--quiet", "feature")
    world.git("commit", "--quiet", "--allow-empty", "--message", "Confirm\n\nBlast-Radius: confirmed")
    shown = world.call(*MERGED, "-o", "markdown").out
    assert "says <code>Blast-Radius: confirmed</code>. That counts only if the message" in shown


def test_without_servers_and_storage_it_is_said_what_is_not_known(world: World) -> None:
    shown = world.call(*MERGED, "-o", "markdown").out
    assert "The servers were not asked" in shown
    assert "Storage was not looked at. Whether the files of half 2 are there" in shown


def test_storage_shows_that_files_are_not_there_without_asking_servers(world: World) -> None:
    shown = world.call(*MERGED, "--storage", "-o", "markdown").out
    assert "<code>ArtifactMissing</code>" in shown
    assert "Storage was not looked at" not in shown


def test_live_takes_the_servers_as_they_are_and_still_says_what_changes(world: World) -> None:
    shown = world.call(*MERGED, "--live", "-o", "markdown").out
    assert "planned against the servers as observed now" in shown
    assert "<code>Unreachable</code>" in shown
    assert "canary 2 (new)" in shown


def test_a_suspended_fleet_shows_the_hold_and_the_road_beyond_it(tmp_path: Path) -> None:
    world = forked(tmp_path)
    fleet = (world.repo / "fleet.yaml").read_text()
    (world.repo / "fleet.yaml").write_text(f"{fleet}  suspend: {{reason: moving racks, by: bo}}\n")
    world.commit("suspended")
    shown = world.call(*MERGED, "-o", "markdown").out
    assert "<code>Suspended</code>" in shown
    assert "load 2" in shown


def test_a_suspension_whose_time_is_over_holds_nothing(tmp_path: Path) -> None:
    world = forked(tmp_path)
    fleet = (world.repo / "fleet.yaml").read_text()
    suspend = 'suspend: {reason: moving racks, by: bo, until: "2020-01-01T00:00:00Z"}'
    (world.repo / "fleet.yaml").write_text(f"{fleet}  {suspend}\n")
    world.commit("was suspended")
    assert "Suspended" not in world.call(*MERGED, "-o", "markdown").out


def test_a_freeze_shows_the_hold_and_the_road_beyond_it(tmp_path: Path) -> None:
    world = forked(tmp_path)
    fleet = (world.repo / "fleet.yaml").read_text()
    (world.repo / "fleet.yaml").write_text(
        f'{fleet}  windows: [{{name: leap-day, kind: allow, schedule: "0 0 29 2 *", duration: 1m}}]\n'
    )
    world.commit("frozen")
    shown = world.call(*MERGED, "-o", "markdown").out
    assert "<code>Frozen</code>" in shown
    assert "load 2" in shown


def test_warnings_that_the_base_has_as_well_are_only_counted(tmp_path: Path) -> None:
    world = forked(tmp_path)
    world.git("checkout", "--quiet", "feature")
    (world.repo / "half.yaml").write_text("# moved by a line\n" + (world.repo / "half.yaml").read_text())
    world.commit("a comment")
    shown = world.call("plan", "--from", "HEAD~1", "-o", "markdown", "--to", "HEAD").out
    assert "- 1 warning of `validate` that the base has as well" in shown
    assert "half.yaml:9:3" not in shown
    assert "### Plan: nothing changes" in shown


def test_equal_inputs_give_equal_comments_to_the_byte(world: World) -> None:
    assert world.call(*MERGED, "-o", "markdown") == world.call(*MERGED, "-o", "markdown")


def test_nothing_is_left_behind_in_the_clone(world: World) -> None:
    before = world.git("count-objects", "-v")
    world.call(*MERGED, "-o", "markdown")
    assert world.git("count-objects", "-v") == before
    assert world.git("fsck", "--lost-found") == ""
