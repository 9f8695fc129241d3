"""An existing `model_config.pbtxt` → a Fleet skeleton and Model documents, and a list of what a person must look at.

Called by `reconciler import`. What is written is valid under the schemas and asks for what the file asks for, so that
the first reload changes nothing; what the format cannot or will not say is left out *and* noted. Deliberately not here:
reading and writing files.
"""

import json
import re
from dataclasses import dataclass

from reconciler.parse.quick import compiled
from reconciler.parse.schemas import API_VERSION, read
from reconciler.parse.within import MAX_VERSION
from reconciler.state.versions import All, Latest, Specific, VersionPolicy, specific
from reconciler.wire import config, text
from reconciler.wire.stubs import model_server_config_pb2

PLATFORM = "tensorflow"


@dataclass(frozen=True, slots=True)
class Note:
    """Something about one model (or the whole file, where `model` is "") that was not carried over as it stands.

    `lost`: the model is in no document. Otherwise its document is there and a person should look at it.
    """

    model: str
    what: str
    to_do: str
    lost: bool = False

    def __str__(self) -> str:
        subject = f"model {json.dumps(self.model)}: " if self.model else ""
        return f"{subject}{self.what} — {self.to_do}"


@dataclass(frozen=True, slots=True)
class Imported:
    """The documents, as (path, text) ascending by path, and what was not carried over as it stands."""

    files: tuple[tuple[str, str], ...]
    notes: tuple[Note, ...]

    @property
    def complete(self) -> bool:
        """Whether every model of the file has a document: only then is `adopt: replace` safe."""
        return not any(note.lost for note in self.notes)


def import_config(written: str, *, fleet: str = "imported", server: str = "gpu-1", grpc: str = "") -> Imported:
    """Turn the text of a `model_config.pbtxt` into documents.

    Args:
        written: the text.
        fleet: name of the Fleet to write, in which one server is listed.
        server: name of that server.
        grpc: its address; where it is not given, an example stands in its place.

    Raises:
        TextProtoError: the text is no ModelServerConfig.
        ValueError: it is one, but has no list of models in it.
    """
    message = text.parse(written)
    if message.WhichOneof("config") != "model_config_list":
        raise ValueError(
            "the file holds no model_config_list, so there is nothing to import; give the file that the "
            "server is started with (--model_config_file)"
        )
    files: dict[str, str] = {}
    notes: list[Note] = []
    for entry in message.model_config_list.config:
        _Entry(entry, fleet, notes).write(files)
    complete = not any(note.lost for note in notes)
    files[f"fleets/{fleet}.yaml"] = _fleet((fleet, server, grpc), files, complete=complete)
    return Imported(tuple(sorted(files.items())), tuple(notes))


class _Entry:
    """One entry of the list on its way to a document."""

    def __init__(self, entry: model_server_config_pb2.ModelConfig, fleet: str, notes: list[Note]) -> None:
        self._entry = entry
        self._fleet = fleet
        self._notes = notes

    def write(self, files: dict[str, str]) -> None:
        """Add the document, or a note that says why there is none."""
        entry = self._entry
        if (reason := self._unsayable()) is not None:
            self._note(*reason, lost=True)
            return
        document = _document_name(entry.name)
        path = f"models/{document}.yaml"
        if path in files:
            twice = "is listed twice, or its name differs from another's only in case or punctuation"
            self._note(twice, "write a document for it by hand; a server refuses two entries of one name", lost=True)
            return
        self._oddities()
        policy, comments = self._versions()
        files[path] = self._render(document, policy, comments)

    def _note(self, what: str, to_do: str, *, lost: bool = False) -> None:
        self._notes.append(Note(self._entry.name, what, to_do, lost))

    def _unsayable(self) -> tuple[str, str] | None:
        entry = self._entry
        spec = read("v1alpha1/model.json")["properties"]["spec"]["properties"]
        if not compiled(spec["modelName"])(entry.name):
            return "the name cannot be written in a document", "serve it under a name of letters, digits, `_`, `.`, `-`"
        if not compiled(spec["basePath"])(entry.base_path):
            return f"the base path {entry.base_path!r} is relative", "give an absolute path; a server refuses this one"
        if not entry.base_path.isprintable():
            return f"the base path {entry.base_path!r} cannot be written on one line", "rename the directory"
        if entry.model_platform not in ("", PLATFORM) or entry.model_type == model_server_config_pb2.OTHER:
            return f"the platform {entry.model_platform!r} is not served", "leave it to another server"
        chosen = config.policy(entry.model_version_policy)
        if isinstance(chosen, Specific) and not any(map(_is_version, chosen.versions)):
            return "no version from 1 on is listed", "leave it out, or list a version"
        return None

    def _oddities(self) -> None:
        if self._entry.HasField("logging_config"):
            self._note("logging_config was left out", "the stock server fails after applying it (E22); do without")
        if not self._entry.model_platform:
            self._note("it had no model_platform", "nothing: `tensorflow` is always sent from now on (E20)")

    def _versions(self) -> tuple[VersionPolicy, list[str]]:
        """The versions to write, and comments to write above them."""
        chosen = config.policy(self._entry.model_version_policy)
        targets = sorted({version for version in self._entry.version_labels.values() if _is_version(version)})
        if isinstance(chosen, Specific):
            sound = [version for version in chosen.versions if _is_version(version)]
            if len(sound) < len(chosen.versions):
                self._note("versions below 1 were left out", "publish them under a number from 1 on")
            return specific(*sound), []
        if not targets:
            return chosen, []
        was = f"latest {chosen.count}" if isinstance(chosen, Latest) else "all"
        listed = ", ".join(map(str, targets))
        what = f"it had labels over versions that the server chooses ({was})"
        self._note(what, f"decide which versions it shall serve; its document lists those with a label: {listed}")
        return specific(*targets), [
            f"DECIDE: this was `{was}` with labels. Labels need versions that are listed: a copied directory can",
            "take the version away that a label points at. Listed here are the versions with a label; add those",
            "that shall be served without one. A version that arrives later is served when it is listed here.",
        ]

    def _labels(self, policy: VersionPolicy) -> dict[str, int]:
        listed = policy.versions if isinstance(policy, Specific) else ()
        test = compiled(_named(read("v1alpha1/model.json")["properties"]["spec"]["properties"]["labels"]))
        kept = {}
        for label, version in sorted(self._entry.version_labels.items()):
            if version in listed and test(label):
                kept[label] = version
            else:
                to_do = "list that version and add the label, if a client asks by it"
                self._note(f"the label {label!r} for version {version} was left out", to_do)
        return kept

    def _render(self, document: str, policy: VersionPolicy, comments: list[str]) -> str:
        entry = self._entry
        lines = [
            *_head("model", "Model", document),
            "spec:",
            f"  modelName: {_scalar(entry.name)}",
            "  placement:",
            f"    - fleet: {_scalar(self._fleet)}",
            f"  basePath: {_scalar(entry.base_path)}",
            *(f"  # {comment}" for comment in comments),
            f"  versions: {_policy(policy)}",
        ]
        if labels := self._labels(policy):
            lines += ["  labels:", *(f"    {_scalar(label)}: {version}" for label, version in labels.items())]
        return "\n".join(lines) + "\n"


