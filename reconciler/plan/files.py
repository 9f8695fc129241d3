"""May this version be listed now? What storage, discovery, earlier failures and the server's memory say about it.

Called by `plan/moves.py` and `plan/newcomers.py` for every version about to be listed. Nothing is listed whose files
were not seen (rules E8, E17, E19), unless the fleet consents to storage that cannot be looked at from here.
"""

from collections.abc import Callable

from reconciler.invariants import RETRY_MARGIN
from reconciler.plan.scene import Scene
from reconciler.plan.target import Target
from reconciler.plan.verdicts import barred
from reconciler.plan.wording import times
from reconciler.state.look import ASSUMED, Presence, VersionFiles, VersionState
from reconciler.state.memory import Failure
from reconciler.state.plan import Hold, HoldReason

SOON = 1.0
"""Seconds until a directory that was still growing is judged anew; it must rest for two (`preflight/stillness.py`)."""


def obstacle(stage: Scene, target: Target, version: int) -> Hold | None:
    """The first reason why a version of a model must not be listed now, None where it may."""
    for check in _CHECKS:
        if (hold := check(stage, target, version)) is not None:
            return hold
    return None


def _where(target: Target, version: int) -> str:
    return f"{target.base_path.rstrip('/')}/{version}"


def stored(stage: Scene, target: Target, version: int) -> Hold | None:
    """What storage lacks of a version, None where it is there, complete, or may be unseen."""
    facts = stage.path(target.base_path)
    match facts.presence:
        case Presence.MISSING:
            detail = f"the base path {target.base_path} does not exist in storage"
            where = _where(target, version)
            release = f"the directory {where} with a complete SavedModel, or a commit that names another base path"
            return Hold(HoldReason.ARTIFACT_MISSING, target.name, detail, release, version=version)
        case Presence.UNSEEN:
            return None if stage.server.fleet.allow_unseen_storage else _unseen(target, version, facts.detail)
        case Presence.SEEN:
            return _seen(stage, target, version, facts.files(version))


def _unseen(target: Target, version: int, why: str) -> Hold:
    detail = f"{_where(target, version)} cannot be seen from here ({why})"
    release = "an answer of its storage, a `storage` mapping in the Fleet that covers it, or `allowUnseenStorage: true`"
    return Hold(HoldReason.STORAGE_UNSEEN, target.name, detail, release, version=version)


def _seen(stage: Scene, target: Target, version: int, files: VersionFiles | None) -> Hold | None:
    if files is not None and files.complete and not files.growing:
        return None
    where = _where(target, version)
    if files is None:
        detail = f"version {version} is not in storage: {where} does not exist"
        release = (
            f"the directory {where}, copied under another name and renamed; or a commit that names another version"
        )
        return Hold(HoldReason.ARTIFACT_MISSING, target.name, detail, release, version=version)
    if files.growing:
        detail = f"{where} is not complete yet: it lacks {', '.join(files.lacks)}"
        release, until = "a moment without a change", stage.observed.at + SOON
        return Hold(HoldReason.ARTIFACT_INCOMPLETE, target.name, detail, release, until, version, progressing=True)
    detail = f"{where} is not complete: it lacks {', '.join(files.lacks)}"
    return Hold(HoldReason.ARTIFACT_INCOMPLETE, target.name, detail, "the missing files", version=version)


def _frozen(stage: Scene, target: Target, version: int) -> Hold | None:
    if not stage.frozen:
        return None
    detail, release = stage.freeze
    model, _ = stage.frozen[0]
    detail += f": version {version} would not be loaded"
    release += f", or a commit that points {model} elsewhere or removes it"
    return Hold(HoldReason.DISCOVERY_FROZEN, target.name, detail, release, version=version)


def failure_of(stage: Scene, target: Target, version: int) -> Failure | None:
    """The booked failure of that version under this spec, None where there is none."""
    failures = stage.observed.failures_of(target.name, target.digest)
    return next((failure for failure in failures if failure.version == version), None)


def _pausing(stage: Scene, target: Target, version: int) -> Hold | None:
    failure = failure_of(stage, target, version)
    if failure is None:
        return None
    until = failure.at + target.retry.pause(failure.count)
    if stage.observed.at >= until:
        return None
    tries = f"try {failure.count + 1} of {target.retry.limit}"
    return Hold(
        HoldReason.RETRY_PAUSE,
        target.name,
        f"version {version} failed to load {times(failure.count)}: {failure.error}",
        f"the pause before {tries}; a commit that changes this spec is tried at once",
        until=until,
        version=version,
        progressing=True,
    )


def _going(stage: Scene, target: Target, version: int) -> Hold | None:
    seen = stage.model(target.name).version(version)
    if not seen.going:
        return None
    detail = f"version {version} was taken off the list and is still {seen.state.name}"
    return Hold(HoldReason.GOING, target.name, detail, "its END", version=version, progressing=True)


def _resting(stage: Scene, target: Target, version: int) -> Hold | None:
    """A failed version is retried only if the server saw a list without it: one poll, and no load in between (E13)."""
    seen = stage.model(target.name).version(version)
    if not seen.dropped_at or seen.listed or seen.state not in (VersionState.END, VersionState.START):
        return None
    if seen.state is VersionState.END and seen.error is None:
        return None
    until = seen.dropped_at + stage.poll + RETRY_MARGIN
    if stage.observed.at >= until and not stage.observed.busy:
        return None
    detail = f"version {version} ended in an error; the server retries it only after a poll without it on the list"
    release = "one poll without it, and no load running"
    later = until if stage.observed.at < until else None
    return Hold(HoldReason.RETRY_PAUSE, target.name, detail, release, later, version, progressing=True)


def _pinned(stage: Scene, target: Target, version: int) -> Hold | None:
    """Whether storage holds the very export that git names for this number (`preflight.fingerprints`)."""
    pin = target.preflight.pinned(version)
    files = stage.path(target.base_path).files(version) if pin else None
    if files is None or files.fingerprint in (pin, ASSUMED):
        return None
    detail = (
        f"git pins version {version} to {pin}, and {_where(target, version)} is {files.fingerprint or 'not at rest'}"
    )
    release = "the export that git names, under this number; or a commit that pins the one that is there"
    return Hold(HoldReason.FINGERPRINT_MISMATCH, target.name, detail, release, version=version)


_CHECKS: tuple[Callable[[Scene, Target, int], Hold | None], ...] = (
    stored,
    _pinned,
    barred,
    _frozen,
    _pausing,
    _going,
    _resting,
)
