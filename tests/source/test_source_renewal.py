"""A mirror that is damaged, cut off or lost is made anew; a branch rewritten meanwhile is noticed all the same."""

import gc
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from repositories import Repository
from standing_clock import Time

from reconciler.adapters.git import GitMirror, GitRemote
from reconciler.adapters.ledger import SqliteLedger
from reconciler.source import Documents, InForce, Watch

FLEET = """
apiVersion: reconciler.tfserving/v1alpha1
kind: Fleet
metadata: {name: eu}
spec: {servers: [{name: gpu-1, grpc: "gpu-1:8500"}]}
"""


class Place:
    """One repository with two commits, one state directory with a service that has seen both."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.repository = Repository(folder / "desired.git")
        self.mirror = folder / "mirror.git"
        self.ledger = SqliteLedger(folder / "ledger.sqlite")
        self.time = Time()
        self.first = self.push("one")
        self.head = self.push("two")

    def push(self, text: str, parents: list[str] | None = None) -> str:
        return self.repository.commit({"fleet.yaml": f"{FLEET}# {text}"}, text, parents=parents)

    def watch(self) -> Watch:
        """A fresh process: libgit2 shares open packs among the handles of one."""
        gc.collect()
        mirror = GitMirror(self.mirror, GitRemote(self.repository.url))
        return Watch(mirror, Documents(mirror), self.ledger, self.time)

    def lose_remote(self) -> None:
        self.repository.path.rename(self.folder / "away")

    def restore_remote(self) -> None:
        (self.folder / "away").rename(self.repository.path)


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    made = Place(tmp_path)
    made.watch().refresh()
    yield made
    made.ledger.close()


def replace(file: Path, content: bytes) -> None:
    """Another file in its place: one that is cut short while it is mapped would be a bus error in any program."""
    file.unlink()
    file.write_bytes(content)


def garbled_head(mirror: Path) -> None:
    (mirror / "refs/heads/main").write_text("garbage")


def garbled_objects(mirror: Path) -> None:
    for file in (mirror / "objects").rglob("*"):
        if file.is_file():
            replace(file, b"damaged")


def missing_objects(mirror: Path) -> None:
    shutil.rmtree(mirror / "objects")
    (mirror / "objects").mkdir()


def empty_files(mirror: Path) -> None:
    """What a machine leaves behind that lost power before anything was on its disk."""
    for file in mirror.rglob("*"):
        if file.is_file():
            replace(file, b"")


def shallow(mirror: Path) -> None:
    remote = (mirror.parent / "desired.git").as_uri()
    shutil.rmtree(mirror)
    subprocess.run(["git", "clone", "-q", "--bare", "--depth", "1", remote, str(mirror)], check=True)


Damage = Callable[[Path], None]
DAMAGES: list[Damage] = [garbled_head, garbled_objects, missing_objects, empty_files, shallow]


def in_force(answer: InForce) -> str | None:
    return answer.desired.commit.id if answer.desired is not None else None


def reason(answer: InForce) -> str | None:
    return answer.trouble.reason if answer.trouble is not None else None


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_mirror_is_set_aside_and_made_anew_at_the_next_look_and_that_is_said(
    place: Place, damage: Damage
) -> None:
    damage(place.mirror)
    watch = place.watch()
    answer = watch.refresh()
    assert (in_force(answer), answer.trouble) == (place.head, None)
    assert f"{place.mirror}.damaged" in answer.renewed
    assert Path(f"{place.mirror}.damaged").is_dir()
    assert watch.refresh().renewed == ""
    subprocess.run(["git", "fsck", "--strict"], cwd=place.mirror, check=True, capture_output=True)


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_running_service_goes_on_through_the_damage(place: Place, damage: Damage) -> None:
    watch = place.watch()
    watch.refresh()
    damage(place.mirror)
    newer = place.push("three")
    assert in_force(watch.refresh()) == newer


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_branch_rewritten_during_the_damage_is_still_noticed(place: Place, damage: Damage) -> None:
    watch = place.watch()
    watch.refresh()
    damage(place.mirror)
    forced = place.push("forced", parents=[place.first])
    answer = watch.refresh()
    assert (in_force(answer), reason(answer)) == (place.head, "HistoryRewritten")
    assert place.head[:10] in str(answer.trouble)
    assert in_force(place.watch().refresh()) != forced
    GitMirror(place.mirror, GitRemote(place.repository.url)).acknowledge_rewrite()
    assert in_force(watch.refresh()) == forced


def test_a_branch_rewritten_while_the_mirror_was_lost_is_noticed_too(place: Place) -> None:
    shutil.rmtree(place.mirror)
    place.push("forced", parents=[place.first])
    answer = place.watch().refresh()
    assert (in_force(answer), reason(answer)) == (None, "HistoryRewritten")
    assert "the mirror was made anew since" in str(answer.trouble)


def test_a_branch_that_went_back_while_the_mirror_was_lost_is_noticed_too(place: Place) -> None:
    """An attacker's way to bring back an old, signed commit."""
    shutil.rmtree(place.mirror)
    place.repository.move("main", place.first)
    assert reason(place.watch().refresh()) == "HistoryRewritten"


