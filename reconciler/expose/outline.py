"""A plan as an outline: what the text and the Markdown rendering both say, in the order they say it.

Called by `text.py`, `markdown.py` and `folding.py`. No layout here, and nothing that the plan does not hold.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from reconciler.expose import words
from reconciler.state import footprint
from reconciler.state.desired import Commit
from reconciler.state.plan import Action, ActionKind, Hold, MemoryUse, Pass, Plan, Retained, ServerPlan


@dataclass(frozen=True, slots=True)
class Subject:
    """What a plan was made from, for its heading. `basis` says against what: "the servers as observed now", a ref."""

    commit: Commit
    basis: str


@dataclass(frozen=True, slots=True)
class Line:
    """One action: its sign, its model, what it does, and why."""

    sign: str
    model: str
    deed: str
    because: str


@dataclass(frozen=True, slots=True)
class Stage:
    """One pass: its heading, its actions, and the gaps it is expected to cause."""

    heading: str
    lines: tuple[Line, ...]
    gaps: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Held:
    """One hold: whom it is about, its reason and detail, what releases it, until when."""

    subject: str
    reason: str
    detail: str
    released_by: str
    until: str
    progressing: bool


@dataclass(frozen=True, slots=True)
class Section:
    """One server: a verdict in a few words; stages, holds, versions kept, memory, traffic notes and warnings."""

    server: str
    verdict: str
    stages: tuple[Stage, ...]
    held: tuple[Held, ...]
    traffic: tuple[str, ...]
    warnings: tuple[str, ...]
    kept: tuple[str, ...] = ()
    memory: tuple[str, ...] = ()

    @property
    def quiet(self) -> bool:
        """Whether there is nothing to say beyond the verdict."""
        return not (self.stages or self.held or self.warnings or self.kept)


def section(server: ServerPlan) -> Section:
    """The outline of one server's plan."""
    return Section(
        server.server,
        verdict(server),
        tuple(_stage(body) for body in server.passes),
        tuple(_merged(_held(hold) for hold in server.holds)),
        tuple(_traffic(server)),
        server.warnings,
        tuple(_kept(each) for each in server.retained),
        tuple(_memory(server.memory)) if server.memory is not None and (server.passes or server.holds) else (),
    )


def _memory(found: MemoryUse) -> Iterator[str]:
    """What models take before, on the way and after, against what they may; and what `auto` comes to."""
    before, peak, after, budget, reserve = (
        footprint.written(size) for size in (found.before, found.peak, found.after, found.budget, found.reserve)
    )
    of = f"{budget}, {reserve} of it in reserve" if found.reserve else budget
    known = "" if not found.unknown else ", without what is not known"
    if found.peak or not found.unknown:
        yield f"{before} now, {peak} at most on the way, {after} at the end, of {of} (1.2 × the files{known})"
    for each in found.choices:
        yield f"{each.model}  auto comes to {each.policy}: {each.because}"


def _kept(each: Retained) -> str:
    until = words.moment(each.until)
    return f"{each.model} {each.version}  until {until}: going back to it needs no load (keepPrevious)"


def _why(action: Action) -> str:
    return words.one_line("; ".join(part for part in (action.because, action.verdict) if part))


def verdict(server: ServerPlan) -> str:
    """One server in a few words: `in sync`, `2 passes, 1 hold`."""
    if server.converged and not server.passes and not server.holds:
        return "in sync"
    parts = [words.count(len(server.passes), "pass")] if server.passes else []
    parts[:1] = [f"{parts[0]} after a wait"] if parts and server.waiting else parts
    parts += [words.count(len(server.holds), "hold")] if server.holds else []
    return ", ".join(parts) or words.count(len(server.differences), "difference")


def heading(subject: Subject) -> str:
    """Which commit, by whom, when, against what."""
    commit = subject.commit
    signature = " by " + commit.author if commit.author else ""
    when = f" on {words.moment(commit.time)}" if commit.time else ""
    title = f' "{commit.subject}"' if commit.subject else ""
    return f"Commit {commit.short}{title}{signature}{when}, planned against {subject.basis}."


def summary(plan: Plan) -> str:
    """The last line: `2 servers, 3 passes, 1 hold`, and what that means."""
    passes = sum(len(server.passes) for server in plan.servers)
    holds = [hold for server in plan.servers for hold in server.holds]
    return f"{counted(plan)}. {_meaning(plan, passes, holds)}"


