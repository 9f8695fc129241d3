"""The gRPC client against real sockets: servers that are down, foreign, silent, locked, or gone and back."""

import asyncio
import socket
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import grpc
import pytest

from reconciler.adapters.serving import GrpcClients
from reconciler.ports import ServingClient
from reconciler.state.config import ModelConfig, ServerConfig
from reconciler.state.desired import Connection, Deadlines, DesiredServer, Fleet, SecretRef
from reconciler.state.look import LabelKind, ReachKind, VersionState
from reconciler.state.memory import AnswerKind
from reconciler.state.versions import specific
from reconciler.wire.stubs import get_model_metadata_pb2, get_model_status_pb2, model_management_pb2

Handler = Callable[[Any, Any], Awaitable[Any]]


def desired(port: int, connection: Connection | None = None, status: float = 2.0) -> DesiredServer:
    fleet = Fleet("f", connection=connection or Connection(), deadlines=Deadlines(status=status, reload=status))
    return DesiredServer(fleet, "s", f"localhost:{port}")


class Recorder:
    """A tiny TensorFlow Serving: one model `m` with version 1, label `stable`; keeps what it was sent."""

    def __init__(self) -> None:
        self.reloads: list[Any] = []
        self.metadata: list[dict[str, str]] = []
        self.server: Any = None

    async def start(self, port: int = 0, credentials: Any = None) -> int:
        self.server = grpc.aio.server()
        self.server.add_generic_rpc_handlers((_Handlers(self),))
        address = f"localhost:{port}"
        bound = (
            self.server.add_secure_port(address, credentials) if credentials else self.server.add_insecure_port(address)
        )
        await self.server.start()
        return int(bound)

    async def stop(self) -> None:
        await self.server.stop(None)

    async def status(self, request: Any, context: Any) -> Any:
        self.metadata.append(dict(context.invocation_metadata()))
        name = request.model_spec.name
        if name != "m":
            await context.abort(grpc.StatusCode.NOT_FOUND, f"Could not find any versions of model {name}")
        reply = get_model_status_pb2.GetModelStatusResponse()
        reply.model_version_status.add(version=1, state=30)
        return reply

    async def described(self, request: Any, context: Any) -> Any:
        spec = request.model_spec
        if spec.version_label not in ("", "stable"):
            label = spec.version_label
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, f"Unrecognized servable version label: {label}")
        if not spec.version_label and spec.version.value != 1:
            await context.abort(grpc.StatusCode.NOT_FOUND, "Servable not found for request: Specific(m, 2)")
        reply = get_model_metadata_pb2.GetModelMetadataResponse()
        reply.model_spec.name, reply.model_spec.version.value = "m", 1
        return reply

    async def reload(self, request: Any, context: Any) -> Any:
        self.reloads.append(request)
        if len(request.config.model_config_list.config) > 5:
            await asyncio.Event().wait()
        return model_management_pb2.ReloadConfigResponse()


class _Handlers(grpc.GenericRpcHandler):  # type: ignore[type-arg]  # generic in its stubs only
    def __init__(self, recorder: Recorder) -> None:
        status, reload = get_model_status_pb2, model_management_pb2
        metadata = get_model_metadata_pb2
        self._methods = {
            "/tensorflow.serving.ModelService/GetModelStatus": (
                recorder.status,
                status.GetModelStatusRequest,
            ),
            "/tensorflow.serving.ModelService/HandleReloadConfigRequest": (
                recorder.reload,
                reload.ReloadConfigRequest,
            ),
            "/tensorflow.serving.PredictionService/GetModelMetadata": (
                recorder.described,
                metadata.GetModelMetadataRequest,
            ),
        }

    def service(self, details: Any) -> Any:
        handler, kind = self._methods[details.method]
        return grpc.unary_unary_rpc_method_handler(
            handler, request_deserializer=kind.FromString, response_serializer=lambda reply: reply.SerializeToString()
        )


@pytest.fixture
async def clients() -> AsyncIterator[GrpcClients]:
    clients = GrpcClients()
    yield clients
    await clients.close()


@pytest.fixture
async def recorder() -> AsyncIterator[Recorder]:
    recorder = Recorder()
    yield recorder
    if recorder.server is not None:
        await recorder.stop()


