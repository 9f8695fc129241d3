"""How the checks of a model stand for a version on one server: passed, failed, to be run, or to be waited for.

Called by `plan/fallback.py` (a failed check makes a spec fail) and `plan/proving.py` (a label moves only to a version
on which every check has passed). What was asked once is remembered by the files that were loaded, so nothing here asks
twice. A label that was on the version before, in a spec that this server had reached, needs no check: going back and
healing must not wait. Deliberately not here: asking (execute/check.py).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from reconciler.plan.wording import counted
from reconciler.state.check import Check, CheckDue, CheckKind, CheckResult, CheckVerdict
from reconciler.state.config import ServerConfig
from reconciler.state.desired import DesiredModel, DesiredServer
from reconciler.state.observed import Observed
from reconciler.state.plan import Action, ActionKind, Fact, FactKind, Hold, HoldReason, Pass, PassKind


@dataclass(frozen=True, slots=True)
class Standing:
    """One check of one version. result: how it ended last. waits_for: the version to compare with is not there yet."""

    check: Check
    due: CheckDue
    result: CheckResult | None = None
    waits_for: int | None = None

    @property
    def passed(self) -> bool:
        """Whether nothing is left to be asked."""
        return self.result is not None and self.result.verdict is CheckVerdict.PASSED

    @property
    def failed(self) -> bool:
        """Whether the version gave another answer than it must."""
        return self.result is not None and self.result.verdict is CheckVerdict.FAILED


def standings(
    name: str, base_path: str, checks: Iterable[Check], observed: Observed, version: int
) -> tuple[Standing, ...]:
    """Every check that means something for that version, in git's order.

    A comparison means nothing for the version that is compared with, nor where no other answers.
    """
    found = []
    for check in checks:
        due = CheckDue(name, version, check.name, check.digest, observed.fingerprint(name, base_path, version))
        if check.kind is CheckKind.COMPARE:
            compared = _compared(check, due, base_path, observed)
            found += [compared] if compared is not None else []
        else:
            found.append(Standing(check, due, observed.check_result(due)))
    return tuple(found)


def _compared(check: Check, due: CheckDue, base_path: str, observed: Observed) -> Standing | None:
    other = observed.baseline(due.model, check.against)
    if other is None or other == due.version:
        return None
    due = replace(due, against=other, against_fingerprint=observed.fingerprint(due.model, base_path, other))
    result = observed.check_result(due)
    if result is not None and result.verdict is not CheckVerdict.UNANSWERED:
        return Standing(check, due, result)
    if observed.model(due.model).version(other).proven:
        return Standing(check, due, result)
    config = observed.sent.model(due.model)
    return Standing(check, due, result, waits_for=other) if config is not None and other in config.listed else None


def exempt(model: DesiredModel, observed: Observed, label: str, version: int) -> bool:
    """Whether that label may go to that version unasked: it was there when all was well."""
    return observed.was_on(model.name, label, version, observed.fingerprint(model.name, model.base_path, version))


def failed(wanted: DesiredModel, observed: Observed) -> tuple[CheckResult, ...]:
    """The failed checks of versions that git's labels shall go to, in git's order; none for labels that are there."""
    if not wanted.checks or not observed.checks:
        return ()
    going = {version for label, version in wanted.labels if not _is_there(wanted, observed, label, version)}
    return tuple(
        each.result
        for version in sorted(going)
        for each in standings(wanted.name, wanted.base_path, wanted.checks, observed, version)
        if each.failed and each.result is not None
    )


def _is_there(wanted: DesiredModel, observed: Observed, label: str, version: int) -> bool:
    config = observed.sent.model(wanted.name)
    sent = config is not None and config.label(label) == version
    reads = observed.model(wanted.name).reading(label).resolves_to(version)
    return (sent and reads) or exempt(wanted, observed, label, version)


Spec = tuple[tuple[int, ...], tuple[tuple[str, int], ...]]
"""Versions and labels."""


def without(name: str, asked: Spec, bad: Iterable[CheckResult], observed: Observed) -> Spec:
    """A spec without its labels on versions that failed; such a label stays where it is, if it is anywhere.

    Those versions go, too, as long as another one is left: unlabelled requests would follow the highest (rule E38).
    """
    versions, wanted = asked
    failing, config = {result.due.version for result in bad}, observed.sent.model(name)
    before = dict(config.labels) if config is not None else {}
    kept = {label: before.get(label, 0) if at in failing else at for label, at in wanted}
    seen = observed.model(name)
    labels = {
        label: at for label, at in kept.items() if at not in failing and (at in versions or seen.version(at).proven)
    }
    left = tuple(sorted({*versions, *labels.values()} - failing))
    return left or versions, tuple(sorted(labels.items()))


def failure(wanted: DesiredModel, bad: Sequence[CheckResult], *, restored: bool) -> Hold:
    """What is said of a spec that a check has failed, with the evidence."""
    first = bad[0]
    more = f" (and {counted(len(bad) - 1, 'other')})" if len(bad) > 1 else ""
    back = "the last good spec of this model stays in force" if restored else "no label goes to it"
    return Hold(
        HoldReason.CHECK_FAILED,
        wanted.name,
        f"check {first.due.check} failed on version {first.due.version}: {first.evidence}{more}; {back}",
        "a commit that changes this model's spec: another version, or a check that expects what this one answers; or "
        "`reconciler retry`, where the check was wrong about it",
        version=first.due.version,
    )


def action(due: CheckDue, because: str = "") -> Action:
    """A check as an action of a plan."""
    needs = (Fact(FactKind.AVAILABLE, due.model, due.version),)
    leads_to = (Fact(FactKind.CHECKED, due.model, due.version, check=due.check),)
    return Action(
        ActionKind.CHECK, due.model, due.version, because=because, needs=needs, leads_to=leads_to, check=due.check
    )


def as_pass(server: DesiredServer, due: Iterable[CheckDue], config: ServerConfig, number: int = 1) -> Pass:
    """Checks as a pass that sends nothing; `config` is the one in force while they run."""
    return Pass(number, PassKind.CHECK, tuple(action(each, _because(server, each)) for each in due), config)


def _because(server: DesiredServer, due: CheckDue) -> str:
    model = server.model(due.model)
    labels = [label for label, version in model.labels if version == due.version] if model is not None else []
    if due.against:
        return f"compared with version {due.against}, before {_labels(labels)}"
    return f"before {_labels(labels)}" if labels else "before any label goes to it"


def _labels(labels: Sequence[str]) -> str:
    return f"{labels[0]} goes to it" if len(labels) == 1 else f"{' and '.join(labels)} go to it"


def assumed(observed: Observed, due: Iterable[CheckDue]) -> Observed:
    """The observation in which these checks have passed: what the forecast takes for granted."""
    done = tuple(CheckResult(each, CheckVerdict.PASSED, observed.at) for each in due)
    return replace(observed, checks=(*observed.checks, *done)) if done else observed
