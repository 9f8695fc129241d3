"""How compatible the export that a label goes to is with the one it leaves, and whether that holds the move.

Called by `plan/labels.py` for every move, and by `plan/files.py`: a version that no label may go to is not loaded for
it either, because unlabelled requests would follow it. Going back to a spec that this server has served before is never
held: a revert must not need a consent that it takes back. Deliberately not here: the comparison (preflight/).
"""

from dataclasses import dataclass, replace

from reconciler.plan.scene import Scene
from reconciler.plan.target import Origin, Target, spec_digest
from reconciler.preflight import compatibility
from reconciler.state.export import Export
from reconciler.state.look import ASSUMED, Presence
from reconciler.state.plan import Hold, HoldReason


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is to be said of one move, and the hold where it may not go."""

    text: str = ""
    hold: Hold | None = None


_NOTHING, _BEFORE = Verdict(), Verdict("served here before")
_NOT_LOOKED_AT = Verdict("not compared: storage was not looked at")
_UNSEEN = Verdict("not compared: storage is not seen from here")


def verdict(stage: Scene, target: Target, label: str, version: int) -> Verdict:
    """What clients of a label notice when it goes to that version; nothing to say where it is new or stays."""
    config = stage.configs.get(target.name)
    before = config.label(label) if config is not None else None
    if config is None or before in (None, version):
        return _NOTHING
    if _back(stage, target):
        return _BEFORE
    old = _export(stage, config.base_path, before)
    if isinstance(old, Verdict):
        return _unread(target, label, version, old)
    new = _export(stage, target.base_path, version)
    if isinstance(new, Verdict):
        return _unread(target, label, version, new)
    return _compared(target, label, (old, new), stage.server.fleet.tf_serving.version)


def _compared(target: Target, label: str, ends: tuple[Export, Export], server_version: str) -> Verdict:
    old, new = ends
    move = (old.version, new.version)
    findings = compatibility.compare(old, new, server_version=server_version)
    text = compatibility.verdict(findings)
    accepted = target.preflight.accepted(*move)
    if new.warmup_problem and not old.warmup_problem and accepted is None:
        return Verdict(text, _unloadable(target, label, move, new.warmup_problem))
    if not compatibility.breaks(findings):
        return Verdict(text)
    if accepted is not None:
        noted = compatibility.warned(findings)
        return Verdict(f"{text}; accepted: {accepted.reason}" + (f"; besides, {noted}" if noted else ""))
    if new.problem and not old.problem:
        return Verdict(text, _unreadable(target, label, move, new.problem))
    return Verdict(text, _break(target, label, move, text))


def barred(stage: Scene, target: Target, version: int) -> Hold | None:
    """Why a version is not loaded although git wants it: every label that shall go to it is held."""
    moves = [verdict(stage, target, label, version) for label, at in target.labels if at == version]
    if not moves or any(each.hold is None for each in moves):
        return None
    return next(replace(each.hold, label=None) for each in moves if each.hold is not None)


def _back(stage: Scene, target: Target) -> bool:
    if target.origin is not Origin.GIT:
        return True
    if not stage.observed.past:
        return False
    wanted = next(model for model in stage.server.models if model.name == target.name)
    return (target.name, spec_digest(wanted, stage.observed)) in stage.observed.past


def _export(stage: Scene, base_path: str, version: int) -> Export | Verdict:
    """What was read of a version; or what there is to say as long as nothing was, or where nothing can be."""
    found, facts = stage.observed.export(base_path, version), stage.path(base_path)
    if found is not None:
        return found
    if facts.presence is Presence.UNSEEN and stage.server.fleet.allow_unseen_storage:
        return _UNSEEN
    files = facts.files(version)
    if files is not None and files.fingerprint == ASSUMED:
        return _NOT_LOOKED_AT
    if facts.presence is Presence.SEEN and (files is None or not files.complete):
        gone = f"the files of version {version} are not in storage any more"
        return Export(base_path, version, problem=gone)
    return Verdict("not compared yet") if stage.observed.foreseen else _NOT_YET


_NOT_YET = Verdict(hold=Hold(HoldReason.SIGNATURES_UNREAD, "", "", "another look at storage", progressing=True))


def _unread(target: Target, label: str, version: int, why: Verdict) -> Verdict:
    if why.hold is None:
        return why
    detail = f"what version {version} and the one it replaces promise to clients was not read from storage yet"
    return Verdict(hold=replace(why.hold, model=target.name, detail=detail, version=version, label=label))


def _unreadable(target: Target, label: str, move: tuple[int, int], problem: str) -> Hold:
    before, version = move
    return Hold(
        HoldReason.ARTIFACT_UNREADABLE,
        target.name,
        f"version {version} could not be read from storage: {problem}",
        "a sound export, under a number of its own; or, where only this reader is at a loss, "
        f"`preflight.acceptBreaking: [{{from: {before}, to: {version}, reason: ...}}]` in the Model",
        version=version,
        label=label,
    )


def _unloadable(target: Target, label: str, move: tuple[int, int], problem: str) -> Hold:
    """Warm-up requests that cannot be replayed fail the load, after `resource` has unloaded what answered."""
    before, version = move
    return Hold(
        HoldReason.ARTIFACT_UNREADABLE,
        target.name,
        f"version {version} would not load, because of its warm-up requests "
        f"(assets.extra/tf_serving_warmup_requests): {problem}",
        "an export with sound warm-up requests, or without any; or, where the server runs with "
        f"--enable_model_warmup=false, `preflight.acceptBreaking: [{{from: {before}, to: {version}, reason: ...}}]` "
        "in the Model",
        version=version,
        label=label,
    )


def _break(target: Target, label: str, move: tuple[int, int], text: str) -> Hold:
    before, version = move
    return Hold(
        HoldReason.SIGNATURE_BREAK,
        target.name,
        f"label {label} would go from {before} to {version}, and that {text}",
        f"`preflight.acceptBreaking: [{{from: {before}, to: {version}, reason: ...}}]` in the Model, once clients are "
        "ready; or a version that keeps what they use",
        version=version,
        label=label,
    )
