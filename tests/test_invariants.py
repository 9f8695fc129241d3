"""Every invariant rejects a pass somebody would write by hand, and accepts the one next to it that is right.

The pairs stand beside this file (test_invariants_labels, _changes, _storage, _checks, _memory). What planning makes of
the same situations is tests/plan; what a server does to a naive pass is tests/modelserver/core and
tests/plan/test_plan_edges_*.
"""

import re

import pytest
import test_invariants_changes
import test_invariants_checks
import test_invariants_labels
import test_invariants_memory
import test_invariants_storage
from builders import planned
from invariant_pairs import NAIVE

from reconciler.invariants import RULES, Case, check_pass

PAIRS = (
    *(test_invariants_labels, test_invariants_changes, test_invariants_storage),
    *(test_invariants_checks, test_invariants_memory),
)
"""Imported so that their naive passes are known here, whichever tests are run."""


def test_every_rule_has_a_pass_that_it_rejects() -> None:
    cases = [Case(each.server, each.observed, each.body, each.prunes_all) for each in NAIVE]

    silent = [rule.__name__ for rule in RULES if not any(list(rule(case)) for case in cases)]

    assert silent == []


def test_rules_stand_in_the_order_of_their_numbers() -> None:
    numbers = [re.findall(r"^\d+", rule.__doc__ or "") for rule in RULES]

    assert numbers == [[str(number)] for number in (*range(1, 12), 14, 15)]  # 12 and 13 are about more than one pass


@pytest.mark.parametrize("number", range(len(NAIVE)))
def test_from_the_situation_of_every_naive_pass_planning_sends_a_right_one_or_none(number: int) -> None:
    naive = NAIVE[number]

    body = planned(naive.server, naive.observed).next_pass

    assert body is None or check_pass(naive.server, naive.observed, body) == ()
