"""A real model server process for tests: free ports, stubs, and waiting with a deadline.

Used by the tests of the model server and by the end-to-end tests, which share it.
"""

import contextlib
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import grpc
import httpx

from reconciler.wire import stubs

AVAILABLE, END = 30, 50
DEADLINE = 30.0
Model = tuple[str, Path, Sequence[int], Mapping[str, int]]


def free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as held:
        sockets = [held.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [each.getsockname()[1] for each in sockets]


def until(is_true: Callable[[], Any], what: str, seconds: float = DEADLINE) -> Any:
    """Ask again and again until the answer is true; fail with ``what`` at the deadline."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if answer := is_true():
            return answer
        time.sleep(0.02)
    raise AssertionError(f"not within {seconds} s: {what}")


def model(name: str, base_path: Path, versions: Sequence[int], **labels: int) -> Model:
    return name, base_path, versions, labels


def config(*models: Model) -> Any:
    message = stubs.model_server_config_pb2.ModelServerConfig()
    message.model_config_list.SetInParent()
    for name, base_path, versions, labels in models:
        entry = message.model_config_list.config.add(name=name, base_path=str(base_path), model_platform="tensorflow")
        entry.model_version_policy.specific.versions.extend(versions)
        for label, version in labels.items():
            entry.version_labels[label] = version
    return message


def floats(*values: float, shape: Sequence[int] | None = None) -> Any:
    tensor = stubs.tensor_pb2.TensorProto(dtype=stubs.types_pb2.DT_FLOAT, float_val=values)
    for size in shape or (len(values), 1):
        tensor.tensor_shape.dim.add(size=size)
    return tensor


def strings(*values: str) -> Any:
    tensor = stubs.tensor_pb2.TensorProto(dtype=stubs.types_pb2.DT_STRING, string_val=[v.encode() for v in values])
    tensor.tensor_shape.dim.add(size=len(values))
    return tensor


def spec(name: str, *, version: int | None = None, label: str | None = None, signature: str = "") -> Any:
    result = stubs.model_pb2.ModelSpec(name=name, signature_name=signature)
    if version is not None:
        result.version.value = version
    if label is not None:
        result.version_label = label
    return result


class RunningServer:
    """One process, a group of its own, and a client of both its ports."""

    def __init__(self, *flags: str, ports: Sequence[int] = ()) -> None:
        self.port, self.rest_port = ports or free_ports(2)
        command = [sys.executable, "-m", "reconciler.modelserver", f"--port={self.port}", *flags]
        self._output = tempfile.TemporaryFile()  # noqa: SIM115  # lives as long as the process
        self.process = subprocess.Popen(
            [*command, f"--rest_api_port={self.rest_port}"],
            stdout=self._output,
            stderr=subprocess.STDOUT,
            cwd=Path(__file__).parents[1],
            env=os.environ | {"CUDA_VISIBLE_DEVICES": "-1"},
            start_new_session=True,
        )
        self.channel = grpc.insecure_channel(f"127.0.0.1:{self.port}")
        self._models = stubs.model_service_pb2_grpc.ModelServiceStub(self.channel)
        self.predictions = stubs.prediction_service_pb2_grpc.PredictionServiceStub(self.channel)
        self.rest = httpx.Client(base_url=f"http://127.0.0.1:{self.rest_port}", timeout=DEADLINE)

    def output(self) -> str:
        """What the process has written so far."""
        return os.pread(self._output.fileno(), 1_000_000, 0).decode()

    def wait_until_open(self) -> None:
        grpc.channel_ready_future(self.channel).result(DEADLINE)

    def reload(self, *models: Model, timeout: float = DEADLINE) -> Any:
        request = stubs.model_management_pb2.ReloadConfigRequest(config=config(*models))
        return self._models.HandleReloadConfigRequest(request, timeout=timeout)

    def statuses(self, name: str, **chosen: Any) -> list[Any]:
        request = stubs.get_model_status_pb2.GetModelStatusRequest(model_spec=spec(name, **chosen))
        return list(self._models.GetModelStatus(request, timeout=DEADLINE).model_version_status)

    def states(self, name: str) -> dict[int, int]:
        with contextlib.suppress(grpc.RpcError):
            return {status.version: status.state for status in self.statuses(name)}
        return {}

    def until_states(self, name: str, expected: dict[int, int], seconds: float = DEADLINE) -> None:
        until(lambda: self.states(name) == expected, f"{name} at {expected}, but {self.states(name)}", seconds)

    def predict(self, model_spec: Any, output_filter: Sequence[str] = (), **inputs: Any) -> Any:
        request = stubs.predict_pb2.PredictRequest(model_spec=model_spec, inputs=inputs, output_filter=output_filter)
        return self.predictions.Predict(request, timeout=DEADLINE)

    def metadata(self, model_spec: Any, *fields: str) -> Any:
        request = stubs.get_model_metadata_pb2.GetModelMetadataRequest(model_spec=model_spec, metadata_field=fields)
        return self.predictions.GetModelMetadata(request, timeout=DEADLINE)

    def kill(self) -> None:
        """End the process as a crash does; its channel stays, and finds a server that takes its place."""
        self.process.kill()
        self.process.wait()

    def stop(self) -> tuple[int, float]:
        """The exit code, and how long the process took to end."""
        began = time.monotonic()
        self.rest.close()
        self.channel.close()
        self.process.terminate()
        try:
            self.process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise
        finally:
            self._output.close()
        return self.process.returncode, time.monotonic() - began


@contextlib.contextmanager
def running(*flags: str) -> Iterator[RunningServer]:
    """A server for the time of a block."""
    server = RunningServer(*flags)
    try:
        server.wait_until_open()
        yield server
    finally:
        server.stop()


def refusal(call: Callable[[], Any]) -> tuple[str, str]:
    """Code name and text of the RPC error a call ends in."""
    try:
        answer = call()
    except grpc.RpcError as error:
        return error.code().name, error.details() or ""
    raise AssertionError(f"not refused, but answered: {answer}")
