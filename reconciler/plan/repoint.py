"""Another base path for a model that is being served: one reload, the same versions, the same bytes.

Called by `plan/moves.py`. TensorFlow Serving does not reload a number that both paths hold, and unloads at once what
the new path lacks (rules E9, E18); so the path changes only when every serving version lies under the new one too,
with an equal fingerprint, and nothing else of the versions changes in that reload.
"""

from dataclasses import replace

from reconciler.plan.labels import move_labels
from reconciler.plan.scene import Draft, Move
from reconciler.plan.target import resolve
from reconciler.state.look import Presence
from reconciler.state.plan import Action, ActionKind, Fact, FactKind, HoldReason
from reconciler.state.versions import Specific


def repoint(work: Draft) -> Move:
    """The path change where it is safe, else the hold `BasePathNeedsCopy`; labels on resident versions move anyway."""
    move_labels(work)
    problem = _problem(work)
    if problem is not None:
        release = "copies of the serving versions under the new path; or a commit that keeps the path"
        work.hold(HoldReason.BASE_PATH_NEEDS_COPY, problem, release)
        return work.finish()
    chosen = () if isinstance(work.config.policy, Specific) else _chosen(work)
    if chosen and not work.may_list(chosen):
        return work.finish()
    needs = tuple(Fact(FactKind.FILES_COMPLETE, work.target.name, version) for version in serving(work))
    because = f"every serving version lies under {work.target.base_path} with the same fingerprint"
    work.actions.append(Action(ActionKind.REPOINT, work.target.name, because=because, needs=needs))
    move = work.finish()
    return replace(move, config=replace(move.config, base_path=work.target.base_path))


def _chosen(work: Draft) -> tuple[int, ...]:
    """What the server would choose by itself under the new path: it loads that at once."""
    return resolve(work.config.policy, work.target.base_path, work.scene.observed)


def serving(work: Draft) -> tuple[int, ...]:
    """The versions that must survive the change: listed, or answering."""
    return tuple(sorted(set(work.config.listed) | set(work.seen.proven)))


def _problem(work: Draft) -> str | None:
    observed = work.scene.observed
    old, new = observed.path(work.config.base_path), observed.path(work.target.base_path)
    if new.presence is not Presence.SEEN:
        return f"the new base path {work.target.base_path} is not seen in storage: {new.detail or new.presence.value}"
    for version in serving(work):
        copy, original = new.files(version), old.files(version)
        if copy is None or not copy.complete:
            return f"version {version} is being served and is not complete under {work.target.base_path}"
        if old.presence is Presence.SEEN and original is not None and original.fingerprint != copy.fingerprint:
            return (
                f"version {version} under {work.target.base_path} has other bytes; the server would keep the old ones"
            )
    return None
