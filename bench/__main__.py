"""`python -m bench` measures everything and writes bench/results.md; `python -m bench planning` prints that part."""

import importlib
import sys
from collections.abc import Sequence
from pathlib import Path

from bench import report
from bench.measure import Row

PARTS = (
    *("startup", "parsing", "planning", "histories", "rollbacks", "looking", "memory", "polling", "promoting"),
    *("losing", "others"),
    *("serving", "loading", "unloading"),  # the model server's
)
RESULTS = Path(__file__).with_name("results.md")


def measure(part: str) -> list[Row]:
    """The rows of one part; each part is a module with a `rows` function."""
    sys.stderr.write(f"bench: {part} ...\n")
    return list(importlib.import_module(f"bench.{part}").rows())


def main(wanted: Sequence[str]) -> int:
    """Measure the parts wanted, or all of them and write the page."""
    unknown = [part for part in wanted if part not in PARTS]
    if unknown:
        sys.stderr.write(f"No part {', '.join(unknown)}; there are {', '.join(PARTS)}.\n")
        return 2
    rows = [row for part in wanted or PARTS for row in measure(part)]
    page = report.page(rows)
    sys.stdout.write(page)
    if not wanted:
        RESULTS.write_text(page, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
