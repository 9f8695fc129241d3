"""Model files of a simulated world: one shared storage that servers load from and the reconciler looks at.

Used by `World`. The servers see directories (the core's `Disk`), the reconciler sees facts (`ports.VersionStore`), and
both see the same. Files have content, a short text: equal content has equal fingerprints, and says how a load goes.
"""

from dataclasses import dataclass, field, replace

from reconciler.modelserver.core import OK, Code, Load, LoadKey, LoadPlan, MemoryDisk, Status
from reconciler.state.desired import DesiredServer
from reconciler.state.export import DEFAULT_SIGNATURE, Export, Signature, TensorSpec
from reconciler.state.look import PathFacts, Presence, VersionFiles

USUAL = Export(
    "",
    0,
    signatures=(
        Signature(
            DEFAULT_SIGNATURE,
            "tensorflow/serving/predict",
            (TensorSpec("x", "float", (-1, 1)),),
            (TensorSpec("y", "float", (-1, 1)),),
        ),
    ),
    tf_version="2.20.0",
    size=1000,
)
"""What version directories promise unless a script says otherwise."""


@dataclass(frozen=True, slots=True)
class Files:
    """One version directory: its content, what it lacks, and how loading it goes (seconds, error text or "").

    export: what it promises to clients; place, number and fingerprint are filled in when it is read.
    """

    content: str
    lacks: tuple[str, ...] = ()
    seconds: float = 0.1
    error: str = ""
    export: Export = USUAL


@dataclass
class Storage:
    """Version directories by path. `unseen` hides a base path from the reconciler, not from the servers."""

    disk: MemoryDisk = field(default_factory=MemoryDisk)
    unseen: set[str] = field(default_factory=set)
    _files: dict[str, Files] = field(default_factory=dict)

    def put(self, base_path: str, version: int, files: Files) -> None:
        """Create or replace a version directory."""
        self.disk.add(base_path, version)
        self._files[f"{base_path}/{version}"] = files

    def change(self, base_path: str, version: int, **changes: object) -> None:
        """Change some things about a version directory that is there."""
        path = f"{base_path}/{version}"
        self._files[path] = replace(self._files[path], **changes)  # type: ignore[arg-type]

    def copy(self, base_path: str, other: str) -> None:
        """Copy every version directory below one base path to another."""
        for path, files in [*self._files.items()]:
            parent, _, name = path.rpartition("/")
            if parent == base_path:
                self.put(other, int(name), files)

    def remove(self, path: str) -> None:
        """Remove a version directory, or a base path with all in it."""
        self.disk.remove(path)
        self._files = {each: files for each, files in self._files.items() if not f"{each}/".startswith(f"{path}/")}

    def files(self, path: str) -> Files | None:
        """What lies in that version directory."""
        return self._files.get(path)

    async def facts(self, _server: DesiredServer, base_path: str) -> PathFacts:
        """See `ports.VersionStore`."""
        if base_path in self.unseen:
            return PathFacts(base_path, Presence.UNSEEN, detail="hidden by the script")
        if not self.disk.is_dir(base_path):
            return PathFacts(base_path, Presence.MISSING)
        numbers = sorted(int(name) for name in self.disk.children(base_path) if name.isdigit())
        return PathFacts(base_path, Presence.SEEN, tuple(self._facts(base_path, number) for number in numbers))

    async def export(self, _server: DesiredServer, base_path: str, version: int) -> Export:
        """See `ports.VersionStore`."""
        if base_path in self.unseen:
            return Export(base_path, version, problem="hidden by the script")
        files = self._files.get(f"{base_path}/{version}")
        if files is None:
            return Export(base_path, version, problem=f"{base_path}/{version} does not exist")
        found = self._facts(base_path, version)
        return replace(
            files.export, base_path=base_path, version=version, fingerprint=found.fingerprint, size=found.size
        )

    def _facts(self, base_path: str, number: int) -> VersionFiles:
        files = self._files[f"{base_path}/{number}"]
        fingerprint = "" if files.lacks else f"sha256:{files.content}"
        return VersionFiles(number, files.lacks, files.export.size, fingerprint)


class StoredLoads(LoadPlan):
    """Loads go as the files say that lie there when a try begins."""

    def __init__(self, storage: Storage) -> None:
        super().__init__()
        self._storage = storage

    def take(self, key: LoadKey) -> Load:
        """The next attempt of this version."""
        files = self._storage.files(key.path)
        if files is None:
            return Load(0.01, Status(Code.NOT_FOUND, f"Specified file path does not exist: {key.path}"))
        status = Status(Code.DATA_LOSS, files.error) if files.error else OK
        return Load(files.seconds, status)
