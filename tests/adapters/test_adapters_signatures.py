"""Signatures by real keys: who counts, who does not, and why; and what hostile commits may not achieve."""

import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from repositories import Repository
from signing import Gnupg, SshKey, commit_raw, commit_signed, gnupg, payload, ssh_key, with_header

from reconciler.adapters.git import GitReader
from reconciler.adapters.signatures import KeyFiles, SignatureVerifier
from reconciler.state.signature import Verdict

FILES = {"a.yaml": "a"}
ADA = "ada@example.org"


@dataclass(frozen=True, slots=True)
class Ring:
    """The keys of all tests here, made once."""

    ada: SshKey
    mallory: SshKey
    gpg: Gnupg
    grace: str
    eve: str
    old: str
    stolen: str


@pytest.fixture(scope="module")
def ring(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ring]:
    folder = tmp_path_factory.mktemp("keys")
    with gnupg() as home:
        old = home.make("old", "1d", at="20200101T000000")
        stolen = home.make("stolen")
        yield Ring(
            ssh_key(folder, "ada"),
            ssh_key(folder, "mallory"),
            home,
            home.make("grace"),
            home.make("eve"),
            old,
            stolen,
        )


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path / "desired.git")


@dataclass(frozen=True, slots=True)
class Desk:
    """Key files of one test, and a verifier that reads them."""

    folder: Path
    repository: Repository

    def verifier(self, allowed: str | None = None, revoked: str | None = None, *keyrings: bytes) -> SignatureVerifier:
        files = []
        for number, keyring in enumerate(keyrings):
            files.append(self.folder / f"{number}.asc")
            files[-1].write_bytes(keyring)
        return SignatureVerifier(
            GitReader(self.repository.path),
            KeyFiles(self._file("allowed", allowed), self._file("revoked", revoked), tuple(files)),
        )

    def _file(self, name: str, content: str | None) -> Path | None:
        if content is None:
            return None
        (self.folder / name).write_text(content)
        return self.folder / name


@pytest.fixture
def desk(tmp_path: Path, repository: Repository) -> Desk:
    return Desk(tmp_path, repository)


def line(key: SshKey, options: str = 'namespaces="git"', who: str = ADA) -> str:
    return f"{who} {options} {key.public}\n"


# -- SSH --------------------------------------------------------------------------------------------------------------


def test_a_commit_signed_by_an_allowed_ssh_key_is_verified_with_signer_and_fingerprint(desk: Desk, ring: Ring) -> None:
    commit = commit_signed(desk.repository, FILES, ring.ada.sign)
    found = desk.verifier(line(ring.ada)).verify(commit)
    assert (found.verdict, found.signer, found.fingerprint) == (Verdict.VERIFIED, ADA, ring.ada.fingerprint)


def test_git_itself_finds_the_same_signature_good(desk: Desk, ring: Ring) -> None:
    commit = commit_signed(desk.repository, FILES, ring.ada.sign)
    assert desk.verifier(line(ring.ada)).verify(commit).good
    settings = ["-c", "gpg.format=ssh", "-c", f"gpg.ssh.allowedSignersFile={desk.folder / 'allowed'}"]
    subprocess.run(["git", *settings, "verify-commit", commit], cwd=desk.repository.path, check=True)


def test_an_unsigned_commit_is_unsigned(desk: Desk, ring: Ring) -> None:
    commit = desk.repository.commit(FILES)
    assert desk.verifier(line(ring.ada)).verify(commit).verdict is Verdict.UNSIGNED


def test_a_key_that_nobody_allowed_is_unknown_and_named(desk: Desk, ring: Ring) -> None:
    commit = commit_signed(desk.repository, FILES, ring.mallory.sign)
    found = desk.verifier(line(ring.ada)).verify(commit)
    assert found.verdict is Verdict.UNKNOWN_KEY
    assert ring.mallory.fingerprint in found.detail


def test_a_signature_of_another_commit_is_bad(desk: Desk, ring: Ring) -> None:
    commit = commit_signed(desk.repository, FILES, lambda _: ring.ada.sign(b"something else"))
    assert desk.verifier(line(ring.ada)).verify(commit).verdict is Verdict.BAD_SIGNATURE


def test_a_signature_for_files_is_none_for_commits(desk: Desk, ring: Ring) -> None:
    commit = commit_signed(desk.repository, FILES, lambda raw: ring.ada.sign(raw, "file"))
    assert desk.verifier(line(ring.ada)).verify(commit).verdict is Verdict.BAD_SIGNATURE


