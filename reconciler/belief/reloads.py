"""What our own reloads change: sent, answered, lost and settled again; and specs that were wholly reached.

A reload is *outstanding* from the moment its intent is written until its fate is known. An answer is proof of nothing
about versions (rules E7, E11, E12), but ACCEPTED and MODELS_FAILED say that the config is in force; REFUSED says that
no version of it is (labels may be: an unknown platform is found after they were swapped); no answer says nothing
(E10).

Called by the lane through `belief`, and by `learning` for reloads whose answer was lost. Deliberately not here: whether
anything may be sent (plan/, invariants).
"""

import re
from collections.abc import Collection, Sequence
from dataclasses import replace

from reconciler.belief import checks, fence, life, listing
from reconciler.state.check import CheckVerdict
from reconciler.state.config import ModelConfig, ServerConfig
from reconciler.state.desired import DesiredServer
from reconciler.state.look import VersionState
from reconciler.state.memory import (
    Answer,
    AnswerKind,
    Departure,
    GoodSpec,
    Memory,
    Outstanding,
    Refusal,
    Standing,
    VersionMemory,
    Way,
)
from reconciler.state.plan import Pass
from reconciler.state.versions import Specific


def sending(server: DesiredServer, memory: Memory, body: Pass, now: float) -> Memory:
    """The memory in which that pass is outstanding; written with its intent, before the RPC.

    Suspects are marked now, not when the answer comes: a status that moves while the reload blocks is its own doing.
    """
    before = listing.in_force(server, memory)
    names = body.config.names - before.names
    if memory.outstanding is not None:
        names |= set(memory.outstanding.names) & body.config.names
    again = memory.outstanding is not None and memory.outstanding.config == body.config
    tries = memory.outstanding.tries + 1 if memory.outstanding is not None and again else 1
    outstanding = Outstanding(body.config, tuple(sorted(names)), now, body.specs, tries)
    fresh = now if now < memory.changed_at + fence.fence_of(server) else 0.0
    marked = tuple(_marked(memory, before, body.config, each, fresh) for each in memory.versions)
    steady, ways = _untouched(memory, before, body), taken(memory.ways, body.ways)
    return replace(memory, outstanding=outstanding, changed_at=now, versions=marked, steady=steady, ways=ways)


def _untouched(memory: Memory, before: ServerConfig, body: Pass) -> tuple[str, ...]:
    """The models that stood as git says and that this pass carries as they are.

    One that is only carried, whatever became of it, has no spec in the pass: a label that would spoil the reload may be
    left out of it all the same.
    """
    driven = dict(body.specs)
    return tuple(name for name in memory.steady if name not in driven or body.config.model(name) == before.model(name))


def taken(known: tuple[Way, ...], begun: tuple[Way, ...]) -> tuple[Way, ...]:
    """One way per model, the newest: it was chosen when the pass was made, whatever becomes of the reload."""
    newest = {way.model: way for way in (*known, *begun)}
    return tuple(newest[name] for name in sorted(newest))


def answered(server: DesiredServer, memory: Memory, answer: Answer, now: float) -> Memory:
    """The memory after the answer to the outstanding reload; unchanged where none is outstanding."""
    if memory.outstanding is None:
        return memory
    match answer.kind:
        case AnswerKind.ACCEPTED | AnswerKind.MODELS_FAILED:
            return _applied(server, memory, memory.outstanding, now)
        case AnswerKind.REFUSED:
            refusal = _refusal(server, memory, memory.outstanding.config, answer, now)
            return replace(memory, outstanding=None, refusal=refusal, changed_at=now, labels=(), labels_wanted=True)
        case AnswerKind.NONE:
            return replace(memory, labels=(), labels_wanted=True)


