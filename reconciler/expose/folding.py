"""A plan folded over servers: what many of them say alike is said once, with who says it.

Called by `markdown.py`, so that a fleet of a hundred servers stays readable. Two servers are alike where people would
do nothing different about them: the same passes, the same holds that need somebody, the same versions kept. What only
waits its turn does not part them. Deliberately not here: layout, and what a plan holds (`outline.py`).
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from reconciler.expose import outline, words
from reconciler.state.plan import ActionKind, HoldReason, MemoryUse, Plan, ServerPlan

_NOT_COMPATIBLE = (HoldReason.SIGNATURE_BREAK, HoldReason.SIGNATURES_UNREAD)


@dataclass(frozen=True, slots=True)
class Group:
    """Servers whose plans are alike; `section` is the first one's. memory: of the fullest of them, and its name."""

    servers: tuple[str, ...]
    section: outline.Section
    memory: MemoryUse | None = None
    fullest: str = ""

    @property
    def title(self) -> str:
        """Who it is about: `eu/gpu-1`, or `eu/gpu-1, eu/gpu-2, eu/gpu-3 and 97 more (100 servers)`."""
        several = f" ({words.count(len(self.servers), 'server')})" if len(self.servers) > 1 else ""
        return words.names(self.servers) + several


@dataclass(frozen=True, slots=True)
class Stop:
    """One hold that keeps the commit from being carried out, with the servers on which it stands."""

    held: outline.Held
    servers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Verdict:
    """How compatible the export that a label goes to is with the one it leaves; "" where that is not known."""

    model: str
    move: str
    text: str
    servers: tuple[str, ...]


def groups(plan: Plan) -> tuple[Group, ...]:
    """Every server in one group, in the order of the first of each."""
    found: dict[object, list[ServerPlan]] = {}
    for server in plan.servers:
        found.setdefault(_key(server), []).append(server)
    return tuple(_group(alike) for alike in found.values())


def _key(server: ServerPlan) -> object:
    section = outline.section(server)
    if section.quiet:
        return ()
    blocking = tuple((each.subject, each.reason) for each in section.held if not each.progressing)
    kept = tuple((each.model, each.version) for each in server.retained)
    return (section.stages, blocking, kept, section.traffic, section.warnings)


def _group(alike: list[ServerPlan]) -> Group:
    weighed = [(each.memory, each.server) for each in alike if each.memory is not None]
    fullest = max(weighed, key=lambda each: _fullness(each[0]), default=None)
    memory, name = fullest if fullest is not None else (None, "")
    freest = min(alike, key=lambda each: len(each.holds))
    return Group(tuple(each.server for each in alike), outline.section(freest), memory, name)


def _fullness(use: MemoryUse) -> float:
    return use.peak / max(use.budget - use.reserve, 1)


def stops(plan: Plan) -> tuple[Stop, ...]:
    """What somebody or something has to release before the commit is carried out, the most widespread first."""
    found: dict[tuple[str, str], list[tuple[outline.Held, str]]] = {}
    for server in plan.servers:
        for held in outline.section(server).held:
            if not held.progressing:
                found.setdefault((held.reason, held.subject), []).append((held, server.server))
    folded = [Stop(_alike([held for held, _ in each]), tuple(name for _, name in each)) for each in found.values()]
    return tuple(sorted(folded, key=lambda each: (-len(each.servers), each.held.reason, each.held.subject)))


def _alike(held: list[outline.Held]) -> outline.Held:
    """One for all: of texts that differ from server to server the first, and that there are others."""
    first = held[0]
    differ = len({each.detail for each in held}) > 1
    return replace(
        first,
        detail=f"{first.detail} (on the first of them; the others say it in other words)" if differ else first.detail,
        until=max(each.until for each in held),
    )


def waiting(plan: Plan) -> tuple[tuple[str, int], ...]:
    """Reasons of holds that release themselves, each with the number of servers on which it stands."""
    found: dict[str, int] = {}
    for server in plan.servers:
        for reason in sorted({str(hold.reason) for hold in server.holds if hold.progressing}):
            found[reason] = found.get(reason, 0) + 1
    return tuple(sorted(found.items()))


def warnings(plan: Plan) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """What plans say aloud, each with the servers on which it is so."""
    found: dict[str, list[str]] = {}
    for server in plan.servers:
        for text in (*server.warnings, *_gaps(server)):
            found.setdefault(text, []).append(server.server)
    return tuple((text, tuple(servers)) for text, servers in found.items())


def _gaps(server: ServerPlan) -> Iterator[str]:
    for body in server.passes:
        for gap in body.gaps:
            why = f" ({gap.because})" if gap.because else ""
            yield f"{gap.model} by {gap.label}: no answer for {words.gap_length(gap)}{why}"


def verdicts(plan: Plan) -> tuple[Verdict, ...]:
    """Every label move with what is known of its compatibility, alike ones together."""
    found: dict[tuple[str, str, str], list[str]] = {}
    for server in plan.servers:
        for key in _moves(server):
            found.setdefault(key, []).append(server.server)
    return tuple(Verdict(*key, tuple(servers)) for key, servers in found.items())


def _moves(server: ServerPlan) -> Iterable[tuple[str, str, str]]:
    """Each label's way over the whole road: under `resource` it leaves in one pass and arrives in another."""
    for body in server.passes:
        for each in body.actions:
            if each.kind is ActionKind.LABEL and (each.before is not None or each.verdict):
                before = "none" if each.before is None else str(each.before)
                yield each.model, f"{each.label} {before} → {each.version}", each.verdict
    for hold in server.holds:
        if hold.reason in _NOT_COMPATIBLE:
            yield hold.model, f"{hold.label or 'any label'} → {hold.version}", f"held: {hold.detail}"
