"""Which commits take others back: by what the documents say, and only then by what messages claim.

Pure; used by `record/deployments.py`. A commit whose document is that of an older commit again takes back everything in
between, whatever its message says. Trailers (`Rollback-Of`) and the sentence that `git revert` writes can be forged by
anybody who may commit: they count only where the commit undoes something of what it names.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from reconciler.state.desired import DesiredModel
from reconciler.state.history import Asked, Return, Spec, Step
from reconciler.state.versions import Specific

_SHORTEST = 7
"""Digits that a commit must at least be named with."""


@dataclass(frozen=True, slots=True)
class Change:
    """One commit's change of one model."""

    step: Step
    asked: Asked

    @property
    def key(self) -> str:
        """What the model's document says afterwards; "" where it is gone."""
        return self.asked.after.key if self.asked.after is not None else ""


@dataclass(frozen=True, slots=True)
class Back:
    """To which older commit a change goes back ("" for none), and which ones it takes back, as indices."""

    to: str = ""
    takes: tuple[tuple[int, bool], ...] = ()


def returns(changes: Sequence[Change]) -> list[tuple[str, tuple[Return, ...]]]:
    """For each change of one model: the commit it goes back to, and those that take it back, oldest first.

    Args:
        changes: newest first, as the answers are.
    """
    backs = [_back(changes, index) for index in range(len(changes))]
    taken: list[list[Return]] = [[] for _ in changes]
    for index in reversed(range(len(changes))):
        for other, proven in backs[index].takes:
            taken[other].append(Return(changes[index].step.commit.id, proven))
    return [(back.to, tuple(each)) for back, each in zip(backs, taken, strict=True)]


def _back(changes: Sequence[Change], index: int) -> Back:
    mine = changes[index]
    older = [number for number in range(index + 2, len(changes)) if changes[number].key == mine.key and mine.key]
    if older:
        return Back(changes[older[0]].step.commit.id, tuple((number, True) for number in range(index + 1, older[0])))
    named = set(_named(mine.step))
    claimed = [
        number
        for number in range(index + 1, len(changes))
        if any(changes[number].step.commit.id.startswith(each) for each in named)
    ]
    return Back("", tuple((number, _undoes(mine.asked, changes[number].asked)) for number in claimed))


def _named(step: Step) -> Iterator[str]:
    """The commits that a message claims to take back."""
    yield from step.reverts
    for key, value in step.commit.trailers:
        if key.lower() == "rollback-of":
            yield from (part.lower() for part in value.replace(",", " ").split() if len(part) >= _SHORTEST)


def _undoes(mine: Asked, other: Asked) -> bool:
    """Whether a change sets back anything that another one set."""
    if other.before is None or other.after is None:
        return (other.before is None) == (mine.after is None)
    was, became = _facts(other.before), _facts(other.after)
    before, after = _facts(mine.before), _facts(mine.after)
    return bool(((became - was) & (before - after)) | ((was - became) & (after - before)))


def _facts(spec: Spec | None) -> set[tuple[str, object]]:
    """What a spec says, in pieces that can be compared one by one."""
    model: DesiredModel | None = spec.model if spec is not None else None
    if model is None or spec is None:
        return set()
    versions = model.policy.versions if isinstance(model.policy, Specific) else (model.policy,)
    return {
        *(("label", each) for each in model.labels),
        *(("version", each) for each in versions),
        *(("server", each) for each in spec.servers),
        ("base path", model.base_path),
        ("settings", repr((model.transition, model.retry, model.suspend, model.preflight, model.checks, model.prune))),
    }
