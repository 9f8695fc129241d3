"""How the process starts, refuses to start, and ends."""

import socket
import subprocess
import sys
from pathlib import Path

import pytest
from running_server import RunningServer, floats, free_ports, running, spec, until
from sample_shelf import Shelf

pytestmark = pytest.mark.serving


def start(*flags: str) -> tuple[int, str]:
    """Exit code and output of a server that is expected to end by itself."""
    command = [sys.executable, "-m", "reconciler.modelserver", f"--port={free_ports(1)[0]}", *flags]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    return done.returncode, done.stdout + done.stderr


def config_file(folder: Path, text: str) -> str:
    path = folder / "models.config"
    path.write_text(text)
    return f"--model_config_file={path}"


def test_one_model_from_flags_serves_and_sigterm_ends_it(shelf: Shelf, tmp_path: Path) -> None:
    base = shelf.publish(tmp_path / "m", 1, 2)
    with running(f"--model_base_path={base}", "--model_name=half") as server:
        assert server.predict(spec("half"), x=floats(2.0)).model_spec.version.value == 2
    assert server.process.returncode == 0


def test_signal_ends_a_server_that_waits_for_a_model_that_never_comes(tmp_path: Path) -> None:
    server = RunningServer(f"--model_base_path={tmp_path / 'nowhere'}")
    until(lambda: "Could not find base path" in server.output(), "the first poll found nothing")
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", server.port))
    code, seconds = server.stop()
    assert code == 0
    assert seconds < 3


@pytest.mark.parametrize(
    ("text", "error"),
    [
        pytest.param("", "INVALID_ARGUMENT: {file}; Invalid argument", id="empty file"),
        pytest.param("model_config_list {", "INVALID_ARGUMENT: Invalid protobuf file: '{file}'", id="not a config"),
        pytest.param(
            'model_config_list { config { name: "m" base_path: "m" model_platform: "tensorflow" } }',
            "INVALID_ARGUMENT: Expected model m to have an absolute path or URI; got base_path()=m",
            id="relative path",
        ),
        pytest.param(
            'model_config_list { config { name: "m" base_path: "/m" model_platform: "tensorflow" '
            'version_labels { key: "stable" value: 1 } } }',
            "FAILED_PRECONDITION: Request to assign label to version 1 of model m, "
            "which is not currently available for inference",
            id="a label before anything is loaded",
        ),
    ],
)
def test_a_config_that_cannot_be_used_ends_the_start(tmp_path: Path, text: str, error: str) -> None:
    code, output = start(config_file(tmp_path, text))
    expected = error.replace("{file}", str(tmp_path / "models.config"))
    assert code == 1
    assert f"Failed to start server. Error: {expected}\n" in output


def test_a_corrupt_model_ends_the_start(tmp_path: Path) -> None:
    (tmp_path / "m" / "1").mkdir(parents=True)
    (tmp_path / "m" / "1" / "saved_model.pb").write_bytes(b"\xff" * 64)
    code, output = start(f"--model_base_path={tmp_path / 'm'}", "--max_num_load_retries=0")
    assert code == 1
    assert (
        "Failed to start server. Error: UNKNOWN: 1 servable(s) did not become available: {{{name: default version: 1} "
        f"due to error: DATA_LOSS: Can't parse {tmp_path}/m/1/saved_model.pb as binary proto}}, }}\n"
    ) in output


def test_a_taken_port_ends_the_start(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        flag = f"--port={taken.getsockname()[1]}"
        code, output = start(config_file(tmp_path, "model_config_list {}"), flag)
    assert code == 1
    assert "Failed to start server. Error: INVALID_ARGUMENT: Failed to BuildAndStart gRPC server\n" in output


def test_a_start_without_any_model_source_is_refused() -> None:
    code, output = start()
    assert code == 1
    assert "model_base_path and server_options.model_config_file are empty!" in output


def test_help_and_version_are_answered_and_end_well() -> None:
    code, output = start("--help")
    assert (code, "Accepted without effect:" in output) == (0, True)
    code, output = start("--version")
    assert (code, output.startswith("TensorFlow ModelServer: reconciler ")) == (0, True)


def test_a_value_that_cannot_be_read_ends_the_start_with_the_usage() -> None:
    code, output = start("--nonsense=1", "--port=many")
    assert code == 1
    assert "Couldn't interpret value many for flag port." in output
    assert output.startswith("usage: reconciler model-server\nFlags:\n")


def test_an_unknown_argument_is_printed_and_the_start_goes_on_without_it() -> None:
    code, output = start("--model_name", "half")
    assert code == 1
    assert output.startswith("unknown argument: --model_name\nusage: reconciler model-server\n")
    assert "model_base_path and server_options.model_config_file are empty!" in output
