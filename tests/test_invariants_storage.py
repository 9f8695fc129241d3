"""Invariants 7, 8 and 11: what storage must show, new names, base paths."""

from dataclasses import replace

from builders import (
    at,
    config,
    empty,
    facts,
    model,
    server,
    stored,
)
from invariant_pairs import BLIND, BOTH, LOAD, ONE, PRUNING, REMOVE, UNLOAD, Pair, Situation, act, breaks, reload

from reconciler.state.config import ModelConfig, ServerConfig
from reconciler.state.look import PathFacts, Presence, VersionFiles
from reconciler.state.plan import ActionKind, Pass, PassKind
from reconciler.state.versions import Latest, specific

# 7: files were seen


@breaks(7)
def test_a_version_that_is_not_in_storage_is_not_listed() -> Pair:
    """7"""
    body = reload(config(half={"versions": (1, 2), "stable": 1}), act(LOAD, "half", 2))
    observed = stored(at(ONE), "/models/half", 1)
    return Situation(BOTH, observed, body), Situation(BOTH, stored(observed, "/models/half", 1, 2), body)


@breaks(7)
def test_a_half_copied_version_is_not_listed() -> Pair:
    """7"""
    body = reload(config(half={"versions": (1, 2), "stable": 1}), act(LOAD, "half", 2))
    half = (VersionFiles(1), VersionFiles(2, ("variables/",)))
    observed = facts(at(ONE), PathFacts("/models/half", Presence.SEEN, half))
    return Situation(BOTH, observed, body), Situation(BOTH, at(ONE, BOTH), body)


@breaks(7)
def test_storage_that_cannot_be_seen_needs_the_fleets_consent() -> Pair:
    """7"""
    body = reload(config(half={"versions": (1, 2), "stable": 1}), act(LOAD, "half", 2))
    observed = facts(at(ONE), PathFacts("/models/half", Presence.UNSEEN))
    return Situation(BOTH, observed, body), Situation(replace(BOTH, fleet=BLIND), observed, body)


@breaks(7)
def test_while_a_neighbours_base_path_is_missing_no_version_changes_and_labels_move() -> Pair:
    """7"""
    before = server(model("half", (1, 2), stable=1), model("lost", (1,)))
    after = server(model("half", (2,), stable=2), model("lost", (1,)))
    observed = stored(
        at(server(model("half", (1, 2), stable=2), model("lost", (1,)))), "/models/lost", presence=Presence.MISSING
    )
    unload = reload(config(half={"versions": (2,), "stable": 2}, lost={"versions": (1,)}), act(UNLOAD, "half", 1))
    moving = stored(at(before), "/models/lost", presence=Presence.MISSING)
    label = reload(config(half={"versions": (1, 2), "stable": 2}, lost={"versions": (1,)}))
    return Situation(after, observed, unload), Situation(after, moving, label)


@breaks(7)
def test_a_list_that_changes_while_discovery_is_frozen_is_rejected_whatever_its_actions_say() -> Pair:
    """7"""
    before = server(model("half", (1, 2)), model("lost", (1,)))
    after = server(model("half", (1,)), model("lost", (1,)))
    body = reload(config(half={"versions": (1,)}, lost={"versions": (1,)}))
    observed = stored(at(before), "/models/lost", presence=Presence.MISSING)
    return Situation(after, observed, body), Situation(after, at(before), body)


@breaks(7)
def test_no_name_is_added_while_discovery_is_frozen() -> Pair:
    """7: its reload would never return."""
    before, after = server(model("lost", (1,))), server(model("lost", (1,)), model("new", (1,)))
    body = reload(config(lost={"versions": (1,)}, new={"versions": (1,)}), kind=PassKind.ADD)
    observed = at(before, after)
    return (
        Situation(after, stored(observed, "/models/lost", presence=Presence.MISSING), body),
        Situation(after, observed, body),
    )


# 8: new names come alone


NEW = server(*ONE.models, model("new", (1, 2), stable=1))


@breaks(2, 8)
def test_a_new_name_brings_no_labels() -> Pair:
    """8"""
    naive, right = (
        reload(config(half={"versions": (1,), "stable": 1}, new=new), kind=PassKind.ADD)
        for new in ({"versions": (1,), "stable": 1}, {"versions": (1,)})
    )
    return Situation(NEW, at(ONE, NEW), naive), Situation(NEW, at(ONE, NEW), right)


