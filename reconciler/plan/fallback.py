"""A spec that failed on this server: what stays in force instead, and what is said of it.

Called by `plan/effective.py`. A spec fails by loads (`retry.limit` of them, or one where an exchange could be undone)
or by a check; then the last good spec of its model counts, or what can be served of it. Deliberately not here: how a
check stands (`plan/checks.py`), and when a failed version is tried again (`plan/files.py`).
"""

from dataclasses import replace

from reconciler.plan import checks
from reconciler.plan.target import Origin, Target, at_good, from_git, spec_digest
from reconciler.plan.wording import times
from reconciler.state.check import CheckResult
from reconciler.state.desired import DesiredModel, TransitionPolicy
from reconciler.state.memory import Failure, GoodSpec
from reconciler.state.observed import Observed
from reconciler.state.plan import Hold, HoldReason
from reconciler.state.versions import Specific


def judged(wanted: DesiredModel, observed: Observed) -> tuple[Target, tuple[Hold, ...]]:
    """The target of a model: git's spec, or what counts instead where that failed here, with the holds that say why."""
    asked = from_git(wanted, observed)
    if not observed.failures and not observed.checks:
        return asked, ()
    asked = replace(asked, digest=spec_digest(wanted, observed))
    good = _fallback(asked, observed)
    spent = exhausted(asked, observed, restorable=good is not None)
    bad = checks.failed(wanted, observed)
    if not spent and not bad:
        return asked, ()
    holds = [_quarantine(wanted, spent, restored=good is not None)] if spent else []
    holds += [checks.failure(wanted, bad, restored=good is not None)] if bad else []
    if good is not None:
        return at_good(asked, good, observed, Origin.FALLBACK), tuple(holds)
    target = _reduced(asked, spent) if spent else asked
    return (_unlabelled(target, bad, observed) if bad else target), tuple(holds)


def _fallback(asked: Target, observed: Observed) -> GoodSpec | None:
    """The last good spec where it is another than git's, and has not failed here as often as it may be tried.

    Whatever made the new spec fail (storage, memory) may fail the old one once or twice, too: it is retried like any.
    """
    good = observed.good_spec(asked.name)
    if good is None or good.digest == asked.digest:
        return None
    failures = observed.failures_of(asked.name, good.digest)
    return None if any(failure.count >= asked.retry.limit for failure in failures) else good


def exhausted(target: Target, observed: Observed, *, restorable: bool) -> tuple[Failure, ...]:
    """The failures that quarantine this spec: as many as `retry.limit` allows, or one of an exchange under `resource`.

    There (and under `auto`, before its choice) every further try may take the labels of the last good spec away again,
    so one failure is enough; where nothing good can be brought back instead, a try takes nothing away, and giving up at
    once would help nobody. A version that `latest` or `all` no longer chooses holds nothing back.
    """
    once = restorable and target.transition.policy is not TransitionPolicy.AVAILABILITY
    limit = 1 if once else target.retry.limit
    failures = observed.failures_of(target.name, target.digest)
    return tuple(failure for failure in failures if failure.count >= limit and failure.version in target.versions)


def _reduced(asked: Target, spent: tuple[Failure, ...]) -> Target:
    """What can be served is served: the spec without the versions that failed and without the labels on them."""
    bad = {failure.version for failure in spent}
    left = tuple(version for version in asked.versions if version not in bad)
    labels = tuple((label, version) for label, version in asked.labels if version not in bad)
    policy = Specific(left) if asked.specific else asked.policy
    return replace(asked, policy=policy, versions=left, labels=labels, origin=Origin.REDUCED)


def _unlabelled(asked: Target, bad: tuple[CheckResult, ...], observed: Observed) -> Target:
    """The spec without its labels on versions that failed a check."""
    versions, labels = checks.without(asked.name, (asked.versions, asked.labels), bad, observed)
    return replace(asked, policy=Specific(versions), versions=versions, labels=labels, origin=Origin.REDUCED)


def _quarantine(wanted: DesiredModel, spent: tuple[Failure, ...], *, restored: bool) -> Hold:
    worst = max(spent, key=lambda each: (each.count, each.version))
    resource = wanted.transition.policy is TransitionPolicy.RESOURCE
    reason = HoldReason.RESTORED_AFTER_FAILED_LOAD if restored and resource else HoldReason.QUARANTINED
    back = "the last good spec of this model stays in force" if restored else "the rest of its spec is served"
    return Hold(
        reason,
        wanted.name,
        f"version {worst.version} failed to load {times(worst.count)}: {worst.error}; {back}",
        "a commit that changes this model's spec (repaired files get a version number of their own); or `reconciler "
        f"retry {wanted.name}`, where the cause is gone",
        version=worst.version,
    )
