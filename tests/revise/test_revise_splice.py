"""Edits of files as people write them."""

import textwrap

import pytest

from reconciler import revise
from reconciler.errors import RevisionRefused

MODEL = """\
# Owned by vision.
apiVersion: reconciler.tfserving/v1alpha1
kind: Model
metadata: {name: fashion}
spec:
  basePath: /models/fashion   # on the servers
  versions:
    specific: [41, 42]        # 41 until the clients moved
  labels:
    stable: 41   # everybody
    canary: "42"
"""

BLOCK = """\
kind: Model
metadata:
  name: fashion
spec:
  versions:
    specific:
    - 41  # old
    # the new one
    - 43
"""


def text(written: str) -> str:
    return textwrap.dedent(written)


def test_a_label_moves_and_its_comment_stays() -> None:
    moved = revise.set_labels(MODEL, 0, {"stable": 42})
    assert moved == MODEL.replace("stable: 41 ", "stable: 42 ")


def test_a_version_written_as_a_text_stays_a_text() -> None:
    assert revise.set_labels(MODEL, 0, {"canary": 43}) == MODEL.replace('"42"', '"43"')


def test_a_label_that_already_points_there_changes_nothing() -> None:
    assert revise.set_labels(MODEL, 0, {"stable": 41, "canary": 42}) == MODEL


def test_a_new_label_comes_last() -> None:
    assert revise.set_labels(MODEL, 0, {"shadow": 41}) == MODEL + "    shadow: 41\n"


def test_a_label_is_removed_with_its_line() -> None:
    assert revise.set_labels(MODEL, 0, {"canary": None}) == MODEL.replace('    canary: "42"\n', "")


def test_the_only_label_leaves_an_empty_mapping() -> None:
    written = "spec:\n  labels:  # none yet\n    stable: 41\n  basePath: /m\n"
    left = revise.set_labels(written, 0, {"stable": None})
    assert left == "spec:\n  labels: {}  # none yet\n  basePath: /m\n"


@pytest.mark.parametrize("missing", ["", "  labels:\n", "  labels: {}\n", "  labels: ~\n"])
def test_the_first_label_of_a_model_finds_its_place(missing: str) -> None:
    written = f"spec:\n  basePath: /m\n{missing}"
    assert revise.values(revise.set_labels(written, 0, {"stable": 41})) == [
        {"spec": {"basePath": "/m", "labels": {"stable": 41}}}
    ]


def test_a_new_version_goes_where_it_belongs() -> None:
    changed = revise.set_versions(BLOCK, 0, [41, 42, 43])
    assert changed == BLOCK.replace("    - 43\n", "    - 42\n    - 43\n")


def test_an_old_version_goes_with_its_comment() -> None:
    assert revise.set_versions(BLOCK, 0, [43]) == BLOCK.replace("    - 41  # old\n", "")


def test_versions_in_brackets_are_exchanged_one_by_one() -> None:
    assert revise.set_versions(MODEL, 0, [42, 43]) == MODEL.replace("[41, 42]", "[42, 43]")


def test_versions_in_no_order_get_the_new_one_last() -> None:
    written = "spec: {versions: {specific: [43, 41]}}\n"
    assert revise.set_versions(written, 0, [43, 41, 42]) == "spec: {versions: {specific: [43, 41, 42]}}\n"


def test_latest_becomes_a_list() -> None:
    written = "spec:\n  versions: {latest: 2}  # the two newest\n  basePath: /m\n"
    changed = revise.set_versions(written, 0, [41, 42])
    assert changed == "spec:\n  versions:  # the two newest\n    specific: [41, 42]\n  basePath: /m\n"


def test_windows_line_ends_stay() -> None:
    written = MODEL.replace("\n", "\r\n")
    changed = revise.set_labels(written, 0, {"stable": 42, "shadow": 41})
    assert changed == written.replace("stable: 41 ", "stable: 42 ") + "    shadow: 41\r\n"


def test_a_missing_last_line_end_stays_missing() -> None:
    assert revise.set_labels("spec:\n  labels:\n    a: 1", 0, {"b": 2}) == "spec:\n  labels:\n    a: 1\n    b: 2"


