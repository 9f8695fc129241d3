import io
from pathlib import Path

import pytest
from cli_past import two_commits_applied
from cli_world import World
from rich.console import Console

from reconciler.cli.demo import past
from reconciler.cli.demo.timeline import Timeline


@pytest.fixture
def world(tmp_path: Path) -> World:
    return two_commits_applied(World(tmp_path))


async def test_a_promotion_that_nothing_took_back_breaks_the_claim_of_the_demo(world: World) -> None:
    second, first = world.git("log", "--format=%H").split()
    printed = io.StringIO()
    timeline = Timeline(Console(file=printed, width=200))
    await past.look_back(world.state, "half", (first, second), timeline)
    assert f"{first[:10]}  half 1 is stable" in printed.getvalue()
    assert timeline.broken == ["history: the promotion was done, then rolled back by the revert"]
