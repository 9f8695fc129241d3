"""A pure function over many inputs, on every core: for the first parse of a repository with thousands of files.

Used by the compositions around `parse.parse_file`. Few inputs are worked on here and at once, because starting a
process costs more than they do; so are all of them where processes cannot be started.
"""

import gc
import multiprocessing
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")

WORTHWHILE = 20_000
"""Inputs from which on processes are started. Ten thousand Models parse in 1.3 s in one process, in 2.3 s over two:
sending a file and its result costs what parsing it does, so it takes many files and more than two cores.
"""

FEWEST_WORKERS = 4


def parallel_map(
    function: Callable[[T], R], inputs: Sequence[T], *, worthwhile: int = WORTHWHILE, fewest: int = FEWEST_WORKERS
) -> list[R]:
    """`[function(each) for each in inputs]`, on all cores where there are enough inputs.

    Args:
        function: a function of a module (it is found by name in the other processes), without side effects.
        inputs: what can be pickled, as must the results be.
        worthwhile: from how many inputs on processes are started.
        fewest: the cores that there must be for it.

    Raises:
        Whatever the function raises.
    """
    workers = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if len(inputs) < worthwhile or workers < fewest:
        return [function(each) for each in inputs]
    try:
        return _spread(function, inputs, workers)
    except (BrokenProcessPool, OSError):  # no memory or no permission for more processes: slower, not wrong
        return [function(each) for each in inputs]


def _spread(function: Callable[[T], R], inputs: Sequence[T], workers: int) -> list[R]:
    # Fresh processes, not forks: a fork would inherit the locks of gRPC's and SQLite's threads, and the state lock.
    fresh = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=fresh, initializer=gc.disable) as pool:
        return list(pool.map(function, inputs, chunksize=max(1, len(inputs) // (workers * 8))))
