"""What fits into a server's memory, beside what: the budget, what is in it, and what is still to come.

A `Room` is made for one server at one moment, and only where a budget is given. `plan/auto.py` asks it which order a
model can change in; the steps of planning ask it before they list a version (`ask`, `ask_exchange`), and what it lets
in counts from then on, so that the loads of one pass share what there is. What does not fit now waits for others
(`MemoryTurn`); what will not fit when all others have arrived is held with the numbers (`MemoryShort`). A version whose
size nobody can tell counts as nothing; plans say so.
"""

from collections.abc import Iterable, Sequence

from reconciler.plan.target import Target, Targets
from reconciler.state.desired import DesiredServer, MemoryBudget
from reconciler.state.footprint import Held, Scales, assumed, certain, held, peak, total, unknown, written
from reconciler.state.observed import Observed
from reconciler.state.plan import Choice, Hold, HoldReason, MemoryUse, Pass

SHOWN = 3
"""Models named one by one in a hold; the largest first."""


class Room:
    """The memory of one server. Versions are by model and number; sizes are bytes."""

    def __init__(self, budget: MemoryBudget, observed: Observed, targets: Targets) -> None:
        self.budget = budget
        self._observed = observed
        self._weigh = Scales(observed)
        self._targets = {target.name: target for target in targets.models}
        self._leaving = frozenset(targets.removed)
        self._listed = {model.name: frozenset(model.listed) for model in observed.sent.models}
        self._going = {(each.name, one.version) for each in observed.models for one in each.versions if one.going}
        self._held: dict[str, dict[int, int]] = {}
        for (name, version), size in held(observed).items():
            self._held.setdefault(name, {})[version] = size or 0
        self._exchanged = ""

    # what is there, and what will be

    def now(self, model: str) -> int:
        """What a model takes now."""
        return sum(self._held.get(model, {}).values())

    def goal(self, target: Target) -> int:
        """What a model takes once it is what it shall be; versions kept for a while are not counted."""
        return self.sum_of(target, set(target.versions) - set(target.retained))

    def sum_of(self, target: Target, versions: Iterable[int]) -> int:
        """What these versions of a model take together."""
        mine = self._held.get(target.name, {})
        return sum(mine.get(version) or self._weigh(target.base_path, version) or 0 for version in versions)

    def both(self, target: Target) -> frozenset[int]:
        """The versions that a model has in memory on its way when the new ones come before the old ones go."""
        spare = {*target.retained, *target.given_up}
        gone = {version for name, version in self._going if name == target.name}
        return frozenset(set(self._held.get(target.name, {})) - spare - gone | (set(target.versions) - spare))

    def others(self, model: str) -> int:
        """What all other models take now, and what the one that is being exchanged has a right to."""
        used = sum(self.now(name) for name in self._held if name != model)
        exchanged = self._targets.get(self._exchanged)
        if exchanged is None or self._exchanged == model:
            return used
        return used + max(self.goal(exchanged) - self.now(self._exchanged), 0)

    def others_bare(self, model: str) -> int:
        """The least that all other models take now, or soon: without versions that are only kept for a while.

        Soon those that have nothing to load any more have let go of what nothing keeps.
        """
        names = [name for name in self._held if name != model]
        now = sum(self._bare(name) for name in names)
        soon = sum(self._soon(name) for name in names if name in self._targets and name not in self._leaving)
        return min(now, soon)

    @property
    def kept(self) -> int:
        """What is loaded only because it is kept for a while, all models together."""
        return sum(self.kept_by(name, version) for name, target in self._targets.items() for version in target.retained)

    def kept_by(self, model: str, version: int) -> int:
        """What one loaded version takes."""
        return self._held.get(model, {}).get(version, 0)

    def others_at_last(self, model: str) -> int:
        """What all other models will take when each is what it shall be."""
        return sum(self.goal(target) for name, target in self._targets.items() if name != model)

    def missing(self, target: Target) -> frozenset[int]:
        """The versions of a target that the config in force does not list."""
        return frozenset(target.versions) - self._listed.get(target.name, frozenset())

    def is_unknown(self, target: Target) -> bool:
        """Whether a size that matters to this model's change is not known: that of anything that is there, or of it."""
        mine = (target.base_path, target.asked or target.versions)
        return not certain(self._observed, *mine)

    @property
    def is_assumed(self) -> bool:
        """Whether nobody looked at storage: then sizes are as little known as whether the files are there."""
        return assumed(self._observed)

    def is_held(self, model: str) -> bool:
        """Whether anything of that model is in memory."""
        return bool(self._held.get(model))

    # asking

    def reserve_for(self, model: str | None) -> None:
        """What that model has unloaded for its exchange is not given to others."""
        self._exchanged = model or ""

    def fits(self, size: int) -> bool:
        """Whether so many bytes fit at all."""
        return size <= self.budget.usable

    def ask(self, target: Target, versions: Iterable[int]) -> Hold | None:
        """Let these versions in beside everything that is there; or why they may not come now."""
        coming = sorted(set(versions) - set(self._held.get(target.name, {})))
        whole = self.now(target.name) + self.sum_of(target, coming) + self.others(target.name)
        if not coming or not self.sum_of(target, coming) or self.fits(whole):
            mine = self._held.setdefault(target.name, {})
            mine.update((version, self.sum_of(target, (version,))) for version in coming)
            return None
        most = self.goal(target) if target.open else self.sum_of(target, self.both(target) | set(coming))
        return self._refused(target, coming, most)

    def ask_exchange(self, target: Target) -> Hold | None:
        """Why an exchange of this model may not begin now: what it loads would not fit once the old has gone."""
        if self.fits(max(self.goal(target), 0) + self.others(target.name)):
            return None
        coming = sorted(self.missing(target))
        return self._refused(target, coming, self.goal(target)) if self.sum_of(target, coming) else None

    def _soon(self, model: str) -> int:
        target = self._targets[model]
        return max(self._bare(model), self.goal(target)) if self.missing(target) else self.goal(target)

    def _bare(self, model: str) -> int:
        target = self._targets.get(model)
        return self.now(model) - sum(self.kept_by(model, version) for version in (target.retained if target else ()))

    # wording

    def _refused(self, target: Target, coming: list[int], most: int) -> Hold:
        """`most`: the most that the model takes on its way."""
        at_last = most + min(self.others_at_last(target.name), self.others_bare(target.name))
        version = coming[0] if len(coming) == 1 else None
        if self.fits(at_last):
            detail = f"{self._needs(target, coming)}; {self._used(target.name)}; {self._limit()}: it waits for room"
            release = "the end of what unloads now, or of other models' changes, which leaves room"
            return Hold(HoldReason.MEMORY_TURN, target.name, detail, release, version=version, progressing=True)
        detail = (
            f"{self._needs(target, coming)}; with all that it and the other models keep loaded meanwhile that makes "
            f"{written(at_last)}; {self._used(target.name)}; {self._limit()}"
        )
        release = "a larger `memory.budget`, smaller versions, or fewer models on this server"
        return Hold(HoldReason.MEMORY_SHORT, target.name, detail, release, version=version)

    def _needs(self, target: Target, coming: list[int]) -> str:
        sizes = [f"{version} needs {written(self.sum_of(target, (version,)))}" for version in coming]
        return f"version {', '.join(sizes)} (1.2 × its files)"

    def _used(self, model: str) -> str:
        sizes = {name: self.now(name) for name in self._held if self.now(name)}
        named = sorted(sizes, key=lambda name: (-sizes[name], name))
        shown = [f"{name} {written(sizes[name])}" for name in named[:SHOWN]]
        rest = sum(sizes[name] for name in named[SHOWN:])
        shown += [f"{len(named) - SHOWN} others {written(rest)}"] if rest else []
        return f"in memory now: {', '.join(shown)}" if shown else "nothing is in memory now"

    def _limit(self) -> str:
        kept = f" (budget {written(self.budget.budget)}, reserve {written(self.budget.reserve)})"
        return f"{written(self.budget.usable)} may be used{kept if self.budget.reserve else ''}"


