"""The REST front in this process: the real host, the real core and disk, and versions whose arithmetic is NumPy's.

Only the loader is ours, through the host's ``Outside``: version N answers ``x / 2 + N + 1``, echoes what it is given,
and reads ``x`` out of examples.
"""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx
import numpy as np

from reconciler.modelserver.core import All, Code, Core, Flags, ModelConfig, ServerConfig, Status
from reconciler.modelserver.disk import LocalDisk
from reconciler.modelserver.host import Host, Outside
from reconciler.modelserver.restfront import RestFront, RestSettings
from reconciler.modelserver.savedmodel import SavedModel
from reconciler.modelserver.statuses import StatusError
from reconciler.modelserver.tensors import Array, Proto
from reconciler.wire.stubs import input_pb2, meta_graph_pb2, types_pb2

EXAMPLE: Any = type(input_pb2.ExampleList().examples.add())
FLOAT, STRING = types_pb2.DT_FLOAT, types_pb2.DT_STRING
SCALARS = ("double", "int32", "int16", "int8", "uint8", "int64", "bool", "uint32", "uint64", "string", "float", "half")


def signature(inputs: Mapping[str, int], outputs: Mapping[str, int], method: str = "predict") -> Proto:
    """A signature whose tensors are called as their aliases."""
    made = meta_graph_pb2.SignatureDef(method_name=f"tensorflow/serving/{method}")
    for field, aliases in ((made.inputs, inputs), (made.outputs, outputs)):
        for alias, dtype in aliases.items():
            field[alias].name = f"{alias}:0"
            field[alias].dtype = dtype
    return made


def _echo(alias: str) -> Callable[[Mapping[str, Array]], Array]:
    return lambda feeds: feeds[f"{alias}:0"]


def signatures() -> dict[str, Proto]:
    """Every signature of every version."""
    dtypes = {name: getattr(types_pb2, f"DT_{name.upper()}") for name in SCALARS}
    return {
        "serving_default": signature({"x": FLOAT}, {"y": FLOAT}),
        "two": signature({"a": FLOAT, "b": STRING}, {"a": FLOAT, "b": STRING}),
        "bytes": signature({"b": STRING}, {"b": STRING, "b_bytes": STRING}),
        "total": signature({"x": FLOAT}, {"total": FLOAT}),
        "ragged": signature({"x": FLOAT}, {"y": FLOAT, "total": FLOAT}),
        "uneven": signature({"x": FLOAT}, {"y": FLOAT, "pair": FLOAT}),
        "complex": signature({"x": FLOAT}, {"z": types_pb2.DT_COMPLEX64}),
        "nothing": signature({}, {"total": FLOAT}),
        "late": signature({"x": FLOAT}, {"late": FLOAT}),
        "broken": signature({"x": FLOAT}, {"broken": FLOAT}),
        "classify": signature({"inputs": STRING}, {"scores": FLOAT, "classes": STRING}, "classify"),
        "regress": signature({"inputs": STRING}, {"outputs": FLOAT}, "regress"),
        **{f"echo_{name}": signature({name: dtype}, {name: dtype}) for name, dtype in dtypes.items()},
    }


