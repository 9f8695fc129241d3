"""`reconciler rollback` as people call it, against real repositories; no server answers here."""

import json
import subprocess
from pathlib import Path

import pytest
from cli_world import MODEL, World, promoted

from reconciler.adapters.git import GitMirror, GitRemote
from reconciler.adapters.lock import StateDirectory


@pytest.fixture
def world(tmp_path: Path) -> World:
    made = promoted(tmp_path)
    made.git("checkout", "--quiet", "--detach")  # so that the branch can be pushed to
    return made


def file_at(world: World, revision: str, path: str = "half.yaml") -> str:
    return world.git("show", f"{revision}:{path}")


def test_without_a_destination_nothing_is_written(world: World) -> None:
    before = world.git("rev-parse", "main")
    shown = world.call("rollback", "half", "--offline")
    assert (shown.code, world.git("rev-parse", "main")) == (0, before)
    assert "half goes back to commit" in shown.out
    assert "asks   stable 2 → 1, adds version 1, drops version 2" in shown.out
    assert "-  labels: {stable: 2}\n+  versions: {specific: [1]}\n+  labels: {stable: 1}" in shown.out
    assert "Nothing was written" in shown.err


def test_a_pushed_rollback_restores_the_document_and_says_what_it_is(world: World) -> None:
    bad, good = world.git("rev-parse", "main", "main~1").split()
    shown = world.call("rollback", "half", "--offline", "--push", "--reason", "p99 doubled")
    assert shown.code == 0
    assert file_at(world, "main") == file_at(world, "main~2")
    said = world.git("log", "-1", "--format=%(trailers)", "main")
    assert said.split("\n")[:5] == [
        f"Rollback-Of: {bad}",
        f"Rollback-To: {good}",
        "Rollback-Scope: half",
        "Rollback-Reason: p99 doubled",
        "Rollback-Trigger: manual",
    ]


def test_a_rollback_on_a_branch_leaves_the_followed_one(world: World) -> None:
    before = world.git("rev-parse", "main")
    assert world.call("rollback", "half", "--offline", "--branch", "undo").code == 0
    assert world.git("rev-parse", "main", "undo~1").split() == [before.strip(), before.strip()]


@pytest.mark.parametrize("verb", [("rollback", "half"), ("promote", "half")])
def test_the_followed_branch_is_no_branch_of_its_own(world: World, verb: tuple[str, ...]) -> None:
    before = world.git("rev-parse", "main")
    shown = world.call(*verb, "--offline", "--branch", "main")
    assert (shown.code, world.git("rev-parse", "main")) == (2, before)
    assert "or --push to change what is served" in " ".join(shown.err.split())


def test_while_the_host_is_silent_the_newest_head_is_the_one_that_the_service_saw(world: World) -> None:
    assert world.call("rollback", "half", "--offline").code == 0  # a mirror for reading, which is older from now on
    (world.repo / "half.yaml").write_text(MODEL.format(versions="[3]", labels="{stable: 3}", policy="availability"))
    head = world.commit("half 3 is stable")
    world.git("branch", "--force", "main", head)
    GitMirror(StateDirectory(world.state).mirror, GitRemote(str(world.repo))).poll()
    world.repo.rename(world.folder / "unreachable")
    shown = world.call("rollback", "half", "--offline")
    assert (shown.code, "asks   stable 3 → 2" in shown.out) == (0, True)
    assert f"on {head[:10]}, its last known head. While git cannot be reached" in shown.err
    assert "--local --ttl 2h" in shown.err


def test_a_second_rollback_goes_further_back_and_not_forward(world: World) -> None:
    assert world.call("rollback", "half", "--offline", "--push").code == 0
    again = world.call("rollback", "half", "--offline", "--push")
    assert (again.code, again.out) == (1, "")
    assert "no earlier deployment" in again.err


def advance(world: World, path: str, before: str, after: str) -> None:
    """A commit that writes something else into a file of the newest one."""
    file = world.repo / path
    file.write_text(file.read_text().replace(before, after))
    world.git("branch", "--force", "main", world.commit(f"change {path}"))


def test_a_server_that_its_fleet_got_meanwhile_is_not_what_is_taken_back(world: World) -> None:
    bad = world.git("rev-parse", "main").strip()
    advance(world, "fleet.yaml", "servers:\n", 'servers:\n    - {name: gpu-2, grpc: "127.0.0.2:9"}\n')
    shown = world.call("rollback", "half", "--offline", "--push")
    assert shown.code == 0
    assert (file_at(world, "main"), "gpu-2" in file_at(world, "main", "fleet.yaml")) == (file_at(world, "main~3"), True)
    assert (world.git("log", "-1", "--format=%(trailers)", "main").split()[1], "too:" in shown.out) == (bad, False)


def test_a_second_rollback_goes_further_back_though_the_fleet_has_other_servers_by_now(world: World) -> None:
    advance(world, "fleet.yaml", "servers:\n", 'servers:\n    - {name: gpu-2, grpc: "127.0.0.2:9"}\n')
    assert world.call("rollback", "half", "--offline", "--push").code == 0
    assert "no earlier deployment" in world.call("rollback", "half", "--offline", "--push").err


def test_where_one_of_several_cannot_go_back_none_does_and_that_is_said(world: World) -> None:
    before = world.git("rev-parse", "main")
    shown = world.call("rollback", "half", "other", "--offline", "--push")
    assert (shown.code, world.git("rev-parse", "main")) == (1, before)
    assert "Nothing was done for the other models" in shown.err


