"""A document's shape: every complaint has a place, a rule, and says what to do."""

import pytest
from parse_builders import FLEET, MODEL, fleet_with, model_with, problems, read, rules


def test_sound_documents_have_no_problem() -> None:
    assert problems() == []


def test_a_problem_prints_file_line_column_rule_what_and_what_to_do() -> None:
    (line,) = problems(model=model_with("basePath: /models/fashion", "basePath: models/fashion"))
    assert line == (
        "model.yaml:9:13 wrong-form `spec.basePath` `models/fashion` has not the right form — Directory that holds the "
        "version directories, as the servers see it: an absolute path, or a URI such as `s3://bucket/models/fashion`, "
        "for example `/models/fashion`"
    )


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            "basePath:",
            "basepath:",
            "model.yaml:9:3 unknown-field unknown field `basepath` in `spec` — did you mean `basePath`?",
        ),
        ("    - fleet: eu-gpu", "    - flet: eu-gpu", "did you mean `fleet`?"),
        ("  labels:", "  zzz:", "here may stand: modelName, placement"),
        ("  labels:", "  rollout: {}\n  labels:", "unknown-field"),
        ("  labels:", "  <<: {}\n  labels:", "unknown-field"),
    ],
)
def test_an_unknown_field_is_an_error_with_the_nearest_name(old: str, new: str, said: str) -> None:
    assert any(said in line for line in problems(model=model_with(old, new)))


@pytest.mark.parametrize(
    ("written", "rule"),
    [
        ("0", "version-out-of-range"),
        ("-1", "version-out-of-range"),
        ("1.5", "version-out-of-range"),
        ("2.0", "version-out-of-range"),
        ("9223372036854775808", "version-out-of-range"),
        ('"9223372036854775808"', "version-out-of-range"),
        ('"0"', "version-out-of-range"),
        ("''", "version-out-of-range"),
        ("v2", "version-out-of-range"),
        ('"007"', "version-leading-zero"),
        ("007", "unclear-number"),
        ("0o17", "unclear-number"),
        ("1_000", "version-out-of-range"),
        ("true", "wrong-type"),
        ("null", "wrong-type"),
        ("[1]", "wrong-type"),
    ],
)
def test_what_is_no_version_is_refused_where_it_is_written(written: str, rule: str) -> None:
    found = read({"fleet.yaml": FLEET, "model.yaml": model_with("[41, 42]", f"[42, {written}]")}).problems
    assert [(problem.rule, problem.line, problem.column) for problem in found] == [(rule, 11, 20)]


@pytest.mark.parametrize("written", ['"007"', "007", "00000123"])
def test_a_leading_zero_is_answered_with_the_plain_number(written: str) -> None:
    (line,) = problems(model=model_with("[41, 42]", f"[42, {written}]"))
    assert f"write {written.strip(chr(34)).lstrip('0')}" in line.replace("`", "")


@pytest.mark.parametrize("written", ["1", '"1"', "9223372036854775807", '"9223372036854775807"'])
def test_versions_are_whole_numbers_or_their_digits(written: str) -> None:
    assert rules(model=model_with("[41, 42]", f"[42, {written}]")) == []


@pytest.mark.parametrize(
    ("versions", "rule"),
    [
        ("{}", "exactly-one"),
        ("{specific: [42], latest: 1}", "exactly-one"),
        ("{specific: []}", "too-few"),
        ("{latest: 0}", "out-of-range"),
        ("{latest: 1.5}", "wrong-type"),
        ("{all: true}", "wrong-type"),
        ("42", "wrong-type"),
    ],
)
def test_versions_are_said_in_exactly_one_way(versions: str, rule: str) -> None:
    model = MODEL.replace("versions:\n    specific: [41, 42]", f"versions: {versions}").replace(
        "  labels:\n    stable: 42\n", ""
    )
    assert rules(model=model) == [rule]


@pytest.mark.parametrize("duration", ["10", "1.5s", "-2s", "2 s", "s", "0s", "0h0m", "1m1h", "2S", "''", "P1D"])
def test_what_is_no_duration_is_refused(duration: str) -> None:
    assert rules(fleet=fleet_with(f"deadlines: {{load: {duration}}}")) in (["wrong-form"], ["wrong-type"])


