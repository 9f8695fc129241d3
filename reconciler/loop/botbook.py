"""What is on record of bots: their commits, by model, and what they wait for, for `explain`.

Used by `Bots`. Notes of the store, as JSON: a commit is noted before it is pushed and again afterwards. Every write
raises RecordError where it cannot be made durable; then nothing is pushed. Also read beside a running service.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

from reconciler.ports import Ledger
from reconciler.propose import Bot, Made, Proposal, State, Waiting

COMMITS = "bot-commits/"
"""The note of a model's commits is this and the model's document name."""
SAID = "bots"
"""The note with what every bot waits for."""


class BotBook:
    """The notes of one record."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._known: dict[str, tuple[Made, ...]] = {}
        self._said = ledger.noted(SAID) or "[]"

    def made(self, document: str) -> tuple[Made, ...]:
        """The last commit of each bot for that model."""
        if document not in self._known:
            self._known[document] = commits(self._ledger, document)
        return self._known[document]

    def keep(self, document: str, made: Made, state: State | None = None, words: str = "") -> None:
        """Note a commit, in another state than before where one is given."""
        noted = replace(made, state=state or made.state, words=words or made.words)
        others = tuple(each for each in self.made(document) if each.bot is not made.bot)
        both = (*others, noted)
        self._ledger.note(COMMITS + document, json.dumps([asdict(each) for each in both]))
        self._known[document] = both

    def publish(self, said: Mapping[str, Sequence[Proposal | Waiting]], names: Mapping[str, str]) -> None:
        """Keep what bots wait for, where it is not what was kept last; names: what servers call each model."""
        waiting = [
            {"model": names.get(document, document), "waits": asdict(each)}
            for document, found in said.items()
            for each in found
            if isinstance(each, Waiting)
        ]
        text = json.dumps(waiting)
        if text != self._said:
            self._ledger.note(SAID, text)
            self._said = text


def commits(ledger: Ledger, document: str) -> tuple[Made, ...]:
    """What is on record of the commits that bots made for a model."""
    noted = ledger.noted(COMMITS + document)
    return tuple(_made(each) for each in json.loads(noted)) if noted else ()


def waiting(ledger: Ledger) -> tuple[tuple[str, Waiting], ...]:
    """What every bot waits for, as last recorded, each with what servers call the model."""
    noted = ledger.noted(SAID)
    return tuple((each["model"], _waiting(each["waits"])) for each in json.loads(noted)) if noted else ()


def _made(noted: dict[str, Any]) -> Made:
    return Made(**{**noted, "bot": Bot(noted["bot"]), "state": State(noted["state"])})


def _waiting(noted: dict[str, Any]) -> Waiting:
    return Waiting(**{**noted, "bot": Bot(noted["bot"])})
