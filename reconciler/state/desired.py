"""What one commit asks for, normalised: per server, the models with versions, labels and transition policy.

Made by `parse/` from the documents of a commit, read by everything after it. Shapes follow the two kinds `Fleet` and
`Model`; what the format does not accept yet has no field here.
"""

import enum
from dataclasses import dataclass

from reconciler.state.automation import Automation
from reconciler.state.check import Check
from reconciler.state.pin import Pin
from reconciler.state.versions import VersionPolicy


class TransitionPolicy(enum.StrEnum):
    """The order of a change: load new, then unload old; or the reverse, where both do not fit; or whichever fits."""

    AVAILABILITY = "availability"
    RESOURCE = "resource"
    AUTO = "auto"


class DeliveryMode(enum.StrEnum):
    """How a config reaches a server: by HandleReloadConfigRequest, or by a file that the server polls."""

    RPC = "rpc"
    FILE = "file"


class Adopt(enum.StrEnum):
    """What to do on first contact with a server that may already serve something (no RPC can list it)."""

    REFUSE = "refuse"
    KEEP = "keep"
    REPLACE = "replace"


class Drift(enum.StrEnum):
    """What to do about a change that came from outside: put it right, or only say so."""

    HEAL = "heal"
    REPORT = "report"


class Prune(enum.StrEnum):
    """Whether a model may be removed from a server once git no longer places it there."""

    INHERIT = "inherit"
    ALLOW = "allow"
    FORBID = "forbid"


@dataclass(frozen=True, slots=True)
class Place:
    """Where in the repository something was written; lines and columns count from 1."""

    path: str
    line: int = 1
    column: int = 1

    def __str__(self) -> str:
        return f"{self.path}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True)
class Commit:
    """The commit a desired state was read from. `time` is the committer's, seconds since the epoch.

    author, committer: `Name <email>`, as anybody may write them. signer: who signed it, "" where that was not verified.
    """

    id: str
    author: str = ""
    time: float = 0.0
    subject: str = ""
    trailers: tuple[tuple[str, str], ...] = ()
    committer: str = ""
    signer: str = ""

    @property
    def short(self) -> str:
        """The first ten digits of the id."""
        return self.id[:10]

    @property
    def prunes_all(self) -> bool:
        """Whether the commit consents to emptying a server (trailer `Model-Prune: all`, rule E2)."""
        return self._says("model-prune", "all")

    @property
    def confirms_blast(self) -> bool:
        """Whether the commit consents to more removals than its fleets allow (trailer `Blast-Radius: confirmed`)."""
        return self._says("blast-radius", "confirmed")

    def trailer(self, name: str) -> str:
        """The value of the last trailer of that name, whatever its case; "" where there is none."""
        return next((value.strip() for key, value in reversed(self.trailers) if key.lower() == name.lower()), "")

    def _says(self, trailer: str, word: str) -> bool:
        return any(key.lower() == trailer and value.strip().lower() == word for key, value in self.trailers)


@dataclass(frozen=True, slots=True)
class Transition:
    """How a model may change.

    load_deadline: seconds; None means the fleet's `deadlines.load`. keep_previous: seconds for which a version that a
    label left for a higher one stays loaded; None keeps none.
    """

    policy: TransitionPolicy = TransitionPolicy.AVAILABILITY
    allow_downtime: bool = False
    load_deadline: float | None = None
    keep_previous: float | None = None


@dataclass(frozen=True, slots=True)
class Retry:
    """How often a failed load is tried in all, and the pause between: `backoff` doubling up to `max`, in seconds."""

    limit: int = 3
    backoff: float = 120.0
    max: float = 1800.0

    def pause(self, failures: int) -> float:
        """Seconds to wait after that many failures (at least one) before the next try."""
        return float(min(self.max, self.backoff * 2 ** min(failures - 1, 30)))


