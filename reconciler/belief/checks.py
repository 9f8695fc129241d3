"""Checks that were run: what is remembered of them, and where labels were when all was well.

A result is kept with the files it was got from, so that neither a restart of the server nor one of the reconciler asks
again. Called by the lane through `belief`, and by `reloads` and `learning`. Deliberately not here: what follows from a
result (plan/checks.py).
"""

from collections.abc import Iterable
from dataclasses import replace
from typing import TypeVar

from reconciler.state.check import CheckResult, CheckVerdict
from reconciler.state.memory import GoodSpec, Memory, Served

T = TypeVar("T")

KEPT_CHECKS = 64
"""Results of one model; the oldest go first."""

KEPT_SERVED = 24
"""Places where labels of one model were; the oldest go first."""


def checked(memory: Memory, results: Iterable[CheckResult]) -> Memory:
    """The memory with these results, the latest last: a newer one to the same question replaces an older one."""
    known = memory.checks
    for result in results:
        before = [each for each in known if each.due == result.due]
        tries = before[-1].tries + 1 if before and _again(before[-1], result) else 1
        known = (*(each for each in known if each.due != result.due), replace(result, tries=tries))
    return memory if known == memory.checks else replace(memory, checks=known)


def _again(before: CheckResult, now: CheckResult) -> bool:
    return before.verdict is now.verdict is CheckVerdict.UNANSWERED


def served(memory: Memory, goods: Iterable[GoodSpec]) -> tuple[Served, ...]:
    """Where labels were in specs that were wholly reached, with these; the latest last."""
    facts = {each.base_path: each for each in memory.paths}
    loaded = {(each.model, each.version): each.fingerprint for each in memory.versions}
    known = memory.served
    for good in goods:
        path = facts.get(good.config.base_path)
        for label, version in good.config.labels:
            files = path.files(version) if path is not None else None
            stored = files.fingerprint if files is not None else ""
            place = Served(good.config.name, label, version, loaded.get((good.config.name, version)) or stored)
            if place not in known:
                known = (*known, place)
    return known


def kept(memory: Memory, names: set[str]) -> Memory:
    """The memory without results and places of models that nothing names, and without old ones beyond a bound."""
    checks = [each for each in memory.checks if each.due.model in names]
    places = [each for each in memory.served if each.model in names]
    checks = _newest(checks, [each.due.model for each in checks], KEPT_CHECKS)
    places = _newest(places, [each.model for each in places], KEPT_SERVED)
    if len(checks) == len(memory.checks) and len(places) == len(memory.served):
        return memory
    return replace(memory, checks=tuple(checks), served=tuple(places))


def _newest(values: list[T], models: list[str], most: int) -> list[T]:
    left = {model: models.count(model) for model in set(models)}
    found = []
    for value, model in zip(values, models, strict=True):
        if left[model] <= most:
            found.append(value)
        left[model] -= 1
    return found
