"""A version that is still being copied is incomplete, whatever files it has already."""

import os
from pathlib import Path

import pytest
from exports import saved_model

from reconciler.adapters.storage_exports import Exports
from reconciler.adapters.storage_versions import MAX_VERSIONS, VersionFolders
from reconciler.state.look import Presence, VersionFiles

GROWING = "rest: it is still growing, or was within the last 2 s"
SHARD = "variables/variables.data-00000-of-00001"


class Hands:
    """A base path, a store's eyes on it, and time that passes only when told to."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.now = 1000.0
        self.folders = VersionFolders(now=lambda: self.now, wall=lambda: self.now)

    def write(self, version: int, path: str, content: bytes) -> None:
        file = self.root / str(version) / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
        os.utime(file, (self.now, self.now))

    def publish(self, version: int) -> None:
        for path in ("saved_model.pb", "variables/variables.index", SHARD):
            self.write(version, path, saved_model())

    def look(self, *asked: int) -> dict[int, VersionFiles]:
        return {each.version: each for each in self.folders.facts(str(self.root), asked).versions}


@pytest.fixture
def hands(tmp_path: Path) -> Hands:
    return Hands(tmp_path / "m")


def test_version_that_lay_there_long_before_the_first_look_is_complete(hands: Hands) -> None:
    hands.publish(1)
    hands.now += 60
    assert hands.look()[1].complete


def test_version_written_just_before_the_first_look_is_complete_a_little_later(hands: Hands) -> None:
    hands.publish(1)
    first = hands.look()[1]
    hands.now += 2
    second = hands.look()[1]
    assert (first.lacks, first.growing, first.fingerprint) == ((GROWING,), True, "")
    assert (second.complete, second.growing, bool(second.fingerprint)) == (True, False, True)


def test_version_that_comes_between_two_looks_is_looked_at_twice_however_old_its_files_are(hands: Hands) -> None:
    hands.publish(1)
    hands.now += 60
    hands.look()
    (hands.root / "1").rename(hands.root / "2")
    first = hands.look()[2]
    hands.now += 2
    assert (first.growing, hands.look()[2].complete) == (True, True)


def test_base_path_that_comes_between_two_looks_brings_nothing_complete(hands: Hands) -> None:
    assert hands.folders.facts(str(hands.root)).presence is Presence.MISSING
    hands.publish(1)
    hands.now += 60
    assert hands.look()[1].growing


def test_shard_that_grows_from_look_to_look_is_never_complete(hands: Hands) -> None:
    hands.publish(1)
    for size in range(1, 5):
        hands.write(1, SHARD, b"t" * size)
        assert hands.look()[1].growing
        hands.now += 10


def test_version_overwritten_in_place_is_incomplete_until_it_rests(hands: Hands) -> None:
    hands.publish(1)
    hands.now += 60
    before = hands.look()[1]
    hands.write(1, SHARD, b"other")
    during = hands.look()[1]
    hands.now += 2
    after = hands.look()[1]
    assert [each.complete for each in (before, during, after)] == [True, False, True]
    assert before.fingerprint != after.fingerprint


def test_version_withdrawn_and_published_again_is_looked_at_twice(hands: Hands) -> None:
    hands.publish(1)
    hands.now += 60
    hands.look()
    (hands.root / "1").rename(hands.root / "elsewhere")
    hands.look()
    (hands.root / "elsewhere").rename(hands.root / "1")
    assert hands.look()[1].growing


def test_reading_an_export_counts_as_a_look(hands: Hands) -> None:
    hands.publish(1)
    exports = Exports(hands.folders)
    first = exports.read(str(hands.root), "/models/m", 1)
    hands.now += 2
    second = exports.read(str(hands.root), "/models/m", 1)
    assert (first.fingerprint, first.problem) == ("", "")
    assert second.fingerprint == hands.look()[1].fingerprint != ""


def test_version_asked_for_is_found_below_any_number_of_higher_ones(hands: Hands) -> None:
    hands.publish(3)
    for version in range(10, 10 + MAX_VERSIONS + 20):
        (hands.root / str(version)).mkdir()
    hands.now += 60
    found = hands.look(3, 4)
    assert found[3].complete
    assert min(set(found) - {3}) == 30


def test_versions_that_nobody_asked_for_are_looked_into_only_while_there_is_time(hands: Hands, tmp_path: Path) -> None:
    ticks = iter(range(100))
    folders = VersionFolders(budget=5.0, still_after=0.0, now=lambda: float(next(ticks)), wall=lambda: 1e9)
    for version in range(1, 31):
        (tmp_path / "m" / str(version)).mkdir(parents=True, exist_ok=True)
    facts = folders.facts(str(tmp_path / "m"), (1, 2, 3))
    seen = [each.version for each in facts.versions]
    assert seen[:3] == [1, 2, 3]
    assert 30 in seen
    assert len(seen) < 10
    assert facts.detail == f"{30 - len(seen)} lower versions were not looked into"
