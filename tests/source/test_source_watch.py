"""Which commit is in force, on real repositories, real documents and the real record; only time is made up."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from repositories import Repository
from standing_clock import Time

from reconciler.adapters.git import GitMirror, GitRemote
from reconciler.adapters.ledger import SqliteLedger
from reconciler.errors import RecordError
from reconciler.source import Backoff, Documents, InForce, Watch
from reconciler.source.watch import Pauses, Terms

FLEET = """
apiVersion: reconciler.tfserving/v1alpha1
kind: Fleet
metadata: {name: eu}
spec:
  servers:
    - {name: gpu-1, grpc: "gpu-1:8500"}
"""
MODEL = """
apiVersion: reconciler.tfserving/v1alpha1
kind: Model
metadata: {name: fashion}
spec:
  placement: [{fleet: eu}]
  basePath: /models/fashion
  versions: {specific: [%d]}
"""


def documents(version: int = 1) -> dict[str, str]:
    return {"fleet.yaml": FLEET, "models/fashion.yaml": MODEL % version, "README.md": "# not ours"}


BROKEN = {**documents(), "models/fashion.yaml": MODEL.replace("/models", "models") % 0}


class Place:
    """One repository, one state directory; processes of the reconciler come and go."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.repository = Repository(folder / "desired.git")
        self.ledger = SqliteLedger(folder / "ledger.sqlite")
        self.time = Time()

    @property
    def mirror(self) -> GitMirror:
        return GitMirror(self.folder / "mirror.git", GitRemote(self.repository.url))

    def watch(self, path: str = "") -> Watch:
        """A fresh process."""
        mirror = self.mirror
        return Watch(mirror, Documents(mirror, path), self.ledger, self.time, Terms(Pauses(Backoff(10, 60))))

    def lose_remote(self) -> None:
        self.repository.path.rename(self.folder / "away")

    def restore_remote(self) -> None:
        (self.folder / "away").rename(self.repository.path)


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    made = Place(tmp_path)
    yield made
    made.ledger.close()


def version(answer: InForce) -> int | None:
    """The version that is in force for the only model, None where nothing is in force."""
    return None if answer.desired is None else answer.desired.servers[0].models[0].policy.versions[0]  # type: ignore[union-attr]


def reason(answer: InForce) -> str | None:
    return answer.trouble.reason if answer.trouble else None


def test_a_valid_head_is_in_force_and_noted_as_good(place: Place) -> None:
    head = place.repository.commit(documents(1))
    answer = place.watch().refresh()
    assert version(answer) == 1
    assert answer.up_to_date
    assert answer.trouble is None
    assert place.ledger.good_commit() == head


def test_a_newer_valid_head_takes_over(place: Place) -> None:
    watch = place.watch()
    place.repository.commit(documents(1))
    watch.refresh()
    place.repository.commit(documents(2))
    assert version(watch.refresh()) == 2


def test_a_head_that_did_not_move_gives_the_very_same_desired_state(place: Place) -> None:
    place.repository.commit(documents(1))
    watch = place.watch()
    assert watch.refresh().desired is watch.refresh().desired


def test_a_bad_head_leaves_the_last_good_commit_in_force_with_every_problem(place: Place) -> None:
    watch = place.watch()
    good = place.repository.commit(documents(1), "Serve one")
    watch.refresh()
    bad = place.repository.commit(BROKEN, "Break it")
    answer = watch.refresh()
    assert version(answer) == 1
    assert not answer.up_to_date
    assert answer.head is not None
    assert answer.head.id == bad
    assert len(answer.problems) == 2
    assert answer.trouble is not None
    assert answer.trouble.reason == "DesiredInvalid"
    for part in (bad[:10], "Break it", good[:10], "Serve one", "stays in force", *answer.problems):
        assert part in answer.trouble.message
    assert place.ledger.good_commit() == good


def test_a_first_start_with_a_bad_head_puts_nothing_in_force(place: Place) -> None:
    place.repository.commit(documents(1))
    place.repository.commit(BROKEN)
    answer = place.watch().refresh()
    assert answer.desired is None
    assert reason(answer) == "DesiredInvalid"
    assert "nothing is applied" in str(answer.trouble)
    assert place.ledger.good_commit() is None


