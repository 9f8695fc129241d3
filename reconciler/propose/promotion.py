"""One label follows another: by hand (`reconciler promote`), or by itself once the first has stood well for a while.

What "well" means is what `status` says: the model is Ready on every server without a break since the time counted from.
Restarting the reconciler does not begin that time anew; a server that cannot be reached does.
"""

from reconciler.propose.facts import Facts, Stands
from reconciler.propose.proposal import Bot, Edit, Proposal, Waiting, branch_for
from reconciler.propose.rules import not_now, once, restless, without_history
from reconciler.state.automation import Promotion
from reconciler.state.desired import DesiredModel
from reconciler.state.versions import Specific

_BOT = Bot.PROMOTION


def moved(model: DesiredModel, from_: str, to: str, *, drop_old: bool) -> Edit | str:
    """The edit by which label `to` goes to the version of label `from_`; or, in words, why there is none."""
    labels = dict(model.labels)
    if not isinstance(model.policy, Specific):
        return f"the server chooses the versions of {model.document}, so it has no labels to promote"
    if from_ not in labels:
        known = ", ".join(labels) or "none"
        return f"{model.document} has no label {from_}; its labels: {known}"
    version, before = labels[from_], labels.get(to)
    after = {**labels, to: version}
    keep = set(after.values()) if drop_old else {*model.policy.versions}
    versions = tuple(each for each in model.policy.versions if each in keep)
    if before == version and versions == model.policy.versions:
        return f"{to} is on version {version} already, as {from_} is"
    return Edit(((to, version),) if before != version else (), versions)


def promotion(facts: Facts) -> Proposal | Waiting | None:
    """The commit that promotes now, why there is none, or None where nobody asks for promotions."""
    asked = facts.model.automation.promotion
    if asked is None:
        return None
    edit = moved(facts.model, asked.from_, asked.to, drop_old=asked.drop_old)
    if isinstance(edit, str):
        return Waiting(_BOT, facts.model.document, "NothingToPromote", edit)
    return _lowered(facts, asked) or not_now(facts, _BOT) or _due(facts, asked, edit)


def _lowered(facts: Facts, asked: Promotion) -> Waiting | None:
    labels = dict(facts.model.labels)
    version, before = labels[asked.from_], labels.get(asked.to, 0)
    if version >= before:
        return None
    words = f"{asked.from_} is on version {version}, and {asked.to} on {before}: a promotion never lowers a version"
    return Waiting(_BOT, facts.model.document, "WouldLower", words, stuck=True)


def _had_before(facts: Facts, asked: Promotion, version: int) -> Waiting | None:
    if dict(facts.model.labels).get(asked.to) == version:
        return None
    earlier = (each for each in facts.chapters[1:] if each.spec and dict(each.spec.labels).get(asked.to) == version)
    left = next(earlier, None)
    if left is None:
        return None
    words = (
        f"{asked.to} was on version {version} until commit {left.last.short}, and was taken off it: a person decides "
        "whether it goes there again (`reconciler promote`)"
    )
    return Waiting(_BOT, facts.model.document, "HadBefore", words, stuck=True)


def _due(facts: Facts, asked: Promotion, edit: Edit) -> Proposal | Waiting:
    document, version = facts.model.document, dict(facts.model.labels)[asked.from_]
    waiting = restless(facts, _BOT)
    if waiting is not None:
        return waiting
    bad = next((each.server for each in facts.stands if version in each.bad), None)
    if bad is not None:
        words = f"version {version} failed to load or failed a check on {bad}"
        return Waiting(_BOT, document, "VersionFailed", words, stuck=True)
    last = max(facts.stands, key=_since)
    until = _since(last) + asked.bake
    if facts.now < until:
        words = (
            f"version {version} has to stand well for {asked.bake:g} s on every server; last to begin: {last.server}"
        )
        return Waiting(_BOT, document, "Baking", words, until)
    waiting = without_history(facts, _BOT) or _had_before(facts, asked, version)
    return waiting or once(facts, _proposal(facts, asked, edit, version))


def _since(each: Stands) -> float:
    return each.since if each.since is not None else 0.0


def _proposal(facts: Facts, asked: Promotion, edit: Edit, version: int) -> Proposal:
    chapter = facts.chapters[0]
    count = len(facts.stands)
    on = f"all {count} servers" if count > 1 else facts.stands[0].server
    key = f"{asked.to}-{version}"
    return Proposal(
        _BOT,
        facts.model.document,
        key,
        asked.via,
        chapter.first,
        reason=f"{asked.from_} has stood well on version {version} on {on} for {asked.bake:g} s",
        edit=edit,
        branch=branch_for(_BOT, facts.model.document, key, asked.via),
    )
