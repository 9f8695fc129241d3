"""`rollback --local` and `--unpin` as people call them: with a mirror and a record, and no git host."""

from pathlib import Path

import pytest
from cli_world import World, promoted

from reconciler.adapters.ledger import SqliteLedger
from reconciler.adapters.lock import StateDirectory
from reconciler.cli import proposing, triggers, wiring
from reconciler.source import pins
from reconciler.state.pin import Pin

LOCAL = ("rollback", "half", "--local", "--ttl", "2h", "--reason", "p99 doubled", "--offline")


@pytest.fixture
def world(tmp_path: Path) -> World:
    """A state directory that followed the repository once, which is gone by now."""
    made = promoted(tmp_path)
    assert made.call("apply", "--timeout", "0").code != 1
    made.repo.rename(tmp_path / "unreachable")
    return made


def noted(world: World) -> tuple[Pin, ...]:
    ledger = SqliteLedger(StateDirectory(world.state).ledger, writable=False)
    try:
        return pins.noted(ledger)
    finally:
        ledger.close()


def test_a_pin_needs_no_git_host(world: World) -> None:
    shown = world.call(*LOCAL)
    assert shown.code == 0, shown.err
    (pin,) = noted(world)
    assert (pin.document, pin.reason, round(pin.until - pin.since)) == ("half", "p99 doubled", 7200)
    assert "half goes back to commit" in shown.err
    assert "Pinned until" in shown.err


def test_without_a_service_it_waits_in_the_record(world: World) -> None:
    assert "`reconciler run` and `apply` will keep to it" in world.call(*LOCAL).err


def test_a_pin_is_ended_by_name(world: World) -> None:
    world.call(*LOCAL)
    assert (world.call("rollback", "half", "--unpin").code, noted(world)) == (0, ())


def test_ending_what_is_not_pinned_is_an_error_that_lists_what_is(world: World) -> None:
    world.call(*LOCAL)
    shown = world.call("rollback", "other", "--unpin")
    assert (shown.code, "Pinned now: half" in shown.err) == (1, True)


@pytest.mark.parametrize(
    "given",
    [
        ("--local",),
        ("--local", "--ttl", "2h"),
        ("--local", "--ttl", "soon", "--reason", "x"),
        ("--local", "--ttl", "5s", "--reason", "x"),
        ("--local", "--ttl", "8d", "--reason", "x"),
        ("--local", "--ttl", "2h", "--reason", "x", "--push"),
        ("--local", "--unpin"),
        ("--ttl", "2h"),
    ],
)
def test_a_pin_without_end_or_reason_is_a_wrong_call(world: World, given: tuple[str, ...]) -> None:
    assert (world.call("rollback", "half", *given).code, noted(world)) == (2, ())


def test_where_nothing_was_ever_followed_there_is_nothing_to_pin(tmp_path: Path) -> None:
    shown = promoted(tmp_path).call(*LOCAL)
    assert (shown.code, "There is no mirror" in shown.err) == (3, True)


def test_a_service_takes_up_what_a_request_pins_and_ends(world: World) -> None:
    made = Pin("half", "c0ffee", "why", "Ada", 1.0, 2.0)
    with wiring.writing(world.state, "test") as ledger:
        proposing.take_up(ledger, triggers.Request("1", pins=(made,)))
        assert pins.noted(ledger) == (made,)
        proposing.take_up(ledger, triggers.Request("2", unpin=("half",)))
        assert pins.noted(ledger) == ()


def test_a_request_carries_pins_from_one_process_to_another(tmp_path: Path) -> None:
    made = Pin("half", "c0ffee", "why", "Ada", 1.0, 2.0)
    identity = triggers.SyncFile(tmp_path).ask(pins=[made], unpin=["other"])
    assert triggers.SyncFile(tmp_path).asked() == triggers.Request(identity, "", (made,), ("other",))


def test_a_request_with_a_pin_that_is_none_is_no_request(tmp_path: Path) -> None:
    file = triggers.SyncFile(tmp_path)
    file.path.write_text('{"id": "1", "pins": [{"document": "half", "until": "for ever"}]}')
    assert file.asked() is None
