"""What the middle of the system asks of the outside: protocols, implemented in `adapters/` and in `sim/`.

`source`, `observe`, `execute`, `record` and `loop` are written against these; the compositions (`cli`, `sim`) choose
the implementation. A fake passes the same contract tests as the real thing (tests/contracts). No behaviour here.
"""

from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Protocol, TypeVar

from reconciler.state.config import ServerConfig
from reconciler.state.desired import Commit, DesiredServer
from reconciler.state.entry import Entry
from reconciler.state.export import Export
from reconciler.state.inference import Prediction, Question, Signatures
from reconciler.state.look import LabelReading, ModelLook, Page, PathFacts, ProofLook, Reach
from reconciler.state.memory import Answer, Memory
from reconciler.state.outcome import Intent, Outcome, Sent, Status
from reconciler.state.plan import Pass
from reconciler.state.revision import Revision
from reconciler.state.signature import Signature


class Clock(Protocol):
    """The only source of time."""

    def now(self) -> float:
        """Seconds since the epoch."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Let that much time pass; cancellable."""
        ...

    def deadline(self, seconds: float) -> "AbstractDeadline":
        """An async context manager that raises TimeoutError when its body takes longer."""
        ...


class AbstractDeadline(Protocol):
    """The shape of `asyncio.timeout`."""

    async def __aenter__(self) -> object:
        """Start counting."""
        ...

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> bool | None:
        """Stop counting; raises TimeoutError where the time ran out."""
        ...


T = TypeVar("T")


class Offload(Protocol):
    """Runs a call that takes long off the event loop (`asyncio.to_thread`), or at once in a simulation."""

    def __call__(self, call: Callable[[], T]) -> Awaitable[T]:
        """The result of the call, awaited."""
        ...


class ServingClient(Protocol):
    """One model server, over whatever wire. Every call has a deadline inside and never raises for what a server does.

    Answers are values: a server that is down, slow, or no TensorFlow Serving is a `Reach`, an `unseen`, or an Answer of
    kind NONE.
    """

    async def reach(self) -> Reach:
        """Whether the server answers at all, and as TensorFlow Serving."""
        ...

    async def status(self, model: str) -> ModelLook:
        """GetModelStatus of one model."""
        ...

    async def read_label(self, model: str, label: str) -> LabelReading:
        """What a label means now: GetModelMetadata by version_label (rule E29)."""
        ...

    async def prove(self, model: str, version: int) -> ProofLook:
        """Whether the version answers: GetModelMetadata by number."""
        ...

    async def signatures(self, model: str, version: int) -> Signatures:
        """What a loaded version says of its inputs and outputs: GetModelMetadata by number."""
        ...

    async def predict(self, question: Question, deadline: float) -> Prediction:
        """One Predict of a version by number; `deadline` in seconds."""
        ...

    async def reload(self, config: ServerConfig) -> Answer:
        """Deliver a config: HandleReloadConfigRequest, or the file that the server polls."""
        ...

    async def page(self) -> Page:
        """What its metrics page shows of models."""
        ...

    def dropped(self) -> bool:
        """Whether the connection left READY since this was last asked."""
        ...

    async def close(self) -> None:
        """Give the connection back."""
        ...


class ServingClients(Protocol):
    """Gives the client of a server; one connection per server, renewed when its settings change."""

    def client(self, server: DesiredServer) -> ServingClient:
        """The client for that server."""
        ...

    async def close(self) -> None:
        """Close every connection."""
        ...


class VersionStore(Protocol):
    """Where the version directories lie, as seen from here. Reads names, sizes and protos; never executes a model."""

    async def facts(self, server: DesiredServer, base_path: str) -> PathFacts:
        """What storage holds below a base path; UNSEEN where no mapping covers it or storage does not answer."""
        ...

    async def export(self, server: DesiredServer, base_path: str, version: int) -> Export:
        """What the export of that version promises; its `problem` says why where it could not be read."""
        ...


@dataclass(frozen=True, slots=True)
class TreeFile:
    """One file of a commit: its path from the repository's root, its blob id and its size in bytes."""

    path: str
    blob: str
    size: int


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Something in a commit's tree that is no file of its own: `kind` is "symbolic link" or "submodule"."""

    path: str
    kind: str