@dataclass(frozen=True, slots=True)
class Suspend:
    """Somebody asks that nothing be changed: why, who, until when (seconds since the epoch; None: until removed)."""

    reason: str
    by: str
    until: float | None = None

    def stands(self, at: float) -> bool:
        """Whether it holds at that time."""
        return self.until is None or at < self.until


@dataclass(frozen=True, slots=True)
class Accepted:
    """Consent to move a label between two versions although clients may break, and why they will not."""

    from_: int
    to: int
    reason: str


@dataclass(frozen=True, slots=True)
class Preflight:
    """What is known beforehand of versions: fingerprints by version, ascending, and the breaks agreed to, ascending."""

    fingerprints: tuple[tuple[int, str], ...] = ()
    accept_breaking: tuple[Accepted, ...] = ()

    def pinned(self, version: int) -> str:
        """The fingerprint that version must have, "" where any goes."""
        return next((fingerprint for number, fingerprint in self.fingerprints if number == version), "")

    def accepted(self, from_: int, to: int) -> Accepted | None:
        """The consent to a label's move in that direction, None where there is none."""
        return next((each for each in self.accept_breaking if (each.from_, each.to) == (from_, to)), None)


@dataclass(frozen=True, slots=True)
class DesiredModel:
    """One model as one server shall serve it. `document` is the Model's metadata.name, `name` the servable's.

    pin: what holds it to an older spec than git's, of which then all of this is; None otherwise.
    """

    document: str
    name: str
    base_path: str
    policy: VersionPolicy
    labels: tuple[tuple[str, int], ...] = ()
    transition: Transition = Transition()
    retry: Retry = Retry()
    platform: str = "tensorflow"
    place: Place = Place("")
    suspend: Suspend | None = None
    preflight: Preflight = Preflight()
    checks: tuple[Check, ...] = ()
    prune: Prune = Prune.INHERIT
    automation: Automation = Automation()
    pin: Pin | None = None


@dataclass(frozen=True, slots=True)
class Delivery:
    """How configs are delivered. `{server}` in a path stands for the server's name.

    `config_file` is written in mode `file`; `bootstrap_file` (mode `rpc`) is a label-free copy read at server start.
    """

    mode: DeliveryMode = DeliveryMode.RPC
    bootstrap_file: str | None = None
    config_file: str | None = None


@dataclass(frozen=True, slots=True)
class TfServing:
    """How the servers were started; TensorFlow Serving cannot be asked. Times in seconds."""

    version: str = "2.20"
    file_system_poll_wait: float = 1.0
    model_config_file_poll_wait: float = 0.0
    num_load_threads: int = 0
    num_unload_threads: int = 0
    max_num_load_retries: int = 5
    load_retry_interval: float = 60.0
    allow_labels_for_unavailable: bool = False


@dataclass(frozen=True, slots=True)
class SecretRef:
    """Where a secret is found: an environment variable or a file. The secret itself is never a value of ours."""

    from_env: str | None = None
    from_file: str | None = None


@dataclass(frozen=True, slots=True)
class Connection:
    """How the servers' gRPC port is reached; no `ca_file` means plain text."""

    ca_file: str | None = None
    cert_file: str | None = None
    key_file: str | None = None
    authorization: SecretRef | None = None


@dataclass(frozen=True, slots=True)
class StorageMapping:
    """How a path on the servers is seen from here: longest `server_path` prefix wins."""

    server_path: str
    url: str


@dataclass(frozen=True, slots=True)
class Deadlines:
    """Longest waits, in seconds: one status answer, one reload answer, a load, an unload."""

    status: float = 2.0
    reload: float = 5.0
    load: float = 600.0
    unload: float = 120.0


@dataclass(frozen=True, slots=True)
class Wave:
    """Servers that change before those of the next wave: every server with these labels that no earlier wave has.

    most: how many servers it takes at most, by name; the others fall to later waves. pause: seconds between the
    convergence of its last server and the first change of the next wave.
    """

    name: str
    selector: tuple[tuple[str, str], ...] = ()
    most: int | None = None
    pause: float = 0.0


