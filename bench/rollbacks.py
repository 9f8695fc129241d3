"""The commit of a rollback in a repository of 10,000 commits: chosen, made, and read back as a whole tree.

Measured inside one process, from the followed branch's head to the new commit; asking servers and pushing are the
network's time. Beside it `git revert` of one commit in a work tree, which chooses nothing and reads nothing back.
"""

import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from bench.histories import COMMITS, RARE, build
from bench.measure import Row, duration, seconds
from reconciler.cli import committing
from reconciler.cli.backwards import Ask
from reconciler.cli.options import CommitOptions
from reconciler.cli.rollback import Maker

LIMIT = 0.5


def rows() -> Iterator[Row]:
    """One row."""
    with tempfile.TemporaryDirectory() as folder:
        repository, state = Path(folder) / "desired.git", Path(folder) / "state"
        build(repository)
        options = CommitOptions(repo=str(repository))
        place = committing.workplace(options, state)
        head = place.mirror.poll()
        if head is None:
            raise RuntimeError("the repository is empty")
        maker = Maker(Ask((f"model-{RARE:05}",), offline=True), place, options, state)
        ours = seconds(lambda: maker.make(head), 5)
        git = _git_reverts(repository, Path(folder) / "clone")
        what = f"the commit of a rollback in {COMMITS:,} commits"
        yield Row(what, duration(ours), "≤ 0.5 s", ours <= LIMIT, f"`git revert`, {duration(git)}", ours / git)


def _git_reverts(repository: Path, clone: Path) -> float:
    subprocess.run(["git", "clone", "-q", str(repository), str(clone)], check=True)
    revert = ["git", "-C", str(clone), "-c", "user.name=A", "-c", "user.email=a@example.org", "revert", "--no-edit"]
    return seconds(lambda: subprocess.run([*revert, "HEAD"], check=True, capture_output=True), 5)
