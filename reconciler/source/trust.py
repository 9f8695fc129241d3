"""Whether a commit may be put in force as far as signatures go: `verify: none | head | strict`.

    head      the commit itself must be signed by a trusted key: what stands below it is vouched for by whoever signed
    strict    so must every commit of the first-parent line since the one in force (or the baseline; else the root)

Used by `Watch` before a commit's documents are read, by commands that plan or apply a commit, and before a commit
made here is pushed. Commits are never ordered by their times, which anybody may write; only by who is whose parent.
Deliberately not here: checking a signature (`adapters/signatures.py`).
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from reconciler.errors import RevisionMissing, SourceUnverified
from reconciler.ports import Source, Verifier
from reconciler.state.desired import Commit
from reconciler.state.signature import PASSING, Signature, Verdict, Verify

_PAGE = 64

_ADVICE = {
    Verdict.UNSIGNED: "Was it merged or made where no key is at hand?",
    Verdict.BAD_SIGNATURE: "Find out who pushed it: a signature that does not fit is no accident of git's.",
    Verdict.UNKNOWN_KEY: "If the key is one of yours, add it to the trusted keys; they are read again by themselves.",
    Verdict.EXPIRED_KEY: "Give the key a later end where trusted keys are kept, or sign with one that counts.",
    Verdict.REVOKED_KEY: "Find out who uses a revoked key.",
    Verdict.TOOL_MISSING: "It is looked for again by itself.",
    Verdict.TOOL_FAILED: "It is tried again by itself.",
    Verdict.KEYS_UNREADABLE: "Correct the file; it is read again by itself.",
}


@dataclass(frozen=True, slots=True)
class Judged:
    """The verdict on a commit that shall be put in force.

    signature: of the commit itself, or of the one in its line that spoils it; None where nothing is asked for.
    refusal: why it may not be put in force and what to do, None where it may.
    """

    signature: Signature | None = None
    refusal: str | None = None

    @property
    def passing(self) -> bool:
        """Whether the refusal is about this machine, so that it is to be tried anew at every look."""
        return self.refusal is not None and self.signature is not None and self.signature.verdict in PASSING


class Trust:
    """Which commits of a repository are trusted."""

    def __init__(self, source: Source, verifier: Verifier | None, verify: Verify, baseline: str = "") -> None:
        """Nothing is asked yet.

        Args:
            source: the repository.
            verifier: checks signatures; None with `verify` none.
            verify: what must be signed.
            baseline: a commit that a person has looked at: under `strict`, it and what is below it need no signature.
        """
        self._source = source
        self._verifier = verifier
        self.verify = verify if verifier is not None else Verify.NONE
        self._baseline = baseline

    def keys(self) -> str:
        """A digest of the keys that are trusted now, "" where none are asked for."""
        return self._verifier.trusted() if self._verifier is not None else ""

    def judge(self, commit: Commit, in_force: str | None) -> Judged:
        """Whether that commit may be put in force above the one that is (None: nothing is).

        Raises:
            SourceError: the repository cannot be read, or the baseline names no commit of it.
        """
        if self._verifier is None or self.verify is Verify.NONE:
            return Judged()
        own = self._verifier.verify(commit.id)
        if commit.id == in_force:  # it was let through when it came, or before verification was asked for
            return Judged(own)
        if not own.good:
            return Judged(own, self._refused_itself(commit, own))
        if self.verify is Verify.STRICT:
            for each in self._unproven(commit.id, in_force):
                found = self._verifier.verify(each.id)
                if not found.good:
                    return Judged(found, self._refused_for(commit, each, found))
        return Judged(own)

    def require(self, commit: Commit, in_force: str | None = None) -> Judged:
        """The verdict on a commit that may be put in force.

        Raises:
            SourceUnverified: it is not signed as it must be.
        """
        judged = self.judge(commit, in_force)
        if judged.refusal is not None:
            reason = judged.signature.verdict.value if judged.signature else ""
            raise SourceUnverified(f"Commit {commit.short} ({commit.subject}): {judged.refusal}", reason=reason)
        return judged

    def require_own(self, commit_id: str) -> None:
        """Say no to a commit made here that this very service would refuse, before anybody else sees it.

        Raises:
            SourceUnverified: verification is on, and the commit is not signed by a trusted key.
        """
        if self._verifier is None or self.verify is Verify.NONE:
            return
        commit = self._source.commit(commit_id)
        found = self._verifier.verify(commit_id)
        if not found.good:
            raise SourceUnverified(
                f"The commit {commit.short} ({commit.subject}) that was made here is not pushed: {found.detail}, and "
                f"with --verify {self.verify} it would not be put in force. Give this instance a key to sign with and "
                "add it to the trusted keys; until then propose the change on a branch of its own, for a person to "
                "sign when it is merged.",
                reason=found.verdict.value,
            )

    def _unproven(self, head: str, in_force: str | None) -> Iterator[Commit]:
        """The first-parent line below the head down to what is trusted already, newest first."""
        trusted = {each for each in (in_force, self._examined()) if each is not None}
        nearest = {each.id for each in self._source.history(head, _PAGE)}
        if not trusted & nearest:  # far below; or beside this line, and then where the two meet counts
            trusted |= {each for start in trusted for each in self._below(start)}
        for commit in self._line(head):
            if commit.id in trusted:
                return
            if commit.id != head:
                yield commit

    def _examined(self) -> str | None:
        if not self._baseline:
            return None
        try:
            return self._source.commit(self._baseline).id
        except RevisionMissing as error:
            raise RevisionMissing(
                f"The commit {self._baseline[:10]} that --verify-from names is not in this repository. Give the whole "
                "id of a commit of the branch."
            ) from error

    def _below(self, start: str) -> set[str]:
        try:
            return {each.id for each in self._line(start)}
        except RevisionMissing:  # the branch was rewritten, and the mirror with the old line is lost
            return set()

    def _line(self, start: str) -> Iterator[Commit]:
        page = list(self._source.history(start, _PAGE))
        while page:
            yield from page
            page = list(self._source.history(page[-1].id, _PAGE + 1))[1:]

    def _refused_itself(self, commit: Commit, found: Signature) -> str:
        text = f"{_because(found)} {_ADVICE[found.verdict]}"
        if found.verdict in PASSING:
            return text
        if self.verify is Verify.STRICT:
            return f"{text} {self._mend_strict(commit)}"
        return f"{text} Put a commit signed by a trusted key on top of it; an empty one will do, and vouches for it."

    def _refused_for(self, commit: Commit, spoiler: Commit, found: Signature) -> str:
        which = (
            f"With --verify strict every commit since the one in force must be signed, and below {commit.short} lies"
        )
        text = f"{which} {spoiler.short} ({spoiler.subject}, {spoiler.author}): {_because(found)}"
        advice = _ADVICE[found.verdict]
        return f"{text} {advice}" if found.verdict in PASSING else f"{text} {advice} {self._mend_strict(spoiler)}"

    @staticmethod
    def _mend_strict(commit: Commit) -> str:
        return (
            "Sign the line anew and push it (then `reconciler acknowledge-rewrite`); or, once a person has looked at "
            f"it, start with `--verify-from {commit.id}`: that commit and all below it then need no signature, and a "
            "signed one on top goes on."
        )


def signed(commit: Commit, signature: Signature | None) -> Commit:
    """The commit with its signer, in words that outlive the key files; as it is where it was not verified."""
    return replace(commit, signer=signature.by) if signature is not None and signature.good else commit


def _because(found: Signature) -> str:
    detail = found.detail if found.detail.endswith(".") else f"{found.detail}."
    return f"{found.verdict.value}: {detail}"
