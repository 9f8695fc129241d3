"""Commits made here are pushed only where this service would put them in force; real writer, real keys."""

from collections.abc import Callable
from pathlib import Path

import pytest
from repositories import Repository
from signing import SshKey, ssh_key

from reconciler.adapters.git import GitMirror, GitRemote
from reconciler.adapters.git_signing import SigningKey
from reconciler.adapters.git_writer import GitWriter, Identity
from reconciler.adapters.signatures import KeyFiles, SignatureVerifier
from reconciler.errors import SourceUnverified
from reconciler.source import Guarded, Trust
from reconciler.state.revision import Revision
from reconciler.state.signature import Verify


class Place:
    """A repository, a mirror of it, a bot with a key, and a file that says who is trusted."""

    def __init__(self, folder: Path) -> None:
        self.repository = Repository(folder / "desired.git")
        self.head = self.repository.commit({"a.yaml": "a"})
        self.mirror = GitMirror(folder / "mirror.git", GitRemote(self.repository.url))
        self.mirror.poll()
        self.allowed = folder / "allowed"
        self.allowed.write_text("")
        self.key = ssh_key(folder, "bot")

    def guarded(self, key: SshKey | None, verify: Verify = Verify.HEAD) -> Guarded:
        signing = SigningKey.from_environment({"RECONCILER_GIT_SIGNING_KEY": str(key.path)}) if key else None
        writer = GitWriter(self.mirror, Identity("bot", "bot@example.org"), signing)
        trust = Trust(self.mirror, SignatureVerifier(self.mirror, KeyFiles(self.allowed)), verify)
        return Guarded(writer, trust, "main")

    def trust_bot(self) -> None:
        self.allowed.write_text(f"bot@example.org {self.key.public}\n")

    def remote(self, branch: str) -> str | None:
        found = self.repository.git.references.get(f"refs/heads/{branch}")
        return str(found.target) if found else None


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def revision(base: str) -> Revision:
    return Revision(base, (("a.yaml", b"b"),), "Take it back\n")


def test_a_commit_signed_with_a_trusted_key_is_pushed_and_would_be_put_in_force(place: Place) -> None:
    place.trust_bot()
    guarded = place.guarded(place.key)
    made = guarded.write(revision(place.head))
    guarded.push(made)
    assert place.remote("main") == made


@pytest.mark.parametrize("key", [lambda place: None, lambda place: place.key], ids=["unsigned", "not trusted"])
@pytest.mark.parametrize("branch", [None, "main"])
def test_a_commit_that_would_be_refused_here_is_not_pushed_to_the_followed_branch(
    place: Place, key: Callable[[Place], SshKey | None], branch: str | None
) -> None:
    guarded = place.guarded(key(place))
    made = guarded.write(revision(place.head))
    with pytest.raises(SourceUnverified, match="made here is not pushed"):
        guarded.push(made, branch)
    assert place.remote("main") == place.head


def test_a_proposal_on_a_branch_of_its_own_needs_no_signature(place: Place) -> None:
    guarded = place.guarded(None)
    made = guarded.write(revision(place.head))
    guarded.push(made, "rollback/a")
    assert place.remote("rollback/a") == made


def test_without_verification_everything_is_pushed(place: Place) -> None:
    guarded = place.guarded(None, Verify.NONE)
    made = guarded.write(revision(place.head))
    guarded.push(made)
    assert place.remote("main") == made