def room(server: DesiredServer, observed: Observed, targets: Targets) -> Room | None:
    """The memory of that server, None where nothing limits it."""
    return None if server.memory is None else Room(server.memory, observed, targets)


def use(server: DesiredServer, aims: Targets, road: Sequence[tuple[Observed, Pass | None]]) -> MemoryUse | None:
    """What models take along a road: each station with the pass that leaves it. None: no limit."""
    if server.memory is None:
        return None
    stations = [held(observed) for observed, _ in road]
    tops = [peak(observed, body.config) for observed, body in road if body is not None]
    seen: Held = {place: size for each in (*stations, *tops) for place, size in each.items()}
    return MemoryUse(
        budget=server.memory.budget,
        reserve=server.memory.reserve,
        before=total(stations[0]),
        peak=max(map(total, (*stations, *tops))),
        after=total(stations[-1]),
        unknown=unknown(seen),
        choices=tuple(
            Choice(target.name, target.transition.policy, target.choice) for target in aims.models if target.choice
        ),
    )


def cautions(server: DesiredServer, found: MemoryUse | None, *, looked: bool = True) -> tuple[str, ...]:
    """What a plan says aloud about memory although nothing holds it. looked: whether storage was looked at at all."""
    if found is None or server.memory is None:
        return ()
    sentences = []
    if found.unknown and looked:
        names = ", ".join(f"{name} {version}" for name, version in found.unknown[:SHOWN])
        more = f" and {len(found.unknown) - SHOWN} more" if len(found.unknown) > SHOWN else ""
        sentences.append(
            f"the size of {names}{more} is not known, because the files are not seen from here: it counts as nothing "
            "against the memory budget"
        )
    if found.before > server.memory.usable:
        sentences.append(
            f"models take {written(found.before)} already, and {written(server.memory.usable)} may be used: nothing is "
            "unloaded for that alone"
        )
    return tuple(sentences)