@pytest.mark.parametrize(
    ("old", "new", "rule"),
    [
        ('grpc: "gpu-1.internal:8500"', "grpc: gpu-1.internal", "wrong-form"),
        ('grpc: "gpu-1.internal:8500"', 'grpc: "gpu-1.internal:70000"', "wrong-form"),
        ('grpc: "gpu-1.internal:8500"', 'grpc: "http://gpu-1:8500"', "wrong-form"),
        ("name: gpu-1", "name: ../etc", "wrong-form"),
        ("name: gpu-1", "name: GPU", "wrong-form"),
        ("serverPath: /models", "serverPath: models", "wrong-form"),
        ("tier: prod", "tier: true", "wrong-type"),
        ("tier: prod", "'ti er': prod", "wrong-form"),
        ("numLoadThreads: 2", "numLoadThreads: -1", "out-of-range"),
        ("numLoadThreads: 2", "fileSystemPollWaitSeconds: 0", "out-of-range"),
        ("numLoadThreads: 2", "fileSystemPollWaitSeconds: -1", "out-of-range"),
        ("numLoadThreads: 2", "numLoadThreads: two", "wrong-type"),
        ("numLoadThreads: 2", "version: 2.20", "wrong-type"),
        ("  servers:", "  prune: on\n  servers:", "wrong-type"),
        ("  servers:", "  adopt: yes\n  servers:", "wrong-value"),
        ("  servers:", "  connection: {authorization: {fromEnv: A, fromFile: /b}}\n  servers:", "exactly-one"),
        ("  servers:", "  connection: {authorization: {}}\n  servers:", "exactly-one"),
        ("  servers:", "  connection: {authorization: Bearer abc}\n  servers:", "wrong-type"),
        ("  servers:", "  connection: {authorization: {token: abc}}\n  servers:", "unknown-field"),
        ("  servers:", "  connection: {tls: {certFile: /a}}\n  servers:", "missing-field"),
        ("  servers:", "  delivery: {mode: push}\n  servers:", "wrong-value"),
        ("  servers:", "  delivery: {bootstrapFile: relative}\n  servers:", "wrong-form"),
    ],
)
def test_a_fleet_of_the_wrong_shape_is_refused(old: str, new: str, rule: str) -> None:
    assert old in FLEET
    assert rule in rules(fleet=FLEET.replace(old, new, 1))


def test_a_number_where_a_text_belongs_is_told_to_be_quoted() -> None:
    (line,) = problems(fleet=FLEET.replace("numLoadThreads: 2", "version: 2.20, numLoadThreads: 2"))
    assert "put it in quotes" in line
    assert "2.20 becomes 2.2" in line


def test_a_missing_field_is_explained_at_its_parent() -> None:
    (line,) = problems(model=model_with("  basePath: /models/fashion\n", ""))
    assert line.startswith("model.yaml:5:1 missing-field `spec` has no `basePath` — add `basePath`: Directory that")


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("just words", "foreign-document"),
        ("[1, 2]", "foreign-document"),
        ("a: 1", "foreign-document"),
        ("apiVersion: v1\nkind: ConfigMap", "foreign-document"),
        ("apiVersion: 1\nkind: Model", "foreign-document"),
        ("apiVersion: reconciler.tfserving/v1\nkind: Model", "unknown-version"),
        ("apiVersion: reconciler.tfserving/v1alpha1", "missing-field"),
        ("apiVersion: reconciler.tfserving/v1alpha1\nkind: Modle", "unknown-kind"),
        ("apiVersion: reconciler.tfserving/v1alpha1\nkind: 5", "missing-field"),
    ],
)
def test_a_document_that_is_none_of_ours_is_a_problem_and_not_passed_over(text: str, rule: str) -> None:
    assert [problem.rule for problem in read({"a.yaml": text}).problems] == [rule]


def test_all_problems_of_all_files_come_at_once_and_in_order() -> None:
    found = read(
        {
            "z.yaml": MODEL.replace("basePath", "path").replace("[41, 42]", "[0]"),
            "a.yaml": "a: b: c",
            "m.yaml": FLEET.replace("serverPath", "path"),
        }
    )
    places = [(problem.path, problem.line) for problem in found.problems]
    assert found.desired is None
    assert {path for path, _ in places} == {"a.yaml", "m.yaml", "z.yaml"}
    assert places == sorted(places)


def test_long_values_are_shortened_in_messages() -> None:
    assert all(len(line) < 600 for line in problems(model=model_with("/models/fashion", "x" * 100_000)))
