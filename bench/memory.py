"""Memory of the idle service as it is run: `reconciler run` on a repository with one server that is converged.

The server is an endpoint with fixed answers, so that the row is about the service alone.
"""

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psutil

from bench import parsing
from bench.looking import Endpoints
from bench.measure import Row, at_most, megabytes

SETTLING = 8.0  # seconds: the first looks, a fence, and some idle ones
AUTHOR = {f"GIT_{role}_{field}": "bench@example.com" for role in ("AUTHOR", "COMMITTER") for field in ("NAME", "EMAIL")}


def rows() -> Iterator[Row]:
    """One row."""
    answering = Endpoints(1)
    with tempfile.TemporaryDirectory() as folder:
        repository = Path(folder) / "fleet"
        _commit(repository, f"127.0.0.1:{answering.ports[0]}")
        command = [sys.executable, "-m", "reconciler", "run", "--repo", str(repository), "--state", f"{folder}/state"]
        service = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(SETTLING)
        used = psutil.Process(service.pid).memory_info().rss
        service.send_signal(signal.SIGTERM)
        service.wait(30)
    answering.close()
    yield at_most("memory of the idle service, one server", used, 80e6, megabytes)


def _commit(repository: Path, address: str) -> None:
    fleet = parsing.FLEET.replace("s1.internal:8500", address).replace("spec:\n", "spec:\n  allowUnseenStorage: true\n")
    model = parsing.MODEL.format(number=0, version=1, canary=2).replace("[1, 2]", "[1]").replace("    canary: 2\n", "")
    repository.mkdir()
    (repository / "fleet.yaml").write_text(fleet, encoding="utf-8")
    (repository / "model.yaml").write_text(model, encoding="utf-8")
    for line in ("init --quiet --initial-branch=main", "add .", "commit --quiet --message=one"):
        subprocess.run(["git", *line.split()], cwd=repository, env={**os.environ, **AUTHOR}, check=True)
