"""Where a rollback goes back to."""

import pytest

from reconciler.errors import RevisionRefused
from reconciler.revise import target
from reconciler.state.desired import Commit, DesiredModel, Place
from reconciler.state.history import Asked, Fate, Landing, Row, Spec, Step
from reconciler.state.versions import Specific


def spec(version: int, *, sound: bool = True) -> Spec:
    model = DesiredModel("m", "m", "/m", Specific((version,)))
    return Spec(model if sound else None, Place("m.yaml"), f"key {version}", problem="" if sound else "m.yaml:1:1 bad")


def history(*versions: int | tuple[int, Fate] | None, back_to: int | None = None) -> list[Row]:
    """Rows from the newest on; None is a removal, a fate says how it went. back_to: what the newest has again."""
    rows = []
    for position, each in enumerate(versions):
        version, fate = each if isinstance(each, tuple) else (each, Fate.DONE)
        after = spec(version) if version is not None else None
        step = Step(position, Commit(f"c{position}" * 20, subject=f"number {position}"))
        landings = (Landing("eu/gpu-1", fate),)
        goes = f"c{back_to}" * 20 if position == 0 and back_to is not None else ""
        rows.append(Row(step, "m", Asked("m", None, after), landings, back_to=goes))
    return rows


def chosen(found: target.Target) -> tuple[str, str, int]:
    return found.row.step.commit.subject, found.spec.key, len(found.taken_back)


def test_the_spec_before_is_gone_back_to() -> None:
    assert chosen(target.previous(history(3, 2, 1), "m", 1)) == ("number 1", "key 2", 1)


def test_a_spec_that_was_never_reached_is_passed_over() -> None:
    rows = history(4, (3, Fate.FAILED), (2, Fate.OVERTAKEN), 1)
    assert chosen(target.previous(rows, "m", 1)) == ("number 3", "key 1", 3)


def test_what_is_older_than_the_record_counts_as_reached() -> None:
    assert chosen(target.previous(history(2, (1, Fate.UNRECORDED)), "m", 1)) == ("number 1", "key 1", 1)


def test_steps_count_what_was_reached() -> None:
    assert chosen(target.previous(history(5, 4, (3, Fate.FAILED), 2, 1), "m", 2)) == ("number 3", "key 2", 3)


def test_a_second_rollback_goes_further_back_and_not_to_what_was_taken_back() -> None:
    assert chosen(target.previous(history(2, 3, 2, 1, back_to=2), "m", 1)) == ("number 3", "key 1", 3)


def test_a_model_that_was_removed_comes_back_as_it_was() -> None:
    found = target.previous(history(None, 1), "m", 1)
    assert (chosen(found), found.now) == (("number 1", "key 1", 1), None)


def test_a_model_with_one_spec_has_nothing_to_go_back_to() -> None:
    with pytest.raises(RevisionRefused, match="no earlier deployment that was reached"):
        target.previous(history(1), "m", 1)


def test_more_steps_than_there_are_is_said_with_the_number_there_is() -> None:
    with pytest.raises(RevisionRefused, match="m has 2 earlier deployments that were reached, so 3 steps back"):
        target.previous(history(3, 2, 1), "m", 3)


def test_a_model_that_no_commit_knows_is_refused() -> None:
    with pytest.raises(RevisionRefused, match="No commit of this branch has a Model m"):
        target.previous([], "m", 1)


def test_a_commit_that_says_nothing_of_the_model_means_the_one_before_it() -> None:
    rows = [row for row in history(3, 2, 1) if row.step.position != 1]
    assert chosen(target.at(rows, "m", 1, "c1")) == ("number 2", "key 1", 1)


def test_a_commit_older_than_the_model_is_refused() -> None:
    with pytest.raises(RevisionRefused, match="older than the model m, which came with commit c1c1c1c1c1"):
        target.at(history(2, 1), "m", 5, "c5")


def test_a_commit_in_which_the_model_was_removed_is_refused() -> None:
    with pytest.raises(RevisionRefused, match="was not in the repository in commit c1"):
        target.at(history(2, None, 1), "m", 1, "c1")


def test_a_commit_with_an_invalid_document_is_refused_with_its_problem() -> None:
    rows = history(2, 1)
    bad = Row(rows[1].step, "m", Asked("m", None, spec(1, sound=False)))
    with pytest.raises(RevisionRefused, match=r"m\.yaml:1:1 bad"):
        target.at([rows[0], bad], "m", 1, "c1")
