"""The cyclic garbage collector, paused around bulk work.

Planning thousands of servers makes millions of small values, none of them in cycles; collections meanwhile visit all of
them over and over and take a quarter of the time. Called by `planning` and by the benchmarks, so that these measure
what a command does. Not for the service: its work comes in small pieces.
"""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def paused() -> Iterator[None]:
    """No collections until the body ends; then as before."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