class Source(Protocol):
    """The desired-state repository: a local mirror of one branch. Blocking; run it off the event loop."""

    @property
    def followed(self) -> str:
        """Which branch of which repository this is, without secrets: what is remembered of another does not count."""
        ...

    def poll(self, remembered: str | None = None) -> str | None:
        """Ask the remote once for the branch's head (one ref advertisement); fetch only if it moved.

        Args:
            remembered: the head that was accepted last, by the record. It counts where the mirror knows none, so that
                a lost mirror does not make a rewritten branch pass unnoticed.

        Returns:
            The commit id at the head of the mirror, None where the remote's repository has no such branch yet.

        Raises:
            SourceUnavailable: the remote did not answer; the mirror is unchanged.
            RevisionMissing: the branch does not exist.
            HistoryRewritten: the branch no longer descends from the mirror's head, which is unchanged.
            MirrorDamaged: the mirror cannot be used; `renew` helps where it is `renewable`.
        """
        ...

    def renew(self) -> str:
        """Set a damaged mirror aside and clone it anew; the head of the new one is accepted by the next `poll`.

        Returns:
            Where the old one lies now. Nothing is changed unless the new one is complete.

        Raises:
            SourceUnavailable: the remote did not answer.
            RevisionMissing: the branch does not exist there.
            MirrorDamaged: the new one cannot be made either.
        """
        ...

    def head(self) -> str | None:
        """The mirror's head without asking anybody, None where nothing was fetched yet."""
        ...

    def resolve(self, revision: str) -> str:
        """The commit id of a branch, tag, `HEAD~1` or abbreviated id. Raises RevisionMissing."""
        ...

    def commit(self, commit_id: str) -> Commit:
        """Author, time, subject and trailers of a commit. Raises RevisionMissing."""
        ...

    def files(self, commit_id: str, path: str = "") -> Sequence[TreeFile]:
        """Every file below a path in the commit's tree, ascending by path. RevisionMissing for a missing path."""
        ...

    def left_out(self, commit_id: str, path: str = "") -> Sequence[LeftOut]:
        """What `files` leaves out below a path: links and submodules, ascending by path."""
        ...

    def read(self, blob: str, limit: int) -> bytes:
        """The content of a blob, at most `limit` bytes and one more (so that a caller can see it is larger)."""
        ...

    def history(self, commit_id: str, limit: int) -> Sequence[Commit]:
        """First-parent history from a commit on, newest first."""
        ...

    def acknowledge_rewrite(self) -> str:
        """Accept the branch's rewritten head as the new mirror head and return its id."""
        ...


class Verifier(Protocol):
    """Checks the signatures of commits in the local mirror. Blocking; run it off the event loop.

    Never raises for a signature or for what is missing on this machine: both are verdicts.
    """

    def verify(self, commit_id: str) -> Signature:
        """Whether a trusted key signed exactly this commit. Raises RevisionMissing, MirrorDamaged."""
        ...

    def trusted(self) -> str:
        """A digest of the keys that are trusted now: when it changes, a commit that was refused is judged anew."""
        ...


@dataclass(frozen=True, slots=True)
class ChangedFile:
    """One regular file that differs between a commit and its first parent: its blob ids, None where it is not there."""

    path: str
    before: str | None
    after: str | None


class Lineage(Protocol):
    """The first-parent line of a repository that is here already, walked by ids. Blocking; nobody is asked."""

    def ids(self, start: str) -> Iterator[tuple[str, str | None]]:
        """Commits with their first parents, newest first; None where the line, or what is here of it, ends."""
        ...

    def stretch(self, start: str, paths: Sequence[str]) -> tuple[Sequence[str], str | None]:
        """The commits from `start` on, newest first, in which these files are as in it, and the first one beyond.

        None beyond: the line, or what is here of it, ends.
        """
        ...

    def cut(self, commit_id: str) -> bool:
        """Whether the commit has a first parent that is not here (a shallow clone)."""
        ...

    def blobs(self, commit_id: str, paths: Sequence[str]) -> tuple[str | None, ...]:
        """The blob ids of these files in a commit; None for what is not there, or is no regular file."""
        ...

    def changes(self, commit_id: str, below: str = "") -> Sequence[ChangedFile]:
        """The files below a path that differ from the first parent, ascending by path; all of them without one."""
        ...

    def reverts(self, commit_id: str) -> Sequence[str]:
        """The commits that the message claims to revert, as `git revert` writes it."""
        ...

    def commit(self, commit_id: str) -> Commit:
        """Author, time, subject and trailers of a commit. Raises RevisionMissing."""
        ...

    def files(self, commit_id: str, path: str = "") -> Sequence[TreeFile]:
        """Every file below a path in the commit's tree, ascending by path. RevisionMissing for a missing path."""
        ...

    def read(self, blob: str, limit: int) -> bytes:
        """The content of a blob, at most `limit` bytes and one more."""
        ...


