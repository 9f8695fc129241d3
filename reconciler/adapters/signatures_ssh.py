"""SSH signatures of commits, checked by `ssh-keygen -Y` against a file of allowed signers.

Used by `adapters/signatures.py`. A key counts if it was valid at the *commit's* time (the committer's, which is part of
what is signed), as git itself has it: an expired key's old commits stay good. Whoever holds an expired key can date
commits back, so a key that leaked must be revoked, not left to expire.
"""

import datetime
import re
import tempfile
from dataclasses import dataclass
from pathlib import Path

from reconciler.adapters.git_signed import SignedCommit
from reconciler.adapters.signature_tools import Said, ToolFailed, run
from reconciler.state.signature import Signature, Verdict

ARMOUR = b"-----BEGIN SSH SIGNATURE-----"
TOOL = "ssh-keygen"
NAMESPACE = "git"  # what `git commit -S` signs for; a signature of a file or an e-mail is not one of a commit

_KEY = re.compile(r" with \S+ key (SHA256:\S+)")
_LAPSED = re.compile(r"key has expired|is not yet valid")
_TOO_OLD = re.compile(r"unknown option|unsupported operation|invalid option|usage:", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class SshKeys:
    """The content of an allowed-signers file, and of a revocation file (keys as lines, or a KRL), None for none."""

    allowed: bytes
    revoked: bytes | None = None


def verify(commit: SignedCommit, keys: SshKeys) -> Signature:
    """The verdict on a commit that carries an SSH signature.

    Raises:
        ToolMissing, ToolFailed: ssh-keygen is not there, or could not do it.
    """
    at = _moment(commit.time)
    if at is None:
        return Signature(Verdict.BAD_SIGNATURE, detail="its committer's time is none at which a key could be valid")
    with tempfile.TemporaryDirectory(prefix="reconciler-ssh-") as folder:
        return _Checking(Path(folder), commit, keys, at).verdict()


class _Checking:
    """The questions to ssh-keygen about one commit, with the files that they name."""

    def __init__(self, folder: Path, commit: SignedCommit, keys: SshKeys, at: str) -> None:
        self._payload = commit.payload
        self._at = f"-Overify-time={at}"
        self._signature = self._file(folder / "signature", commit.signature or b"")
        self._allowed = self._file(folder / "allowed", keys.allowed)
        self._revoked = [] if keys.revoked is None else ["-r", self._file(folder / "revoked", keys.revoked)]

    def verdict(self) -> Signature:
        sound = self._ask("check-novalidate", "-n", NAMESPACE, "-s", self._signature)
        if not sound.ok:
            return Signature(
                Verdict.BAD_SIGNATURE, detail=f"the SSH signature is not of this commit: {sound.complaint}"
            )
        key = found[1] if (found := _KEY.search(sound.out)) else ""
        known = self._ask("find-principals", "-f", self._allowed, "-s", self._signature, self._at)
        names = [name for name in known.out.splitlines() if name.strip()] if known.ok else []
        refusals = [known]
        for name in names:
            said = self._verify(name, *self._revoked)
            if said.ok:
                return Signature(Verdict.VERIFIED, name.strip(), key)
            if self._revoked and self._verify(name).ok:
                detail = f"the SSH key {key} of {name.strip()} is refused by the file of revoked keys"
                return Signature(Verdict.REVOKED_KEY, name.strip(), key, detail)
            refusals.append(said)
        return _refused(key, names, refusals[-1])

    def _verify(self, name: str, *more: str) -> Said:
        arguments = ("-f", self._allowed, "-I", name, "-n", NAMESPACE, "-s", self._signature, self._at, *more)
        return self._ask("verify", *arguments)

    def _ask(self, what: str, *arguments: str) -> Said:
        said = run(TOOL, ("-Y", what, *arguments), self._payload)
        if not said.ok and _TOO_OLD.search(said.err):
            raise ToolFailed(f"ssh-keygen does not know what it is asked; OpenSSH 8.8 is needed: {said.complaint}")
        return said

    @staticmethod
    def _file(path: Path, content: bytes) -> str:
        path.write_bytes(content)
        path.chmod(0o600)
        return str(path)


def _refused(key: str, names: list[str], said: Said) -> Signature:
    """A sound signature by a key that does not count."""
    who = ", ".join(name.strip() for name in names)
    if _LAPSED.search(said.complaint):
        detail = f"the SSH key {key} was not valid at the time of the commit: {_without_path(said.complaint)}"
        return Signature(Verdict.EXPIRED_KEY, who, key, detail)
    why = f": {_without_path(said.complaint)}" if names else ""
    return Signature(Verdict.UNKNOWN_KEY, who, key, f"no line of the allowed signers trusts the SSH key {key}{why}")


def _without_path(complaint: str) -> str:
    """Our scratch file's name means nothing to anybody; the line number in it is the operator's file's."""
    return re.sub(r"\S*/allowed:(\d+):", r"line \1 of the allowed signers:", complaint)


def _moment(seconds: int) -> str | None:
    """The time as ssh-keygen reads it, None where no calendar has it."""
    try:
        return datetime.datetime.fromtimestamp(seconds, datetime.UTC).strftime("%Y%m%d%H%M%S") if seconds > 0 else None
    except (OverflowError, ValueError, OSError):
        return None
