"""The checks of one lane: begun beside its turns, at most a few at a time, their results waiting to be taken up.

Owned by `Lane`. All checks of one version run one after the other, in git's order, and end with the first that does not
pass; those of different versions run side by side. A check that another aim has no use for is cancelled. Nothing here
decides what is to be checked (plan), what a result means (plan, belief) or how it is asked (execute).
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from reconciler import execute
from reconciler.loop.tools import Aim, Tools
from reconciler.ports import ServingClient
from reconciler.state.check import Check, CheckDue, CheckResult, CheckVerdict
from reconciler.state.desired import DesiredServer

AT_ONCE = 4
"""Versions of one server that are checked side by side: clients are asking, too. Others begin when one is through."""

Place = tuple[str, int]
"""Model and version."""


@dataclass(slots=True)
class _Run:
    """The checks of one version while they run; `left` are those without a result yet."""

    server: DesiredServer
    task: asyncio.Task[None]
    left: list[CheckDue] = field(default_factory=list)


class Checking:
    """Every check of one lane. `wake` is called when there is a result."""

    def __init__(self, tools: Tools, wake: Callable[[], None]) -> None:
        self._tools = tools
        self._wake = wake
        self._runs: dict[Place, _Run] = {}
        self._results: list[CheckResult] = []

    def take(self) -> tuple[CheckResult, ...]:
        """The results since this was last asked."""
        taken, self._results = tuple(self._results), []
        return taken

    def new(self, aim: Aim, due: Iterable[CheckDue]) -> tuple[CheckDue, ...]:
        """Those of the checks due that may begin now; checks that run for an earlier aim, and are not due, end."""
        wanted = tuple(due)
        for place, run in [*self._runs.items()]:
            if run.server is aim.server:
                continue
            if all(each in wanted for each in run.left):
                run.server = aim.server
            else:
                run.task.cancel()
                del self._runs[place]
        waiting = dict.fromkeys((each.model, each.version) for each in wanted)
        free = [place for place in waiting if place not in self._runs][: max(AT_ONCE - len(self._runs), 0)]
        return tuple(each for each in wanted if (each.model, each.version) in free)

    def begin(self, aim: Aim, due: Sequence[CheckDue]) -> None:
        """Run these checks from now on."""
        client = self._tools.clients.client(aim.server)
        for place in dict.fromkeys((each.model, each.version) for each in due):
            mine = [each for each in due if (each.model, each.version) == place]
            task = asyncio.create_task(self._run(place, client, _contents(aim, mine)), name=f"check {place}")
            self._runs[place] = _Run(aim.server, task, mine)

    async def end(self) -> None:
        """End all; what has no result is asked anew by whoever comes next."""
        tasks = [run.task for run in self._runs.values()]
        self._runs.clear()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _run(self, place: Place, client: ServingClient, checks: list[tuple[CheckDue, Check]]) -> None:
        try:
            for due, check in checks:
                result = await self._one(client, due, check)
                self._results.append(result)
                self._runs[place].left.remove(due)
                self._wake()
                if result.verdict is not CheckVerdict.PASSED:
                    break
        finally:
            run = self._runs.get(place)
            if run is not None and run.task is asyncio.current_task():
                del self._runs[place]
            self._wake()

    async def _one(self, client: ServingClient, due: CheckDue, check: Check) -> CheckResult:
        try:
            return await execute.check(client, due, check, self._tools.clock, self._tools.offload)
        except Exception as error:  # a bug of ours must not look like a verdict on the version, nor stop the lane
            text = f"the reconciler itself failed: {type(error).__name__}: {error}"
            return CheckResult(due, CheckVerdict.UNANSWERED, self._tools.clock.now(), text)


def _contents(aim: Aim, due: Iterable[CheckDue]) -> list[tuple[CheckDue, Check]]:
    """Each check due with what git says of it."""
    found = []
    for each in due:
        model = aim.server.model(each.model)
        checks = model.checks if model is not None else ()
        found += [(each, check) for check in checks if check.digest == each.digest]
    return found
