"""How long a person waits for `reconciler --version`, and for a bare interpreter on the same machine."""

import subprocess
import sys
from collections.abc import Iterator

from bench.measure import Row, duration, seconds


def rows() -> Iterator[Row]:
    """One row: the command as installed, warm file caches."""
    command = [sys.executable, "-m", "reconciler", "--version"]
    bare = [sys.executable, "-c", "pass"]
    subprocess.run(command, check=True, capture_output=True)
    ours = seconds(lambda: subprocess.run(command, check=True, capture_output=True), 11)
    python = seconds(lambda: subprocess.run(bare, check=True, capture_output=True), 11)
    against = f"`python -c pass`, {duration(python)}"
    yield Row("`reconciler --version`", duration(ours), "≤ 250 ms", ours <= 0.25, against, ours / python)
