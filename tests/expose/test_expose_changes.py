from collections.abc import Callable
from dataclasses import replace

import pytest

from reconciler.expose.changes import Changes, between
from reconciler.state.check import Check, CheckKind
from reconciler.state.desired import (
    BlastRadius,
    Commit,
    Desired,
    DesiredModel,
    DesiredServer,
    Fleet,
    Place,
    Suspend,
    Transition,
    TransitionPolicy,
)
from reconciler.state.versions import Latest, specific

HALF = DesiredModel("half", "half", "/models/half", specific(1), (("stable", 1),), place=Place("models/half.yaml", 4))
EU = Fleet("eu")


def desired(*models: DesiredModel, servers: int = 1, fleet: Fleet = EU) -> Desired:
    named = [f"gpu-{number}" for number in range(1, servers + 1)]
    return Desired(Commit("c"), tuple(DesiredServer(fleet, name, f"{name}:8500", models=models) for name in named))


def one(after: DesiredModel, before: DesiredModel = HALF) -> Changes:
    return between(desired(before), desired(after))


def test_equal_commits_have_no_changes() -> None:
    assert between(desired(HALF, servers=3), desired(HALF, servers=3)) == Changes()


def test_a_document_that_only_moved_is_no_change() -> None:
    assert one(replace(HALF, place=Place("elsewhere.yaml", 9))) == Changes()


def test_labels_say_from_where_to_where() -> None:
    before = replace(HALF, labels=(("canary", 2), ("old", 1), ("stable", 1)))
    after = replace(HALF, labels=(("canary", 3), ("new", 3), ("stable", 1)))
    assert one(after, before).models[0].labels == ("canary 2 → 3", "new 3 (new)", "old 1 (goes)")


def test_versions_say_what_comes_and_what_goes() -> None:
    changed = one(replace(HALF, policy=specific(2, 3)))
    assert changed.models[0].versions == ("+2", "+3", "−1")


def test_another_way_of_choosing_versions_is_said_whole() -> None:
    assert one(replace(HALF, policy=Latest(2), labels=())).models[0].versions == ("1 → latest 2",)


CHECK = Check("golden", CheckKind.REQUEST, "{}", "{}")


@pytest.mark.parametrize(
    ("after", "said"),
    [
        (replace(HALF, base_path="/other"), "basePath /models/half → /other"),
        (replace(HALF, transition=Transition(TransitionPolicy.RESOURCE)), "policy availability → resource"),
        (replace(HALF, transition=Transition(keep_previous=600.0)), "keepPrevious none → 10 min"),
        (replace(HALF, transition=Transition(allow_downtime=True)), "allowDowntime false → true"),
        (replace(HALF, checks=(CHECK,)), "check golden (new)"),
        (replace(HALF, suspend=Suspend("fire", "ada")), "suspended by ada: fire"),
        (replace(HALF, suspend=Suspend("fire", "ada", 60.0)), "suspended until 1970-01-01 00:01:00 UTC by ada: fire"),
    ],
)
def test_everything_else_is_said_in_words(after: DesiredModel, said: str) -> None:
    assert one(after).models[0].rest == (said,)


def test_the_end_of_a_suspension_and_a_changed_check_are_said() -> None:
    before = replace(HALF, suspend=Suspend("fire", "ada"), checks=(CHECK,))
    after = replace(HALF, checks=(replace(CHECK, request="[]"),))
    assert one(after, before).models[0].rest == ("no longer suspended", "check golden changed")


def test_a_check_that_goes_is_said() -> None:
    assert one(HALF, replace(HALF, checks=(CHECK,))).models[0].rest == ("check golden (goes)",)


def test_the_same_change_on_many_servers_is_said_once_with_all_of_them() -> None:
    (change,) = between(desired(HALF, servers=100), desired(replace(HALF, policy=specific(1, 2)), servers=100)).models
    assert len(change.servers) == 100
    assert str(change.place) == "models/half.yaml:4:1"


def test_a_model_that_comes_is_said_with_all_it_has() -> None:
    (change,) = between(desired(), desired(HALF)).models
    assert (change.rest, change.labels, change.versions) == (("new here",), ("stable 1 (new)",), ("1",))


@pytest.mark.parametrize(("prune", "said"), [(True, "removed"), (False, "its fleet does not prune")])
def test_a_model_that_git_drops_is_said_with_what_becomes_of_it(prune: bool, said: str) -> None:
    fleet = Fleet("eu", prune=prune)
    (change,) = between(desired(HALF, fleet=fleet), desired(fleet=fleet)).models
    assert said in change.rest[0]


def test_removals_are_counted_against_what_the_fleet_allows() -> None:
    fleet = Fleet("eu", prune=True, blast_radius=BlastRadius(2, 50))
    found = between(desired(HALF, servers=3, fleet=fleet), desired(servers=3, fleet=fleet)).removals
    assert [(each.gone, each.of, each.limit) for each in found] == [(3, 3, "2, 50 %")]


def test_servers_that_join_bring_their_models_and_servers_that_leave_are_let_go() -> None:
    found = between(desired(HALF, servers=1), desired(HALF, servers=3))
    assert found.fleets == ("Fleet eu: gpu-2 and gpu-3 join",)
    assert found.models[0].servers == ("eu/gpu-2", "eu/gpu-3")
    assert between(desired(servers=2), desired(servers=1)).fleets == ("Fleet eu: gpu-2 leaves: let go, not unloaded",)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda fleet: replace(fleet, prune=True), "Fleet eu: prune false → true"),
        (lambda fleet: replace(fleet, blast_radius=BlastRadius(3)), "Fleet eu: blastRadius changed"),
        (lambda fleet: replace(fleet, suspend=Suspend("move", "bo")), "Fleet eu: suspended by bo: move"),
    ],
)
def test_settings_of_a_fleet_are_said(change: Callable[[Fleet], Fleet], said: str) -> None:
    assert between(desired(), desired(fleet=change(EU))).fleets == (said,)


def test_settings_of_a_server_are_said() -> None:
    before = desired()
    after = replace(before, servers=(replace(before.servers[0], grpc="other:8500"),))
    assert between(before, after).fleets == ("eu/gpu-1: grpc gpu-1:8500 → other:8500",)
