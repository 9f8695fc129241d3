"""The recipe of docs/verified-source.md works as it is written: every command is run, in order, in one shell."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from signing import gnupg

PAGE = Path(__file__).resolve().parent.parent / "docs" / "verified-source.md"


@pytest.fixture
def gpg_home() -> Iterator[Path]:
    with gnupg() as made:
        yield made.home


def script() -> str:
    """Every bash block but the first, which starts a service."""
    blocks = re.findall(r"^```bash\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    return "set -e\n" + "\n".join(blocks[1:])


@pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="ssh-keygen is not installed")
def test_recipe_runs_and_its_commits_are_verified(tmp_path: Path, gpg_home: Path) -> None:
    program = tmp_path / "bin" / "reconciler"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m reconciler "$@"\n')
    program.chmod(0o755)
    here = str(PAGE.parent.parent)
    environment = {
        **os.environ,
        "HOME": str(tmp_path),
        "GNUPGHOME": str(gpg_home),
        "PATH": f"{program.parent}:{os.environ['PATH']}",
        "PYTHONPATH": here,
        "RECONCILER_STATE": str(tmp_path / "state"),
    }
    done = subprocess.run(
        ["sh", "-c", script()], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("is valid") == 3
