import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from cli_world import World, promoted


@pytest.fixture
def world(tmp_path: Path) -> World:
    return promoted(tmp_path)


@pytest.fixture
def service(world: World) -> "Iterator[subprocess.Popen[str]]":
    """`reconciler run` as a process, once it has its state directory; its server is down, which is of no matter."""
    command = [sys.executable, "-m", "reconciler", "run", "--repo", str(world.repo), "--state", str(world.state)]
    process = subprocess.Popen([*command, "--log-format", "json"], stderr=subprocess.PIPE, text=True, env=os.environ)
    assert process.stderr is not None
    assert "service started" in process.stderr.readline()
    yield process
    process.kill()
    process.communicate()


def test_sigterm_ends_the_service_at_once_with_0_and_json_lines(service: "subprocess.Popen[str]") -> None:
    service.send_signal(signal.SIGTERM)
    began = time.monotonic()
    _, err = service.communicate(timeout=5)
    assert service.returncode == 0
    assert time.monotonic() - began < 5
    assert [json.loads(line)["event"] for line in err.splitlines()][-1] == "service ended"


def test_apply_and_a_second_run_are_refused_by_name_and_sync_is_answered(
    world: World, service: "subprocess.Popen[str]"
) -> None:
    refused = world.call("apply")
    assert (refused.code, f"process {service.pid}" in refused.err) == (3, True)
    assert world.call("run").code == 3
    synced = world.call("sync")
    assert (synced.code, "git was asked" in synced.err) == (0, True)
    assert "eu/gpu-1" in world.call("status").out


def test_running_service_never_loads_tensorflow_proper(world: World, service: "subprocess.Popen[str]") -> None:
    world.call("sync")
    maps = Path(f"/proc/{service.pid}/maps")
    if not maps.exists():
        pytest.skip("only Linux shows the memory maps of a process")
    assert "libtensorflow" not in maps.read_text()