def test_a_lost_mirror_is_fetched_again_where_the_branch_only_went_on(place: Place) -> None:
    shutil.rmtree(place.mirror)
    newer = place.push("three")
    assert in_force(place.watch().refresh()) == newer


def test_what_can_be_read_of_the_old_mirror_is_taken_over_so_that_a_rewrite_can_be_looked_at(place: Place) -> None:
    (place.mirror / "HEAD").chmod(0o600)
    place.push("forced", parents=[place.first])
    mirror = GitMirror(place.mirror, GitRemote(place.repository.url))
    mirror.renew()
    assert mirror.commit(place.head).subject == "two"


def test_while_the_remote_is_away_a_damaged_mirror_stays_where_it_is(place: Place) -> None:
    watch = place.watch()
    watch.refresh()
    garbled_head(place.mirror)
    place.lose_remote()
    answer = watch.refresh()
    assert (in_force(answer), reason(answer), answer.renewed) == (place.head, "MirrorDamaged", "")
    assert "That was not possible yet" in str(answer.trouble)
    assert not Path(f"{place.mirror}.damaged").exists()
    place.restore_remote()
    answer = watch.refresh()
    assert (in_force(answer), answer.trouble) == (place.head, None)


def test_a_mirror_that_is_damaged_again_at_once_is_not_cloned_in_a_circle(place: Place) -> None:
    watch = place.watch()
    garbled_head(place.mirror)
    assert watch.refresh().renewed
    garbled_head(place.mirror)
    place.time.at += 100
    answer = watch.refresh()
    assert (answer.renewed, reason(answer)) == ("", "MirrorDamaged")
    place.time.at += 300
    assert watch.refresh().renewed


def test_one_old_mirror_is_kept_not_all(place: Place) -> None:
    watch = place.watch()
    for _ in range(3):
        garbled_head(place.mirror)
        assert watch.refresh().renewed
        place.time.at += 1000
    assert sorted(each.name for each in place.folder.glob("mirror.git*")) == ["mirror.git", "mirror.git.damaged"]


def test_a_clone_that_was_cut_off_is_begun_anew(place: Place) -> None:
    garbled_head(place.mirror)
    (place.folder / "mirror.git.new").mkdir()
    (place.folder / "mirror.git.new" / "HEAD").write_text("half of it")
    assert in_force(place.watch().refresh()) == place.head


def test_a_mirror_made_by_hand_with_one_damaged_document_is_made_anew_when_that_is_read(place: Place) -> None:
    watch = place.watch()
    newer = place.push("three")
    mirror = GitMirror(place.mirror, GitRemote(place.repository.url))
    mirror.poll()
    (file,) = mirror.files(newer)
    for pack in (place.mirror / "objects/pack").glob("*.pack"):  # as loose objects, one of them cut off
        loose = pack.read_bytes()
        for part in (place.mirror / "objects/pack").glob(f"{pack.stem}.*"):
            part.chmod(0o600)
            part.unlink()
        subprocess.run(["git", "unpack-objects", "-q"], cwd=place.mirror, input=loose, check=True)
    blob = place.mirror / "objects" / file.blob[:2] / file.blob[2:]
    replace(blob, blob.read_bytes()[:20])
    answer = watch.refresh()
    assert (in_force(answer), bool(answer.renewed)) == (newer, True)


def test_another_repository_is_followed_from_its_head_whatever_is_remembered(place: Place, tmp_path: Path) -> None:
    other = Repository(tmp_path / "other.git")
    head = other.commit({"fleet.yaml": FLEET})
    mirror = GitMirror(tmp_path / "other-mirror.git", GitRemote(other.url))
    assert in_force(Watch(mirror, Documents(mirror), place.ledger, place.time).refresh()) == head
