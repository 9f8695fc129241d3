"""Stages for end-to-end tests, and what happened on them when one fails."""

from collections.abc import Callable, Generator, Iterator
from pathlib import Path

import pytest
from e2e_servers import Pool
from e2e_stage import Stage
from sample_shelf import Shelf

STAGE = pytest.StashKey[Stage]()
SetStage = Callable[[int], Stage]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Add the logs to the report of a failed test."""
    report = yield
    stage = item.stash.get(STAGE, None)
    if stage is not None and report.failed and report.when == "call":
        report.sections.extend(stage.timeline())
    return report


@pytest.fixture(scope="session")
def pool(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pool]:
    """Model servers that tests share."""
    made = Pool(tmp_path_factory.mktemp("servers"))
    yield made
    made.close()


@pytest.fixture
def stage(request: pytest.FixtureRequest, tmp_path: Path, shelf: Shelf, pool: Pool) -> Iterator[Stage]:
    """A stage with one empty server; `@pytest.mark.parametrize("stage", [2], indirect=True)` for two."""
    made = Stage(tmp_path, shelf, pool, pool.lend(getattr(request, "param", 1)))
    request.node.stash[STAGE] = made
    yield made
    made.close()
