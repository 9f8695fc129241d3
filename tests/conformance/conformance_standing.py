"""A server with a set of models that stays up for a whole file of cases: inference, REST, bad input.

``standing`` is a fixture for cases that only ask. A file may say ``FLAGS``, what the server is started with, where
``{folder}`` stands for a directory with ``FILES`` in it and ``{port}`` for its gRPC port. After every case, whatever it
sent, all models must answer as before: that is what "and nothing else is affected" means, checked for every case.

Beside gRPC there are two ways to send HTTP: ``send`` through a client that leaves targets and bodies as they are, and
``raw`` for bytes no client would send. Deliberately not here: cases that load or unload (``world``).
"""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import grpc
import pytest
from conformance_cases import PLAIN
from conformance_client import DEADLINE, floats, spec, status_of
from conformance_exports import Export
from conformance_graphs import echo, plus, variable
from conformance_process import ProcessWorld, Server
from conformance_records import WARM_UP, checkpoint, predict_log, records
from conformance_world import PATIENCE

from reconciler.modelserver.core import ModelConfig, Specific
from reconciler.wire import stubs

if TYPE_CHECKING:
    from conformance_servers import Servers

Files = dict[str, bytes]
WIRE = "it is about single messages"
"""Why these cases say nothing about the core alone."""
WARM_UP_LOG = predict_log(stubs.predict_pb2.PredictRequest(model_spec=spec(""), inputs={"x": floats(1.0)}))
ODD_NAME = "m%/:?# é"
MODELS: dict[str, dict[int, Files]] = {
    "plus": {1: plus(1), 2: plus(2)},
    "echo": {1: echo()},
    "variable": {1: variable() | checkpoint("v", 5.0)},
    "hollow": {1: variable()},
    "half": {1: Export(1).files() | {WARM_UP: records([WARM_UP_LOG] * 3)}},
    ODD_NAME: {1: plus(1)},
}
FILES: Files = {"monitoring.config": b"prometheus_config { enable: true }\n"}
RICH = (
    *PLAIN,
    "--monitoring_config_file={folder}/monitoring.config",
    "--enable_grpc_healthcheck_service",
    "--grpc_socket_path={folder}/socket",
    "--rest_api_enable_cors_support=true",
    "--rest_api_timeout_in_ms=700",
    "--no_such_flag=1",
)
"""Flags that add something and change nothing else, for one server that shows them all."""
LABELS = {"plus": (("stable", 1), ("a/b c", 1))}


@dataclass(frozen=True, slots=True)
class Answer:
    """One HTTP answer."""

    status: int
    headers: dict[str, str]
    """By lower-case name."""
    body: bytes

    def json(self) -> Any:
        """The body; NaN and Infinity are read."""
        return json.loads(self.body)

    @property
    def error(self) -> tuple[int, str]:
        """Status and text of a refusal, which is all its body holds."""
        said = json.loads(self.body)
        assert list(said) == ["error"], said
        return self.status, said["error"]


class Standing:
    """The server, and short ways to ask it."""

    def __init__(self, world: ProcessWorld) -> None:
        self.world = world
        self.client = world.client
        self.configs: list[ModelConfig] = []

    def name(self, model: str) -> str:
        """What a model of ``MODELS`` is called on this server."""
        return self.world.models[model].name

    # -- gRPC ---------------------------------------------------------------------------------------------------------

    def spec(self, model: str = "plus", version: int | None = None, label: str | None = None, of: str = "") -> Any:
        """A ModelSpec; ``of`` is a signature."""
        return spec(self.name(model), version, label, of)

    def predict(self, model_spec: Any, *outputs: str, **inputs: Any) -> Any:
        """Predict, with an output filter."""
        request = stubs.predict_pb2.PredictRequest(model_spec=model_spec, inputs=inputs, output_filter=outputs)
        return self.client.predictions.Predict(request, timeout=DEADLINE)

    def refused(self, model_spec: Any, *outputs: str, **inputs: Any) -> str:
        """The refusal of a Predict, as ``CODE: text``."""
        return refusal(self.predict, model_spec, *outputs, **inputs)

    # -- REST ---------------------------------------------------------------------------------------------------------

    @property
    def rest_address(self) -> tuple[str, int]:
        """Host and port of the REST API."""
        if self.client.rest is None:
            pytest.skip("needs --rest HOST:PORT")
        url = self.client.rest.base_url
        return url.host, url.port or 80

    def send(self, verb: str, target: str, body: Any = None, headers: dict[str, str] | None = None) -> Answer:
        """One request, its target as it stands."""
        connection = http.client.HTTPConnection(*self.rest_address, timeout=DEADLINE)
        try:
            connection.request(verb, target, body, headers or {})
            answer = connection.getresponse()
            sent = {name.lower(): value for name, value in answer.getheaders()}
            return Answer(answer.status, sent, answer.read())
        finally:
            connection.close()

    def path(self, rest: str = "", model: str = "plus") -> str:
        """``/v1/models/NAME`` and what follows it."""
        return f"/v1/models/{self.name(model)}{rest}"

    def get(self, rest: str = "", model: str = "plus") -> Answer:
        """GET below a model."""
        return self.send("GET", self.path(rest, model))

    def post(self, body: Any, rest: str = ":predict", model: str = "plus") -> Answer:
        """POST below a model: text and bytes as they are, all else as JSON."""
        content = body if isinstance(body, bytes) else body.encode() if isinstance(body, str) else json.dumps(body)
        return self.send("POST", self.path(rest, model), content)

    def raw(self, *pieces: bytes, half_close: bool = True, patience: float = 0.5) -> bytes:
        """Write bytes to the REST port, half-close, and read what comes until the server closes or says nothing."""
        return exchange(self.rest_address, *pieces, half_close=half_close, patience=patience)

    # -- before and afterwards ----------------------------------------------------------------------------------------

    def is_up(self) -> bool:
        """Whether all models are there; on a target, other cases unload them."""
        return bool(self.configs) and all(
            self.world.models[short].states() == dict.fromkeys(sorted(versions, reverse=True), "AVAILABLE")
            for short, versions in MODELS.items()
        )

    def looks(self) -> dict[str, Any]:
        """What every model answers, and the states of all."""
        said: dict[str, Any] = {}
        for model in self.world.models:
            said[model] = self.world.models[model].states()
        for model in ("plus", "variable", "half"):
            said[f"{model} answers"] = list(
                next(iter(self.predict(self.spec(model), x=_x(model)).outputs.values())).float_val
            )
        if self.client.rest is not None:
            said["over REST"] = self.get().body
        return said