def _fleet(names: tuple[str, str, str], models: dict[str, str], *, complete: bool) -> str:
    fleet, server, grpc = names
    why = (
        "Every model of the imported file has a document here, so the first reload carries what is served already"
        if complete
        else "NOT YET: some models of the imported file have no document; with `replace` they would be unloaded"
    )
    lines = [
        *_head("fleet", "Fleet", fleet),
        "spec:",
        "  # How the servers were started: they cannot be asked, so check every line against their flags.",
        "  tfServing:",
        '    version: "2.20"',
        "    fileSystemPollWaitSeconds: 1        # --file_system_poll_wait_seconds",
        "    modelConfigFilePollWaitSeconds: 0   # --model_config_file_poll_wait_seconds; 0, or RPCs are undone",
        "    numLoadThreads: 2                   # --num_load_threads",
        "    numUnloadThreads: 1                 # --num_unload_threads",
        "    maxNumLoadRetries: 0                # --max_num_load_retries",
        "  # Where the model files lie as seen from here; a version that is not seen is not added.",
        "  storage:",
        *_storage(models),
        f"  # {why}.",
        f"  adopt: {'replace' if complete else 'refuse'}",
        "  servers:",
        f"    - name: {_scalar(server)}",
        f"      grpc: {_scalar(grpc or f'{server}.example.internal:8500')}"
        + ("" if grpc else "   # put the real address here"),
    ]
    return "\n".join(lines) + "\n"


def _storage(models: dict[str, str]) -> list[str]:
    paths = sorted({re.findall(r"^  basePath: (.*)$", each, re.MULTILINE)[0] for each in models.values()})
    if not paths:
        return ["    []"]
    lines = []
    for path in (json.loads(path) for path in paths):
        url = f"file://{path}" if path.startswith("/") else path
        lines.append(f"    - {{serverPath: {_scalar(path)}, url: {_scalar(url)}}}")
    return lines


def _head(schema: str, kind: str, name: str) -> list[str]:
    return [
        f"# yaml-language-server: $schema=../schemas/v1alpha1/{schema}.json",
        f"apiVersion: {API_VERSION}",
        f"kind: {kind}",
        "metadata:",
        f"  name: {_scalar(name)}",
    ]


def _policy(policy: VersionPolicy) -> str:
    match policy:
        case Specific(versions):
            return f"{{specific: [{', '.join(map(str, versions))}]}}"
        case Latest(count):
            return f"{{latest: {count}}}"
        case All():
            return "{all: {}}"


def _document_name(name: str) -> str:
    """A name for the document of a model: small letters, and no punctuation at its ends."""
    return re.sub(r"[^a-z0-9._-]", "-", name.lower()).strip("._-")[:63].strip("._-") or "model"


def _scalar(value: str) -> str:
    """A text as YAML: always in quotes, which needs no rule about when to quote."""
    return json.dumps(value, ensure_ascii=False)


def _named(labels: dict[str, object]) -> dict[str, object]:
    names = labels["propertyNames"]
    return {"type": "string", "pattern": names["pattern"]} if isinstance(names, dict) else {"type": "string"}


def _is_version(number: int) -> bool:
    return 1 <= number <= MAX_VERSION