def test_a_revert_of_the_bad_commit_is_in_force(place: Place) -> None:
    watch = place.watch()
    place.repository.commit(documents(1))
    watch.refresh()
    place.repository.commit(BROKEN)
    watch.refresh()
    place.repository.commit(documents(1))
    answer = watch.refresh()
    assert answer.up_to_date
    assert answer.trouble is None
    assert not answer.problems


def test_after_a_restart_the_last_good_commit_is_in_force_before_anybody_is_asked(place: Place) -> None:
    place.repository.commit(documents(1))
    place.watch().refresh()
    place.lose_remote()
    assert version(place.watch().recall()) == 1


def test_after_a_restart_under_a_bad_head_the_last_good_commit_is_in_force(place: Place) -> None:
    place.repository.commit(documents(1))
    place.watch().refresh()
    place.repository.commit(BROKEN)
    again = place.watch()
    assert version(again.recall()) == 1
    answer = again.refresh()
    assert version(answer) == 1
    assert reason(answer) == "DesiredInvalid"


def test_there_is_nothing_to_recall_on_a_first_start(place: Place) -> None:
    place.repository.commit(documents(1))
    assert place.watch().recall() == InForce()


def test_a_deleted_mirror_is_fetched_anew_and_the_good_commit_found_in_it(place: Place, tmp_path: Path) -> None:
    place.repository.commit(documents(1))
    place.watch().refresh()
    place.repository.commit(BROKEN)
    place.mirror.path.rename(tmp_path / "lost-mirror")
    again = place.watch()
    assert again.recall().desired is None
    answer = again.refresh()
    assert version(answer) == 1
    assert reason(answer) == "DesiredInvalid"


def test_with_mirror_and_remote_away_the_good_commit_is_named_and_nothing_is_in_force(
    place: Place, tmp_path: Path
) -> None:
    good = place.repository.commit(documents(1))
    place.watch().refresh()
    place.mirror.path.rename(tmp_path / "lost-mirror")
    place.lose_remote()
    answer = place.watch().refresh()
    assert answer.desired is None
    assert reason(answer) == "SourceUnavailable"
    assert good[:10] in str(answer.trouble)
    place.restore_remote()


def test_a_lost_record_begins_with_the_head_of_the_branch(place: Place) -> None:
    place.repository.commit(documents(1))
    place.watch().refresh()
    place.ledger.close()
    for file in place.folder.glob("ledger.sqlite*"):
        file.unlink()
    place.ledger = SqliteLedger(place.folder / "ledger.sqlite")
    again = place.watch()
    assert again.recall().desired is None
    assert version(again.refresh()) == 1


def test_an_empty_repository_puts_nothing_in_force_and_says_what_to_push(place: Place) -> None:
    answer = place.watch().refresh()
    assert answer.desired is None
    assert reason(answer) == "NothingPushed"


def test_the_first_push_ends_the_trouble_with_an_empty_repository(place: Place) -> None:
    watch = place.watch()
    watch.refresh()
    place.repository.commit(documents(1))
    answer = watch.refresh()
    assert version(answer) == 1
    assert answer.trouble is None


def test_a_missing_branch_puts_nothing_in_force_and_names_those_that_exist(place: Place) -> None:
    place.repository.commit(documents(1), branch="trunk")
    answer = place.watch().refresh()
    assert answer.desired is None
    assert reason(answer) == "RevisionMissing"
    assert "trunk" in str(answer.trouble)


def test_a_force_push_leaves_what_was_in_force_and_says_the_way_out(place: Place) -> None:
    watch = place.watch()
    place.repository.commit(documents(1))
    watch.refresh()
    forced = place.repository.commit(documents(2), parents=[])
    answer = watch.refresh()
    assert version(answer) == 1
    assert reason(answer) == "HistoryRewritten"
    assert "reconciler acknowledge-rewrite" in str(answer.trouble)
    place.mirror.acknowledge_rewrite()
    after = watch.refresh()
    assert version(after) == 2
    assert after.trouble is None
    assert place.ledger.good_commit() == forced


