"""A long-lived server for the tests of the model server."""

from collections.abc import Iterator

import pytest
from running_server import RunningServer, running


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """One server that starts without models; each test brings its own model names."""
    config = tmp_path_factory.mktemp("config") / "models.config"
    config.write_text("model_config_list {}")
    with running(
        f"--model_config_file={config}", "--max_num_load_retries=0", "--num_load_threads=2", "--num_unload_threads=1"
    ) as started:
        yield started
