"""The suite itself: every line has a case, every test is one, and the compatibility page says so."""

from __future__ import annotations

import conformance_report as report
from conformance_cases import case_of
from conformance_reference_cases import CASES
from conformance_reference_observed import OBSERVED


def test_every_test_of_the_suite_says_what_it_rests_on() -> None:
    unmarked = [function.__name__ for _, function in report.functions() if case_of(function) is None]
    assert unmarked == []


def test_every_line_has_a_case_and_every_case_rests_on_lines() -> None:
    rested_on = {name for _, _, mark in report.cases() for name in mark.rests_on}
    assert rested_on == set(report.LINES)


def test_no_line_of_the_reference_is_left_out() -> None:
    assert set(CASES) == {f"C{number}" for number in range(1, 97)}
    assert set(OBSERVED) == {f"O{number}" for number in range(1, 101)}


def test_there_are_as_many_cases_as_promised() -> None:
    assert len(list(report.cases())) >= 120


def test_the_compatibility_page_is_up_to_date() -> None:
    assert report.PAGE.read_text(encoding="utf-8") == report.page()
