"""Memory of the model server: of a loaded version, after its unload, and what a hundred rounds of both leave behind."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

from bench import processes
from bench.measure import Row, megabytes

SIZE = 100_000_000
WARMING, ROUNDS = 20, 100
MOST = 0.02  # of the model's size, per round


def rows() -> Iterator[Row]:
    """What a loaded version takes beyond its size, and what stays."""
    with tempfile.TemporaryDirectory() as folder:
        processes.export(Path(folder), SIZE)
        with processes.serving(Path(folder)) as served:
            full, empty = _round(served)
            for _ in range(WARMING - 1):
                full, empty = _round(served)
            before = empty
            for _ in range(ROUNDS):
                full, empty = _round(served)
    held = (full - empty) / SIZE
    growth = (empty - before) / ROUNDS / SIZE
    yield Row(
        f"memory given back by an unload, model of {SIZE // 10**6} MB",
        megabytes(full - empty),
        "≥ 0.95 ×",
        held >= 0.95,
        "its size",
        held,
    )
    yield Row(
        f"memory left behind per load and unload, {ROUNDS} rounds after {WARMING}",
        f"{max(empty - before, 0) / ROUNDS / 1e3:.0f} KB, {growth:.3%} of the model",
        f"≤ {MOST:.0%}",
        growth <= MOST,
    )
    yield Row("memory of the model server without models", megabytes(empty), "", True)


def _round(served: processes.Served) -> tuple[int, int]:
    """Resident bytes with the model and after it."""
    served.reload(processes.HEAVY)
    full = served.memory()
    served.reload()
    served.until_ended(processes.HEAVY)
    return full, served.memory()
