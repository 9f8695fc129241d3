"""Invariants 0 to 3: well-formed configs, and labels that never lose what they answer from."""

from dataclasses import replace

import pytest
from builders import (
    at,
    available,
    config,
    going,
    listing,
    model,
    reading,
    seen,
    server,
)
from invariant_pairs import BOTH, GAP, LOAD, ONE, TWO, UNLOAD, Pair, Situation, act, breaks, exchange, reload

from reconciler.invariants import Violation, check_config
from reconciler.state.config import ModelConfig, ServerConfig
from reconciler.state.look import VersionState as State
from reconciler.state.observed import ObservedVersion
from reconciler.state.versions import specific

# 0: well-formed by itself


@pytest.mark.parametrize(
    "entry",
    [
        ModelConfig("half", "/models/half", specific(1), platform=""),
        ModelConfig("half", "models/half", specific(1)),
        ModelConfig("", "/models/half", specific(1)),
        ModelConfig("half", "/models/half", specific(0, 1)),
    ],
    ids=["no platform", "relative path", "no name", "version zero"],
)
def test_a_config_that_the_server_refuses_or_half_applies_is_rejected(entry: ModelConfig) -> None:
    """0"""
    assert [violation.rule for violation in check_config(ServerConfig((entry,)))] == [0]


def test_a_config_with_a_path_in_object_storage_is_well_formed() -> None:
    """0"""
    assert check_config(ServerConfig((ModelConfig("half", "gs://bucket/half", specific(1)),))) == ()


def test_a_violation_reads_as_a_sentence_with_rule_and_model() -> None:
    """0"""
    assert str(Violation(5, "half", "would be dropped")) == "invariant 5: half: would be dropped"
    assert str(Violation(6, "", "not seen")) == "invariant 6: not seen"


@breaks(0)
def test_a_pass_is_judged_by_its_config_too() -> Pair:
    """0"""
    naive = reload(ServerConfig((ModelConfig("half", "/models/half", specific(1), (("stable", 1),), "pytorch"),)))
    right = reload(config(half={"versions": (1,), "stable": 1}))
    return Situation(ONE, at(ONE), naive), Situation(ONE, at(ONE), right)


# 1: labels that resolve stay


@breaks(1)
def test_stripping_the_label_to_load_its_next_version_is_rejected_and_carrying_it_is_not() -> Pair:
    """1"""
    naive = reload(config(half={"versions": (1, 2)}), act(LOAD, "half", 2))
    right = reload(config(half={"versions": (1, 2), "stable": 1}), act(LOAD, "half", 2))
    return Situation(TWO, at(ONE, TWO), naive), Situation(TWO, at(ONE, TWO), right)


@breaks(1)
def test_a_label_git_still_wants_may_not_be_dropped_and_one_it_dropped_may() -> Pair:
    """1"""
    bare = reload(config(half={"versions": (1, 2)}))
    return Situation(BOTH, at(BOTH), bare), Situation(server(model("half", (1, 2))), at(BOTH), bare)


@breaks(1)
def test_a_label_without_a_stated_gap_stays_and_one_with_it_may_go() -> Pair:
    """1"""
    before, after = exchange(1, 2, stable=1), exchange(2, 3, stable=3)
    body = reload(config(half={"versions": (1, 2)}))
    observed = at(before, after)
    return Situation(after, observed, body), Situation(after, observed, replace(body, gaps=(GAP,)))


@breaks(1)
def test_a_label_whose_version_ended_may_go_and_one_whose_version_only_lacks_its_proof_may_not() -> Pair:
    """1: a slow answer must not cost a label."""
    bare = reload(config(half={"versions": (1, 2)}))
    unproven = seen(at(BOTH), "half", ObservedVersion(1, State.AVAILABLE, listed=True))
    ended = seen(at(BOTH), "half", ObservedVersion(1, State.END, listed=True, ended=True))
    return Situation(BOTH, unproven, bare), Situation(BOTH, ended, bare)


# 2: labels point at what is proven


@breaks(2)
def test_moving_the_label_together_with_the_load_is_rejected() -> Pair:
    """2"""
    naive = reload(config(half={"versions": (1, 2), "stable": 2}), act(LOAD, "half", 2))
    right = reload(config(half={"versions": (1, 2), "stable": 2}))
    return Situation(TWO, at(ONE, TWO), naive), Situation(TWO, at(BOTH, TWO), right)


@breaks(2)
def test_a_label_may_not_move_to_a_suspect() -> Pair:
    """2"""
    after = server(model("half", (1, 2), stable=2))
    body = reload(config(half={"versions": (1, 2), "stable": 2}))
    suspect = seen(at(BOTH), "half", ObservedVersion(2, State.AVAILABLE, listed=True, suspect=True))
    return Situation(after, suspect, body), Situation(after, at(BOTH), body)


@breaks(2)
def test_a_carried_label_whose_version_ended_is_rejected_and_left_out_it_is_accepted() -> Pair:
    """2"""
    before = server(model("half", (1,), stable=1), model("other", (1, 2), stable=1))
    after = server(model("half", (1,), stable=1), model("other", (1, 2), stable=2))
    observed = seen(at(before, after), "half", ObservedVersion(1, State.END, listed=True))
    naive = reload(config(half={"versions": (1,), "stable": 1}, other={"versions": (1, 2), "stable": 2}))
    right = reload(config(half={"versions": (1,)}, other={"versions": (1, 2), "stable": 2}))
    return Situation(after, observed, naive), Situation(after, observed, right)


@breaks(2, 3)
def test_a_label_left_on_the_version_that_the_same_reload_drops_is_rejected() -> Pair:
    """2, 3: accepted once by the server, dangling a second later."""
    naive = reload(config(half={"versions": (2,), "stable": 1}), act(UNLOAD, "half", 1))
    observed = at(server(model("half", (1, 2), stable=2)), TWO)
    right = reload(config(half={"versions": (2,), "stable": 2}), act(UNLOAD, "half", 1))
    return Situation(TWO, at(BOTH, TWO), naive), Situation(TWO, observed, right)


@breaks(2)
def test_out_of_the_wedge_a_label_may_stay_on_the_unlisted_version_that_answers() -> Pair:
    """2"""
    after = server(model("half", (3,), stable=3))
    observed = seen(
        listing(at(ONE, after), "half", 3, stable=1), "half", ObservedVersion(3, State.LOADING, listed=True)
    )
    body = reload(config(half={"versions": (3,), "stable": 1}))
    naive = seen(observed, "half", going(1, State.UNLOADING))
    return Situation(after, naive, body), Situation(after, seen(observed, "half", available(1, listed=False)), body)


# 3: what answers stays listed


@breaks(3)
def test_the_old_target_may_not_be_unlisted_before_the_label_reads_back_elsewhere() -> Pair:
    """3"""
    body = reload(config(half={"versions": (2,), "stable": 2}), act(UNLOAD, "half", 1))
    moved = listing(at(BOTH, TWO), "half", 1, 2, stable=2)
    return Situation(TWO, moved, body), Situation(TWO, reading(moved, "half", "stable", 2), body)
