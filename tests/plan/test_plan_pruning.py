"""prune: the fleet's word, and the Model's, which counts also when its document is gone."""

from dataclasses import replace

import pytest
from builders import COMMIT, FLEET, at, empty, lines, model, planned, reasons, server

from reconciler.invariants import check_pass
from reconciler.state.desired import DesiredModel, DesiredServer, Fleet, Prune, Suspend
from reconciler.state.memory import Standing
from reconciler.state.observed import Observed

PRUNING = replace(FLEET, prune=True)
REMOVED = ["1 removeModel gone"]


def wishing(prune: Prune) -> DesiredModel:
    return replace(model("gone", (1,), stable=1), prune=prune)


def before(prune: Prune) -> Observed:
    return at(server(wishing(prune), model("half", (1,))))


def after(fleet: Fleet) -> DesiredServer:
    return server(model("half", (1,)), fleet=fleet)


@pytest.mark.parametrize(
    ("fleet", "prune", "goes"),
    [
        (FLEET, Prune.INHERIT, False),
        (FLEET, Prune.FORBID, False),
        (FLEET, Prune.ALLOW, True),
        (PRUNING, Prune.INHERIT, True),
        (PRUNING, Prune.ALLOW, True),
        (PRUNING, Prune.FORBID, False),
    ],
)
def test_a_model_goes_or_stays_as_its_last_document_says_and_else_as_the_fleet(
    fleet: Fleet, prune: Prune, goes: bool
) -> None:
    plan = planned(after(fleet), before(prune))
    assert (lines(plan), reasons(plan)) == ((REMOVED, set()) if goes else ([], {"PruneGuard"}))


def test_the_hold_names_the_document_where_it_was_the_document_that_forbade_it() -> None:
    (hold,) = planned(after(PRUNING), before(Prune.FORBID)).holds
    assert "prune: forbid" in hold.detail
    assert hold.model == "gone"


def test_a_model_that_stays_is_healed_after_a_restart() -> None:
    rest = before(Prune.FORBID)
    both = server(wishing(Prune.FORBID), model("half", (1,)))
    lost = replace(empty(both), standing=Standing.RESTARTED, known_as=rest.sent, wishes=rest.wishes)
    assert "1 addModel gone 1" in lines(planned(after(PRUNING), lost))


def test_one_that_may_not_go_keeps_the_server_from_being_emptied() -> None:
    rest = at(server(wishing(Prune.FORBID), model("half", (1,))))
    plan = planned(server(fleet=PRUNING), rest)
    assert (lines(plan), reasons(plan)) == (["1 removeModel half"], {"PruneGuard"})


def test_a_model_that_is_suspended_and_not_there_is_no_reason_to_empty_its_server() -> None:
    wanted = server(replace(model("half", (1,)), suspend=Suspend("incident", "ada")), fleet=PRUNING)
    plan = planned(wanted, at(server(model("gone", (1,))), wanted))
    assert (lines(plan), reasons(plan)) == ([], {"Suspended", "ChangesFirst"})


def test_a_pass_that_removes_what_its_document_forbids_breaks_an_invariant() -> None:
    allowed = before(Prune.ALLOW)
    body = planned(after(FLEET), allowed).passes[0]
    assert check_pass(after(FLEET), allowed, body) == ()
    assert [each.rule for each in check_pass(after(PRUNING), before(Prune.FORBID), body)] == [6]


def test_a_model_that_git_names_again_is_no_longer_held() -> None:
    plan = planned(server(wishing(Prune.FORBID), model("half", (1,))), before(Prune.FORBID))
    assert plan.as_git_says
    assert COMMIT.prunes_all is False
