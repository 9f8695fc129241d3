"""The README's first own repository works as written, on the embedded model server in place of a real one.

Documents, server flags and commands are taken from the page; only paths, ports, addresses and `run` (which would not
end; `apply` does) differ.
"""

import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest

from reconciler.wire import stubs

ROOT = Path(__file__).resolve().parent.parent
PAGE = (ROOT / "README.md").read_text(encoding="utf-8")
SECTION = PAGE.split("## Your first own repository", 1)[1].split("\n## ", 1)[0]
AUTHOR = {
    f"GIT_{role}_{field}": "reader@example.com" for role in ("AUTHOR", "COMMITTER") for field in ("NAME", "EMAIL")
}
PATIENCE = 60

pytestmark = pytest.mark.serving


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", SECTION, re.DOTALL)


class Reader:
    """Somebody who follows the page in an empty folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.repository = folder / "fleet"
        self.port = free_port()
        self.repository.mkdir()
        self.environment = {**os.environ, **AUTHOR, "PYTHONPATH": str(ROOT), "RECONCILER_STATE": str(folder / "state")}

    def as_here(self, text: str) -> str:
        """The text with this machine's paths, ports and programs."""
        for there, here in (
            ("/srv/models", str(self.folder / "models")),
            ("basePath: /models", f"basePath: {self.folder}/models"),
            ("serverPath: /models", f"serverPath: {self.folder}/models"),
            ("gpu-1.internal:8500", f"127.0.0.1:{self.port}"),
            ("--port=8500 --rest_api_port=8501", f"--port={self.port}"),
            ("tensorflow_model_server", f"exec {sys.executable} -m reconciler model-server"),
            ("reconciler run", "reconciler apply"),
        ):
            text = text.replace(there, here)
        return text

    def bash(self, script: str) -> str:
        """Run lines of the page in the repository."""
        programs = f'python() {{ "{sys.executable}" "$@"; }}; reconciler() {{ python -m reconciler "$@"; }}'
        command = f"set -e; {programs}\n{self.as_here(script)}"
        done = subprocess.run(
            ["bash", "-c", command],
            cwd=self.repository,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def write(self) -> None:
        """The two documents of the page."""
        for name, text in zip(("fleet.yaml", "fashion.yaml"), blocks("yaml"), strict=True):
            (self.repository / name).write_text(self.as_here(text), encoding="utf-8")

    def label(self, name: str) -> int:
        """The version that a label means on the server."""
        request = stubs.get_model_metadata_pb2.GetModelMetadataRequest(metadata_field=["signature_def"])
        request.model_spec.name, request.model_spec.version_label = "fashion", name
        with grpc.insecure_channel(f"127.0.0.1:{self.port}") as channel:
            stub = stubs.prediction_service_pb2_grpc.PredictionServiceStub(channel)
            return int(stub.GetModelMetadata(request, timeout=PATIENCE).model_spec.version.value)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as held:
        return int(held.getsockname()[1])


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reader]:
    """The page followed until the server runs and the documents are written."""
    reader = Reader(tmp_path_factory.mktemp("reader"))
    export = blocks("bash")[1]
    reader.bash(export)
    reader.bash(export.replace(", 1)", ", 2)"))
    reader.write()
    with (reader.folder / "server.log").open("w") as log:
        start = reader.as_here(blocks("bash")[0])
        server = subprocess.Popen(
            ["bash", "-c", start], cwd=reader.folder, env=reader.environment, stdout=log, stderr=log
        )
        try:
            wait_until_open(reader.port)
            yield reader
        finally:
            server.terminate()
            server.wait(PATIENCE)


def wait_until_open(port: int) -> None:
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        grpc.channel_ready_future(channel).result(PATIENCE)


def test_following_the_page_serves_the_model_and_a_revert_goes_back(reader: Reader) -> None:
    began = time.monotonic()
    reader.bash(blocks("bash")[2])
    assert reader.label("stable") == 1

    document = reader.repository / "fashion.yaml"
    document.write_text(document.read_text().replace("[1]", "[2]").replace("stable: 1", "stable: 2"))
    assert "stable  1 → 2" in reader.bash("git commit --all --message 'fashion 2 is stable'; reconciler plan")
    reader.bash("reconciler apply")
    assert reader.label("stable") == 2

    reader.bash("git revert --no-edit HEAD; reconciler apply")
    assert reader.label("stable") == 1
    assert "fashion" in reader.bash("reconciler status; reconciler explain fashion")
    assert time.monotonic() - began < PATIENCE
