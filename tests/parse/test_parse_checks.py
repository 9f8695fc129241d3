"""Checks of a Model: the files they name, from the same commit, and everything that can be wrong with them."""

import pytest
from parse_builders import FLEET, MODEL, read

from reconciler import parse
from reconciler.parse.checks import MAX_CHECK_BYTES
from reconciler.state.check import Check, CheckKind, Tolerance
from reconciler.state.desired import DesiredModel

ASKED, EXPECTED = '{"instances": [[1.0]]}', '{"predictions": [[2.5]]}'
GOLDEN = """\
    - name: golden
      kind: request
      request: checks/f.json
      expect: checks/e.json
"""
DRIFT = """\
    - name: drift
      kind: compare
      request: checks/f.json
      with: stable
"""


def repository(checks: str, model: str = MODEL, **files: str) -> dict[str, str | bytes]:
    named = {"f": ASKED, "e": EXPECTED} | files
    beside = {f"checks/{name}.json": text for name, text in named.items() if text}
    return {"fleet.yaml": FLEET, "model.yaml": f"{model}  checks:\n{checks}", **beside}


def found(checks: str, model: str = MODEL, **files: str) -> list[str]:
    return [str(problem) for problem in read(repository(checks, model, **files)).problems]


def rules(checks: str, model: str = MODEL, **files: str) -> list[str]:
    return [problem.rule for problem in read(repository(checks, model, **files)).problems]


def model_of(parsed: parse.Parsed) -> DesiredModel:
    return parsed.require().servers[0].models[0]


def test_checks_arrive_with_the_contents_of_their_files() -> None:
    more = "      tolerance: {abs: 0.5, rel: 1}\n"
    golden = GOLDEN + more + "      maxLatency: 50ms\n      repetitions: 3\n"
    drift = DRIFT + "      maxSlowdown: 1.5\n"
    assert model_of(read(repository(golden + drift))).checks == (
        Check("golden", CheckKind.REQUEST, ASKED, EXPECTED, Tolerance(0.5, 1.0), max_latency=0.05, repetitions=3),
        Check("drift", CheckKind.COMPARE, ASKED, against="stable", max_slowdown=1.5),
    )


def test_a_model_has_no_checks_unless_it_says_so() -> None:
    assert model_of(read({"fleet.yaml": FLEET, "model.yaml": MODEL})).checks == ()


def test_other_contents_are_another_check() -> None:
    one, two = (model_of(read(repository(GOLDEN, e=text))).checks[0] for text in (EXPECTED, '{"predictions": [3]}'))
    assert one.digest != two.digest


def test_equal_contents_are_the_same_check_in_every_commit() -> None:
    cache = parse.Cache()
    one, two = (model_of(read(repository(GOLDEN), cache=cache)).checks[0] for _ in range(2))
    assert one is two


def test_a_changed_file_beside_an_unchanged_document_is_taken_up() -> None:
    cache = parse.Cache()
    read(repository(GOLDEN), cache=cache)
    changed = model_of(read(repository(GOLDEN, e='{"predictions": [3]}'), cache=cache))
    assert changed.checks[0].expect == '{"predictions": [3]}'


def test_paths_are_from_the_watched_path() -> None:
    files = {f"eu/{path}": text for path, text in repository(GOLDEN).items()} | {"checks/f.json": "no"}
    assert model_of(read(files, below="eu")).checks[0].request == ASKED


def test_the_files_to_be_read_are_named_from_the_top_of_the_repository() -> None:
    documents = [parse.SourceFile(path, path, str(text).encode()) for path, text in repository(GOLDEN + DRIFT).items()]
    moved = [parse.SourceFile(f"eu/{each.path}", each.blob, each.data) for each in documents]
    assert parse.beside(moved, parse.Cache(), "eu/") == ("eu/checks/e.json", "eu/checks/f.json")


def test_a_missing_file_is_a_problem_of_the_line_that_names_it() -> None:
    (problem,) = found(GOLDEN, e="")
    assert problem.startswith("model.yaml:18:15 check-file-missing there is no file `checks/e.json` in this commit — ")


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({"f": "{"}, "`checks/f.json` cannot be used: it is no JSON in line 1, column 2"),
        ({"f": '{"examples": []}'}, "it needs exactly one of `instances`"),
        ({"f": EXPECTED}, "it needs exactly one of `instances`"),
        ({"e": ASKED}, "it needs exactly one of `predictions`"),
        ({"e": '{"predictions": [NaN]}'}, "it expects NaN"),
        ({"e": '{"predictions": [[1], [1, 2]]}'}, "[1] has 2 items where its neighbours have 1"),
        ({"f": "x" * (MAX_CHECK_BYTES + 1)}, "more than 1048576 bytes"),
    ],
)
def test_a_file_that_cannot_be_right_is_a_problem_of_the_model(files: dict[str, str], words: str) -> None:
    (problem,) = found(GOLDEN, **files)
    assert problem.startswith("model.yaml:1")
    assert words in problem


def test_a_file_that_is_no_text_is_a_problem_of_the_model() -> None:
    parsed = read(repository(GOLDEN) | {"checks/f.json": b"\xff"})
    assert "it is not UTF-8" in str(parsed.problems[0])


@pytest.mark.parametrize(
    ("checks", "rule"),
    [
        (GOLDEN + GOLDEN, ["check-twice"]),
        (GOLDEN.replace("      expect: checks/e.json\n", ""), ["check-field"]),
        (GOLDEN + "      with: stable\n", ["check-field"]),
        (GOLDEN + "      maxSlowdown: 2\n", ["check-field"]),
        (DRIFT.replace("      with: stable\n", ""), ["check-field"]),
        (DRIFT + "      expect: checks/e.json\n", ["check-field"]),
        (DRIFT + "      maxLatency: 1s\n", ["check-field"]),
        (DRIFT.replace("stable", "beta"), ["compare-unlabelled"]),
        (GOLDEN.replace("request\n", "prometheus\n"), ["wrong-value"]),
        (GOLDEN.replace("checks/f.json", "/etc/f.json"), ["wrong-form"]),
        (GOLDEN.replace("checks/f.json", "../f.json"), ["wrong-form"]),
        (GOLDEN.replace("checks/f.json", "a/../f.json"), ["wrong-form"]),
        (GOLDEN.replace("checks/f.json", "./f.json"), ["wrong-form"]),
        (GOLDEN.replace("checks/f.json", "checks/f.yaml"), ["wrong-form"]),
        (GOLDEN + "      tolerance: {abs: -1}\n", ["out-of-range"]),
        (GOLDEN + "      tolerance: {abs: much}\n", ["wrong-type"]),
        (GOLDEN + "      tolerance: {abs: true}\n", ["wrong-type"]),
        (GOLDEN + "      tolerance: {abs: .nan}\n", ["unclear-number"]),
        (GOLDEN + "      repetitions: 0\n", ["out-of-range"]),
    ],
)
def test_a_check_that_means_nothing_is_a_problem(checks: str, rule: list[str]) -> None:
    assert rules(checks) == rule


def test_checks_of_a_model_without_labels_would_never_run() -> None:
    bare = MODEL.replace("  labels:\n    stable: 42\n", "")
    assert rules(GOLDEN, bare) == ["checks-without-labels"]


def test_nothing_can_be_compared_under_resource() -> None:
    assert rules(DRIFT, f"{MODEL}  transition: {{policy: resource}}\n") == ["compare-resource"]
    assert rules(GOLDEN, f"{MODEL}  transition: {{policy: resource}}\n") == []
