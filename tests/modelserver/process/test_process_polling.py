"""A configuration file that is read again and again, good and bad; and a REST port that somebody else has."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from running_server import AVAILABLE, END, RunningServer, free_ports, until
from sample_shelf import Shelf

pytestmark = pytest.mark.serving


def entry(name: str, base: Path) -> str:
    return f'model_config_list {{ config {{ name: "{name}" base_path: "{base}" model_platform: "tensorflow" }} }}'


class Polled:
    """A server, its file, and where to find versions."""

    def __init__(self, folder: Path, base: Path, rest_port: int) -> None:
        self.file = folder / "models.config"
        self.base = base
        self.write(entry("first", base))
        self.server = RunningServer(
            f"--model_config_file={self.file}",
            "--model_config_file_poll_wait_seconds=1",
            ports=(free_ports(1)[0], rest_port),
        )

    def write(self, text: str) -> None:
        """Replace the file at once, as one should."""
        fresh = self.file.with_suffix(".new")
        fresh.write_text(text)
        fresh.replace(self.file)

    def until_said(self, line: str) -> None:
        until(lambda: line in self.server.output(), line)


@pytest.fixture(scope="module")
def polled(shelf: Shelf, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Polled]:
    folder = tmp_path_factory.mktemp("polled")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        polled = Polled(folder, shelf.publish(folder / "m", 1), taken.getsockname()[1])
        try:
            polled.server.wait_until_open()
            yield polled
        finally:
            polled.server.stop()


def test_a_taken_rest_port_is_an_error_in_the_log_and_the_grpc_api_serves(polled: Polled) -> None:
    polled.until_said(f"] Failed to start HTTP Server at localhost:{polled.server.rest_port}\n")
    assert polled.server.states("first") == {1: AVAILABLE}


def test_a_file_that_is_broken_or_gone_changes_nothing(polled: Polled) -> None:
    polled.write(entry("first", polled.base).removesuffix("}"))
    polled.until_said(f"Failed to read ModelServerConfig file: Invalid protobuf file: '{polled.file}'\n")
    polled.file.unlink()
    polled.until_said(f"Failed to read ModelServerConfig file: {polled.file}; No such file or directory\n")
    polled.write("# no list at all")
    polled.until_said(
        "PollFilesystemAndReloadConfig failed to ReloadConfig: Cannot transition to requested config. "
        "It is only legal to transition from one ModelConfigList to another.\n"
    )
    assert polled.server.states("first") == {1: AVAILABLE}


def test_a_good_file_replaces_the_models(polled: Polled) -> None:
    polled.write(entry("second", polled.base))
    polled.server.until_states("second", {1: AVAILABLE})
    polled.server.until_states("first", {1: END})


def test_a_reload_by_rpc_is_undone_by_the_next_look_at_the_file(polled: Polled) -> None:
    polled.write(entry("second", polled.base))
    polled.server.until_states("second", {1: AVAILABLE})
    polled.server.reload()
    polled.server.until_states("second", {1: END})
    polled.server.until_states("second", {1: AVAILABLE})