def test_a_key_that_is_allowed_for_files_only_is_unknown(desk: Desk, ring: Ring) -> None:
    commit = commit_signed(desk.repository, FILES, ring.ada.sign)
    found = desk.verifier(line(ring.ada, 'namespaces="file"')).verify(commit)
    assert found.verdict is Verdict.UNKNOWN_KEY
    assert "line 1 of the allowed signers" in found.detail


def test_a_key_that_had_ended_before_the_commit_is_expired(desk: Desk, ring: Ring) -> None:
    commit = commit_signed(desk.repository, FILES, ring.ada.sign)
    found = desk.verifier(line(ring.ada, 'valid-before="20200101"')).verify(commit)
    assert found.verdict is Verdict.EXPIRED_KEY
    assert "line 1 of the allowed signers" in found.detail


def test_a_key_that_began_after_the_commit_does_not_count_either(desk: Desk, ring: Ring) -> None:
    commit = commit_signed(desk.repository, FILES, ring.ada.sign)
    assert desk.verifier(line(ring.ada, 'valid-after="20990101"')).verify(commit).verdict is Verdict.EXPIRED_KEY


def test_an_old_commit_stays_good_when_its_key_has_ended_since(desk: Desk, ring: Ring) -> None:
    commit = commit_signed(desk.repository, FILES, ring.ada.sign)  # of November 2023
    assert desk.verifier(line(ring.ada, 'valid-after="20230101",valid-before="20240101"')).verify(commit).good


def test_a_revoked_key_counts_no_more_whenever_it_signed(desk: Desk, ring: Ring) -> None:
    commit = commit_signed(desk.repository, FILES, ring.ada.sign)
    found = desk.verifier(line(ring.ada), ring.ada.public).verify(commit)
    assert (found.verdict, found.signer) == (Verdict.REVOKED_KEY, ADA)


def test_a_file_of_revoked_keys_without_this_one_changes_nothing(desk: Desk, ring: Ring) -> None:
    commit = commit_signed(desk.repository, FILES, ring.ada.sign)
    assert desk.verifier(line(ring.ada), ring.mallory.public).verify(commit).good


@pytest.mark.parametrize("at", [2**40, 2**62])
def test_a_commit_of_a_time_that_no_calendar_has_is_bad(desk: Desk, ring: Ring, at: int) -> None:
    raw = payload(desk.repository, FILES, at=1_700_000_000).replace(b"1700000000", str(at).encode())
    commit = commit_raw(desk.repository, with_header(raw, "gpgsig", ring.ada.sign(raw)))
    assert desk.verifier(line(ring.ada)).verify(commit).verdict is Verdict.BAD_SIGNATURE


def test_a_name_that_looks_like_an_option_is_a_name(desk: Desk, ring: Ring) -> None:
    commit = commit_signed(desk.repository, FILES, ring.ada.sign)
    found = desk.verifier(line(ring.ada, who="-Overify-time=20990101")).verify(commit)
    assert (found.verdict, found.signer) == (Verdict.VERIFIED, "-Overify-time=20990101")


# -- OpenPGP ----------------------------------------------------------------------------------------------------------


def test_a_commit_signed_by_a_key_of_a_keyring_is_verified_with_its_whole_fingerprint(desk: Desk, ring: Ring) -> None:
    commit = commit_signed(desk.repository, FILES, lambda raw: ring.gpg.sign(ring.grace, raw))
    found = desk.verifier(None, None, ring.gpg.export(ring.eve), ring.gpg.export(ring.grace)).verify(commit)
    assert (found.verdict, found.signer, found.fingerprint) == (
        Verdict.VERIFIED,
        "grace <grace@example.org>",
        ring.grace,
    )


def test_an_openpgp_key_of_no_keyring_is_unknown(desk: Desk, ring: Ring) -> None:
    commit = commit_signed(desk.repository, FILES, lambda raw: ring.gpg.sign(ring.eve, raw))
    found = desk.verifier(None, None, ring.gpg.export(ring.grace)).verify(commit)
    assert found.verdict is Verdict.UNKNOWN_KEY
    assert ring.eve[-16:] in found.detail


def test_an_openpgp_key_that_has_ended_is_expired(desk: Desk, ring: Ring) -> None:
    commit = commit_signed(desk.repository, FILES, lambda raw: ring.gpg.sign(ring.old, raw, at="20200101T010000"))
    found = desk.verifier(None, None, ring.gpg.export(ring.old)).verify(commit)
    assert (found.verdict, found.fingerprint) == (Verdict.EXPIRED_KEY, ring.old)


