"""What bots decide from facts alone; how it goes in a running system is in tests/sim."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from propose_facts import NOW, facts, failed, half, history, well

from reconciler import propose
from reconciler.propose import Bot, Edit, Made, Proposal, Stands, State, Waiting
from reconciler.propose.discovery import matches
from reconciler.state.automation import Automation, Discover, OnFailure, Promotion, Via
from reconciler.state.versions import Latest

PUSH = Automation(OnFailure.PUSH)
PROMOTE = Automation(promotion=Promotion(drop_old=True))
DISCOVER = Automation(discover=Discover())


def reason(found: Proposal | Waiting | None) -> str:
    assert isinstance(found, Waiting), found
    return found.reason


def proposed(found: Proposal | Waiting | None) -> Proposal:
    assert isinstance(found, Proposal), found
    return found


def broken() -> propose.Facts:
    """Version 2 has failed, version 1 is still served."""
    old, new = half(PUSH, 1, stable=1), half(PUSH, 2, stable=2)
    return facts(new, [Stands("eu/gpu-1", failed=failed(old))], history(old, new))


# -- rollback ---------------------------------------------------------------------------------------------------------


def test_the_last_good_spec_is_gone_back_to_as_it_last_was() -> None:
    old, new = half(PUSH, 1, stable=1), half(PUSH, 2, stable=2)
    known = history(old, old, new)
    found = proposed(propose.rollback(facts(new, [Stands("eu/gpu-1", failed=failed(old))], known)))
    assert (found.of.subject, found.to and found.to.subject) == ("commit c", "commit b")
    assert (found.key, found.branch, found.via) == ("01234567", "", Via.PUSH)


def test_a_later_commit_that_leaves_the_spec_is_not_what_is_taken_back() -> None:
    old, new = half(PUSH, 1, stable=1), half(PUSH, 2, stable=2)
    found = proposed(propose.rollback(facts(new, [Stands("a", failed=failed(old))], history(old, new, new))))
    assert found.of.subject == "commit b"


def test_a_branch_bears_the_model_and_the_spec_in_its_name() -> None:
    branch = Automation(OnFailure.BRANCH)
    old, new = half(branch, 1, stable=1), half(branch, 2, stable=2)
    found = proposed(propose.rollback(facts(new, [Stands("a", failed=failed(old))], history(old, new))))
    assert found.branch == "reconciler/rollback/half-01234567"


def test_of_two_servers_that_had_different_specs_the_newer_one_comes_back() -> None:
    one, two, three = (half(PUSH, each, stable=each) for each in (1, 2, 3))
    stands = [Stands("a", failed=failed(one)), Stands("b", failed=failed(two))]
    found = proposed(propose.rollback(facts(three, stands, history(one, two, three))))
    assert found.to is not None
    assert found.to.subject == "commit b"


@pytest.mark.parametrize(
    ("chapters", "why"),
    [
        (history(half(PUSH, 9, stable=9), half(PUSH, 2, stable=2)), "GoodNotInHistory"),
        (history(half(PUSH, 9, stable=9)), "HistoryUnread"),
        (history(*(half(PUSH, each, stable=each) for each in (2, 1, 2)), made_by_bots=[2]), "RevertFailed"),
    ],
)
def test_what_history_does_not_allow_is_left_to_a_person(chapters: tuple[propose.Chapter, ...], why: str) -> None:
    assert reason(propose.rollback(replace(broken(), chapters=chapters))) == why


def test_a_trailer_that_anybody_can_write_does_not_keep_a_failed_spec_in_git() -> None:
    """It calls itself an automatic rollback, and goes back to nothing that ever was."""
    forged = history(half(PUSH, 1, stable=1), half(PUSH, 2, stable=2), made_by_bots=[1])
    assert proposed(propose.rollback(replace(broken(), chapters=forged))).of.subject == "commit b"


def test_trailers_of_others_do_not_count_as_specs_taken_back_in_a_row() -> None:
    specs = [half(PUSH, each, stable=each) for each in (1, 3, 4, 5, 2)]
    known = history(*specs, made_by_bots=[1, 2, 3])
    found = proposed(propose.rollback(replace(broken(), chapters=known)))
    assert (found.of.subject, found.to and found.to.subject) == ("commit e", "commit a")


def test_a_revert_whose_checks_are_other_ones_by_now_is_still_a_revert() -> None:
    """A file of its checks is shared, so it stayed as it was."""
    old, new = half(PUSH, 1, stable=1), half(PUSH, 2, stable=2)
    first, second, third = history(new, old, new, made_by_bots=[2])
    assert first.spec is not None
    chapters = (replace(first, spec=replace(first.spec, checks=("other",))), second, third)
    assert reason(propose.rollback(replace(broken(), chapters=chapters))) == "RevertFailed"


def test_a_spec_that_fails_on_another_server_later_is_not_proposed_a_second_time() -> None:
    """Where storage differs the same spec has another digest there."""
    branch = Automation(OnFailure.BRANCH)
    old, new = half(branch, 1, stable=1), half(branch, 2, stable=2)
    known = history(old, new)
    made = Made(Bot.ROLLBACK, "01234567", "f" * 40, known[0].first.id, "b" * 40, "reconciler/x", State.PUSHED, NOW)
    first = replace(failed(old), digest="sha256:fedcba9876543210")
    stands = [Stands("eu/gpu-0", failed=first), Stands("eu/gpu-1", failed=failed(old))]
    assert reason(propose.rollback(replace(facts(new, stands, known), made=(made,)))) == "Proposed"


def test_a_server_that_is_still_being_put_back_is_waited_for() -> None:
    old, new = half(PUSH, 1, stable=1), half(PUSH, 2, stable=2)
    stands = [Stands("a", failed=failed(old, at_rest=False))]
    assert reason(propose.rollback(facts(new, stands, history(old, new)))) == "Freezing"


def test_a_head_that_is_not_in_force_is_waited_for() -> None:
    found = propose.rollback(replace(broken(), unsettled="the newest commit is not in force"))
    assert reason(found) == "HeadNotInForce"


def test_a_commit_that_may_not_have_arrived_is_taken_up_again_where_its_base_still_is_the_head() -> None:
    known = broken()
    made = Made(Bot.ROLLBACK, "01234567", "f" * 40, "b" * 40, known.head.id, "", State.MADE, NOW - 1)
    assert proposed(propose.rollback(replace(known, made=(made,)))).resume == "f" * 40
    moved = replace(made, base="0" * 40)
    assert proposed(propose.rollback(replace(known, made=(moved,)))).resume == ""


def test_a_refused_push_waits_ten_minutes_and_quotes_the_remote() -> None:
    known = broken()
    made = Made(Bot.ROLLBACK, "01234567", "f" * 40, "b" * 40, known.head.id, "", State.REFUSED, NOW - 1, "protected")
    found = propose.rollback(replace(known, made=(made,)))
    assert isinstance(found, Waiting)
    assert (found.reason, found.until, found.stuck) == ("PushRefused", NOW + 599, True)
    assert "protected" in found.words
    assert proposed(propose.rollback(replace(known, made=(made,), now=NOW + 600))).resume == "f" * 40


def test_the_message_of_a_rollback_has_the_evidence_and_every_trailer() -> None:
    said = propose.message(replace(proposed(propose.rollback(broken())), deployment="d41"))
    assert said.subject == "Roll back half: commit b"
    assert any("expected 1, got 2" in each for each in said.paragraphs)
    assert [key for key, _ in said.trailers] == [
        "Rollback-Of",
        "Rollback-To",
        "Rollback-Scope",
        "Rollback-Reason",
        "Rollback-Trigger",
        "Deployment-Id",
        "Reconciler-Bot",
    ]


@pytest.mark.parametrize(
    ("state", "branch", "why"),
    [
        (State.MADE, "", "Reverted"),
        (State.PUSHED, "", "Reverted"),
        (State.PUSHED, "reconciler/rollback/half-1", "Proposed"),
        (State.REFUSED, "", "PushRefused"),
    ],
)
def test_the_status_says_how_far_the_revert_is(state: State, branch: str, why: str) -> None:
    made = Made(Bot.ROLLBACK, "1", "f" * 40, "b" * 40, "b" * 40, branch, state, NOW)
    said = propose.notice(made)
    assert said.reason == why
    assert "f" * 10 in said.message


# -- promotion --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("drop_old", "versions"),
    [(True, (2,)), (False, (1, 2))],
)
def test_a_promotion_moves_the_label_and_drops_what_no_label_points_at(
    drop_old: bool, versions: tuple[int, ...]
) -> None:
    wanted = half(PROMOTE, 1, 2, stable=1, canary=2)
    assert propose.moved(wanted, "canary", "stable", drop_old=drop_old) == Edit((("stable", 2),), versions)


def test_a_promotion_may_name_a_label_that_is_not_there_yet() -> None:
    assert propose.moved(half(PROMOTE, 2, canary=2), "canary", "stable", drop_old=False) == Edit((("stable", 2),), (2,))


def test_a_promotion_that_is_done_may_still_drop_the_old_version() -> None:
    wanted = half(PROMOTE, 1, 2, stable=2, canary=2)
    assert propose.moved(wanted, "canary", "stable", drop_old=True) == Edit((), (2,))


def test_what_cannot_be_promoted_is_said_in_words() -> None:
    wanted = half(PROMOTE, 1, stable=1)
    assert propose.moved(wanted, "canary", "stable", drop_old=True) == "half has no label canary; its labels: stable"
    assert "stable is on version 1 already" in str(propose.moved(wanted, "stable", "stable", drop_old=True))
    chosen = replace(wanted, policy=Latest(1), labels=())
    assert "the server chooses" in str(propose.moved(chosen, "canary", "stable", drop_old=True))


def test_a_version_that_failed_on_any_server_is_not_promoted() -> None:
    wanted = half(PROMOTE, 1, 2, stable=1, canary=2)
    known = facts(wanted, [well("a"), well("b", bad=[2])], history(wanted))
    assert reason(propose.promotion(known)) == "VersionFailed"


# -- discovery --------------------------------------------------------------------------------------------------------


def test_a_version_that_one_server_does_not_see_is_not_taken_up() -> None:
    wanted = half(DISCOVER, 1, stable=1)
    known = facts(wanted, [well("a", stored=[1, 2]), well("b", stored=[1])], history(wanted))
    assert reason(propose.discovery(known)) == "NothingNew"


def test_an_older_version_is_not_taken_up_in_place_of_one_that_was_taken_back() -> None:
    """3 lay in storage too when 4 was taken up, and was passed over; a person's revert of 4 does not bring it."""
    now, then = half(DISCOVER, 1, canary=1), half(DISCOVER, 4, canary=4)
    found = propose.discovery(facts(now, [well(stored=[1, 3, 4])], history(now, then, now)))
    assert isinstance(found, Waiting)
    assert "3 is older than 4, which was taken off its label after commit bbbbbbbbbb" in found.words


