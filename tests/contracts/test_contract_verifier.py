"""What every Verifier does, the real one and the simulator's: add an implementation to DESKS and it is held to this."""

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import pytest
from repositories import Repository
from signing import commit_signed, ssh_key

from reconciler.adapters.git import GitReader
from reconciler.adapters.signatures import KeyFiles, SignatureVerifier
from reconciler.errors import RevisionMissing
from reconciler.ports import Verifier
from reconciler.sim.signatures import SimVerifier
from reconciler.state.signature import Verdict

FILES = {"a.yaml": "a"}


class Desk(Protocol):
    """Makes commits of three kinds, and says who is trusted; only Ada at first."""

    verifier: Verifier

    def by_ada(self) -> str: ...

    def by_grace(self) -> str: ...

    def by_nobody(self) -> str: ...

    def trust_grace_too(self) -> None: ...


class RealDesk:
    """Keys, signatures and files as they are."""

    def __init__(self, repository: Repository, folder: Path) -> None:
        self._repository = repository
        self._allowed = folder / "allowed"
        self._ada, self._grace = ssh_key(folder, "ada"), ssh_key(folder, "grace")
        self._allowed.write_text(f"ada@example.org {self._ada.public}\n")
        self.verifier: Verifier = SignatureVerifier(GitReader(repository.path), KeyFiles(self._allowed))

    def by_ada(self) -> str:
        return commit_signed(self._repository, FILES, self._ada.sign)

    def by_grace(self) -> str:
        return commit_signed(self._repository, FILES, self._grace.sign)

    def by_nobody(self) -> str:
        return self._repository.commit(FILES)

    def trust_grace_too(self) -> None:
        with self._allowed.open("a") as file:
            file.write(f"grace@example.org {self._grace.public}\n")


class SimDesk:
    """The simulator's."""

    def __init__(self, repository: Repository, _folder: Path) -> None:
        self._repository = repository
        self._sim = SimVerifier(GitReader(repository.path).commit, {"ada"})
        self.verifier: Verifier = self._sim

    def by_ada(self) -> str:
        return self._sim.sign(self._repository.commit(FILES), "ada")

    def by_grace(self) -> str:
        return self._sim.sign(self._repository.commit(FILES), "grace")

    def by_nobody(self) -> str:
        return self._repository.commit(FILES)

    def trust_grace_too(self) -> None:
        self._sim.keys.add("grace")


DESKS: dict[str, Callable[[Repository, Path], Desk]] = {"ssh-keygen": RealDesk, "sim": SimDesk}


@pytest.fixture(params=sorted(DESKS))
def desk(request: pytest.FixtureRequest, tmp_path: Path) -> Desk:
    return DESKS[request.param](Repository(tmp_path / "desired.git"), tmp_path)


def test_a_commit_by_a_trusted_key_is_verified_with_signer_and_fingerprint(desk: Desk) -> None:
    found = desk.verifier.verify(desk.by_ada())
    assert (found.good, found.signer) == (True, "ada@example.org")
    assert found.fingerprint.startswith("SHA256:")


def test_a_commit_by_another_key_is_not_and_says_which(desk: Desk) -> None:
    found = desk.verifier.verify(desk.by_grace())
    assert found.verdict is Verdict.UNKNOWN_KEY
    assert found.fingerprint.startswith("SHA256:")
    assert found.detail


def test_a_commit_without_a_signature_is_unsigned(desk: Desk) -> None:
    assert desk.verifier.verify(desk.by_nobody()).verdict is Verdict.UNSIGNED


def test_a_key_counts_from_the_moment_it_is_trusted(desk: Desk) -> None:
    commit, before = desk.by_grace(), desk.verifier.trusted()
    assert not desk.verifier.verify(commit).good
    desk.trust_grace_too()
    assert desk.verifier.verify(commit).good
    assert desk.verifier.trusted() != before


def test_the_digest_of_the_keys_stays_while_they_do(desk: Desk) -> None:
    assert desk.verifier.trusted() == desk.verifier.trusted() != ""


def test_a_commit_that_does_not_exist_is_missing(desk: Desk) -> None:
    desk.by_ada()
    with pytest.raises(RevisionMissing):
        desk.verifier.verify("0" * 40)
