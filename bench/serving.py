"""Predict on the model server, beside calling the same signature in one process.

The model is the smallest there is, so that the server is what is measured: a real one makes every ratio better. Clients
and server share the machine's cores. Each way is measured in turns with the others, and the best round counts: on a
shared machine the others only show who else was there.
"""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from statistics import median

from bench import clients, direct, processes
from bench.measure import Row, duration

ROUNDS = 3
SECONDS = 3.0
WAYS = (("gRPC", "grpc"), ("REST", "rest"))
LEAST = 0.4  # of the direct calls' rate, at 16 clients over gRPC


def rows() -> Iterator[Row]:
    """One row per API and number of clients."""
    with tempfile.TemporaryDirectory() as folder:
        processes.export(Path(folder))
        calls: dict[int, list[float]] = {count: [] for count in direct.CLIENTS}
        asked: dict[tuple[str, int], list[clients.Answers]] = {}
        with processes.serving(Path(folder), processes.LIGHT) as served:
            for _ in range(ROUNDS):
                for name, way in WAYS:
                    for count in direct.CLIENTS:
                        answers = clients.ask(way, served.ports[way], processes.LIGHT, count, SECONDS)
                        asked.setdefault((name, count), []).append(answers)
                for count, rate in direct.rates(Path(folder, processes.LIGHT, "1"), SECONDS).items():
                    calls[count].append(rate)
    for (name, count), found in asked.items():
        yield _row(name, count, found, max(calls[count]))


def _row(name: str, count: int, found: list[clients.Answers], called: float) -> Row:
    best = max(found, key=lambda answers: answers.rate)
    ratio = best.rate / called
    p50, p99 = (duration(median(answers.percentile(share) for answers in found)) for share in (50, 99))
    limited = name == "gRPC" and count > 1
    return Row(
        f"Predict over {name}, {count} client{'s' if count > 1 else ''}",
        f"{best.rate:,.0f}/s, p50 {p50}, p99 {p99}",
        f"≥ {LEAST} ×" if limited else "",
        ratio >= LEAST or not limited,
        f"direct calls, {count} thread{'s' if count > 1 else ''}, {called:,.0f}/s",
        ratio,
    )
