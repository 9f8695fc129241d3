"""OpenPGP signatures of commits, checked by `gpg` against keyring files, in a home folder of its own.

Used by `adapters/signatures.py`. Nothing of the user's own keyring, settings, agent or web of trust counts, and no key
is ever fetched: who is in the files is trusted, nobody else. gpg's answer is read from its status lines, which are made
for programs (GnuPG's doc/DETAILS), never from its sentences. gpg judges a key by *now*: an expired key's old
signatures count again once the keyring has the key with a later end.
"""

import shutil
import tempfile
import weakref
from collections.abc import Sequence
from pathlib import Path

from reconciler.adapters.git_signed import SignedCommit
from reconciler.adapters.signature_tools import Said, ToolFailed, run
from reconciler.state.signature import Signature, Verdict

ARMOUR = b"-----BEGIN PGP SIGNATURE-----"
TOOL = "gpg"

_STATUS = "[GNUPG:] "
_QUIET = (
    *("--no-options", "--batch", "--no-tty", "--no-autostart", "--no-auto-key-retrieve", "--no-auto-check-trustdb"),
    *("--trust-model", "always", "--status-fd", "1"),
)
# One of these stands for each signature that gpg looked at.
_LOOKED_AT = ("GOODSIG", "EXPSIG", "EXPKEYSIG", "REVKEYSIG", "BADSIG", "ERRSIG")
_REFUSED = {
    "EXPSIG": (Verdict.EXPIRED_KEY, "the OpenPGP signature itself has expired"),
    "EXPKEYSIG": (Verdict.EXPIRED_KEY, "the OpenPGP key {key} has expired"),
    "REVKEYSIG": (Verdict.REVOKED_KEY, "the OpenPGP key {key} was revoked"),
    "BADSIG": (Verdict.BAD_SIGNATURE, "the OpenPGP signature by key {key} is not of this commit"),
}
_NO_PUBLIC_KEY = "9"  # the reason code of ERRSIG


class GpgHome:
    """A home folder for gpg that holds exactly the keys of some keyring files; removed when nobody needs it."""

    def __init__(self, keyrings: Sequence[bytes]) -> None:
        """Import the keys.

        Raises:
            ToolMissing, ToolFailed: gpg is not there, or could not do it.
            ValueError: a file holds no OpenPGP key.
        """
        self._folder = tempfile.mkdtemp(prefix="reconciler-gpg-")
        weakref.finalize(self, shutil.rmtree, self._folder, ignore_errors=True)
        for number, keyring in enumerate(keyrings, 1):
            said = self._call("--import", given=keyring)
            if not any(line.startswith("IMPORT_OK") for line in _status(said)):
                raise ValueError(f"keyring {number} of {len(keyrings)} holds no OpenPGP public key: {said.complaint}")

    def verify(self, commit: SignedCommit) -> Signature:
        """The verdict on a commit that carries an OpenPGP signature. Raises ToolMissing, ToolFailed."""
        file = Path(self._folder, "signature.asc")
        file.write_bytes(commit.signature or b"")
        return _read(self._call("--verify", str(file), "-", given=commit.payload))

    def _call(self, *arguments: str, given: bytes) -> Said:
        return run(TOOL, ("--homedir", self._folder, *_QUIET, *arguments), given)


def _status(said: Said) -> list[str]:
    return [line.removeprefix(_STATUS) for line in said.out.splitlines() if line.startswith(_STATUS)]


def _read(said: Said) -> Signature:
    """The verdict in gpg's status lines."""
    lines = [line.split(" ") for line in _status(said)]
    looked = [words for words in lines if words[0] in _LOOKED_AT]
    if len(looked) != 1:
        what = "several OpenPGP signatures" if looked else "no OpenPGP signature of this commit"
        return Signature(Verdict.BAD_SIGNATURE, detail=f"gpg found {what} in it: {said.complaint}")
    kind, key, *rest = looked[0]
    valid = next((words for words in lines if words[0] == "VALIDSIG"), [])
    fingerprint = valid[-1] if valid else key
    signer = " ".join(rest)
    if kind == "GOODSIG" and said.ok and valid:
        return Signature(Verdict.VERIFIED, signer, fingerprint)
    if kind == "ERRSIG":
        return _not_checked(key, rest, said)
    if kind not in _REFUSED:  # GOODSIG without all that belongs to it
        raise ToolFailed(f"gpg ended with {said.code} after it found the signature good: {said.complaint}")
    verdict, detail = _REFUSED[kind]
    return Signature(verdict, signer, fingerprint, detail.format(key=fingerprint))


def _not_checked(key: str, rest: list[str], said: Said) -> Signature:
    """ERRSIG: key, algorithms, class, time and reason."""
    if rest[4:5] == [_NO_PUBLIC_KEY]:
        return Signature(Verdict.UNKNOWN_KEY, "", key, f"no keyring file has the OpenPGP key {key}")
    return Signature(Verdict.BAD_SIGNATURE, "", key, f"gpg cannot check the signature: {said.complaint}")
