"""Following a branch for months costs no memory: what a poll needs is let go of, whether or not the branch moved."""

import gc
import tracemalloc
from collections.abc import Callable
from pathlib import Path

from repositories import Repository

from reconciler.adapters.clock import SystemClock
from reconciler.adapters.git import GitMirror, GitRemote
from reconciler.sim.ledger import MemoryLedger, Pages
from reconciler.source import Documents, Watch

FLEET = """
apiVersion: reconciler.tfserving/v1alpha1
kind: Fleet
metadata: {name: eu}
spec: {servers: [{name: gpu-1, grpc: "gpu-1:8500"}]}
"""
POLLS = 30


def grown(call: Callable[[int], object]) -> float:
    """Bytes of Python's memory that each of many calls leaves behind, after as many to warm up."""
    for number in range(POLLS):
        call(number)
    gc.collect()
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    for number in range(POLLS, 2 * POLLS):
        call(number)
    gc.collect()
    after, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return (after - before) / POLLS


def test_polls_of_a_branch_that_moves_each_time_leave_nothing_behind(tmp_path: Path) -> None:
    repository = Repository(tmp_path / "desired.git")
    mirror = GitMirror(tmp_path / "mirror.git", GitRemote(repository.url))
    watch = Watch(mirror, Documents(mirror), MemoryLedger(Pages()), SystemClock())

    def move_and_look(number: int) -> None:
        repository.commit({"fleet.yaml": FLEET, "README.md": str(number)})
        assert watch.refresh().up_to_date

    assert grown(move_and_look) < 150


def test_polls_of_a_branch_that_rests_leave_nothing_behind(tmp_path: Path) -> None:
    repository = Repository(tmp_path / "desired.git")
    repository.commit({"fleet.yaml": FLEET})
    mirror = GitMirror(tmp_path / "mirror.git", GitRemote(repository.url))
    watch = Watch(mirror, Documents(mirror), MemoryLedger(Pages()), SystemClock())
    assert grown(lambda _: watch.refresh()) < 50
