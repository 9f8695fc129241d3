"""What the commit of a proposal says: subject, paragraphs and trailers, before `revise` makes one text of them."""

from dataclasses import dataclass

from reconciler.propose.proposal import Bot, Proposal

_LONGEST = 300  # characters of evidence in a trailer; the paragraphs have all of it


@dataclass(frozen=True, slots=True)
class Message:
    """The parts of a commit message; trailers in the order in which they are written."""

    subject: str
    paragraphs: tuple[str, ...]
    trailers: tuple[tuple[str, str], ...]


def message(proposal: Proposal) -> Message:
    """The message of one proposal."""
    if proposal.bot is Bot.ROLLBACK:
        return _rollback(proposal)
    if proposal.bot is Bot.PROMOTION:
        return _promotion(proposal)
    return _version(proposal)


def _rollback(proposal: Proposal) -> Message:
    to = proposal.to if proposal.to is not None else proposal.of
    return Message(
        f"Roll back {proposal.document}: {proposal.of.subject}"[:100],
        (
            f"Commit {proposal.of.short} failed. Where it did, every label is as the last good spec has it, so this "
            "commit moves none of them there: it makes git say what is served.",
            *proposal.evidence,
            f"The document of {proposal.document} is as it was in commit {to.short} ({to.subject}). No other document "
            "is changed. To try again push another spec; this one is not taken back a second time.",
        ),
        (
            ("Rollback-Of", proposal.of.id),
            ("Rollback-To", to.id),
            ("Rollback-Scope", proposal.document),
            ("Rollback-Reason", proposal.reason[:_LONGEST]),
            ("Rollback-Trigger", "auto"),
            ("Deployment-Id", proposal.deployment),
            ("Reconciler-Bot", proposal.bot),
        ),
    )


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."


def _edited(proposal: Proposal) -> str:
    edit = proposal.edit
    return ", ".join(f"{label} → {version}" for label, version in edit.labels) if edit is not None else ""


def _promotion(proposal: Proposal) -> Message:
    trailers = (("Promotion-Of", proposal.of.id), ("Reconciler-Bot", "" if proposal.by_hand else str(proposal.bot)))
    what = _edited(proposal) or "drop what no label points at"
    return Message(
        f"Promote {proposal.document}: {what}",
        (proposal.reason if proposal.by_hand else _sentence(proposal.reason),),
        trailers,
    )


def _version(proposal: Proposal) -> Message:
    return Message(
        f"Take up version {proposal.key} of {proposal.document}: {_edited(proposal)}",
        (_sentence(proposal.reason),),
        (("Reconciler-Bot", str(proposal.bot)),),
    )
