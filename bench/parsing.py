"""Parsing and validating 10,000 Model files: cold, with one changed, and beside check-jsonschema on the same files."""

import hashlib
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from bench.measure import Row, at_most, duration, seconds
from reconciler import parse
from reconciler.state.desired import Commit

FILES = 10_000
FEWER = 1_000  # check-jsonschema takes its time, and its time grows with the number of files
SCHEMA = Path(__file__).resolve().parent.parent / "schemas" / "v1alpha1" / "model.json"
COMMIT = Commit("0" * 40)

FLEET = """\
apiVersion: reconciler.tfserving/v1alpha1
kind: Fleet
metadata:
  name: bench
spec:
  servers:
    - {name: s1, grpc: "s1.internal:8500"}
"""

MODEL = """\
# Who to ask: the ranking team
apiVersion: reconciler.tfserving/v1alpha1
kind: Model
metadata:
  name: model-{number:05}
  labels: {{team: ranking, tier: prod}}
spec:
  placement:
    - fleet: bench
  basePath: /models/model-{number:05}
  versions:
    specific: [{version}, {canary}]
  labels:
    stable: {version}
    canary: {canary}
  transition:
    policy: availability
    loadDeadline: 15m
  retry: {{limit: 3, backoff: 2m, max: 30m}}
"""


def file(path: str, text: str) -> parse.SourceFile:
    """A file as the source gives it; any digest will do for a blob id."""
    data = text.encode()
    return parse.SourceFile(path, hashlib.sha1(data, usedforsecurity=False).hexdigest(), data)


def model_file(number: int, version: int = 41) -> parse.SourceFile:
    """One Model document in a file of its own."""
    text = MODEL.format(number=number, version=version, canary=version + 1)
    return file(f"models/{number % 100:02}/model-{number:05}.yaml", text)


def rows() -> Iterator[Row]:
    """Cold, warm, and the ratio to check-jsonschema, which checks the shape only."""
    files = [file("fleet.yaml", FLEET), *(model_file(number) for number in range(FILES))]
    yield at_most(f"parse and validate {FILES:,} Model files, cold", seconds(lambda: _cold(files), 3), 4.0)
    cache = parse.Cache()
    parse.parse(COMMIT, files, cache=cache).require()
    versions = iter(range(100, 200))
    warm = seconds(lambda: parse.parse(COMMIT, [*files[:-1], model_file(FILES - 1, next(versions))], cache=cache), 5)
    yield at_most(f"the same, one of {FILES:,} changed", warm, 0.1)
    yield _beside_check_jsonschema(files[: FEWER + 1])


def _cold(files: list[parse.SourceFile]) -> None:
    parse.parse(COMMIT, files).require()


def _beside_check_jsonschema(files: list[parse.SourceFile]) -> Row:
    ours = seconds(lambda: _cold(files), 3)
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder) / each.path.replace("/", "-") for each in files[1:]]
        for path, each in zip(paths, files[1:], strict=True):
            path.write_bytes(each.data)
        names = [str(path) for path in paths]
        command = [sys.executable, "-m", "check_jsonschema", "--schemafile", str(SCHEMA), *names]
        theirs = seconds(lambda: subprocess.run(command, check=True, capture_output=True), 3)
    ratio = theirs / ours
    against = f"check-jsonschema, {duration(theirs)}"
    return Row(f"parse and validate {FEWER:,} Model files", duration(ours), "≥ 5 × faster", ratio >= 5, against, ratio)
