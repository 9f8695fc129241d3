"""From one server's state to its whole road: step, forecast, step again, until nothing is left that can go.

Called by `plan/fleet.py` and by lanes. What is shown is the whole road; what is driven is its first pass, after which
everything is observed and planned anew.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import replace
from typing import TypeAlias

from reconciler.plan import checks, forecast
from reconciler.plan.auto import aims as aims_of
from reconciler.plan.differences import differences, uncovered
from reconciler.plan.effective import targets
from reconciler.plan.gates import gate, suspended
from reconciler.plan.memory import cautions, use
from reconciler.plan.retention import retained
from reconciler.plan.scene import Scene, scene
from reconciler.plan.step import Step, step
from reconciler.plan.target import Targets, spec_digest
from reconciler.plan.vetoing import FREE, Vetoes
from reconciler.plan.warnings import warnings
from reconciler.state.check import CheckDue
from reconciler.state.desired import Commit, DesiredServer, Drift
from reconciler.state.look import ASSUMED
from reconciler.state.memory import Standing
from reconciler.state.observed import Observed
from reconciler.state.plan import Action, Difference, Hold, HoldReason, Pass, PassKind, Retained, ServerPlan

LONGEST_ROAD = 64
"""Passes after which unfolding stops; a road is a few passes per model, so this is only a guard against a bug."""


Station: TypeAlias = tuple[Observed, Pass | None]
"""What is believed at one point of a road, and the pass that leaves it; None where something is only waited for."""

NONE = Targets(())


def plan_server(commit: Commit, server: DesiredServer, observed: Observed, vetoes: Vetoes = FREE) -> ServerPlan:
    """The road of one server: the passes that lead from observed to desired, as forecast now, plus holds.

    What may not begin now (`vetoes`) is held, and counts as a difference all the same. Where nothing else goes, the
    road shown is the one after the wait.
    """
    plan = _planned(commit, server, observed, vetoes)
    if not vetoes or plan.passes or not any(hold.reason in _VETOES for hold in plan.holds):
        return plan
    free = _planned(commit, server, observed, FREE)
    holds = (*plan.holds, *(hold for hold in free.holds if not any(_same(hold, other) for other in plan.holds)))
    fingerprint = _digest(plan.fingerprint, free.fingerprint)
    shown = replace(plan, passes=free.passes, warnings=free.warnings, memory=free.memory)
    return replace(shown, holds=holds, waiting=True, fingerprint=fingerprint)


_VETOES = frozenset(
    {HoldReason.WAVE_TURN, HoldReason.ROLLOUT_STOPPED, HoldReason.DOWNTIME_NOT_ALLOWED}
    | {HoldReason.FROZEN, HoldReason.BLAST_RADIUS}
)


def _planned(commit: Commit, server: DesiredServer, observed: Observed, vetoes: Vetoes) -> ServerPlan:
    stage = scene(server, observed)
    aims = aims_of(commit, server, observed, vetoes)
    found = (*differences(aims, observed), *_held_back(commit, stage, aims))
    if not found and not aims.holds and observed.outstanding is None and observed.reach.answers:
        return _settled(commit, stage)
    first = step(stage, aims, 1)
    road, last = _unfold(commit, stage, (aims, first), vetoes)
    passes, end = tuple(body for _, body in road if body is not None), road[-1][0]
    holds = _holds(first, last, passes)
    memory = use(server, aims, road)
    staying = kept(server, end)
    open_ = tuple(each for each in found if not _stays(each, staying))
    holds = (*holds, *_uncovered(open_, passes, holds))
    return ServerPlan(
        server.id,
        found,
        passes,
        holds,
        _look_again(observed, holds, kept(server, observed)),
        _fingerprint(commit, server, found, passes, holds),
        observed.at,
        (*warnings(server, observed, aims), *cautions(server, memory, looked=not _assumed(observed))),
        waiting=first.body is None and not first.checks and bool(passes),
        retained=staying,
        checks=first.checks,
        memory=memory,
    )


def _assumed(observed: Observed) -> bool:
    """Whether the files were not looked at but taken to be there, as plans between two commits do."""
    return any(files.fingerprint == ASSUMED for path in observed.paths for files in path.versions)


def _held_back(commit: Commit, stage: Scene, aims: Targets) -> tuple[Difference, ...]:
    """What differs from git in the models that stay as they are for now."""
    if not aims.waiting:
        return ()
    open_ = tuple(replace(model, suspend=None) for model in stage.server.models)
    healing = replace(stage.server, fleet=replace(stage.server.fleet, drift=Drift.HEAL), models=open_)
    free = targets(commit, healing, stage.observed)
    return tuple(each for each in differences(free, stage.observed) if each.model in aims.waiting)


def kept(server: DesiredServer, observed: Observed) -> tuple[Retained, ...]:
    """Every version that stays loaded for a while beyond what git names, by model."""
    return tuple(each for model in server.models for each in retained(model, observed))


def _settled(commit: Commit, stage: Scene) -> ServerPlan:
    """Nothing differs. A config that was only *seen* to be in force is sent once all the same, so that it is known.

    The server's own may list other models, or `latest` where git names the versions: then the next version in storage
    would end the one that a label is on. Nothing that is seen changes by it.
    """
    server, observed = stage.server, stage.observed
    staying = kept(server, observed)
    plan = ServerPlan(
        server.id,
        look_again_at=_look_again(observed, (), staying),
        fingerprint=_digest(commit.id, server.id, repr([(each.model, each.version) for each in staying])),
        observed_at=observed.at,
        retained=staying,
        memory=use(server, NONE, ((observed, None),)),
    )
    if (hold := suspended(server, observed)) is not None:
        return replace(plan, holds=(hold,), look_again_at=_look_again(observed, (hold,), staying))
    if observed.standing is Standing.KNOWN or not observed.sent.models:
        return plan
    if (hold := gate(server, observed)) is not None:
        return replace(plan, holds=(hold,), look_again_at=_look_again(observed, (hold,), staying))
    body = Pass(1, PassKind.CHANGE, (), observed.sent, specs=_spec_digests(server, observed))
    return replace(plan, passes=(body,))


def _spec_digests(server: DesiredServer, observed: Observed) -> tuple[tuple[str, str], ...]:
    wanted = (model for model in server.models if model.name in observed.sent.names)
    return tuple(sorted((model.name, spec_digest(model, observed)) for model in wanted))


def _unfold(commit: Commit, stage: Scene, begun: tuple[Targets, Step], vetoes: Vetoes) -> tuple[list[Station], Step]:
    """The stations from here to rest, and the step at which nothing more goes. `begun`: the targets and step of now."""
    aims, current = begun
    road: list[Station] = []
    now = _as_reported(stage, current)
    waited, passes = False, 0
    while passes < LONGEST_ROAD:
        idle = current.body is None and not current.checks
        if idle and (waited or not any(hold.progressing for hold in current.holds)):
            break
        waited = idle
        bodies = [current.body] if current.body is not None else []
        bodies += [_checks(now, current, passes + len(bodies) + 1)] if current.checks else []
        passes += len(bodies)
        road.extend((now.observed, body) for body in bodies or (None,))
        believed = forecast.settle(now.server, now.observed, current.body)
        believed = checks.assumed(believed, current.checks)
        now = scene(now.server, believed)
        aims = aims if aims.fixed else aims_of(commit, now.server, believed, vetoes)
        current = step(now, aims, passes + 1)
    return [*road, (now.observed, None)], current


def _as_reported(stage: Scene, first: Step) -> Scene:
    """The scene in which only what is reported as drift now is so ever after: a forecast is no evidence of more."""
    told = {hold.model for hold in first.holds if hold.reason is HoldReason.DRIFT_REPORTED}
    steady = tuple(name for name in stage.observed.steady if name in told)
    return replace(stage, observed=replace(stage.observed, steady=steady)) if stage.observed.steady else stage


def _checks(stage: Scene, current: Step, number: int) -> Pass:
    """The checks of one step as a pass, after the reload that goes beside them, if one does."""
    config = stage.observed.sent if current.body is None else current.body.config
    return checks.as_pass(stage.server, current.checks, config, number)


def check_pass(server: DesiredServer, observed: Observed, due: Iterable[CheckDue]) -> Pass:
    """Checks to be run now, as the pass that is written down before they begin."""
    body = checks.as_pass(server, due, observed.sent)
    names = {action.model for action in body.actions}
    digests = (each for each in _spec_digests(server, observed) if each[0] in names)
    return replace(body, specs=tuple(digests))


def _holds(first: Step, last: Step, passes: Iterable[Pass]) -> tuple[Hold, ...]:
    """What stands now and is not merely the order of the passes, and what will still stand at the end of the road.

    What only waits its turn is on its way as long as something else is.
    """
    acted = {(action.model, action.version, action.label) for body in passes for action in body.actions}
    names = {model for model, _, _ in acted}
    kept: list[Hold] = []
    ordering = (HoldReason.CHANGES_FIRST, HoldReason.RESOURCE_TURN)
    turns = (*ordering, HoldReason.MEMORY_TURN)
    standing = [hold for hold in first.holds if hold.reason not in ordering or hold.model not in names]
    for hold in (*standing, *last.holds):
        if not any(_same(hold, other) for other in kept):
            kept.append(hold)
    moving = any(hold.progressing for hold in kept if hold.reason not in turns)
    return tuple(
        replace(hold, progressing=False) if hold.reason in turns and not moving and hold.model not in names else hold
        for hold in kept
    )


def _same(one: Hold, other: Hold) -> bool:
    return (one.reason, one.model, one.version, one.label) == (other.reason, other.model, other.version, other.label)


def _stays(difference: Difference, staying: Iterable[Retained]) -> bool:
    """Whether a version is one too many only until its label has left it: then it stays for a while."""
    return any((each.model, each.version) == (difference.model, difference.version) for each in staying)


def _uncovered(found: Iterable[Difference], passes: tuple[Pass, ...], holds: tuple[Hold, ...]) -> tuple[Hold, ...]:
    """Nothing is silently skipped: a difference that no action and no hold accounts for is said to be one."""
    actions = (action for body in passes for action in body.actions)
    return tuple(
        Hold(
            HoldReason.NOT_SEEN,
            each.model,
            f"{each.kind.value}: wanted {each.wanted}, found {each.found}",
            "another look at the server",
            version=each.version,
            label=each.label,
            progressing=True,
        )
        for each in uncovered(found, actions, holds)
    )


def _look_again(observed: Observed, holds: Iterable[Hold], staying: Iterable[Retained]) -> float | None:
    times = [hold.until for hold in holds if hold.until is not None and hold.until > observed.at]
    return min([*times, *(each.until for each in staying)], default=None)


def _fingerprint(
    commit: Commit,
    server: DesiredServer,
    found: tuple[Difference, ...],
    passes: tuple[Pass, ...],
    holds: tuple[Hold, ...],
) -> str:
    plain = [(body.kind.value, [_bare(action) for action in body.actions]) for body in passes]
    first = passes[0].config.digest if passes else ""
    different = [(each.kind.value, each.model, each.version, each.label, each.wanted, each.found) for each in found]
    reasons = [(hold.reason.value, hold.model, hold.version, hold.label) for hold in holds]
    return _digest(commit.id, server.id, repr(different), repr(plain), first, repr(reasons))


def _bare(action: Action) -> tuple[str | int | None, ...]:
    bare = (action.kind.value, action.model, action.version, action.label, action.before)
    return (*bare, action.check) if action.check else bare


def _digest(*parts: str) -> str:
    return "sha256:" + hashlib.sha256("\n".join(parts).encode()).hexdigest()
