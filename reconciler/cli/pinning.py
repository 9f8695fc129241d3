"""Local pins for the command line: chosen here from the mirror, taken up by the service or left in the record for it.

Called by `rollback --local` and `--unpin`. No host is asked: the mirror holds every commit. What a
pin means for a desired state is `source/pins.py`'s.
"""

import os
import re
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

from reconciler.adapters.git import GitReader
from reconciler.adapters.git_writer import Identity
from reconciler.adapters.lock import StateDirectory
from reconciler.cli import backwards, records, triggers, verb, wiring
from reconciler.cli.backwards import Ask, Where
from reconciler.cli.exits import Blocked, Exit, Misused
from reconciler.cli.options import DestinationOptions
from reconciler.cli.rollback import remembered, weights
from reconciler.cli.verbs import sync
from reconciler.errors import RevisionMissing, RevisionRefused
from reconciler.expose import rollback as words
from reconciler.expose.costs import Cost
from reconciler.expose.words import moment
from reconciler.parse import normal
from reconciler.revise.target import Target
from reconciler.source import Documents, pins
from reconciler.state.desired import Commit, Desired
from reconciler.state.pin import Pin

SHORTEST, LONGEST = 60.0, 7 * 86400.0
"""Seconds that a pin may last: shorter is over before anybody has looked, longer is a commit's affair."""

_TIME = re.compile(r"([0-9]+(ms|s|m|h|d))+")


def check(destination: DestinationOptions, *, local: bool, unpin: bool) -> None:
    """Raises Misused for what does not go together."""
    if local and unpin:
        raise Misused("Give --local or --unpin: one begins a pin, the other ends it.")
    if destination.push or destination.branch is not None or destination.print_:
        raise Misused("--local and --unpin write no commit; leave --push, --branch and --print out.")


def pin(ask: Ask, where: Where, ttl: str | None) -> int:
    """Hold models to what an older commit says of them.

    Raises:
        Misused: no time, or no reason.
        Blocked: there is no mirror here.
        RevisionRefused: there is nothing to go back to, or its files are gone from storage.
        RecordError: it cannot be written down.
    """
    seconds = _seconds(ttl)
    if not ask.reason.strip():
        raise Misused("Give --reason: whoever looks next must know why git is not followed.")
    mirror = StateDirectory(where.state).mirror
    if not (mirror / "HEAD").exists():
        raise Blocked(
            f"There is no mirror in {where.state}: a pin is for a service that follows git already. Give its state "
            "directory with --state."
        )
    head = _head(where, GitReader(mirror))
    found = backwards.targets(ask, mirror, head, where)
    for each in words.text(_weighed(ask, found, where, mirror)):
        verb.say(each)
    now, by = time.time(), Identity.of_person(os.environ).name
    until = moment(now + seconds)
    made = tuple(
        Pin(each.document, each.row.step.commit.id, ask.reason, by, now, now + seconds, until) for each in found
    )
    _hand_over(where, made)
    verb.say(f"Pinned until {until}: {', '.join(each.document for each in made)}. `status` and `explain` show it.")
    return Exit.OK


def unpin(models: Sequence[str], where: Where) -> int:
    """End the pins of models at once."""
    with backwards.record(where.state) as ledger:
        known = {each.document for each in pins.noted(ledger)} if ledger is not None else set()
    missing = [each for each in models if each not in known]
    if missing:
        verb.say(f"Not pinned: {', '.join(missing)}. Pinned now: {', '.join(sorted(known)) or 'nothing'}.")
        return Exit.ERROR
    _hand_over(where, (), models)
    verb.say(f"Git counts again for {', '.join(models)}.")
    return Exit.OK


def _hand_over(where: Where, made: Iterable[Pin], ended: Iterable[str] = ()) -> None:
    """To the running service, or into the record where none runs. Raises Blocked where the service did not take it."""
    made, ended = tuple(made), tuple(ended)
    if records.kept_up(where.state) is False:
        with wiring.writing(where.state, "reconciler rollback --local") as ledger:
            pins.drop(ledger, ended)
            pins.add(ledger, made)
        verb.say(f"No service runs on {where.state}; `reconciler run` and `apply` will keep to it.")
        return
    identity = triggers.SyncFile(where.state).ask(pins=made, unpin=ended)
    with records.reading(where.state) as ledger:
        taken = sync.until(lambda: ledger.noted(triggers.HANDLED) == identity, sync.TAKEN_UP_WITHIN)
        kept = {(each.document, each.since) for each in pins.noted(ledger)}
    if taken and not {(each.document, each.since) for each in made} <= kept:
        raise Blocked("The service could not keep the pin; its log says why. Git goes on to count.")
    if not taken:
        verb.say("Asked the running service, which has not taken it up yet; it will, as soon as it is done asking git.")


def _weighed(ask: Ask, found: tuple[Target, ...], where: Where, mirror: Path) -> words.Rollback:
    """What it costs, as the record knows servers and storage."""
    memories = wiring.remembered(where.state)
    weighed: dict[str, tuple[Cost, ...]] = {}
    for each in found:
        desired = _asked_for(mirror, each, where.below)
        weighed |= weights((each,), desired, lambda server, model: remembered(memories, server, model))
    if not ask.offline:
        words.require_files(weighed)
    return words.Rollback(Commit(""), "", found, (), weighed=weighed)


def _asked_for(mirror: Path, each: Target, below: str) -> Desired:
    """Everything that the commit gone back to asked for."""
    commit = each.row.step.commit
    parsed = Documents(GitReader(mirror), below).at(commit.id)
    if parsed.desired is None:
        raise RevisionRefused(
            f"Commit {commit.short} is not valid as a whole, so it cannot be held to: {parsed.problems[0]}. To do: "
            "name another commit with --to."
        )
    return parsed.desired


def _head(where: Where, mirror: GitReader) -> str:
    """The commit in force; the mirror's head where nothing is on record."""
    with backwards.record(where.state) as ledger:
        good = ledger.good_commit() if ledger is not None else None
    head = good or mirror.head()
    if head is None:
        raise RevisionMissing(f"The mirror in {where.state} holds no commit yet. Run `reconciler sync`.")
    return head


def _seconds(ttl: str | None) -> float:
    if ttl is None or _TIME.fullmatch(ttl) is None:
        raise Misused("Give --ttl a time such as 30m or 2h: a pin that nobody ends must end by itself.")
    seconds = normal.seconds(ttl)
    if not SHORTEST <= seconds <= LONGEST:
        raise Misused(f"--ttl {ttl} is not between one minute and seven days; what lasts longer belongs into git.")
    return seconds
