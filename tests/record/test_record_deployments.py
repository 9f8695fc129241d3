from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from builders import model
from record_history import Branch, at, reconciling, spec, stalled

from reconciler.record.deployments import Told, of_server, rows
from reconciler.state.desired import Commit
from reconciler.state.entry import Entry, EntryKind, Initiator
from reconciler.state.history import Asked, Fate, Return, Row, Spec, Step
from reconciler.state.outcome import Sync


def fates(row: Row) -> list[tuple[str, Fate]]:
    return [(each.server, each.fate) for each in row.landings]


def by_commit(branch: Branch) -> dict[str, Row]:
    return {row.step.commit.id: row for row in branch.rows()}


def test_a_commit_that_was_applied_everywhere_is_done_on_each_server() -> None:
    branch = Branch()
    first = branch.commit(at(41))
    branch.sends(first)
    branch.sends(first, server="eu/gpu-2")
    branch.stands(first)
    (row,) = branch.rows()
    assert fates(row) == [("eu/gpu-1", Fate.DONE), ("eu/gpu-2", Fate.DONE)]
    assert row.deployment == 1


def test_a_deployment_is_named_by_its_first_line() -> None:
    branch = Branch()
    first = branch.commit(at(41))
    branch.sends(first)
    second = branch.commit(at(42))
    number = branch.sends(second, parent=first)
    branch.sends(second, server="eu/gpu-2")
    branch.stands(second)
    assert by_commit(branch)[second].deployment == number == 3


def test_rows_are_in_the_order_of_history_whatever_the_clocks_said() -> None:
    branch = Branch()
    for version in (41, 42, 43):
        branch.commit(at(version))
    branch.commits = [replace(each, time=9000.0 - number) for number, each in enumerate(branch.commits)]
    assert [row.step.commit.id[:2] for row in branch.rows()] == ["c3", "c2", "c1"]


def test_an_older_wish_was_reached_where_a_later_line_names_it_as_what_stood_before() -> None:
    branch = Branch()
    first = branch.commit(at(41))
    branch.sends(first)
    second = branch.commit(at(42))
    branch.sends(second, parent=first)
    branch.stands(second, "eu/gpu-1")
    assert dict(fates(by_commit(branch)[first]))["eu/gpu-1"] is Fate.DONE


def test_a_wish_that_was_begun_and_not_reached_is_overtaken() -> None:
    branch = Branch()
    first = branch.commit(at(41))
    branch.sends(first)
    second = branch.commit(at(42))
    branch.sends(second, parent=first)
    third = branch.commit(at(43))
    branch.sends(third, parent=first)
    branch.stands(third, "eu/gpu-1")
    row = by_commit(branch)[second]
    assert dict(fates(row))["eu/gpu-1"] is Fate.OVERTAKEN
    assert row.overtaken_by == third


def test_a_commit_that_was_jumped_over_was_never_applied() -> None:
    branch = Branch()
    first = branch.commit(at(41))
    branch.sends(first)
    second = branch.commit(at(42))
    third = branch.commit(at(43))
    branch.sends(third, parent=first)
    branch.stands(third, "eu/gpu-1")
    row = by_commit(branch)[second]
    assert dict(fates(row))["eu/gpu-1"] is Fate.NEVER
    assert row.overtaken_by == third


def test_two_commits_pushed_at_once_were_carried_out_under_the_second() -> None:
    branch = Branch()
    wish = branch.commit(at(41))
    other = branch.commit()
    branch.sends(other)
    branch.stands(other, "eu/gpu-1")
    (row,) = branch.rows()
    assert (row.step.commit.id, row.landings[0].fate, row.landings[0].by) == (wish, Fate.DONE, other)


def test_a_failure_is_told_with_its_evidence() -> None:
    branch = Branch()
    first = branch.commit(at(41))
    branch.sends(first, "Failed", evidence="no such file")
    branch.stands(first, "eu/gpu-1", sync=Sync.OUT_OF_SYNC, condition=stalled("Quarantined", "failed 3 times"))
    landing = branch.rows()[0].landings[0]
    assert (landing.fate, landing.because) == (Fate.FAILED, "no such file")


def test_a_retry_that_succeeds_is_done() -> None:
    branch = Branch()
    first = branch.commit(at(41))
    branch.sends(first, "Failed", evidence="no such file")
    branch.sends(first)
    branch.stands(first)
    assert branch.rows()[0].landings[0].fate is Fate.DONE


def test_what_failed_and_was_put_back_stays_failed() -> None:
    branch = Branch()
    first = branch.commit(at(41))
    branch.sends(first)
    second = branch.commit(at(42))
    branch.sends(second, "Failed", parent=first, evidence="predictions[0]: expected 1, got 2")
    branch.sends(second, parent=first, by=Initiator.RESTORE)
    branch.stands(second, sync=Sync.OUT_OF_SYNC)
    landing = by_commit(branch)[second].landings[0]
    assert (landing.fate, landing.because) == (Fate.FAILED, "predictions[0]: expected 1, got 2")


