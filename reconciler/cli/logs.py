"""What the loop tells, as log lines on stderr: for people where that is a terminal, JSON elsewhere.

`run` gives `Journal` to the loop as its listener. Every event is one line with its facts as fields; nothing secret is
ever in an event. Levels: info for what goes as planned, warning for what holds it back, error for what needs somebody.
"""

import functools
import logging
import sys
from collections.abc import Mapping
from typing import Any

from reconciler.cli.options import LogFormat
from reconciler.cli.structured import structlog
from reconciler.expose import timeline, words
from reconciler.loop import events
from reconciler.state.memory import AnswerKind, Standing
from reconciler.state.outcome import OutcomeKind
from reconciler.state.plan import Hold

Line = tuple[int, str, dict[str, Any]]
"""Level, sentence, fields."""


def configure(form: LogFormat) -> None:
    """Send structlog and the standard library's logging to stderr in one format."""
    pretty = form is LogFormat.CONSOLE or (form is LogFormat.AUTO and sys.stderr.isatty())
    renderer: Any = structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty()) if pretty else _json()
    shared: list[Any] = [
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
    ]
    structlog.configure(
        processors=[*shared, structlog.processors.format_exc_info, renderer],
        logger_factory=structlog.WriteLoggerFactory(sys.stderr),
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)


def _json() -> structlog.processors.JSONRenderer:
    import json

    return structlog.processors.JSONRenderer(serializer=json.dumps, ensure_ascii=False)


class Journal:
    """A listener of the loop that logs."""

    def __init__(self) -> None:
        self._log = structlog.get_logger()

    def __call__(self, event: events.Event) -> None:
        """Log one event."""
        for level, sentence, fields in lines(event):
            self._log.log(level, sentence, **fields)


@functools.singledispatch
def lines(event: events.Event) -> list[Line]:
    """An event as log lines; one implementation per class of event."""
    raise TypeError(f"no words for {type(event).__name__}")


@lines.register
def _(event: events.CommitInForce) -> list[Line]:
    commit = event.commit
    fields = {"commit": commit.id, "author": commit.author, "subject": commit.subject, "servers": [*event.changed]}
    signer = {"signer": commit.signer} if commit.signer else {}
    said = [(logging.WARNING, "the repository may surprise", {"commit": commit.id, "why": w}) for w in event.warnings]
    return [(logging.INFO, "commit in force", fields | signer), *said]


@lines.register
def _(event: events.SourceTrouble) -> list[Line]:
    fields = {"reason": event.kind, "why": event.message}
    return [(logging.ERROR, "trouble with the repository; what is in force stays", fields)]


@lines.register
def _(_event: events.SourceRecovered) -> list[Line]:
    return [(logging.INFO, "the repository is well again", {})]


@lines.register
def _(event: events.SourceRenewed) -> list[Line]:
    return [(logging.WARNING, "the mirror of the repository was made anew", {"why": event.message})]


@lines.register
def _(event: events.ReportsHeldUp) -> list[Line]:
    return [
        (logging.WARNING, "commit statuses do not reach the git host; nothing waits for them", {"why": event.message})
    ]


@lines.register
def _(_event: events.ReportsGoOn) -> list[Line]:
    return [(logging.INFO, "commit statuses reach the git host again", {})]


@lines.register
def _(event: events.LedgerPublished) -> list[Line]:
    fields = {"lines": event.lines, "last": event.last, "commit": event.commit}
    if event.segment:
        return [(logging.WARNING, "ledger published; a new chain of lines begins", fields | {"why": event.segment})]
    return [(logging.INFO, "ledger published", fields)]


@lines.register
def _(event: events.LedgerUnpublished) -> list[Line]:
    fields = {"reason": event.kind, "why": event.message}
    return [(logging.WARNING, "ledger not published; it is in the record and nothing waits for it", fields)]


@lines.register
def _(event: events.LaneOpened) -> list[Line]:
    return [(logging.INFO, "server taken up", {"server": event.server})]


@lines.register
def _(event: events.ServerLetGo) -> list[Line]:
    return [(logging.INFO, "server let go; it keeps what it serves", {"server": event.server})]


