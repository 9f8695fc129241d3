"""The page of results: a Markdown table, the machine it was measured on, and what was missed, said first."""

import os
import platform
from collections.abc import Sequence
from datetime import UTC, datetime

import reconciler
from bench.measure import Row

_HEAD = """\
# Benchmarks

Written by `make bench`: medians and ratios of one run on one machine, with whatever else ran on it. Ratios say more
than times. What the rows do is in `bench/`, one module per part.

"""


def page(rows: Sequence[Row]) -> str:
    """The whole page."""
    missed = [row.what for row in rows if not row.met]
    verdict = "Every limit was met." if not missed else "\n".join(["Missed:", "", *(f"- {what}" for what in missed)])
    return f"{_HEAD}{_machine()}\n\n{verdict}\n\n{table(rows)}"


def table(rows: Sequence[Row]) -> str:
    """The rows as a Markdown table."""
    lines = ["| what | measured | compared with | ratio | limit | met |", "|---|---|---|---|---|---|"]
    for row in rows:
        ratio = "" if row.ratio is None else f"{row.ratio:.2f}"
        met = "yes" if row.met else "**missed**"
        lines.append(f"| {row.what} | {row.measured} | {row.against} | {ratio} | {row.limit} | {met} |")
    return "\n".join(lines) + "\n"


def _machine() -> str:
    when = datetime.now(UTC).date().isoformat()
    return (
        f"reconciler {reconciler.__version__}, Python {platform.python_version()}, {platform.system()} "
        f"{platform.machine()}, {os.cpu_count()} cores, {when}."
    )
