"""YAML is read strictly: by YAML 1.2, with positions, within limits."""

import time

import pytest
from parse_builders import FLEET, MODEL, model_with, read, rules

from reconciler import parse
from reconciler.parse import nodes, reading, scalars


def only(text: str | bytes) -> parse.Problem:
    (problem,) = read({"a.yaml": text}).problems
    return problem


@pytest.mark.parametrize(
    "text", ["on", "off", "yes", "no", "y", "12:30:45", "2024-01-01", "1_000", "0b1", "<<", "=", "-", ".", "+", "1.2.3"]
)
def test_what_only_yaml_1_1_takes_for_something_else_is_a_text(text: str) -> None:
    assert scalars.resolve(text) == text


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", None),
        ("~", None),
        ("null", None),
        ("true", True),
        ("FALSE", False),
        ("0", 0),
        ("-7", -7),
        ("+5", 5),
        ("1.5", 1.5),
        ("1e3", 1000.0),
        (".5", 0.5),
        ("1.", 1.0),
    ],
)
def test_the_core_schema_is_followed(text: str, value: object) -> None:
    found = scalars.resolve(text)
    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize(
    ("text", "instead"),
    [
        ("00000123", "`123`"),
        ("010", "`10`"),
        ("-07", "`-7`"),
        ("0o17", "`15`"),
        ("0x1F", "`31`"),
        (".inf", "plain number"),
        (".NaN", "plain number"),
        ("9" * 5000, "plain number"),
        ("0" * 5000, "plain number"),
    ],
)
def test_numbers_that_readers_disagree_about_are_asked_back(text: str, instead: str) -> None:
    found = scalars.resolve(text)
    assert isinstance(found, scalars.Unclear)
    assert instead in found.to_do


def test_quotes_make_anything_a_text() -> None:
    sound = FLEET.replace("tier: prod", 'tier: "010"')
    assert rules(fleet=sound) == []


@pytest.mark.parametrize(
    ("text", "rule", "where"),
    [
        ("a: b: c", "not-yaml", (1, 5)),
        ("a: [1, 2", "not-yaml", (2, 1)),
        ("a:\n\tb: 1", "not-yaml", (2, 1)),
        ("hello: 'x", "not-yaml", (1, 10)),
        ("a: \x07", "not-yaml", (1, 4)),
        (b"ok: 1\nname: caf\xe9", "not-utf8", (2, 10)),
        ("a: 1".encode("utf-16"), "not-utf8", (1, 1)),
        ("a: x\u2028b: y", "line-break", (1, 5)),
        ("%TAG ! tag:x,2000:\n---\na: 1", "directive", (1, 1)),
        ("&a [*a]", "alias", (1, 5)),
        ("[*a]", "alias", (1, 2)),
        ("{? [a] : 1}", "key-not-text", (1, 4)),
        ("? {a: 1}\n: 2", "key-not-text", (1, 3)),
    ],
)
def test_what_cannot_be_read_is_said_with_its_place(text: str | bytes, rule: str, where: tuple[int, int]) -> None:
    problem = only(text)
    assert (problem.rule, (problem.line, problem.column)) == (rule, where)


def test_a_tab_is_named_as_such() -> None:
    assert "not with tabs" in only("a:\n\tb: 1").to_do


@pytest.mark.parametrize(
    ("old", "new", "rule", "where"),
    [
        ("  name: fashion-eu\n", "  name: fashion-eu\n  name: other\n", "duplicate-key", "model.yaml:5:3"),
        ("/models/fashion", "!!str /models/fashion", "tag", "model.yaml:9:13"),
        ("/models/fashion", '"/models/\\nfashion"', "control-character", "model.yaml:9:13"),
        ("stable: 42", "~: 42", "key-not-text", "model.yaml:13:5"),
        ("stable: 42", "stable: 042", "unclear-number", "model.yaml:13:13"),
    ],
)
def test_what_is_ambiguous_inside_a_document_is_a_problem(old: str, new: str, rule: str, where: str) -> None:
    found = read({"fleet.yaml": FLEET, "model.yaml": model_with(old, new)}).problems
    assert (rule, where) in [(problem.rule, str(problem.place)) for problem in found]


def test_a_file_of_fifty_megabytes_is_refused_without_being_read() -> None:
    before = time.perf_counter()
    problem = only(b"a: " + b"x" * 50_000_000)
    assert problem.rule == "file-too-large"
    assert time.perf_counter() - before < 1


def test_a_file_cut_one_byte_above_the_limit_is_refused() -> None:
    assert only(b"#" * (parse.MAX_BYTES + 1)).rule == "file-too-large"


def test_an_alias_bomb_ends_early() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]
    assert only("\n".join(lines)).rule == "too-many-values"


def test_an_alias_stands_for_its_value() -> None:
    twice = FLEET.replace("labels: {tier: canary}", "labels: &all {tier: prod}").replace(
        "labels: {tier: prod}}", "labels: *all}"
    )
    assert rules(fleet=twice) == []


@pytest.mark.parametrize("opening", ["[", "{a: ", "- "])
def test_deep_nesting_ends_early(opening: str) -> None:
    assert only(opening * 100_000).rule == "too-deep"


def test_too_many_documents_end_early() -> None:
    assert "too-many-documents" in {problem.rule for problem in read({"a.yaml": "--- 1\n" * 3000}).problems}


def test_a_file_full_of_problems_reports_a_bounded_number() -> None:
    wide = "\n".join(f"k{n}: 010" for n in range(5000))
    assert len(read({"a.yaml": wide}).problems) <= nodes.MAX_FINDINGS + 1


def test_several_documents_may_share_a_file_and_empty_ones_are_passed_over() -> None:
    both = read({"all.yaml": f"---\n{FLEET}---\n# nothing here\n---\n{MODEL}...\n"})
    assert both.problems == ()
    assert [server.id for server in both.require().servers] == ["eu-gpu/gpu-1", "eu-gpu/gpu-2"]


def test_a_byte_order_mark_and_windows_line_ends_are_fine() -> None:
    text = ("\ufeff" + FLEET).replace("\n", "\r\n")
    assert read({"fleet.yaml": text}).problems == ()


def test_the_yaml_directive_is_fine() -> None:
    assert read({"fleet.yaml": f"%YAML 1.2\n---\n{FLEET}"}).problems == ()


def test_positions_count_characters_from_one() -> None:
    (document,) = reading.documents("a: {é: 'ü', b: 1}", [])
    assert document.find("a", "b").key_position == (1, 13)
    assert document.find("a", "b").position == (1, 16)
    assert document.find("a", "nothing", "here") is document.find("a")


def test_documents_before_the_broken_one_are_still_judged() -> None:
    broken = MODEL.replace("specific: [41, 42]", "specific: []") + "---\na: b: c\n"
    found = [problem.rule for problem in read({"fleet.yaml": FLEET, "model.yaml": broken}).problems]
    assert found == ["too-few", "not-yaml"]


@pytest.mark.parametrize("lines", ["  k{}: 1", "  'k {}': [1, 2]"])
def test_a_document_full_of_unknown_fields_is_answered_in_bounded_words(lines: str) -> None:
    text = MODEL + "\n".join(lines.format(number) for number in range(5000))
    assert len(read({"fleet.yaml": FLEET, "model.yaml": text}).problems) <= nodes.MAX_FINDINGS
