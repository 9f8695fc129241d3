"""Pairs of passes: one that an invariant must reject, and the right one next to it.

`breaks(rule)` makes a test of a function that returns such a pair, and keeps the naive one in `NAIVE`, by which
tests/test_invariants.py sees that no rule is without its example.
"""

import functools
from collections.abc import Callable
from dataclasses import dataclass, replace

from builders import (
    FLEET,
    model,
    resource,
    server,
)

from reconciler.invariants import check_pass
from reconciler.state.config import ServerConfig
from reconciler.state.desired import DesiredServer
from reconciler.state.memory import Doubt, DoubtReason
from reconciler.state.observed import Observed
from reconciler.state.plan import Action, ActionKind, Gap, Pass, PassKind

PRUNING = replace(FLEET, prune=True)
BLIND = replace(FLEET, allow_unseen_storage=True)
GAP = Gap("half", "stable", 2.6, load_known=False, because="policy resource")
WEDGE = (Doubt("half", 3, "listed and absent", 990.0, 2, kind=DoubtReason.ABSENT),)


@dataclass(frozen=True, slots=True)
class Situation:
    """A pass and what it was made from."""

    server: DesiredServer
    observed: Observed
    body: Pass
    prunes_all: bool = False

    def broken(self) -> set[int]:
        """The numbers of the rules it breaks."""
        found = check_pass(self.server, self.observed, self.body, prunes_all=self.prunes_all)
        return {violation.rule for violation in found}


Pair = tuple[Situation, Situation]
NAIVE: list[Situation] = []


def breaks(*rules: int) -> Callable[[Callable[[], Pair]], Callable[[], None]]:
    """The first of a test's pair breaks exactly these rules, the second none."""

    def judged(pair: Callable[[], Pair]) -> Callable[[], None]:
        naive, right = pair()
        NAIVE.append(naive)

        @functools.wraps(pair)
        def test() -> None:
            assert (naive.broken(), right.broken()) == (set(rules), set())

        del test.__wrapped__  # pytest would look for arguments there
        return test

    return judged


def reload(whole: ServerConfig, *actions: Action, kind: PassKind = PassKind.CHANGE, gaps: tuple[Gap, ...] = ()) -> Pass:
    return Pass(1, kind, actions, whole, gaps)


def act(kind: ActionKind, name: str, version: int | None = None) -> Action:
    return Action(kind, name, version)


LOAD, UNLOAD, ADD, REMOVE = ActionKind.LOAD, ActionKind.UNLOAD, ActionKind.ADD_MODEL, ActionKind.REMOVE_MODEL

ONE = server(model("half", (1,), stable=1))
BOTH = server(model("half", (1, 2), stable=1))
TWO = server(model("half", (2,), stable=2))


def exchange(*versions: int, **labels: int) -> DesiredServer:
    return server(resource(model("half", versions, base_path="", **labels)))
