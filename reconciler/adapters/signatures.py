"""The `Verifier` port: signatures of commits in a mirror, by SSH or OpenPGP keys that files on this machine name.

Made by `cli/verification.py`. Results are kept by commit and by the digest of the trusted keys, so that a commit is
checked once; verdicts about this machine (a missing tool, an unreadable file) are not kept. Key files are read
again at every look, so that rotated keys need no restart. Deliberately not here: which commits must be signed.
"""

import hashlib
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from reconciler.adapters import signatures_gpg, signatures_ssh
from reconciler.adapters.git_signed import SignedCommit
from reconciler.adapters.signature_tools import ToolFailed, ToolMissing, missing
from reconciler.state.signature import Signature, Verdict

MOST_KEPT = 20_000
LARGEST_FILE = 16 * 2**20
"""Bytes of a file of keys that is read: a keyring of every employee is a hundredth of it."""


class SignedCommits(Protocol):
    """Where commits are taken from: `adapters.git_reader.GitReader`."""

    def signed(self, commit_id: str) -> SignedCommit:
        """What a commit's signature is of, and the signature. Raises RevisionMissing."""
        ...


@dataclass(frozen=True, slots=True)
class KeyFiles:
    """Where the trusted keys are: an allowed-signers file with an optional file of revoked keys, and keyrings."""

    allowed_signers: Path | None = None
    revoked: Path | None = None
    keyrings: tuple[Path, ...] = ()

    def tools_missing(self) -> tuple[str, ...]:
        """What has to be installed before signatures can be checked with these files."""
        needed = [signatures_ssh.TOOL] if self.allowed_signers else []
        needed += [signatures_gpg.TOOL] if self.keyrings else []
        return tuple(text for text in map(missing, needed) if text)


@dataclass(frozen=True, slots=True)
class _Keys:
    """The files' contents as read at one moment."""

    ssh: signatures_ssh.SshKeys | None
    keyrings: tuple[bytes, ...]

    @property
    def digest(self) -> str:
        ssh = (self.ssh.allowed, self.ssh.revoked) if self.ssh else None
        return hashlib.sha256(repr((ssh, self.keyrings)).encode()).hexdigest()


class SignatureVerifier:
    """Checks signatures with `ssh-keygen` and `gpg`. Calls may come from any thread, and take turns."""

    def __init__(self, commits: SignedCommits, files: KeyFiles) -> None:
        self._commits = commits
        self._files = files
        self._turn = threading.Lock()
        self._known: dict[tuple[str, str], Signature] = {}
        self._home: tuple[str, signatures_gpg.GpgHome] | None = None

    def trusted(self) -> str:
        """A digest of the trusted keys as the files have them now; of the trouble where they cannot be read."""
        try:
            return _read(self._files).digest
        except (OSError, ValueError) as error:
            return f"unreadable: {error}"

    def verify(self, commit_id: str) -> Signature:
        """See `ports.Verifier.verify`."""
        with self._turn:
            try:
                keys = _read(self._files)
                key = (commit_id, keys.digest)
                if key not in self._known:
                    if len(self._known) >= MOST_KEPT:
                        self._known.clear()
                    self._known[key] = self._verdict(self._commits.signed(commit_id), keys)
                return self._known[key]
            except ToolMissing as error:
                return Signature(Verdict.TOOL_MISSING, detail=str(error))
            except ToolFailed as error:
                return Signature(Verdict.TOOL_FAILED, detail=str(error))
            except OSError as error:
                return Signature(Verdict.KEYS_UNREADABLE, detail=f"{error.filename} cannot be read: {error.strerror}")
            except ValueError as error:
                return Signature(Verdict.KEYS_UNREADABLE, detail=str(error))

    def _verdict(self, commit: SignedCommit, keys: _Keys) -> Signature:
        if commit.signature is None:
            return Signature(Verdict.UNSIGNED, detail="it carries no signature")
        if commit.problem:
            return Signature(Verdict.BAD_SIGNATURE, detail=commit.problem)
        if commit.signature.startswith(signatures_ssh.ARMOUR):
            return signatures_ssh.verify(commit, keys.ssh) if keys.ssh is not None else _NO_SSH
        if commit.signature.startswith(signatures_gpg.ARMOUR):
            return self._gpg(keys).verify(commit) if keys.keyrings else _NO_OPENPGP
        what = commit.signature.splitlines()[0][:60].decode(errors="replace").strip("-").lower()
        return Signature(Verdict.BAD_SIGNATURE, detail=f"its signature is neither SSH's nor OpenPGP's but {what!r}")

    def _gpg(self, keys: _Keys) -> signatures_gpg.GpgHome:
        if self._home is None or self._home[0] != keys.digest:
            self._home = (keys.digest, signatures_gpg.GpgHome(keys.keyrings))
        return self._home[1]


_NO_SSH = Signature(
    Verdict.UNKNOWN_KEY,
    detail="it is signed with an SSH key, and no file of allowed signers is named (--allowed-signers FILE)",
)
_NO_OPENPGP = Signature(
    Verdict.UNKNOWN_KEY, detail="it is signed with an OpenPGP key, and no keyring is named (--gpg-keyring FILE)"
)


def _read(files: KeyFiles) -> _Keys:
    ssh = None
    if files.allowed_signers is not None:
        revoked = None if files.revoked is None else _content(files.revoked)
        ssh = signatures_ssh.SshKeys(_content(files.allowed_signers), revoked)
    return _Keys(ssh, tuple(_content(each) for each in files.keyrings))


def _content(path: Path) -> bytes:
    with path.open("rb") as file:
        data = file.read(LARGEST_FILE + 1)
    if len(data) > LARGEST_FILE:
        raise ValueError(f"{path} has more than {LARGEST_FILE} bytes, so it is no file of keys")
    return data
