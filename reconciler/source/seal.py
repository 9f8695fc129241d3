"""The condition `SourceVerified`: what was found of signatures, kept in the record for `status` and for the next start.

Made by `Watch`, read by `status`. True: the commit in force is signed by a trusted key, which is named. False: a commit
that came is refused, or the one in force is from before verification was asked for; the reason is the verdict.
"""

import json
from dataclasses import asdict, dataclass, replace

from reconciler.ports import Ledger
from reconciler.source.trust import Judged, signed
from reconciler.state.desired import Commit
from reconciler.state.outcome import Condition, ConditionStatus, ConditionType

NOTE = "source-verified"
SIGNER = "source-signer"
"""The note with the commit that was put in force last and its signer: a refused commit must not make that forgotten."""


@dataclass(frozen=True, slots=True)
class Seal:
    """A condition as it is kept: the status, the reason and the sentence, since when, of which commit."""

    status: str
    reason: str
    message: str
    since: float
    commit: str

    @property
    def condition(self) -> Condition:
        """As it is shown."""
        return Condition(
            ConditionType.SOURCE_VERIFIED, ConditionStatus(self.status), self.reason, self.message, self.since
        )


def read(ledger: Ledger) -> Seal | None:
    """What the record has, None where nothing was asked of signatures, or where another release wrote it."""
    noted = ledger.noted(NOTE)
    try:
        return Seal(**json.loads(noted)) if noted else None
    except (ValueError, TypeError):
        return None


def keep(ledger: Ledger, seal: Seal | None) -> None:
    """Note it, if that says anything new. Raises RecordError."""
    text = json.dumps(asdict(seal), sort_keys=True) if seal is not None else ""
    if text != (ledger.noted(NOTE) or ""):
        ledger.note(NOTE, text)


def put(ledger: Ledger, commit: Commit, judged: Judged, now: float) -> Commit:
    """Note that a commit is put in force, with what was found of its signature; the commit with its signer.

    Raises:
        RecordError: it cannot be noted.
    """
    commit = signed(commit, judged.signature)
    keep(ledger, of(commit, judged, read(ledger), now))
    keep_signer(ledger, commit)
    return commit


def keep_signer(ledger: Ledger, commit: Commit) -> None:
    """Note who signed the commit that is put in force. Raises RecordError."""
    text = json.dumps({commit.id: commit.signer}) if commit.signer else ""
    if text != (ledger.noted(SIGNER) or ""):
        ledger.note(SIGNER, text)


def with_signer(ledger: Ledger, commit: Commit) -> Commit:
    """The commit with the signer that was found when it was put in force; as it is where none is known."""
    noted = ledger.noted(SIGNER)
    signer = dict(json.loads(noted)).get(commit.id, "") if noted else ""
    return replace(commit, signer=signer) if signer and not commit.signer else commit


def of(commit: Commit, judged: Judged, before: Seal | None, now: float) -> Seal | None:
    """What to say of a commit that was judged; None where nothing is asked of signatures.

    before: what was said last, from which an unchanged status keeps its `since`.
    """
    found = judged.signature
    if found is None:
        return None
    good = found.good and judged.refusal is None
    if good:
        text = f"commit {commit.short} is signed by {found.by}"
    elif judged.refusal is not None:
        text = f"commit {commit.short} is not put in force: {judged.refusal}"
    else:
        text = f"commit {commit.short} stays in force; as judged now it would not be put there: {found.detail}"
    status = ConditionStatus.TRUE if good else ConditionStatus.FALSE
    reason = found.verdict.value
    same = before is not None and (before.status, before.reason) == (status.value, reason)
    since = before.since if same and before is not None else now
    return Seal(status.value, reason, text, since, commit.id)
