import json
from pathlib import Path

import pytest
from cli_world import World, promoted

CONFIG = """\
model_config_list {
  config {
    name: "half"
    base_path: "/models/half"
    model_platform: "tensorflow"
    model_version_policy { specific { versions: 1 versions: 2 } }
    version_labels { key: "stable" value: 1 }
  }
}
"""


def test_valid_folder_is_said_to_be_valid(tmp_path: Path) -> None:
    world = promoted(tmp_path)
    shown = world.call("validate", str(world.repo))
    assert (shown.code, shown.out) == (0, f"{world.repo} is valid.\n")


def test_folder_needs_no_git(tmp_path: Path) -> None:
    world = promoted(tmp_path)
    plain = tmp_path / "plain"
    plain.mkdir()
    for name in ("fleet.yaml", "half.yaml"):
        (plain / name).write_text((world.repo / name).read_text())
    assert world.call("validate", str(plain)).code == 0


def test_every_problem_is_printed_with_its_place(tmp_path: Path) -> None:
    world = promoted(tmp_path)
    world.write("[007]", "{stable: 3}")
    shown = world.call("validate", str(world.repo))
    assert shown.code == 1
    assert "error: half.yaml:7:25 " in shown.out
    assert shown.out.endswith(f"1 problem in {world.repo}.\n")


def test_problems_as_json_have_path_line_and_column_apart(tmp_path: Path) -> None:
    world = promoted(tmp_path)
    world.write("[1]", "{stable: 3}")
    found = json.loads(world.call("validate", str(world.repo), "-o", "json").out)
    assert (found["valid"], found["problems"][0]["path"], found["problems"][0]["line"]) == (False, "half.yaml", 8)


def test_without_a_folder_the_branchs_head_is_checked(tmp_path: Path) -> None:
    world = promoted(tmp_path)
    world.write("[1]", "{stable: 3}")  # not committed, so not seen
    assert world.call("validate").code == 0


def test_missing_branch_is_a_sentence(tmp_path: Path) -> None:
    shown = promoted(tmp_path).call("validate", "--branch", "release")
    assert shown.code == 1
    assert "release" in shown.err


def test_folder_that_is_none_is_a_usage_error(tmp_path: Path) -> None:
    assert promoted(tmp_path).call("validate", str(tmp_path / "nowhere")).code == 2


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "model_config.pbtxt"
    path.write_text(CONFIG)
    return path


def test_imported_config_file_is_a_valid_repository(tmp_path: Path, config: Path) -> None:
    world, out = World(tmp_path), tmp_path / "out"
    arguments = ("import", str(config), "--fleet", "eu", "--grpc", "gpu-1.internal:8500", "--out", str(out))
    assert world.call(*arguments).code == 0
    assert world.call("validate", str(out)).code == 0


def test_imported_documents_go_to_stdout_where_no_folder_is_given(tmp_path: Path, config: Path) -> None:
    shown = World(tmp_path).call("import", str(config))
    assert "# models/half.yaml" in shown.out
    assert "kind: Fleet" in shown.out


def test_import_overwrites_nothing(tmp_path: Path, config: Path) -> None:
    world, out = World(tmp_path), tmp_path / "out"
    world.call("import", str(config), "--out", str(out))
    (out / "models" / "half.yaml").write_text("mine")
    assert world.call("import", str(config), "--out", str(out)).code == 3
    assert (out / "models" / "half.yaml").read_text() == "mine"


def test_import_of_what_is_no_config_names_the_place(tmp_path: Path, config: Path) -> None:
    config.write_text("model_config_list {\n  config { nam: 1 }\n}\n")
    shown = World(tmp_path).call("import", str(config))
    assert shown.code == 2
    assert "model_config.pbtxt:2:" in shown.err


def test_import_that_cannot_carry_a_model_over_names_it_and_ends_with_4(tmp_path: Path, config: Path) -> None:
    config.write_text(CONFIG.replace('"/models/half"', '"models/half"'))
    shown = World(tmp_path).call("import", str(config))
    assert shown.code == 4
    assert 'error: model "half"' in shown.err
