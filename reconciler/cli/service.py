"""The service process: the lock, the record, signals, logs, and requests of `sync` and `retry` around `loop.Service`.

Called by `run`. Nothing here decides anything about servers.
"""

import asyncio
import signal
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.adapters.ledger import SqliteLedger
from reconciler.cli import (
    collector,
    logs,
    proposing,
    records,
    repository,
    triggers,
    verification,
    wiring,
)
from reconciler.cli.exits import Exit
from reconciler.cli.options import LogFormat, RepositoryOptions
from reconciler.cli.structured import structlog
from reconciler.errors import RecordError
from reconciler.loop import Bots, Service, events
from reconciler.loop.schedule import IntervalTimer
from reconciler.loop.tools import Pace, Tools

if TYPE_CHECKING:
    from reconciler.adapters.git import GitMirror
    from reconciler.adapters.git_ledger import GitLedger
    from reconciler.adapters.git_remote import GitRemote
    from reconciler.cli import publishing, reporting
    from reconciler.loop.author import Author

LOOK_FOR_REQUESTS = 0.25
"""Seconds between two glances at the request file: one system call each."""

TAKE_UP_AGAIN = 2.0
"""Seconds until a request is taken up again that the record could not keep."""


@dataclass(frozen=True, slots=True)
class Rhythm:
    """Seconds between two questions to the git host, and between two looks at an idle server."""

    git: float
    observe: float


@dataclass(frozen=True, slots=True)
class Manner:
    """How the service goes about it: its log, its rhythm, where commit statuses are shown (None: nowhere).

    bots: whether it may commit what models ask for. publish: where the ledger is published, None for nowhere.
    """

    log: LogFormat
    rhythm: Rhythm
    reports: "reporting.Reports | None" = None
    bots: bool = False
    publish: "publishing.Name | None" = None


def serve(options: RepositoryOptions, state: Path, manner: Manner) -> int:
    """Run the service until SIGTERM or SIGINT.

    Raises:
        Misused: what bots commit could never be put in force, or the ledger cannot be published under that name.
        StateLocked: another process holds the state directory.
        RecordError: the record cannot be used.
    """
    logs.configure(manner.log)
    collector.patient()
    with wiring.writing(state, "reconciler run") as ledger:
        asyncio.run(_serve(options, state, ledger, manner))
    return Exit.OK


async def _serve(options: RepositoryOptions, state: Path, ledger: SqliteLedger, manner: Manner) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    source = repository.mirror(options, state)
    hands = _hands(options, source) if manner.bots else None
    target = _target(manner.publish, source.remote, state) if manner.publish is not None else None
    followed = repository.followed(source, options, ledger)
    log = structlog.get_logger()
    async with wiring.connections() as clients:
        tools = wiring.tools(ledger, clients, Listener(ledger), Pace(idle=manner.rhythm.observe))
        service = Service(followed, tools, IntervalTimer(manner.rhythm.git))
        log.info("service started", repository=source.name, branch=options.branch, state=str(state))
        for text in verification.lacking(options):
            log.error("signatures cannot be checked, so no new commit is put in force", verify=options.verify, why=text)
        running = [answer_requests(service, triggers.SyncFile(state), ledger)]
        running += [proposing.Proposer(ledger, options, source, state).run(service, tools.offload)]
        running += [Bots(service, tools, hands).run()]
        running += [_publish(target, tools, ledger)] if target is not None else []
        for trouble in filter(ledger.noted, (records.UNPUBLISHED, records.UNREPORTED)):
            note(ledger, trouble, "")  # of an earlier service; what is still so is said again at the first try
        tasks = [asyncio.create_task(each) for each in running]
        try:
            async with _news(manner, service, tools, state):
                await service.run(stop)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
    log.info("service ended")


def _hands(options: RepositoryOptions, source: "GitMirror") -> "Author":
    from reconciler.cli import bothands  # 2 MB that a service without bots never needs

    return bothands.hands(options, source)


def _target(name: "publishing.Name", remote: "GitRemote", state: Path) -> "GitLedger":
    from reconciler.cli import publishing  # likewise, where nothing is published

    return publishing.git_ledger(name, remote, state)


async def _publish(target: "GitLedger", tools: Tools, ledger: SqliteLedger) -> None:
    """Publish the ledger until cancelled; the last round is not waited for: the next start goes on from the ref."""
    from reconciler.cli import publishing
    from reconciler.loop.publishing import Publishing

    publication = publishing.Publication(target, ledger.path, lambda key, value: note(ledger, key, value))
    loop = Publishing(ledger.last_line, publication.publish, tools.clock, tools.offload, tools.tell)
    try:
        await loop.run()
    finally:
        publication.close()


def _news(manner: Manner, service: Service, tools: Tools, state: Path) -> AbstractAsyncContextManager[None]:
    """Commit statuses, where somebody asked for them."""
    if manner.reports is None:
        return nullcontext()
    from reconciler.cli import reporting

    return reporting.reporting(manner.reports, service, tools, state)


async def answer_requests(service: Service, file: triggers.SyncFile, ledger: SqliteLedger) -> None:
    """Take up what `sync`, `retry` and pins ask for until cancelled; what the record refuses now is taken up later."""
    waiting: triggers.Request | None = None
    while True:
        waiting = file.asked() or waiting
        pause = LOOK_FOR_REQUESTS
        try:
            if waiting is not None and waiting.identity != ledger.noted(triggers.HANDLED):
                await _answer(service, waiting, ledger)
            waiting = None
        except RecordError as error:
            pause = TAKE_UP_AGAIN
            structlog.get_logger().error("a request could not be taken up yet", why=str(error), again_in=pause)
        await asyncio.sleep(pause)


async def _answer(service: Service, request: triggers.Request, ledger: SqliteLedger) -> None:
    """Do what is asked; a request counts as handled once git was asked."""
    proposing.take_up(ledger, request)
    asked = service.trigger()
    while service.refreshed < asked:  # noqa: ASYNC110 - a counter, so that no trigger is ever lost
        await asyncio.sleep(0.02)
    found = service.lanes.retry(request.retry) if request.retry else ()
    service.lanes.look_now()
    note(ledger, triggers.ANSWER, " ".join(found))
    note(ledger, triggers.HANDLED, request.identity)


class Listener:
    """Logs every event, and keeps trouble with the repository in the record, where `status` and `explain` read it."""

    def __init__(self, ledger: SqliteLedger) -> None:
        self._ledger = ledger
        self._journal = logs.Journal()

    def __call__(self, event: events.Event) -> None:
        """Take one event."""
        self._journal(event)
        match event:
            case events.SourceTrouble(_, kind, message):
                note(self._ledger, records.TROUBLE, f"{kind}: {message}")
            case events.SourceRecovered():
                note(self._ledger, records.TROUBLE, "")
            case events.LedgerUnpublished(_, kind, message):
                note(self._ledger, records.UNPUBLISHED, f"{kind}: {message}")
            case events.LedgerPublished():
                note(self._ledger, records.UNPUBLISHED, "")
            case events.ReportsHeldUp(_, message):
                note(self._ledger, records.UNREPORTED, message)
            case events.ReportsGoOn():
                note(self._ledger, records.UNREPORTED, "")
            case _:
                pass


def note(ledger: SqliteLedger, key: str, value: str) -> None:
    """Keep a note; a record that cannot be written must not end the service, whose lanes say so themselves."""
    try:
        ledger.note(key, value)
    except RecordError as error:
        structlog.get_logger().error("a note could not be kept", key=key, why=str(error))