def test_characters_beyond_the_basic_plane_do_not_shift_the_place() -> None:
    written = "\ufeffowner: 🚀🚀  # 😀\nspec: {labels: {stable: 41}} # 🧯\n"
    assert revise.set_labels(written, 0, {"stable": 42}) == written.replace("41", "42")


def test_json_is_edited_too() -> None:
    written = '{"spec":{"labels":{"stable":41,"canary":42}}}\n'
    assert revise.set_labels(written, 0, {"stable": 42, "canary": None}) == '{"spec":{"labels":{"stable":42}}}\n'


def test_an_alias_can_be_replaced_and_its_anchor_stays() -> None:
    written = "spec:\n  versions: {specific: [&new 42]}\n  labels: {stable: *new}\n"
    assert revise.set_labels(written, 0, {"stable": 43}) == written.replace("*new", "43")


def test_a_value_that_others_point_at_is_not_changed_behind_their_back() -> None:
    written = "spec:\n  labels: {stable: &v 41, canary: *v}\n"
    with pytest.raises(RevisionRefused, match="write out anchors"):
        revise.set_labels(written, 0, {"stable": 42})


def test_a_mapping_that_is_only_pointed_at_takes_no_keys() -> None:
    written = "other: &l {a: 1}\nspec:\n  labels: *l\n"
    with pytest.raises(RevisionRefused, match="line 3"):
        revise.set_labels(written, 0, {"b": 2})


def test_a_label_with_the_name_of_a_truth_value_is_quoted() -> None:
    assert (
        revise.set_labels("spec:\n  labels:\n    a: 1\n", 0, {"on": 2}) == 'spec:\n  labels:\n    a: 1\n    "on": 2\n'
    )


def test_what_is_not_yaml_is_refused_with_the_line() -> None:
    with pytest.raises(RevisionRefused, match="line 2"):
        revise.put("a: 1\n\tb: 2\n", 0, ("a",), 2)


def test_a_document_that_is_not_there_is_refused() -> None:
    with pytest.raises(RevisionRefused, match="1 documents"):
        revise.put("a: 1\n", 1, ("a",), 2)


def test_removing_what_is_not_there_is_refused() -> None:
    with pytest.raises(RevisionRefused, match=r"spec\.labels\.gone"):
        revise.set_labels(MODEL, 0, {"gone": None})


def test_the_first_key_beside_a_dash_makes_room_for_the_next() -> None:
    assert revise.drop("l:\n- a: 1\n  b: 2\n", 0, ("l", 0, "a")) == "l:\n- b: 2\n"


def test_a_comment_below_the_first_key_beside_a_dash_stays() -> None:
    changed = revise.drop("l:\n- a: 1 # x\n  # y\n  b: 2\n", 0, ("l", 0, "a"))
    assert "# y" in changed


def test_a_mapping_goes_in_as_lines() -> None:
    written = "spec:\n  checks:\n    - name: a\n"
    changed = revise.insert(written, 0, ("spec", "checks", 1), {"name": "b", "tolerance": {"abs": 0.5}})
    assert changed == written + "    - name: b\n      tolerance:\n        abs: 0.5\n"


def test_a_text_over_several_lines_is_replaced_whole() -> None:
    assert revise.put("a: |\n  x\n  y\n\nb: 1\n", 0, ("a",), "z") == "a: z\n\nb: 1\n"


def test_a_hostile_text_is_escaped() -> None:
    changed = revise.put("a: 1\n", 0, ("a",), "x\n---\nb: 2 \u2028\x1b[31m")
    assert changed.count("\n") == 1


def test_half_a_character_is_refused() -> None:
    with pytest.raises(RevisionRefused, match="edited safely"):
        revise.put("a: 1\n", 0, ("a",), "\ud800")


def test_labels_of_an_intricate_file_change_and_nothing_else() -> None:
    written = text(
        """\
        %YAML 1.2
        ---
        kind: Fleet
        ...
        # between
        --- # the model
        kind: Model
        "spec":
            labels: {   # who gets what
              'stable': 41,  # everybody
              canary: 42,
            }
        ...
        """
    )
    changed = revise.set_labels(written, 1, {"stable": 42, "canary": None})
    assert changed == written.replace("      canary: 42,\n", "").replace("41", "42")
