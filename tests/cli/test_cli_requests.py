"""Requests of `sync` and `retry` at a service whose record fails for a moment."""

import asyncio
from pathlib import Path

from reconciler.adapters.clock import SystemClock
from reconciler.adapters.ledger import SqliteLedger
from reconciler.cli import service as serving
from reconciler.cli import triggers, wiring
from reconciler.errors import RecordError
from reconciler.loop import Service
from reconciler.loop.events import Event
from reconciler.loop.schedule import IntervalTimer
from reconciler.source import InForce


class Quiet:
    """A repository that has nothing to say."""

    def recall(self) -> InForce:
        return InForce()

    def refresh(self) -> InForce:
        return InForce()

    def insist(self) -> None:
        pass


class Unlucky(SqliteLedger):
    """A record that cannot be read once."""

    failed = False

    def noted(self, key: str) -> str | None:
        if key == triggers.HANDLED and not self.failed:
            self.failed = True
            raise RecordError("the disk was away for a moment")
        return super().noted(key)


def told(_event: Event) -> None:
    pass


async def test_a_request_that_the_record_refuses_at_first_is_taken_up_later(tmp_path: Path) -> None:
    ledger = Unlucky(tmp_path / "ledger.sqlite")
    file = triggers.SyncFile(tmp_path)
    identity = file.ask()
    stop = asyncio.Event()
    async with wiring.connections() as clients:
        service = Service(Quiet(), wiring.tools(ledger, clients, told), IntervalTimer(60.0))
        tasks = [
            asyncio.create_task(service.run(stop)),
            asyncio.create_task(serving.answer_requests(service, file, ledger)),
        ]
        async with SystemClock().deadline(20.0):
            while ledger.failed is False or ledger.noted(triggers.HANDLED) != identity:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        tasks[1].cancel()
        stop.set()
        await asyncio.gather(*tasks, return_exceptions=True)
    assert service.refreshed > 0
    assert ledger.noted(triggers.HANDLED) == identity
    ledger.close()
