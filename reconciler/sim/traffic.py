"""Constant traffic by label, and who loses a request: the measure of *availability*.

Used by `World`. Instead of sampling, every label is asked again after every moment in which its server changed, which
no client could do more closely. A label that git has, and that was once answered as git wants it, must from then on be
answered by its target, or, after a commit that moves it, by the old or the new one, until the new one has answered.
Models under `resource` have gaps on purpose; they are measured, not counted as lost.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from reconciler.modelserver.core import Status
from reconciler.sim.server import SimServer
from reconciler.state.desired import Desired, TransitionPolicy

Key = tuple[str, str, str]
"""Server name, model, label."""


@dataclass
class Expectation:
    """What a label may answer.

    proven: it has answered rightly since it, or its server, came to be. excused: somebody else may break it once.
    """

    target: int
    allowed: set[int] = field(default_factory=set)
    proven: bool = False
    excused: bool = False
    gaps_announced: bool = False
    gap_since: float | None = None


class Traffic:
    """Who asks, and what was lost. `lost` are sentences; `gaps` are (label, seconds) under `resource`."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._expected: dict[Key, Expectation] = {}
        self._by_server: dict[str, list[Key]] = {}
        self.lost: list[str] = []
        self.gaps: list[tuple[Key, float]] = []
        self.asked = 0

    def follow(self, desired: Desired) -> None:
        """Take up what a commit says of labels; a label that it does not have is asked for no more."""
        wanted: dict[Key, Expectation] = {}
        for server in desired.servers:
            for model in server.models:
                for label, target in model.labels:
                    known = self._expected.get((server.name, model.name, label)) or Expectation(target)
                    known.target = target
                    known.allowed.add(target)
                    known.gaps_announced = model.transition.policy is not TransitionPolicy.AVAILABILITY
                    known.gaps_announced |= model.transition.allow_downtime
                    known.gaps_announced |= known.gap_since is not None  # one that is open lasts as long as it must
                    wanted[server.name, model.name, label] = known
        self._expected = wanted
        self._by_server = {}
        for key in wanted:
            self._by_server.setdefault(key[0], []).append(key)

    def excuse(self, server: str, model: str = "") -> None:
        """Somebody else breaks a server, or one model on it: its labels may break once, until they are whole again."""
        for key in self._by_server.get(server, ()):
            if model in ("", key[1]):
                self._expected[key].excused = True

    def ask(self, server: SimServer) -> None:
        """Ask by every label of a server."""
        for key in self._by_server.get(server.name, ()):
            if server.up:
                self._judge(key, self._expected[key], server.resolve(key[1], label=key[2]))
            else:
                self._expected[key].proven = False

    def _judge(self, key: Key, expected: Expectation, answer: int | Status) -> None:
        self.asked += 1
        if answer in expected.allowed:
            expected.excused = expected.excused and expected.proven
            expected.proven = True
            if answer == expected.target:
                expected.allowed = {expected.target}
            if expected.gap_since is not None:
                self.gaps.append((key, self._now() - expected.gap_since))
                expected.gap_since = None
        elif expected.excused:
            expected.proven = False
        elif expected.proven and expected.gaps_announced:
            expected.gap_since = self._now() if expected.gap_since is None else expected.gap_since
        elif expected.proven:
            server, model, label = key
            self.lost.append(
                f"{self._now():.3f} {server} {model}:{label} answered {answer}, may be {sorted(expected.allowed)}"
            )
