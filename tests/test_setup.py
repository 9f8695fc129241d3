"""The Makefile's search for a Python takes one that works, or says in one sentence what is missing."""

import os
import re
import subprocess
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parent.parent

WORKING = """#!/bin/sh
case "$2" in *ensurepip*) echo "{path}" ;; *) echo {version} ;; esac
"""
WITHOUT_VENV = """#!/bin/sh
case "$2" in *ensurepip*) exit 1 ;; *) echo {version} ;; esac
"""
SHIM = """#!/bin/sh
echo "pyenv: command not found" >&2
exit 127
"""


def find(folder: Path, interpreters: dict[str, str], wanted: str = "") -> subprocess.CompletedProcess[str]:
    """Search among these interpreters only: name to script."""
    for name, script in interpreters.items():
        (folder / name).write_text(script, encoding="utf-8")
        (folder / name).chmod(0o755)
    environment = {**os.environ, "PATH": str(folder)}
    command = ["/bin/sh", str(ROOT / ".ci" / "find-python"), wanted]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=10, check=False)


def working(folder: Path, name: str, version: str) -> str:
    return WORKING.format(path=folder / name, version=version)


def test_newest_supported_python_is_taken(tmp_path: Path) -> None:
    done = find(tmp_path, {name: working(tmp_path, name, name[6:]) for name in ("python3.11", "python3.13")})
    assert done.stdout.strip() == str(tmp_path / "python3.13")


def test_shim_that_only_prints_an_error_is_passed_over(tmp_path: Path) -> None:
    done = find(tmp_path, {"python3.13": SHIM, "python3": working(tmp_path, "python3", "3.12")})
    assert done.stdout.strip() == str(tmp_path / "python3")


def test_python_without_venv_is_passed_over_for_one_with_it(tmp_path: Path) -> None:
    without = WITHOUT_VENV.format(version="3.13")
    done = find(tmp_path, {"python3.13": without, "python3.11": working(tmp_path, "python3.11", "3.11")})
    assert done.stdout.strip() == str(tmp_path / "python3.11")


def test_missing_venv_module_is_named_with_the_package_that_brings_it(tmp_path: Path) -> None:
    done = find(tmp_path, {"python3.12": WITHOUT_VENV.format(version="3.12")})
    assert done.returncode == 1
    assert "apt install python3.12-venv" in done.stderr


@pytest.mark.parametrize("version", ["3.10", "3.14", "2.7"])
def test_unsupported_python_gives_one_sentence(version: str, tmp_path: Path) -> None:
    done = find(tmp_path, {"python3": working(tmp_path, "python3", version)})
    assert done.returncode == 1
    assert f"python3 is {version}" in done.stderr
    assert done.stderr.count("\n") == 1


def test_no_python_at_all_gives_one_sentence(tmp_path: Path) -> None:
    done = find(tmp_path, {})
    assert done.returncode == 1
    assert "no python3 in PATH" in done.stderr


def test_named_python_that_does_not_run_is_an_error_not_a_search(tmp_path: Path) -> None:
    done = find(tmp_path, {"python3.12": working(tmp_path, "python3.12", "3.12")}, wanted="/nowhere/python3.12")
    assert done.returncode == 1
    assert "PYTHON=/nowhere/python3.12 cannot be used" in done.stderr


def test_lock_holds_versions_and_nothing_of_the_site_it_was_made_on() -> None:
    lines = [line for line in (ROOT / "requirements.lock").read_text(encoding="utf-8").splitlines() if line[0] != "#"]
    assert [line for line in lines if not re.fullmatch(r"[a-z0-9-]+==[0-9][\w.]*( ; python_version .*)?", line)] == []


def test_lock_covers_what_pyproject_names_in_the_ranges_it_names() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    groups = [line for group in project["dependency-groups"].values() for line in group]
    wanted = [Requirement(line) for line in [*project["project"]["dependencies"], *groups]]
    lines = (ROOT / "requirements.lock").read_text(encoding="utf-8").splitlines()
    locked = dict(line.split("==") for line in lines if "==" in line and ";" not in line)
    assert [str(each) for each in wanted if not each.specifier.contains(locked.get(each.name, "0"))] == []
