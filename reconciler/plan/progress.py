"""How far one server is with what git asks, document by document: what a rollout is steered by.

Called by `plan/fleet.py` and by the service's lanes, after planning without vetoes. A *part* is one document on one
server, or the removal of one model from it. Deliberately not here: who may go next (`plan/waves.py`).
"""

import enum
from collections.abc import Iterator
from dataclasses import dataclass, replace

from reconciler.plan.auto import aims
from reconciler.plan.target import Origin, Target, Targets, begins, spec_digest
from reconciler.plan.vetoing import FREE, Vetoes, removal
from reconciler.state.desired import Commit, DesiredModel, DesiredServer, TransitionPolicy
from reconciler.state.look import LabelKind
from reconciler.state.observed import Observed
from reconciler.state.plan import ServerPlan


class Stage(enum.Enum):
    """The stage of one part, and how a sentence about its server goes on."""

    UNKNOWN = "was not looked at yet"
    PENDING = "has still to change"
    BLOCKED = "is held"
    CHANGING = "is being changed"
    SETTLING = "has the change and is not at rest"
    FAILED = "failed"
    DONE = "has converged"


@dataclass(frozen=True, slots=True)
class Part:
    """One document on one server.

    since: when its spec was reached, in seconds. why: of FAILED and BLOCKED. back: this server has served the
    spec before. exchanges: its labels answer nobody for a while (policy `resource`, or `auto` where it comes to that).
    takes: the labels that are still to be taken away for it, where git does not consent to downtime.
    """

    document: str
    stage: Stage
    since: float = 0.0
    why: str = ""
    back: bool = False
    exchanges: bool = False
    takes: tuple[str, ...] = ()

    @property
    def words(self) -> str:
        """How a sentence about the server goes on."""
        return f"{self.stage.value} ({self.why})" if self.stage is Stage.BLOCKED else self.stage.value


@dataclass(frozen=True, slots=True)
class Progress:
    """One server: its parts ascending by document; `lost` says why it cannot be reached or used, if so.

    answers: (document, label) of the labels that requests are answered by here now, of documents that may exchange.
    """

    parts: tuple[Part, ...] = ()
    lost: str = ""
    unknown: bool = False
    answers: tuple[tuple[str, str], ...] = ()

    def part(self, document: str) -> Part | None:
        """That part, None where the server has none of it."""
        return next((part for part in self.parts if part.document == document), None)

    @property
    def pending(self) -> tuple[Part, ...]:
        """What is to begin; nothing of a server out of reach."""
        return () if self.lost else tuple(part for part in self.parts if part.stage is Stage.PENDING)

    @property
    def changing(self) -> bool:
        """Whether something has begun and is not through; a server out of reach gives its permit back."""
        return not self.lost and any(part.stage is Stage.CHANGING for part in self.parts)

    @property
    def exchanging(self) -> bool:
        """Whether labels are being taken away for a while."""
        return not self.lost and any(part.stage is Stage.CHANGING and part.exchanges for part in self.parts)

    @property
    def takes_labels(self) -> bool:
        """Whether labels are still to be taken away here without consent to downtime."""
        return not self.lost and any(part.takes for part in self.parts)

    @property
    def to_exchange(self) -> tuple[Part, ...]:
        """What is to begin and will take labels away for a while."""
        return tuple(part for part in self.pending if part.exchanges)


NOT_YET = Progress(unknown=True)


def progress(
    commit: Commit, server: DesiredServer, observed: Observed, plan: ServerPlan, held: Vetoes = FREE
) -> Progress:
    """How far a server is; `plan` was made without vetoes. What is `held` anyway takes nobody's place."""
    lost = "its config lock is held" if observed.wedged else ""
    if not observed.reach.answers:
        lost = observed.reach.detail or observed.reach.kind.value
    found = aims(commit, server, observed)
    parts = sorted(
        (_held(part, held) for part in _parts(server, observed, found, plan)), key=lambda part: part.document
    )
    return Progress(tuple(parts), lost, answers=tuple(_answers(server, observed)))


def _held(part: Part, held: Vetoes) -> Part:
    if part.stage is not Stage.PENDING or part.document not in held:
        return part
    return replace(part, stage=Stage.BLOCKED, why=held[part.document].reason.value)


def _answers(server: DesiredServer, observed: Observed) -> Iterator[tuple[str, str]]:
    for model in server.models:
        if model.transition.policy is TransitionPolicy.AVAILABILITY or not observed.reach.answers:
            continue
        for label, reading in observed.model(model.name).labels:
            if reading.kind is LabelKind.RESOLVES:
                yield model.document, label


def _parts(server: DesiredServer, observed: Observed, found: Targets, plan: ServerPlan) -> Iterator[Part]:
    for name in found.removed:
        yield Part(removal(name), Stage.PENDING)
    restless = {each.model for each in plan.differences} | {hold.model for hold in plan.holds if not hold.progressing}
    goods = {good.config.name: good for good in observed.good}
    for model in server.models:
        target = found.model(model.name)
        if target is None or target.origin in (Origin.SUSPENDED, Origin.REPORTED):
            continue
        good = goods.get(model.name)
        if target.origin in (Origin.FALLBACK, Origin.REDUCED):
            why = next((hold.detail for hold in found.holds if hold.model == model.name), "")
            yield Part(model.document, Stage.FAILED, why=why, takes=_takes(model, plan))
        elif good is not None and good.digest == spec_digest(model, observed):
            stage = Stage.SETTLING if model.name in restless else Stage.DONE
            yield Part(model.document, stage, good.at, takes=_takes(model, plan))
        else:
            yield _change(model, target, observed, plan)


def _takes(model: DesiredModel, plan: ServerPlan) -> tuple[str, ...]:
    policy, consent = model.transition.policy, model.transition.allow_downtime
    if consent or policy is TransitionPolicy.AVAILABILITY:
        return ()
    return tuple(sorted({gap.label for body in plan.passes for gap in body.gaps if gap.model == model.name}))


def _change(model: DesiredModel, target: Target, observed: Observed, plan: ServerPlan) -> Part:
    """A change that is to begin, has begun, or cannot begin: then it takes nobody's place."""
    stage, why = (Stage.PENDING if begins(model, observed) else Stage.CHANGING), ""
    if not any(action.model == model.name for body in plan.passes for action in body.actions):
        held = [hold for hold in plan.holds if hold.model in ("", model.name) and not hold.progressing]
        stage, why = (Stage.BLOCKED, held[0].reason.value) if held else (stage, "")
    back = (model.name, spec_digest(model, observed)) in observed.past
    exchanges = target.transition.policy is TransitionPolicy.RESOURCE and observed.sent.model(model.name) is not None
    return Part(model.document, stage, why=why, back=back, exchanges=exchanges, takes=_takes(model, plan))
