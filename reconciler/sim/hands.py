"""`loop.Hands` of a simulated repository: commits as values, made, and pushed forwards only, with a trap on the way.

Used by `World`. What texts and git do with a proposal is tested with real ones; here only what follows from it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from reconciler import propose
from reconciler.errors import BranchMoved, PushRefused
from reconciler.propose import Chapter, Edit, Proposal
from reconciler.sim.crash import CrashPoint, Trap
from reconciler.sim.process import Repository
from reconciler.sim.virtualtime import VirtualClock
from reconciler.state.desired import Commit, Desired, DesiredModel
from reconciler.state.versions import specific


class SimHands:
    """One process's hands on the world's repository."""

    def __init__(self, repository: Repository, trap: Trap, clock: VirtualClock) -> None:
        self._repository = repository
        self._trap = trap
        self._clock = clock
        self._made: dict[str, tuple[str, Desired]] = repository.made

    def history(self, head: str, documents: frozenset[str]) -> Mapping[str, Sequence[Chapter]]:
        """See `loop.Hands`."""
        line = self._repository.line
        end = next(number for number, each in enumerate(line) if each.commit.id == head)
        known = [*reversed(line[: end + 1])]
        return {
            document: propose.chapters((each.commit, _spec(_model(each, document))) for each in known)
            for document in documents
        }

    def write(self, proposal: Proposal, head: str) -> str:
        """See `loop.Hands`."""
        self._trap.live()
        base = self._repository.line[-1] if self._repository.line[-1].commit.id == head else self._at(head)
        said = propose.message(proposal)
        commit = Commit(f"b{len(self._made) + 1}", "bot", self._clock.now(), said.subject, said.trailers)
        servers = tuple(
            replace(server, models=tuple(self._changed(each, proposal) for each in server.models))
            for server in base.servers
        )
        self._made[commit.id] = (head, Desired(commit, servers))
        self._trap.at(CrashPoint.COMMIT_MADE, ())
        return commit.id

    def push(self, commit_id: str, branch: str) -> None:
        """See `loop.Hands`."""
        self._trap.at(CrashPoint.COMMIT_NOTED, ())
        if self._repository.refuses:
            raise PushRefused(self._repository.refuses)
        meanwhile, self._repository.meanwhile = self._repository.meanwhile, None
        if meanwhile is not None:
            meanwhile()
        base, desired = self._made[commit_id]
        if branch:
            if self._repository.branches.setdefault(branch, commit_id) != commit_id:
                raise BranchMoved(f"branch {branch} is there with another commit")
        elif self._repository.line[-1].commit.id != base:
            raise BranchMoved("the branch has moved")
        else:
            self._repository.push(desired)
        self._trap.at(CrashPoint.COMMIT_PUSHED, ())

    def _at(self, commit: str) -> Desired:
        return next(each for each in self._repository.line if each.commit.id == commit)

    def _changed(self, model: DesiredModel, proposal: Proposal) -> DesiredModel:
        if model.document != proposal.document:
            return model
        if proposal.edit is not None:
            return _edited(model, proposal.edit)
        to = proposal.to
        return (to is not None and _model(self._at(to.id), model.document)) or model


def _edited(model: DesiredModel, edit: Edit) -> DesiredModel:
    labels = {**dict(model.labels), **dict(edit.labels)}
    return replace(model, policy=specific(*edit.versions), labels=tuple(sorted(labels.items())))


def _model(desired: Desired, document: str) -> DesiredModel | None:
    found = (model for server in desired.servers for model in server.models if model.document == document)
    return next(found, None)


def _spec(model: DesiredModel | None) -> propose.Spec | None:
    return propose.spec_of(model) if model is not None else None