@breaks(8)
def test_a_new_name_lists_a_version() -> Pair:
    """8: an empty list of a new name blocks the server for ever."""
    naive, right = (
        reload(config(half={"versions": (1,), "stable": 1}, new={"versions": versions}), kind=PassKind.ADD)
        for versions in ((), (2,))
    )
    return Situation(NEW, at(ONE, NEW), naive), Situation(NEW, at(ONE, NEW), right)


@breaks(8)
def test_a_new_name_lists_one_version_unless_the_server_had_it_before() -> Pair:
    """8"""
    body = reload(config(half={"versions": (1,), "stable": 1}, new={"versions": (1, 2)}), kind=PassKind.ADD)
    observed = at(ONE, NEW)
    return Situation(NEW, observed, body), Situation(NEW, observed, replace(body, kind=PassKind.HEAL))


@breaks(8)
def test_a_new_name_leaves_the_choice_of_versions_to_nobody() -> Pair:
    """8"""
    after = server(model("new", Latest(1)))
    naive, right = (reload(config(new={"versions": policy}), kind=PassKind.ADD) for policy in (Latest(1), (1,)))
    return Situation(after, empty(after), naive), Situation(after, empty(after), right)


@breaks(8)
def test_a_new_name_does_not_share_a_reload_with_changes() -> Pair:
    """8"""
    after = server(model("half", (1, 2), stable=2), model("new", (1,)))
    naive = reload(config(half={"versions": (1, 2), "stable": 2}, new={"versions": (1,)}), kind=PassKind.ADD)
    right = reload(config(half={"versions": (1, 2), "stable": 2}))
    return Situation(after, at(BOTH, after), naive), Situation(after, at(BOTH, after), right)


@breaks(8)
def test_a_new_name_does_not_share_a_reload_with_a_removal() -> Pair:
    """8"""
    after = server(model("new", (1,)), fleet=PRUNING)
    naive = reload(config(new={"versions": (1,)}), act(REMOVE, "half"), kind=PassKind.ADD)
    right = reload(config(half={"versions": (1,), "stable": 1}, new={"versions": (1,)}), kind=PassKind.ADD)
    return Situation(after, at(ONE, after), naive), Situation(after, at(ONE, after), right)


@breaks(8)
def test_at_most_eight_new_names_share_a_reload_unless_the_server_had_them_before() -> Pair:
    """8"""
    after = server(*(model(f"m{number}", (1,)) for number in range(9)))
    whole = config(**{each.name: {"versions": (1,)} for each in after.models})
    naive, right = (reload(whole, kind=kind) for kind in (PassKind.ADD, PassKind.HEAL))
    return Situation(after, empty(after), naive), Situation(after, empty(after), right)


# 11: paths change with equal bytes


MOVED = server(model("half", (1,), base_path="/new/half", stable=1))


def moved(*versions: int) -> Pass:
    entry = ModelConfig("half", "/new/half", specific(*versions), (("stable", 1),))
    return reload(ServerConfig((entry,)), act(ActionKind.REPOINT, "half"))


@breaks(7, 11)
def test_versions_do_not_change_together_with_the_base_path() -> Pair:
    """11"""
    after = server(model("half", (1, 2), base_path="/new/half", stable=1))
    observed = stored(at(ONE, after), "/new/half", 1)
    return Situation(after, observed, moved(1, 2)), Situation(after, at(ONE, after), moved(1))


@breaks(11)
def test_the_new_path_holds_every_serving_version() -> Pair:
    """11"""
    return Situation(MOVED, stored(at(ONE, MOVED), "/new/half", 7), moved(1)), Situation(
        MOVED, at(ONE, MOVED), moved(1)
    )


@breaks(11)
def test_the_new_path_holds_the_same_bytes() -> Pair:
    """11: the server would keep the old ones, and say nothing."""
    other = stored(at(ONE, MOVED), "/new/half", 1)
    return Situation(MOVED, other, moved(1)), Situation(MOVED, stored(other, "/models/half", 1), moved(1))
