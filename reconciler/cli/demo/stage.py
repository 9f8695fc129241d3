"""The stage: a folder with exported models and the documents of this demo, made from `examples_repo`.

Called by `__init__` before the story begins. Documents are the examples' own, fitted to this machine: its addresses,
its storage, one server per fleet, the two models of the story. Exporting runs in processes of its own, because
TensorFlow inside the demo's process would slow its clients down.
"""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import yaml

import reconciler
from reconciler.cli.demo.fleet import ModelServer
from reconciler.modelserver import samples
from reconciler.state import footprint

VERSIONS = range(1, 4)
"""The versions exported of each model."""

Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Actor:
    """A model of the story: the name it has on the servers, the kind of sample it is, a word of its example's name."""

    name: str
    kind: str
    word: str


HALF = Actor("half", "half-plus", "half")
FASHION = Actor("fashion", "classifier", "fashion")
ACTORS = (HALF, FASHION)


class ExamplesMissing(Exception):
    """The example repository is not there, or holds nothing that the story can use."""


@dataclass(slots=True)
class Stage:
    """Folders and documents of one run. `documents`: by model name, its file and content."""

    folder: Path
    documents: dict[str, tuple[Path, Document]] = field(default_factory=dict)
    servers: list[str] = field(default_factory=list)
    _checked: set[str] = field(default_factory=set)
    _fleets: list[tuple[Path, Document]] = field(default_factory=list)

    @property
    def models(self) -> Path:
        """Where the exported versions lie; the servers see them at the same path."""
        return self.folder / "models"

    @property
    def state(self) -> Path:
        """The service's state directory."""
        return self.folder / "state"

    def export(self) -> list["subprocess.Popen[bytes]"]:
        """Begin to export every version of both models, one process per model."""
        with (self.folder / "export.log").open("ab") as log:
            return [_export(each, self.models, log) for each in ACTORS]

    def write_documents(self, work: Path, servers: Sequence[ModelServer]) -> None:
        """Copy the examples into the working copy and fit them. Raises ExamplesMissing."""
        shutil.copytree(_examples(), work, dirs_exist_ok=True)
        waiting = iter(servers)
        for path, documents in _read(work):
            kept = [each for each in documents if self._fit(path, each, waiting)]
            if kept != documents:
                _write(path, *kept)
        if len(self.servers) != len(servers) or len(self.documents) != len(ACTORS):
            raise ExamplesMissing("The examples hold no two fleets with the models half and fashion.")
        for path, document in self.documents.values():
            document["spec"]["placement"] = [{"fleet": each.split("/")[0]} for each in self.servers]
            _write(path, document)

    def expect_answers_of(self, actor: Actor, version: int) -> None:
        """From the next change on git expects of every version of a model what this one answers."""
        inputs = samples.request_for(actor.kind)
        answers = {name: value.tolist() for name, value in samples.answer_of(actor.kind, version, inputs).items()}
        only = next(iter(answers.values())) if len(answers) == 1 else answers
        folder = self._root() / "checks"
        folder.mkdir(exist_ok=True)
        (folder / "demo.json").write_text(json.dumps({"inputs": inputs}))
        (folder / "demo.expected.json").write_text(json.dumps({"outputs": only}))
        self._checked.add(actor.name)

    def expect_nothing(self, actor: Actor) -> None:
        """Take that back, from the next change on."""
        self._checked.discard(actor.name)

    def _root(self) -> Path:
        return self.folder / "work"

    def make_tight(self, actor: Actor, version: int, *others: tuple[Actor, int]) -> None:
        """Give every server memory for these other versions, and for one and a half of that version."""
        budget = self._takes(actor, version) * 3 // 2 + sum(self._takes(each, number) for each, number in others)
        for path, document in self._fleets:
            for server in document["spec"]["servers"]:
                server["memory"] = {"budget": budget}
            _write(path, document)

    def _takes(self, actor: Actor, version: int) -> int:
        """The bytes that a version is reckoned to take in memory."""
        folder = self.models / actor.name / str(version)
        return footprint.estimate(sum(each.stat().st_size for each in folder.rglob("*") if each.is_file())) or 0

    def publish(self, source: Actor, version: int, target: Actor, number: int) -> None:
        """Copy an exported version under another model's name, as happens."""
        samples.publish(self.models / source.name / str(version), self.models / target.name, number)

    def change(
        self, actor: Actor, versions: Sequence[int], labels: dict[str, int], policy: str = "availability"
    ) -> None:
        """Write what git shall ask of a model from the next commit on."""
        path, document = self.documents[actor.name]
        spec = document["spec"]
        spec["versions"] = {"specific": [*versions]}
        spec["labels"] = dict(labels)
        if actor.name in self._checked:
            spec["checks"] = [dict(_GOLDEN)]
        else:
            spec.pop("checks", None)
        spec["onFailure"] = "push"
        spec["transition"] = {"policy": policy} | ({} if policy == "availability" else {"allowDowntime": True})
        _write(path, document)

    def _fit(self, path: Path, document: Document, waiting: Iterator[ModelServer]) -> bool:
        """Fit one document to this machine; whether it is kept."""
        if document.get("kind") == "Fleet":
            server = next(waiting, None)
            if server is not None:
                self._fit_fleet(document, server)
                self._fleets.append((path, document))
                _write(path, document)
            return server is not None
        actor = next((each for each in ACTORS if each.word in document["metadata"]["name"]), None)
        if actor is None or actor.name in self.documents:
            return False
        document["metadata"]["name"] = actor.name
        document["spec"] = {"basePath": str(self.models / actor.name), "platform": "tensorflow"}
        self.documents[actor.name] = (path, document)
        return True

    def _fit_fleet(self, document: Document, server: ModelServer) -> None:
        name = str(document["spec"]["servers"][0]["name"])
        server.name = f"{document['metadata']['name']}/{name}"
        self.servers.append(server.name)
        document["spec"] = {
            "tfServing": {
                "version": "2.20",
                "fileSystemPollWaitSeconds": 1,
                "numLoadThreads": 2,
                "numUnloadThreads": 1,
                "maxNumLoadRetries": 0,
            },
            "storage": [{"serverPath": str(self.models), "url": self.models.as_uri()}],
            "deadlines": {
                "reload": "15s"
            },  # a new name blocks its reload until it has loaded, and two cores do all of it
            "adopt": "replace",
            "servers": [{"name": name, "grpc": f"127.0.0.1:{server.grpc_port}"}],
        }


