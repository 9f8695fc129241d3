"""Running cases ahead of their turn, several at a time: a case on a real server mostly waits for the next poll.

When pytest comes to a case, the next few of the same file are started as well, each in a thread of its own and on a
server of its own; pytest then finds them done, or nearly. Only cases that need nothing but a world are run ahead, only
on servers that are ours, and only within a file, so that tests which are handed out by file are not run twice.

Used by the suite's conftest.
"""

from __future__ import annotations

import inspect
import itertools
from concurrent.futures import Future, ThreadPoolExecutor

import pytest
from conformance_cases import case_of
from conformance_servers import Servers

AHEAD = 4
"""Cases under way at the same time."""


class Ahead:
    """The cases that were started, by their ids."""

    def __init__(self, servers: Servers) -> None:
        self._servers = servers
        self._threads = ThreadPoolExecutor(AHEAD, thread_name_prefix="ahead")
        self._started: dict[str, Future[None]] = {}

    def result(self, item: pytest.Function) -> None:
        """Wait for a case, while the next ones run too; raises what it raised."""
        items = item.session.items
        here = items.index(item)
        following = (each for each in items[here:] if isinstance(each, pytest.Function) and each.path == item.path)
        for each in itertools.islice(filter(can_run_ahead, following), AHEAD):
            if each.nodeid not in self._started:
                self._started[each.nodeid] = self._threads.submit(self._run, each)
        self._started[item.nodeid].result()

    def close(self) -> None:
        """Wait for what is under way; forget the rest."""
        self._threads.shutdown(wait=True, cancel_futures=True)

    def _run(self, item: pytest.Function) -> None:
        mark = case_of(item.function)
        assert mark is not None
        arguments = {name: value for name, value in item.callspec.params.items() if name != "world"}
        with self._servers.world(mark) as world:
            item.function(world=world, **arguments)


def can_run_ahead(item: pytest.Function) -> bool:
    """Whether a case needs a real server of ours and no other fixture."""
    parameters = item.callspec.params if hasattr(item, "callspec") else {}
    asked = set(inspect.signature(item.function).parameters)
    return parameters.get("world") == "embedded" and asked <= set(parameters)
