"""One look at one server: what it answered, raw, and what its storage showed. Nothing here is believed yet.

Made by `observe/`, folded by `belief/` into `Memory` and `Observed`. A server that does not answer is a value too.
"""

import enum
from dataclasses import dataclass

from reconciler.state.export import Export

ASSUMED = "assumed"
"""The fingerprint of files nobody looked at: equal under every path, so that a plan without servers shows the road."""


class VersionState(enum.IntEnum):
    """GetModelStatus states (get_model_status.proto), and ABSENT: no entry for that version."""

    ABSENT = 0
    START = 10
    LOADING = 20
    AVAILABLE = 30
    UNLOADING = 40
    END = 50


@dataclass(frozen=True, slots=True)
class ServingError:
    """A status code (numbers equal gRPC's) and the server's words."""

    code: int
    message: str

    def __str__(self) -> str:
        return f"{self.message} (code {self.code})"


@dataclass(frozen=True, slots=True)
class StatusEntry:
    """One version in an answer of GetModelStatus. `error` is set where a load failed."""

    version: int
    state: VersionState
    error: ServingError | None = None


class ReachKind(enum.StrEnum):
    """Whether a server can be talked to."""

    ANSWERING = "Answering"
    UNREACHABLE = "Unreachable"
    SLOW = "Slow"
    NOT_SERVING = "NotServing"
    REFUSING = "Refusing"


@dataclass(frozen=True, slots=True)
class Reach:
    """Whether a server can be talked to, and its own words where not.

    UNREACHABLE: no connection. SLOW: connected, no answer within the deadline. NOT_SERVING: answers, but is no
    TensorFlow Serving (UNIMPLEMENTED). REFUSING: credentials or TLS turned down.
    """

    kind: ReachKind = ReachKind.ANSWERING
    detail: str = ""

    @property
    def answers(self) -> bool:
        """Whether the server answered."""
        return self.kind is ReachKind.ANSWERING


@dataclass(frozen=True, slots=True)
class ModelLook:
    """The status of one model: entries descending by version, empty where the server knows none (NOT_FOUND).

    `unseen` says why the question got no answer; then `entries` means nothing.
    """

    model: str
    entries: tuple[StatusEntry, ...] = ()
    unseen: str = ""


class LabelKind(enum.StrEnum):
    """What reading a label back through GetModelMetadata showed."""

    RESOLVES = "Resolves"
    DANGLES = "Dangles"
    UNDEFINED = "Undefined"
    UNSEEN = "Unseen"


@dataclass(frozen=True, slots=True)
class LabelReading:
    """What one label means now. DANGLES: defined, but its version is not loaded. Version 0 where there is none."""

    kind: LabelKind
    version: int = 0
    detail: str = ""

    def resolves_to(self, version: int) -> bool:
        """Whether requests by this label are answered by that version."""
        return self.kind is LabelKind.RESOLVES and self.version == version


@dataclass(frozen=True, slots=True)
class LabelLook:
    """One label read back."""

    model: str
    label: str
    reading: LabelReading


@dataclass(frozen=True, slots=True)
class ProofLook:
    """GetModelMetadata asked by version number: did it answer? `unseen` where the question got no answer."""

    model: str
    version: int
    answered: bool
    unseen: str = ""


class Presence(enum.StrEnum):
    """Whether a path in storage is there, is not there, or cannot be seen from here."""

    SEEN = "Seen"
    MISSING = "Missing"
    UNSEEN = "Unseen"


@dataclass(frozen=True, slots=True)
class VersionFiles:
    """One version directory in storage. `lacks` names what a complete SavedModel would have; size in bytes.

    `fingerprint` is `sha256:` and a hex digest over names, sizes and contents that identify the export, "" unless the
    directory is complete. growing: it changed since the look before, or only just now; it lacks its end, then, and a
    look some seconds later finds it whole if nobody writes any more.
    """

    version: int
    lacks: tuple[str, ...] = ()
    size: int = 0
    fingerprint: str = ""
    growing: bool = False

    @property
    def complete(self) -> bool:
        """Whether everything a SavedModel needs was seen."""
        return not self.lacks


@dataclass(frozen=True, slots=True)
class PathFacts:
    """What storage holds below one base path (as the server names it), versions ascending."""

    base_path: str
    presence: Presence
    versions: tuple[VersionFiles, ...] = ()
    detail: str = ""

    def files(self, version: int) -> VersionFiles | None:
        """The directory of that version, None where there is none."""
        for each in self.versions:
            if each.version == version:
                return each
        return None


@dataclass(frozen=True, slots=True)
class Page:
    """What a server's metrics page shows of models: names asked for, and base paths loaded from, each ascending.

    They were there at some time in the life of the process; one that is not shown may be there all the same. unseen:
    why the page could not be read. at: when it was, in seconds since the epoch.
    """

    names: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()
    unseen: str = ""
    at: float = 0.0


@dataclass(frozen=True, slots=True)
class Look:
    """Everything one look at a server brought. `at` is when it began, seconds since the epoch.

    `channel_dropped`: the connection left READY since the look before (15–29 ms after a kill, even when idle).
    Tuples cover what was asked, which need not be everything: an idle look skips labels that were read lately.
    """

    server: str
    at: float
    reach: Reach = Reach()
    models: tuple[ModelLook, ...] = ()
    labels: tuple[LabelLook, ...] = ()
    proofs: tuple[ProofLook, ...] = ()
    paths: tuple[PathFacts, ...] = ()
    channel_dropped: bool = False
    exports: tuple[Export, ...] = ()
    page: Page | None = None


@dataclass(frozen=True, slots=True)
class Questions:
    """What a look shall ask: models by name, labels and versions as (model, label) and (model, version), base paths.

    exports: (base path, version) whose signatures are to be read, where the version is seen complete. page: the metrics
    page.
    """

    models: tuple[str, ...] = ()
    labels: tuple[tuple[str, str], ...] = ()
    proofs: tuple[tuple[str, int], ...] = ()
    paths: tuple[str, ...] = ()
    exports: tuple[tuple[str, int], ...] = ()
    page: bool = False
