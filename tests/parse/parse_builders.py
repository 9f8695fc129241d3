"""Readable pieces of desired-state repositories for the tests of `parse/`."""

import textwrap
from collections.abc import Mapping

from reconciler import parse
from reconciler.state.desired import Commit, Desired

COMMIT = Commit("c0ffee", author="Ada")

FLEET = """\
apiVersion: reconciler.tfserving/v1alpha1
kind: Fleet
metadata:
  name: eu-gpu
spec:
  tfServing: {numLoadThreads: 2}
  storage:
    - {serverPath: /models, url: "file:///srv/models"}
  servers:
    - {name: gpu-1, grpc: "gpu-1.internal:8500", labels: {tier: canary}}
    - {name: gpu-2, grpc: "gpu-2.internal:8500", labels: {tier: prod}}
"""

MODEL = """\
apiVersion: reconciler.tfserving/v1alpha1
kind: Model
metadata:
  name: fashion-eu
spec:
  modelName: fashion
  placement:
    - fleet: eu-gpu
  basePath: /models/fashion
  versions:
    specific: [41, 42]
  labels:
    stable: 42
"""


def read(files: Mapping[str, str | bytes], *, cache: parse.Cache | None = None, below: str = "") -> parse.Parsed:
    """Parse files given by path; the blob id is the content's own hash."""
    given = []
    for path, text in files.items():
        data = text.encode() if isinstance(text, str) else text
        given.append(parse.SourceFile(path, str(hash(data)), data))
    return parse.parse(COMMIT, given, cache=cache, below=below)


def desired(**files: str) -> Desired:
    """What sound documents ask for."""
    return read({f"{name}.yaml": text for name, text in files.items()}).require()


def problems(fleet: str = FLEET, model: str = MODEL) -> list[str]:
    """The problems of a Fleet and a Model, as printed."""
    return [str(problem) for problem in read({"fleet.yaml": fleet, "model.yaml": model}).problems]


def rules(fleet: str = FLEET, model: str = MODEL) -> list[str]:
    """The rules that a Fleet and a Model break."""
    return [problem.rule for problem in read({"fleet.yaml": fleet, "model.yaml": model}).problems]


def warned(fleet: str = FLEET, model: str = MODEL) -> list[str]:
    """The rules that warn about a Fleet and a Model."""
    return [warning.rule for warning in read({"fleet.yaml": fleet, "model.yaml": model}).warnings]


def fleet_with(spec: str, fleet: str = FLEET) -> str:
    """The Fleet with more lines in its spec."""
    return fleet + textwrap.indent(textwrap.dedent(spec), "  ")


def model_with(old: str, new: str) -> str:
    """The Model with one piece of text replaced."""
    assert old in MODEL
    return MODEL.replace(old, new)
