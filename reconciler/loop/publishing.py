"""Publishing the ledger beside everything else: batched by waiting, tried again with growing pauses, never awaited.

Run as a task by the composition (`cli/service.py`). Lanes know nothing of it: a remote that hangs, refuses or is gone
costs a thread and a sentence. Trouble is told once, and once more when its kind changes; the end of it by the lines
that get through. Deliberately not here: what is published and how (`adapters/git_ledger.py`).
"""

from collections.abc import Callable
from dataclasses import dataclass

from reconciler.loop import reactions
from reconciler.loop.events import Events, LedgerPublished, LedgerUnpublished
from reconciler.ports import Clock, Offload

EVERY = 5.0
"""Seconds between two rounds: lines that come meanwhile go together."""

LONGEST_PAUSE = 300.0
"""Seconds between two tries, at the most, while the remote does not take them."""

SHARE = 0.1
"""Of its time that publishing may take: a large fleet's rounds are longer, and so are the pauses between them."""

LONGEST_REST = 3600.0
"""Seconds that this makes it wait at the most: a round in which the machine slept, or its clock was set, seems long."""


@dataclass(frozen=True, slots=True)
class Publishing:
    """What it takes. Of the two calls, `publish` blocks, and is run off the event loop; `last` is quick.

    last: the number of the ledger's last line. publish: one round; None where everything is there already.
    """

    last: Callable[[], int]
    publish: Callable[[], LedgerPublished | None]
    clock: Clock
    offload: Offload
    tell: Events

    async def run(self) -> None:
        """Publish until cancelled."""
        there, failures, told = -1, 0, ""
        while True:
            began = self.clock.now()
            try:
                if self.last() != there:
                    there = await self._rounds(troubled=bool(told))
                failures, told = 0, ""
            except Exception as error:  # whatever it is, nothing may wait for it; `reactions` words it
                failures += 1
                response = reactions.respond(error, 1)
                if response.reason != told:
                    told = response.reason
                    self.tell(LedgerUnpublished(self.clock.now(), response.reason, response.message))
            took = max(0.0, self.clock.now() - began)
            pause = min(LONGEST_PAUSE, EVERY * 2.0 ** min(failures, 20))
            await self.clock.sleep(max(pause, min(LONGEST_REST, took / SHARE)))

    async def _rounds(self, *, troubled: bool) -> int:
        """Publish what there is now; the number up to which everything is there."""
        last = self.last()
        while (done := await self.offload(self.publish)) is not None:
            self.tell(done)
            troubled = False
            if done.last >= last:
                return done.last
        if troubled:  # what was missing is there all the same: an answer had been lost
            self.tell(LedgerPublished(self.clock.now(), 0, last, ""))
        return last