async def eventually(holds: Callable[[], bool]) -> bool:
    async with asyncio.timeout(5):
        while not holds():  # noqa: ASYNC110 — a socket is watched; there is no event to wait for
            await asyncio.sleep(0.005)
    return True


async def test_serving_server_answers_every_question(clients: GrpcClients, recorder: Recorder) -> None:
    client = clients.client(desired(await recorder.start()))
    assert (await client.reach()).answers
    assert [each.state for each in (await client.status("m")).entries] == [VersionState.AVAILABLE]
    assert (await client.status("other")).entries == ()
    assert (await client.read_label("m", "stable")).resolves_to(1)
    assert (await client.read_label("m", "beta")).kind is LabelKind.UNDEFINED
    assert (await client.prove("m", 1)).answered
    assert not (await client.prove("m", 2)).answered


async def test_reload_carries_the_whole_config_and_an_empty_list_is_a_list(
    clients: GrpcClients, recorder: Recorder
) -> None:
    client = clients.client(desired(await recorder.start()))
    config = ServerConfig((ModelConfig("m", "/models/m", specific(1), (("stable", 1),)),))
    assert (await client.reload(config)).kind is AnswerKind.ACCEPTED
    assert (await client.reload(ServerConfig())).kind is AnswerKind.ACCEPTED
    assert recorder.reloads[0].config.model_config_list.config[0].version_labels == {"stable": 1}
    assert recorder.reloads[1].config.WhichOneof("config") == "model_config_list"


async def test_reload_that_blocks_brings_no_answer(clients: GrpcClients, recorder: Recorder) -> None:
    client = clients.client(desired(await recorder.start(), status=0.1))
    config = ServerConfig(tuple(ModelConfig(f"m{number}", "/m", specific(1)) for number in range(6)))
    assert (await client.reload(config)).kind is AnswerKind.NONE


async def test_nobody_listening_is_unreachable_and_a_reload_is_known_not_to_be_sent(clients: GrpcClients) -> None:
    client = clients.client(desired(1))
    assert (await client.reach()).kind is ReachKind.UNREACHABLE
    assert (await client.status("m")).unseen
    answer = await client.reload(ServerConfig())
    assert (answer.kind, answer.message.startswith("not sent")) == (AnswerKind.REFUSED, True)


async def test_server_that_accepts_and_never_answers_is_slow(clients: GrpcClients) -> None:
    with socket.create_server(("localhost", 0)) as silent:
        client = clients.client(desired(silent.getsockname()[1], status=0.1))
        assert (await client.reach()).kind is ReachKind.SLOW


async def test_failure_just_seen_is_not_waited_for_twice(clients: GrpcClients) -> None:
    with socket.create_server(("localhost", 0)) as silent:
        client = clients.client(desired(silent.getsockname()[1], status=0.1))
        await client.status("m")
        async with asyncio.timeout(0.05):
            assert (await client.reach()).kind is ReachKind.SLOW


