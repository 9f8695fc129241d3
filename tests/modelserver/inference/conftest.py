"""The models written by hand, on the server that the tests of the model server share."""

from collections.abc import Iterator

import handmade_models
import pytest
from running_server import AVAILABLE, END, RunningServer, model

MODELS = ("echo", "examples", "slow", "pair")


@pytest.fixture(scope="module")
def handmade(server: RunningServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    folder = tmp_path_factory.mktemp("handmade")
    made = [model(name, getattr(handmade_models, name)(folder / name), [1]) for name in MODELS]
    server.reload(*made)
    for name in MODELS:
        server.until_states(name, {1: AVAILABLE})
    yield server
    server.reload()
    for name in MODELS:
        server.until_states(name, {1: END})  # the next module adds them again, and that is no race