def test_a_pass_without_an_outcome_is_under_way() -> None:
    branch = Branch()
    first = branch.commit(at(41))
    branch.sends(first, None)
    branch.stands(first, sync=Sync.OUT_OF_SYNC)
    landing = branch.rows()[0].landings[0]
    assert (landing.fate, landing.finished) == (Fate.UNDER_WAY, None)


def test_a_way_of_which_more_is_to_come_is_under_way() -> None:
    branch = Branch()
    first = branch.commit(at(41))
    branch.sends(first)
    branch.stands(first, sync=Sync.OUT_OF_SYNC, condition=reconciling("label stable, then 1 more"))
    assert branch.rows()[0].landings[0].fate is Fate.UNDER_WAY


def test_a_held_wish_says_by_what() -> None:
    branch = Branch()
    first = branch.commit(at(41))
    branch.sends(first)
    second = branch.commit(at(42))
    branch.stands(second, sync=Sync.OUT_OF_SYNC, condition=stalled("ArtifactMissing", "version 42 is not in storage"))
    landing = by_commit(branch)[second].landings[0]
    assert (landing.fate, landing.because) == (Fate.HELD, "ArtifactMissing: version 42 is not in storage")


def test_a_commit_for_which_nothing_had_to_be_sent_says_so() -> None:
    branch = Branch()
    first = branch.commit(at(41))
    branch.sends(first)
    second = branch.commit(at(41, 42))
    branch.stands(second)
    assert by_commit(branch)[second].landings[0].fate is Fate.NOTHING


def test_a_revert_of_what_had_failed_had_nothing_to_send_also_when_it_was_overtaken_later() -> None:
    branch = Branch()
    first = branch.commit(at(41))
    branch.sends(first)
    second = branch.commit(at(42))
    branch.sends(second, "Failed", parent=first)
    branch.sends(second, parent=first, by=Initiator.RESTORE)
    third = branch.commit(at(41))
    fourth = branch.commit(at(43))
    branch.sends(fourth, parent=first)
    branch.stands(fourth, "eu/gpu-1")
    assert dict(fates(by_commit(branch)[third]))["eu/gpu-1"] is Fate.NOTHING


def test_a_revert_of_what_was_reached_was_never_applied_where_it_was_jumped_over() -> None:
    branch = Branch()
    first = branch.commit(at(41))
    branch.sends(first)
    second = branch.commit(at(42))
    branch.sends(second, parent=first)
    third = branch.commit(at(41))
    fourth = branch.commit(at(43))
    branch.sends(fourth, parent=second)
    branch.stands(fourth, "eu/gpu-1")
    assert dict(fates(by_commit(branch)[third]))["eu/gpu-1"] is Fate.NEVER


def test_who_signed_the_newer_commit_did_not_sign_the_one_that_was_carried_out_under_it() -> None:
    branch = Branch()
    first = branch.commit(at(41))
    other = branch.commit()
    branch.sends(other)
    branch.entries = [replace(each, signer="ada@example.org") for each in branch.entries]
    branch.stands(other)
    assert by_commit(branch)[first].signer == ""


def test_an_invalid_commit_says_what_is_wrong_with_it() -> None:
    branch = Branch()
    first = branch.commit(at(41))
    branch.sends(first)
    unsound = Spec(None, at(41).place, "unsound", problem="m.yaml:4:1 missing-field")
    second = branch.commit(unsound, problem=unsound.problem)
    branch.stands(first)
    assert {each.fate for each in by_commit(branch)[second].landings} == {Fate.INVALID}


def test_what_follows_an_invalid_commit_is_told_against_the_last_sound_one() -> None:
    branch = Branch()
    branch.commit(at(41))
    branch.commit(Spec(None, at(41).place, "unsound", problem="m.yaml:4:1"), problem="m.yaml:4:1")
    third = branch.commit(at(42))
    asked = by_commit(branch)[third].asked
    assert asked is not None
    assert asked.before == at(41)


def test_a_commit_that_is_not_in_force_yet_waits_and_says_why() -> None:
    branch = Branch()
    first = branch.commit(at(41))
    branch.sends(first)
    second = branch.commit(at(42))
    branch.stands(first)
    branch.waits = "the host does not answer"
    landing = by_commit(branch)[second].landings[0]
    assert (landing.fate, landing.because) == (Fate.WAITING, "the host does not answer")


def test_commits_from_before_the_record_are_said_to_be_so() -> None:
    branch = Branch()
    first = branch.commit(at(41))
    second = branch.commit(at(42))
    branch.sends(second)
    branch.stands(second, "eu/gpu-1")
    assert by_commit(branch)[first].landings[0].fate is Fate.UNRECORDED


