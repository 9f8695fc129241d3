"""A label goes to a new version that lies complete in storage.

Never: a version that is not higher than every one that a label is on, or was on before (one that was taken off its
label would undo a revert, and an older one in its place would be news to nobody), one whose loads or checks failed
anywhere, one that is blocked. A directory that somebody is still writing into is not there
yet. Every server must see the version, because each will have to load it.
"""

import re
from collections.abc import Iterable, Mapping

from reconciler.propose.facts import Chapter, Facts
from reconciler.propose.proposal import Bot, Edit, Proposal, Waiting, branch_for
from reconciler.propose.rules import not_now, once, restless, without_history
from reconciler.state.automation import Discover
from reconciler.state.look import PathFacts, Presence
from reconciler.state.versions import Specific

_BOT = Bot.VERSION
_SHOWN = 5


def discovery(facts: Facts) -> Proposal | Waiting | None:
    """The commit that takes up a new version, why there is none, or None where nobody asks for any."""
    asked = facts.model.automation.discover
    policy = facts.model.policy
    if asked is None or not isinstance(policy, Specific):
        return None
    waiting = not_now(facts, _BOT) or _unseen(facts)
    return waiting if waiting is not None else _found(facts, asked)


def _found(facts: Facts, asked: Discover) -> Proposal | Waiting:
    floor = max(dict(facts.model.labels).values(), default=0)
    new = [version for version in _stored(each.stored for each in facts.stands) if version > floor]
    had = _had(facts)
    refused = {version: why for version in new if (why := _refused(facts, asked, version, had))}
    left = [version for version in new if version not in refused]
    if not left:
        return Waiting(_BOT, facts.model.document, "NothingNew", _nothing(floor, refused))
    waiting = restless(facts, _BOT) or without_history(facts, _BOT)
    return waiting or once(facts, _proposal(facts, asked, max(left)))


def _unseen(facts: Facts) -> Waiting | None:
    for each in facts.stands:
        if each.stored.presence is not Presence.SEEN:
            words = f"storage is not seen for {each.server} ({each.stored.detail or each.stored.presence.value})"
            return Waiting(_BOT, facts.model.document, "StorageUnseen", words, stuck=True)
    return None


def _stored(paths: Iterable[PathFacts]) -> list[int]:
    """The versions that are complete, and at rest, for every server; ascending."""
    seen = [{each.version for each in path.versions if each.complete and not each.growing} for path in paths]
    return sorted(set.intersection(*seen)) if seen else []


def _had(facts: Facts) -> dict[int, Chapter]:
    """Every version that a label was ever on, with the last chapter in which one was."""
    found: dict[int, Chapter] = {}
    for each in facts.chapters:
        for _, version in each.spec.labels if each.spec is not None else ():
            found.setdefault(version, each)
    return found


def _refused(facts: Facts, asked: Discover, version: int, had: Mapping[int, Chapter]) -> str:
    if not matches(asked.pattern, version):
        return f"does not match {asked.pattern}"
    if version in facts.model.automation.blocked:
        return "is in blockedVersions"
    bad = next((each.server for each in facts.stands if version in each.bad), None)
    if bad is not None:
        return f"failed to load or failed a check on {bad}"
    if version in had:
        return f"was taken off its label after commit {had[version].last.short}"
    newest = max(had, default=0)
    if version < newest:
        return f"is older than {newest}, which was taken off its label after commit {had[newest].last.short}"
    return ""


def matches(pattern: str, version: int) -> bool:
    """Whether the digits of a version look like a pattern in which `*` is any digits and `?` is one."""
    form = pattern.replace("*", "[0-9]*").replace("?", "[0-9]")
    return re.fullmatch(form, str(version)) is not None


def _nothing(floor: int, refused: dict[int, str]) -> str:
    if not refused:
        return f"storage holds no version above {floor} that is complete and at rest"
    told = [f"{version} {why}" for version, why in sorted(refused.items(), reverse=True)]
    more = f"; and {len(told) - _SHOWN} more" if len(told) > _SHOWN else ""
    return f"of the versions above {floor} none may be taken up: {'; '.join(told[:_SHOWN])}{more}"


def _proposal(facts: Facts, asked: Discover, version: int) -> Proposal:
    listed = facts.model.policy.versions if isinstance(facts.model.policy, Specific) else ()
    labels = {**dict(facts.model.labels), asked.label: version}
    bare = [each for each in sorted(listed, reverse=True) if each not in labels.values()]
    versions = tuple(sorted({*labels.values(), *bare[: asked.keep]}))
    before = dict(facts.model.labels).get(asked.label)
    since = f", which was on {before}" if before is not None else ""
    return Proposal(
        _BOT,
        facts.model.document,
        str(version),
        asked.via,
        facts.chapters[0].first,
        reason=f"version {version} lies complete in {facts.model.base_path}; it goes to {asked.label}{since}",
        edit=Edit(((asked.label, version),), versions),
        branch=branch_for(_BOT, facts.model.document, str(version), asked.via),
    )
