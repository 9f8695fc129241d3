"""Models that a server holds and git no longer names: which stay and why, and which are removed.

Called by `plan/effective.py`. The fleet decides (`prune`), unless the last Model document that placed the model here
said otherwise; that wish is remembered with the server, because a document that is gone cannot say anything. What may
go and must not begin to go now stays too, as does the last model of a server, unless the commit consents.
"""

from collections.abc import Sequence
from dataclasses import replace

from reconciler.plan.target import Targets, carried
from reconciler.plan.vetoing import Vetoes, removal
from reconciler.state.config import ModelConfig
from reconciler.state.desired import Commit, DesiredServer, Prune
from reconciler.state.memory import Standing
from reconciler.state.observed import Observed
from reconciler.state.plan import Hold, HoldReason
from reconciler.state.versions import Specific

_NONE = Targets(())


def orphans(commit: Commit, server: DesiredServer, observed: Observed, vetoes: Vetoes) -> Targets:
    """Those of the server's models that git does not name: targets of what stays, with why; the names of what goes."""
    named = {model.name for model in server.models}
    served = _served(observed)
    found = [served[name] for name in sorted(served.keys() - named)]
    if not found:
        return _NONE
    keep = _kept(commit, server, observed, [config.name for config in found], vetoes)
    stay = [config for config in found if config.name in keep]
    models = tuple(carried(config, observed) for config in stay)
    holds = tuple(replace(keep[config.name], model=config.name) for config in stay)
    waiting = tuple(config.name for config in stay if keep[config.name].reason not in _GUARDS)
    leaving = [config for config in observed.sent.models if config.name not in named | keep.keys()]
    removed = tuple(config.name for config in leaving)
    if removed and len(removed) == len(observed.sent.models) and (models or server.models):
        models += tuple(carried(config, observed) for config in leaving)
        holds += tuple(replace(_LAST, model=name) for name in removed)
        return Targets(models, (), holds, removed, waiting)
    return Targets(models, removed, holds, (), waiting)


_GUARDS = (HoldReason.PRUNE_GUARD, HoldReason.EMPTYING_GUARD)
"""Why a model that git no longer names is as good as wanted; any other hold only puts its removal off."""

_LAST = Hold(
    HoldReason.CHANGES_FIRST,
    "",
    "every model this server has would go, and a server is never emptied on the way (rule E2)",
    "the first of the new models in the server's config",
    progressing=True,
)


def _served(observed: Observed) -> dict[str, ModelConfig]:
    """Every model this server is known for, as it shall be carried: with what a restart took and is not back yet.

    Where the config in force was only seen, that goes before what was known.
    """
    if observed.known_as == observed.sent:
        return {model.name: model for model in observed.sent.models}
    served = {model.name: model for model in (*observed.known_as.models, *observed.sent.models)}
    if observed.standing in (Standing.LOST, Standing.FIRST_CONTACT):
        return served
    for known in observed.known_as.models:
        if _holds_more(known, served[known.name]):
            labels = {label: version for label, version in known.labels if version in known.listed}
            served[known.name] = known.with_labels(labels | dict(served[known.name].labels))
    return served


def _holds_more(known: ModelConfig, config: ModelConfig) -> bool:
    """Whether what was known of a model is what is in force, and perhaps more."""
    named = isinstance(known.policy, Specific) and isinstance(config.policy, Specific)
    return named and known.base_path == config.base_path and set(config.listed) <= set(known.listed)


def _kept(
    commit: Commit, server: DesiredServer, observed: Observed, names: Sequence[str], vetoes: Vetoes
) -> dict[str, Hold]:
    """Those of the names that stay, each with the hold that says why."""
    stay = {name: hold for name in names if (hold := _guard(server, observed, name) or vetoes.get(removal(name)))}
    if stay or server.models or commit.prunes_all:
        return stay
    emptying = Hold(
        HoldReason.EMPTYING_GUARD,
        "",
        "removing it would leave this server without any model",
        "the trailer `Model-Prune: all` in the message of the commit in force",
    )
    return dict.fromkeys(names, emptying)


def _guard(server: DesiredServer, observed: Observed, name: str) -> Hold | None:
    wish = observed.wish(name)
    if server.prunes(wish):
        return None
    if wish is Prune.FORBID:
        return Hold(
            HoldReason.PRUNE_GUARD,
            "",
            "no Model document places it on this server any more, but the last one that did says `prune: forbid`",
            "a Model document that names it again; to have it removed, one that says `prune: allow` and then goes",
        )
    return Hold(
        HoldReason.PRUNE_GUARD,
        "",
        "no Model document places it on this server any more, but the fleet does not prune",
        f"`prune: true` in Fleet {server.fleet.name}, or a Model document that names it again",
    )