@dataclass(frozen=True, slots=True)
class Rollout:
    """How a change goes through a fleet: wave after wave, so many servers at a time.

    max_unavailable: so many servers out of reach stop it.
    """

    max_concurrent: int = 1
    max_unavailable: int = 1
    waves: tuple[Wave, ...] = ()


class WindowKind(enum.StrEnum):
    """What a window of time is for: changes may begin in it, or may not."""

    ALLOW = "allow"
    DENY = "deny"


@dataclass(frozen=True, slots=True)
class Window:
    """A stretch of time that comes again and again, in which changes may begin or may not.

    schedule: when it begins, as cron writes it (minute, hour, day, month, weekday), on clocks of `time_zone` (IANA).
    duration: seconds. rollbacks: whether going back to what was served before may begin all the same.
    """

    name: str
    kind: WindowKind
    schedule: str
    duration: float
    time_zone: str = "UTC"
    rollbacks: bool = True


@dataclass(frozen=True, slots=True)
class BlastRadius:
    """How many models one commit may take off the servers of a fleet: so many placements, or percent of all of them."""

    max_removals: int = 10
    max_percent: int | None = None


@dataclass(frozen=True, slots=True)
class Blast:
    """More removals at once than a fleet allows: what is held on one server, and of how many it is part.

    models: those that stay on this server for now, ascending. removals, of: placements that would go from the fleet,
    and all that there were. limit: the one they break, as written. since: the commit they are counted from, "" where
    that cannot be read any more.
    """

    models: tuple[str, ...]
    removals: int
    of: int
    limit: str
    since: str


@dataclass(frozen=True, slots=True)
class Fleet:
    """What the servers of one Fleet document share."""

    name: str
    delivery: Delivery = Delivery()
    tf_serving: TfServing = TfServing()
    connection: Connection = Connection()
    storage: tuple[StorageMapping, ...] = ()
    allow_unseen_storage: bool = False
    deadlines: Deadlines = Deadlines()
    adopt: Adopt = Adopt.REFUSE
    prune: bool = False
    place: Place = Place("")
    suspend: Suspend | None = None
    rollout: Rollout | None = None
    drift: Drift = Drift.HEAL
    windows: tuple[Window, ...] = ()
    blast_radius: BlastRadius = BlastRadius()


@dataclass(frozen=True, slots=True)
class MemoryBudget:
    """How much memory models may take on a server, in bytes: `budget`, of which `reserve` is left alone."""

    budget: int
    reserve: int = 0

    @property
    def usable(self) -> int:
        """What models may take."""
        return max(self.budget - self.reserve, 0)


@dataclass(frozen=True, slots=True)
class DesiredServer:
    """One server with everything it shall serve; models ascend by name. memory: None means that nothing limits it."""

    fleet: Fleet
    name: str
    grpc: str
    rest: str | None = None
    labels: tuple[tuple[str, str], ...] = ()
    models: tuple[DesiredModel, ...] = ()
    place: Place = Place("")
    suspend: Suspend | None = None
    blast: Blast | None = None
    memory: MemoryBudget | None = None

    @property
    def id(self) -> str:
        """Identity: `fleet/server`."""
        return f"{self.fleet.name}/{self.name}"

    def prunes(self, wish: Prune) -> bool:
        """Whether a model that git no longer places here is removed; `wish`: of the last document that placed it."""
        return self.fleet.prune if wish is Prune.INHERIT else wish is Prune.ALLOW

    def model(self, name: str) -> DesiredModel | None:
        """The model of that servable name, None where this server shall not have it."""
        return next((model for model in self.models if model.name == name), None)


@dataclass(frozen=True, slots=True)
class Desired:
    """What one commit asks for; servers ascend by id."""

    commit: Commit
    servers: tuple[DesiredServer, ...] = ()

    def server(self, server_id: str) -> DesiredServer | None:
        """The server with that id, None where no Fleet lists it."""
        return next((server for server in self.servers if server.id == server_id), None)
