from pathlib import Path

import pygit2
import pytest
from pygit2.enums import FileMode, ObjectType
from repositories import Repository

from reconciler.adapters.git_line import GitLine
from reconciler.errors import MirrorDamaged, RevisionMissing
from reconciler.ports import ChangedFile


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path / "desired.git")


def line(repository: Repository) -> GitLine:
    return GitLine(repository.path)


def test_a_stretch_ends_where_a_file_was_otherwise(repository: Repository) -> None:
    first = repository.commit({"a/x.yaml": "1", "b.yaml": "1"})
    second = repository.commit({"a/x.yaml": "2", "b.yaml": "1"})
    third = repository.commit({"a/x.yaml": "2", "b.yaml": "2"})
    assert line(repository).stretch(third, ["a/x.yaml"]) == ([third, second], first)
    assert line(repository).stretch(third, ["b.yaml"]) == ([third], second)
    assert line(repository).stretch(second, ["b.yaml"]) == ([second, first], None)


def test_a_stretch_of_no_files_is_the_whole_line(repository: Repository) -> None:
    first, second = (repository.commit({"a": text}) for text in "12")
    assert line(repository).stretch(second, []) == ([second, first], None)


def test_a_file_that_comes_back_ends_a_stretch_twice(repository: Repository) -> None:
    first = repository.commit({"a": "1"})
    second = repository.commit({"b": "1"})
    third = repository.commit({"a": "1"})
    asked = line(repository)
    assert asked.stretch(third, ["a"]) == ([third], second)
    assert asked.stretch(second, ["a"]) == ([second], first)


@pytest.mark.parametrize("path", ["none", "a/none", "a/x/none", "a", ""])
def test_what_is_no_file_has_no_blob(repository: Repository, path: str) -> None:
    head = repository.commit({"a/x": "1"})
    assert line(repository).blobs(head, [path]) == (None,)


def test_links_and_submodules_are_no_files(repository: Repository) -> None:
    head = repository.commit({"link.yaml": "->/etc/passwd"})
    builder = repository.git.TreeBuilder(repository.git[head].peel(pygit2.Tree))
    builder.insert("sub.yaml", pygit2.Oid(hex=head), FileMode.COMMIT)
    who = pygit2.Signature("Ada", "ada@example.org", 1, 0)
    made = str(repository.git.create_commit(None, who, who, "submodule", builder.write(), [head]))
    assert line(repository).blobs(made, ["link.yaml", "sub.yaml"]) == (None, None)
    assert line(repository).changes(made) == (ChangedFile("sub.yaml", None, None),)


def test_changes_are_those_below_the_folder_alone(repository: Repository) -> None:
    repository.commit({"live/a": "1", "lively/a": "1"})
    head = repository.commit({"live/a": "2", "lively/a": "2"})
    assert [each.path for each in line(repository).changes(head, "live/")] == ["live/a"]


def test_a_name_that_is_no_text_is_marked_and_not_fatal(repository: Repository) -> None:
    repository.commit({"a": "1"})
    tree = b"100644 \xff.yaml\x00" + repository.git.create_blob(b"1").raw
    who = pygit2.Signature("Ada", "ada@example.org", 1, 0)
    made = str(repository.git.create_commit(None, who, who, "odd", repository.git.write(ObjectType.TREE, tree), []))
    assert [each.path for each in line(repository).changes(made)] == ["\ufffd.yaml"]


def test_only_the_sentence_of_git_names_what_is_reverted(repository: Repository) -> None:
    first = repository.commit({"a": "1"})
    claims = f"This reverts commit {first}, reversing\nchanges made to {first}.\nit says This reverts commit {'0' * 40}"
    head = repository.commit({"a": "2"}, f"Undo\n\n{claims}\nThis reverts commit {first[:7]}")
    assert line(repository).reverts(head) == (first,)


def test_a_commit_that_is_not_here_is_missing(repository: Repository) -> None:
    repository.commit({"a": "1"})
    with pytest.raises(RevisionMissing):
        line(repository).stretch("f" * 40, ["a"])


def test_a_repository_that_lost_objects_is_damaged(repository: Repository) -> None:
    first = repository.commit({"a": "1"})
    head = repository.commit({"a": "2"})
    (repository.path / "objects" / first[:2] / first[2:]).unlink()
    with pytest.raises(MirrorDamaged):
        line(repository).stretch(head, ["a"])


def test_no_repository_has_no_head(tmp_path: Path) -> None:
    assert GitLine(tmp_path / "none").head() is None
