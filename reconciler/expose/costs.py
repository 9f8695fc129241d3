"""What a change of one model's spec asks for, and what it costs, in words: "label flip only" or "needs load of v41".

Called by `history`, by `rollback` before it writes its commit, and by plans for pull requests. Pure: specs come from
commits, what the servers hold from the record (`held`). Deliberately not here: the order of the actions, which only a
plan knows, and whether anything stands in the way of it.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields

from reconciler.expose import words
from reconciler.state import footprint
from reconciler.state.desired import DesiredModel, TransitionPolicy
from reconciler.state.look import Presence, VersionState
from reconciler.state.memory import Memory
from reconciler.state.versions import Specific

_SAID_ELSEWHERE = frozenset({"document", "name", "place", "policy", "labels", "base_path", "suspend", "checks"})


@dataclass(frozen=True, slots=True)
class Held:
    """What one server holds of one model, as last recorded.

    loaded: versions that are AVAILABLE and listed. sizes: (version, bytes of its files) of what storage holds whole,
    None where storage was not seen. load_seconds: how long the model's last load took there, None where none was
    measured.
    """

    server: str
    loaded: tuple[int, ...] = ()
    sizes: tuple[tuple[int, int], ...] | None = None
    load_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Cost:
    """What it takes to bring one server to a spec. Versions ascend.

    loads: (version, bytes of its files; None where not known). gone: versions to be loaded that storage has
    not, or not whole. moves: (label, from, to); None for a label that comes or goes. unknown: the server chooses the
    versions by itself (`latest`, `all`), so that nobody can say beforehand.
    """

    server: str
    moves: tuple[tuple[str, int | None, int | None], ...] = ()
    loads: tuple[tuple[int, int | None], ...] = ()
    unloads: tuple[int, ...] = ()
    gone: tuple[int, ...] = ()
    load_seconds: float | None = None
    unknown: bool = False

    @property
    def flip_only(self) -> bool:
        """Whether labels move and nothing is loaded."""
        return bool(self.moves) and not self.loads and not self.unknown


def asked(before: DesiredModel | None, after: DesiredModel | None) -> str:
    """What the step from one spec of a model to another asks for: `stable 41 → 42, adds version 42, drops 40`.

    "" where both say the same, whatever comments and layout say.
    """
    if after is None:
        return "" if before is None else f"removes the model ({_standing(before)})"
    if before is None:
        return f"adds the model: {_standing(after)}"
    return ", ".join(words.harmless(each) for each in _differences(before, after))


def held(memory: Memory, model: DesiredModel) -> Held:
    """What the record knows of a model on the server that is remembered."""
    listed = memory.sent.model(model.name) if memory.sent is not None else None
    loaded = {
        each.version
        for each in memory.versions
        if each.model == model.name and each.state is VersionState.AVAILABLE and not each.suspect
    }
    if listed is not None and isinstance(listed.policy, Specific):
        loaded &= set(listed.listed)
    seen = next((each for each in memory.paths if each.base_path == model.base_path), None)
    sizes = None
    if seen is not None and seen.presence is not Presence.UNSEEN:
        sizes = tuple((files.version, files.size) for files in seen.versions if files.complete)
    return Held(memory.server, tuple(sorted(loaded)), sizes, dict(memory.load_seconds).get(model.name))


def cost(before: DesiredModel | None, after: DesiredModel, there: Held) -> Cost:
    """What it takes to bring one server from a spec to another, given what it holds.

    Args:
        before: the spec in force, None where the model is not placed there.
        after: the spec to go to.
        there: what the server holds of the model.
    """
    moves = tuple(moved(before.labels if before else (), after.labels))
    if not isinstance(after.policy, Specific):
        return Cost(there.server, moves, load_seconds=there.load_seconds, unknown=True)
    wanted = after.policy.versions
    sizes = dict(there.sizes or ())
    missing = [each for each in wanted if each not in there.loaded]
    return Cost(
        server=there.server,
        moves=moves,
        loads=tuple((each, sizes.get(each) or None) for each in missing),
        unloads=tuple(each for each in there.loaded if each not in wanted),
        gone=tuple(each for each in missing if there.sizes is not None and each not in sizes),
        load_seconds=there.load_seconds,
    )


def moved(
    before: Iterable[tuple[str, int]], after: Iterable[tuple[str, int]]
) -> Iterator[tuple[str, int | None, int | None]]:
    """The labels that differ, ascending: (label, version before, version after), None for a label that is not set."""
    old, new = dict(before), dict(after)
    for label in sorted({*old, *new}):
        if old.get(label) != new.get(label):
            yield label, old.get(label), new.get(label)


def cost_text(costs: Sequence[Cost], after: DesiredModel) -> str:
    """The costs in words, servers with equal ones together: `label flip only, no load (2 servers)`."""
    groups: dict[tuple[object, ...], list[Cost]] = {}
    for each in costs:
        groups.setdefault((each.loads, each.gone, each.unknown, bool(each.moves), bool(each.unloads)), []).append(each)
    if len(groups) == 1:
        return _words(next(iter(groups.values())), after)
    return "; ".join(f"{_words(group, after)} ({_where(group)})" for group in groups.values())


def _where(group: Sequence[Cost]) -> str:
    return group[0].server if len(group) == 1 else words.count(len(group), "server")


def _words(group: Sequence[Cost], after: DesiredModel) -> str:
    first = group[0]
    if first.unknown:
        return f"the server chooses by itself what it loads ({words.policy(after.policy)})"
    if first.loads:
        return _loading(group, after)
    if first.flip_only:
        return "label flip only, no load" + (f", then {_versions(first.unloads)} goes" if first.unloads else "")
    return f"unload of {_versions(first.unloads)}, no load" if first.unloads else "nothing: it is held already"


def _loading(group: Sequence[Cost], after: DesiredModel) -> str:
    first = group[0]
    loads = " and ".join(
        f"v{version}" + (f", {footprint.written(size)}" if size else "") for version, size in first.loads
    )
    times = [each.load_seconds for each in group if each.load_seconds is not None]
    took = f"last load took {words.duration(max(times))}" if times else "a load was never measured here"
    parts = [f"needs load of {loads}, {took}"]
    if first.gone:
        parts.append(f"the files of {_versions(first.gone)} are gone from storage, so it cannot be loaded")
    elif first.unloads:
        parts.append(_meanwhile(first, after.transition.policy))
    return "; ".join(parts)


def _meanwhile(first: Cost, policy: TransitionPolicy) -> str:
    going = _versions(first.unloads)
    match policy:
        case TransitionPolicy.AVAILABILITY:
            return f"{going} stays serving until then"
        case TransitionPolicy.RESOURCE:
            return f"{going} is unloaded first, so its labels answer nobody meanwhile (policy resource)"
        case TransitionPolicy.AUTO:
            return f"{going} stays serving until then where memory holds both (policy auto)"


def _versions(numbers: Iterable[int]) -> str:
    return ", ".join(f"v{each}" for each in numbers)


def _standing(model: DesiredModel) -> str:
    """A whole spec in short: `versions 41, 42; stable 41`."""
    labels = ", ".join(f"{label} {version}" for label, version in model.labels)
    return f"versions {words.policy(model.policy)}" + (f"; {labels}" if labels else "")


def _differences(before: DesiredModel, after: DesiredModel) -> Iterator[str]:
    for label, old, new in moved(before.labels, after.labels):
        if new is None:
            yield f"drops label {label} (was {old})"
        else:
            yield f"{label} {old if old is not None else 'none'} → {new}"
    yield from _listed(before, after)
    if before.base_path != after.base_path:
        yield f"base path {before.base_path} → {after.base_path}"
    if before.name != after.name:
        yield f"served as {after.name} (was {before.name})"
    if before.suspend != after.suspend:
        yield "resumes it" if after.suspend is None else f"suspends it ({after.suspend.reason}, {after.suspend.by})"
    yield from _checks(before, after)
    changed = [each.name for each in fields(DesiredModel) if getattr(before, each.name) != getattr(after, each.name)]
    others = [each for each in changed if each not in _SAID_ELSEWHERE]
    if others:
        yield f"changes {', '.join(others)}"


def _listed(before: DesiredModel, after: DesiredModel) -> Iterator[str]:
    if not (isinstance(before.policy, Specific) and isinstance(after.policy, Specific)):
        if before.policy != after.policy:
            yield f"versions {words.policy(before.policy)} → {words.policy(after.policy)}"
        return
    old, new = set(before.policy.versions), set(after.policy.versions)
    for verb, numbers in (("adds", sorted(new - old)), ("drops", sorted(old - new))):
        if numbers:
            noun = "version" if len(numbers) == 1 else "versions"
            yield f"{verb} {noun} {', '.join(map(str, numbers))}"


def _checks(before: DesiredModel, after: DesiredModel) -> Iterator[str]:
    old, new = {each.name: each for each in before.checks}, {each.name: each for each in after.checks}
    for verb, names in (
        ("adds", new.keys() - old.keys()),
        ("drops", old.keys() - new.keys()),
        ("changes", {name for name in old.keys() & new.keys() if old[name] != new[name]}),
    ):
        if names:
            yield f"{verb} check {', '.join(sorted(names))}"
