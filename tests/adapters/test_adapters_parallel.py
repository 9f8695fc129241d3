import operator
import os

import pytest

from reconciler.adapters.parallel import parallel_map


def where(_: int) -> int:
    return os.getpid()


def test_few_inputs_are_worked_on_in_this_process() -> None:
    assert set(parallel_map(where, range(10))) == {os.getpid()}


@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="needs two cores")
def test_many_inputs_are_worked_on_in_other_processes_and_come_back_in_order() -> None:
    assert parallel_map(operator.neg, range(40), worthwhile=10, fewest=2) == [-each for each in range(40)]
    assert os.getpid() not in parallel_map(os.getpgid, [0] * 20, worthwhile=10, fewest=2)


def test_what_the_function_raises_is_raised() -> None:
    with pytest.raises(ValueError, match="no number"):
        parallel_map(int, ["no number"] * 20, worthwhile=10, fewest=2)


def test_no_inputs_give_no_results() -> None:
    assert parallel_map(operator.neg, []) == []
