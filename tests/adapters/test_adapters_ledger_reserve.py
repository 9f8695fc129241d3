"""Room kept aside: given up in slices, tight until it is whole again."""

import os
from pathlib import Path

import pytest

from reconciler.adapters.ledger_reserve import SLICE_BYTES, TRY_EVERY, Reserve


class Seconds:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def seconds() -> Seconds:
    return Seconds()


@pytest.fixture
def reserve(tmp_path: Path, seconds: Seconds) -> Reserve:
    made = Reserve(tmp_path / "reserve", 3 * SLICE_BYTES, seconds)
    made.make()
    return made


def test_room_that_is_whole_is_not_tight(reserve: Reserve) -> None:
    assert reserve.left == 3 * SLICE_BYTES
    assert reserve.path.stat().st_blocks * 512 >= 3 * SLICE_BYTES
    assert not reserve.tight


def test_room_is_given_up_slice_by_slice_until_there_is_none(reserve: Reserve) -> None:
    assert [reserve.give_up() for _ in range(4)] == [True, True, True, False]
    assert reserve.left == 0
    assert reserve.tight


def test_room_is_set_aside_again_after_a_while_where_the_disk_has_some(reserve: Reserve, seconds: Seconds) -> None:
    reserve.give_up()
    seconds.now += TRY_EVERY - 1
    assert reserve.tight
    seconds.now += 1
    assert not reserve.tight
    assert reserve.left == 3 * SLICE_BYTES


def test_room_is_not_set_aside_again_from_a_disk_with_little_more(tmp_path: Path, seconds: Seconds) -> None:
    free = os.statvfs(tmp_path).f_bavail * os.statvfs(tmp_path).f_frsize
    reserve = Reserve(tmp_path / "reserve", free, seconds)
    reserve.path.write_bytes(bytes(SLICE_BYTES))
    reserve.give_up()
    seconds.now += TRY_EVERY
    assert reserve.tight
    assert reserve.left == 0


def test_a_reserve_that_was_used_is_tight_after_a_restart_on_a_full_disk(tmp_path: Path) -> None:
    path = tmp_path / "reserve"
    path.write_bytes(bytes(SLICE_BYTES))
    endless = Reserve(path, 2**62)  # no disk has that
    endless.make()
    assert endless.tight
    assert endless.left == SLICE_BYTES
