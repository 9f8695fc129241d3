"""What every `Revisions` does, whatever the remote is: a folder on this machine, or a host over http."""

import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import githost
import pytest
from repositories import Repository

from reconciler.adapters.git import GitMirror, GitRemote
from reconciler.adapters.git_writer import GitWriter, Identity
from reconciler.errors import BranchMoved, PushRefused, RevisionMissing, RevisionRefused, SourceUnavailable
from reconciler.ports import Revisions
from reconciler.state.revision import Revision

FILES = {"models/a.yaml": "a: 1\n", "models/b.yaml": "b: 1\n", "README.md": "hello\n"}


@dataclass
class Place:
    """A remote, the mirror that follows it, and the writer under test."""

    remote: Repository
    mirror: GitMirror
    revisions: Revisions
    base: str

    def written(self, content: str = "a: 2\n", message: str = "Change a") -> str:
        return self.revisions.write(Revision(self.base, (("models/a.yaml", content.encode()),), message))

    def at(self, branch: str = "main") -> str | None:
        found = self.remote.git.references.get(f"refs/heads/{branch}")
        return None if found is None else str(found.target)


@contextmanager
def folder(repository: Repository) -> Iterator[str]:
    yield repository.url


@contextmanager
def host(repository: Repository) -> Iterator[str]:
    repository.git.config["http.receivepack"] = True
    with githost.serving(repository.path.parent) as served:
        yield f"{served.url}/{repository.path.name}"


REMOTES: dict[str, Callable[[Repository], "object"]] = {"folder": folder, "host": host}


@pytest.fixture(params=sorted(REMOTES))
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    repository = Repository(tmp_path / "desired.git")
    base = repository.commit(FILES)
    with REMOTES[request.param](repository) as url:  # type: ignore[attr-defined]
        mirror = GitMirror(tmp_path / "mirror.git", GitRemote(url))
        mirror.poll()
        writer = GitWriter(mirror, Identity("Bot", "bot@example.org"), now=lambda: 1_700_000_500.0)
        yield Place(repository, mirror, writer, base)


def forbid(repository: Repository, words: str) -> None:
    hook = repository.path / "hooks" / "pre-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f"#!/bin/sh\necho '{words}' >&2\nexit 1\n")
    hook.chmod(0o755)


def test_a_commit_changes_the_files_it_names_and_no_other(place: Place) -> None:
    made = place.written()
    said = {each.path: place.mirror.read(each.blob, 99) for each in place.mirror.files(made)}
    assert said == {path: text.encode() for path, text in (FILES | {"models/a.yaml": "a: 2\n"}).items()}


def test_a_commit_stands_on_its_base_with_its_whole_message(place: Place) -> None:
    made = place.mirror.commit(place.written(message="Change a\n\nRollback-Of: c0ffee\n"))
    assert (made.subject, made.author, made.trailers) == (
        "Change a",
        "Bot <bot@example.org>",
        (("Rollback-Of", "c0ffee"),),
    )


def test_no_branch_moves_before_the_push(place: Place) -> None:
    place.written()
    assert (place.mirror.head(), place.at()) == (place.base, place.base)


def test_equal_revisions_at_equal_times_are_the_same_commit(place: Place) -> None:
    assert place.written() == place.written()


def test_a_push_moves_the_followed_branch(place: Place) -> None:
    made = place.written()
    place.revisions.push(made)
    assert place.at() == made
    assert place.mirror.poll() == made


def test_a_push_made_twice_is_made_once(place: Place) -> None:
    made = place.written()
    place.revisions.push(made)
    place.revisions.push(made)
    assert place.at() == made


def test_a_branch_of_its_own_leaves_the_followed_one(place: Place) -> None:
    made = place.written()
    place.revisions.push(made, "reconciler/rollback-a")
    assert (place.at("reconciler/rollback-a"), place.at()) == (made, place.base)


def test_an_own_branch_that_exists_with_another_commit_is_not_touched(place: Place) -> None:
    place.remote.commit(FILES, branch="taken")
    before = place.at("taken")
    with pytest.raises(BranchMoved, match="branch taken"):
        place.revisions.push(place.written(), "taken")
    assert place.at("taken") == before


def test_a_concurrent_push_wins(place: Place) -> None:
    made = place.written()
    other = place.remote.commit(FILES | {"models/b.yaml": "b: 2\n"})
    with pytest.raises(BranchMoved, match=f"is at {other[:10]} and was expected at {place.base[:10]}"):
        place.revisions.push(made)
    assert place.at() == other


def test_a_branch_that_was_set_back_is_not_brought_forward_again(place: Place) -> None:
    second = place.remote.commit(FILES | {"models/b.yaml": "b: 2\n"})
    place.mirror.poll()
    made = place.revisions.write(Revision(second, (("models/a.yaml", b"a: 2\n"),), "Change a"))
    place.remote.move("main", place.base)
    with pytest.raises(BranchMoved):
        place.revisions.push(made)
    assert place.at() == place.base


def test_a_branch_that_is_gone_is_not_made_again(place: Place) -> None:
    made = place.written()
    place.remote.drop("main")
    with pytest.raises(BranchMoved, match="does not exist"):
        place.revisions.push(made)


def test_a_hook_that_says_no_is_quoted(place: Place) -> None:
    forbid(place.remote, "main is protected: open a pull request")
    with pytest.raises(PushRefused, match="main is protected: open a pull request"):
        place.revisions.push(place.written())
    assert place.at() == place.base


def test_a_remote_that_is_gone_is_said_to_be_out_of_reach(place: Place) -> None:
    made = place.written()
    place.remote.path.rename(place.remote.path.with_name("moved.git"))
    with pytest.raises(SourceUnavailable):
        place.revisions.push(made)


def test_a_detached_head_over_there_does_not_matter(place: Place) -> None:
    place.remote.git.set_head(place.remote.git[place.base].id)
    made = place.written()
    place.revisions.push(made)
    assert place.at() == made


def test_a_base_that_is_not_here_is_missing(place: Place) -> None:
    with pytest.raises(RevisionMissing, match="0123456789"):
        place.revisions.write(Revision("0123456789" * 4, (("a", b""),), "x"))


def test_a_commit_that_would_change_nothing_is_refused(place: Place) -> None:
    with pytest.raises(RevisionRefused, match="change nothing"):
        place.written("a: 1\n")


@pytest.mark.parametrize("name", ["-x", "a b", "a..b", "x.lock", "/x", "x/", "@{-1}", ""])
def test_a_branch_that_is_no_name_is_refused(place: Place, name: str) -> None:
    with pytest.raises(RevisionRefused, match="no name for a branch"):
        place.revisions.push(place.written(), name)


def test_git_finds_nothing_wrong_with_what_was_made(place: Place) -> None:
    place.revisions.push(place.written())
    done = subprocess.run(
        ["git", "-C", str(place.remote.path), "fsck", "--strict"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr.strip()) == (0, "")
