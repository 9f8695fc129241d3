"""Signatures without keys: a `Verifier` that is told what it shall find, for tests of what follows from verdicts.

Passes the contract of `ports.Verifier` (tests/contracts). Not here: any cryptography.
"""

from collections.abc import Callable, Iterable

from reconciler.state.signature import Signature, Verdict


class SimVerifier:
    """Commits that were signed, by which key; keys that are trusted; and a tool that may be missing.

    commit: raises RevisionMissing for commits that do not exist (`Source.commit`).
    """

    def __init__(self, commit: Callable[[str], object], trusted: Iterable[str] = ()) -> None:
        self._commit = commit
        self.signed: dict[str, str] = {}
        self.keys = set(trusted)
        self.tool_missing = False
        self.asked: list[str] = []

    def sign(self, commit_id: str, key: str) -> str:
        """That commit carries a signature by that key; its id."""
        self.signed[commit_id] = key
        return commit_id

    def trusted(self) -> str:
        """See `ports.Verifier.trusted`."""
        return " ".join(["keys:", *sorted(self.keys)])

    def verify(self, commit_id: str) -> Signature:
        """See `ports.Verifier.verify`."""
        self._commit(commit_id)
        self.asked.append(commit_id)
        if self.tool_missing:
            return Signature(Verdict.TOOL_MISSING, detail="The program ssh-keygen is not installed.")
        key = self.signed.get(commit_id)
        if key is None:
            return Signature(Verdict.UNSIGNED, detail="it carries no signature")
        if key not in self.keys:
            return Signature(Verdict.UNKNOWN_KEY, "", f"SHA256:{key}", f"nobody trusts the key {key}")
        return Signature(Verdict.VERIFIED, f"{key}@example.org", f"SHA256:{key}")
