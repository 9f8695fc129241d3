"""Who may take a label away for a while: nobody who is the last to answer it, unless git consents.

Called by `plan/waves.py`. Under `resource`, and under `auto` where it comes to that, a label answers nobody on a server
between the unload of the old version and the load of the new one. Clients then need another server that answers it, of
whatever fleet, and one that is not about to do the same. Without one the exchange is held (`DowntimeNotAllowed`) until
`transition.allowDowntime` says otherwise; with one that is itself on its way it waits its turn.

Asked for again at every step: an exchange that has begun leaves its last label alone when the other server dies.
"""

from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass
from functools import cached_property

from reconciler.plan.progress import Part, Progress, Stage
from reconciler.plan.vetoing import FREE, Vetoes
from reconciler.plan.vetoing import downtime as key_of
from reconciler.state.plan import Hold, HoldReason


@dataclass(frozen=True)
class Asking:
    """The servers of one fleet with their progress; that of all servers; and those that were given a permit."""

    known: Mapping[str, Progress]
    found: Mapping[str, Progress]
    holders: frozenset[str]

    @cached_property
    def everyone(self) -> Mapping[str, Progress]:
        """The progress of all servers."""
        return {**self.found, **self.known}

    @cached_property
    def answering(self) -> Mapping[tuple[str, str], tuple[str, ...]]:
        """The servers that answer a label now, by (document, label)."""
        answering: dict[tuple[str, str], tuple[str, ...]] = {}
        for name, each in self.everyone.items():
            for place in each.answers:
                answering[place] = (*answering.get(place, ()), name)
        return answering

    def leaves(self, name: str, part: Part) -> bool:
        """Whether an exchange of that part is on its way, or may begin at any moment."""
        begun = part.stage is Stage.CHANGING or (part.stage is Stage.PENDING and name in self.holders)
        return part.exchanges and begun


def vetoes(asking: Asking, held: Mapping[str, Vetoes]) -> Mapping[str, Vetoes]:
    """What may not be taken away on the servers of one fleet, by server id; `held` may not begin there anyway.

    By label (`target.downtime`); and by document, where the change has not begun.
    """
    if not any(each.answers for each in asking.known.values()):
        return {}
    taking = [
        (name, part)
        for name, each in asking.known.items()
        if not each.lost
        for part in each.parts
        if part.takes
        and part.stage is not Stage.BLOCKED
        and not (part.stage is Stage.PENDING and part.document in held.get(name, FREE))
    ]
    gone = {(name, part.document) for name, part in _elsewhere(asking) if asking.leaves(name, part)}
    refused: dict[str, Vetoes] = {}
    for name, part in sorted(taking, key=lambda each: (not asking.leaves(*each), each[0], each[1].document)):
        mine = dict(_refusals(asking, name, part, gone))
        if mine:
            refused[name] = {**refused.get(name, FREE), **mine}
        else:
            gone.add((name, part.document))
    return refused


def _elsewhere(asking: Asking) -> Iterator[tuple[str, Part]]:
    for name, each in asking.everyone.items():
        if name not in asking.known and each.answers:
            for part in each.parts:
                yield name, part


def _refusals(asking: Asking, name: str, part: Part, gone: Set[tuple[str, str]]) -> Iterator[tuple[str, Hold]]:
    for label in part.takes:
        others = [each for each in asking.answering.get((part.document, label), ()) if each != name]
        if any((each, part.document) not in gone for each in others):
            continue
        hold = _hold(asking, name, label, others)
        yield key_of(part.document, label), hold
        if part.stage is Stage.PENDING:
            yield part.document, hold


def _hold(asking: Asking, name: str, label: str, others: list[str]) -> Hold:
    if others:
        detail = f"label {label} is answered by no server but {name} and {others[0]}, which exchanges its version now"
        return Hold(HoldReason.WAVE_TURN, "", detail, f"the convergence of {others[0]}", progressing=True)
    unseen = next((each for each, progress in asking.everyone.items() if progress.unknown), None)
    if unseen is not None:
        detail = f"label {label} is answered by no server seen so far but {name}, and {unseen} was not looked at yet"
        return Hold(HoldReason.WAVE_TURN, "", detail, f"a look at {unseen}", progressing=True)
    detail = (
        f"unloading the old version first would leave label {label} without an answer: no other server answers it now, "
        f"and old and new may not be loaded on {name} at once (policy `resource`, or what `auto` comes to here)"
    )
    release = "`transition.allowDowntime: true`, another server that answers the label, or room for both versions"
    return Hold(HoldReason.DOWNTIME_NOT_ALLOWED, "", detail, release)
