"""Which trees are made and which are refused, who commits, and who signs."""

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest
from repositories import Repository

from reconciler.adapters.git import GitMirror, GitRemote
from reconciler.adapters.git_signing import SigningKey
from reconciler.adapters.git_writer import GitWriter, Identity
from reconciler.errors import RevisionRefused
from reconciler.state.revision import Revision

BOT = Identity("Bot", "bot@example.org")


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    made = Repository(tmp_path / "desired.git")
    made.commit({"a.yaml": "a", "models/b.yaml": "b", "link": "->a.yaml", "linked": "->models"})
    return made


@pytest.fixture
def mirror(repository: Repository, tmp_path: Path) -> GitMirror:
    made = GitMirror(tmp_path / "mirror.git", GitRemote(repository.url))
    made.poll()
    return made


def write(mirror: GitMirror, files: Mapping[str, bytes | None], signing: SigningKey | None = None) -> str:
    head = mirror.head()
    assert head is not None
    return GitWriter(mirror, BOT, signing).write(Revision(head, tuple(sorted(files.items())), "Change"))


def paths(mirror: GitMirror, commit: str) -> list[str]:
    return [each.path for each in mirror.files(commit)]


def test_files_are_added_in_new_folders(mirror: GitMirror) -> None:
    assert paths(mirror, write(mirror, {"x/y/z.yaml": b"z"})) == ["a.yaml", "models/b.yaml", "x/y/z.yaml"]


def test_a_folder_goes_with_its_last_file(mirror: GitMirror) -> None:
    made = write(mirror, {"models/b.yaml": None})
    tree = subprocess.run(
        ["git", "-C", str(mirror.path), "ls-tree", "--name-only", made], capture_output=True, text=True, check=True
    )
    assert tree.stdout.split() == ["a.yaml", "link", "linked"]


def test_an_executable_file_stays_executable(repository: Repository, mirror: GitMirror, tmp_path: Path) -> None:
    clone = tmp_path / "clone"
    who = ["-c", "user.name=A", "-c", "user.email=a@example.org"]
    subprocess.run(["git", "clone", "-q", repository.url, str(clone)], check=True)
    (clone / "a.yaml").chmod(0o755)
    subprocess.run(["git", *who, "-C", str(clone), "commit", "-qam", "x"], check=True)
    subprocess.run(["git", "-C", str(clone), "push", "-q"], check=True)
    mirror.poll()
    made = write(mirror, {"a.yaml": b"new"})
    shown = subprocess.run(
        ["git", "-C", str(mirror.path), "ls-tree", made, "a.yaml"], capture_output=True, text=True, check=True
    )
    assert shown.stdout.startswith("100755")


@pytest.mark.parametrize(
    "path",
    [
        *("/a", "a//b", "../a", "a/../b", ".", "", "a/", ".git/config", ".GIT/hooks/x", "x/.git", "git~1", ".git "),
        *("a\\b", "a\nb", ".g\u200cit/x", "a/" + "b" * 256, "a" * 4097),
    ],
)
def test_a_hostile_path_is_refused(mirror: GitMirror, path: str) -> None:
    with pytest.raises(RevisionRefused, match=r"path|git's own files"):
        write(mirror, {path: b"x"})


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("link", "a symbolic link"),
        ("linked/b.yaml", "a symbolic link"),
        ("models", "a folder"),
        ("a.yaml/b", "a file"),
        ("A.yaml", "by case alone"),
        ("Models/b.yaml", "by case alone"),
    ],
)
def test_a_path_that_is_something_else_is_refused(mirror: GitMirror, path: str, words: str) -> None:
    with pytest.raises(RevisionRefused, match=words):
        write(mirror, {path: b"x"})


def test_two_new_files_that_differ_by_case_are_refused(mirror: GitMirror) -> None:
    with pytest.raises(RevisionRefused, match="by case alone"):
        write(mirror, {"x.yaml": b"1", "X.yaml": b"2"})


