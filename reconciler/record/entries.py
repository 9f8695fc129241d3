"""What the ledger says of a pass: one line per model when it is about to be sent, one when its last action has ended.

Pure. Called by the stores (`adapters/ledger_entries.py`, the simulator's) inside the transaction of the intent or
outcome that a line tells of. Numbers and hashes are the store's affair. Trailers of a commit are what its author says:
they name a line, they decide nothing.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from reconciler.state.desired import Commit
from reconciler.state.entry import Entry, EntryAction, EntryKind, Initiator
from reconciler.state.memory import Memory
from reconciler.state.outcome import Intent, Outcome, OutcomeKind
from reconciler.state.plan import Action, ActionKind

Latest = Callable[[str, str | None], Entry | None]
"""The newest INTENT line of a model on the server at hand.

With a digest: by which a commit brought that spec here, so none that put it back (see `PUT_BACK`). With None: any.
"""

PUT_BACK = frozenset({Initiator.DRIFT, Initiator.RESTORE})
"""What brings back a spec that an earlier line had brought."""

_WORST = (
    OutcomeKind.FAILED,
    OutcomeKind.REFUSED,
    OutcomeKind.TIMED_OUT,
    OutcomeKind.OVERTAKEN,
    OutcomeKind.DONE,
)


def names(intent: Intent) -> tuple[str, ...]:
    """The models that a pass changes, in its order; one "" where it only carries the same config once more."""
    return tuple(dict.fromkeys(action.model for action in intent.body.actions)) or ("",)


def opened(intent: Intent, commit: Commit, memory: Memory, latest: Latest) -> tuple[Entry, ...]:
    """The lines of an intent, one per model, without numbers and hashes."""
    return tuple(_opened(intent, commit, memory, name, latest) for name in names(intent))


def _opened(intent: Intent, commit: Commit, memory: Memory, name: str, latest: Latest) -> Entry:
    digest, stood = dict(intent.body.specs).get(name, ""), _stood(memory, name)
    before = latest(name, stood) if stood else None
    actions = tuple(action for action in intent.body.actions if action.model == name)
    tidying = bool(actions) and all(_is_tidying(action, memory) for action in actions)
    initiator = by_trailers(commit) if tidying else initiated_by(commit, digest, stood, latest(name, None))
    return Entry(
        id=0,
        previous="",
        hash="",
        kind=EntryKind.INTENT,
        intent=intent.id,
        commit=commit.id,
        author=commit.author,
        committer=commit.committer,
        signer=commit.signer,
        parent=before.commit if before is not None else "",
        fleet=intent.server.partition("/")[0],
        server=intent.server,
        model=name,
        digest=digest,
        actions=tuple(_action(action) for action in actions),
        started=intent.at,
        initiated_by=initiator,
        reason=_reason(commit, initiator, actions),
    )


def _stood(memory: Memory, name: str) -> str:
    """The digest of the spec that a model had wholly reached on the server last, "" for none."""
    past = [digest for model, digest in memory.past if model == name]
    good = [spec.digest for spec in memory.good if spec.config.name == name]
    return next(reversed(past or good), "")


def _is_tidying(action: Action, memory: Memory) -> bool:
    """Whether a version goes that was kept loaded for a while after its label left: the end of a way, not drift."""
    left = any((each.model, each.version) == (action.model, action.version) for each in memory.departures)
    return action.kind is ActionKind.UNLOAD and left


def initiated_by(commit: Commit, digest: str, stood: str, last: Entry | None) -> Initiator:
    """Why a pass of a model is sent.

    Args:
        commit: the commit in force.
        digest: of the spec that the pass goes to.
        stood: of the spec that was wholly reached on this server last, "" for none.
        last: the newest INTENT line of the model on this server.

    A spec that was the last to be reached is only put right: drift, where nothing else was begun since; a restore,
    where this very commit began something else, which then failed. Anything else is what the commit says of itself.
    """
    if not digest or digest != stood:
        return by_trailers(commit)
    if last is not None and last.commit == commit.id:
        failed = last.digest != digest or last.initiated_by == Initiator.RESTORE
        return Initiator.RESTORE if failed else Initiator.DRIFT
    return Initiator.DRIFT if last is None or last.digest == digest else by_trailers(commit)


def by_trailers(commit: Commit) -> Initiator:
    """What a commit says of itself, in trailers, or in the subject that `git revert` writes."""
    trigger = commit.trailer("Rollback-Trigger").lower()
    bot = commit.trailer("Reconciler-Bot").lower()
    if trigger == "pin":
        return Initiator.PIN
    if trigger == "auto" or bot == "rollback":
        return Initiator.AUTO_ROLLBACK
    goes_back = trigger or commit.trailer("Rollback-Of") or commit.trailer("Rollback-To")
    if goes_back or commit.subject.startswith('Revert "'):
        return Initiator.ROLLBACK
    return Initiator.BOT if bot else Initiator.COMMIT


def _reason(commit: Commit, initiator: Initiator, actions: Sequence[Action]) -> str:
    if not actions:
        return "the same config once more: the answer to the reload before it was lost"
    because = next((action.because for action in actions if action.because), "")
    match initiator:
        case Initiator.DRIFT:
            return f"what had been reached was no longer so: {because}" if because else "what had been reached was gone"
        case Initiator.RESTORE:
            return "what this commit asks for failed here; the last good spec was put back"
        case _:
            return commit.trailer("Rollback-Reason") or commit.subject


def _action(action: Action) -> EntryAction:
    return EntryAction(
        str(action.kind), action.version, action.label, action.before, action.because, check=action.check
    )


def closed(opening: Entry, outcomes: Iterable[tuple[Action, Outcome]]) -> Entry:
    """The line that ends what `opening` began, given every action of that model with how it ended; without a number."""
    ended = tuple(outcomes)
    worst = min((outcome for _, outcome in ended), key=lambda each: _WORST.index(each.kind))
    return replace(
        opening,
        kind=EntryKind.OUTCOME,
        actions=tuple(
            replace(_action(action), outcome=str(each.kind), evidence=each.evidence) for action, each in ended
        ),
        finished=max(outcome.at for _, outcome in ended),
        outcome=str(worst.kind),
        evidence=worst.evidence,
    )
