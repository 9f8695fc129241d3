"""What a start reads before anything loads: the model configuration, sessions, batching, TLS, monitoring."""

import logging
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from reconciler.modelserver import configs, startup
from reconciler.modelserver.core import Code, ModelConfig, ServerConfig, Specific, Status
from reconciler.modelserver.flags import ServerFlags
from reconciler.modelserver.statuses import StatusError
from reconciler.wire.stubs import config_pb2

_BASE = "/models/m"


def written(folder: Path, text: str | bytes, name: str = "file") -> str:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return str(path)


def refused(call: Callable[[], Any]) -> Status:
    with pytest.raises(StatusError) as caught:
        call()
    return caught.value.status


def prepared(**flags: Any) -> startup.Plan:
    return startup.prepare(ServerFlags(**{"model_base_path": _BASE} | flags))


# -- the model configuration ------------------------------------------------------------------------------------------


def test_a_config_file_is_read_with_its_policies_and_labels(tmp_path: Path) -> None:
    file = written(
        tmp_path,
        'model_config_list { config { name: "m" base_path: "/m" model_platform: "tensorflow" '
        'model_version_policy { specific { versions: [3, 4] } } version_labels { key: "s" value: 3 } } }',
    )
    expected = ModelConfig("m", "/m", policy=Specific((3, 4)), labels=(("s", 3),))
    assert configs.read_file(file) == ServerConfig((expected,))


def test_a_file_of_blanks_configures_nothing_and_an_empty_list_no_models(tmp_path: Path) -> None:
    assert configs.read_file(written(tmp_path, "\n")) == ServerConfig(None)
    assert configs.read_file(written(tmp_path, "model_config_list {}")) == ServerConfig(())


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        pytest.param(
            lambda path: None, Status(Code.NOT_FOUND, "{path}; No such file or directory"), id="a file that is missing"
        ),
        pytest.param(
            lambda path: path.touch(), Status(Code.INVALID_ARGUMENT, "{path}; Invalid argument"), id="no bytes at all"
        ),
        pytest.param(lambda path: path.mkdir(), Status(Code.NOT_FOUND, "{path}; No such device"), id="a directory"),
        pytest.param(
            lambda path: path.symlink_to(path),
            Status(Code.UNKNOWN, "{path}; Too many levels of symbolic links"),
            id="a link to itself",
        ),
        pytest.param(
            lambda path: path.write_bytes(b"\0" * 9),
            Status(Code.INVALID_ARGUMENT, "Invalid protobuf file: '{path}'"),
            id="NUL bytes",
        ),
        pytest.param(
            lambda path: path.write_bytes("model_config_list {}".encode("utf-16")),
            Status(Code.INVALID_ARGUMENT, "Invalid protobuf file: '{path}'"),
            id="another encoding",
        ),
        pytest.param(
            lambda path: path.write_text("model_config_list {"),
            Status(Code.INVALID_ARGUMENT, "Invalid protobuf file: '{path}'"),
            id="a text that breaks off",
        ),
    ],
)
def test_a_config_file_that_cannot_be_read_is_refused(
    tmp_path: Path, make: Callable[[Path], Any], expected: Status
) -> None:
    path = tmp_path / "models.config"
    make(path)
    status = configs.read_again(str(path))
    assert status == Status(expected.code, expected.message.replace("{path}", str(path)))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_config_file_without_permission_is_refused(tmp_path: Path) -> None:
    file = written(tmp_path, "model_config_list {}")
    Path(file).chmod(0)
    assert configs.read_again(file) == Status(Code.PERMISSION_DENIED, f"{file}; Permission denied")


