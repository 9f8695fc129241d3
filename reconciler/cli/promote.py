"""What `reconciler promote` does: the edit, the commit, and the plan that follows from it.

Called by the verb. What is edited is `propose/`'s to say, how files change `revise/`'s, where the commit goes
`committing.py`'s.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from reconciler import plan as planner
from reconciler import propose
from reconciler.adapters.git_line import GitLine
from reconciler.cli import collector, planning, repository, wiring
from reconciler.cli.committing import Workplace
from reconciler.cli.options import CommitOptions
from reconciler.errors import RevisionRefused
from reconciler.expose.outline import Subject
from reconciler.loop.author import Author
from reconciler.propose import Bot, Edit, Proposal
from reconciler.state.automation import Via
from reconciler.state.desired import Commit, Desired, DesiredModel
from reconciler.state.observed import Observed
from reconciler.state.plan import Plan


@dataclass(frozen=True, slots=True)
class Ask:
    """What is asked for. offline: ask no server; the plan is then from where the servers should be."""

    model: str
    from_: str
    to: str
    drop_old: bool = False
    reason: str = ""
    offline: bool = False


@dataclass(frozen=True, slots=True)
class Promoted:
    """The commit that was made, in the mirror only, with what it edits and the plan for the servers it concerns.

    notes: what a person should know of it.
    """

    commit: Commit
    document: str
    edit: Edit
    plan: Plan
    subject: Subject
    notes: tuple[str, ...] = ()


class Maker:
    """Makes the commit of a promotion on a head."""

    def __init__(self, ask: Ask, place: Workplace, options: CommitOptions, state: Path) -> None:
        self._ask = ask
        self._place = place
        self._options = options
        self._state = state
        self._author = Author(lambda: GitLine(place.mirror.path), place.writer, options.path)

    def make(self, head: str) -> tuple[str, Promoted]:
        """The commit and what is to be said of it.

        Raises:
            RevisionRefused: there is nothing to promote, or the result would not be valid.
        """
        with collector.paused():
            before = repository.wanted(self._place.mirror, head, self._options.path).desired
            model = _named(before, self._ask.model)
            edit = self._edit(model)
            commit = self._author.write(self._proposal(model, edit, head), head)
            after = repository.wanted(self._place.mirror, commit, self._options.path).desired
        concerned = tuple(each for each in after.servers if any(model.document == m.document for m in each.models))
        plan, subject = self._planned(before, replace(after, servers=concerned))
        made = self._place.mirror.commit(commit)
        return commit, Promoted(made, model.document, edit, plan, subject, _notes(model, edit))

    def _edit(self, model: DesiredModel) -> Edit:
        ask = self._ask
        if ask.from_ == ask.to:
            raise RevisionRefused(
                f"A promotion from {ask.from_} to itself moves nothing. Give another label with --to."
            )
        edit = propose.moved(model, ask.from_, ask.to, drop_old=ask.drop_old)
        if isinstance(edit, str):
            raise RevisionRefused(f"There is nothing to promote: {edit}.")
        return edit

    def _proposal(self, model: DesiredModel, edit: Edit, head: str) -> Proposal:
        chapters = self._author.history(head, frozenset({model.document}))[model.document]
        of = chapters[0].first if chapters else self._place.mirror.commit(head)
        reason = self._ask.reason
        return Proposal(Bot.PROMOTION, model.document, "", Via.PUSH, of, reason, edit=edit, by_hand=True)

    def _planned(self, before: Desired, after: Desired) -> tuple[Plan, Subject]:
        observed: Mapping[str, Observed]
        if self._ask.offline:
            observed, base = planning.converged_at(before, after), before
        else:
            observed, base = asyncio.run(wiring.look_at(after, self._state)), None
        with collector.paused():
            plan = planner.plan(after, observed, planning.freezes(after))
        return plan, Subject(after.commit, planning.basis(base))


def _named(desired: Desired, name: str) -> DesiredModel:
    """The Model of that document name, else the only one that servers call so. Raises RevisionRefused."""
    models = {model.document: model for server in desired.servers for model in server.models}
    called = [each for each in models.values() if each.name == name]
    found = [models[name]] if name in models else called
    if len(found) == 1:
        return found[0]
    if found:
        raise RevisionRefused(f"{name} is the name of several Models: {', '.join(sorted(m.document for m in found))}.")
    known = ", ".join(sorted(models)[:12]) or "none"
    raise RevisionRefused(f"No server has a Model {name}. To do: give one of: {known}.")


def _notes(model: DesiredModel, edit: Edit) -> tuple[str, ...]:
    before = dict(model.labels)
    return tuple(
        f"{label} goes from version {before[label]} down to {version}"
        for label, version in edit.labels
        if version < before.get(label, 0)
    )
