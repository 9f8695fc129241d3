"""The example repository is sound, complete, and safe to copy."""

import json
from pathlib import Path

import pytest
import yaml

from reconciler import parse
from reconciler.parse import importing, schemas
from reconciler.state.automation import Automation, Discover, OnFailure, Promotion, Via
from reconciler.state.check import CheckKind
from reconciler.state.desired import Adopt, Commit, Desired, TransitionPolicy

TOP = Path(__file__).parents[2]
EXAMPLES = TOP / "examples_repo"
DOCUMENTS = sorted([*EXAMPLES.glob("fleets/*.yaml"), *EXAMPLES.glob("models/*.yaml")])
OCTOBER = 1_790_812_800.0  # 2026-10-01: when this repository was written
WORKFLOWS = sorted(EXAMPLES.glob(".github/workflows/*.yaml"))


def parsed() -> parse.Parsed:
    files = [
        parse.SourceFile(str(path.relative_to(EXAMPLES)), str(path), path.read_bytes())
        for path in EXAMPLES.rglob("*")
        if path.is_file()
    ]
    return parse.parse(Commit("example"), files)


def desired() -> Desired:
    return parsed().require()


def test_the_whole_repository_is_sound() -> None:
    assert parsed().problems == ()


def test_its_only_warning_is_the_one_that_it_explains() -> None:
    assert [warning.rule for warning in parsed().warnings] == ["unlabelled-traffic"]
    assert "highest version that is loaded" in (EXAMPLES / "README.md").read_text()


def test_there_are_two_fleets_and_three_models() -> None:
    assert {server.fleet.name for server in desired().servers} == {"eu-gpu", "us-gpu"}
    assert {model.name for server in desired().servers for model in server.models} == {
        "fashion",
        "half_plus_two",
        "ranker",
    }


def test_every_model_pins_its_versions_and_has_a_stable_label() -> None:
    for server in desired().servers:
        for model in server.models:
            assert set(dict(model.labels)) >= {"stable"}


def test_every_transition_policy_is_shown() -> None:
    policies = {model.name: model.transition.policy for server in desired().servers for model in server.models}
    assert policies["half_plus_two"] is TransitionPolicy.AVAILABILITY
    assert policies["ranker"] is TransitionPolicy.RESOURCE
    assert policies["fashion"] is TransitionPolicy.AUTO


def test_each_feature_of_a_rollout_is_shown_once_and_in_its_place() -> None:
    text = "\n".join(path.read_text() for path in DOCUMENTS)
    fields = [
        *("rollout", "windows", "suspend", "adopt: keep", "drift", "blastRadius", "keepPrevious", "retry", "pause"),
        *("fingerprints", "acceptBreaking", "prune: forbid", "prune: true", "allowDowntime", "maxServers"),
    ]
    assert {field: text.count(f"{field}:" if ":" not in field else field) for field in fields} == dict.fromkeys(
        fields, 1
    )


def test_no_suspension_in_it_stands() -> None:
    suspended = [server.suspend for server in desired().servers if server.suspend is not None]
    assert [each.by for each in suspended] == ["gpu-operations@example.com"]
    assert not any(each.stands(OCTOBER) for each in suspended)


def test_every_server_says_how_much_memory_models_may_take() -> None:
    assert all(server.memory is not None for server in desired().servers)


def test_a_golden_request_and_a_comparison_are_shown_with_files_that_are_there() -> None:
    models = {model.name: model for server in desired().servers for model in server.models}
    assert [check.kind for check in models["half_plus_two"].checks] == [CheckKind.REQUEST]
    assert [check.kind for check in models["fashion"].checks] == [CheckKind.COMPARE]
    assert {path.name for path in (EXAMPLES / "checks").iterdir()} == {
        "fashion.json",
        "half_plus_two.json",
        "half_plus_two.expected.json",
    }


def test_the_golden_request_expects_what_the_sample_of_that_name_answers() -> None:
    golden = next(model for server in desired().servers for model in server.models if model.name == "half_plus_two")
    asked, expected = (json.loads(text) for text in (golden.checks[0].request, golden.checks[0].expect))
    assert [[x / 2 + 2] for (x,) in asked["instances"]] == expected["predictions"]


def test_everything_that_may_be_committed_by_itself_is_shown_once_and_only_proposed() -> None:
    models = {model.name: model.automation for server in desired().servers for model in server.models}
    shown = models.pop("half_plus_two")
    assert shown == Automation(OnFailure.BRANCH, Promotion(via=Via.BRANCH), Discover(via=Via.BRANCH), (13,))
    assert not any(automation.asks for automation in models.values())


def test_the_fleets_consent_to_first_contact() -> None:
    assert {server.fleet.adopt for server in desired().servers} == {Adopt.REPLACE, Adopt.KEEP}


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_the_first_line_leads_an_editor_to_the_schema_of_its_kind(path: Path) -> None:
    first = path.read_text().splitlines()[0]
    name = first.removeprefix("# yaml-language-server: $schema=")
    kind = yaml.safe_load(path.read_text())["kind"]
    assert (path.parent / name).resolve() == EXAMPLES / "schemas" / schemas.KINDS[kind]


@pytest.mark.parametrize("name", schemas.KINDS.values())
def test_the_schemas_in_it_are_the_published_ones(name: str) -> None:
    assert (EXAMPLES / "schemas" / name).read_bytes() == (TOP / "schemas" / name).read_bytes()


def test_the_config_from_before_is_imported_whole() -> None:
    imported = importing.import_config((EXAMPLES / "model_config.pbtxt").read_text())
    files = [parse.SourceFile(path, path, text.encode()) for path, text in imported.files]
    (server,) = parse.parse(Commit("imported"), files).require().servers
    assert imported.notes == ()
    assert [model.name for model in server.models] == ["fashion", "half_plus_two", "ranker"]


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_no_workflow_runs_what_a_pull_request_brings_with_rights_to_write(path: Path) -> None:
    text = path.read_text()
    workflow = yaml.load(text, yaml.BaseLoader)  # `on` is a text in YAML 1.2, and true for safe_load
    writes = "write" in workflow["permissions"].values()
    checks_out = any("checkout" in step.get("uses", "") for job in workflow["jobs"].values() for step in job["steps"])
    assert "pull_request_target" not in workflow["on"]
    assert "secrets." not in text
    assert not (writes and checks_out)


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_no_workflow_puts_words_of_a_pull_request_into_a_script(path: Path) -> None:
    workflow = yaml.load(path.read_text(), yaml.BaseLoader)
    for job in workflow["jobs"].values():
        assert not any("${{" in step.get("run", "") for step in job["steps"])


def test_the_checks_validate_and_plan_offline() -> None:
    text = (EXAMPLES / ".github" / "workflows" / "validate-and-plan.yaml").read_text()
    assert "reconciler validate ." in text
    assert '--from "origin/$BASE" --to "$HEAD" --merge -o markdown' in text


def test_every_folder_of_documents_has_an_owner() -> None:
    owners = [
        line.split()[0] for line in (EXAMPLES / "CODEOWNERS").read_text().splitlines() if line[:1] not in ("", "#")
    ]
    assert {"*", "/fleets/", "/.github/", "/CODEOWNERS"} <= set(owners)
    for owned in owners:
        assert owned == "*" or (EXAMPLES / owned.lstrip("/")).exists()