def test_a_revoked_openpgp_key_counts_no_more(desk: Desk, ring: Ring) -> None:
    commit = commit_signed(desk.repository, FILES, lambda raw: ring.gpg.sign(ring.stolen, raw))
    assert desk.verifier(None, None, ring.gpg.export(ring.stolen)).verify(commit).good
    ring.gpg.revoke(ring.stolen)
    found = desk.verifier(None, None, ring.gpg.export(ring.stolen)).verify(commit)
    assert (found.verdict, found.fingerprint) == (Verdict.REVOKED_KEY, ring.stolen)


def test_an_openpgp_signature_of_another_commit_is_bad(desk: Desk, ring: Ring) -> None:
    commit = commit_signed(desk.repository, FILES, lambda _: ring.gpg.sign(ring.grace, b"something else"))
    found = desk.verifier(None, None, ring.gpg.export(ring.grace)).verify(commit)
    assert found.verdict is Verdict.BAD_SIGNATURE


def test_a_signed_text_in_place_of_a_signature_is_bad_although_its_own_signature_is_good(
    desk: Desk, ring: Ring
) -> None:
    """Everybody has mails that Grace signed; with its text inside, such a message would speak for any commit."""

    def inline(_: bytes) -> str:
        return ring.gpg.sign(ring.grace, b"lunch at one", how="--sign").replace("MESSAGE", "SIGNATURE")

    commit = commit_signed(desk.repository, FILES, inline)
    found = desk.verifier(None, None, ring.gpg.export(ring.grace)).verify(commit)
    assert found.verdict is Verdict.BAD_SIGNATURE


def test_two_openpgp_signatures_in_one_are_bad_though_one_is_good(desk: Desk, ring: Ring) -> None:
    def both(raw: bytes) -> str:
        return ring.gpg.call("-u", ring.grace, "-u", ring.eve, "--armor", "--detach-sign", given=raw).decode()

    commit = commit_signed(desk.repository, FILES, both)
    found = desk.verifier(None, None, ring.gpg.export(ring.grace)).verify(commit)
    assert found.verdict is Verdict.BAD_SIGNATURE


def test_a_keyring_without_keys_is_said_and_nothing_counts(desk: Desk, ring: Ring) -> None:
    commit = commit_signed(desk.repository, FILES, lambda raw: ring.gpg.sign(ring.grace, raw))
    assert desk.verifier(None, None, b"not a key").verify(commit).verdict is Verdict.KEYS_UNREADABLE