def test_a_mistake_in_a_config_file_is_in_the_log_with_its_place(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        configs.read_again(written(tmp_path, 'model_config_list {\n  config { nam: "m" }\n}'))
    assert caplog.messages == [
        "Error parsing text-format tensorflow.serving.ModelServerConfig: 2:15: "
        'Message type "tensorflow.serving.ModelConfig" has no field named "nam".'
    ]


def test_a_path_may_be_a_file_uri(tmp_path: Path) -> None:
    assert configs.read_file(f"file://{written(tmp_path, 'model_config_list {}')}") == ServerConfig(())


# -- the start --------------------------------------------------------------------------------------------------------


def test_a_model_from_flags_is_the_only_one_and_of_tensorflow() -> None:
    plan = prepared(model_name="half")
    assert plan.config == ServerConfig((ModelConfig("half", _BASE, "tensorflow"),))
    assert plan.credentials is None


def test_a_config_file_makes_name_and_base_path_void(tmp_path: Path) -> None:
    file = written(tmp_path, "model_config_list {}")
    assert prepared(model_config_file=file, model_name="half").config == ServerConfig(())


@pytest.mark.parametrize(
    ("flags", "text"),
    [
        pytest.param({"port": 0}, "server_options.grpc_port is not set.", id="no port"),
        pytest.param(
            {"model_base_path": ""},
            "Both server_options.model_base_path and server_options.model_config_file are empty!",
            id="no models",
        ),
        pytest.param(
            {"batching_parameters_file": "/x"},
            "server_options.batching_parameters_file is set without setting server_options.enable_batching to true.",
            id="batching parameters without batching",
        ),
        pytest.param(
            {
                "tensorflow_session_parallelism": 1,
                "tensorflow_intra_op_parallelism": 1,
                "tensorflow_inter_op_parallelism": 1,
            },
            "Either configure server_options.tensorflow_session_parallelism or "
            "(server_options.tensorflow_intra_op_parallelism, server_options.tensorflow_inter_op_parallelism) "
            "separately. You cannot configure all.",
            id="threads three times",
        ),
    ],
)
def test_flags_that_do_not_go_together_end_the_start(flags: dict[str, Any], text: str) -> None:
    assert refused(lambda: prepared(**flags)) == Status(Code.INVALID_ARGUMENT, text)


def test_a_socket_is_enough_without_a_port() -> None:
    assert prepared(port=0, grpc_socket_path="server.sock").credentials is None


@pytest.mark.parametrize(
    "flag",
    ["model_config_file", "ssl_config_file", "tensorflow_session_config_file"],
)
def test_a_file_of_the_command_line_that_is_broken_ends_the_start(tmp_path: Path, flag: str) -> None:
    file = written(tmp_path, "no such field: 1")
    status = refused(lambda: prepared(**{flag: file}))
    assert status == Status(Code.INVALID_ARGUMENT, f"Invalid protobuf file: '{file}'")


def test_a_broken_file_of_batching_parameters_ends_the_start(tmp_path: Path) -> None:
    file = written(tmp_path, "max_batch_size: 4")  # a number that has to be { value: 4 }
    status = refused(lambda: prepared(enable_batching=True, batching_parameters_file=file))
    assert status == Status(Code.INVALID_ARGUMENT, f"Invalid protobuf file: '{file}'")


def test_a_custom_model_config_ends_the_start(tmp_path: Path) -> None:
    status = refused(lambda: prepared(model_config_file=written(tmp_path, "custom_model_config {}")))
    assert status.message == "ModelServer does not yet support custom model config."


@pytest.mark.parametrize(
    ("flags", "threads"),
    [
        ({}, (0, 0)),
        ({"tensorflow_session_parallelism": 3}, (3, 3)),
        ({"tensorflow_intra_op_parallelism": 1, "tensorflow_session_parallelism": 3}, (1, 0)),
        ({"tensorflow_intra_op_parallelism": 1, "tensorflow_inter_op_parallelism": 2}, (1, 2)),
    ],
)
def test_threads_inside_and_between_operations_win_over_those_of_the_session(
    flags: dict[str, int], threads: tuple[int, int]
) -> None:
    sessions = prepared(**flags).sessions
    assert (sessions.intra_op_threads, sessions.inter_op_threads) == threads


def test_sessions_begin_with_the_configuration_in_a_file(tmp_path: Path) -> None:
    file = written(tmp_path, "intra_op_parallelism_threads: 2 use_per_session_threads: true")
    sessions = prepared(tensorflow_session_config_file=file, saved_model_tags="serve,gpu").sessions
    given = config_pb2.ConfigProto.FromString(sessions.session_config)
    assert (given.intra_op_parallelism_threads, given.use_per_session_threads) == (2, True)
    assert sessions.tags == {"serve", "gpu"}


def test_client_certificates_without_an_authority_end_the_start(tmp_path: Path) -> None:
    file = written(tmp_path, "client_verify: true server_key: 'k' server_cert: 'c'")
    assert "without custom_ca" in refused(lambda: prepared(ssl_config_file=file)).message


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("prometheus_config { enable: true }", "/monitoring/prometheus/metrics"),
        ('prometheus_config { enable: true path: "/m" }', "/m"),
        ('prometheus_config { path: "/m" }', None),
        ("# nothing", None),
    ],
)
def test_prometheus_finds_its_page_only_if_the_file_enables_it(tmp_path: Path, text: str, path: str | None) -> None:
    assert startup.metrics_path(written(tmp_path, text)) == path


def test_without_a_monitoring_file_there_is_no_page() -> None:
    assert startup.metrics_path("") is None