def _refusal(server: DesiredServer, memory: Memory, config: ServerConfig, answer: Answer, now: float) -> Refusal:
    """A refusal, with the models whose change it may be about: the one that the server's words name, or all changed."""
    before = listing.in_force(server, memory)
    changed = tuple(each for each in config.models if before.model(each.name) != each)
    named = tuple(each for each in changed if _names(answer.message, each.name))
    suspects = named or changed
    again = memory.refusal is not None and any(each in memory.refusal.suspects for each in suspects)
    same = memory.refusal is not None and (again or not (suspects or memory.refusal.suspects))
    count = memory.refusal.count + 1 if same and memory.refusal is not None else 1
    return Refusal(answer.code, answer.message, count, now, suspects)


def _names(message: str, name: str) -> bool:
    """Whether the words of a refusal speak of that model (`… version 3 of model half, which is not …`)."""
    return re.search(rf"\bmodel {re.escape(name)}(?![\w-]|\.\w)", message) is not None


def _unsolved(refusal: Refusal | None, before: ServerConfig, config: ServerConfig) -> Refusal | None:
    """What is left of a refusal once a config was accepted: the suspects that it did not change."""
    if refusal is None:
        return None
    left = tuple(each for each in refusal.suspects if config.model(each.name) == before.model(each.name))
    return replace(refusal, suspects=left) if left else None


def settled(server: DesiredServer, memory: Memory, at: float) -> Memory:
    """The memory once looks have shown the fate of a reload that was not answered.

    The server's wait for new names ends when each has a version AVAILABLE or END (server_core.cc,
    WaitUntilModelsAvailable): seen since the reload was sent, it is in force. Without new names nothing tells; then
    only the identical config may follow, and its answer decides.
    """
    outstanding = memory.outstanding
    if outstanding is None or not outstanding.names:
        return memory
    if not all(_decided(server, memory, outstanding, name, at) for name in outstanding.names):
        return memory
    return _applied(server, memory, outstanding, at)


def wedged(server: DesiredServer, memory: Memory, at: float) -> bool:
    """Whether the outstanding reload waits for a name that shows no START in time, or does not load in time (E8)."""
    outstanding = memory.outstanding
    if outstanding is None:
        return False
    quiet_since = max(outstanding.sent_at, memory.busy_at)
    for name in outstanding.names:
        if _decided(server, memory, outstanding, name, at):
            continue
        if at > outstanding.sent_at + fence.load_deadline(server, name):
            return True
        if at > quiet_since + fence.wedge_seconds(server) and not _begun(memory, outstanding, name):
            return True
    return False


def reached(memory: Memory, goods: tuple[GoodSpec, ...]) -> Memory:
    """The memory in which these specs were wholly reached: what to fall back to; their failures are history."""
    if not goods:
        return memory
    done = {(good.config.name, good.digest) for good in goods}
    names = {name for name, _ in done}
    kept = [good for good in memory.good if good.config.name not in names]
    return replace(
        memory,
        good=tuple(sorted([*kept, *goods], key=lambda good: good.config.name)),
        failures=tuple(each for each in memory.failures if (each.model, each.digest) not in done),
        past=_past(memory.past, [(good.config.name, good.digest) for good in goods]),
        steady=tuple(sorted({*memory.steady, *names})),
        served=checks.served(memory, goods),
    )


def forgiven(memory: Memory, models: Collection[str]) -> Memory:
    """The memory without failures and failed checks of these models (servable names), and without a refusal.

    A person says that the cause is gone (`reconciler retry`). What the server shows stays; a version that it failed to
    load is tried again only after a list without it (rule E13), which planning sees to.
    """
    failures = tuple(each for each in memory.failures if each.model not in models)
    passed = tuple(
        each for each in memory.checks if each.due.model not in models or each.verdict is CheckVerdict.PASSED
    )
    return replace(memory, failures=failures, checks=passed, refusal=None)


KEPT_PAST = 10
"""Specs of one model remembered as reached before: a rollback beyond these is a rollout like any other."""


