import json
from dataclasses import replace
from pathlib import Path

import jsonschema
import pytest
import yaml
from builders import COMMIT, FLEET, model, server
from cli_world import World, promoted

from reconciler import plan as planner
from reconciler.cli import planning
from reconciler.expose import outline
from reconciler.state.desired import Desired, MemoryBudget, Rollout

SCHEMA = json.loads((Path(__file__).parents[2] / "schemas" / "v1alpha1" / "plan.json").read_text())


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return promoted(tmp_path_factory.mktemp("plan"))


def test_plan_between_two_commits_needs_no_server(world: World) -> None:
    shown = world.call("plan", "--from", "HEAD~1", "--to", "HEAD")
    assert shown.code == 0
    assert "planned against servers converged at commit" in shown.out
    assert "+ half  load 2" in shown.out
    assert "~ half  stable  1 → 2" in shown.out
    assert "- half  unload 1" in shown.out


def test_plan_as_json_fits_the_published_schema(world: World) -> None:
    shown = world.call("plan", "--from", "HEAD~1", "-o", "json")
    jsonschema.Draft7Validator(SCHEMA).validate(json.loads(shown.out))


def test_plan_as_yaml_holds_the_same_as_json(world: World) -> None:
    as_json = world.call("plan", "--from", "HEAD~1", "-o", "json").out
    assert yaml.safe_load(world.call("plan", "--from", "HEAD~1", "-o", "yaml").out) == json.loads(as_json)


def test_plan_as_markdown_begins_with_the_marker_of_the_sticky_comment(world: World) -> None:
    shown = world.call("plan", "--from", "HEAD~1", "-o", "markdown")
    assert shown.out.startswith("<!-- reconciler-plan:all.all.")


def test_equal_commits_give_equal_plans_to_the_byte(world: World) -> None:
    first = world.call("plan", "--from", "HEAD~1", "-o", "json")
    assert first == world.call("plan", "--from", "HEAD~1", "-o", "json")


@pytest.mark.parametrize(("start", "code"), [("HEAD~1", 2), ("HEAD", 0)])
def test_detailed_exitcode_tells_changes_from_none_as_terraform_does(world: World, start: str, code: int) -> None:
    assert world.call("plan", "--from", start, "--detailed-exitcode").code == code


def test_detailed_exitcode_of_what_is_only_held_is_2(tmp_path: Path) -> None:
    world = promoted(tmp_path)
    (world.repo / "half.yaml").unlink()
    world.commit("no model, in a fleet that does not prune")
    shown = world.call("plan", "--from", "HEAD~1", "--detailed-exitcode")
    assert (shown.code, "0 passes, 1 hold" in shown.out) == (2, True)


def test_detailed_exitcode_is_1_on_errors(world: World) -> None:
    assert world.call("plan", "--from", "nowhere", "--detailed-exitcode").code == 1


def test_unknown_revision_is_a_sentence(world: World) -> None:
    shown = world.call("plan", "--from", "nowhere")
    assert (shown.code, shown.out) == (1, "")
    assert shown.err.startswith("Error: ")
    assert "nowhere" in shown.err


def test_server_that_is_down_is_a_hold_and_no_error(world: World) -> None:
    shown = world.call("plan")
    assert shown.code == 0
    assert "! the whole server  Unreachable:" in shown.out


def test_plan_reads_a_repository_without_leaving_anything_behind(world: World) -> None:
    assert world.call("plan").code == 0
    assert not world.state.exists()