def test_the_keyring_of_whoever_runs_the_service_does_not_count(
    desk: Desk, ring: Ring, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GNUPGHOME", str(ring.gpg.home))
    commit = commit_signed(desk.repository, FILES, lambda raw: ring.gpg.sign(ring.eve, raw))
    assert desk.verifier(None, None, ring.gpg.export(ring.grace)).verify(commit).verdict is Verdict.UNKNOWN_KEY


# -- both, and neither ------------------------------------------------------------------------------------------------


def test_a_kind_of_key_that_no_file_is_named_for_is_unknown_with_the_option_to_give(desk: Desk, ring: Ring) -> None:
    ssh = commit_signed(desk.repository, FILES, ring.ada.sign)
    gpg = commit_signed(desk.repository, FILES, lambda raw: ring.gpg.sign(ring.grace, raw))
    assert "--allowed-signers" in desk.verifier(None, None, ring.gpg.export(ring.grace)).verify(ssh).detail
    assert "--gpg-keyring" in desk.verifier(line(ring.ada)).verify(gpg).detail


@pytest.mark.parametrize(
    "signature",
    [
        "",
        "garbage",
        "-----BEGIN SSH SIGNATURE-----\nAAAA\n-----END SSH SIGNATURE-----",
        "-----BEGIN PGP SIGNATURE-----\n\nAAAA\n-----END PGP SIGNATURE-----",
        "-----BEGIN SIGNED MESSAGE-----\nMIIB\n-----END SIGNED MESSAGE-----",
        "-Oprint-pubkey /etc/passwd",
        "-----BEGIN SSH SIGNATURE-----\n" + "A" * 70_000,
    ],
)
def test_what_is_no_signature_is_bad(desk: Desk, ring: Ring, signature: str) -> None:
    raw = payload(desk.repository, FILES)
    commit = commit_raw(desk.repository, with_header(raw, "gpgsig", signature))
    verifier = desk.verifier(line(ring.ada), None, ring.gpg.export(ring.grace))
    assert verifier.verify(commit).verdict is Verdict.BAD_SIGNATURE


def test_a_second_signature_header_is_bad_in_either_order(desk: Desk, ring: Ring) -> None:
    raw = payload(desk.repository, FILES)
    good, other = ring.ada.sign(raw), ring.mallory.sign(raw)
    verifier = desk.verifier(line(ring.ada))
    for first, second in ((good, other), (other, good)):
        commit = commit_raw(desk.repository, with_header(with_header(raw, "gpgsig", first), "gpgsig", second))
        assert verifier.verify(commit).verdict is Verdict.BAD_SIGNATURE


def test_a_good_signature_over_a_header_that_git_would_not_write_is_bad(desk: Desk, ring: Ring) -> None:
    """One program would read the first committer, another the last; key ends are judged by the committer's time."""
    twice = with_header(payload(desk.repository, FILES), "committer", "Ada <ada@example.org> 1 +0000")
    commit = commit_raw(desk.repository, with_header(twice, "gpgsig", ring.ada.sign(twice)))
    assert desk.verifier(line(ring.ada)).verify(commit).verdict is Verdict.BAD_SIGNATURE


def test_a_signature_in_the_message_is_none(desk: Desk, ring: Ring) -> None:
    signature = ring.ada.sign(payload(desk.repository, FILES))
    commit = desk.repository.commit(FILES, f"Change\n\ngpgsig {signature}")
    assert desk.verifier(line(ring.ada)).verify(commit).verdict is Verdict.UNSIGNED


def test_a_missing_tool_is_named_with_what_to_install_and_found_once_it_is_there(
    desk: Desk, ring: Ring, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit = commit_signed(desk.repository, FILES, ring.ada.sign)
    verifier = desk.verifier(line(ring.ada))
    with monkeypatch.context() as without:
        without.setenv("PATH", str(desk.folder))
        found = verifier.verify(commit)
        assert found.verdict is Verdict.TOOL_MISSING
        assert "apt install openssh-client" in found.detail
        assert len(KeyFiles(Path("x"), None, (Path("y"),)).tools_missing()) == 2
    assert verifier.verify(commit).good


def test_a_tool_that_knows_no_signatures_is_said_to_be_too_old(
    desk: Desk, ring: Ring, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit = commit_signed(desk.repository, FILES, ring.ada.sign)
    old = desk.folder / "ssh-keygen"
    old.write_text("#!/bin/sh\necho 'unknown option -- Y' >&2\nexit 1\n")
    old.chmod(0o755)
    monkeypatch.setenv("PATH", f"{desk.folder}:/usr/bin:/bin")
    found = desk.verifier(line(ring.ada)).verify(commit)
    assert found.verdict is Verdict.TOOL_FAILED
    assert "OpenSSH 8.8" in found.detail


def test_a_key_file_that_is_gone_is_named_and_nothing_counts(desk: Desk, ring: Ring) -> None:
    commit = commit_signed(desk.repository, FILES, ring.ada.sign)
    verifier = desk.verifier(line(ring.ada))
    before = verifier.trusted()
    (desk.folder / "allowed").unlink()
    found = verifier.verify(commit)
    assert found.verdict is Verdict.KEYS_UNREADABLE
    assert str(desk.folder / "allowed") in found.detail
    assert verifier.trusted() != before


def test_a_key_taken_out_of_the_file_counts_no_more_though_its_result_was_kept(desk: Desk, ring: Ring) -> None:
    commit = commit_signed(desk.repository, FILES, ring.ada.sign)
    verifier = desk.verifier(line(ring.ada))
    assert verifier.verify(commit).good
    (desk.folder / "allowed").write_text(line(ring.mallory))
    assert verifier.verify(commit).verdict is Verdict.UNKNOWN_KEY


def test_a_result_is_kept_so_that_no_tool_is_asked_twice(
    desk: Desk, ring: Ring, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit = commit_signed(desk.repository, FILES, ring.ada.sign)
    verifier = desk.verifier(line(ring.ada))
    assert verifier.verify(commit).good
    monkeypatch.setenv("PATH", str(desk.folder))
    assert verifier.verify(commit).good


def test_a_whole_page_of_allowed_signers_is_no_trouble(desk: Desk, ring: Ring) -> None:
    commit = commit_signed(desk.repository, FILES, ring.ada.sign)
    others = "".join(line(ring.mallory, who=f"m{number}@example.org") for number in range(2000))
    assert desk.verifier(f"# people\n\n{others}{line(ring.ada)}").verify(commit).good
