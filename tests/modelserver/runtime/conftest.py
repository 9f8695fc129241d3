"""The models of ``runtime_exports``, exported once for all tests of the runtime."""

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def exports(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one version directory per kind of model; ``1`` is half-plus."""
    import runtime_shelf

    return runtime_shelf.export_into(tmp_path_factory.mktemp("runtime"))
