"""The marks of a case: what it rests on, what it needs, and where it can run.

``@case("C14", "O12")`` names the lines of ``conformance_reference`` a test stands for; the compatibility page is made
from these marks. Used by every test file of the suite, by its conftest and by the report.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import pytest

Test = TypeVar("Test", bound=Callable[..., Any])

PLAIN = ("--max_num_load_retries=0",)
"""What a server is started with unless a case says otherwise: failing loads show at once; all else is the default."""

THREADS = (*PLAIN, "--num_load_threads=2", "--num_unload_threads=1")
ALLOW = (*PLAIN, "--allow_version_labels_for_unavailable_models=true")


@dataclass(frozen=True, slots=True)
class Case:
    """One test's mark."""

    rests_on: tuple[str, ...]
    flags: tuple[str, ...] = PLAIN
    fresh: str = ""
    """Why it needs a server of its own (it starts one itself, or leaves one that cannot be used any more)."""
    process_only: str = ""
    """Why it says nothing about the core alone."""
    core_only: str = ""
    """Why no real process can show it on command."""


def case(
    *rests_on: str,
    flags: tuple[str, ...] = PLAIN,
    fresh: str = "",
    process_only: str = "",
    core_only: str = "",
) -> Callable[[Test], Test]:
    """Mark a test function as a case of the suite."""
    mark = pytest.mark.case(Case(rests_on, flags, fresh, process_only, core_only))

    def marked(test: Test) -> Test:
        return mark(test)  # type: ignore[no-any-return]

    return marked


def case_of(function: object) -> Case | None:
    """The mark of a test function."""
    for mark in getattr(function, "pytestmark", ()):
        if mark.name == "case":
            found = mark.args[0]
            assert isinstance(found, Case)
            return found
    return None