async def test_http1_server_is_not_serving(clients: GrpcClients) -> None:
    async def html(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(100)
        writer.write(b"HTTP/1.1 400 Bad Request\r\nContent-Type: text/html\r\n\r\n<html>no</html>")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(html, "localhost", 0)
    async with server:
        client = clients.client(desired(server.sockets[0].getsockname()[1]))
        reach = await client.reach()
    assert (reach.kind, "HTTP/2" in reach.detail) == (ReachKind.NOT_SERVING, True)


async def test_another_grpc_server_is_not_serving(clients: GrpcClients) -> None:
    server = grpc.aio.server()
    port = server.add_insecure_port("localhost:0")
    await server.start()
    client = clients.client(desired(port))
    assert (await client.reach()).kind is ReachKind.NOT_SERVING
    await server.stop(None)


async def test_killed_idle_server_shows_as_a_dropped_connection_once(clients: GrpcClients, recorder: Recorder) -> None:
    client = clients.client(desired(await recorder.start()))
    await client.status("m")
    assert not client.dropped()
    await recorder.stop()
    assert await eventually(client.dropped)
    assert not client.dropped()


async def test_server_that_is_back_answers_within_two_seconds(clients: GrpcClients, recorder: Recorder) -> None:
    port = await recorder.start()
    client = clients.client(desired(port))
    await client.status("m")
    await recorder.stop()
    assert (await client.reach()).kind is ReachKind.UNREACHABLE
    await recorder.start(port)
    async with asyncio.timeout(2.5):
        while (await client.status("m")).unseen:  # noqa: ASYNC110 — asking again is what is tested
            await asyncio.sleep(0.01)


async def test_authorization_is_read_at_each_call_and_shown_nowhere(
    clients: GrpcClients, recorder: Recorder, tmp_path: Path
) -> None:
    secret = tmp_path / "token"
    secret.write_text("Bearer first\n")
    connection = Connection(authorization=SecretRef(from_file=str(secret)))
    client = clients.client(desired(await recorder.start(), connection))
    await client.status("m")
    secret.write_text("Bearer second\n")
    await client.status("m")
    assert [each["authorization"] for each in recorder.metadata] == ["Bearer first", "Bearer second"]
    assert "second" not in repr(client)


async def test_missing_secret_is_refusing_and_names_the_place(clients: GrpcClients, recorder: Recorder) -> None:
    connection = Connection(authorization=SecretRef(from_file="/nowhere/token"))
    client = clients.client(desired(await recorder.start(), connection))
    reach = await client.reach()
    assert (reach.kind, "/nowhere/token" in reach.detail) == (ReachKind.REFUSING, True)
    assert (await client.reload(ServerConfig())).kind is AnswerKind.REFUSED
    assert recorder.reloads == []


async def test_secret_that_is_no_header_is_refused_without_showing_it(
    clients: GrpcClients, recorder: Recorder, tmp_path: Path
) -> None:
    secret = tmp_path / "token"
    secret.write_text("hush\x01hush")
    connection = Connection(authorization=SecretRef(from_file=str(secret)))
    reach = await clients.client(desired(await recorder.start(), connection)).reach()
    assert (reach.kind, "hush" in reach.detail) == (ReachKind.REFUSING, False)


async def test_same_settings_keep_the_connection_and_others_renew_it(clients: GrpcClients) -> None:
    first = clients.client(desired(1))
    assert clients.client(desired(1)) is first
    assert clients.client(desired(2)) is not first


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("tls")
    key, cert = folder / "key.pem", folder / "cert.pem"
    command = (
        "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -addext subjectAltName=DNS:localhost"
    )
    subprocess.run([*command.split(), "-keyout", key, "-out", cert], check=True, capture_output=True)
    return key, cert


async def test_tls_with_the_right_authority_answers(
    clients: GrpcClients, recorder: Recorder, certificate: tuple[Path, Path]
) -> None:
    key, cert = certificate
    credentials = grpc.ssl_server_credentials([(key.read_bytes(), cert.read_bytes())])
    port = await recorder.start(credentials=credentials)
    assert (await clients.client(desired(port, Connection(ca_file=str(cert)))).reach()).answers


async def test_plain_server_behind_tls_settings_is_refusing(
    clients: GrpcClients, recorder: Recorder, certificate: tuple[Path, Path]
) -> None:
    client = clients.client(desired(await recorder.start(), Connection(ca_file=str(certificate[1]))))
    assert (await client.reach()).kind is ReachKind.REFUSING


async def test_missing_certificate_file_is_refusing_and_named(clients: GrpcClients, recorder: Recorder) -> None:
    client = clients.client(desired(await recorder.start(), Connection(ca_file="/nowhere/ca.pem")))
    reach = await client.reach()
    assert (reach.kind, "/nowhere/ca.pem" in reach.detail) == (ReachKind.REFUSING, True)


async def test_closing_ends_a_call_under_way(recorder: Recorder) -> None:
    clients = GrpcClients()
    client: ServingClient = clients.client(desired(await recorder.start()))
    await client.status("m")
    config = ServerConfig(tuple(ModelConfig(f"m{number}", "/m", specific(1)) for number in range(6)))
    call = asyncio.create_task(client.reload(config))
    await eventually(lambda: bool(recorder.reloads))
    await clients.close()
    done, _ = await asyncio.wait({call}, timeout=1.0)
    assert done
