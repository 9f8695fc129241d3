"""What history tells of a local pin: apart from the way of the commit that was in force meanwhile."""

from record_history import Branch, at

from reconciler.state.entry import Initiator
from reconciler.state.history import Fate, Row
from reconciler.state.outcome import Condition, ConditionStatus, ConditionType, Sync


def row_of(branch: Branch, commit: str) -> Row:
    return next(row for row in branch.rows() if row.step.commit.id == commit)


def test_what_a_local_pin_sent_is_not_told_as_the_commits_way() -> None:
    branch = Branch()
    first = branch.commit(at(41))
    branch.sends(first)
    second = branch.commit(at(42))
    mine = branch.sends(second, parent=first)
    branch.sends(second, parent=second, by=Initiator.PIN)
    held = Condition(ConditionType.PINNED, ConditionStatus.TRUE, "RolledBackLocally", "Held to commit c1", 1500.0)
    branch.stands(second, "eu/gpu-1", sync=Sync.OUT_OF_SYNC, condition=held)
    row = row_of(branch, second)
    landing = next(each for each in row.landings if each.server == "eu/gpu-1")
    assert (landing.entries[0], len(landing.entries), landing.pinned) == (mine, 2, 1)
    assert (landing.fate, landing.because) == (Fate.HELD, "RolledBackLocally: Held to commit c1")


def test_a_commit_stays_done_when_a_pin_came_and_another_commit_followed() -> None:
    branch = Branch()
    first = branch.commit(at(41))
    branch.sends(first)
    branch.sends(first, parent=first, by=Initiator.PIN)
    second = branch.commit(at(42))
    branch.sends(second, parent=second)
    branch.stands(second)
    landing = next(each for each in row_of(branch, first).landings if each.server == "eu/gpu-1")
    assert (landing.fate, landing.pinned) == (Fate.DONE, 1)


def test_the_commit_that_was_made_of_a_pin_has_its_own_lines() -> None:
    branch = Branch()
    branch.sends(branch.commit(at(41)))
    second = branch.commit(at(42), trailers=(("Rollback-Trigger", "pin"),))
    mine = branch.sends(second, by=Initiator.PIN)
    branch.stands(second)
    assert row_of(branch, second).deployment == mine
