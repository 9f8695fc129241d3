"""`plan --from --to --storage`: what model files alone can tell reviewers, with no server asked."""

import os
from pathlib import Path

import pytest
from cli_world import World, promoted
from exports import saved_model

SIZE = 10 << 20


def export(folder: Path, version: int, output: str = "y") -> None:
    """A version directory at rest whose signature answers by that name, of about 10 MiB."""
    here = folder / "models" / "half" / str(version)
    (here / "variables").mkdir(parents=True)
    (here / "saved_model.pb").write_bytes(saved_model({"serving_default": ("x", output)}))
    (here / "variables" / "variables.index").write_bytes(b"i")
    (here / "variables" / "variables.data-00000-of-00001").write_bytes(b"d" * SIZE)
    for path in (here / "variables", here, here.parent, *here.rglob("*")):
        os.utime(path, (1_700_000_000, 1_700_000_000))


@pytest.fixture
def world(tmp_path: Path) -> World:
    world = promoted(tmp_path)
    world.git("reset", "--quiet", "--hard", "HEAD~1")
    fleet = (world.repo / "fleet.yaml").read_text()
    fleet = fleet.replace("file:///nowhere", f"file://{tmp_path}/models")
    (world.repo / "fleet.yaml").write_text(
        fleet.replace('grpc: "127.0.0.1:9"', 'grpc: "127.0.0.1:9", memory: {budget: 30MiB, reserve: 2MiB}')
    )
    world.commit("a server with a budget")
    document = (world.repo / "half.yaml").read_text()
    (world.repo / "half.yaml").write_text(document.replace("[1]", "[2]").replace("stable: 1", "stable: 2"))
    world.commit("half 2 instead of 1")
    return world


def reviewed(world: World) -> str:
    shown = world.call("plan", "--from", "HEAD~1", "--to", "HEAD", "--storage", "-o", "markdown")
    assert shown.code == 0, shown.err
    return shown.out


def test_a_label_move_says_how_compatible_the_exports_are(world: World, tmp_path: Path) -> None:
    export(tmp_path, 1)
    export(tmp_path, 2)
    text = reviewed(world)
    assert "| <code>half</code> | stable 1 → 2 | compatible" in text
    assert "Storage" not in text


def test_a_break_is_named_and_would_stop_the_merge(world: World, tmp_path: Path) -> None:
    export(tmp_path, 1)
    export(tmp_path, 2, output="z")
    text = reviewed(world)
    assert "<code>SignatureBreak</code>" in text
    assert "**For clients: what labels go to**" in text


def test_a_version_whose_files_are_gone_fails_in_the_pull_request(world: World, tmp_path: Path) -> None:
    export(tmp_path, 1)
    text = reviewed(world)
    assert "half 2 | <code>ArtifactMissing</code>" in text


def test_memory_is_shown_before_at_the_peak_and_after(world: World, tmp_path: Path) -> None:
    export(tmp_path, 1)
    export(tmp_path, 2)
    assert "| <code>eu/gpu-1</code> | 12 MiB | 24 MiB | 12 MiB | 28 MiB | – |" in reviewed(world)


def test_storage_that_cannot_be_seen_is_said_and_the_files_are_taken_to_be_there(world: World) -> None:
    fleet = (world.repo / "fleet.yaml").read_text()
    (world.repo / "fleet.yaml").write_text(fleet.replace("serverPath: /models", "serverPath: /elsewhere"))
    world.commit("storage is not mapped")
    shown = world.call("plan", "--from", "HEAD~2", "--to", "HEAD", "--storage", "-o", "markdown").out
    assert "Storage of /models/half was not seen: no spec.storage" in shown
    assert "load 2" in shown
