"""A real model server process with real SavedModels, and what a client can ask of it without any of our machinery."""

import asyncio
import contextlib
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import grpc

from reconciler.state.config import ModelConfig, ServerConfig
from reconciler.state.versions import specific
from reconciler.wire import config as wire
from reconciler.wire import stubs

MODEL = "half"
LABEL = "stable"
AVAILABLE, END = 30, 50
CONFIG_FILE = "models.config"
FLAGS = ("--max_num_load_retries=0", "--num_load_threads=2", "--num_unload_threads=1")
EXPORT = "import sys, pathlib; from reconciler.modelserver import samples\nfor v in (1, 2): {}"


def export(folder: Path) -> Path:
    """Versions 1 and 2 of the model, exported in a process of its own because TensorFlow is heavy."""
    script = EXPORT.format("samples.export('half-plus', pathlib.Path(sys.argv[1]), v)")
    subprocess.run([sys.executable, "-c", script, str(folder / MODEL)], check=True, capture_output=True)
    return folder / MODEL


@contextlib.contextmanager
def running(folder: Path, *flags: str) -> Iterator[int]:
    """The port of a server that starts without models; its config file lies in the folder."""
    config = folder / CONFIG_FILE
    config.write_text("model_config_list {}\n", encoding="utf-8")
    with socket.create_server(("127.0.0.1", 0)) as held:
        port = int(held.getsockname()[1])
    command = [sys.executable, "-m", "reconciler.modelserver", f"--port={port}", f"--model_config_file={config}"]
    server = subprocess.Popen([*command, *FLAGS, *flags], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
            grpc.channel_ready_future(channel).result(60)
        yield port
    finally:
        server.terminate()
        server.wait(30)


def config(base_path: Path, *versions: int, stable: int | None = None) -> ServerConfig:
    """The server's whole config: these versions, and the label where it is given."""
    labels = () if stable is None else ((LABEL, stable),)
    return ServerConfig((ModelConfig(MODEL, str(base_path), specific(*versions), labels),))


@dataclass(frozen=True, slots=True)
class Client:
    """Bare calls to one server."""

    channel: grpc.aio.Channel

    async def reload(self, wanted: ServerConfig) -> None:
        """Send a config. Raises what gRPC raises."""
        request = stubs.model_management_pb2.ReloadConfigRequest(config=wire.to_proto(wanted))
        await stubs.model_service_pb2_grpc.ModelServiceStub(self.channel).HandleReloadConfigRequest(request, timeout=60)

    async def state(self, version: int) -> int:
        """The state of a version, 0 where the server has no entry."""
        request = stubs.get_model_status_pb2.GetModelStatusRequest()
        request.model_spec.name = MODEL
        stub = stubs.model_service_pb2_grpc.ModelServiceStub(self.channel)
        with contextlib.suppress(grpc.aio.AioRpcError):
            answer = await stub.GetModelStatus(request, timeout=10)
            return next((int(each.state) for each in answer.model_version_status if each.version == version), 0)
        return 0

    async def labelled(self) -> int:
        """The version that the label means, 0 where it answers nobody."""
        request = stubs.get_model_metadata_pb2.GetModelMetadataRequest(metadata_field=["signature_def"])
        request.model_spec.name, request.model_spec.version_label = MODEL, LABEL
        stub = stubs.prediction_service_pb2_grpc.PredictionServiceStub(self.channel)
        with contextlib.suppress(grpc.aio.AioRpcError):
            return int((await stub.GetModelMetadata(request, timeout=10)).model_spec.version.value)
        return 0

    async def predict(self, x: float) -> float:
        """The model's answer by label. Raises what gRPC raises."""
        tensor = stubs.tensor_pb2.TensorProto(dtype=stubs.types_pb2.DT_FLOAT, float_val=[x])
        tensor.tensor_shape.dim.add(size=1)
        tensor.tensor_shape.dim.add(size=1)
        request = stubs.predict_pb2.PredictRequest(inputs={"x": tensor})
        request.model_spec.name, request.model_spec.version_label = MODEL, LABEL
        stub = stubs.prediction_service_pb2_grpc.PredictionServiceStub(self.channel)
        answer = await stub.Predict(request, timeout=10)
        return float(answer.outputs["y"].float_val[0])

    async def until_state(self, version: int, state: int) -> None:
        """Ask as fast as the server answers until the version is in that state."""
        while await self.state(version) != state:  # noqa: ASYNC110 - a server has no event to wait for
            await asyncio.sleep(0)

    async def until_labelled(self, version: int) -> None:
        """Ask as fast as the server answers until the label means that version."""
        while await self.labelled() != version:  # noqa: ASYNC110 - likewise
            await asyncio.sleep(0)
