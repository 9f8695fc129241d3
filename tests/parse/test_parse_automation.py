"""What a Model lets the reconciler commit by itself: how it is written, and which of it could never work."""

import pytest
from parse_builders import FLEET, MODEL, desired, problems, rules, warned

from reconciler.state.automation import Automation, Discover, OnFailure, Promotion, Via

BARE = MODEL.replace("  labels:\n    stable: 42\n", "")


def with_lines(*lines: str, model: str = MODEL) -> str:
    return model + "".join(f"  {line}\n" for line in lines)


def automation(*lines: str) -> Automation:
    (server, _) = desired(fleet=FLEET, model=with_lines(*lines)).servers
    return server.models[0].automation


def test_everything_is_off_where_nothing_is_written() -> None:
    assert automation() == Automation()
    assert not automation().asks


@pytest.mark.parametrize("chosen", OnFailure)
def test_what_follows_a_failure_arrives(chosen: OnFailure) -> None:
    assert automation(f"onFailure: {chosen}").on_failure is chosen


def test_a_promotion_arrives_with_all_that_it_says() -> None:
    written = "promotion: {mode: auto, from: canary, to: live, bake: 90m, dropOld: true, via: branch}"
    assert automation(written).promotion == Promotion("canary", "live", 5400.0, drop_old=True, via=Via.BRANCH)


def test_a_bare_promotion_is_from_canary_to_stable_after_an_hour() -> None:
    assert automation("promotion: {mode: auto}").promotion == Promotion("canary", "stable", 3600.0)


def test_what_is_switched_off_is_as_if_it_were_not_written() -> None:
    assert automation("promotion: {mode: off, bake: 5m}", "discover: {mode: off, pattern: '1*'}") == Automation()


def test_a_discovery_by_pattern_arrives() -> None:
    written = "discover: {mode: pattern, pattern: '2026*', label: next, keep: 2, via: branch}"
    assert automation(written).discover == Discover("2026*", "next", 2, Via.BRANCH)


def test_blocked_versions_arrive_ascending_and_once() -> None:
    assert automation("blockedVersions: [44, '43', 44]").blocked == (43, 44)


@pytest.mark.parametrize(
    ("line", "broken"),
    [
        ("promotion: {mode: auto, from: stable}", ["promotion-nowhere"]),
        ("promotion: {mode: auto, from: live, to: live}", ["promotion-nowhere"]),
        ("promotion: {from: canary}", ["missing-field"]),
        ("promotion: {mode: auto, bake: soon}", ["wrong-form"]),
        ("discover: {mode: pattern}", ["discover-pattern"]),
        ("discover: {mode: latest, pattern: '1*'}", ["discover-pattern"]),
        ("discover: {mode: pattern, pattern: 'v*'}", ["wrong-form"]),
        ("discover: {mode: latest, keep: -1}", ["out-of-range"]),
        ("blockedVersions: [41]", ["blocked-listed"]),
        ("blockedVersions: [0]", ["version-out-of-range"]),
        ('blockedVersions: ["9223372036854775808"]', ["version-out-of-range"]),
        ("onFailure: revert", ["wrong-value"]),
    ],
)
def test_what_could_never_work_is_refused(line: str, broken: list[str]) -> None:
    assert rules(model=with_lines(line)) == broken


@pytest.mark.parametrize("line", ["onFailure: push", "promotion: {mode: auto}", "discover: {mode: latest}"])
def test_what_edits_versions_needs_versions_that_git_lists(line: str) -> None:
    latest = BARE.replace("specific: [41, 42]", "latest: 2")
    assert rules(model=with_lines(line, model=latest)) == ["automation-needs-specific"]


def test_the_field_that_needs_listed_versions_is_named_where_it_stands() -> None:
    (line,) = problems(model=with_lines("onFailure: branch", model=BARE.replace("specific: [41, 42]", "all: {}")))
    assert line.startswith("model.yaml:12:3 automation-needs-specific `onFailure` edits the versions that git lists")


def test_a_promotion_without_checks_is_warned_of() -> None:
    assert "promotion-unchecked" in warned(model=with_lines("promotion: {mode: auto}"))
