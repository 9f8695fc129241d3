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

WORTHWHILE = 500
"""Inputs from which on processes are started: about half a second of parsing, and as much to start two."""


def parallel_map(function: Callable[[T], R], inputs: Sequence[T], *, worthwhile: int = WORTHWHILE) -> list[R]:
    """`[function(each) for each in inputs]`, on all cores where there are enough inputs.

    Args:
        function: a function of a module (it is found by name in the other processes), without side effects.
        inputs: what can be pickled, as must the results be.
        worthwhile: from how many inputs on processes are started.

    Raises:
        Whatever the function raises.
    """
    workers = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if len(inputs) < worthwhile or workers < 2:
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