class Arithmetic:
    """What a session does for those signatures."""

    def __init__(self, version: int) -> None:
        self._version = version

    def run(self, feeds: Mapping[str, Array], fetches: Sequence[str], *, timeout_ms: int = 0) -> list[Array]:
        return [self._value(name.removesuffix(":0"), feeds, timeout_ms) for name in fetches]

    def close(self) -> None:
        """Nothing is held."""

    def _value(self, name: str, feeds: Mapping[str, Array], timeout_ms: int) -> Array:
        if name in {"a", "b", *SCALARS}:
            return feeds[f"{name}:0"]
        if name == "b_bytes":
            return feeds["b:0"]
        if name in {"outputs", "scores", "classes"}:
            return self._of_examples(name, feeds["inputs:0"])
        if name == "late" and timeout_ms > 0:
            raise StatusError(Code.DEADLINE_EXCEEDED, "Timed out waiting for notification")
        if name == "broken":
            raise RuntimeError("a fault of ours")
        return self._of_x(name, feeds.get("x:0", np.zeros(0, np.float32)))

    def _of_x(self, name: str, x: Array) -> Array:
        values: dict[str, Callable[[], Array]] = {
            "y": lambda: (x / 2 + self._version + 1).astype(np.float32),
            "late": lambda: x,
            "total": lambda: np.array(x.sum(), np.float32),
            "pair": lambda: np.zeros(2, np.float32),
            "z": lambda: x.astype(np.complex64),
        }
        return values[name]()

    def _of_examples(self, name: str, examples: Array) -> Array:
        numbers = []
        for raw in examples:
            features = EXAMPLE.FromString(raw).features.feature
            numbers.append(sum(features["x"].float_list.value) / 2 + self._version + 1)
        points = np.array(numbers, np.float32).reshape(-1, 1)
        return points if name != "classes" else np.array([[b"c%d" % round(each)] for each in numbers], dtype=object)


def load(path: str) -> SavedModel:
    """The loader."""
    return SavedModel(Arithmetic(int(Path(path).name)), signatures())  # type: ignore[arg-type]


@contextlib.asynccontextmanager
async def host_with(folder: Path, *versions: int, name: str = "m", labels: Mapping[str, int] | None = None) -> Any:
    """A host that serves these versions of one model."""
    for version in versions:
        (folder / name / str(version)).mkdir(parents=True)
    flags = Flags(max_num_load_retries=0, allow_version_labels_for_unavailable_models=True, num_load_threads=2)
    outside = Outside(load=load, read_config=lambda: Status(Code.UNKNOWN, "there is no file"))
    host = Host(Core(flags, LocalDisk(), 0.0), outside, 4)
    config = ModelConfig(
        name, str(folder / name), policy=All(), platform="tensorflow", labels=tuple((labels or {}).items())
    )
    try:
        status = await host.start(ServerConfig((config,)))
        assert status.ok, status
        async with asyncio.timeout(20):
            while any(  # noqa: ASYNC110  # nothing but a look tells
                each.state.name != "AVAILABLE" for each in host.get_model_status(name, None)
            ):
                await asyncio.sleep(0.01)
        yield host
    finally:
        host.close()


class Rest:
    """A client of the front, within the process."""

    def __init__(self, front: RestFront, host: Host) -> None:
        self.host = host
        self._client = httpx.AsyncClient(
            transport=httpx.ASGITransport(app=front, raise_app_exceptions=True), base_url="http://server"
        )

    async def send(self, verb: str, path: str, body: Any = b"", **headers: str) -> httpx.Response:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return await self._client.request(verb, path, content=content, headers=named)

    async def post(self, path: str, body: Any, **headers: str) -> tuple[int, str]:
        """Code and body of the answer to a call below ``/v1/models/``."""
        response = await self.send("POST", f"/v1/models/{path}", body, **headers)
        assert response.headers["content-type"] == "application/json"
        return response.status_code, response.content.decode("utf-8", "surrogateescape")

    async def get(self, path: str) -> tuple[int, str]:
        response = await self.send("GET", path)
        return response.status_code, response.text

    async def refusal(self, path: str, body: Any, **headers: str) -> tuple[int, str]:
        """Code and error text."""
        code, text = await self.post(path, body, **headers)
        document = json.loads(text)
        assert list(document) == ["error"]
        return code, document["error"]


@contextlib.asynccontextmanager
async def serving(
    folder: Path, *versions: int, settings: RestSettings | None = None, labels: Mapping[str, int] | None = None
) -> AsyncIterator[Rest]:
    """The front of a server with these versions of model ``m``."""
    async with host_with(folder, *versions, labels=labels) as host:
        yield Rest(RestFront(host, settings or RestSettings()), host)