class Revisions(Protocol):
    """Makes commits in the local mirror and brings them to the remote. Blocking; run it off the event loop."""

    def write(self, revision: Revision) -> str:
        """Make the commit in the mirror, signed where that is configured; no branch moves. Returns its id.

        Raises:
            RevisionMissing: the base is not in the mirror.
            RevisionRefused: a path is hostile or runs through a link, or the tree would be the base's.
        """
        ...

    def push(self, commit_id: str, branch: str | None = None) -> None:
        """Push a commit to the followed branch, forwards only, or to a branch of its own, never forced.

        Raises:
            BranchMoved: the remote branch is no longer the commit's parent (or the own branch exists with another).
            PushRefused: the remote turned it down.
            SourceUnavailable: the remote did not answer.
        """
        ...


class Ledger(Protocol):
    """The store: one file, one writer. Blocking, quick (one SQLite transaction each).

    Every write raises RecordError where it cannot be made durable; then nothing further may be applied.
    """

    def memories(self) -> Sequence[Memory]:
        """What is remembered of every server."""
        ...

    def memory(self, server: str) -> Memory | None:
        """What is remembered of one server, None where nothing is."""
        ...

    def remember(self, memory: Memory) -> None:
        """Keep what is now remembered of a server."""
        ...

    def intend(self, at: float, commit: Commit, server: str, body: Pass, memory: Memory) -> Intent:
        """Write an intent with a ledger line for each of its models and the memory in which it is outstanding."""
        ...

    def answered(self, sent: Sent, memory: Memory) -> None:
        """Write the answer to an intent's reload with the memory that follows from it."""
        ...

    def settle(self, outcomes: Sequence[Outcome]) -> None:
        """Write how actions ended, and a ledger line for each model whose last action of a pass is among them."""
        ...

    def unsettled(self, server: str) -> Sequence[tuple[Intent, Sequence[int]]]:
        """Intents of a server with the indices of the actions that have no outcome yet, oldest first."""
        ...

    def intents(self, *, server: str | None = None, limit: int = 50) -> Sequence[Intent]:
        """The newest intents, newest first."""
        ...

    def outcomes(self, intent: int) -> Sequence[Outcome]:
        """The outcomes of one intent."""
        ...

    def entries(
        self, *, model: str | None = None, server: str | None = None, after: int = 0, limit: int | None = None
    ) -> Sequence[Entry]:
        """Ledger lines with an id above `after`, ascending: all, of one model (as servers call it), of one server."""
        ...

    def tight(self) -> bool:
        """Whether only the room kept aside is left to record in: nothing may begin but healing and ways back."""
        ...

    def good_commit(self) -> str | None:
        """The last commit whose documents were valid: what stays in force under a bad head."""
        ...

    def set_good_commit(self, commit_id: str) -> None:
        """Note the last commit whose documents were valid."""
        ...

    def note(self, key: str, value: str) -> None:
        """Keep a small fact about the reconciler itself (source trouble, service process)."""
        ...

    def noted(self, key: str) -> str | None:
        """A small fact kept before."""
        ...

    def statuses(self) -> Sequence[Status]:
        """The status of every subject as last recorded."""
        ...

    def set_statuses(self, server: str, statuses: Sequence[Status], plan_json: str) -> None:
        """Replace the statuses of one server and the plan they were made from; "" leaves it without a plan."""
        ...

    def plan_json(self, server: str) -> str | None:
        """The last plan of a server as JSON, None where there is none."""
        ...