def test_a_path_through_a_submodule_is_refused(repository: Repository, mirror: GitMirror) -> None:
    head = repository.git.references["refs/heads/main"].target
    builder = repository.git.TreeBuilder()
    builder.insert("sub", head, 0o160000)
    who = repository.git[head].author
    repository.git.create_commit("refs/heads/main", who, who, "sub", builder.write(), [head])
    mirror.poll()
    with pytest.raises(RevisionRefused, match="a submodule"):
        write(mirror, {"sub/a.yaml": b"x"})


def test_a_file_that_is_not_there_cannot_be_removed(mirror: GitMirror) -> None:
    with pytest.raises(RevisionRefused, match=r"gone\.yaml"):
        write(mirror, {"gone.yaml": None})


def test_who_commits_can_be_told_by_the_environment() -> None:
    told = {"RECONCILER_GIT_AUTHOR_NAME": "Ops", "RECONCILER_GIT_AUTHOR_EMAIL": "ops@example.org"}
    assert Identity.of_person(told) == Identity("Ops", "ops@example.org")


def test_a_person_without_settings_of_git_commits_as_the_reconciler() -> None:
    assert Identity.of_person({"GIT_CONFIG_GLOBAL": os.devnull}).name == "reconciler"


def test_a_person_is_who_git_says() -> None:
    known = {"GIT_AUTHOR_NAME": "Ada <x>", "GIT_AUTHOR_EMAIL": "ada@example.org"}
    assert Identity.of_person(known) == Identity("Ada x", "ada@example.org")


@pytest.mark.parametrize("name", ["", " ", "a<b", "a\nb"])
def test_a_name_that_git_cannot_write_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="cannot stand in a commit"):
        Identity(name, "x@example.org")


def verified(mirror: GitMirror, commit: str, *settings: str) -> str:
    command = ["git", *settings, "-C", str(mirror.path), "verify-commit", commit]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stderr + done.stdout if done.returncode == 0 else f"bad: {done.stderr}"


def test_a_commit_signed_with_an_ssh_key_is_verified_by_git(mirror: GitMirror, tmp_path: Path) -> None:
    key = tmp_path / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", str(key)], check=True)
    allowed = tmp_path / "allowed"
    allowed.write_text(f"bot@example.org {key.with_suffix('.pub').read_text()}")
    made = write(mirror, {"a.yaml": b"new"}, SigningKey(str(key)))
    said = verified(mirror, made, "-c", f"gpg.ssh.allowedSignersFile={allowed}")
    assert 'Good "git" signature for bot@example.org' in said


def test_a_commit_signed_with_openpgp_is_verified_by_git(
    mirror: GitMirror, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "gnupg"
    home.mkdir(mode=0o700)
    monkeypatch.setenv("GNUPGHOME", str(home))
    make = ["gpg", "--batch", "--quiet", "--passphrase", "", "--quick-gen-key", "bot@example.org", "ed25519", "sign"]
    subprocess.run(make, check=True, capture_output=True)
    made = write(mirror, {"a.yaml": b"new"}, SigningKey("bot@example.org", "openpgp"))
    said = verified(mirror, made)
    subprocess.run(["gpgconf", "--kill", "gpg-agent"], check=False)
    assert "Good signature" in said


def test_a_key_that_is_not_there_leaves_no_commit(mirror: GitMirror, tmp_path: Path) -> None:
    with pytest.raises(RevisionRefused, match="could not be signed"):
        write(mirror, {"a.yaml": b"new"}, SigningKey(str(tmp_path / "none")))


def test_a_key_that_wants_a_passphrase_is_refused_and_nobody_is_asked(mirror: GitMirror, tmp_path: Path) -> None:
    key = tmp_path / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "secret", "-C", "", "-f", str(key)], check=True)
    with pytest.raises(RevisionRefused, match="could not be signed"):
        write(mirror, {"a.yaml": b"new"}, SigningKey(str(key)))


@pytest.mark.parametrize(("key", "form"), [("-x", "ssh"), ("", "ssh"), ("a\nb", "openpgp"), ("k", "x509")])
def test_a_key_that_is_none_is_refused(key: str, form: str) -> None:
    with pytest.raises(ValueError, match=r"names no key|no format"):
        SigningKey(key, form)


def test_no_key_in_the_environment_means_no_signature() -> None:
    assert SigningKey.from_environment({}) is None
