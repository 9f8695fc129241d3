"""The rollback wedge: a model for which the server accepts every list and carries out none (rules E14, E15).

Called by `plan/moves.py`. It cannot be made by our own passes; a second writer or an earlier script can leave it
behind. The only way out is a list without the version that is stuck, with a loadable one on it. Labels stay on the
stuck version, which answers until its replacement is AVAILABLE, and move within one look of that: the server unloads
it one tick (100 ms) later. That may cost requests, so it needs consent.
"""

from reconciler.plan.files import obstacle
from reconciler.plan.labels import drop_dangling, move_labels
from reconciler.plan.scene import Draft, Move
from reconciler.state.memory import Doubt
from reconciler.state.observed import Observed
from reconciler.state.plan import HoldReason


def wedged(observed: Observed, model: str) -> Doubt | None:
    """The doubt that says that a model's versions are stuck: it survived forgetting everything and looking again.

    Only a version that never came, or one that never goes. One that was there and went is drift (`plan/drift.py`).
    """
    return next((each for each in standing(observed, model) if each.kind.may_be_wedged), None)


def standing(observed: Observed, model: str) -> tuple[Doubt, ...]:
    """The doubts about a model that outlasted a fresh look."""
    if not observed.doubts:  # nearly always, and asked for every model at every step
        return ()
    return tuple(each for each in observed.doubts if each.model == model and each.stands)


def unwedge(work: Draft) -> Move | None:
    """The way out of the wedge or the hold `VersionWedged`; None where the model is not wedged."""
    if not work.scene.observed.doubts:
        return None
    doubt = wedged(work.scene.observed, work.target.name)
    if doubt is None:
        return None
    stuck = [version for version in work.config.listed if work.seen.version(version).proven]
    fresh = [version for version in work.target.versions if version not in stuck]
    loadable = [version for version in fresh if obstacle(work.scene, work.target, version) is None]
    if not stuck or not loadable:
        return None
    if not (work.target.transition.allow_downtime or _labels_leave(work, stuck)):
        _hold(work, stuck, doubt)
        return work.finish()
    if not work.may_list([version for version in loadable if version not in work.listed]):
        return work.finish()
    drop_dangling(work)
    for version in stuck:
        work.unload(version, "the server carries out no list that holds it (rule E15)")
    for version in loadable:
        if version not in work.listed:
            work.load(version, "the replacement of the version that is stuck")
    return work.finish()


def _labels_leave(work: Draft, stuck: list[int]) -> bool:
    """Whether git itself moves every label away from what is stuck."""
    return bool(work.target.labels) and all(version not in stuck for _, version in work.target.labels)


def _hold(work: Draft, stuck: list[int], doubt: Doubt) -> None:
    move_labels(work)
    detail = (
        f"the server accepts every list and carries out none while version {', '.join(map(str, stuck))} is on it "
        f"(version {doubt.version}: {doubt.reason}); unloading it first would interrupt its labels"
    )
    release = "`transition.allowDowntime: true`, or a commit that moves its labels to another version"
    work.hold(HoldReason.VERSION_WEDGED, detail, release)
