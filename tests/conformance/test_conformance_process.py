"""The process: what a command line starts, how it ends if it does not, and flags that change what others do.

Sources: model_servers/main.cc, model_servers/server.cc, tsl's command_line_flags.cc.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc
import pytest
from conformance_cases import PLAIN, case
from conformance_certificates import AUTHORITY, CLIENT_CERTIFICATE, CLIENT_KEY, SERVER_CERTIFICATE, SERVER_KEY
from conformance_client import DEADLINE, Client, floats, spec
from conformance_graphs import examples, plus
from conformance_process import ProcessWorld
from conformance_records import WARM_UP, predict_log, records
from conformance_standing import Files, Stands, exchange, lay_down, refusal

from reconciler.modelserver.core import Code
from reconciler.wire import stubs

A_START = "it is about a start"
PROCESS = "it is about a process"
FAILED = "Failed to start server. Error: "


def ended(world: ProcessWorld, *flags: str) -> tuple[int | None, str]:
    """Exit code and output of a process that does not stay."""
    world.server.flags = tuple(flag.replace("{folder}", str(world.server.config_file.parent)) for flag in flags)
    world.server.config_file.write_text("model_config_list {}\n")
    world.server.start()
    world.until(lambda: world.server.exit_code() is not None)
    return world.server.exit_code(), world.server.output()


@case("S70", fresh=A_START, process_only=PROCESS)
def test_version_prints_two_versions_and_exits_with_zero(world: ProcessWorld) -> None:
    code, said = ended(world, "--version")
    assert code == 0
    assert "TensorFlow ModelServer: " in said
    assert "TensorFlow Library: " in said


@case("S72", fresh=A_START, process_only=PROCESS)
@pytest.mark.parametrize("flag", ["--num_load_threads=many", "--enable_batching=maybe"])
def test_a_value_that_cannot_be_read_ends_the_start(world: ProcessWorld, flag: str) -> None:
    code, said = ended(world, flag)
    assert code not in (None, 0)
    assert flag.partition("=")[0] in said  # the usage
    assert FAILED not in said


@case("S73", "S74", "S75", fresh=A_START, process_only=PROCESS)
@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (
            ("--model_config_file=",),
            "INVALID_ARGUMENT: Both server_options.model_base_path and server_options.model_config_file are empty!",
        ),
        (
            ("--batching_parameters_file=/dev/null",),
            "INVALID_ARGUMENT: server_options.batching_parameters_file is set without setting "
            "server_options.enable_batching to true.",
        ),
        (
            (
                "--tensorflow_session_parallelism=1",
                "--tensorflow_intra_op_parallelism=1",
                "--tensorflow_inter_op_parallelism=1",
            ),
            "INVALID_ARGUMENT: Either configure server_options.tensorflow_session_parallelism or "
            "(server_options.tensorflow_intra_op_parallelism, server_options.tensorflow_inter_op_parallelism) "
            "separately. You cannot configure all.",
        ),
        (("--port=0",), "INVALID_ARGUMENT: server_options.grpc_port is not set."),
        (("--model_config_file={folder}/nowhere",), "NOT_FOUND: {folder}/nowhere; No such file or directory"),
    ],
    ids=["no model", "batching", "parallelism", "no port", "no file"],
)
def test_a_start_that_makes_no_sense_ends_and_says_why(world: ProcessWorld, flags: tuple[str, ...], said: str) -> None:
    code, output = ended(world, *PLAIN, *flags)
    assert code not in (None, 0)
    assert FAILED + said.replace("{folder}", str(world.server.config_file.parent)) in output


@case("S74", "S75", fresh=A_START, process_only=PROCESS)
@pytest.mark.parametrize(
    "flags",
    [
        ("--ssl_config_file={folder}/nowhere",),
        ("--ssl_config_file={folder}/models.config",),
        ("--enable_batching", "--batching_parameters_file={folder}/models.config"),
    ],
    ids=["no ssl file", "no ssl config", "no batching config"],
)
def test_a_file_of_another_kind_ends_the_start(world: ProcessWorld, flags: tuple[str, ...]) -> None:
    code, _ = ended(world, *PLAIN, *flags)
    assert code not in (None, 0)
    assert not world.client.answers()


@case("C88", "S75", fresh=A_START, process_only=PROCESS)
@pytest.mark.parametrize(
    "text",
    [
        b"model_config_list { config { name: 'a' base_path: '/a' model_platform: 'tensorflow' colour: 'red' } }",
        b"model_config_list { config { name: 'a } }",
        b"model_config_list {} model_config_list {}",
        b"model_config_list { config { model_version_policy { all {} latest {} } } }",
        b"\x08\x01\xff\xfe",
    ],
    ids=["field", "quote", "twice", "two policies", "bytes"],
)
def test_a_config_file_that_breaks_its_grammar_ends_the_start(world: ProcessWorld, text: bytes) -> None:
    world.server.config_file.write_bytes(text)
    world.server.start()
    world.until(lambda: world.server.exit_code() is not None)
    assert world.last_words() == f"{FAILED}INVALID_ARGUMENT: Invalid protobuf file: '{world.server.config_file}'"
    assert "Error parsing text-format tensorflow.serving.ModelServerConfig: " in world.log()


@case("C56", "S75", fresh=A_START, process_only=PROCESS)
def test_a_config_file_with_a_name_twice_ends_the_start(world: ProcessWorld) -> None:
    entry = "config { name: 'a' base_path: '/a' model_platform: 'tensorflow' }"
    world.start_with(f"model_config_list {{ {entry} {entry} }}")
    world.until(lambda: world.server.exit_code() is not None)
    said = "INVALID_ARGUMENT: Illegal to list model a multiple times in config list"
    assert world.last_words() == FAILED + said


@case("S75", fresh=A_START, process_only=PROCESS)
def test_the_text_of_a_config_file_may_be_loose(world: ProcessWorld) -> None:
    m = world.model("m", 1, 2)
    world.start_with(
        f"# a comment\nmodel_config_list: <config: [{{name: 'm_' '{m.name[2:]}', base_path: \"{m.base}\";\n"
        "model_platform: 'tensorflow' model_version_policy { specific { versions: [1, 2] versions: 2 } } }]>"
    )
    world.until(world.is_open)
    m.until({2: "AVAILABLE", 1: "AVAILABLE"})


# -- one model, and three flags that change what Predict does ---------------------------------------------------------

ODD = (
    *PLAIN,
    "--model_config_file=",
    "--model_base_path={folder}/single",
    "--rest_api_port={port}",
    "--enable_serialization_as_tensor_content=true",
    "--enable_signature_method_name_check=true",
    "--enable_model_warmup=false",
)
BAD_LOG = predict_log(stubs.predict_pb2.PredictRequest(model_spec=spec("x", signature="nope")))
SINGLE: Files = {f"single/1/{name}": content for name, content in {**plus(1), WARM_UP: records([BAD_LOG])}.items()}


@pytest.fixture(scope="module")
def odd(stands: Stands) -> ProcessWorld:
    """A server of one model."""
    return stands.start(ODD, SINGLE)


@pytest.mark.serving
@case("S76", "S78", "S85", flags=ODD, process_only=PROCESS)
def test_one_model_is_called_default_and_answers_raw_content_and_is_not_warmed_up(odd: ProcessWorld) -> None:
    answer = odd.client.predict(spec("default"), x=floats(2.0, 3.0))
    assert answer.outputs["y"].tensor_content == b"\0\0\x40\x40\0\0\x60\x40"
    assert list(answer.outputs["y"].float_val) == []
    assert [each.size for each in answer.outputs["y"].tensor_shape.dim] == [2, 1]


@pytest.mark.serving
@case("S77", flags=ODD, process_only=PROCESS)
def test_rest_on_the_grpc_port_is_skipped(odd: ProcessWorld) -> None:
    host, port = odd.client.address.rsplit(":", 1)
    said = exchange((host, int(port)), b"GET /v1/models/default HTTP/1.1\r\nHost: x\r\n\r\n", patience=0.3)
    assert not said.startswith(b"HTTP/1.1 200")
    assert "Skipped exporting HTTP/REST API" in odd.log()


@pytest.mark.serving
@case("S79", flags=ODD, process_only=PROCESS)
def test_method_names_are_checked_if_asked_for(odd: ProcessWorld) -> None:
    refused = refusal(odd.client.predict, spec("default", signature="odd_method"), x=floats(2.0))
    assert refused.startswith("INTERNAL: Expected prediction signature method_name to be one of {")
    assert refused.endswith("}. Was: somebody/else/predict")
    predictions = odd.client.predictions
    for call, kind, right, wrong in (
        (predictions.Classify, stubs.classification_pb2.ClassificationRequest, "classify", "regress"),
        (predictions.Regress, stubs.regression_pb2.RegressionRequest, "regress", "classify"),
    ):
        fine = kind(model_spec=spec("default", signature=f"{right}_x_to_y"), input=examples(2.0))
        assert call(fine, timeout=DEADLINE).model_spec.version.value == 1
        other = kind(model_spec=spec("default", signature=f"{wrong}_x_to_y"), input=examples(2.0))
        name = {"classify": "classification", "regress": "regression"}[right]
        assert refusal(call, other, timeout=DEADLINE) == (
            f"INVALID_ARGUMENT: Expected {name} signature method_name to be tensorflow/serving/{right}. "
            f"Was: tensorflow/serving/{wrong}"
        )


# -- batches and tags -------------------------------------------------------------------------------------------------

BATCHED = (
    *PLAIN,
    "--enable_batching=true",
    "--batching_parameters_file={folder}/batching.config",
    "--enable_per_model_batching_parameters=true",
    "--saved_model_tags=serve,gpu",
)
BATCHES = b"max_batch_size { value: 4 } batch_timeout_micros { value: 20000 } allowed_batch_sizes: "
OF_MODEL = "batching_params.pbtxt"


@pytest.fixture(scope="module")
def batched(stands: Stands) -> ProcessWorld:
    """A server that batches, and serves the meta graphs tagged ``serve,gpu``."""
    world = stands.start(BATCHED, {"batching.config": BATCHES + b"4"})
    m, bad, untagged = (world.model(name) for name in ("m", "bad", "untagged"))
    lay_down(Path(m.path(1)), {**_tagged(), OF_MODEL: BATCHES + b"4"})
    lay_down(Path(bad.path(1)), {**_tagged(), OF_MODEL: BATCHES + b"2"})
    lay_down(Path(untagged.path(1)), plus(1))
    world.reload(m(1), bad(1), untagged(1))
    m.until({1: "AVAILABLE"})
    return world


def _tagged() -> Files:
    message = stubs.saved_model_pb2.SavedModel.FromString(plus(1)["saved_model.pb"])
    message.meta_graphs[0].meta_info_def.tags.append("gpu")
    return {"saved_model.pb": message.SerializeToString()}


@pytest.mark.serving
@case("S86", flags=BATCHED, process_only=PROCESS)
def test_requests_that_run_together_are_answered_as_if_alone(batched: ProcessWorld) -> None:
    name = batched.models["m"].name

    def ask(value: float) -> list[float]:
        return list(batched.client.predict(spec(name), x=floats(value, value + 1)).outputs["y"].float_val)

    with ThreadPoolExecutor(8) as clients:
        answers = list(clients.map(ask, [float(value) for value in range(16)]))
    assert answers == [[value / 2 + 2, value / 2 + 2.5] for value in range(16)]


@pytest.mark.serving
@case("S86", flags=BATCHED, process_only=PROCESS)
def test_a_request_larger_than_a_batch_is_refused(batched: ProcessWorld) -> None:
    refused = refusal(batched.client.predict, spec(batched.models["m"].name), x=floats(1.0, 2.0, 3.0, 4.0, 5.0))
    assert refused == "INVALID_ARGUMENT: Task size 5 is larger than maximum input batch size 4"


@pytest.mark.serving
@case("S86", flags=BATCHED, process_only=PROCESS)
def test_batch_sizes_of_a_model_that_contradict_each_other_fail_its_load(batched: ProcessWorld) -> None:
    assert batched.models["bad"].states() == {1: "END"}
    assert batched.models["bad"].error(1).code is Code.INVALID_ARGUMENT


@pytest.mark.serving
@case("S87", flags=BATCHED, process_only=PROCESS)
def test_only_a_meta_graph_with_just_these_tags_is_served(batched: ProcessWorld) -> None:
    error = batched.models["untagged"].error(1)
    assert error.code is Code.NOT_FOUND
    assert error.message.startswith("Could not find meta graph def matching supplied tags: { ")
    assert "serve" in error.message
    assert "gpu" in error.message


# -- TLS --------------------------------------------------------------------------------------------------------------

SECURE = (*PLAIN, "--ssl_config_file={folder}/ssl.config")


def _ssl_config() -> bytes:
    pems = {"server_key": SERVER_KEY, "server_cert": SERVER_CERTIFICATE, "custom_ca": AUTHORITY}
    quoted = [name.encode() + b': "' + pem.replace(b"\n", b"\\n") + b'"\n' for name, pem in pems.items()]
    return b"".join(quoted) + b"client_verify: true\n"


def known(world: ProcessWorld, credentials: grpc.ChannelCredentials) -> Any:
    """Ask for a status over TLS."""
    request = stubs.get_model_status_pb2.GetModelStatusRequest(model_spec=spec("nobody"))
    with grpc.secure_channel(world.client.address, credentials) as channel:
        return stubs.model_service_pb2_grpc.ModelServiceStub(channel).GetModelStatus(request, timeout=5.0)


@case("S84", flags=SECURE, fresh=A_START, process_only=PROCESS)
def test_with_tls_only_clients_with_a_certificate_are_answered_and_rest_stays_plain(world: ProcessWorld) -> None:
    server = world.server
    lay_down(server.config_file.parent, {"ssl.config": _ssl_config(), "models.config": b"model_config_list {}"})
    server.flags = tuple(flag.replace("{folder}", str(server.config_file.parent)) for flag in SECURE)
    server.start()
    certified = grpc.ssl_channel_credentials(AUTHORITY, CLIENT_KEY, CLIENT_CERTIFICATE)
    nobody = "NOT_FOUND: Could not find any versions of model nobody"
    world.until(lambda: refusal(known, world, certified) == nobody)
    assert refusal(known, world, grpc.ssl_channel_credentials(AUTHORITY)).startswith("UNAVAILABLE: ")
    assert refusal(known, world, grpc.ssl_channel_credentials(SERVER_CERTIFICATE)).startswith("UNAVAILABLE: ")
    plain = Client(world.client.address)
    assert str(plain.get_model_status("nobody", None, None)).startswith("UNAVAILABLE: ")
    plain.close()
    assert world.client.rest is not None
    assert world.client.rest.get("/v1/models/nobody").status_code == 404
