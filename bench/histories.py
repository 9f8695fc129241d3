"""`reconciler history` in a repository of 10,000 commits: a model that changed in ten of them, one in all the last 50.

The whole command is measured, from the start of the process; beside it `git log --first-parent -- FILE`, which finds
the same commits and says nothing of what they mean.
"""

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from bench.measure import Row, duration, seconds
from bench.parsing import FLEET, MODEL

COMMITS = 10_000
MODELS = 500
RARE, BUSY = 0, 1
LIMIT = 1.0


def rows() -> Iterator[Row]:
    """One row for each of the two models, and one for everything."""
    with tempfile.TemporaryDirectory() as folder:
        repository = Path(folder) / "desired.git"
        build(repository)
        for number, what in ((RARE, "a model changed in 10 of them"), (BUSY, "one changed in all the last 50")):
            yield _row(repository, number, f"`history` of {COMMITS:,} commits, {what}")
        yield _everything(repository)


def build(repository: Path) -> None:
    """A repository with that many commits, each of which changes one model's file, packed as a fetch packs it."""
    subprocess.run(["git", "init", "-q", "--bare", "-b", "main", repository], check=True)
    feed = "".join(_stream()).encode()
    subprocess.run(["git", "-C", repository, "fast-import", "--quiet"], input=feed, check=True)
    subprocess.run(["git", "-C", repository, "gc", "-q"], check=True)


def changed(commit: int) -> int:
    """The model whose file a commit changes, commits counted from 0."""
    if commit >= COMMITS - 50:
        return BUSY
    return RARE if commit % (COMMITS // 10) == 1 else 2 + commit % (MODELS - 2)


def path(number: int) -> str:
    """Where a model's file lies."""
    return f"models/team-{number % 20:02}/model-{number:05}.yaml"


def _stream() -> Iterator[str]:
    """What `git fast-import` reads: all files in the first commit, one in every other."""
    yield _commit(0, [("fleet.yaml", FLEET), *((path(each), _text(each, 1)) for each in range(MODELS))])
    for commit in range(1, COMMITS):
        number = changed(commit)
        yield _commit(commit, [(path(number), _text(number, commit + 1))])


def _commit(number: int, files: list[tuple[str, str]]) -> str:
    message = f"Change {number}"
    head = f"commit refs/heads/main\ncommitter Ada <ada@example.org> {1_700_000_000 + 60 * number} +0000\n"
    parts = [f"{head}data {len(message)}\n{message}\n"]
    parts += [f"M 100644 inline {where}\ndata {len(text)}\n{text}\n" for where, text in files]
    return "".join(parts)


def _text(number: int, version: int) -> str:
    return MODEL.format(number=number, version=version, canary=version + 1)


def _row(repository: Path, number: int, what: str) -> Row:
    ours = seconds(lambda: _ask(repository, f"model-{number:05}"), 5)
    log = ["git", "-C", str(repository), "log", "--first-parent", "--format=%H", "-n", "20", "main", "--", path(number)]
    git = seconds(lambda: subprocess.run(log, check=True, capture_output=True), 5)
    return Row(what, duration(ours), "≤ 1 s", ours <= LIMIT, f"`git log -- FILE`, {duration(git)}", ours / git)


def _everything(repository: Path) -> Row:
    ours = seconds(lambda: _ask(repository), 5)
    return Row(f"`history` of {COMMITS:,} commits, every model", duration(ours), "≤ 1 s", ours <= LIMIT)


def _ask(repository: Path, *model: str) -> None:
    state = repository.parent / "state"
    command = [sys.executable, "-m", "reconciler", "history", *model, "--repo", str(repository), "--state", str(state)]
    subprocess.run(command, check=True, capture_output=True)
