"""What every Source does, the real one and the simulator's: add an implementation to SOURCES and it is held to this."""

from collections.abc import Callable
from pathlib import Path

import pytest
from repositories import Repository

from reconciler.adapters.git import GitMirror, GitRemote
from reconciler.errors import HistoryRewritten, Reaction, RevisionMissing, SourceUnavailable
from reconciler.ports import Source

# Makes a Source that follows branch `main` of a repository, with a folder of its own for whatever it keeps.
SOURCES: dict[str, Callable[[Repository, Path], Source]] = {
    "git": lambda repository, folder: GitMirror(folder / "mirror.git", GitRemote(repository.url)),
}


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path / "desired.git")


@pytest.fixture(params=sorted(SOURCES))
def source(request: pytest.FixtureRequest, repository: Repository, tmp_path: Path) -> Source:
    return SOURCES[request.param](repository, tmp_path)


def test_an_empty_repository_has_no_head(source: Source) -> None:
    assert source.poll() is None
    assert source.head() is None


def test_nothing_is_known_before_the_first_poll(source: Source, repository: Repository) -> None:
    repository.commit({"a.yaml": "a"})
    assert source.head() is None


def test_a_poll_brings_the_head_of_the_branch(source: Source, repository: Repository) -> None:
    repository.commit({"a.yaml": "a"})
    second = repository.commit({"a.yaml": "b"})
    assert source.poll() == second
    assert source.head() == second


def test_a_poll_follows_the_branch_forwards(source: Source, repository: Repository) -> None:
    repository.commit({"a.yaml": "a"})
    source.poll()
    second = repository.commit({"a.yaml": "b"})
    assert source.poll() == second
    assert source.poll() == second


def test_a_branch_that_is_first_pushed_later_is_followed_from_then_on(source: Source, repository: Repository) -> None:
    assert source.poll() is None
    first = repository.commit({"a.yaml": "a"})
    assert source.poll() == first


def test_a_missing_branch_is_named_together_with_those_that_exist(source: Source, repository: Repository) -> None:
    repository.commit({"a.yaml": "a"}, branch="trunk")
    repository.commit({"a.yaml": "a"}, branch="stale")
    with pytest.raises(RevisionMissing, match=r"no branch main\. Branches there: stale, trunk"):
        source.poll()


def test_a_branch_that_was_deleted_leaves_its_last_head_in_force(source: Source, repository: Repository) -> None:
    head = repository.commit({"a.yaml": "a"})
    source.poll()
    repository.drop("main")
    with pytest.raises(RevisionMissing, match=rf"{head[:10]}, its last known head, stays in force"):
        source.poll()
    assert source.head() == head


def rewrite(repository: Repository, source: Source) -> tuple[str, str]:
    """The head that the source knows, and the one that the branch was forced to."""
    base = repository.commit({"a.yaml": "a"})
    known = repository.commit({"a.yaml": "b"}, "Promote two")
    assert source.poll() == known
    return known, repository.commit({"a.yaml": "c"}, "Promote three", parents=[base])


def test_a_force_push_is_refused_and_both_commits_are_named_with_the_way_out(
    source: Source, repository: Repository
) -> None:
    known, offered = rewrite(repository, source)
    with pytest.raises(HistoryRewritten) as refusal:
        source.poll()
    assert (refusal.value.known, refusal.value.offered) == (known, offered)
    assert refusal.value.reaction is Reaction.STALL
    for part in (known[:10], "Promote two", offered[:10], "Promote three", "reconciler acknowledge-rewrite"):
        assert part in str(refusal.value)
    assert source.head() == known


def test_a_rewrite_is_refused_at_every_poll_until_it_is_acknowledged(source: Source, repository: Repository) -> None:
    _, offered = rewrite(repository, source)
    for _ in range(2):
        with pytest.raises(HistoryRewritten):
            source.poll()
    assert source.acknowledge_rewrite() == offered
    assert source.head() == offered
    assert source.poll() == offered


def test_the_rewritten_history_can_be_examined_before_it_is_accepted(source: Source, repository: Repository) -> None:
    known, offered = rewrite(repository, source)
    with pytest.raises(HistoryRewritten):
        source.poll()
    assert [commit.subject for commit in source.history(offered, 9)] == ["Promote three", "Change something"]
    assert source.resolve(known[:10]) == known


def test_the_old_line_can_still_be_read_after_a_rewrite_was_acknowledged(
    source: Source, repository: Repository
) -> None:
    known, _ = rewrite(repository, source)
    with pytest.raises(HistoryRewritten):
        source.poll()
    source.acknowledge_rewrite()
    assert source.commit(known).subject == "Promote two"


def test_a_branch_reset_to_its_parent_is_a_rewrite(source: Source, repository: Repository) -> None:
    parent = repository.commit({"a.yaml": "a"})
    repository.commit({"a.yaml": "b"})
    source.poll()
    repository.move("main", parent)
    with pytest.raises(HistoryRewritten, match="part at"):
        source.poll()


def test_a_branch_created_anew_without_common_history_is_a_rewrite(source: Source, repository: Repository) -> None:
    repository.commit({"a.yaml": "a"})
    source.poll()
    repository.commit({"a.yaml": "z"}, parents=[])
    with pytest.raises(HistoryRewritten, match="share no history"):
        source.poll()


def test_a_branch_put_back_after_a_force_push_needs_no_acknowledgement(source: Source, repository: Repository) -> None:
    known, _ = rewrite(repository, source)
    with pytest.raises(HistoryRewritten):
        source.poll()
    repository.move("main", known)
    assert source.poll() == known
    with pytest.raises(RevisionMissing, match="No rewritten history"):
        source.acknowledge_rewrite()


