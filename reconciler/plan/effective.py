"""Effective desired state of one server: which target each of its models has now, and why where that is not git's.

Called by `plan/auto.py`, `plan/road.py` and `plan/rest.py`. For each model the first of these counts: a change that may
not begin yet (a veto), a suspension, drift that is only reported, git's spec or what stands in for it where that failed
here (`plan/fallback.py`), with the versions that stay for a while (`plan/retention.py`). Models that git no longer
names are `plan/pruning.py`.
"""

from dataclasses import dataclass, replace

from reconciler.plan import fallback, pruning
from reconciler.plan.gates import suspension
from reconciler.plan.reporting import reported
from reconciler.plan.retention import retained, waiting
from reconciler.plan.target import Origin, Target, Targets, at_good, begins, carried, from_git
from reconciler.plan.vetoing import FREE, Vetoes, downtime
from reconciler.plan.ways import settled
from reconciler.state.config import ModelConfig
from reconciler.state.desired import Commit, DesiredModel, DesiredServer, Drift, TransitionPolicy
from reconciler.state.memory import GoodSpec, Replaced, Standing
from reconciler.state.observed import Observed
from reconciler.state.plan import Hold, HoldReason
from reconciler.state.versions import Specific


@dataclass(frozen=True, slots=True)
class _Aim:
    """What came of one model that git names: its target (none where nothing of it is carried), and why.

    waits: it stays as it is for now although git wants it otherwise.
    """

    name: str
    target: Target | None
    holds: tuple[Hold, ...] = ()
    waits: bool = False


def targets(commit: Commit, server: DesiredServer, observed: Observed, vetoes: Vetoes = FREE) -> Targets:
    """Effective desired state of one server, and why where it is not git's.

    A change under a veto is not begun: a spec that was not begun here yet waits, on the last good one; what is under
    way goes on, and what was reached before is healed.
    """
    limited = server.memory is not None
    aims = [
        _aim(server, wanted, settled(wanted, observed, limited=limited), observed, vetoes) for wanted in server.models
    ]
    rest = pruning.orphans(commit, server, observed, vetoes)
    models = [*(each.target for each in aims if each.target is not None), *rest.models]
    return Targets(
        tuple(sorted(models, key=lambda each: each.name)),
        rest.removed,
        (*map(_files_changed, observed.replaced), *(hold for each in aims for hold in each.holds), *rest.holds),
        rest.last,
        (*(each.name for each in aims if each.waits), *rest.waiting),
        not (vetoes or rest.models or rest.removed) and _is_fixed(server, observed),
    )


def _is_fixed(server: DesiredServer, observed: Observed) -> bool:
    """Whether these targets follow from git alone, and go on doing so along a road on which nothing fails."""
    if observed.failures or observed.checks or observed.replaced or server.memory is not None:
        return False
    return server.fleet.drift is Drift.HEAL and all(map(_is_plain, server.models))


def _is_plain(wanted: DesiredModel) -> bool:
    named = isinstance(wanted.policy, Specific) and wanted.suspend is None and not wanted.checks
    return named and wanted.transition.keep_previous is None


def _aim(server: DesiredServer, said: DesiredModel, wanted: DesiredModel, observed: Observed, vetoes: Vetoes) -> _Aim:
    """What counts for one model; `wanted` is what git has said of it, with the order that its change began with."""
    veto = vetoes.get(wanted.document)
    if veto is not None and begins(wanted, observed):
        return _Aim(wanted.name, _before(wanted, observed), (replace(veto, model=wanted.name),), waits=True)
    if wanted.suspend is not None and wanted.suspend.stands(observed.at):
        hold = suspension(wanted.name, wanted.suspend, f"Model {wanted.document}")
        return _Aim(wanted.name, _as_it_is(wanted.name, observed, Origin.SUSPENDED), (hold,), waits=True)
    if (drifted := reported(server, wanted, observed)) is not None:
        return _Aim(wanted.name, _as_it_is(wanted.name, observed, Origin.REPORTED), (drifted,), waits=True)
    target, holds = fallback.judged(wanted, observed)
    target = _retaining(target, wanted, observed)
    bound = vetoes or said.transition.policy is TransitionPolicy.AUTO
    return _Aim(wanted.name, _bound(target, said, vetoes) if bound else target, holds)


