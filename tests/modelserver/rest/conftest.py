"""One REST front for all in-process tests that do not change it."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from rest_world import Rest, serving


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def rest(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Rest]:
    """Versions 1 and 2 of model ``m``; label ``stable`` is 1, ``gone`` is a version that is not there."""
    async with serving(tmp_path_factory.mktemp("models"), 1, 2, labels={"stable": 1, "gone": 9}) as front:
        yield front
