"""Local pins, kept as a note of the record and laid over what git asks for.

Used by `Watch`, and by commands that take up or plan a commit once. A pin ends by its time, or as soon as git says the
same; then git alone counts again. While one stands the commit carries the trailer that the ledger knows pins by.
Deliberately not here: who may ask for a pin, and proposing the commit that makes git say the same (cli).
"""

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, replace

from reconciler.errors import SourceError
from reconciler.ports import Ledger
from reconciler.state.automation import Automation
from reconciler.state.desired import Desired, DesiredModel, DesiredServer, Place
from reconciler.state.pin import Pin

NOTE = "pins"

Read = Callable[[str], Desired | None]
"""What a commit asked for, by id; None where its documents are not valid (any more). Raises SourceError."""


def noted(ledger: Ledger) -> tuple[Pin, ...]:
    """The pins on record, ascending by document; some may be over."""
    found = ledger.noted(NOTE)
    return tuple(Pin.read(each) for each in json.loads(found)) if found else ()


def keep(ledger: Ledger, pins: Iterable[Pin]) -> None:
    """Put these on record in the place of all others. Raises RecordError."""
    ordered = sorted(pins, key=lambda pin: pin.document)
    ledger.note(NOTE, json.dumps([asdict(pin) for pin in ordered]))


def add(ledger: Ledger, pins: Iterable[Pin]) -> None:
    """Put more on record; a model that has one gets the new one. Raises RecordError."""
    new = {pin.document: pin for pin in pins}
    keep(ledger, {**{pin.document: pin for pin in noted(ledger)}, **new}.values())


def drop(ledger: Ledger, documents: Iterable[str]) -> tuple[str, ...]:
    """End the pins of these models; the ones that had one. Raises RecordError."""
    known, gone = noted(ledger), set(documents)
    found = tuple(pin.document for pin in known if pin.document in gone)
    if found:
        keep(ledger, (pin for pin in known if pin.document not in gone))
    return found


class Pins:
    """Lays the pins of one record over desired states."""

    def __init__(self, ledger: Ledger, read: Read, now: Callable[[], float]) -> None:
        self._ledger = ledger
        self._read = read
        self._now = now
        self._last: tuple[Desired | None, tuple[Pin, ...], Desired | None] = (None, (), None)

    def over(self, desired: Desired | None, *, end: bool = True) -> Desired | None:
        """The desired state with pinned models as their pins have them; the same object as long as nothing changes.

        Args:
            desired: what git asks for.
            end: whether pins that are over are taken off the record.

        Raises:
            RecordError: the record cannot be read, or that a pin is over cannot be kept.
        """
        known = noted(self._ledger)
        standing = tuple(pin for pin in known if pin.stands(self._now()))
        if desired is None or not standing:
            self._end(known, standing, end=end)
            return desired
        before, pins, answer = self._last
        if before is not desired or pins != standing:
            standing, answer = self._laid(desired, standing)
            self._last = (desired, standing, answer)
        self._end(known, standing, end=end)
        return answer

    def _end(self, known: Sequence[Pin], standing: Sequence[Pin], *, end: bool) -> None:
        if end and len(standing) < len(known):
            keep(self._ledger, standing)

    def _laid(self, desired: Desired, pins: tuple[Pin, ...]) -> tuple[tuple[Pin, ...], Desired]:
        kept = []
        laid = desired
        for pin in pins:
            old = self._at(pin.to)
            made = _with(laid, pin, old) if old is not None else laid
            if old is None or made is not laid:
                kept.append(pin)  # one that cannot be read now is not over for that
            laid = made
        if laid is not desired:
            said = (("Rollback-Trigger", "pin"), ("Rollback-Reason", "; ".join(pin.reason for pin in kept)))
            laid = replace(laid, commit=replace(laid.commit, trailers=(*laid.commit.trailers, *said)))
        return tuple(kept), laid

    def _at(self, commit: str) -> Desired | None:
        try:
            return self._read(commit)
        except SourceError:
            return None


def _with(desired: Desired, pin: Pin, old: Desired) -> Desired:
    """The desired state with that pin; itself where git says the same everywhere."""
    known = next((found for each in old.servers if (found := _of(each, pin.document)) is not None), None)
    if known is None:
        return desired
    servers = tuple(_server(server, pin, old.server(server.id), known) for server in desired.servers)
    same = all(one is other for one, other in zip(servers, desired.servers, strict=True))
    return desired if same else replace(desired, servers=servers)


def _server(server: DesiredServer, pin: Pin, old: DesiredServer | None, known: DesiredModel) -> DesiredServer:
    """That server with the pin. old: as it was then, None where it came later. known: the Model as it was then."""
    now = _of(server, pin.document) or next((each for each in server.models if each.name == known.name), None)
    joined = known if now is not None else None
    before = joined if old is None else _of(old, pin.document)
    if before is None or (now is not None and _plain(now) == _plain(before)):
        return server
    others = tuple(each for each in server.models if each is not now and each.name != before.name)
    pinned = replace(before, pin=pin, automation=Automation())
    return replace(server, models=tuple(sorted((*others, pinned), key=lambda each: each.name)))


def _of(server: DesiredServer, document: str) -> DesiredModel | None:
    return next((each for each in server.models if each.document == document), None)


def _plain(model: DesiredModel) -> DesiredModel:
    """What it says, wherever it is written."""
    return replace(model, place=Place(""))