def test_the_printed_patch_is_taken_by_git_am(world: World) -> None:
    patch = world.call("rollback", "half", "--offline", "--print", "--reason", "because\n---\nof über").out
    (world.folder / "x.patch").write_text(patch)
    world.git("checkout", "--quiet", "main")
    world.git("am", "--quiet", str(world.folder / "x.patch"))
    assert file_at(world, "HEAD") == file_at(world, "HEAD~2")
    assert "Rollback-Reason: because --- of über" in world.git("log", "-1", "--format=%B")


def test_other_models_of_the_file_keep_what_came_later(world: World) -> None:
    other = MODEL.format(versions="[7]", labels="{stable: 7}", policy="availability").replace("half", "other")
    both = file_at(world, "main") + "---\n" + other
    (world.repo / "half.yaml").write_text(both)
    head = world.commit("other comes")
    world.git("branch", "--force", "main", head)
    assert world.call("rollback", "half", "--offline", "--push").code == 0
    assert file_at(world, "main") == file_at(world, "main~3").rstrip("\n") + "\n---\n" + other


def test_a_commit_outside_of_the_line_is_refused(world: World) -> None:
    world.git("checkout", "--quiet", "-b", "side", "main~1")
    (world.repo / "readme").write_text("x")
    world.commit("aside")
    world.git("tag", "aside")
    world.git("checkout", "--quiet", "main")
    world.git("merge", "--quiet", "--no-ff", "--no-edit", "side")
    world.git("checkout", "--quiet", "--detach")
    shown = world.call("rollback", "half", "--offline", "--to", "aside")
    assert (shown.code, "not in the first-parent history of main" in shown.err) == (1, True)


def test_what_would_not_be_valid_as_a_whole_is_refused_with_its_lines(world: World) -> None:
    (world.repo / "broken.yaml").write_text("kind: Model\n")
    world.git("branch", "--force", "main", world.commit("break something else"))
    shown = world.call("rollback", "half", "--offline", "--push")
    assert (shown.code, "broken.yaml:1:1" in shown.err, "was not pushed" in shown.err) == (1, True, True)


def test_a_broken_document_of_the_model_itself_is_put_right(world: World) -> None:
    (world.repo / "half.yaml").write_text(file_at(world, "main").replace("stable: 2", "stable: 9"))
    world.git("branch", "--force", "main", world.commit("point at nothing"))
    assert world.call("rollback", "half", "--offline", "--push").code == 0
    assert file_at(world, "main") == file_at(world, "main~2")


def test_files_that_are_gone_from_storage_are_named(world: World) -> None:
    shown = world.call("rollback", "half", "--push")
    assert (shown.code, "half: version 1 on eu/gpu-1" in shown.err) == (1, True)


def test_as_json_it_tells_the_same(world: World) -> None:
    told = json.loads(world.call("rollback", "half", "--offline", "-o", "json").out)
    assert (told["kind"], told["pushed"], told["files"]) == ("Rollback", None, ["half.yaml"])
    assert told["models"][0]["asks"] == "stable 2 → 1, adds version 1, drops version 2"


@pytest.mark.parametrize(
    "given", [("--push", "--print"), ("--branch", "x", "--push"), ("--to", "HEAD~1", "--steps", "2")]
)
def test_what_contradicts_itself_is_a_wrong_call(world: World, given: tuple[str, ...]) -> None:
    assert world.call("rollback", "half", *given).code == 2


def test_a_branch_that_is_checked_out_is_not_changed_behind_anybodys_back(world: World) -> None:
    world.git("checkout", "--quiet", "main")
    shown = world.call("rollback", "half", "--offline", "--push")
    assert (shown.code, "--print | git am" in shown.err) == (1, True)


def test_a_deployment_that_the_record_does_not_know_is_refused(world: World) -> None:
    shown = world.call("rollback", "half", "--offline", "--to", "d41")
    assert (shown.code, "knows no deployment d41" in shown.err) == (1, True)


def test_a_repository_out_of_reach_points_to_the_local_pin(world: World, tmp_path: Path) -> None:
    shown = world.call("rollback", "half", "--push", RECONCILER_REPO=str(tmp_path / "nowhere"))
    assert (shown.code, "rollback MODEL --local --ttl" in shown.err) == (1, True)


def test_somebody_elses_push_in_between_is_kept(world: World) -> None:
    """A hook that pushes once, while ours is on its way, is what a colleague is."""
    hook = world.repo / ".git" / "hooks" / "pre-receive"
    other = world.git("commit-tree", "main^{tree}", "-p", "main", "-m", "in between").strip()
    hook.write_text(
        "#!/bin/sh\n"
        f"test -e {world.folder}/once && exit 0\ntouch {world.folder}/once\n"
        f"unset GIT_QUARANTINE_PATH\ngit update-ref refs/heads/main {other}\n"
    )
    hook.chmod(0o755)
    shown = world.call("rollback", "half", "--offline", "--push")
    assert (shown.code, "Made anew (1 of 4)" in shown.err) == (0, True), shown.err
    assert world.git("log", "--format=%s", "-2", "main").split("\n")[1] == "in between"


def test_a_signed_rollback_is_verified_by_git(world: World, tmp_path: Path) -> None:
    key = tmp_path / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", str(key)], check=True)
    assert world.call("rollback", "half", "--offline", "--push", "--signing-key", str(key)).code == 0
    assert "BEGIN SSH SIGNATURE" in world.git("cat-file", "commit", "main")


def test_a_branch_of_that_name_is_left_alone(world: World) -> None:
    world.git("branch", "taken", "main~1")
    shown = world.call("rollback", "half", "--offline", "--branch", "taken")
    assert (shown.code, "give the branch another name" in shown.err) == (1, True)
