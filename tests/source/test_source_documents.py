from pathlib import Path

import pytest
from repositories import Repository

from reconciler import parse
from reconciler.adapters.git import GitReader
from reconciler.errors import RevisionMissing
from reconciler.source import Documents

FLEET = """
apiVersion: reconciler.tfserving/v1alpha1
kind: Fleet
metadata: {name: eu}
spec: {servers: [{name: gpu-1, grpc: "gpu-1:8500"}]}
"""


class CountingReader(GitReader):
    """A repository that counts which blobs are read."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.blobs: list[str] = []

    def read(self, blob: str, limit: int) -> bytes:
        self.blobs.append(blob)
        return super().read(blob, limit)


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path / "desired.git")


@pytest.fixture
def reader(repository: Repository) -> CountingReader:
    return CountingReader(repository.path)


def test_only_documents_are_read(repository: Repository, reader: CountingReader) -> None:
    head = repository.commit({"fleet.yaml": FLEET, "README.md": "x", ".github/ci.yml": "on: push", "a.yml": "---"})
    parsed = Documents(reader).at(head)
    assert parsed.desired is not None
    assert [server.id for server in parsed.desired.servers] == ["eu/gpu-1"]
    assert len(reader.blobs) == 2


def test_a_later_commit_costs_the_files_that_it_changed(repository: Repository, reader: CountingReader) -> None:
    files = {"fleet.yaml": FLEET, **{f"{number}.yaml": f"# {number}" for number in range(10)}}
    documents = Documents(reader)
    documents.at(repository.commit(files))
    reader.blobs.clear()
    documents.at(repository.commit({**files, "3.yaml": "# changed", "copy/4.yaml": "# 4"}))
    assert len(reader.blobs) == 1


def test_a_commit_known_by_heart_is_not_read_again(repository: Repository, reader: CountingReader) -> None:
    head = repository.commit({"fleet.yaml": FLEET})
    documents = Documents(reader)
    first = documents.at(head)
    reader.blobs.clear()
    assert documents.at(head) == first
    assert not reader.blobs


def test_a_file_beyond_the_limit_is_a_problem_of_that_file(repository: Repository, reader: CountingReader) -> None:
    head = repository.commit({"fleet.yaml": FLEET, "huge.yaml": b"# " + bytes(50 * 2**20)})
    (problem,) = Documents(reader).at(head).problems
    assert (problem.path, problem.rule) == ("huge.yaml", "file-too-large")


def test_files_beyond_the_limit_together_are_not_read_at_all(repository: Repository, reader: CountingReader) -> None:
    half = bytes(parse.MAX_TOTAL_BYTES // 2 + 1)
    head = repository.commit({"a.yaml": half, "b.yaml": half + b"1", "c.yaml": FLEET})
    (problem,) = Documents(reader).at(head).problems
    assert (problem.path, problem.rule) == ("b.yaml", "too-much")
    assert not reader.blobs


MODEL = """
apiVersion: reconciler.tfserving/v1alpha1
kind: Model
metadata: {name: half}
spec:
  placement: [{fleet: eu}]
  basePath: /models/half
  versions: {specific: [1]}
  labels: {stable: 1}
  checks: [{name: golden, kind: request, request: checks/f.json, expect: checks/e.json}]
"""
CHECKED = {
    "fleet.yaml": FLEET,
    "half.yaml": MODEL,
    "checks/f.json": '{"instances": [1]}',
    "checks/e.json": '{"predictions": [2]}',
    "checks/other.json": "{}",
}


def test_the_files_that_checks_name_are_read_and_no_others(repository: Repository, reader: CountingReader) -> None:
    documents = Documents(reader)
    (check,) = documents.at(repository.commit(CHECKED)).require().servers[0].models[0].checks
    assert (check.request, check.expect) == (CHECKED["checks/f.json"], CHECKED["checks/e.json"])
    assert len(reader.blobs) == 4


def test_a_changed_file_of_a_check_costs_that_file(repository: Repository, reader: CountingReader) -> None:
    documents = Documents(reader)
    documents.at(repository.commit(CHECKED))
    reader.blobs.clear()
    changed = documents.at(repository.commit(CHECKED | {"checks/e.json": '{"predictions": [3]}'})).require()
    assert changed.servers[0].models[0].checks[0].expect == '{"predictions": [3]}'
    assert len(reader.blobs) == 1


def test_a_file_of_a_check_comes_from_its_own_commit(repository: Repository, reader: CountingReader) -> None:
    documents = Documents(reader)
    first = repository.commit(CHECKED)
    documents.at(repository.commit(CHECKED | {"checks/e.json": '{"predictions": [3]}'}))
    assert documents.at(first).require().servers[0].models[0].checks[0].expect == CHECKED["checks/e.json"]


def test_a_link_is_no_file_of_a_check(repository: Repository, reader: CountingReader) -> None:
    (problem,) = Documents(reader).at(repository.commit(CHECKED | {"checks/e.json": "->other.json"})).problems
    assert problem.rule == "check-file-missing"


def test_a_path_that_the_commit_does_not_have_is_missing(repository: Repository, reader: CountingReader) -> None:
    head = repository.commit({"fleet.yaml": FLEET})
    with pytest.raises(RevisionMissing, match="The path eu does not exist"):
        Documents(reader, "eu").at(head)
