"""The values that cross the border of the core: flags, configurations, statuses, load keys.

Everything here is frozen and compares by content. Fronts build the configurations, the core builds the statuses.
Names and numbers follow TensorFlow Serving (``config/model_server_config.proto``, ``apis/get_model_status.proto``,
``core/servable_state.h``). Deliberately not here: protobuf, text formats, command lines; they are the fronts' work.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, IntEnum


class Code(IntEnum):
    """gRPC status codes; TensorFlow's error codes are the same numbers."""

    OK = 0
    CANCELLED = 1
    UNKNOWN = 2
    INVALID_ARGUMENT = 3
    DEADLINE_EXCEEDED = 4
    NOT_FOUND = 5
    ALREADY_EXISTS = 6
    PERMISSION_DENIED = 7
    RESOURCE_EXHAUSTED = 8
    FAILED_PRECONDITION = 9
    ABORTED = 10
    OUT_OF_RANGE = 11
    UNIMPLEMENTED = 12
    INTERNAL = 13
    UNAVAILABLE = 14
    DATA_LOSS = 15
    UNAUTHENTICATED = 16


@dataclass(frozen=True, slots=True)
class Status:
    """A code and a sentence, uncut: cutting at 1024 characters is the fronts' work and applies to RPC errors only."""

    code: Code = Code.OK
    message: str = ""

    @property
    def ok(self) -> bool:
        """Whether the code is OK."""
        return self.code is Code.OK

    def __str__(self) -> str:
        return "OK" if self.ok else f"{self.code.name}: {self.message}"


OK = Status()


class VersionState(IntEnum):
    """What GetModelStatus can say of a version (``ServableState::ManagerState``)."""

    START = 10
    LOADING = 20
    AVAILABLE = 30
    UNLOADING = 40
    END = 50


@dataclass(frozen=True, slots=True)
class VersionStatus:
    """One entry of GetModelStatus."""

    version: int
    state: VersionState
    status: Status = OK


class AspiredVersionPolicy(Enum):
    """In which order a model's versions come and go; see ``policies``."""

    AVAILABILITY_PRESERVING = "availability-preserving"
    RESOURCE_PRESERVING = "resource-preserving"


@dataclass(frozen=True, slots=True)
class Flags:
    """The command-line flags the core obeys, with ``tensorflow_model_server``'s names and defaults.

    Two are no flags there. ``startup_load_threads`` is 4 x CPUs, which a pure core cannot ask for.
    ``aspired_version_policy`` is fixed in the stock binary: the library alone has a choice.
    """

    file_system_poll_wait_seconds: float = 1.0
    num_load_threads: int = 0
    num_unload_threads: int = 0
    max_num_load_retries: int = 5
    load_retry_interval_micros: int = 60_000_000
    allow_version_labels_for_unavailable_models: bool = False
    model_config_file_poll_wait_seconds: float = 0.0
    startup_load_threads: int = 16
    aspired_version_policy: AspiredVersionPolicy = AspiredVersionPolicy.AVAILABILITY_PRESERVING

    @property
    def load_retry_interval(self) -> float:
        """Seconds between two tries."""
        return self.load_retry_interval_micros / 1_000_000

    @property
    def load_tries(self) -> int:
        """Tries in all, as ``util/retrier.cc`` counts them: unsigned, so that -1 retries are one try and -2 no end."""
        return max((self.max_num_load_retries + 1) % 2**32, 1)


@dataclass(frozen=True, slots=True)
class Latest:
    """Want the highest ``num_versions`` versions on disk; 0 counts as 1."""

    num_versions: int = 1


@dataclass(frozen=True, slots=True)
class All:
    """Want every version on disk."""


@dataclass(frozen=True, slots=True)
class Specific:
    """Want these versions, as far as they are on disk."""

    versions: tuple[int, ...] = ()


Policy = Latest | All | Specific


@dataclass(frozen=True, slots=True)
class ModelConfig:
    """One entry of a ``model_config_list``. ``platform`` "" is unset, ``policy`` None is unset (= latest 1)."""

    name: str
    base_path: str
    platform: str = "tensorflow"
    model_type: int = 0
    policy: Policy | None = None
    labels: tuple[tuple[str, int], ...] = ()
    logging: bool = False


@dataclass(frozen=True, slots=True)
class ServerConfig:
    """A whole server configuration. ``models`` None: the oneof is unset; ``()``: a list that is empty."""

    models: tuple[ModelConfig, ...] | None = None


@dataclass(frozen=True, slots=True)
class LoadKey:
    """One attempt to load one version.

    ``life`` numbers the times any version was accepted by this process, so no two loads share a key. The key of the
    attempt that succeeded also names what is loaded, in leases and unloads.
    """

    model: str
    version: int
    path: str
    life: int
    attempt: int = 1


@dataclass(frozen=True, slots=True)
class Lease:
    """A request in flight: it keeps the whole lookup table it was resolved on in use, not just its servable."""

    serial: int
    generation: int
    key: LoadKey

    @property
    def model(self) -> str:
        """Whose version it is."""
        return self.key.model

    @property
    def version(self) -> int:
        """The version that answers."""
        return self.key.version
