"""What a plan and an observation say about one subject: its differences, holds and actions, sorted out once.

Used by the judgements beside it. A subject is a model on a server, or the server as a whole (model "").
"""

from dataclasses import dataclass

from reconciler.state.desired import DesiredModel, DesiredServer
from reconciler.state.observed import Observed
from reconciler.state.plan import Action, Difference, Hold, HoldReason, ServerPlan

GUARDS = frozenset(
    {HoldReason.PRUNE_GUARD, HoldReason.EMPTYING_GUARD, HoldReason.BLAST_RADIUS, HoldReason.FROZEN}
    | {HoldReason.DOWNTIME_NOT_ALLOWED},
)
"""Holds by which things stay as they were although git wants them otherwise: out of sync, yet in good health."""


@dataclass(frozen=True, slots=True)
class Subject:
    """One model on one server as planned and observed. `wanted` is None where git does not name it (any more)."""

    name: str
    wanted: DesiredModel | None
    differences: tuple[Difference, ...]
    holds: tuple[Hold, ...]
    actions: tuple[Action, ...]

    @property
    def blocking(self) -> tuple[Hold, ...]:
        """The holds that only a person or the world can release."""
        return tuple(hold for hold in self.holds if not hold.progressing)

    @property
    def moving(self) -> bool:
        """Whether something is on its way without anybody acting."""
        return bool(self.actions) or any(hold.progressing for hold in self.holds)


def subjects(server: DesiredServer, plan: ServerPlan) -> tuple[Subject, ...]:
    """Every model that git names here or that the plan speaks of, ascending by name.

    Holds on the whole server are given to each model that differs: they are what keeps it back.
    """
    wanted = {model.name: model for model in server.models}
    if not (plan.differences or plan.holds or plan.passes):
        return tuple(Subject(name, model, (), (), ()) for name, model in wanted.items())
    named = {difference.model for difference in plan.differences} | {hold.model for hold in plan.holds if hold.model}
    return tuple(_subject(name, wanted.get(name), plan) for name in sorted(wanted.keys() | named - {""}))


def whole_server(plan: ServerPlan) -> tuple[Hold, ...]:
    """The holds on the server as a whole."""
    return tuple(hold for hold in plan.holds if not hold.model)


def seen(observed: Observed, model: str) -> bool:
    """Whether this look brought an answer about the model."""
    return observed.reach.answers and not observed.model(model).unseen


def _subject(name: str, wanted: DesiredModel | None, plan: ServerPlan) -> Subject:
    differences = tuple(each for each in plan.differences if each.model == name)
    holds = tuple(hold for hold in plan.holds if hold.model == name or (not hold.model and differences))
    actions = tuple(action for each in plan.passes for action in each.actions if action.model == name)
    return Subject(name, wanted, differences, holds, actions)