def counted(plan: Plan) -> str:
    """`2 servers, 3 passes, 1 hold`."""
    passes, holds = sum(len(each.passes) for each in plan.servers), sum(len(each.holds) for each in plan.servers)
    return ", ".join(
        [words.count(len(plan.servers), "server"), words.count(passes, "pass"), words.count(holds, "hold")]
    )


def _meaning(plan: Plan, passes: int, holds: list[Hold]) -> str:
    if any(not hold.progressing for hold in holds):
        return "Some differences are held; each hold above names what releases it."
    if holds:
        return "The holds release themselves; nobody needs to act."
    if passes:
        gaps = sum(len(body.gaps) for server in plan.servers for body in server.passes)
        return f"{words.count(gaps, 'label')} with an expected gap." if gaps else "No label is expected to pause."
    return "Nothing to do: the servers are what the commit asks for."


def _stage(body: Pass) -> Stage:
    lines = tuple(
        Line(words.sign(each), each.model, words.deed(each, body.config), _why(each)) for each in body.actions
    )
    gaps = tuple(
        f"expected gap: {gap.model} by {gap.label} answers nobody for {words.gap_length(gap)}"
        + (f"; {gap.because}" if gap.because else "")
        for gap in body.gaps
    )
    return Stage(f"Pass {body.number}: {words.pass_title(body)}", lines, gaps)


def _held(hold: Hold) -> Held:
    parts = [hold.model or "the whole server"]
    parts += [str(hold.version)] if hold.version is not None else []
    parts += [hold.label] if hold.label is not None else []
    until = "" if hold.until is None else words.moment(hold.until)
    detail = words.one_line(hold.detail)
    return Held(" ".join(parts), str(hold.reason), detail, hold.released_by, until, hold.progressing)


def _merged(found: Iterable[Held]) -> Iterator[Held]:
    """Holds that say the same of several subjects once, with all their names."""
    alike: dict[Held, list[str]] = {}
    for each in found:
        alike.setdefault(replace(each, subject=""), []).append(each.subject)
    for said, subjects in alike.items():
        yield replace(said, subject=words.names(subjects))


def _traffic(server: ServerPlan) -> Iterator[str]:
    """What clients will notice, in words, in the order in which it happens."""
    highest: dict[str, int] = {}
    for body in server.passes:
        yield from _label_traffic(body)
        for model in body.config.models:
            yield from _unlabelled(body, model.name, highest)
            if model.listed:
                highest[model.name] = model.listed[-1]


def _label_traffic(body: Pass) -> Iterator[str]:
    gaps = {(gap.model, gap.label): gap for gap in body.gaps}
    for (model, label), gap in gaps.items():
        yield f"{model} by {label}: no answer for {words.gap_length(gap)}, from pass {body.number} on."
    for each in body.actions:
        if each.kind is ActionKind.LABEL and each.before is not None and (each.model, each.label) not in gaps:
            yield (
                f"{each.model} by {each.label}: answered by {each.before} until pass {body.number}, "
                f"by {each.version} from then on, no request refused in between."
            )
        elif each.kind is ActionKind.LABEL and each.before is None:
            yield f"{each.model} by {each.label}: answered by {each.version} from pass {body.number} on."
        elif each.kind is ActionKind.UNLABEL and (each.model, each.label) not in gaps:
            yield f"{each.model} by {each.label}: refused from pass {body.number} on, the label goes."
        elif each.kind is ActionKind.REMOVE_MODEL:
            yield f"{each.model}: every request is refused from pass {body.number} on, the model goes."


def _unlabelled(body: Pass, model: str, highest: dict[str, int]) -> Iterator[str]:
    """Requests without a label follow the highest loaded version (rule E38), whatever the labels say."""
    entry = body.config.model(model)
    listed = entry.listed if entry else ()
    touched = {each.version for each in body.actions if each.model == model and each.kind is ActionKind.LOAD}
    dropped = [
        each.version
        for each in body.actions
        if each.model == model and each.kind is ActionKind.UNLOAD and each.version is not None
    ]
    if not listed:
        return
    if listed[-1] in touched and len(listed) > 1:
        yield f"{model} without a label: answered by {listed[-1]} as soon as it has loaded (the highest version wins)."
    elif dropped and max(dropped) > listed[-1] and highest.get(model) != listed[-1]:
        yield f"{model} without a label: answered by {listed[-1]} once {max(dropped)} has gone."
