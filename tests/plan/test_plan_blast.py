"""Blast radius: what one commit takes off a fleet's servers at once, counted, held, and let go when confirmed."""

from dataclasses import replace

import pytest
from builders import COMMIT, FLEET, at, lines, model, reasons

from reconciler.invariants import check_pass
from reconciler.plan import guarded, plan, plan_server
from reconciler.plan.blast import judged
from reconciler.state.desired import BlastRadius, Commit, Desired, DesiredModel, DesiredServer, Prune

PRUNING = replace(FLEET, prune=True, blast_radius=BlastRadius(2))
CONFIRMED = replace(COMMIT, trailers=(("Blast-Radius", "confirmed"),))
A, B = model("a", (1,), stable=1), model("b", (1,))


def fleet_of(
    count: int, *models: DesiredModel, limits: BlastRadius | None = None, commit: Commit = COMMIT, prune: bool = True
) -> Desired:
    fleet = replace(PRUNING, prune=prune, blast_radius=limits or PRUNING.blast_radius)
    names = [f"gpu-{number}" for number in range(1, count + 1)]
    return Desired(commit, tuple(DesiredServer(fleet, name, name, models=models) for name in names))


def held(before: Desired, after: Desired) -> list[tuple[str, ...]]:
    """The models held on each server."""
    found = judged(after, {"eu": before}).desired.servers
    return [each.blast.models if each.blast else () for each in found]


@pytest.mark.parametrize(
    ("servers", "limits", "holds"),
    [
        (2, BlastRadius(2), False),
        (3, BlastRadius(2), True),
        (1, BlastRadius(0), True),
        (10, BlastRadius(), False),
        (11, BlastRadius(), True),
        (2, BlastRadius(100, 50), False),
        (2, BlastRadius(100, 49), True),
    ],
)
def test_more_removals_or_a_larger_share_than_allowed_are_held(servers: int, limits: BlastRadius, holds: bool) -> None:
    found = held(fleet_of(servers, A, B), fleet_of(servers, B, limits=limits))
    assert found == [("a",) if holds else ()] * servers


def test_a_confirmed_commit_and_one_that_removes_fewer_are_let_through() -> None:
    before = {"eu": fleet_of(3, A, B)}
    assert judged(fleet_of(3, B), before).passed == frozenset()
    assert judged(fleet_of(3, B, commit=CONFIRMED), before).passed == {"eu"}
    two = fleet_of(3, A, B)
    fewer = replace(two, servers=(*fleet_of(2, B).servers, two.servers[2]))
    assert judged(fewer, before).passed == {"eu"}


def test_the_first_commit_of_a_fleet_is_compared_with_nothing() -> None:
    assert judged(fleet_of(3, B), {}).passed == {"eu"}


def test_fewer_versions_moved_models_and_servers_that_left_are_no_removals() -> None:
    before = fleet_of(4, model("a", (1, 2)))
    assert held(before, fleet_of(1, model("a", (2,)))) == [()]


@pytest.mark.parametrize(
    ("fleet_prunes", "wish", "counts"),
    [(False, Prune.INHERIT, False), (False, Prune.ALLOW, True), (True, Prune.FORBID, False), (True, Prune.ALLOW, True)],
)
def test_only_what_would_really_go_counts(fleet_prunes: bool, wish: Prune, counts: bool) -> None:
    before = fleet_of(3, replace(A, prune=wish), B, prune=fleet_prunes)
    assert held(before, fleet_of(3, B, prune=fleet_prunes)) == [("a",) if counts else ()] * 3


def test_a_fleet_that_begins_to_prune_counts_what_its_servers_still_hold() -> None:
    before, after = fleet_of(3, B, prune=False), fleet_of(3, B)
    old = {server.id: {"old": Prune.INHERIT, "b": Prune.INHERIT} for server in after.servers}
    found = judged(after, {"eu": before}, old).desired.servers
    assert [each.blast.models for each in found if each.blast] == [("old",)] * 3


def test_where_the_state_before_cannot_be_read_what_is_remembered_counts() -> None:
    after = fleet_of(3, B)
    old = {server.id: {"old": Prune.INHERIT, "b": Prune.INHERIT} for server in after.servers}
    blast = judged(after, {"eu": None}, old).desired.servers[0].blast
    assert blast is not None
    assert (blast.models, blast.removals, blast.of, blast.since) == (("old",), 3, 6, "")


def test_removals_wait_while_everything_else_of_the_commit_goes() -> None:
    before, after = fleet_of(3, A, B), fleet_of(3, model("b", (2,)), model("c", (1,)))
    found = judged(after, {"eu": before}).desired
    made = plan(
        found,
        {
            each.id: replace(at(was, each), server=each.id)
            for was, each in zip(before.servers, found.servers, strict=True)
        },
    )
    assert lines(made.servers[0]) == ["1 load b 2", "2 unload b 1", "3 addModel c 1"]
    assert reasons(made.servers[0]) == {"BlastRadius"}
    (hold,) = made.servers[0].holds
    assert "3 of 6 placements of Fleet eu" in hold.detail
    assert "maxRemovals: 2" in hold.detail
    assert "Blast-Radius: confirmed" in hold.released_by


def test_a_pass_that_removes_what_is_held_breaks_an_invariant() -> None:
    before, after = fleet_of(3, A, B), fleet_of(3, B)
    server = judged(after, {"eu": before}).desired.servers[0]
    observed = at(before.servers[0], server)
    free = plan_server(COMMIT, server, observed)
    assert "removeModel a" in lines(free)[0]
    assert [each.rule for each in check_pass(server, observed, free.passes[0])] == [6]
    assert plan_server(COMMIT, server, observed, guarded(server, observed, free, None)).next_pass is None
