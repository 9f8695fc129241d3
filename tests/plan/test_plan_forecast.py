"""The forecast and the server agree: every pass of random roads runs on the core, labels asked at every event."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import partial

from builders import COMMIT, at, failed, model, seen, server
from hypothesis import given, settings
from plan_on_core import Facts, Served
from plan_strategies import Change, changes

from reconciler.modelserver import core
from reconciler.plan import at_rest, checks, forecast, plan_server
from reconciler.state.check import CheckResult
from reconciler.state.desired import DesiredServer
from reconciler.state.look import LabelKind
from reconciler.state.observed import Observed
from reconciler.state.plan import Pass

LONGEST = 80


@dataclass
class Drive:
    """One road on one core: where forecast and server differ, and every label that failed, with when."""

    served: Served
    after: DesiredServer
    differences: list[tuple[str, Facts, Facts]] = field(default_factory=list)
    refused: list[core.Status | None] = field(default_factory=list)
    failed: list[tuple[float, str, str, int | None]] = field(default_factory=list)
    converged: bool = False

    def run(self, protected: set[tuple[str, str, int, int]]) -> None:
        """Carry out pass after pass, and compare each time."""
        observed = self.served.observed(self.after)
        stated: set[tuple[str, str]] = set()
        for body in self._passes(observed):
            stated |= {(gap.model, gap.label) for gap in body.gaps} if body is not None else set()
            asked = {each for each in protected if each[:2] not in stated}
            observed = self.served.observed(self.after)
            if body is not None:
                status = self.served.reload(body.config, partial(self._probe, asked))
                self.refused += [] if status == core.OK else [status]
            self.served.rest(partial(self._probe, asked))
            self._compare(forecast.settle(self.after, observed, body))

    def _passes(self, observed: Observed) -> Iterator[Pass | None]:
        """The passes of the road, None for a wait; each made from what the core shows. Every check passes."""
        waited = False
        passed: tuple[CheckResult, ...] = ()
        for _ in range(LONGEST):
            now = plan_server(COMMIT, self.after, replace(self.served.observed(self.after), checks=passed))
            self.converged = now.converged
            idle = now.next_pass is None and not now.checks
            if idle and (waited or not any(hold.progressing for hold in now.holds)):
                return
            waited = idle
            passed = checks.assumed(replace(observed, checks=passed), now.checks).checks
            yield now.next_pass
        raise AssertionError("no end of the road")

    def _probe(self, asked: set[tuple[str, str, int, int]]) -> None:
        for name, label, old, new in asked:
            answer = self.served.answer(name, label)
            if answer not in (old, new):
                self.failed.append((self.served.life.now, name, label, answer))

    def _compare(self, expected: Observed) -> None:
        for believed in expected.models:
            defined = [each for each in believed.labels if each[1].kind is not LabelKind.UNDEFINED]
            labels = tuple((label, reading.version) for label, reading in defined)
            told = Facts(believed.proven, labels, expected.sent.model(believed.name))
            found = self.served.facts(believed.name)
            if told != found:
                self.differences.append((believed.name, told, found))


def driven(change: Change) -> Drive:
    """A server at rest on `before`, taken to `after`."""
    served = Served(change.before, change.start.paths)
    served.bring_up(at_rest(change.before).sent)
    drive = Drive(served, change.after)
    drive.run(set(kept_labels(change)))
    return drive


def kept_labels(change: Change) -> Iterator[tuple[str, str, int, int]]:
    """(model, label, old target, new target) of every label that exists before and after."""
    for before in change.before.models:
        after = change.after.model(before.name)
        for label, old in before.labels:
            if after is not None and label in dict(after.labels):
                yield before.name, label, old, dict(after.labels)[label]


@given(changes())
@settings(max_examples=60)
def test_every_pass_of_a_road_does_on_the_server_what_was_forecast(change: Change) -> None:
    drive = driven(change)

    assert (drive.refused, drive.differences, drive.converged) == ([], [], True)


@given(changes())
@settings(max_examples=60)
def test_no_request_by_a_label_that_stays_fails_or_strays_on_the_road_except_in_stated_gaps(change: Change) -> None:
    drive = driven(change)

    assert drive.failed == []


def test_a_version_that_failed_and_is_still_listed_is_not_forecast_to_load() -> None:
    """Rule E13: the server tries it again only after a list without it."""
    wanted = server(model("half", (1, 2), stable=1))

    believed = forecast.settle(wanted, seen(at(wanted), "half", failed(2)), None)

    assert believed.model("half").proven == (1,)
