"""`python -m bench.direct DIRECTORY SECONDS`: call the default signature in one process, as TensorFlow's users do.

`tf.saved_model.load`, then the signature function, from one thread and from sixteen. Prints both rates as JSON.
"""

import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

CLIENTS = (1, 16)


def rates(directory: Path, seconds: float) -> dict[int, float]:
    """Calls per second by number of threads; run in a process of its own, because TensorFlow is heavy."""
    command = [sys.executable, "-m", "bench.direct", str(directory), str(seconds)]
    environment = os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1"}
    said = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
    return {int(clients): rate for clients, rate in json.loads(said.stdout).items()}


def _rate(work: Any, threads: int, seconds: float) -> float:
    counts = [0] * threads
    until = time.perf_counter() + seconds

    def again(number: int) -> None:
        while time.perf_counter() < until:
            work()
            counts[number] += 1

    running = [threading.Thread(target=again, args=(number,)) for number in range(threads)]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()
    return sum(counts) / seconds


def _main(directory: str, seconds: float) -> None:
    import tensorflow as tf

    loaded = tf.saved_model.load(directory)  # the signatures live as long as this does
    signature = loaded.signatures["serving_default"]

    def work() -> None:
        signature(x=tf.constant([[2.0]]))["y"].numpy()

    _rate(work, 1, 0.5)
    print(json.dumps({clients: _rate(work, clients, seconds) for clients in CLIENTS}))


if __name__ == "__main__":
    _main(sys.argv[1], float(sys.argv[2]))