def test_what_is_put_right_under_a_commit_about_others_is_a_row_of_that_commit() -> None:
    branch = Branch()
    first = branch.commit(at(41))
    branch.sends(first)
    other = branch.commit()
    number = branch.sends(other, parent=first, by=Initiator.DRIFT)
    branch.stands(other)
    found = by_commit(branch)
    assert (found[other].asked, found[other].deployment, fates(found[other])) == (
        None,
        number,
        [("eu/gpu-1", Fate.DONE)],
    )
    assert (found[first].landings[0].fate, found[first].landings[0].healed) == (Fate.DONE, 1)


def test_a_commit_about_others_under_which_nothing_was_done_is_no_row() -> None:
    branch = Branch()
    first = branch.commit(at(41))
    branch.sends(first)
    other = branch.commit()
    branch.stands(other)
    assert [row.step.commit.id for row in branch.rows()] == [first]


def test_a_document_that_is_as_it_was_takes_back_everything_in_between() -> None:
    branch = Branch()
    first, second, third, fourth = (branch.commit(at(version)) for version in (41, 42, 43, 41))
    found = by_commit(branch)
    assert found[fourth].back_to == first
    assert found[third].rolled_back_by == found[second].rolled_back_by == (Return(fourth, True),)
    assert found[first].rolled_back_by == ()


def test_a_revert_of_a_revert_takes_back_the_revert() -> None:
    branch = Branch()
    _, second, third, fourth = (branch.commit(at(version)) for version in (41, 42, 41, 42))
    found = by_commit(branch)
    assert found[third].rolled_back_by == (Return(fourth, True),)
    assert found[fourth].back_to == second


def test_a_revert_with_later_changes_kept_is_proven_by_what_it_undoes() -> None:
    branch = Branch()
    branch.commit(spec(model("fashion", (41,), stable=41)))
    second = branch.commit(spec(model("fashion", (41, 42), stable=42)))
    branch.commit(spec(model("fashion", (41, 42, 43), stable=42)))
    fourth = branch.commit(spec(model("fashion", (41, 42, 43), stable=41)), reverts=(second,))
    assert by_commit(branch)[second].rolled_back_by == (Return(fourth, True),)


def test_a_trailer_that_names_what_it_does_not_undo_is_a_claim() -> None:
    branch = Branch()
    branch.commit(at(41))
    second = branch.commit(at(42, 41))
    third = branch.commit(at(42, 41, 40), trailers=(("Rollback-Of", second[:12]),))
    assert by_commit(branch)[second].rolled_back_by == (Return(third, False),)


def test_a_trailer_in_a_commit_about_others_takes_nothing_back() -> None:
    branch = Branch()
    first = branch.commit(at(41))
    branch.commit(trailers=(("Rollback-Of", first),))
    assert by_commit(branch)[first].rolled_back_by == ()


def test_a_removal_is_judged_on_the_servers_where_the_model_was() -> None:
    branch = Branch()
    first = branch.commit(at(41))
    branch.sends(first)
    second = branch.commit(None)
    branch.sends(second, parent=first)
    branch.in_force = second
    assert dict(fates(by_commit(branch)[second]))["eu/gpu-1"] is Fate.DONE


def test_lines_of_commits_that_are_not_on_the_line_belong_to_nothing() -> None:
    branch = Branch()
    first = branch.commit(at(41))
    branch.sends("f" * 40)
    branch.stands(first)
    assert branch.rows()[0].deployment == 0


def test_lines_of_another_model_of_the_same_name_elsewhere_are_not_taken() -> None:
    branch = Branch()
    first = branch.commit(at(41))
    branch.sends(first, server="us/gpu-9")
    branch.stands(first)
    assert [each.server for each in branch.rows()[0].landings] == ["eu/gpu-1", "eu/gpu-2"]


def test_the_history_of_a_server_shows_what_happened_there() -> None:
    branch = Branch()
    first = branch.commit(at(41))
    branch.sends(first)
    number = branch.sends(first, server="eu/gpu-2")
    branch.stands(first)
    (row,) = of_server(branch.rows(), "gpu-2")
    assert (fates(row), row.deployment) == ([("eu/gpu-2", Fate.DONE)], number)
    assert of_server(branch.rows(), "eu/gpu-7") == ()


def test_every_model_of_a_large_fleet_is_joined_with_its_own_lines_only() -> None:
    """Looking through all lines for each model took 5 s with 500 models and 20,000 lines."""

    class Counted(Sequence[Entry]):
        """Lines, and how often one was looked at."""

        def __init__(self, lines: Sequence[Entry]) -> None:
            self.lines, self.looks = lines, 0

        def __getitem__(self, index: Any) -> Any:
            self.looks += 1
            return self.lines[index]

        def __len__(self) -> int:
            return len(self.lines)

    steps = [Step(0, Commit("c0"), tuple(Asked(f"m{each}", None, None) for each in range(50)))]
    entry = Entry(1, "", "", EntryKind.INTENT, 1, "c0", "", "", "", "", "eu", "eu/gpu-1", "m1", "", (), 1.0)
    lines = Counted([entry] * 20)
    assert len(rows(steps, Told(entries=lines, positions={"c0": 0}))) == 50
    assert lines.looks <= 2 * len(lines)
