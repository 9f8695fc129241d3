"""Command lines, read as tsl's command_line_flags.cc reads them."""

from collections.abc import Sequence
from typing import Any

import pytest

from reconciler.modelserver.flags import FIELDS, ServerFlags
from reconciler.modelserver.flagsyntax import Parsed, parse, usage

# Every flag of tensorflow_model_server 2.20 and its default (model_servers/main.cc, server.h), but for numbers of CPUs.
_REAL_DEFAULTS: dict[str, Any] = {
    "port": 8500,
    "grpc_socket_path": "",
    "rest_api_port": 0,
    "rest_api_timeout_in_ms": 30000,
    "rest_api_enable_cors_support": False,
    "enable_batching": False,
    "allow_version_labels_for_unavailable_models": False,
    "batching_parameters_file": "",
    "enable_per_model_batching_parameters": False,
    "model_config_file": "",
    "model_config_file_poll_wait_seconds": 0,
    "model_name": "default",
    "model_base_path": "",
    "num_load_threads": 0,
    "num_unload_threads": 0,
    "max_num_load_retries": 5,
    "load_retry_interval_micros": 60_000_000,
    "file_system_poll_wait_seconds": 1,
    "flush_filesystem_caches": True,
    "tensorflow_session_parallelism": 0,
    "tensorflow_session_config_file": "",
    "tensorflow_intra_op_parallelism": 0,
    "tensorflow_inter_op_parallelism": 0,
    "use_alts_credentials": False,
    "ssl_config_file": "",
    "platform_config_file": "",
    "per_process_gpu_memory_fraction": 0.0,
    "saved_model_tags": "serve",
    "grpc_channel_arguments": "",
    "enable_model_warmup": True,
    "num_request_iterations_for_warmup": 0,
    "version": False,
    "monitoring_config_file": "",
    "remove_unused_fields_from_bundle_metagraph": True,
    "prefer_tflite_model": False,
    "num_tflite_interpreters_per_pool": 1,
    "enable_signature_method_name_check": False,
    "xla_cpu_compilation_enabled": False,
    "xla_gpu_compilation_enabled": False,
    "enable_profiler": True,
    "thread_pool_factory_config_file": "",
    "mixed_precision": "",
    "skip_initialize_tpu": False,
    "enable_grpc_healthcheck_service": False,
    "enable_serialization_as_tensor_content": False,
}
_BY_CPUS = {"rest_api_num_threads", "grpc_max_threads", "num_tflite_pools"}


def value(argument: str) -> Any:
    """What one argument sets its flag to; None if it is an error, "unknown" if it is nobody's."""
    name = argument.removeprefix("--").partition("=")[0]
    parsed = parse([argument])
    if parsed.unknown:
        return "unknown"
    return None if parsed.errors else getattr(parsed.flags, name)


def test_every_flag_of_the_real_server_is_known_with_its_default() -> None:
    flags = ServerFlags()
    assert {name: getattr(flags, name) for name in _REAL_DEFAULTS} == _REAL_DEFAULTS
    assert set(FIELDS) == set(_REAL_DEFAULTS) | _BY_CPUS | {"bind_address"}


def test_the_one_flag_of_ours_keeps_the_server_on_loopback() -> None:
    assert parse([]).flags.bind_address == "127.0.0.1"


@pytest.mark.parametrize(
    ("argument", "expected"),
    [
        ("--port=1", 1),
        ("--port=+1", 1),
        ("--port= 7", 7),
        ("--port=007", 7),
        ("--port=-1", -1),
        ("--port=4294967297", 1),
        ("--port=2147483648", -(2**31)),
        ("--port=99999999999999999999", -1),
        ("--port=", None),
        ("--port=1 ", None),
        ("--port=0x10", None),
        ("--port=1.5", None),
        ("--port=many", None),
        ("--port=\u0663", None),
        ("--load_retry_interval_micros=4294967297", 4294967297),
        ("--load_retry_interval_micros=99999999999999999999", 2**63 - 1),
        ("--load_retry_interval_micros=-99999999999999999999", -(2**63)),
        ("--per_process_gpu_memory_fraction=0.5", 0.5),
        ("--per_process_gpu_memory_fraction=.5", 0.5),
        ("--per_process_gpu_memory_fraction=5e-1", 0.5),
        ("--per_process_gpu_memory_fraction=INF", float("inf")),
        ("--per_process_gpu_memory_fraction=1_0", None),
        ("--per_process_gpu_memory_fraction=half", None),
        ("--model_base_path=/a=b", "/a=b"),
        ("--model_name=", ""),
    ],
)
def test_a_number_is_read_as_sscanf_reads_it_and_a_text_as_it_is(argument: str, expected: Any) -> None:
    assert value(argument) == expected


@pytest.mark.parametrize(
    ("argument", "expected"),
    [
        ("--enable_batching", True),
        ("--enable_batching=true", True),
        ("--enable_batching=TRUE", True),
        ("--enable_batching=false", False),
        ("--enable_batching=1", None),
        ("--enable_batching=", None),
    ],
)
def test_a_boolean_is_bare_or_true_or_false(argument: str, expected: Any) -> None:
    assert value(argument) == expected


def test_a_name_that_begins_like_a_boolean_flag_is_a_bad_value_of_it() -> None:
    assert parse(["--versions=3"]).errors == ("Couldn't interpret value s=3 for flag version.",)


@pytest.mark.parametrize(
    "argv",
    [
        pytest.param(["--port", "1"], id="a value without equals sign"),
        pytest.param(["-port=1"], id="one dash"),
        pytest.param(["--Port=1"], id="capital letters"),
        pytest.param(["--noenable_batching"], id="negation"),
        pytest.param(["--what=1", "x"], id="anything else"),
        pytest.param(["--", "--port=1"], id="after two dashes"),
    ],
)
def test_what_is_no_flag_is_unknown_and_changes_nothing(argv: Sequence[str]) -> None:
    assert parse(argv) == Parsed(ServerFlags(), tuple(argv))


def test_the_last_of_several_wins_and_unknown_arguments_do_not_hide_what_follows() -> None:
    assert parse(["--port=1", "x", "--port=2"]) == Parsed(ServerFlags(port=2), ("x",))


def test_every_value_that_cannot_be_read_is_named() -> None:
    assert parse(["--port=x", "--rest_api_port=y"]).errors == (
        "Couldn't interpret value x for flag port.",
        "Couldn't interpret value y for flag rest_api_port.",
    )


def test_help_is_wanted_only_as_the_first_thing_that_is_no_flag() -> None:
    wanted = [parse(argv).help_wanted for argv in (["--help"], ["--port=1", "--help"], ["x", "--help"], ["-h"])]
    assert wanted == [True, True, False, False]


def test_usage_lists_every_flag_once_with_default_and_type_in_the_real_servers_columns() -> None:
    text = usage("server")
    assert text.startswith("usage: server\nFlags:\n\t--port=8500                      \tint32\t")
    assert all(text.count(f"\t--{name}=") == 1 for name in FIELDS)
    assert '\t--model_name="default"           \tstring\t' in text
    assert "\t--per_process_gpu_memory_fraction=0.000000\tfloat\t" in text
    assert "\t--load_retry_interval_micros=60000000\tint64\t" in text


def test_a_flag_without_effect_is_listed_apart_and_says_why() -> None:
    _, idle = usage("server").split("Accepted without effect:\n")
    listed = {line.split("=")[0].strip("\t-") for line in idle.splitlines()}
    assert listed == {name for name, field in FIELDS.items() if field.metadata["idle"]}
    assert all(line.endswith(")") for line in idle.splitlines())
