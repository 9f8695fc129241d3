"""With what a commit is compared for its blast radius, on real repositories and the real record."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from repositories import Repository

from reconciler.adapters.clock import SystemClock
from reconciler.adapters.git import GitMirror, GitRemote
from reconciler.adapters.ledger import SqliteLedger
from reconciler.source import Documents, Watch
from reconciler.state.desired import Blast

FLEET = """
apiVersion: reconciler.tfserving/v1alpha1
kind: Fleet
metadata: {name: eu}
spec:
  prune: true
  blastRadius: {maxRemovals: 1}
  servers: [{name: gpu-1, grpc: "gpu-1:8500"}, {name: gpu-2, grpc: "gpu-2:8500"}]
"""
MODEL = """
apiVersion: reconciler.tfserving/v1alpha1
kind: Model
metadata: {name: %s}
spec: {placement: [{fleet: eu}], basePath: /models/x, versions: {specific: [1]}}
"""
BOTH = {"fleet.yaml": FLEET, "a.yaml": MODEL % "a", "b.yaml": MODEL % "b"}
ONE = {name: text for name, text in BOTH.items() if name != "a.yaml"}


class Place:
    """One repository and one record; processes of the reconciler come and go."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.repository = Repository(folder / "desired.git")
        self.ledger = SqliteLedger(folder / "ledger.sqlite")
        self.watch = self.fresh()

    def fresh(self) -> Watch:
        mirror = GitMirror(self.folder / "mirror.git", GitRemote(self.repository.url))
        return Watch(mirror, Documents(mirror), self.ledger, SystemClock())

    def held(self) -> list[Blast | None]:
        desired = self.watch.refresh().desired
        assert desired is not None
        return [server.blast for server in desired.servers]


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    made = Place(tmp_path)
    yield made
    made.ledger.close()


def removed(place: Place) -> str:
    """The id of the commit before one that removes a model from two servers."""
    before = place.repository.commit(BOTH)
    assert place.held() == [None, None]
    place.repository.commit(ONE)
    return before


def test_what_is_too_much_is_written_on_the_servers_with_what_it_is_counted_from(place: Place) -> None:
    before = removed(place)
    assert place.held() == [Blast(("a",), 2, 4, "maxRemovals: 1", before[:10])] * 2


def test_a_process_that_starts_anew_and_a_later_commit_hold_it_as_well(place: Place) -> None:
    before = removed(place)
    place.held()
    place.watch = place.fresh()
    recalled = place.watch.recall().desired
    assert recalled is not None
    assert recalled.servers[0].blast is not None
    place.repository.commit({**ONE, "c.yaml": MODEL % "c"})
    blasts = place.held()
    assert [each.since for each in blasts if each] == [before[:10]] * 2


def test_the_trailer_lets_it_go_and_is_not_needed_again(place: Place) -> None:
    removed(place)
    place.held()
    place.repository.commit(ONE, "Take a away\n\nBlast-Radius: confirmed\n")
    assert place.held() == [None, None]
    place.repository.commit({**ONE, "c.yaml": MODEL % "c"})
    assert place.held() == [None, None]