def _x(model: str) -> Any:
    return tensor("float", [2], float_val=[2.0, 3.0]) if model == "variable" else floats(2.0, 3.0)


def tensor(dtype: str, shape: list[int], **values: Any) -> Any:
    """A TensorProto."""
    proto = stubs.tensor_pb2.TensorProto(dtype=getattr(stubs.types_pb2, f"DT_{dtype.upper()}"), **values)
    proto.tensor_shape.SetInParent()
    for size in shape:
        proto.tensor_shape.dim.add(size=size)
    return proto


def refusal(call: Callable[..., Any], *arguments: Any, **options: Any) -> str:
    """How a call is refused, as ``CODE: text``."""
    with pytest.raises(grpc.RpcError) as refused:
        call(*arguments, **options)
    return str(status_of(refused.value))


def exchange(address: tuple[str, int], *pieces: bytes, half_close: bool = True, patience: float = 0.5) -> bytes:
    """Bytes to a port and back; a reset connection is an answer of nothing."""
    said = b""
    with socket.create_connection(address, timeout=patience) as connection:
        try:
            for piece in pieces:
                connection.sendall(piece)
            if half_close:
                connection.shutdown(socket.SHUT_WR)
            while piece := connection.recv(65536):
                said += piece
        except OSError:  # reset, or nothing more within its patience
            pass
    return said


def lay_down(folder: Path, files: Files) -> None:
    """Write files into a directory that may be new."""
    for name, content in files.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)


# -- the fixtures -----------------------------------------------------------------------------------------------------


class Stands:
    """The standing servers of a test session, by what they were started with."""

    def __init__(self, config: pytest.Config, servers: Servers) -> None:
        self._servers = servers
        self._target = config.getoption("target", None) is not None
        self._target_flags = tuple(config.getoption("target_flags").split())
        self._own = not self._target or bool(config.getoption("server_command"))
        self._up: dict[tuple[str, ...], Standing] = {}
        self._started: list[Server] = []
        self._on_target = contextlib.ExitStack()

    def of(self, flags: tuple[str, ...]) -> Standing:
        """The server with these flags, with all models."""
        standing = self._up.get(flags)
        if standing is None:
            standing = self._up[flags] = Standing(self._foreign(flags) or self.start(flags, FILES))
        if not standing.is_up():
            _bring_up(standing)
        return standing

    def _foreign(self, flags: tuple[str, ...]) -> ProcessWorld | None:
        if not self._target:
            return None
        if flags != self._target_flags:
            self._skip(flags)
            return None
        return self._on_target.enter_context(self._servers.foreign())

    def _skip(self, flags: tuple[str, ...]) -> None:
        if not self._own:
            pytest.skip(f"needs a server with {' '.join(flags)}")

    def start(self, flags: tuple[str, ...], files: Files) -> ProcessWorld:
        """A server of ours with these flags, and with files in the folder they name; without models."""
        self._skip(flags)
        server = self._servers.new(())
        folder = server.config_file.parent
        lay_down(folder, {"models.config": b"model_config_list {}\n", **files})
        port = server.client.address.rpartition(":")[2]
        server.flags = tuple(flag.replace("{folder}", str(folder)).replace("{port}", port) for flag in flags)
        self._started.append(server)
        server.start()
        world = ProcessWorld("standing", server.client, server.models, server)
        world.until(world.is_open, 2 * PATIENCE)
        return world

    def close(self) -> None:
        """Stop what is ours, and leave the target empty."""
        self._on_target.close()
        for server in self._started:
            server.close()


def _bring_up(standing: Standing) -> None:
    standing.configs.clear()
    for short, versions in MODELS.items():
        model = standing.world.model(short)
        base = f"{standing.world.root}/{short if short.isalnum() else 'odd'}"
        for version, files in versions.items():
            lay_down(Path(base) / str(version), files)
        config = ModelConfig(model.name, base, policy=Specific(tuple(versions)), labels=LABELS.get(short, ()))
        standing.configs.append(config)
    standing.world.serve(*standing.configs)


@pytest.fixture(scope="session")
def stands(request: pytest.FixtureRequest, servers: Servers) -> Iterator[Stands]:
    """All standing servers; ended with the session."""
    stands = Stands(request.config, servers)
    yield stands
    stands.close()


@pytest.fixture(scope="module")
def standing_server(request: pytest.FixtureRequest, stands: Stands) -> Standing:
    """The server for the cases of one file."""
    return stands.of(getattr(request.module, "FLAGS", PLAIN))


@pytest.fixture
def standing(standing_server: Standing) -> Iterator[Standing]:
    """The server of this file; afterwards it must be as it was."""
    before = standing_server.looks()
    yield standing_server
    assert standing_server.looks() == before
