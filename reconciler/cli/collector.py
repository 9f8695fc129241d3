"""The cyclic garbage collector: paused around bulk work, patient in the service.

Planning thousands of servers makes millions of small values, none of them in cycles; collections meanwhile visit all of
them over and over and take a quarter of the time. So does a service that looks at thousands of servers: it replaces
what it remembers at every look, and each full collection stops all lanes for as long as a hundred calls take. Called by
`planning`, by `service` and by the benchmarks, so that these measure what a command does.
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


PATIENCE = (10_000, 20, 50)
"""Thresholds of the three generations. The interpreter's own (700, 10, 10) make five full collections in one look at
1,000 servers with 20 models, a quarter of its time; with these there are none, and memory is the same, idle too."""


def patient() -> None:
    """For the rest of the process, collect rarely: values die without it, only rare cycles (tracebacks) need it."""
    gc.set_threshold(*PATIENCE)
