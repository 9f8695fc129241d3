"""The schemas, the quick test compiled from them, and the values: three views that must agree."""

import copy
import dataclasses
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from parse_builders import FLEET, MODEL, desired
from test_parse_desired import WHOLE_FLEET, WHOLE_MODEL

from reconciler.parse import quick, schemas
from reconciler.state.desired import DesiredModel, Fleet, Place

SOURCE = Path(__file__).parents[2] / "schemas"
CHECKS = """
- {name: golden, kind: request, request: checks/f.json, expect: checks/e.json, maxLatency: 50ms, repetitions: 3}
- {name: drift, kind: compare, request: checks/f.json, with: stable, tolerance: {abs: 0.5, rel: 1}, maxSlowdown: 1.5}
"""
WHOLE = {"Fleet": yaml.safe_load(WHOLE_FLEET), "Model": yaml.safe_load(WHOLE_MODEL)}
WHOLE["Model"]["spec"]["checks"] = yaml.safe_load(CHECKS)
ODD: list[Any] = [None, True, 0, 1, -1, 2**63, 1.0, 1.5, ""]
ODD += ["0", "1", "007", "/", "/x", "a", "A b", "2s", "s3://b/x", [], {}, [1], ["1", 2]]
ODD += [{"a": 1}, {"all": {}}, {"latest": 1, "all": {}}]


def leaves(schema: dict[str, Any], path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], dict[str, Any]]]:
    """Every schema inside a schema, with its path of property names."""
    yield path, schema
    for name, inner in schema.get("properties", {}).items():
        yield from leaves(inner, (*path, name))
    for key in ("items", "additionalProperties"):
        if isinstance(schema.get(key), dict):
            yield from leaves(schema[key], path)


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every path inside plain data."""
    yield path
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, each in inside:
        yield from places(each, (*path, key))


@st.composite
def mutated(draw: st.DrawFn, kind: str) -> Any:
    """A whole document with one or two values replaced, removed, or put under another key."""
    document = copy.deepcopy(WHOLE[kind])
    for _ in range(draw(st.integers(1, 2))):
        path = draw(st.sampled_from(list(places(document))[1:]))
        parent = document
        for step in path[:-1]:
            parent = parent[step]
        value = parent.pop(path[-1])
        if isinstance(parent, list):
            parent.insert(path[-1], copy.deepcopy(draw(st.sampled_from(ODD))))
        elif draw(st.booleans()):
            parent[path[-1]] = copy.deepcopy(draw(st.sampled_from(ODD)))
        elif draw(st.booleans()):
            parent[draw(st.sampled_from(["x", "1", "a b", "spec", "name", "latest"]))] = value
    return document


@pytest.mark.parametrize("kind", schemas.KINDS)
def test_the_whole_documents_of_these_tests_are_sound(kind: str) -> None:
    assert schemas.validator(kind).is_valid(WHOLE[kind])
    assert schemas.accepts(kind)(WHOLE[kind])


@given(st.sampled_from(["Fleet", "Model"]).flatmap(lambda kind: st.tuples(st.just(kind), mutated(kind))))
def test_the_quick_test_and_the_validator_agree(given: tuple[str, Any]) -> None:
    kind, document = given
    assert schemas.accepts(kind)(document) == schemas.validator(kind).is_valid(document)


@pytest.mark.parametrize("kind", schemas.KINDS)
def test_every_single_odd_value_is_judged_alike(kind: str) -> None:
    for path in list(places(WHOLE[kind]))[1:]:
        for odd in ODD:
            document = copy.deepcopy(WHOLE[kind])
            parent = document
            for step in path[:-1]:
                parent = parent[step]
            parent[path[-1]] = copy.deepcopy(odd)
            assert schemas.accepts(kind)(document) == schemas.validator(kind).is_valid(document), (path, odd)


@pytest.mark.parametrize("keyword", [{"minLength": 1}, {"format": "uri"}, {"anyOf": []}])
def test_a_keyword_that_the_quick_test_does_not_know_is_refused(keyword: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="teach it"):
        quick.compiled({"type": "string"} | keyword)


@pytest.mark.parametrize("kind", schemas.KINDS)
def test_the_schemas_are_draft_7_and_explain_every_field(kind: str) -> None:
    schema = schemas.read(schemas.KINDS[kind])
    jsonschema.Draft7Validator.check_schema(schema)
    assert schema["$schema"] == "http://json-schema.org/draft-07/schema#"
    for path, inner in leaves(schema):
        assert len(inner["description"]) > 5, path
        if inner["type"] == "object" and "properties" in inner:
            assert inner["additionalProperties"] is False, path


@pytest.mark.parametrize("kind", schemas.KINDS)
def test_every_example_in_a_schema_is_valid_there(kind: str) -> None:
    for path, inner in leaves(schemas.read(schemas.KINDS[kind])):
        for example in inner.get("examples", []):
            assert quick.compiled(inner)(example), (path, example)
        if inner.get("default") is not None:
            assert quick.compiled(inner)(inner["default"]), path


def values(documents: dict[str, str]) -> list[tuple[Fleet, tuple[DesiredModel, ...]]]:
    """What documents mean, without where they say it."""
    servers = desired(fleet=documents["Fleet"], model=documents["Model"]).servers
    return [(dataclasses.replace(server.fleet, place=Place("")), server.models) for server in servers]


@pytest.mark.parametrize("kind", schemas.KINDS)
def test_writing_every_default_of_the_schema_changes_nothing(kind: str) -> None:
    documents = {"Fleet": yaml.safe_load(FLEET), "Model": yaml.safe_load(MODEL)}
    bare = {name: json.dumps(document) for name, document in documents.items()}
    for path, inner in leaves(schemas.read(schemas.KINDS[kind])):
        if (
            "default" not in inner
            or path[:2] == ("spec", "servers")
            or {"tls", "rollout", "windows", "checks", "promotion", "discover"} & set(path)
        ):
            continue
        parent = documents[kind]
        for step in path[:-1]:
            parent = parent.setdefault(step, {})
        parent.setdefault(path[-1], inner["default"])
    full = {name: json.dumps(document) for name, document in documents.items()}
    assert values(full) == values(bare)


def test_the_schemas_are_found_in_the_source_tree() -> None:
    assert schemas.read("v1alpha1/model.json") == json.loads((SOURCE / "v1alpha1" / "model.json").read_text())


def test_the_schemas_are_found_in_an_installed_package(tmp_path: Path) -> None:
    package = tmp_path / "reconciler"
    package.mkdir()
    (package / "schemas").symlink_to(SOURCE, target_is_directory=True)
    for each in ("parse", "state", "wire", "errors.py", "windows.py", "__init__.py"):
        (package / each).symlink_to(SOURCE.parent / "reconciler" / each)
    script = "from reconciler.parse import schemas; print(schemas.folder()); schemas.read('v1alpha1/fleet.json')"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=tmp_path, check=True)
    assert done.stdout.strip() == str(package / "schemas")


def test_parsing_sound_documents_does_not_import_the_validator() -> None:
    script = (
        "import sys; from reconciler import parse\n"
        f"assert parse.parse_file({WHOLE_MODEL.encode()!r}).findings\n"
        "assert 'jsonschema' not in sys.modules\n"
        "assert 'tensorflow_serving' not in sys.modules"
    )
    assert subprocess.run([sys.executable, "-c", script], cwd=SOURCE.parent, check=False).returncode == 0