def test_a_merge_that_contains_the_known_head_is_no_rewrite(source: Source, repository: Repository) -> None:
    first = repository.commit({"a.yaml": "a"})
    source.poll()
    side = repository.commit({"a.yaml": "b"}, "On the side", branch="side", parents=[first])
    other = repository.commit({"a.yaml": "c"}, "Elsewhere", branch="elsewhere", parents=[first])
    merge = repository.commit({"a.yaml": "d"}, "Merge", parents=[other, side])
    assert source.poll() == merge
    assert [commit.subject for commit in source.history(merge, 9)] == ["Merge", "Elsewhere", "Change something"]


def test_a_remote_that_is_away_leaves_the_mirror_as_it_is(source: Source, repository: Repository) -> None:
    head = repository.commit({"a.yaml": "a"})
    source.poll()
    repository.path.rename(repository.path.with_name("away"))
    with pytest.raises(SourceUnavailable) as trouble:
        source.poll()
    assert trouble.value.reaction is Reaction.RETRY
    assert source.head() == head
    assert [file.path for file in source.files(head)] == ["a.yaml"]


def test_files_come_ascending_by_path_with_blob_and_size(source: Source, repository: Repository) -> None:
    head = repository.commit({"b/c.yaml": "12345", "a.yaml": "1", "b.yaml": "22"})
    source.poll()
    files = source.files(head)
    assert [(file.path, file.size) for file in files] == [("a.yaml", 1), ("b.yaml", 2), ("b/c.yaml", 5)]
    assert source.read(files[2].blob, 100) == b"12345"


@pytest.mark.parametrize("path", ["eu", "eu/", "/eu", "./eu/."])
def test_files_below_a_path_keep_their_path_from_the_root(source: Source, repository: Repository, path: str) -> None:
    head = repository.commit({"eu/models/a.yaml": "a", "eu.yaml": "b", "us/a.yaml": "c"})
    source.poll()
    assert [file.path for file in source.files(head, path)] == ["eu/models/a.yaml"]


def test_a_path_that_is_a_file_is_that_file(source: Source, repository: Repository) -> None:
    head = repository.commit({"eu/a.yaml": "a", "eu/b.yaml": "b"})
    source.poll()
    assert [file.path for file in source.files(head, "eu/b.yaml")] == ["eu/b.yaml"]


def test_a_commit_that_deletes_every_file_has_no_files(source: Source, repository: Repository) -> None:
    repository.commit({"a.yaml": "a"})
    head = repository.commit({}, "Delete everything")
    source.poll()
    assert not source.files(head)


@pytest.mark.parametrize("path", ["eu/models", "eu/a.yaml/deeper", "..", "nowhere"])
def test_a_path_that_does_not_exist_is_named_with_what_is_there(
    source: Source, repository: Repository, path: str
) -> None:
    head = repository.commit({"eu/a.yaml": "a", "us/a.yaml": "b"})
    source.poll()
    with pytest.raises(RevisionMissing, match=rf"{path} does not exist in commit {head[:10]}.*there is (nothing|a|eu)"):
        source.files(head, path)


def test_a_file_larger_than_the_limit_is_cut_one_byte_after_it(source: Source, repository: Repository) -> None:
    head = repository.commit({"a.yaml": "0123456789"})
    source.poll()
    (file,) = source.files(head)
    assert source.read(file.blob, 4) == b"01234"
    assert source.read(file.blob, 10) == b"0123456789"


def test_a_commit_tells_who_when_and_what_with_all_its_trailers(source: Source, repository: Repository) -> None:
    message = "Empty the old\nserver\n\nWe leave it.\n\nModel-Prune: all\nReviewed-by: A\nReviewed-by: B\n"
    head = repository.commit({"a.yaml": "a"}, message)
    source.poll()
    commit = source.commit(head)
    assert commit.id == head
    assert commit.author == "Ada <ada@example.org>"
    assert commit.time == 1_700_000_060
    assert commit.subject == "Empty the old server"
    assert commit.trailers == (("Model-Prune", "all"), ("Reviewed-by", "A"), ("Reviewed-by", "B"))
    assert commit.prunes_all


def test_history_is_newest_first_and_as_long_as_asked(source: Source, repository: Repository) -> None:
    ids = [repository.commit({"a.yaml": str(number)}, f"Number {number}") for number in range(4)]
    source.poll()
    assert [commit.id for commit in source.history(ids[3], 3)] == [ids[3], ids[2], ids[1]]


def test_revisions_are_branch_head_and_ancestors_and_short_ids(source: Source, repository: Repository) -> None:
    first = repository.commit({"a.yaml": "a"})
    second = repository.commit({"a.yaml": "b"})
    source.poll()
    assert [source.resolve(each) for each in ("main", "HEAD", second, second[:8])] == [second] * 4
    assert [source.resolve(each) for each in ("main~1", "HEAD~1", "HEAD^", first[:8])] == [first] * 4


@pytest.mark.parametrize("revision", ["nowhere", "main~9", "", "0" * 40, "HEAD:a.yaml", "a..b", "-x"])
def test_a_revision_that_names_no_commit_is_refused_with_the_branches_known(
    source: Source, repository: Repository, revision: str
) -> None:
    repository.commit({"a.yaml": "a"})
    source.poll()
    with pytest.raises(RevisionMissing, match="Branches known here: main"):
        source.resolve(revision)


@pytest.mark.parametrize("commit_id", ["0" * 40, "not-an-id"])
def test_a_commit_that_is_not_there_is_missing(source: Source, repository: Repository, commit_id: str) -> None:
    repository.commit({"a.yaml": "a"})
    source.poll()
    with pytest.raises(RevisionMissing):
        source.commit(commit_id)
    with pytest.raises(RevisionMissing):
        source.files(commit_id)
    with pytest.raises(RevisionMissing):
        source.history(commit_id, 3)