def test_a_watched_path_that_does_not_exist_leaves_what_was_in_force(place: Place) -> None:
    watch = place.watch("eu")
    place.repository.commit({f"eu/{path}": text for path, text in documents(1).items()})
    assert version(watch.refresh()) == 1
    place.repository.commit(documents(2), "Move everything to the top")
    answer = watch.refresh()
    assert version(answer) == 1
    assert reason(answer) == "PathMissing"
    assert "The path eu does not exist" in str(answer.trouble)


def test_documents_outside_the_watched_path_are_not_read(place: Place) -> None:
    place.repository.commit({"eu/fleet.yaml": FLEET, "eu/model.yaml": MODEL % 1, "us/broken.yaml": "{"})
    assert version(place.watch("eu").refresh()) == 1


def test_a_commit_that_deletes_every_file_unloads_nothing_and_warns(place: Place) -> None:
    watch = place.watch()
    place.repository.commit(documents(1))
    watch.refresh()
    place.repository.commit({}, "Delete everything")
    answer = watch.refresh()
    assert answer.desired is not None
    assert not answer.desired.servers  # servers are let go, never emptied
    assert "nothing-desired" in answer.warnings[0]


def test_a_remote_that_is_down_leaves_what_was_in_force_and_is_said_to_be_asked_again(place: Place) -> None:
    watch = place.watch()
    place.repository.commit(documents(1))
    watch.refresh()
    place.lose_remote()
    answer = watch.refresh()
    assert version(answer) == 1
    assert reason(answer) == "SourceUnavailable"
    assert "reconciler sync" in str(answer.trouble)
    assert answer.asked_again_at == 1010


def test_a_remote_that_is_down_is_left_alone_for_growing_pauses(place: Place) -> None:
    place.repository.commit(documents(1))
    place.lose_remote()
    watch = place.watch()
    pauses = []
    for _ in range(5):
        answer = watch.refresh()
        pauses.append(answer.asked_again_at - place.time.at)
        place.time.at = answer.asked_again_at
    assert pauses == [10, 20, 40, 60, 60]


def test_a_remote_is_not_asked_before_its_pause_is_over(place: Place) -> None:
    watch = place.watch()
    place.lose_remote()
    answer = watch.refresh()
    place.restore_remote()
    place.repository.commit(documents(1))
    assert watch.refresh() == answer
    place.time.at = answer.asked_again_at
    assert version(watch.refresh()) == 1


def test_a_person_who_insists_is_not_kept_waiting_by_the_pause(place: Place) -> None:
    watch = place.watch()
    place.lose_remote()
    watch.refresh()
    place.restore_remote()
    place.repository.commit(documents(1))
    watch.insist()
    answer = watch.refresh()
    assert version(answer) == 1
    assert answer.trouble is None
    assert answer.asked_again_at == 0


def test_trouble_that_lasts_keeps_its_text_and_the_time_it_began(place: Place) -> None:
    watch = place.watch()
    place.lose_remote()
    first = watch.refresh()
    place.time.at += 500
    assert watch.refresh().trouble == first.trouble


def test_a_remote_down_above_a_bad_head_tells_both(place: Place) -> None:
    watch = place.watch()
    place.repository.commit(documents(1))
    watch.refresh()
    place.repository.commit(BROKEN)
    watch.refresh()
    place.lose_remote()
    message = str(watch.refresh().trouble)
    assert "there is no directory" in message
    assert "is not put in force" in message


def test_a_good_commit_that_cannot_be_recorded_is_not_put_in_force(place: Place) -> None:
    watch = place.watch()
    place.repository.commit(documents(1))
    watch.refresh()
    place.repository.commit(documents(2))
    place.ledger._file.connection.execute("PRAGMA query_only = 1")
    with pytest.raises(RecordError):
        watch.refresh()
    assert version(watch.recall()) == 1
    place.ledger._file.connection.execute("PRAGMA query_only = 0")
    assert version(watch.refresh()) == 2


def test_pauses_spread_by_a_quarter_to_both_sides() -> None:
    assert [Backoff(first=8, longest=100).pause(2, chance) for chance in (0.0, 0.5, 1.0)] == [12, 16, 20]


def test_the_pause_after_very_many_failures_is_the_longest() -> None:
    assert Backoff().pause(10_000, 0.5) == 300
