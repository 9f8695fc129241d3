"""Makes git say what a local pin holds, once git can be reached again: one commit per pin, on a branch of its own.

Beside the service's loop, with the requests for pins. Whoever asked for the pin asked for this, so no other consent is
needed; the followed branch is never pushed to. What a host refuses is kept with the pin, shown by `status`, and not
tried again.
"""

import asyncio
import os
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from reconciler.adapters.git import GitMirror
from reconciler.adapters.git_signing import SigningKey
from reconciler.adapters.git_writer import GitWriter, Identity
from reconciler.adapters.ledger import SqliteLedger
from reconciler.cli import triggers
from reconciler.cli.committing import Workplace
from reconciler.cli.options import CommitOptions, RepositoryOptions
from reconciler.cli.structured import structlog
from reconciler.errors import BranchMoved, PushRefused, RecordError, RevisionRefused
from reconciler.loop import Service
from reconciler.source import InForce, pins
from reconciler.state.pin import Pin

EVERY = 5.0
"""Seconds between two looks for a pin that is not proposed yet."""
AGAIN = 60.0
"""Seconds until a host that did not answer is tried again."""

Offload = Callable[[Callable[[], Any]], Awaitable[Any]]


class Proposer:
    """Proposes the commits of pins."""

    def __init__(self, ledger: SqliteLedger, options: RepositoryOptions, mirror: GitMirror, state: Path) -> None:
        self._ledger = ledger
        self._options = CommitOptions(repo=options.repo, base=options.branch, path=options.path)
        self._mirror = mirror
        self._state = state
        self._turn = 0
        self._log = structlog.get_logger()

    async def run(self, service: Service, offload: Offload) -> None:
        """Look and propose until cancelled; no error ends it."""
        while True:
            pause = EVERY
            try:
                made = await self.look(service.in_force, offload)
                if made is not None:
                    self._say(made)
                    service.trigger()
            except Exception as error:  # a task that ended would leave every later pin without its commit, unsaid
                self._log.warning("the commit of a pin could not be proposed yet", why=str(error), again_after=AGAIN)
                pause = AGAIN
            await asyncio.sleep(pause)

    async def look(self, answer: InForce, offload: Offload) -> Pin | None:
        """Propose the commit of one pin, where git is well; the pin with what came of it, None where none waits."""
        waiting = [pin for pin in pins.noted(self._ledger) if not pin.branch and not pin.refused]
        if not waiting or answer.head is None or answer.trouble is not None:
            return None
        pin = waiting[self._turn % len(waiting)]
        self._turn += 1  # one that cannot be proposed yet does not keep the others waiting
        made: Pin = await offload(lambda: self._propose(pin))
        known = pins.noted(self._ledger)
        if any((each.document, each.since) == (made.document, made.since) for each in known):
            pins.add(self._ledger, [made])
        return made

    def _propose(self, pin: Pin) -> Pin:
        """The pin with where its commit is, or why there is none."""
        # Late: history and half of the planner, for the one service in a thousand that needs them.
        from reconciler.cli.backwards import Ask
        from reconciler.cli.rollback import Maker

        writer = GitWriter(self._mirror, Identity.of_bot(os.environ), SigningKey.from_environment(os.environ))
        ask = Ask((pin.document,), to=pin.to, reason=pin.reason, offline=True, trigger="pin")
        maker = Maker(ask, Workplace(self._mirror, writer), self._options, self._state)
        branch = f"reconciler/rollback-{pin.document}-{pin.to[:10]}"
        try:
            commit, _ = maker.make(self._mirror.head() or "")
            writer.push(commit, branch)
        except BranchMoved:
            pass  # it bears the name of this very thing: it was proposed before
        except (RevisionRefused, PushRefused) as error:
            return replace(pin, refused=" ".join(str(error).split())[:500])
        return replace(pin, branch=branch)

    def _say(self, made: Pin) -> None:
        if made.branch:
            self._log.info("the commit of a pin was proposed", model=made.document, branch=made.branch)
        else:
            self._log.warning("a pin stays without a commit", model=made.document, why=made.refused)


def take_up(ledger: SqliteLedger, request: triggers.Request) -> None:
    """Put on record what a request asks to pin and to end; a record that cannot be written is logged."""
    try:
        if request.unpin:
            pins.drop(ledger, request.unpin)
        if request.pins:
            pins.add(ledger, request.pins)
    except RecordError as error:
        structlog.get_logger().error("a pin could not be kept, so git goes on to count", why=str(error))