@lines.register
def _(event: events.ServerStateChanged) -> list[Line]:
    level = logging.INFO if event.reach.answers else logging.WARNING
    fields = {"server": event.server, "standing": str(event.standing), "meaning": _MEANING[event.standing]}
    return [(level, f"server {words.reach(event.reach)}", fields)]


_MEANING = {
    Standing.FIRST_CONTACT: "there is no record of this server",
    Standing.KNOWN: "its config is the one sent last",
    Standing.LOST: "what was sent last is not what is seen: another writer, a restart, or a record that is too old",
    Standing.RESTARTED: "it has started anew, with its own config",
}


@lines.register
def _(event: events.ServerConverged) -> list[Line]:
    return [(logging.INFO, "server is as git says", {"server": event.server, "commit": event.commit})]


@lines.register
def _(event: events.LaneTrouble) -> list[Line]:
    fields = {"server": event.server, "reaction": event.reaction, "halted": event.halted, "why": event.message}
    return [(logging.ERROR if event.halted else logging.WARNING, "trouble with a server's lane", fields)]


@lines.register
def _(event: events.BotCommitted) -> list[Line]:
    fields = {"bot": event.bot, "model": event.document, "commit": event.commit, "why": event.words}
    return [(logging.WARNING, "a bot committed", fields | ({"branch": event.branch} if event.branch else {}))]


@lines.register
def _(event: events.BotWaits) -> list[Line]:
    fields = {"bot": event.bot, "model": event.document, "reason": event.reason, "why": event.words}
    return [(logging.WARNING, "a bot leaves it to a person", fields)]


@lines.register
def _(event: events.BotTrouble) -> list[Line]:
    fields = {"model": event.document, "reason": event.reason, "why": event.message, "again_in": round(event.pause, 1)}
    return [(logging.ERROR, "a bot could not commit", fields)]


@lines.register
def _(event: events.HoldsChanged) -> list[Line]:
    appeared = [_held(event.server, each) for each in event.appeared]
    return appeared + [_released(event.server, each) for each in event.released]


@lines.register
def _(event: events.PassSent) -> list[Line]:
    intent = event.intent
    fields = {"server": intent.server, "intent": intent.id, "actions": timeline.deeds(intent), "commit": intent.commit}
    return [(logging.INFO, "pass sent", fields)]


@lines.register
def _(event: events.ChecksBegun) -> list[Line]:
    intent = event.intent
    fields = {"server": intent.server, "intent": intent.id, "actions": timeline.deeds(intent), "commit": intent.commit}
    return [(logging.INFO, "checks begun", fields)]


@lines.register
def _(event: events.PassAnswered) -> list[Line]:
    intent, answer = event.sent.intent, event.sent.answer
    good = answer.kind is AnswerKind.ACCEPTED
    fields = {"server": intent.server, "intent": intent.id, "answer": str(answer.kind)}
    said = {} if good else {"message": answer.message}
    timed = {"seconds": round(event.seconds, 3)}
    return [(logging.INFO if good else logging.WARNING, "pass answered", fields | said | timed)]


@lines.register
def _(event: events.OutcomeSeen) -> list[Line]:
    outcome = event.outcome
    level = logging.INFO if outcome.kind is OutcomeKind.DONE else logging.WARNING
    action = timeline.deed_without_config(outcome.action)
    fields = {"server": event.server, "intent": outcome.intent, "action": action}
    evidence = {"evidence": outcome.evidence} if outcome.evidence else {}
    return [(level, f"action {words.spaced(outcome.kind)}", fields | evidence)]


def _held(server: str, hold: Hold) -> Line:
    level = logging.INFO if hold.progressing else logging.WARNING
    fields: Mapping[str, Any] = {
        "server": server,
        "model": hold.model or None,
        "reason": str(hold.reason),
        "why": hold.detail,
        "released_by": hold.released_by,
        "until": words.timestamp(hold.until),
    }
    return (level, "held", {key: value for key, value in fields.items() if value is not None})


def _released(server: str, hold: Hold) -> Line:
    return (logging.INFO, "released", {"server": server, "model": hold.model, "reason": str(hold.reason)})
