"""Which changes may begin on which servers of a fleet now: waves, permits, and what stops a rollout.

The one place where servers know of each other. Called by `plan/fleet.py` for a whole plan and by the service's lanes
through `loop/permits.py`, with what `plan/progress.py` says of every server. A change without a permit is not begun:
its model stays on its last good spec (`plan/effective.py`). What has begun goes on, and what was lost is healed.

Order and pauses are per document, so that one model that waits or fails holds back no other; how many servers change at
once is per fleet. Waves are a guard for what is *new*: going back to a spec that a server has served before skips their
order, their pauses and a stopped rollout, and keeps to `maxConcurrent`.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from reconciler.plan import downtime
from reconciler.plan.downtime import Asking
from reconciler.plan.progress import NOT_YET, Part, Progress, Stage
from reconciler.plan.vetoing import FREE, Vetoes
from reconciler.plan.wording import counted
from reconciler.state.desired import DesiredServer, Rollout, TransitionPolicy, Wave
from reconciler.state.plan import Hold, HoldReason


def vetoes(
    servers: Sequence[DesiredServer], found: Mapping[str, Progress], holders: Iterable[str], now: float
) -> Mapping[str, Vetoes]:
    """The changes that may not begin now, by server id and document, each with the hold that says why.

    Args:
        servers: every server of one fleet, ascending by id.
        found: their progress, and that of servers in other fleets that may answer the same labels; one of this fleet
            that is missing counts as not looked at.
        holders: ids of servers that were given a permit, and may not have shown yet what they do with it.
        now: seconds since the epoch.
    """
    if not servers:
        return {}
    known = {server.id: found.get(server.id, NOT_YET) for server in servers}
    asking = Asking(known, found, frozenset(holders))
    lone = {name: dict(held) for name, held in downtime.vetoes(asking, {}).items()}
    closed = {name: {key: hold for key, hold in held.items() if not hold.progressing} for name, held in lone.items()}
    rules = servers[0].fleet.rollout
    if rules is None:
        held = _one_exchange_at_a_time(known, asking.holders, closed)
    else:
        line = _Line(rules, waves(rules, servers), _Moment(known, asking.holders, now, closed))
        held = {name: mine for name in known if (mine := line.held(name))}
    alone = downtime.vetoes(asking, held) if lone else {}
    return {name: {**alone.get(name, FREE), **held.get(name, FREE)} for name in held.keys() | alone.keys()}


def takes_turns(servers: Iterable[DesiredServer]) -> bool:
    """Whether the servers of a fleet may have to wait for each other, or may not exchange a model at all."""
    return any(
        server.fleet.rollout is not None
        or any(model.transition.policy is not TransitionPolicy.AVAILABILITY for model in server.models)
        for server in servers
    )


def may_begin(progress: Progress, held: Vetoes) -> bool:
    """Whether a server with these vetoes is given a permit: something of it may begin."""
    return any(part.document not in held for part in progress.pending)


def waves(rules: Rollout, servers: Sequence[DesiredServer]) -> tuple[tuple[Wave, tuple[str, ...]], ...]:
    """Each wave with the ids of its servers, ascending; servers that no wave selects form a last one."""
    left = {server.id: dict(server.labels) for server in servers}
    found = []
    for wave in rules.waves:
        chosen = [name for name, labels in left.items() if all(labels.get(key) == at for key, at in wave.selector)]
        chosen = chosen[: wave.most]
        left = {name: labels for name, labels in left.items() if name not in chosen}
        found.append((wave, tuple(chosen)))
    return (*found, (Wave("rest"), tuple(left))) if left else tuple(found)


class _Line:
    """The servers of one fleet in the order of its rollout, at one moment; places are given out in that order."""

    def __init__(self, rules: Rollout, order: tuple[tuple[Wave, tuple[str, ...]], ...], moment: "_Moment") -> None:
        self._rules, self._waves, self._moment = rules, order, moment
        self._index = {name: number for number, (_, names) in enumerate(order) for name in names}
        self._stops: dict[str, Hold | None] = {}
        self._gates: dict[tuple[int, str], Hold | None] = {}
        self._closed = {name: dict(self._held_by_order(name)) for name in moment.known}
        self._places = self._given()

    def held(self, name: str) -> Vetoes:
        """What may not begin on one server."""
        closed = self._closed[name]
        if name in self._places:
            return closed
        return {part.document: closed.get(part.document) or self._full() for part in self._moment.known[name].pending}

    def _given(self) -> frozenset[str]:
        """The servers that may change: those that do already, or may, then as many more as there is room for."""
        known, holders = self._moment.known, self._moment.holders
        given = {name for name, each in known.items() if each.unknown or each.changing}
        given |= {name for name, each in known.items() if name in holders and each.pending}
        for _, names in self._waves:
            for name in names:
                wants = any(part.document not in self._closed[name] for part in known[name].pending)
                if wants and len(given) < self._rules.max_concurrent:
                    given.add(name)
        return frozenset(given)

    def _held_by_order(self, name: str) -> Iterator[tuple[str, Hold]]:
        for part in self._moment.known[name].pending:
            hold = self._moment.closed.get(name, FREE).get(part.document)
            if hold is None and not part.back:
                hold = self._stop(part.document) or self._gate(self._index[name], part.document)
            if hold is not None:
                yield part.document, hold

    def _stop(self, document: str) -> Hold | None:
        if document not in self._stops:
            self._stops[document] = self._what_stops(document)
        return self._stops[document]

    def _what_stops(self, document: str) -> Hold | None:
        """A server on which the spec failed, or too many that cannot be reached."""
        known = self._moment.known
        for name, part in self._moment.everywhere(document):
            if part.stage is Stage.FAILED:
                detail = f"the change failed on {name} ({part.why}); no other server begins it"
                release = "a commit that takes it back or repairs it; or `reconciler retry`, once the cause is gone"
                return Hold(HoldReason.ROLLOUT_STOPPED, "", detail, release)
        lost = [name for name, each in known.items() if each.lost]
        if len(lost) < self._rules.max_unavailable:
            return None
        more = f" and {counted(len(lost) - 1, 'other')}" if len(lost) > 1 else ""
        detail = f"{lost[0]}{more} cannot be reached or used ({known[lost[0]].lost}), as many as maxUnavailable allows"
        return Hold(HoldReason.ROLLOUT_STOPPED, "", detail, "an answer of that server, or a higher maxUnavailable")

    def _gate(self, wave: int, document: str) -> Hold | None:
        """Why a wave may not begin with a document yet: an earlier one is not through, or its pause is not over."""
        for earlier in range(wave):
            if (earlier, document) not in self._gates:
                self._gates[earlier, document] = self._after(earlier, document)
            awaited = self._gates[earlier, document]
            if awaited is not None:
                return replace(awaited, detail=f"{self._called(wave)} waits {awaited.detail}")
        return None

    def _after(self, wave: int, document: str) -> Hold | None:
        """What is waited for of one wave; the detail is the end of a sentence."""
        rule, names = self._waves[wave]
        parts = [(name, part) for name, part in self._moment.everywhere(document) if name in names]
        for name, part in parts:
            if part.stage is not Stage.DONE:
                closed = self._moment.closed.get(name, FREE).get(document)
                words = part.words if closed is None else f"{Stage.BLOCKED.value} ({closed.reason.value})"
                pause = f", then its pause of {rule.pause:g} s" if rule.pause else ""
                detail, release = f"for wave {rule.name}: {name} {words}", f"the convergence of {name}{pause}"
                moves = closed is None and part.stage is not Stage.BLOCKED
                return Hold(HoldReason.WAVE_TURN, "", detail, release, progressing=moves)
        over = max((part.since for _, part in parts), default=0.0) + rule.pause
        if not parts or self._moment.now >= over:
            return None
        detail = f"for the pause of {rule.pause:g} s after wave {rule.name}"
        return Hold(HoldReason.WAVE_TURN, "", detail, "the end of the pause", until=over, progressing=True)

    def _called(self, index: int) -> str:
        return f"wave {self._waves[index][0].name} ({index + 1} of {len(self._waves)})"

    def _full(self) -> Hold:
        busy = sorted(self._places)
        shown = ", ".join(busy[:3]) + (" and others" if len(busy) > 3 else "")
        detail = f"at most {counted(self._rules.max_concurrent, 'server')} may change at a time: now {shown}"
        return Hold(HoldReason.WAVE_TURN, "", detail, "the end of a change on one of them", progressing=True)


class _Moment:
    """What is known of every server of a fleet, those with a permit, and now. `everywhere` is by document.

    closed: by server, what may not begin there whoever else changes.
    """

    def __init__(
        self, known: Mapping[str, Progress], holders: frozenset[str], now: float, closed: Mapping[str, Vetoes]
    ) -> None:
        self.known, self.holders, self.now, self.closed = known, holders, now, closed
        asked = {part.document for each in known.values() for part in each.pending}
        self._parts: dict[str, list[tuple[str, Part]]] = {document: [] for document in asked}
        for name, each in known.items():
            if each.unknown:
                for document, parts in self._parts.items():
                    parts.append((name, Part(document, Stage.UNKNOWN)))
            elif not each.lost:
                for part in each.parts:
                    if part.document in asked:
                        self._parts[part.document].append((name, part))

    def everywhere(self, document: str) -> list[tuple[str, Part]]:
        """The part of every server within reach that has the document; one not looked at yet may have it."""
        return self._parts[document]


def _one_exchange_at_a_time(
    known: Mapping[str, Progress], holders: frozenset[str], closed: Mapping[str, Vetoes]
) -> Mapping[str, Vetoes]:
    """Without rules for rollouts servers change at will; but under `resource` labels answer nobody for a while."""
    exchanging = [name for name, each in known.items() if each.exchanging or (name in holders and each.to_exchange)]
    held: dict[str, Vetoes] = {}
    for name, each in known.items():
        open_ = [part for part in each.to_exchange if part.document not in closed.get(name, FREE)]
        if name in exchanging or not open_:
            continue
        if not exchanging:
            exchanging.append(name)
            continue
        detail = (
            f"a model under policy `resource` is being exchanged on {exchanging[0]}: without `rollout` in the Fleet "
            "one server at a time, so that others answer meanwhile"
        )
        hold = Hold(HoldReason.WAVE_TURN, "", detail, f"the convergence of {exchanging[0]}", progressing=True)
        held[name] = {part.document: hold for part in open_}
    return held
