"""Writes docs/compatibility.md: every line a case can rest on, and the cases that rest on it.

``python tests/conformance/conformance_report.py`` writes the tables anew; what stands above the marker is written by
hand and stays. ``test_conformance_page`` checks that the page is up to date, that every line has a case, and that every
test of the suite is one.
"""

from __future__ import annotations

import importlib
import inspect
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

HERE = Path(__file__).resolve().parent
PAGE = HERE.parents[1] / "docs" / "compatibility.md"
MARKER = "<!-- The tables below are written by tests/conformance/conformance_report.py -->\n"
NO_CASES = {"test_conformance_page"}
"""Files whose tests are about the suite itself."""

if __name__ == "__main__":
    sys.path[:0] = [str(HERE), str(HERE.parent), str(HERE.parents[1])]

from conformance_cases import Case, case_of  # noqa: E402
from conformance_reference import Area, Line, number  # noqa: E402
from conformance_reference_cases import CASES  # noqa: E402
from conformance_reference_observed import OBSERVED  # noqa: E402
from conformance_reference_surface import SURFACE  # noqa: E402

SEQUENCES = {
    "D1": Line(
        Area.SEQUENCES,
        "Random sequences of reloads, label moves and file changes: equal answers, states, labels, defaults and bytes "
        "on a server and on the core after every move.",
    )
}
LINES = {**CASES, **OBSERVED, **SURFACE, **SEQUENCES}


def functions() -> Iterator[tuple[str, Callable[..., object]]]:
    """Every test function of the suite, with the file it stands in."""
    for path in sorted(HERE.glob("test_conformance_*.py")):
        if path.stem not in NO_CASES:
            module = importlib.import_module(path.stem)
            for name, function in inspect.getmembers(module, inspect.isfunction):
                if name.startswith("test_"):
                    yield path.stem, function


def cases() -> Iterator[tuple[str, str, Case]]:
    """File, name and mark of every case."""
    for file, function in functions():
        mark = case_of(function)
        if mark is not None:
            yield file, function.__name__, mark


def tables() -> str:
    """The generated part of the page."""
    found = list(cases())
    core = sum(not mark.process_only for _, _, mark in found)
    lines = [
        f"{len(found)} cases rest on {len(LINES)} lines; {core} of them run on the simulator's core as well.",
    ]
    for area in Area:
        rows = [_row(name, found) for name in sorted(LINES, key=number) if LINES[name].area is area]
        if rows:
            lines += ["", f"## {area.value}", "", "| | TensorFlow Serving | here | cases |", "|---|---|---|---|", *rows]
    return "\n".join(lines) + "\n"


def _row(name: str, found: list[tuple[str, str, Case]]) -> str:
    files = [file.removeprefix("test_conformance_") for file, _, mark in found if name in mark.rests_on]
    proofs = ", ".join(
        f"{file}{f' ×{files.count(file)}' if files.count(file) > 1 else ''}" for file in dict.fromkeys(files)
    )
    line = LINES[name]
    return f"| {name} | {_cell(line.behaviour)} | {_cell(line.ours) or 'the same'} | {proofs} |"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def page() -> str:
    """The whole page as it should be."""
    by_hand = PAGE.read_text(encoding="utf-8").partition(MARKER)[0]
    return f"{by_hand}{MARKER}\n{tables()}"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
