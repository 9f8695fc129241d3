"""Invariant 14: a label goes only where every check has passed; and 1, where one has failed."""

from dataclasses import replace

from builders import at, checked, checking, compared, config, model, server
from invariant_pairs import Pair, Situation, breaks, reload

from reconciler.state.check import CheckVerdict
from reconciler.state.memory import Served

GOLDEN, DRIFT = checking("golden"), compared("drift")
ONE = server(replace(model("half", (1,), stable=1), checks=(GOLDEN,)))
BOTH = server(replace(model("half", (1, 2), stable=1), checks=(GOLDEN,)))
TWO = server(replace(model("half", (1, 2), stable=2), checks=(GOLDEN,)))
MOVE = reload(config(half={"versions": (1, 2), "stable": 2}))


@breaks(14)
def test_a_label_may_not_go_to_a_version_before_it_was_checked_and_may_after() -> Pair:
    """14"""
    return Situation(TWO, at(BOTH), MOVE), Situation(TWO, checked(at(BOTH), "half", 2, GOLDEN), MOVE)


@breaks(14)
def test_a_label_may_not_go_to_a_version_that_failed_a_check_and_may_go_back_to_where_it_was() -> Pair:
    """14"""
    failed = checked(at(BOTH), "half", 2, GOLDEN, CheckVerdict.FAILED)
    return Situation(TWO, failed, MOVE), Situation(TWO, replace(failed, served=(Served("half", "stable", 2),)), MOVE)


@breaks(14)
def test_a_comparison_must_have_passed_where_there_is_a_version_to_compare_with() -> Pair:
    """14"""
    wanted = server(replace(model("half", (1, 2), stable=2), checks=(DRIFT,)))
    new = server(replace(model("half", (1, 2), canary=2), checks=(DRIFT,)))
    first = reload(config(half={"versions": (1, 2), "canary": 2}))
    return Situation(wanted, at(BOTH), MOVE), Situation(new, at(server(model("half", (1, 2)))), first)


@breaks(1)
def test_a_label_of_a_spec_that_failed_a_check_may_go_with_it_and_one_of_a_good_spec_may_not() -> Pair:
    """1"""
    wanted = server(replace(model("half", (1, 2), stable=1, beta=1), checks=(GOLDEN,)))
    observed = at(server(model("half", (1, 2), stable=1, beta=1)))
    without = reload(config(half={"versions": (1, 2), "stable": 1}))
    failed = checked(observed, "half", 2, GOLDEN, CheckVerdict.FAILED)
    return Situation(wanted, observed, without), Situation(wanted, failed, without)
