import json
from dataclasses import replace
from pathlib import Path

import jsonschema
import pytest
import yaml
from expose_samples import EVERY_KIND, PLAN, PROMOTE, QUIET, SUBJECT, same_as_golden
from rich.console import Console

from reconciler.expose import documents, outline, text
from reconciler.state.plan import ActionKind, Hold, HoldReason, Plan

SCHEMA = Path(__file__).parents[2] / "schemas" / "v1alpha1" / "plan.json"


def valid(plan: Plan) -> dict[str, object]:
    document = documents.plan_document(plan, SUBJECT)
    data = json.loads(documents.as_json(document))
    jsonschema.Draft7Validator(json.loads(SCHEMA.read_text())).validate(data)
    return dict(data)


def test_plan_as_text_reads_as_reviewed() -> None:
    assert same_as_golden("plan.txt", text.plan_text(PLAN, SUBJECT).plain)


def test_plan_as_json_reads_as_reviewed_and_fits_the_published_schema() -> None:
    assert same_as_golden("plan.json", documents.as_json(documents.plan_document(PLAN, SUBJECT)))
    assert valid(PLAN)["formatVersion"] == "1.0"


def test_every_kind_of_action_has_words_and_fits_the_schema() -> None:
    shown = text.plan_text(EVERY_KIND, SUBJECT).plain
    assert shown.count("every kind") == len(ActionKind)
    assert valid(EVERY_KIND)


def test_published_schema_knows_every_reason_of_a_hold() -> None:
    schema = json.loads(SCHEMA.read_text())
    assert set(schema["definitions"]["hold"]["properties"]["reason"]["enum"]) == {str(reason) for reason in HoldReason}


def test_published_schema_is_a_valid_draft_7_schema() -> None:
    jsonschema.Draft7Validator.check_schema(json.loads(SCHEMA.read_text()))


def test_versions_are_strings_in_json_because_int64_does_not_survive_javascript() -> None:
    document = json.loads(documents.as_json(documents.plan_document(PLAN, SUBJECT)))
    move = document["servers"][0]["passes"][2]["actions"][0]
    assert (move["before"], move["version"]) == ("1", "2")


def test_yaml_output_reads_back_as_the_same_data_as_json() -> None:
    document = documents.plan_document(PLAN, SUBJECT)
    assert yaml.safe_load(documents.as_yaml(document)) == json.loads(documents.as_json(document))


def test_schema_refuses_a_version_that_is_a_number() -> None:
    data = valid(PLAN)
    data["servers"][0]["passes"][0]["actions"][0]["version"] = 2  # type: ignore[index]  # JSON data
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft7Validator(json.loads(SCHEMA.read_text())).validate(data)


def test_plan_with_nothing_to_do_says_so() -> None:
    plan = Plan(PLAN.commit, (QUIET,))
    assert outline.summary(plan).endswith("Nothing to do: the servers are what the commit asks for.")


def test_hold_that_passes_by_itself_is_told_apart_from_one_that_needs_somebody() -> None:
    waiting = Plan(PLAN.commit, (replace(PROMOTE, holds=PLAN.servers[1].holds),))
    assert "nobody needs to act" in outline.summary(waiting)
    assert "names what releases it" in outline.summary(PLAN)


def test_colours_are_left_out_where_the_console_has_none() -> None:
    console = Console(no_color=True, force_terminal=False, width=40)
    with console.capture() as capture:
        console.print(text.plan_text(PLAN, SUBJECT), soft_wrap=True, end="")
    assert capture.get() == text.plan_text(PLAN, SUBJECT).plain


def test_servers_of_which_the_same_is_to_be_said_share_a_section() -> None:
    several = Plan(PLAN.commit, tuple(replace(PROMOTE, server=f"eu/gpu-{number}") for number in range(100)))
    shown = text.plan_text(several, SUBJECT).plain
    assert "eu/gpu-0, eu/gpu-1, eu/gpu-2 and 97 more  " in shown
    assert shown.count("Pass 1:") == 1


def test_a_hold_on_several_models_is_said_once_with_their_names() -> None:
    hold = Hold(HoldReason.FROZEN, "half", "window weekend", "the next opening")
    held = replace(QUIET, holds=(hold, replace(hold, model="fashion")))
    assert [each.subject for each in outline.section(held).held] == ["half and fashion"]
