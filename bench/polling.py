"""Memory of following a branch: 1,000 polls of a repository of 10,000 commits, a new commit before each.

Counted in this process, which does nothing else meanwhile, from the hundredth poll on: what the first ones need for
good is in the row about the idle service.
"""

import gc
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil
import pygit2

from bench import histories
from bench.measure import Row, at_most, megabytes
from reconciler.adapters.clock import SystemClock
from reconciler.adapters.git import GitMirror, GitRemote
from reconciler.adapters.ledger import SqliteLedger
from reconciler.source import Documents, Watch

POLLS = 1000
WARM = 100
LIMIT = 10e6


def rows() -> Iterator[Row]:
    """One row."""
    with tempfile.TemporaryDirectory() as folder:
        repository = Path(folder) / "desired.git"
        histories.build(repository)
        mirror = GitMirror(Path(folder) / "mirror.git", GitRemote(repository.as_uri()))
        ledger = SqliteLedger(Path(folder) / "ledger.sqlite")
        watch = Watch(mirror, Documents(mirror), ledger, SystemClock())
        used = [_after(watch, pygit2.Repository(str(repository)), number) for number in range(POLLS)]
        ledger.close()
    what = f"memory that {POLLS - WARM} polls add, {histories.COMMITS:,} commits and a new one each time"
    yield at_most(what, max(used[-1] - used[WARM], 0), LIMIT, megabytes)


def _after(watch: Watch, repository: pygit2.Repository, number: int) -> int:
    """Resident bytes after one more commit and a look at it."""
    head = repository.revparse_single("main").peel(pygit2.Commit)
    who = pygit2.Signature("Ada", "ada@example.org", int(head.commit_time) + 60, 0)
    tree = repository.TreeBuilder(head.tree)
    tree.insert("README.md", repository.create_blob(f"{number}".encode()), pygit2.enums.FileMode.BLOB)
    repository.create_commit("refs/heads/main", who, who, f"Note {number}", tree.write(), [head.id])
    if not watch.refresh().up_to_date:
        raise RuntimeError("the commit did not come into force")
    gc.collect()
    return int(psutil.Process().memory_info().rss)
