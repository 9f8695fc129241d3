"""No label before its proof: which labels of a model wait for checks, and which checks are to be run now.

Called by `plan/labels.py` before it moves a label. Under `availability` all labels of a model that need a proof wait
for each other: a check that fails leaves every one of them where it was. Under `resource` the versions come one after
the other, and a label that waited for the last would answer nobody meanwhile. Deliberately not here: how a check stands
(plan/checks.py), and what follows from a failed one (plan/fallback.py).
"""

from collections.abc import Mapping
from dataclasses import replace

from reconciler.plan.checks import Standing, standings
from reconciler.plan.scene import Draft
from reconciler.plan.wording import times
from reconciler.state.check import CheckVerdict
from reconciler.state.desired import TransitionPolicy
from reconciler.state.plan import Hold, HoldReason
from reconciler.state.versions import Specific

PATIENCE = 3
"""Tries without an answer after which somebody should look."""


def unproven(work: Draft) -> Mapping[str, Hold]:
    """The labels that may not move yet, each with why. The checks that may be run now become part of the draft."""
    if not work.target.checks:
        return {}
    moving = [(label, version) for label, version in work.target.labels if _needs_proof(work, label, version)]
    waits: dict[int, Hold] = {}
    for version in sorted({version for _, version in moving}):
        hold = _of_version(work, version)
        if hold is not None:
            waits[version] = hold
    if not waits:
        return {}
    together = work.target.transition.policy is not TransitionPolicy.RESOURCE
    first = next(iter(waits.values()))
    return {
        label: replace(waits.get(version, first), label=label)
        for label, version in moving
        if together or version in waits
    }


def _needs_proof(work: Draft, label: str, version: int) -> bool:
    observed, target = work.scene.observed, work.target
    if work.labels.get(label) == version:
        return False
    fingerprint = observed.fingerprint(target.name, target.base_path, version)
    return not observed.was_on(target.name, label, version, fingerprint)


def _of_version(work: Draft, version: int) -> Hold | None:
    """Why no label goes to a version yet; None where every check has passed."""
    if not _answers(work, version):
        detail = f"the labels of {work.target.name} move together, when version {version} is loaded and checked"
        release = "the other actions and holds of this model"
        return Hold(HoldReason.CHANGES_FIRST, work.target.name, detail, release, version=version, progressing=True)
    target, observed = work.target, work.scene.observed
    open_ = [
        each for each in standings(target.name, target.base_path, target.checks, observed, version) if not each.passed
    ]
    if not open_:
        return None
    held = [(each, _pause(each, observed.at)) for each in open_ if not each.failed]
    work.checks.extend(each.due for each, pause in held if pause is None and each.waits_for is None)
    return _hold(work, version, open_)


def _answers(work: Draft, version: int) -> bool:
    listed = version in work.config.listed or not isinstance(work.config.policy, Specific)
    return listed and work.seen.version(version).proven


def _pause(standing: Standing, now: float) -> float | None:
    """Until when a check that brought no answer is left alone."""
    result = standing.result
    return result.again_at if result is not None and now < result.again_at else None


def _hold(work: Draft, version: int, open_: list[Standing]) -> Hold:
    now, name = work.scene.observed.at, work.target.name
    failed = next((each.result for each in open_ if each.failed and each.result is not None), None)
    if failed is not None:
        detail = f"check {failed.due.check} failed on version {version}: {failed.evidence}"
        release = "a commit that changes this model's spec"
        return Hold(HoldReason.CHECK_FAILED, name, detail, release, version=version)
    silent = [each for each in open_ if each.result is not None and each.result.verdict is CheckVerdict.UNANSWERED]
    if silent and silent[0].result is not None:
        result = silent[0].result
        detail = (
            f"check {result.due.check} of version {version} was tried {times(result.tries)} and brought no answer: "
            f"{result.evidence}"
        )
        release = "an answer of the server; it is asked again by itself, after pauses that grow up to 60 s"
        more = {"until": _pause(silent[0], now), "progressing": result.tries < PATIENCE}
        return _checking(name, detail, release, version, **more)
    waits = next((each.waits_for for each in open_ if each.waits_for is not None), None)
    if waits is not None:
        detail = f"version {version} is compared with version {waits}, which does not answer yet"
        return _checking(name, detail, f"version {waits} proven available", version)
    names = ", ".join(each.check.name for each in open_)
    return _checking(
        name, f"version {version} is being checked ({names}) before any label goes to it", "the checks", version
    )


def _checking(name: str, detail: str, release: str, version: int, **more: object) -> Hold:
    fields = {"version": version, "progressing": True} | more
    return Hold(HoldReason.CHECKING, name, detail, release, **fields)  # type: ignore[arg-type]  # by name
