"""Servers at rest: what would be observed of a converged one, and which models of a real one are converged.

Called by the command line (`plan --from A --to B` needs no server: it takes observed := converged at A) and by the
loop, which books the specs that were reached as good.
"""

from reconciler.plan.differences import differs
from reconciler.plan.effective import targets
from reconciler.plan.target import Origin, Target, spec_digest
from reconciler.state.config import ModelConfig, ServerConfig
from reconciler.state.desired import Commit, DesiredModel, DesiredServer, Prune
from reconciler.state.look import ASSUMED, LabelKind, LabelReading, PathFacts, Presence, VersionFiles, VersionState
from reconciler.state.memory import GoodSpec, Standing
from reconciler.state.observed import Observed, ObservedModel, ObservedVersion
from reconciler.state.versions import Latest, Specific


def at_rest(server: DesiredServer, at: float = 0.0, *, also: DesiredServer | None = None) -> Observed:
    """The observation of a server converged on a desired state; `also` names a second one whose files exist as well."""
    config = ServerConfig(tuple(_config(model) for model in server.models))
    others = also.models if also is not None else ()
    return Observed(
        server.id,
        at,
        standing=Standing.KNOWN,
        sent=config,
        known_as=config,
        models=tuple(_model(model) for model in server.models),
        paths=_paths((*server.models, *others)),
        wishes=tuple((model.name, model.prune) for model in server.models if model.prune is not Prune.INHERIT),
    )


def _config(model: DesiredModel) -> ModelConfig:
    return ModelConfig(model.name, model.base_path, model.policy, model.labels, model.platform)


def _model(model: DesiredModel) -> ObservedModel:
    versions = tuple(
        ObservedVersion(number, VersionState.AVAILABLE, listed=True, proven=True) for number in _assumed(model)
    )
    labels = tuple((label, LabelReading(LabelKind.RESOLVES, version)) for label, version in model.labels)
    return ObservedModel(model.name, versions, labels)


def _assumed(model: DesiredModel) -> tuple[int, ...]:
    """The versions taken to be there: those named, or as many as `latest` asks for, numbered from 1."""
    if isinstance(model.policy, Specific):
        return model.policy.versions
    return tuple(range(1, 1 + (model.policy.count if isinstance(model.policy, Latest) else 1)))


def _paths(models: tuple[DesiredModel, ...]) -> tuple[PathFacts, ...]:
    """Every base path named, holding every version that any of these models names."""
    found: dict[str, set[int]] = {}
    by_name: dict[str, set[int]] = {}
    for model in models:
        by_name.setdefault(model.name, set()).update(_assumed(model))
    for model in models:
        found.setdefault(model.base_path, set()).update(by_name[model.name])
    return tuple(
        PathFacts(path, Presence.SEEN, tuple(VersionFiles(number, (), 0, ASSUMED) for number in sorted(numbers)))
        for path, numbers in sorted(found.items())
    )


def reached(server: DesiredServer, observed: Observed) -> tuple[GoodSpec, ...]:
    """The models that are wholly what git says on this server now, as specs to fall back to."""
    if not observed.reach.answers or observed.outstanding is not None:
        return ()
    found = targets(Commit(""), server, observed)
    wanted = {model.name: model for model in server.models}
    return tuple(
        _good(target, wanted[target.name], observed)
        for target in found.models
        if target.origin is Origin.GIT and not differs(target, observed)
    )


def _good(target: Target, wanted: DesiredModel, observed: Observed) -> GoodSpec:
    known = observed.good_spec(target.name)
    digest = target.digest or spec_digest(wanted, observed)
    if known is not None and known.digest == digest and known.config == target.config:
        return known
    return GoodSpec(target.config, digest, observed.at)