_GOLDEN: Document = {
    "name": "golden",
    "kind": "request",
    "request": "checks/demo.json",
    "expect": "checks/demo.expected.json",
    "tolerance": {"abs": 0.001},
}


def _export(actor: Actor, models: Path, log: IO[bytes]) -> "subprocess.Popen[bytes]":
    program = (
        "import sys, pathlib; from reconciler.modelserver import samples; "
        "[samples.export(sys.argv[1], pathlib.Path(sys.argv[2]), int(each)) for each in sys.argv[3:]]"
    )
    command = [sys.executable, "-c", program, actor.kind, str(models / actor.name), *map(str, VERSIONS)]
    return subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)  # noqa: S603 - our own program


def _examples() -> Path:
    """The example repository: inside the installed package, or beside it in a clone."""
    package = Path(reconciler.__file__).parent
    for place in (package / "examples_repo", package.parent / "examples_repo"):
        if place.is_dir():
            return place
    raise ExamplesMissing(f"The example repository is in neither {package} nor {package.parent}.")


def _read(work: Path) -> Iterator[tuple[Path, list[Document]]]:
    """Every file of documents below the working copy, hidden folders left out."""
    for path in sorted([*work.rglob("*.yaml"), *work.rglob("*.yml")]):
        if not any(part.startswith(".") for part in path.relative_to(work).parts):
            yield path, [each for each in yaml.safe_load_all(path.read_text()) if each]


def _write(path: Path, *documents: Document) -> None:
    """Replace a file by these documents; without any it goes."""
    if documents:
        path.write_text(yaml.safe_dump_all(documents, sort_keys=False, default_flow_style=None, width=120))
    else:
        path.unlink()
