"""A commit as text that git itself takes back."""

import subprocess
from pathlib import Path

import pygit2
import pytest
from repositories import Repository

from reconciler.adapters import git_patch
from reconciler.errors import RevisionMissing

BEFORE = {"a.yaml": "a: 1\n", "crlf.yaml": "b: 1\r\nc: 2\r\n", "end.yaml": "no line end"}
AFTER = {"a.yaml": "a: 2\n", "crlf.yaml": "b: 1\r\nc: 3\r\n", "end.yaml": "none either", "new/ünï.yaml": "x\n"}


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    made = Repository(tmp_path / "desired.git")
    made.commit(BEFORE)
    return made


def taken(repository: Repository, patch: str, *command: str) -> Path:
    """A clone of the first commit in which git was given the patch."""
    clone = repository.path.parent / "clone"
    subprocess.run(["git", "clone", "-q", str(repository.path), str(clone)], check=True)
    subprocess.run(["git", "-C", str(clone), "reset", "-q", "--hard", "HEAD~1"], check=True)
    who = ["-c", "user.name=A", "-c", "user.email=a@example.org"]
    done = subprocess.run(
        ["git", *who, "-C", str(clone), *command], input=patch.encode(), capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return clone


def test_git_am_makes_the_same_tree_of_it(repository: Repository) -> None:
    made = repository.commit(AFTER, "Change them")
    clone = taken(repository, git_patch.mail(repository.path, made), "am", "--quiet", "--keep-cr")
    assert {path: (clone / path).read_bytes().decode() for path in AFTER} == AFTER


def test_git_apply_takes_the_difference(repository: Repository) -> None:
    made = repository.commit(AFTER, "Change them")
    clone = taken(repository, git_patch.diff(repository.path, made), "apply")
    assert {path: (clone / path).read_bytes().decode() for path in AFTER} == AFTER


def test_a_message_that_looks_like_a_patch_stays_a_message(repository: Repository) -> None:
    message = "Größe ändern\n\ntext\n---\ndiff --git a/x b/x\nFrom here on\nIndex: 1\n\nRollback-Of: c0ffee\n"
    made = repository.commit({**BEFORE, "a.yaml": "a: 2\n"}, message)
    clone = taken(repository, git_patch.mail(repository.path, made), "am", "--quiet")
    said = subprocess.run(["git", "-C", str(clone), "log", "-1", "--format=%B"], capture_output=True, check=True)
    assert [line.strip() for line in said.stdout.decode().strip().split("\n")] == message.strip().split("\n")


def test_a_commit_without_parent_shows_all_of_its_files(tmp_path: Path) -> None:
    repository = Repository(tmp_path / "one.git")
    assert "+a: 1" in git_patch.diff(repository.path, repository.commit(BEFORE))


def test_a_commit_that_is_not_there_is_missing(repository: Repository) -> None:
    with pytest.raises(RevisionMissing):
        git_patch.mail(repository.path, str(pygit2.Oid(hex="12" * 20)))
