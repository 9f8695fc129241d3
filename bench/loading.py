"""Answers of one model while another, big one is loaded and unloaded again and again; and how long a start takes."""

import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median

from bench import clients, processes
from bench.measure import Row, duration

BIG = 200_000_000
SECONDS = 6.0
MOST = 6.0  # times the idle p99: what TensorFlow Serving itself was seen to need while a big model loads
STARTS = 5


def rows() -> Iterator[Row]:
    """The p99 of the other model, idle and while loading; the time to open ports."""
    with tempfile.TemporaryDirectory() as folder:
        processes.export(Path(folder), BIG)
        yield from _while_loading(Path(folder))
        yield from _starts(Path(folder))


def _while_loading(folder: Path) -> Iterator[Row]:
    with processes.serving(folder, processes.LIGHT) as served:
        idle = clients.ask("grpc", served.ports["grpc"], processes.LIGHT, 1, SECONDS)
        done = threading.Event()
        loads: list[float] = []
        loading = threading.Thread(target=_load_again, args=(served, done, loads))
        loading.start()
        busy = clients.ask("grpc", served.ports["grpc"], processes.LIGHT, 1, SECONDS)
        done.set()
        loading.join()
    ratio = busy.percentile(99) / idle.percentile(99)
    slowest = duration(max(busy.latencies))
    yield Row(
        f"p99 of Predict while another model of {BIG // 10**6} MB loads, {len(loads)} times",
        f"{duration(busy.percentile(99))}, slowest {slowest}",
        f"≤ {MOST:g} ×",
        ratio <= MOST,
        f"idle, {duration(idle.percentile(99))}",
        ratio,
    )


def _load_again(served: processes.Served, done: threading.Event, loads: list[float]) -> None:
    while not done.is_set():
        begin = time.perf_counter()
        served.reload(processes.LIGHT, processes.HEAVY)
        loads.append(time.perf_counter() - begin)
        served.reload(processes.LIGHT)
        served.until_ended(processes.HEAVY)


def _starts(folder: Path) -> Iterator[Row]:
    importing = median(_seconds(["-c", "import tensorflow"]) for _ in range(STARTS))
    for what, names in (("without models", ()), ("with one", (processes.LIGHT,))):
        taken = []
        for _ in range(STARTS):
            begin = time.perf_counter()
            with processes.serving(folder, *names):
                taken.append(time.perf_counter() - begin)
        ratio = median(taken) / importing
        against = f"`import tensorflow`, {duration(importing)}"
        yield Row(f"model server, start until ports open, {what}", duration(median(taken)), "", True, against, ratio)


def _seconds(arguments: list[str]) -> float:
    begin = time.perf_counter()
    subprocess.run([sys.executable, *arguments], check=True, capture_output=True)
    return time.perf_counter() - begin
