"""First-parent commits joined with the ledger's lines: what each asked of each model, and what came of it, as rows.

Pure. Called by `history` and `trace` through `cli/`. The order is that of history, never of time. A line belongs to the
newest commit, at or before the one that was in force, which changed the model: where two commits were pushed at once
only the second was ever in force, and yet the first one's wish was carried out. What had to be put right under a later
commit that says nothing of the model is a row of that commit. A *deployment* is all lines of one row; its id is the
first one's.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from reconciler.record.landings import Case, ended, landing
from reconciler.record.returns import Change, returns
from reconciler.state.desired import Commit
from reconciler.state.entry import Entry, EntryKind, Initiator
from reconciler.state.history import Asked, Fate, Landing, Row, Spec, Step
from reconciler.state.outcome import Status

_LEFT_BEHIND = (Fate.NEVER, Fate.OVERTAKEN)


@dataclass(frozen=True, slots=True)
class Told:
    """What the record and the repository say besides the steps.

    entries: ledger lines, ascending. positions: of every commit of the line that was walked, 0 for the newest. commits:
    those that lines name. in_force: the last good commit, "" for none. begins: the commit of the ledger's first line,
    "" where it has none. waits: why the newest commit is not in force, "" where nothing is wrong.
    """

    entries: Sequence[Entry] = ()
    statuses: Sequence[Status] = ()
    positions: Mapping[str, int] = field(default_factory=dict)
    commits: Mapping[str, Commit] = field(default_factory=dict)
    in_force: str = ""
    begins: str = ""
    waits: str = ""

    def held_to(self, status: Status | None) -> int | None:
        """The position of the commit that a server is held to."""
        commit = status.commit if status is not None and status.commit in self.positions else self.in_force
        return self.positions.get(commit)

    @property
    def beginning(self) -> int | None:
        """The position of the ledger's first line; behind all of them where the walk ended before it."""
        return self.positions.get(self.begins, len(self.positions)) if self.begins else None


def rows(steps: Iterable[Step], told: Told) -> tuple[Row, ...]:
    """One row per commit and model that it changed, or that was put right under it; newest first, then by model.

    A commit that changed no model and something else all the same is a row without one.
    """
    known = list(steps)
    lines = _by_model(told.entries)
    found = [row for chain in chains(known) for row in _Chain(chain, told, _of_chain(chain, lines)).rows()]
    found += [Row(step, "") for step in known if not step.asked]
    return tuple(sorted(found, key=lambda row: (row.step.position, row.model)))


def of_server(found: Iterable[Row], server: str) -> tuple[Row, ...]:
    """The rows that concern one server (`fleet/name`, or its name alone), with what happened there only."""
    there = (replace(row, landings=tuple(each for each in row.landings if is_at(each.server, server))) for row in found)
    return tuple(replace(row, deployment=_deployment(row.landings)) for row in there if row.landings)


def is_at(server: str, named: str) -> bool:
    """Whether a server is the one that is named by its id, or by its name within its fleet."""
    return named in {server, server.partition("/")[2]}


def chains(steps: Iterable[Step]) -> list[list[Change]]:
    """The changes of each model, newest first; a renamed document is the same model."""
    found: dict[str, list[Change]] = defaultdict(list)
    names: dict[str, str] = {}
    for step in steps:
        for asked in step.asked:
            name = names.get(asked.document, asked.document)
            found[name].append(Change(step, asked))
            if asked.was:
                names[asked.was] = name
    return [_mended(chain) for chain in found.values()]


def _mended(chain: list[Change]) -> list[Change]:
    """Where a document was not sound before, a change is told against the last sound one: nothing else was in force."""
    mended: list[Change] = []
    before: Spec | None = None
    broken = False
    for change in reversed(chain):
        asked = replace(change.asked, before=before) if broken and before is not None else change.asked
        mended.append(Change(change.step, asked))
        broken = asked.after is not None and asked.after.model is None
        before = before if broken else asked.after
    return mended[::-1]


def _by_model(entries: Iterable[Entry]) -> Mapping[str, Sequence[Entry]]:
    """Each model's lines, ascending: looking through all of them for every model would take seconds."""
    found: dict[str, list[Entry]] = defaultdict(list)
    for entry in entries:
        found[entry.model].append(entry)
    return found


def _of_chain(changes: Iterable[Change], lines: Mapping[str, Sequence[Entry]]) -> list[Entry]:
    """The lines of every name that servers knew a model by, ascending."""
    names = {change.asked.servable for change in changes}
    return sorted((line for name in names for line in lines.get(name, ())), key=lambda line: line.id)


