"""The state machine behind "which commit is in force".

    poll ──► head moved? ──► signed as asked? ──► documents valid? ──yes──► noted as good ──► in force
               │ no              │ no                │ no: what was in force stays, with every problem
               └─ remote down, branch missing, history rewritten: what was in force stays, with the way out
                  (mirror damaged: set aside and cloned anew, whatever that brings)

Owned by the service, which calls `refresh` off its event loop at every tick and trigger. After a restart the last good
commit of the record is in force before anybody is asked. On a first start with a bad head nothing is in force, and
nothing is applied. Deliberately not here: timers, threads, git, and anything about servers.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from reconciler.errors import MirrorDamaged, Reaction, RevisionMissing, SourceError
from reconciler.ports import Clock, Ledger, Source
from reconciler.source import followed, seal
from reconciler.source.baseline import Baseline
from reconciler.source.documents import Documents
from reconciler.source.inforce import Backoff, InForce, Trouble
from reconciler.source.pins import Pins
from reconciler.source.trust import Judged, Trust, signed
from reconciler.state.desired import Commit, Desired
from reconciler.state.signature import Verify

_MEND = " Push a commit that mends it, or revert it."
_SHOWN = 20  # problems that a message lists; all are in `InForce.problems`


@dataclass(frozen=True, slots=True)
class Pauses:
    """How refused questions to the remote are spaced: the backoff, and a source of chance from 0 to 1."""

    backoff: Backoff = field(default_factory=Backoff)
    chance: Callable[[], float] = lambda: 0.5


@dataclass(frozen=True, slots=True)
class Terms:
    """On which terms a repository is followed: the pauses, and which commits are trusted (None: all)."""

    pauses: Pauses = field(default_factory=Pauses)
    trust: Trust | None = None


class Watch:
    """Follows one repository. `recall` and `refresh` block and are called one at a time.

    They never raise for what git does. They raise RecordError where the record fails: a good commit that cannot be
    noted is not put in force.
    """

    def __init__(
        self, source: Source, documents: Documents, ledger: Ledger, clock: Clock, terms: Terms | None = None
    ) -> None:
        self._source = source
        self._documents = documents
        self._ledger = ledger
        self._clock = clock
        self._pauses = (terms or Terms()).pauses
        self._trust = (terms or Terms()).trust or Trust(source, None, Verify.NONE)
        self._baseline = Baseline(ledger, lambda commit: documents.at(commit).desired)
        self._pins = Pins(ledger, lambda commit: documents.at(commit).desired, clock.now)
        self._failures = 0
        self._renewed_at = float("-inf")
        self._insisted = False
        self._following: Trouble | None = None  # what is wrong with reaching the branch
        self._reading: Trouble | None = None  # what is wrong with the mirror
        self._verdict: Trouble | None = None  # what is wrong with the commit at the head
        self._recalling: Trouble | None = None  # why the last good commit is not in force again
        self._judged: str | None = None
        self._distrusted: str | None = None  # the keys with which the judged head was refused
        self._answer = InForce()

    def recall(self) -> InForce:
        """What was in force when this last ran, from the record and the mirror; nobody is asked."""
        good = self._ledger.good_commit()
        if good is not None and self._answer.desired is None:
            self._recall(good)
        return self._with_trouble()

    def _recall(self, good: str) -> None:
        try:
            parsed = self._documents.at(good)
        except SourceError as error:
            reason, why = type(error).__name__, str(error)
        else:
            desired = self._baseline.judged(self._sealed(parsed.desired)) if parsed.desired is not None else None
            said = seal.read(self._ledger)
            self._answer = replace(self._answer, desired=desired, verified=said.condition if said else None)
            reason, why = "DesiredInvalid", _listed(tuple(str(problem) for problem in parsed.problems))
        message = f"The last good commit {good[:10]} cannot be put in force again: {why}"
        given = self._answer.desired is not None
        self._recalling = None if given else self._trouble(self._recalling, reason, message)

    def _sealed(self, desired: Desired) -> Desired:
        """The desired state with the signer that was found when its commit came."""
        commit = seal.with_signer(self._ledger, desired.commit)
        return desired if commit is desired.commit else replace(desired, commit=commit)

    def insist(self) -> None:
        """Have the next refresh ask the remote even while it is left alone for not answering (`sync`)."""
        self._insisted = True

    def refresh(self) -> InForce:
        """Ask the remote once, judge its head where that is new, and say what is in force."""
        self._answer = replace(self._answer, renewed="")
        self._poll()
        self.recall()
        try:
            self._on_sound_mirror(self._look)
        except SourceError as error:
            self._reading = self._trouble(self._reading, type(error).__name__, str(error))
        return self._with_trouble()

    def _look(self) -> None:
        """Judge the mirror's head where there is something new to it."""
        head = self._source.head()
        if head is not None:
            followed.remember(self._ledger, self._source, head)
            if head != self._judged or self._trusts_others():
                self._judge(head)
        self._reading = self._nothing_yet() if head is None else None

    def _on_sound_mirror(self, act: Callable[[], object]) -> None:
        """Do it; where the mirror turns out damaged, once more on one that is cloned anew."""
        try:
            act()
            return
        except MirrorDamaged as error:
            damage = MirrorDamaged(str(error), renewable=error.renewable)  # lets go of what the old one's stack holds
        self._renew(damage)
        self._ask()
        act()

    def _ask(self) -> None:
        self._source.poll(followed.remembered(self._ledger, self._source))

    def _renew(self, error: MirrorDamaged) -> None:
        """Have a damaged mirror made anew, not more often than a remote that is silent is asked. Raises SourceError."""
        now = self._clock.now()
        if not error.renewable or now < self._renewed_at + self._pauses.backoff.longest:
            raise error
        try:
            aside = self._source.renew()
        except SourceError as why:
            raise MirrorDamaged(f"{error} That was not possible yet: {why}") from why
        self._renewed_at = now
        text = f"{error} It was cloned anew; the old one lies in {aside}, to be looked at and deleted."
        self._answer = replace(self._answer, renewed=text)

    def _poll(self) -> None:
        if self._clock.now() < self._answer.asked_again_at and not self._insisted:
            return
        self._insisted = False
        try:
            self._on_sound_mirror(self._ask)
        except SourceError as error:
            self._not_followed(error)
        else:
            self._failures, self._following = 0, None
            self._answer = replace(self._answer, asked_again_at=0.0)

    def _not_followed(self, error: SourceError) -> None:
        message, again = str(error), 0.0
        if error.reaction is Reaction.RETRY:
            self._failures += 1
            pauses = self._pauses
            again = self._clock.now() + pauses.backoff.pause(self._failures, pauses.chance())
            message += (
                f" It is asked again by itself, at first after {pauses.backoff.first:g} s, then with growing pauses of "
                f"up to {pauses.backoff.longest:g} s; `reconciler sync` asks at once."
            )
        self._following = self._trouble(self._following, type(error).__name__, message)
        self._answer = replace(self._answer, asked_again_at=again)

    def _nothing_yet(self) -> Trouble | None:
        """An empty repository is worth a word, unless the remote was not even reached."""
        message = (
            "The repository has no commit on the branch that is followed. Nothing is applied. "
            "Push a commit with a Fleet and a Model."
        )
        return None if self._following else self._trouble(self._reading, "NothingPushed", message)

    def _judge(self, head: str) -> None:
        """Put a new head in force where its documents are valid. RecordError: not noted, so not in force either."""
        commit = self._source.commit(head)
        judged = self._trust.judge(commit, self._ledger.good_commit())
        if judged.refusal is not None:
            self._distrust(commit, judged)
            return
        try:
            parsed = self._documents.at(head)
        except RevisionMissing as error:  # the watched path is not in this commit
            self._refuse(commit, (str(error),), "PathMissing")
            return
        warnings = tuple(str(warning) for warning in parsed.warnings)
        self._answer = replace(self._answer, warnings=warnings)
        if parsed.desired is None:
            self._refuse(commit, tuple(str(problem) for problem in parsed.problems), "DesiredInvalid")
            return
        desired = replace(parsed.desired, commit=signed(commit, judged.signature))
        desired = self._baseline.judged(self._sealed(desired) if judged.signature is not None else desired)
        self._seal(commit, judged)
        seal.keep_signer(self._ledger, desired.commit)
        self._ledger.set_good_commit(head)
        self._answer = replace(self._answer, desired=desired, head=desired.commit, problems=())
        self._verdict, self._recalling, self._judged, self._distrusted = None, None, head, None

    def _trusts_others(self) -> bool:
        """Whether other keys are trusted now than when the head was refused for its signature."""
        return self._distrusted is not None and self._distrusted != self._trust.keys()

    def _distrust(self, commit: Commit, judged: Judged) -> None:
        self._seal(commit, judged)
        reason = judged.signature.verdict.value if judged.signature is not None else "Unverified"
        self._refuse(commit, (judged.refusal or "",), reason, "")
        self._distrusted = "" if judged.passing else self._trust.keys()

    def _seal(self, commit: Commit, judged: Judged) -> None:
        said = seal.of(commit, judged, seal.read(self._ledger), self._clock.now())
        seal.keep(self._ledger, said)
        self._answer = replace(self._answer, verified=None if said is None else said.condition)

    def _refuse(self, commit: Commit, problems: tuple[str, ...], reason: str, mend: str = _MEND) -> None:
        self._answer = replace(self._answer, head=commit, problems=problems)
        message = (
            f"Commit {commit.short} ({commit.subject}, {commit.author}) is not put in force: {_listed(problems)}\n"
            f"{self._kept()}{mend}"
        )
        self._verdict, self._judged = self._trouble(self._verdict, reason, message), commit.id
        self._distrusted = None

    def _kept(self) -> str:
        desired = self._answer.desired
        if desired is None:
            return "No commit is in force, so nothing is applied."
        return f"Commit {desired.commit.short} ({desired.commit.subject}) stays in force."

    def _trouble(self, before: Trouble | None, reason: str, message: str) -> Trouble:
        if before is not None and (before.reason, before.message) == (reason, message):
            return before
        return Trouble(reason, message, self._clock.now())

    def _with_trouble(self) -> InForce:
        """The answer with all that is wrong in one text; the first names it."""
        met = [each for each in (self._following, self._reading, self._verdict, self._recalling) if each is not None]
        trouble = None
        if met:
            trouble = Trouble(met[0].reason, "\n".join(e.message for e in met), min(e.since for e in met))
        self._answer = replace(self._answer, trouble=trouble)
        return replace(self._answer, desired=self._pins.over(self._answer.desired))


def _listed(problems: tuple[str, ...]) -> str:
    if len(problems) == 1:
        return problems[0]
    more = [f"… and {len(problems) - _SHOWN} more"] if len(problems) > _SHOWN else []
    return "\n".join([f"{len(problems)} problems", *problems[:_SHOWN], *more])
