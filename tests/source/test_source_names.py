"""Hostile and surprising names in a repository: refused or told, and never able to forge a line of a message."""

from pathlib import Path

import pygit2
import pytest
from repositories import Repository

from reconciler import parse
from reconciler.adapters.git import GitReader
from reconciler.source import Documents

FLEET = """
apiVersion: reconciler.tfserving/v1alpha1
kind: Fleet
metadata: {name: eu}
spec: {servers: [{name: gpu-1, grpc: "gpu-1:8500"}]}
"""
WHO = pygit2.Signature("Ada", "ada@example.org", 1, 0)
BLOB, LINK, MODULE, TREE = b"100644", b"120000", b"160000", b"40000"


class Place:
    """A repository whose trees are written byte by byte, as no git would let anybody write them."""

    def __init__(self, folder: Path) -> None:
        self.repository = Repository(folder / "desired.git")
        self.fleet = self.blob(FLEET)

    def blob(self, content: str) -> pygit2.Oid:
        return self.repository.git.create_blob(content.encode())

    def tree(self, *entries: tuple[bytes, bytes, pygit2.Oid]) -> pygit2.Oid:
        raw = b"".join(mode + b" " + name + b"\0" + number.raw for mode, name, number in entries)
        return self.repository.git.odb.write(pygit2.enums.ObjectType.TREE, raw)

    def parsed(self, *entries: tuple[bytes, bytes, pygit2.Oid], path: str = "") -> parse.Parsed:
        """What a commit with these entries beside a Fleet asks for."""
        whole = sorted([(BLOB, b"fleet.yaml", self.fleet), *entries], key=lambda each: each[1])
        made = self.repository.git.create_commit("refs/heads/main", WHO, WHO, "m", self.tree(*whole), [])
        self.repository.git.references.delete("refs/heads/main")
        return Documents(GitReader(self.repository.path), path).at(str(made))


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


@pytest.mark.parametrize(
    "name",
    [b"a\nerror: forged.yaml", b"\x1b[2Ja.yaml", b"a\x7f.yaml", "a\N{RIGHT-TO-LEFT OVERRIDE}b.yaml".encode()],
)
def test_a_document_whose_name_does_not_print_holds_back_the_commit_in_one_printable_line(
    place: Place, name: bytes
) -> None:
    parsed = place.parsed((BLOB, name, place.blob("# mine")))
    assert parsed.desired is None
    (problem,) = map(str, parsed.problems)
    assert "file-name" in problem
    assert problem.isprintable()


def test_a_document_with_a_path_beyond_all_measure_holds_back_the_commit_and_is_shown_cut(place: Place) -> None:
    parsed = place.parsed((BLOB, b"a" * 5000 + b".yaml", place.fleet))
    assert "5005 characters" in str(parsed.problems[0])
    assert len(str(parsed.problems[0])) < 300


def test_names_of_files_that_are_no_documents_do_not_matter(place: Place) -> None:
    assert place.parsed((BLOB, b"a\nb.txt", place.blob("x"))).desired is not None


@pytest.mark.parametrize("name", [b"..", b".", b".git", b".hidden"])
def test_a_folder_that_would_lead_out_of_a_checkout_is_not_looked_into(place: Place, name: bytes) -> None:
    inside = place.tree((BLOB, b"evil.yaml", place.blob("kind: Evil")))
    parsed = place.parsed((TREE, name, inside))
    assert parsed.desired is not None
    assert parsed.problems == ()


def test_a_name_that_is_not_utf8_is_read_and_told(place: Place) -> None:
    parsed = place.parsed((BLOB, b"caf\xe9.yaml", place.blob("# mine")))
    assert parsed.desired is not None
    assert any("not UTF-8" in str(each) for each in parsed.warnings)


def test_names_that_differ_in_case_alone_are_told(place: Place) -> None:
    parsed = place.parsed((BLOB, b"Fleet.yaml", place.blob("# another")))
    assert parsed.desired is not None
    assert any("upper and lower case" in str(each) for each in parsed.warnings)


def test_the_same_document_twice_under_names_of_other_case_is_refused_as_a_duplicate(place: Place) -> None:
    assert place.parsed((BLOB, b"Fleet.yaml", place.fleet)).desired is None


@pytest.mark.parametrize(("name", "told"), [(b"model.yaml", True), (b"models", True), (b"notes.txt", False)])
def test_a_symbolic_link_is_not_followed_and_told_where_a_document_may_be_meant(
    place: Place, name: bytes, told: bool
) -> None:
    parsed = place.parsed((LINK, name, place.blob("/etc/passwd")))
    assert parsed.desired is not None
    assert any("a symbolic link, which is never followed" in str(each) for each in parsed.warnings) is told


@pytest.mark.parametrize(("name", "told"), [(b"models", True), (b".theme", False)])
def test_a_submodule_is_not_followed_and_told(place: Place, name: bytes, told: bool) -> None:
    parsed = place.parsed((MODULE, name, place.fleet))
    assert parsed.desired is not None
    assert any("a submodule, which is never followed" in str(each) for each in parsed.warnings) is told


def test_a_link_outside_the_watched_folder_is_nobodys_concern(place: Place) -> None:
    folder = place.tree((BLOB, b"fleet.yaml", place.fleet))
    parsed = place.parsed((TREE, b"eu", folder), (LINK, b"model.yaml", place.blob("x")), path="eu")
    assert not any("never followed" in str(each) for each in parsed.warnings)


def test_a_watched_folder_that_is_a_link_holds_no_documents_and_that_is_told(place: Place) -> None:
    parsed = place.parsed((LINK, b"eu", place.blob("us")), path="eu")
    assert any("a symbolic link" in str(each) for each in parsed.warnings)