def test_resource_transition_states_its_gap_before_it_happens(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.write("[1]", "{stable: 1}", policy="resource")
    world.commit("half 1 is stable")
    world.write("[2]", "{stable: 2}", policy="resource")
    world.commit("half 2 instead of 1")
    shown = world.call("plan", "--from", "HEAD~1")
    assert "! expected gap: half by stable answers nobody for at most" in shown.out


def test_new_server_is_planned_from_nothing(tmp_path: Path) -> None:
    world = promoted(tmp_path)
    fleet = (world.repo / "fleet.yaml").read_text()
    (world.repo / "fleet.yaml").write_text(fleet + '    - {name: gpu-2, grpc: "127.0.0.1:10"}\n')
    world.commit("gpu-2 joins")
    shown = world.call("plan", "--from", "HEAD~1")
    assert "eu/gpu-1  in sync" in shown.out
    assert "+ half  add the model" in shown.out


def test_plan_with_problems_in_the_commit_lists_each_of_them(tmp_path: Path) -> None:
    world = promoted(tmp_path)
    world.write("[007, 0]", "{stable: 3}")
    world.commit("two mistakes")
    shown = world.call("plan", "--from", "HEAD~1")
    assert shown.code == 1
    assert shown.err.count("half.yaml:7:") == 2


def test_no_repository_says_how_to_name_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    shown = World(tmp_path).call("plan", RECONCILER_REPO="")
    assert (shown.code, shown.err) == (
        2,
        "Error: No repository: give --repo URL|PATH, set RECONCILER_REPO, or call this inside a git repository.\n",
    )


def test_inside_a_git_repository_that_one_is_meant(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(world.repo)
    assert world.call("plan", "--from", "HEAD~1", RECONCILER_REPO="").code == 0


def test_render_prints_the_final_config_as_the_server_would_read_it(world: World) -> None:
    assert world.call("render", "--server", "gpu-1").out == (
        "model_config_list {\n"
        "  config {\n"
        '    name: "half"\n'
        '    base_path: "/models/half"\n'
        '    model_platform: "tensorflow"\n'
        "    model_version_policy { specific { versions: 2 } }\n"
        '    version_labels { key: "stable" value: 2 }\n'
        "  }\n"
        "}\n"
    )


def test_render_of_a_pass_prints_what_that_reload_carries(world: World) -> None:
    shown = world.call("render", "--server", "eu/gpu-1", "--pass", "1", "--from", "HEAD~1")
    assert "versions: 1 versions: 2" in shown.out
    assert 'key: "stable" value: 1' in shown.out


def test_render_of_a_pass_that_the_plan_does_not_have_is_a_usage_error(world: World) -> None:
    shown = world.call("render", "--server", "gpu-1", "--pass", "9", "--from", "HEAD~1")
    assert (shown.code, shown.out) == (2, "")


def test_render_of_an_unknown_server_names_those_there_are(world: World) -> None:
    assert "Give one of: eu/gpu-1." in world.call("render", "--server", "gpu-9").err


@pytest.mark.parametrize(("start", "code"), [("HEAD", 0), ("HEAD~1", 1)])
def test_diff_of_two_commits_ends_as_diff_does(world: World, start: str, code: int) -> None:
    assert world.call("diff", "--from", start).code == code


def test_diff_shows_what_changed_and_nothing_else(world: World) -> None:
    lines = world.call("diff", "--from", "HEAD~1").out.splitlines()
    changed = [line for line in lines if line.startswith(("+", "-")) and not line.startswith(("+++", "---"))]
    assert changed == ["-      - 1", "+      - 2", "-      stable: 1", "+      stable: 2"]


def test_diff_with_a_server_that_cannot_be_seen_is_trouble(world: World) -> None:
    shown = world.call("diff")
    assert shown.code == 2
    assert "cannot be reached" in shown.out


def test_diff_of_an_unknown_revision_is_trouble(world: World) -> None:
    assert world.call("diff", "--from", "nowhere").code == 2


def test_diff_as_json_has_fields_and_text(world: World) -> None:
    server = json.loads(world.call("diff", "--from", "HEAD~1", "-o", "json").out)["servers"][0]
    assert {each["kind"] for each in server["differences"]} == {"versionMissing", "versionExtra", "labelWrong"}
    assert server["unified"].startswith("--- eu/gpu-1")


def test_diff_has_no_markdown(world: World) -> None:
    assert world.call("diff", "--from", "HEAD~1", "-o", "markdown").code == 2


def test_between_two_commits_only_what_changes_waits_for_its_turn() -> None:
    fleet = replace(FLEET, rollout=Rollout(max_concurrent=1))
    before = server(model("half", (1,), stable=1), model("other", (1,), stable=1), fleet=fleet)
    after = server(model("half", (2,), stable=2), model("other", (1,), stable=1), fleet=fleet)
    base, wanted = (
        Desired(COMMIT, tuple(replace(each, name=name) for name in ("gpu-1", "gpu-2"))) for each in (before, after)
    )
    plan = planner.plan(wanted, planning.converged_at(base, wanted))
    held = {(each.server, hold.model, str(hold.reason)) for each in plan.servers for hold in each.holds}
    assert held == {("eu/gpu-2", "half", "WaveTurn")}


def test_between_two_commits_nothing_is_said_of_sizes_that_nobody_looked_at() -> None:
    limited = replace(server(model("half", (2,), stable=2)), memory=MemoryBudget(1000))
    base, wanted = Desired(COMMIT, (server(model("half", (1,), stable=1)),)), Desired(COMMIT, (limited,))
    (plan,) = planner.plan(wanted, planning.converged_at(base, wanted)).servers
    assert not any("size" in each for each in plan.warnings)
    assert outline.section(plan).memory == ()
