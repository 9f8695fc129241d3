"""`.pre-commit-hooks.yaml`: what pre-commit would run, run; and with pre-commit itself where it is installed."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

TOP = Path(__file__).parents[2]
HOOKS: list[dict[str, Any]] = yaml.safe_load((TOP / ".pre-commit-hooks.yaml").read_text())
BAD = "apiVersion: reconciler.tfserving/v1alpha1\nkind: Model\nmetadata: {name: half}\nspec: {nonsense: 1}\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A repository as the example one, with everything staged."""
    work = tmp_path / "work"
    shutil.copytree(TOP / "examples_repo", work)
    subprocess.run(["git", "init", "--quiet", str(work)], check=True)
    subprocess.run(["git", "-C", str(work), "add", "--all"], check=True)
    return work


def environment(folder: Path) -> dict[str, str]:
    """With this reconciler on the PATH."""
    tools = folder.parent / "bin"
    tools.mkdir(exist_ok=True)
    (tools / "reconciler").write_text(f'#!/bin/sh\nPYTHONPATH={TOP} exec {sys.executable} -m reconciler "$@"\n')
    (tools / "reconciler").chmod(0o755)
    return {**os.environ, "PATH": f"{tools}:{os.environ['PATH']}", "PRE_COMMIT_HOME": str(folder.parent / "home")}


def call(hook: dict[str, Any], folder: Path) -> subprocess.CompletedProcess[str]:
    command = [*hook["entry"].split(), *hook["args"]]
    return subprocess.run(
        command, cwd=folder, env=environment(folder), capture_output=True, text=True, timeout=60, check=False
    )


def test_the_ids_are_those_that_the_docs_name() -> None:
    assert [hook["id"] for hook in HOOKS] == ["reconciler-validate", "reconciler-validate-system"]
    assert all(hook["pass_filenames"] is False for hook in HOOKS)


@pytest.mark.parametrize("hook", HOOKS, ids=lambda hook: str(hook["id"]))
def test_sound_documents_pass(hook: dict[str, Any], folder: Path) -> None:
    done = call(hook, folder)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("hook", HOOKS, ids=lambda hook: str(hook["id"]))
def test_a_broken_document_fails_with_file_and_line(hook: dict[str, Any], folder: Path) -> None:
    (folder / "models" / "half_plus_two.yaml").write_text(BAD)
    done = call(hook, folder)
    assert (done.returncode, "models/half_plus_two.yaml:4:" in done.stdout) == (1, True)


@pytest.mark.skipif(shutil.which("pre-commit") is None, reason="pre-commit is not installed")
@pytest.mark.parametrize(("broken", "code"), [(False, 0), (True, 1)])
def test_pre_commit_itself_runs_the_hook(folder: Path, broken: bool, code: int) -> None:
    if broken:
        (folder / "models" / "half_plus_two.yaml").write_text(BAD)
    command = ["pre-commit", "try-repo", str(TOP), "reconciler-validate-system", "--all-files"]
    done = subprocess.run(
        command, cwd=folder, env=environment(folder), capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == code, done.stdout + done.stderr
    assert ("half_plus_two.yaml:4:" in done.stdout) == broken
