"""Whole documents moved between files, and found in them."""

import json

import pytest

from reconciler import revise
from reconciler.errors import RevisionRefused

ONE = "kind: Model\nmetadata: {name: one}\nspec: {v: 1}\n"
TWO = "kind: Model\nmetadata: {name: two}\nspec: {v: 2} # two\n"


def test_a_model_is_found_in_its_file_and_place() -> None:
    files = [("a.yaml", ONE), ("b.yaml", f"# head\n---\nkind: Fleet\n---\n{TWO}")]
    assert revise.find(files, "Model", "two") == revise.Where("b.yaml", 1)


def test_a_fleet_of_the_same_name_is_another_document() -> None:
    assert revise.find([("a.yaml", ONE)], "Fleet", "one") is None


def test_a_file_that_does_not_hold_the_name_may_be_broken() -> None:
    assert revise.find([("broken.yaml", "a: [\n"), ("a.yaml", ONE)], "Model", "one") == revise.Where("a.yaml", 0)


def test_a_broken_file_that_may_hold_the_model_is_named() -> None:
    with pytest.raises(RevisionRefused, match=r"broken\.yaml: line"):
        revise.find([("broken.yaml", "one: [\n")], "Model", "one")


def test_bytes_that_are_no_text_are_named() -> None:
    with pytest.raises(RevisionRefused, match=r"a\.yaml: byte 3"):
        revise.decoded("a.yaml", b"ab\xff")


def test_the_only_document_is_restored_with_its_comments() -> None:
    old = "# Owned by vision.\n" + ONE
    assert revise.replace_document("# new\n" + TWO, 0, revise.cut(old)) == old


def test_a_document_in_the_middle_is_restored_between_the_others() -> None:
    head = f"# head\n---\n{ONE}--- # second\n{TWO}---\nkind: Fleet\n"
    restored = revise.replace_document(head, 1, revise.cut(ONE))
    assert restored == f"# head\n---\n{ONE}---\n{ONE}---\nkind: Fleet\n"


def test_a_document_behind_a_marker_loses_it_at_the_top() -> None:
    assert revise.replace_document(ONE, 0, revise.cut(f"{ONE}--- # second\n{TWO}", 1)) == "# second\n" + TWO


def test_a_document_without_line_end_gets_one_when_something_follows() -> None:
    restored = revise.replace_document(f"{ONE}---\n{TWO}", 0, revise.cut(ONE.rstrip("\n")))
    assert restored == f"{ONE}---\n{TWO}"


def test_line_ends_are_those_of_the_file_that_takes_the_document() -> None:
    head = f"{ONE}---\n{TWO}".replace("\n", "\r\n")
    assert revise.replace_document(head, 1, revise.cut(TWO)) == head


def test_a_document_is_appended_to_a_file_without_a_last_line_end() -> None:
    assert revise.append_document(ONE.rstrip("\n"), revise.cut(TWO)) == f"{ONE}---\n{TWO}"


def test_a_document_is_appended_to_a_file_that_has_none() -> None:
    assert revise.append_document("# nothing yet", revise.cut(TWO)) == f"# nothing yet\n{TWO}"


def test_a_document_is_the_whole_of_an_empty_file() -> None:
    assert revise.append_document("", revise.cut(TWO)) == TWO


def test_a_closed_document_goes_with_the_line_that_closes_it() -> None:
    assert revise.remove_document(f"{ONE}...\n# between\n---\n{TWO}", 0) == f"# between\n---\n{TWO}"


def test_empty_documents_count() -> None:
    assert revise.find([("a.yaml", f"---\n---\n{TWO}")], "Model", "two") == revise.Where("a.yaml", 1)


def test_a_message_ends_with_its_trailers() -> None:
    said = revise.compose("Roll back one", ["Because of  this."], [("Rollback-Of", "abc"), ("Rollback-Reason", "")])
    assert said == "Roll back one\n\nBecause of this.\n\nRollback-Of: abc\n"


def test_a_reason_cannot_forge_a_trailer() -> None:
    said = revise.compose("Roll back", [], [("Rollback-Reason", "bad\nModel-Prune: all\u2028x")])
    assert said.split("\n\n")[1] == "Rollback-Reason: bad Model-Prune: all x\n"


def test_a_key_that_git_would_not_read_is_refused() -> None:
    with pytest.raises(ValueError, match="no trailer"):
        revise.compose("x", [], [("a b", "c")])


def test_a_document_that_is_json_stays_json() -> None:
    text = '{"spec": {"versions": {"specific": [41, 42]}, "labels": {"stable": 41}}}'
    made = revise.set_labels(text, 0, {"canary": 42})
    assert json.loads(made)["spec"]["labels"] == {"stable": 41, "canary": 42}
