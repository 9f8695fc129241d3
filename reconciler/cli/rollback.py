"""What `reconciler rollback` does: targets, the commit, and what it would cost, brought together.

Called by the verb. What is gone back to is `revise/target.py`'s to choose, how files change `revise/restoring.py`'s,
the words `expose/rollback.py`'s.
"""

import asyncio
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from reconciler import plan as planner
from reconciler.adapters.git_line import GitLine
from reconciler.cli import backwards, collector, planning, repository, wiring
from reconciler.cli.backwards import Ask
from reconciler.cli.committing import Workplace
from reconciler.cli.options import CommitOptions
from reconciler.errors import DesiredInvalid, RevisionRefused
from reconciler.expose import costs, rollback
from reconciler.expose.outline import Subject
from reconciler.revise import compose, restoring, target
from reconciler.source import Snapshot
from reconciler.state.desired import Desired, DesiredModel
from reconciler.state.look import Presence, VersionState
from reconciler.state.memory import Memory
from reconciler.state.observed import Observed
from reconciler.state.plan import Plan
from reconciler.state.revision import Revision

_DEPLOYMENT = re.compile(r"d([1-9][0-9]{0,17})")
_ENOUGH = 100  # rows of a model that are looked at for the previous ones; a commit that is named is looked for in all


class Maker:
    """Makes the commit of a rollback on a head, and says what it is and costs."""

    def __init__(self, ask: Ask, place: Workplace, options: CommitOptions, state: Path) -> None:
        self._ask = ask
        self._where = backwards.Where(options.path, options.base, state)
        self._place = place
        self._options = options
        self._state = state

    def make(self, head: str) -> tuple[str, rollback.Rollback]:
        """The commit, in the mirror only, and what is to be said of it.

        Raises:
            RevisionRefused: there is nothing to go back to, nothing would change, the result would not be valid, or
                files are gone from storage.
        """
        with collector.paused():
            targets = backwards.targets(self._ask, self._place.mirror.path, head, self._where)
            draft = self._draft(head, targets)
            commit = self._commit(head, draft, targets)
            desired = self._desired(commit, head)
        told = rollback.Rollback(
            commit=self._place.mirror.commit(commit),
            base=head,
            models=targets,
            files=tuple(sorted(draft.files)),
            notes=tuple(draft.notes),
        )
        return commit, self._weighed(told, desired)

    def _draft(self, head: str, targets: Sequence[target.Target]) -> restoring.Draft:
        line, below = GitLine(self._place.mirror.path), self._options.path
        draft = restoring.Draft(Snapshot(line, head, below), below)
        for each in targets:
            path_now = each.now.place.path if each.now is not None else None
            old = restoring.Old(each.document, each.spec.place.path, each.document_now, path_now)
            restoring.restore(draft, Snapshot(line, each.row.step.commit.id, below), old)
        return draft

    def _commit(self, head: str, draft: restoring.Draft, targets: Sequence[target.Target]) -> str:
        said = rollback.message(targets, self._ask.reason, self._ask.trigger)
        files: tuple[tuple[str, bytes | None], ...] = tuple(sorted(draft.files.items()))
        return self._place.writer.write(Revision(head, files, compose(*said)))

    def _desired(self, commit: str, head: str) -> Desired:
        """What the new commit asks for: read back whole, because one bad document holds back all of it."""
        try:
            return repository.at_commit(self._place.mirror, commit, self._options.path).require()
        except DesiredInvalid as error:
            raise RevisionRefused(
                f"The commit would not be valid, so it would not be applied and was not pushed:\n{error}\nTo do: where "
                f"these lines are about other documents they are in {head[:10]} already; correct them first. Else name "
                "another commit with --to."
            ) from error

    def _weighed(self, told: rollback.Rollback, desired: Desired) -> rollback.Rollback:
        """With what it costs, as the servers and storage are seen now, or as the record has them."""
        names = {each.document for each in told.models}
        servers = tuple(each for each in desired.servers if names & {model.document for model in each.models})
        concerned = replace(desired, servers=servers)
        if self._ask.offline:
            memories = wiring.remembered(self._state)
            return replace(told, weighed=weights(told.models, concerned, lambda *at: remembered(memories, *at)))
        observed = asyncio.run(wiring.look_at(concerned, self._state))
        weighed = weights(told.models, concerned, lambda server, model: _held(observed[server], model))
        rollback.require_files(weighed)
        with collector.paused():
            plan: Plan = planner.plan(concerned, observed, planning.freezes(concerned))
        unseen = tuple(each.id for each in servers if not observed[each.id].reach.answers)
        subject = Subject(desired.commit, planning.basis(None))
        return replace(told, weighed=weighed, unseen=unseen, plan=plan, subject=subject)


def weights(
    targets: Sequence[target.Target], desired: Desired, holds: Callable[[str, DesiredModel], costs.Held]
) -> dict[str, tuple[costs.Cost, ...]]:
    """By document: what it takes to bring it to each server that shall have it."""
    found = {}
    for each in targets:
        before = each.now.model if each.now is not None else None
        models = ((server.id, model) for server in desired.servers for model in server.models)
        placed = [(server, model) for server, model in models if model.document == each.document]
        found[each.document] = tuple(costs.cost(before, model, holds(server, model)) for server, model in placed)
    return found


def remembered(memories: Mapping[str, Memory], server: str, model: DesiredModel) -> costs.Held:
    """What the record says that a server holds of a model."""
    memory = memories.get(server)
    return costs.held(memory, model) if memory is not None else costs.Held(server)


def _held(observed: Observed, model: DesiredModel) -> costs.Held:
    """What one server holds of a model, as it was just seen."""
    seen = next((each for each in observed.models if each.name == model.name), None)
    versions = seen.versions if seen is not None else ()
    loaded = tuple(each.version for each in versions if each.state is VersionState.AVAILABLE and not each.going)
    path = next((each for each in observed.paths if each.base_path == model.base_path), None)
    sizes = None
    if path is not None and path.presence is not Presence.UNSEEN:
        sizes = tuple((files.version, files.size) for files in path.versions if files.complete)
    return costs.Held(observed.server, loaded, sizes, dict(observed.load_seconds).get(model.name))