def _past(known: tuple[tuple[str, str], ...], reached_now: list[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    names = {name for name, _ in reached_now}
    mine = [each for each in known if each[0] in names and each not in reached_now] + reached_now
    kept = [each for name in sorted(names) for each in [one for one in mine if one[0] == name][-KEPT_PAST:]]
    return (*(each for each in known if each[0] not in names), *kept)


def _marked(
    memory: Memory, before: ServerConfig, config: ServerConfig, version: VersionMemory, fresh: float
) -> VersionMemory:
    """A version about to be listed that has a status already: that status may be an earlier life's.

    With memory lost, that holds for anything not AVAILABLE, even where it was counted as listed; and within a fence of
    a change (`fresh` is now, else 0) for anything that `latest` or `all` held: the poll may have dropped it already.
    """
    if version.state is VersionState.ABSENT or not listing.lists(config.model(version.model), version):
        return version
    was_listed = listing.lists(before.model(version.model), version)
    if fresh and was_listed and _handed_back(before.model(version.model), config.model(version.model), version):
        return replace(version, suspect=True, listed_at=fresh)
    unsure = memory.standing in life.UNSURE
    if was_listed and not (unsure and version.state is not VersionState.AVAILABLE):
        return version
    return replace(version, suspect=True)


def _handed_back(before: ModelConfig | None, after: ModelConfig | None, version: VersionMemory) -> bool:
    """Whether git names the versions from now on where the server chose them; not for one that a label is on."""
    if before is None or after is None or isinstance(before.policy, Specific):
        return False
    return isinstance(after.policy, Specific) and version.version not in dict(before.labels).values()


def _applied(server: DesiredServer, memory: Memory, outstanding: Outstanding, at: float) -> Memory:
    """The config of that reload is in force."""
    before, config = listing.in_force(server, memory), outstanding.config
    removed = {name: when for name, when in memory.removed if name not in config.names}
    removed.update(dict.fromkeys(before.names - config.names, at))
    return replace(
        memory,
        standing=Standing.KNOWN,
        stood_since=memory.stood_since if memory.standing is Standing.KNOWN else at,
        page=None,
        sent=config,
        parked=None,
        known_as=_known_as(memory, before, outstanding),
        changed_at=at,
        versions=_of_their_spec(memory, outstanding, _listed(memory, before, config, at)),
        labels=(),
        labels_wanted=True,
        removed=tuple(sorted(removed.items())),
        specs=tuple(sorted((dict(memory.specs) | dict(outstanding.specs)).items())),
        outstanding=None,
        refusal=_unsolved(memory.refusal, before, config),
        departures=departures(memory.departures, before, config, at),
    )


def departures(
    known: tuple[Departure, ...], before: ServerConfig, after: ServerConfig, at: float
) -> tuple[Departure, ...]:
    """The listed versions that labels have left, once `after` is in force instead of `before`.

    Labels are swapped when the reload returns (server_core.cc, UpdateModelVersionLabelMap). A version that is dropped,
    or that a label comes back to, is no longer one that was left.
    """
    left = {(each.model, each.version): each for each in known}
    for model in before.models:
        for version in {version for _, version in model.labels}:
            left.setdefault((model.name, version), Departure(model.name, version, at))
    return tuple(each for place, each in sorted(left.items()) if _is_left(after.model(each.model), each.version))


def _is_left(model: ModelConfig | None, version: int) -> bool:
    return model is not None and version in model.listed and version not in dict(model.labels).values()


def _listed(memory: Memory, before: ServerConfig, config: ServerConfig, at: float) -> tuple[VersionMemory, ...]:
    versions = {(each.model, each.version): each for each in memory.versions}
    for model in config.models:
        for number in model.listed:
            versions.setdefault((model.name, number), VersionMemory(model.name, number, since=at))
    known = memory.standing is Standing.KNOWN
    relisted = (_relisted(each, before, config, at, known) for _, each in sorted(versions.items()))
    return tuple(_fingerprinted(memory, config, each, at) for each in relisted)


def _fingerprinted(memory: Memory, config: ServerConfig, version: VersionMemory, at: float) -> VersionMemory:
    """A version put on the list just now, with the fingerprint of the files it will be loaded from."""
    model = config.model(version.model)
    if version.listed_at != at or model is None:
        return version
    path = next((each for each in memory.paths if each.base_path == model.base_path), None)
    files = path.files(version.version) if path is not None else None
    return replace(version, fingerprint=files.fingerprint if files is not None else "")


def _of_their_spec(
    memory: Memory, outstanding: Outstanding, versions: tuple[VersionMemory, ...]
) -> tuple[VersionMemory, ...]:
    """A load that had failed before a model's spec changed is not booked to the new spec: its files may be repaired."""
    changed = _respecified(memory, outstanding)
    return tuple(
        replace(each, booked=True)
        if each.model in changed
        and each.state is VersionState.END
        and each.error is not None
        and each.listed_at < outstanding.sent_at
        else each
        for each in versions
    )


def _respecified(memory: Memory, outstanding: Outstanding) -> set[str]:
    """The models whose spec in that reload is another than the one in force."""
    specs = dict(memory.specs)
    return {name for name, digest in outstanding.specs if specs.get(name, digest) != digest}


def _relisted(
    version: VersionMemory, before: ServerConfig, config: ServerConfig, at: float, known: bool
) -> VersionMemory:
    """The version with the times of its listing or drop.

    A booked failure counts anew only for a version that was dropped and listed again in this life: the server does not
    try again what it wants already (rule E13), whatever we forgot meanwhile.
    """
    was, now = (listing.lists(each.model(version.model), version) for each in (before, config))
    if now and (not was or not version.listed_at):
        booked = version.booked and (was or not known)
        return replace(version, listed_at=at, dropped_at=0.0, ended_at=0.0, booked=booked)
    if was and not now:
        return replace(version, dropped_at=at, listed_at=0.0, ended_at=0.0, suspect=False, proven=False, booked=False)
    return version


def _known_as(memory: Memory, before: ServerConfig, outstanding: Outstanding) -> ServerConfig:
    """The last config of any life: this one, and what this life has not brought back yet.

    What was in force and is not sent again was taken away on purpose. What was not in force when this was sent is still
    to be healed, as long as the model's spec is the same.
    """
    config = outstanding.config
    kept = [each for each in memory.known_as.models if each.name not in config.names | before.names]
    changed = _respecified(memory, outstanding)
    for model in config.models:
        known = memory.known_as.model(model.name)
        kept.append(model if known is None or model.name in changed else _with_rest(model, known, before))
    return ServerConfig(tuple(sorted(kept, key=lambda each: each.name)))


def _with_rest(model: ModelConfig, known: ModelConfig, before: ServerConfig) -> ModelConfig:
    was = before.model(model.name)
    if not isinstance(model.policy, Specific) or not isinstance(known.policy, Specific):
        return model
    had = set(was.listed) if was else set()
    whole = model.with_versions(*model.listed, *(set(known.listed) - had))
    labelled = dict(was.labels) if was else {}
    missing = {name: target for name, target in known.labels if name not in labelled and target in whole.listed}
    return whole.with_labels(missing | dict(model.labels))


def _candidates(memory: Memory, outstanding: Outstanding, name: str) -> Sequence[VersionMemory]:
    """Versions of a new name that moved since the reload was sent."""
    config = outstanding.config.model(name)
    listed = config.listed if config else ()
    versions = listing.of_model(memory.versions, name)
    return [each for each in versions if each.since >= outstanding.sent_at and (not listed or each.version in listed)]


def _decided(server: DesiredServer, memory: Memory, outstanding: Outstanding, name: str, at: float) -> bool:
    """Whether a version of the new name ended the server's wait for it.

    A suspect's AVAILABLE may be an earlier life's, whose END is then due within a fence; one that stands longer counts.
    """
    ends = (VersionState.AVAILABLE, VersionState.END)
    return any(
        each.state in ends and (not each.suspect or _stands(server, memory, each, at))
        for each in _candidates(memory, outstanding, name)
    )


def _stands(server: DesiredServer, memory: Memory, version: VersionMemory, at: float) -> bool:
    quiet_since = max(version.since, memory.busy_at)
    return version.state is VersionState.AVAILABLE and at >= quiet_since + fence.fence_of(server)


def _begun(memory: Memory, outstanding: Outstanding, name: str) -> bool:
    return any(each.state is not VersionState.ABSENT for each in _candidates(memory, outstanding, name))
