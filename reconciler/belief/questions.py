"""What the next look shall ask: no more than is needed, and never less than what a decision rests on.

Statuses of every model that anything names are asked at every look. Labels when they are due (labels.py), which the
caller may have sooner where there are few. Proofs by
number for what claims, or is about to claim, to be AVAILABLE and is not proven; and for what serves unlisted. Storage
at every look for a model that is not at rest, every second for its neighbours meanwhile (a missing base path of one
stops the discovery of all), else every 10 s.

Deliberately not here: how it is asked (observe/).
"""

from collections.abc import Mapping

from reconciler.belief import chosen, exports, fence, labels, life, listing, versions
from reconciler.state.config import ServerConfig
from reconciler.state.desired import Adopt, DesiredModel, DesiredServer
from reconciler.state.look import PathFacts, Presence, Questions, VersionState
from reconciler.state.memory import Memory, Standing, VersionMemory
from reconciler.state.versions import Specific


def questions(server: DesiredServer, memory: Memory, now: float, labels_age: float = fence.PROOF_MAX_AGE) -> Questions:
    """The questions for a look at `now`, each group ascending; labels read less than `labels_age` s ago may rest."""
    memory = life.at_address(server, memory)
    config = listing.in_force(server, memory)
    return Questions(
        models=tuple(sorted(listing.names_of_interest(server, memory))),
        labels=labels.due(server, memory, now, labels_age),
        proofs=_proofs(memory, config),
        paths=_paths(server, memory, config, now),
        exports=exports.wanted(server, memory, config),
        page=_page(server, memory, now),
    )


def _page(server: DesiredServer, memory: Memory, now: float) -> bool:
    """The metrics page, at first contact and where the fleet asks to keep what is there: now and then."""
    if server.fleet.adopt is not Adopt.KEEP or memory.standing is not Standing.FIRST_CONTACT:
        return False
    if memory.page is None:
        return True
    return now - memory.page.at >= (fence.PAGE_MAX_AGE_UNSEEN if memory.page.unseen else fence.PATHS_MAX_AGE)


def _proofs(memory: Memory, config: ServerConfig) -> tuple[tuple[str, int], ...]:
    models = listing.by_name(config)
    return tuple(
        (each.model, each.version)
        for each in memory.versions
        if each.state in listing.LOADED_OR_COMING
        and _needs_proof(each, listing.lists(models.get(each.model), each) or versions.awaited(memory, each))
    )


def _needs_proof(version: VersionMemory, listed: bool) -> bool:
    """A listed version while it comes, so that it is proven by the look that first shows it; else what serves."""
    return not version.proven if listed else version.state is VersionState.AVAILABLE


def _paths(server: DesiredServer, memory: Memory, config: ServerConfig, now: float) -> tuple[str, ...]:
    looked = dict(memory.paths_at)
    facts = {each.base_path: each for each in memory.paths}
    named = all(isinstance(model.policy, Specific) for model in server.models)
    held = {} if named else chosen.by_model(memory)
    restless = {model.base_path for model in server.models if _restless(memory, config, facts, model, held)}
    every = {model.base_path for model in server.models} | {model.base_path for model in config.models}
    age = fence.PATHS_MAX_AGE_RESTLESS if restless else fence.PATHS_MAX_AGE
    old = {path for path in every if path not in looked or now - looked[path] >= age}
    return tuple(sorted(restless | old))


def _restless(
    memory: Memory,
    config: ServerConfig,
    facts: dict[str, PathFacts],
    model: DesiredModel,
    held: Mapping[str, chosen.Versions],
) -> bool:
    """Whether this model is not in force as git has it, not wholly loaded, or not wholly seen in storage."""
    found = config.model(model.name)
    if memory.sent is None or found is None:
        return True
    if (found.base_path, found.policy, found.labels) != (model.base_path, model.policy, model.labels):
        return True
    there = facts.get(model.base_path)
    if not isinstance(model.policy, Specific):
        if there is None or there.presence is not Presence.SEEN:
            return False
        return chosen.unlike(model.policy, there, held.get(model.name, {}))
    complete = {each.version for each in there.versions if each.complete} if there else set()
    loaded = {
        each.version for each in listing.of_model(memory.versions, model.name) if each.state is VersionState.AVAILABLE
    }
    return not set(model.policy.versions) <= complete & loaded
