from pathlib import Path

import pygit2
import pytest
from pygit2.enums import ObjectType
from repositories import Repository

from reconciler.adapters.git_merging import ahead, merged
from reconciler.adapters.git_reader import GitReader
from reconciler.errors import MergeConflict, RevisionMissing


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path / "there.git")


def reader(repository: Repository) -> GitReader:
    return GitReader(repository.path)


def contents(source: GitReader, commit: str) -> dict[str, str]:
    return {each.path: source.read(each.blob, 1000).decode() for each in source.files(commit)}


def forked(repository: Repository, ours: dict[str, str], theirs: dict[str, str]) -> tuple[str, str]:
    """Two branches that part at a commit with the files a and b."""
    base = repository.commit({"a": "1\n2\n3\n4\n5\n6\n7\n8\n", "b": "b\n"})
    into = repository.commit(ours)
    return into, repository.commit(theirs, branch="feature", parents=[base])


LINES = "1\n2\n3\n4\n5\n6\n7\n8\n"


def test_both_sides_changes_of_one_file_are_in_the_result(repository: Repository) -> None:
    into, head = forked(
        repository, {"a": LINES.replace("1", "one"), "b": "b\n"}, {"a": LINES.replace("8", "eight"), "c": "new\n"}
    )
    with merged(reader(repository), into, head) as found:
        assert contents(found.source, found.commit) == {"a": "one\n2\n3\n4\n5\n6\n7\neight\n", "c": "new\n"}
        assert found.made


def test_a_file_that_one_side_renamed_gets_what_the_other_side_changed(repository: Repository) -> None:
    into, head = forked(repository, {"a": LINES.replace("1", "one"), "b": "b\n"}, {"renamed": LINES, "b": "b\n"})
    with merged(reader(repository), into, head) as found:
        assert contents(found.source, found.commit)["renamed"].startswith("one\n")


def test_a_head_that_contains_the_branch_is_the_result_itself(repository: Repository) -> None:
    into = repository.commit({"a": "1\n"})
    head = repository.commit({"a": "2\n"}, branch="feature", parents=[into])
    with merged(reader(repository), into, head) as found:
        assert (found.commit, found.made) == (head, False)


def test_a_branch_that_contains_the_head_stays_as_it_is(repository: Repository) -> None:
    head = repository.commit({"a": "1\n"})
    into = repository.commit({"a": "2\n"})
    with merged(reader(repository), into, head) as found:
        assert (found.commit, found.made) == (into, False)


def test_several_merge_bases_are_joined_as_git_does(repository: Repository) -> None:
    into, head = forked(repository, {"a": "a\n", "b": "b\n"}, {"a": LINES, "b": "c\n"})
    left = repository.commit({"a": "a\n", "b": "c\n"}, parents=[into, head])
    right = repository.commit({"a": "a\n", "b": "c\n", "d": "d\n"}, branch="feature", parents=[head, into])
    with merged(reader(repository), left, right) as found:
        assert contents(found.source, found.commit) == {"a": "a\n", "b": "c\n", "d": "d\n"}


def test_conflicts_name_every_file_that_both_changed(repository: Repository) -> None:
    into, head = forked(repository, {"a": "ours\n", "b": "ours\n"}, {"a": "theirs\n"})
    with (
        pytest.raises(MergeConflict, match=r"both changed a, b\. Merge or rebase") as met,
        merged(reader(repository), into, head),
    ):
        pass
    assert met.value.paths == ("a", "b")


def test_a_conflict_in_a_file_with_a_hostile_name_is_still_said(repository: Repository) -> None:
    trees = [
        repository.git.write(ObjectType.TREE, b"100644 \xff|<script>\0" + bytes(repository.git.create_blob(text).raw))
        for text in (b"base", b"ours", b"theirs")
    ]
    who = pygit2.Signature("Ada", "ada@example.org", 1, 0)
    base = repository.git.create_commit(None, who, who, "base", trees[0], [])
    into, head = (str(repository.git.create_commit(None, who, who, "m", tree, [base])) for tree in trees[1:])
    with pytest.raises(MergeConflict, match="cannot be merged"), merged(reader(repository), into, head):
        pass


def test_nothing_is_written_to_the_repository(repository: Repository) -> None:
    into, head = forked(repository, {"a": LINES.replace("1", "one")}, {"a": LINES.replace("8", "eight")})
    before = sorted(str(each) for each in repository.git.odb)
    with merged(reader(repository), into, head) as found:
        assert found.commit not in repository.git
    assert sorted(str(each) for each in repository.git.odb) == before


def test_branches_without_a_common_commit_are_refused_with_what_to_do(repository: Repository) -> None:
    into, head = repository.commit({"a": "1\n"}), repository.commit({"a": "2\n"}, branch="other", parents=[])
    with pytest.raises(RevisionMissing, match="no history in common"), merged(reader(repository), into, head):
        pass


def test_a_shallow_clone_says_how_ci_fetches_the_history(repository: Repository) -> None:
    into, head = forked(repository, {"a": "1\n"}, {"a": LINES, "b": "c\n"})
    (repository.path / "shallow").write_text(f"{into}\n{head}\n")
    with pytest.raises(RevisionMissing, match="fetch-depth: 0"), merged(reader(repository), into, head):
        pass


def test_a_merge_in_a_linked_worktree_finds_the_objects_of_the_main_one(repository: Repository, tmp_path: Path) -> None:
    into, head = forked(repository, {"a": LINES.replace("1", "one")}, {"a": LINES.replace("8", "eight")})
    repository.git.add_worktree("linked", str(tmp_path / "linked"))
    with merged(GitReader(tmp_path / "linked"), into, head) as found:
        assert contents(found.source, found.commit)["a"].startswith("one\n")


def test_the_same_merge_has_the_same_id(repository: Repository) -> None:
    into, head = forked(repository, {"a": LINES.replace("1", "one")}, {"a": LINES.replace("8", "eight")})
    with merged(reader(repository), into, head) as first, merged(reader(repository), into, head) as second:
        assert first.commit == second.commit


def test_ahead_counts_what_the_branch_got_since_the_head_parted(repository: Repository) -> None:
    into, head = forked(repository, {"a": "1\n"}, {"a": LINES, "b": "c\n"})
    assert ahead(reader(repository), into, head) == 1


def test_a_shallow_clone_is_named_where_a_revision_is_not_found(repository: Repository) -> None:
    head = repository.commit({"a": "1\n"})
    (repository.path / "shallow").write_text(f"{head}\n")
    with pytest.raises(RevisionMissing, match="fetch-depth: 0"):
        reader(repository).resolve("HEAD~1")


def test_a_branch_known_as_the_remotes_only_is_named(repository: Repository) -> None:
    head = repository.commit({"a": "1\n"})
    repository.git.references.create("refs/remotes/origin/release", head)
    with pytest.raises(RevisionMissing, match="known here as origin/release"):
        reader(repository).resolve("release")


def test_a_detached_head_is_named_where_the_branch_is_missing(repository: Repository) -> None:
    head = repository.commit({"a": "1\n"})
    repository.git.set_head(pygit2.Oid(hex=head))
    with pytest.raises(RevisionMissing, match="give --to HEAD"):
        reader(repository).resolve("refs/heads/release")
