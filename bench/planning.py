"""Planning 1,000 servers with 20 models each, as the command does it: nothing differs, and everything differs."""

from collections.abc import Iterator, Mapping

from bench import fleets
from bench.measure import Row, at_most, seconds
from reconciler import plan
from reconciler.cli import collector
from reconciler.state.desired import Desired
from reconciler.state.observed import Observed


def rows() -> Iterator[Row]:
    """Two rows: observed is a fleet converged on version 1; git says 1, then 2."""
    before, after = fleets.desired(1), fleets.desired(2)
    rest = {old.id: plan.at_rest(old, 1.0, also=new) for old, new in zip(before.servers, after.servers, strict=True)}
    size = f"{fleets.SERVERS:,} servers × {fleets.MODELS} models"
    yield at_most(f"plan {size}, nothing differs", seconds(lambda: _planned(before, rest), 3), 0.5)
    yield at_most(f"plan {size}, everything differs", seconds(lambda: _planned(after, rest), 3), 3.0)


def _planned(desired: Desired, rest: Mapping[str, Observed]) -> None:
    with collector.paused():
        plan.plan(desired, rest)