class _Chain:
    """One model's changes, newest first, with the lines that belong to each. `lines`: of that model, ascending."""

    def __init__(self, changes: Sequence[Change], told: Told, lines: Iterable[Entry]) -> None:
        self._changes = changes
        self._told = told
        self._positions = [change.step.position for change in changes]
        self._statuses = {(each.server, each.model): each for each in told.statuses}
        self._lines: dict[tuple[int, str], list[Entry]] = defaultdict(list)
        self._pins: dict[tuple[int, str], list[Entry]] = defaultdict(list)
        self._aside: dict[tuple[str, str], list[Entry]] = defaultdict(list)
        for entry in lines:
            self._take(entry)

    def rows(self) -> list[Row]:
        """The rows of the changes, and of commits under which something was put right."""
        judged: list[tuple[Landing, ...]] = []
        stood: dict[str, Spec | None] = {}
        for index in reversed(range(len(self._changes))):
            cases = [self._case(index, server, stood.get(server)) for server in self._servers(index)]
            judged.append(tuple(landing(case, self._told.positions) for case in cases))
            for case, found in zip(cases, judged[-1], strict=True):
                stood[case.server] = _stands(case, found, self._changes[index].asked, stood.get(case.server))
        own = [
            replace(self._row(index, landings), back_to=to, rolled_back_by=by)
            for index, ((to, by), landings) in enumerate(zip(returns(self._changes), reversed(judged), strict=True))
        ]
        return own + self._put_right()

    def _servers(self, index: int) -> list[str]:
        lines = (server for number, server in self._lines if number == index)
        return sorted({*_placed(self._changes[index].asked), *lines})

    def _take(self, entry: Entry) -> None:
        """Give a line to the change it belongs to, if it is about this model on a server where it is placed."""
        position = self._told.positions.get(entry.commit)
        if position is None:
            return
        index = bisect_left(self._positions, position)
        if index == len(self._changes) or not _concerns(self._changes[index].asked, entry):
            return
        if self._of_pin(entry):
            self._pins[index, entry.server].append(entry)
            return
        if entry.initiated_by == Initiator.DRIFT and self._changes[index].step.commit.id != entry.commit:
            self._aside[entry.commit, entry.server].append(entry)
        self._lines[index, entry.server].append(entry)

    def _of_pin(self, entry: Entry) -> bool:
        """Whether a local pin began it, and not the commit that was made of one."""
        commit = self._told.commits.get(entry.commit)
        made_of_one = commit is not None and commit.trailer("Rollback-Trigger").lower() == Initiator.PIN
        return entry.initiated_by == Initiator.PIN and not made_of_one

    def _row(self, index: int, landings: tuple[Landing, ...]) -> Row:
        change = self._changes[index]
        lines = [line for each in landings for line in self._lines.get((index, each.server), ())]
        newer = self._changes[index - 1].step.commit.id if index else ""
        return Row(
            step=change.step,
            model=change.asked.document,
            asked=change.asked,
            landings=landings,
            deployment=_deployment(landings),
            signer=_signer(lines, change.step.commit),
            overtaken_by=newer if any(each.fate in _LEFT_BEHIND for each in landings) else "",
            initiated_by=next((str(line.initiated_by) for line in lines), ""),
        )

    def _case(self, index: int, server: str, stood: Spec | None) -> Case:
        change, told = self._changes[index], self._told
        status = self._statuses.get((server, change.asked.servable))
        pins = self._pins.get((index, server), [])
        newer = [
            line
            for kept in filter(None, (self._lines, self._pins))
            for number in range(index)
            for line in kept.get((number, server), ())
        ]
        return Case(
            server=server,
            commit=change.step.commit.id,
            position=change.step.position,
            until=self._changes[index - 1].step.position if index else -1,
            problem=change.step.problem,
            entries=tuple(self._lines.get((index, server), ())),
            later=tuple(sorted([*pins, *newer], key=lambda line: line.id)),
            pinned=sum(each.kind is EntryKind.INTENT for each in pins),
            so_already=server in _placed(change.asked)
            and _served(stood) is not None
            and _served(stood) == _served(change.asked.after),
            status=status,
            in_force=told.held_to(status),
            begins=told.beginning,
            waits=told.waits,
        )

    def _put_right(self) -> list[Row]:
        """A row for each commit that asked nothing of the model and under which it was put right."""
        found: dict[str, list[Landing]] = defaultdict(list)
        for (commit, server), lines in sorted(self._aside.items()):
            found[commit].append(_healed(server, lines))
        return [self._healing(commit, tuple(landings)) for commit, landings in found.items()]

    def _healing(self, commit: str, landings: tuple[Landing, ...]) -> Row:
        told = self._told
        step = Step(told.positions[commit], told.commits.get(commit, Commit(commit)))
        return Row(
            step=step,
            model=self._changes[0].asked.document,
            landings=landings,
            deployment=_deployment(landings),
            signer=step.commit.signer,
            initiated_by=str(Initiator.DRIFT),
        )


def _served(spec: Spec | None) -> tuple[object, ...] | None:
    """What a server notices of a spec: equal for two that differ in nothing but what bots may do, say."""
    if spec is None or spec.model is None:
        return None
    model = spec.model
    return (
        model.name,
        model.base_path,
        model.platform,
        model.policy,
        model.labels,
        [each.digest for each in model.checks],
    )


def _signer(lines: Iterable[Entry], commit: Commit) -> str:
    """Who signed a commit, from its own lines: whoever signed a newer one, under which it was applied, did not."""
    own = (line.signer for line in lines if line.signer and line.commit == commit.id)
    return next(own, commit.signer)


def _stands(case: Case, found: Landing, asked: Asked, before: Spec | None) -> Spec | None:
    """What a server has after a wish: it, what was there before, or None where that cannot be told."""
    if found.fate in (Fate.DONE, Fate.NOTHING):
        return asked.after
    return before if not case.entries or case.restored else None


def _healed(server: str, lines: Sequence[Entry]) -> Landing:
    fate, evidence = ended(lines)
    ends = [each.finished for each in lines if each.finished is not None]
    return Landing(
        server=server,
        fate=fate,
        started=min(each.started for each in lines),
        finished=max(ends, default=None),
        entries=tuple(each.id for each in lines),
        because=evidence or next((each.reason for each in lines if each.reason), ""),
    )


def _placed(asked: Asked) -> set[str]:
    """The servers that a change is about: where the model is afterwards, and where it was."""
    return {server for spec in (asked.before, asked.after) if spec is not None for server in spec.servers}


def _concerns(asked: Asked, entry: Entry) -> bool:
    return entry.model == asked.servable and entry.server in _placed(asked)


def _deployment(landings: Iterable[Landing]) -> int:
    return min((number for each in landings for number in each.entries), default=0)