def _files_changed(each: Replaced) -> Hold:
    detail = (
        f"the files of version {each.version} are no longer those it was loaded from ({each.loaded} then, "
        f"{each.stored} now): the server goes on with the old ones, and would load the new ones after a restart "
        "(rule E18)"
    )
    release = "the old files, put back; or the new ones under a number of their own"
    return Hold(HoldReason.FILES_CHANGED, each.model, detail, release, version=each.version)


def _bound(target: Target, said: DesiredModel, vetoes: Vetoes) -> Target:
    """The target with what must not be taken away here, and under `auto` with the versions a choice is made for."""
    alone = tuple((label, vetoes[key]) for label, _ in said.labels if (key := downtime(said.document, label)) in vetoes)
    names = said.policy.versions if isinstance(said.policy, Specific) else ()
    return replace(target, alone=alone, asked=names if said.transition.policy is TransitionPolicy.AUTO else ())


def _before(wanted: DesiredModel, observed: Observed) -> Target | None:
    """The model as it was before the change that waits: its last good spec, else as the config in force has it."""
    good, config = observed.good_spec(wanted.name), observed.sent.model(wanted.name)
    if good is None or (observed.standing is Standing.KNOWN and _took_over(good, config)):
        return _as_it_is(wanted.name, observed, Origin.WAITING)
    target = at_good(from_git(wanted, observed), good, observed, Origin.WAITING)
    return _labelled(_with(target, waiting(wanted, good, observed)), wanted, observed)


def _took_over(good: GoodSpec, config: ModelConfig | None) -> bool:
    """Whether a change in between has named the versions that the server chose by itself before."""
    return config is not None and isinstance(config.policy, Specific) and not isinstance(good.config.policy, Specific)


def _labelled(target: Target, wanted: DesiredModel, observed: Observed) -> Target:
    """The last good spec with the labels that a change in between has set and that git keeps: these answer clients.

    Going back wholly would take them away, to set them again once the change that waits may begin.
    """
    config = observed.sent.model(target.name)
    if config is None or not target.specific:
        return target
    seen, own, named = observed.model(target.name), dict(target.labels), {label for label, _ in wanted.labels}
    more = {
        label: version
        for label, version in config.labels
        if label in named and label not in own and version in config.listed
        if seen.version(version).proven and seen.reading(label).resolves_to(version)
    }
    if not more:
        return target
    if wanted.transition.policy is TransitionPolicy.RESOURCE or config.base_path != target.base_path:
        return carried(config, observed, Origin.WAITING)  # no room for both, or no one path that has both
    versions = tuple(sorted({*target.versions, *more.values()}))
    labels = tuple(sorted({**own, **more}.items()))
    return replace(target, policy=Specific(versions), versions=versions, labels=labels)


def _as_it_is(name: str, observed: Observed, origin: Origin) -> Target | None:
    """A model as the config in force has it, for every reload to carry; nothing where it is not in force."""
    config = observed.sent.model(name)
    return None if config is None else carried(config, observed, origin)


def _retaining(target: Target, wanted: DesiredModel, observed: Observed) -> Target:
    """The target with the versions that stay for a while; a spec that failed here makes room for its last good one."""
    if wanted.transition.keep_previous is None or target.origin is not Origin.GIT:
        return target
    return _with(target, tuple(each.version for each in retained(wanted, observed)))


def _with(target: Target, kept: tuple[int, ...]) -> Target:
    if not kept:
        return target
    versions = tuple(sorted({*target.versions, *kept}))
    return replace(target, policy=Specific(versions), versions=versions, retained=kept)
