from builders import model
from record_history import Branch, at, spec

from reconciler.record import deployments, origins
from reconciler.record.returns import Change
from reconciler.state.entry import Entry, EntryAction, EntryKind


def changes(branch: Branch) -> list[Change]:
    (found,) = deployments.chains(branch.steps())
    return found


def line(number: int, *actions: EntryAction, kind: EntryKind = EntryKind.OUTCOME) -> Entry:
    return Entry(
        number, "", "", kind, number, "c", "Ada", "Ada", "", "", "eu", "eu/gpu-1", "fashion", "x", actions, 1.0, 2.0
    )


def label(to: int | None, outcome: str = "Done", kind: str = "label") -> EntryAction:
    return EntryAction(kind, to, "stable", outcome=outcome)


def test_the_commit_that_wrote_a_label_is_the_last_one_that_changed_that_label() -> None:
    branch = Branch()
    branch.commit(at(41))
    author = branch.commit(at(42))
    branch.commit(spec(model("fashion", (42, 43), stable=42, canary=43)))
    found = origins.set_by(changes(branch), "stable", 42)
    assert found is not None
    assert found.step.commit.id == author


def test_a_version_is_blamed_on_who_listed_it() -> None:
    branch = Branch()
    author = branch.commit(at(41, 42))
    branch.commit(at(42, 41))
    found = origins.set_by(changes(branch), "", 42)
    assert found is not None
    assert found.step.commit.id == author


def test_a_label_that_no_commit_here_wrote_is_blamed_on_none() -> None:
    branch = Branch()
    branch.commit(at(41))
    assert origins.set_by(changes(branch), "canary", 41) is None


def test_a_label_came_with_the_line_that_moved_it_last() -> None:
    lines = [line(1, label(41)), line(2, label(42)), line(3, label(41))]
    assert origins.brought_by(lines, "stable", 41) == origins.Brought(lines[2])


def test_a_label_that_was_set_again_where_it_was_had_come_before() -> None:
    lines = [line(1, label(42)), line(2, label(42))]
    assert origins.brought_by(lines, "stable", 42) == origins.Brought(lines[0], lines[1])


def test_a_move_that_failed_or_is_only_meant_brings_nothing() -> None:
    lines = [line(1, label(42, "Failed")), line(2, label(42), kind=EntryKind.INTENT)]
    assert origins.brought_by(lines, "stable", 42) is None


def test_what_went_with_the_model_has_to_come_again() -> None:
    lines = [line(1, label(42)), line(2, EntryAction("removeModel", outcome="Done"))]
    assert origins.brought_by(lines, "stable", 42) is None


def test_a_label_that_was_taken_away_is_not_there() -> None:
    lines = [line(1, label(42)), line(2, label(None, kind="unlabel"))]
    assert origins.brought_by(lines, "stable", 42) is None


def test_a_version_came_with_its_load() -> None:
    lines = [
        line(1, EntryAction("addModel", 41, outcome="Done")),
        line(2, EntryAction("load", 42, outcome="Done")),
        line(3, EntryAction("unload", 41, outcome="Done")),
    ]
    assert origins.brought_by(lines, "", 42) == origins.Brought(lines[1])
    assert origins.brought_by(lines, "", 41) is None
