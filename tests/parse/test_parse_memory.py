"""`servers[].memory` and the policy `auto`: sizes, what contradicts itself, and what nothing limits."""

import pytest
from parse_builders import FLEET, MODEL, model_with, read, rules

from reconciler.parse import normal
from reconciler.state.desired import MemoryBudget, TransitionPolicy

AUTO = model_with("  labels:", "  transition: {policy: auto, keepPrevious: 10m}\n  labels:")


def fleet(memory: str, others: str = "") -> str:
    """A fleet whose first server has that memory, its second that."""
    text = FLEET.replace("{tier: canary}", f"{{tier: canary}}, memory: {memory}")
    return text.replace("{tier: prod}", f"{{tier: prod}}, memory: {others}") if others else text


def budgets(memory: str) -> list[MemoryBudget | None]:
    """What arrives of it."""
    files = {"fleet.yaml": fleet(memory), "model.yaml": MODEL}
    return [server.memory for server in read(files).require().servers]


@pytest.mark.parametrize(
    ("written", "size"),
    [
        ("40GiB", 40 << 30),
        ("1.5MiB", 3 << 19),
        ("2TiB", 2 << 40),
        ("512KiB", 1 << 19),
        ("24GB", 24 * 10**9),
        ("1KB", 1000),
        ("7B", 7),
        ('"42949672960"', 40 << 30),
        ("42949672960", 40 << 30),
    ],
)
def test_a_size_is_bytes_with_or_without_a_unit(written: str, size: int) -> None:
    assert budgets(f"{{budget: {written}}}") == [MemoryBudget(size, 0), None]


def test_the_reserve_is_taken_off_the_budget() -> None:
    memory = budgets("{budget: 40GiB, reserve: 2GiB}")[0]
    assert memory is not None
    assert memory.usable == 38 << 30


@pytest.mark.parametrize("written", ["40G", "40Gi", "40gb", "-1GiB", "GiB", "0GiB", '""', "0.0GiB", "40 GiB"])
def test_what_is_no_size_is_refused(written: str) -> None:
    assert rules(fleet=fleet(f"{{budget: {written}}}")) == ["wrong-form"]


@pytest.mark.parametrize("written", ["0", "-1", "99999999999999999"])
def test_a_budget_of_nothing_or_beyond_measure_is_refused(written: str) -> None:
    assert rules(fleet=fleet(f"{{budget: {written}}}")) == ["out-of-range"]


def test_a_memory_without_a_budget_is_refused() -> None:
    assert rules(fleet=fleet("{reserve: 1GiB}")) == ["missing-field"]


@pytest.mark.parametrize("reserve", ["4GiB", "5GiB", "4294967296"])
def test_a_reserve_that_leaves_nothing_is_refused(reserve: str) -> None:
    assert rules(fleet=fleet(f"{{budget: 4GiB, reserve: {reserve}}}")) == ["memory-reserve"]


def test_auto_arrives_and_may_keep_the_previous_version() -> None:
    parsed = read({"fleet.yaml": fleet("{budget: 4GiB}", "{budget: 4GiB}"), "model.yaml": AUTO})
    assert {model.transition.policy for server in parsed.require().servers for model in server.models} == {
        TransitionPolicy.AUTO
    }
    assert "auto-without-budget" not in {warning.rule for warning in parsed.warnings}


def test_auto_needs_to_know_the_versions() -> None:
    latest = AUTO.replace("specific: [41, 42]", "latest: 2").replace("  labels:\n    stable: 42\n", "")
    assert "auto-needs-specific" in rules(model=latest)


def test_auto_on_a_server_without_a_budget_is_warned_of_with_the_server() -> None:
    parsed = read({"fleet.yaml": fleet("{budget: 4GiB}"), "model.yaml": AUTO})
    (warning,) = [each for each in parsed.warnings if each.rule == "auto-without-budget"]
    assert "eu-gpu/gpu-2 has no memory.budget" in warning.what


def test_a_size_of_a_form_that_was_not_checked_is_an_error() -> None:
    with pytest.raises(ValueError, match="many"):
        normal.size("many")
