"""What is known of a commit's signature, and how much of it is asked for before a commit is put in force.

Made by a `Verifier` (ports.py), judged by `source/trust.py`. A signature says which key made a commit, not that the
commit was meant for the branch it is on; docs/verified-source.md says what follows from that.
"""

import enum
from dataclasses import dataclass


class Verify(enum.StrEnum):
    """Which commits must be signed by a trusted key: none; the one to be put in force; every one since the last."""

    NONE = "none"
    HEAD = "head"
    STRICT = "strict"


class Verdict(enum.StrEnum):
    """What was found of a signature; the values are reasons of the condition `SourceVerified`."""

    VERIFIED = "Verified"
    UNSIGNED = "Unsigned"
    BAD_SIGNATURE = "BadSignature"  # it is not of this commit, or cannot be read
    UNKNOWN_KEY = "UnknownKey"
    EXPIRED_KEY = "ExpiredKey"  # or not valid yet
    REVOKED_KEY = "RevokedKey"
    TOOL_MISSING = "ToolMissing"
    TOOL_FAILED = "ToolFailed"  # it did not answer in time, or is too old
    KEYS_UNREADABLE = "KeysUnreadable"


PASSING = frozenset({Verdict.TOOL_MISSING, Verdict.TOOL_FAILED, Verdict.KEYS_UNREADABLE})
"""Verdicts about this machine and not about the commit: they are asked for anew at every look."""


@dataclass(frozen=True, slots=True)
class Signature:
    """What was found of one commit's signature.

    signer: whose key it is, as the file of trusted keys calls them; fingerprint: `SHA256:…` of an SSH key, forty
    digits of an OpenPGP key; both "" where they are not known. detail: why it does not count, in words.
    """

    verdict: Verdict
    signer: str = ""
    fingerprint: str = ""
    detail: str = ""

    @property
    def good(self) -> bool:
        """Whether a trusted key made it, of exactly this commit."""
        return self.verdict is Verdict.VERIFIED

    @property
    def by(self) -> str:
        """Signer and key for a sentence."""
        return f"{self.signer or 'unnamed'} ({self.fingerprint})"