@pytest.mark.parametrize("bot", [propose.discovery, propose.promotion])
def test_nothing_new_is_committed_where_nothing_may_begin(
    bot: Callable[[propose.Facts], Proposal | Waiting | None],
) -> None:
    wanted = half(Automation(promotion=Promotion(bake=60.0), discover=Discover()), 1, 2, stable=1, canary=2)
    shut = replace(well(stored=[1, 2, 3]), closed="night of Fleet eu lets no change begin")
    found = bot(facts(wanted, [shut], history(wanted)))
    assert reason(found) == "Closed"


VERSIONS = st.sets(st.integers(1, 12), min_size=1, max_size=6)


@given(VERSIONS, VERSIONS, st.sets(st.integers(1, 12)), st.sets(st.integers(1, 12)), st.integers(0, 2))
def test_a_version_taken_up_is_new_higher_whole_and_not_refused(
    listed: set[int], stored: set[int], blocked: set[int], bad: set[int], keep: int
) -> None:
    automation = Automation(discover=Discover(keep=keep), blocked=tuple(sorted(blocked)))
    top = min(listed)
    wanted = half(automation, *sorted(listed), stable=top)
    before = half(automation, 6, canary=6)
    known = facts(wanted, [well(stored=sorted(stored), bad=sorted(bad))], history(before, wanted))
    found = propose.discovery(known)
    if isinstance(found, Proposal):
        assert found.edit is not None
        version = dict(found.edit.labels)["canary"]
        assert version > max(top, 6)
        assert version in stored - blocked - bad
        assert {version, top} <= set(found.edit.versions)
        assert len(found.edit.versions) <= 2 + keep
    else:
        assert not {each for each in stored if each > max(top, 6)} - blocked - bad


@given(st.integers(1, 2**63 - 1))
def test_every_version_matches_its_own_digits_and_a_star(version: int) -> None:
    assert matches(str(version), version)
    assert matches("*", version)
    assert matches("?" * len(str(version)), version)
    assert not matches("?" * (len(str(version)) + 1), version)
