"""The real file system as the core sees it: codes, texts, links, and doors that are closed."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from reconciler.modelserver.core import OK, Code, Latest, Look, Measure, ModelConfig, Sight, Specific, Status
from reconciler.modelserver.disk import LocalDisk, io_error, local_path

DISK = LocalDisk()
NOBODY = 65534


@pytest.fixture
def base() -> Iterator[Path]:
    """A base path that others may enter: pytest's own temporary directories are closed to them."""
    folder = Path(tempfile.mkdtemp(prefix="local-disk-"))
    folder.chmod(0o755)
    yield folder
    for path in folder.rglob("*"):
        if path.is_dir() and not path.is_symlink():
            path.chmod(0o755)
    folder.chmod(0o755)
    shutil.rmtree(folder)


@contextmanager
def as_somebody_else() -> Iterator[None]:
    """Without the rights of root, which no closed door stops."""
    if os.getuid() != 0:
        yield
        return
    os.setresuid(NOBODY, NOBODY, 0)
    try:
        yield
    finally:
        os.setresuid(0, 0, 0)


def look(base_path: str, *versions: int) -> Sight:
    policy = Specific(versions) if versions else Latest()
    return Look(DISK, (ModelConfig("m", base_path, policy=policy),)).run()


def test_what_is_not_there_is_not_found(base: Path) -> None:
    path = f"{base}/1"
    assert DISK.file_exists(path) == Status(Code.NOT_FOUND, f"{path} not found")
    assert DISK.get_children(path) == Status(Code.NOT_FOUND, f"{path}; No such file or directory")
    assert DISK.is_directory(path) == Status(Code.NOT_FOUND, f"{path}; No such file or directory")


def test_a_file_is_there_but_no_directory(base: Path) -> None:
    (base / "1").write_text("")
    path = f"{base}/1"
    assert (DISK.file_exists(path), DISK.is_directory(path)) == (OK, False)
    assert DISK.get_children(path) == Status(Code.FAILED_PRECONDITION, f"{path}; Not a directory")
    assert Measure(DISK, path).run() == Status(Code.FAILED_PRECONDITION, f"{path}; Not a directory")


def test_links_to_versions_are_versions(base: Path) -> None:
    (base / "there").mkdir()
    (base / "1").symlink_to(base / "there")
    assert look(str(base)).found == (("m", ((1, f"{base}/1"),)),)
    assert Measure(DISK, f"{base}/1").run() == OK


def test_a_link_that_leads_round_is_a_version_that_cannot_be_measured(base: Path) -> None:
    """A name is all a poll needs; ``access`` fails only when the estimate begins."""
    (base / "1").symlink_to(base / "1")
    assert look(str(base)).found == look(str(base), 1).found == (("m", ((1, f"{base}/1"),)),)
    assert Measure(DISK, f"{base}/1").run() == Status(Code.NOT_FOUND, f"{base}/1 not found")


def test_a_base_path_that_leads_round_is_not_found(base: Path) -> None:
    (base / "m").symlink_to(base / "m")
    failure = f"Could not find base path {base}/m for servable m with error NOT_FOUND: {base}/m not found"
    assert look(f"{base}/m").failure == failure


def test_a_link_back_up_in_a_version_is_followed_until_the_system_refuses(base: Path) -> None:
    """The kernel follows forty links; one more, and the entry can neither be entered nor measured."""
    (base / "1").mkdir()
    (base / "1" / "up").symlink_to(base / "1")
    status = Measure(DISK, f"{base}/1").run()
    assert status == Status(Code.UNKNOWN, f"{base}/1{'/up' * 41}; Too many levels of symbolic links")


def test_a_link_to_nowhere_in_a_version_fails_its_estimate(base: Path) -> None:
    (base / "1").mkdir()
    (base / "1" / "lost").symlink_to(base / "nowhere")
    (base / "1" / "variables").mkdir()
    status = Measure(DISK, f"{base}/1").run()
    assert status == Status(Code.NOT_FOUND, f"{base}/1/lost; No such file or directory")


def test_a_closed_base_path_cannot_be_listed(base: Path) -> None:
    (base / "1").mkdir()
    base.chmod(0o000)
    with as_somebody_else():
        assert look(str(base)).failure == f"{base}; Permission denied"
        assert look(str(base), 1).failure == f"{base}; Permission denied"


def test_versions_of_a_base_path_that_can_be_entered_but_not_listed_are_found_by_number(base: Path) -> None:
    """The short way of specific versions needs no listing."""
    (base / "1").mkdir()
    base.chmod(0o111)
    with as_somebody_else():
        assert look(str(base), 1).found == (("m", ((1, f"{base}/1"),)),)
        assert look(str(base)).failure == f"{base}; Permission denied"


def test_a_closed_version_cannot_be_measured(base: Path) -> None:
    (base / "1").mkdir()
    (base / "1").chmod(0o000)
    with as_somebody_else():
        assert Measure(DISK, f"{base}/1").run() == Status(Code.PERMISSION_DENIED, f"{base}/1; Permission denied")


def test_file_uris_are_local_paths_and_keep_their_spelling(base: Path) -> None:
    (base / "7").mkdir()
    assert look(f"file://{base}/").found == (("m", ((7, f"file://{base}/7"),)),)
    assert DISK.file_exists(f"file://{base}/8") == Status(Code.NOT_FOUND, f"file://{base}/8 not found")


def test_other_schemes_are_not_implemented() -> None:
    failure = look("s3://bucket/m").failure
    assert failure == (
        "Could not find base path s3://bucket/m for servable m with error UNIMPLEMENTED: "
        "File system scheme 's3' not implemented (file: 's3://bucket/m')"
    )


@pytest.mark.parametrize(
    ("path", "place"),
    [
        ("/a/b/../c", "/a/c"),
        ("//a//b/", "/a/b"),
        ("/a\0b", "/a"),
        ("file:///a/../b", "/a/../b"),
        ("file://host/a", "/a"),
        ("x://a", "x:/a"),
    ],
)
def test_a_path_means_the_place_it_means_in_cpp(path: str, place: str) -> None:
    """``TranslateName``: without a scheme it is cleaned by its letters; one letter is no scheme."""
    assert local_path(path) == place


def test_names_that_are_no_text_do_not_spoil_a_message(base: Path) -> None:
    (base / "1").mkdir()
    (base / "1" / os.fsdecode(b"\xff")).symlink_to("nowhere")
    status = Measure(DISK, f"{base}/1").run()
    assert status.message == f"{base}/1/�; No such file or directory"


def test_an_error_without_a_meaning_is_unknown() -> None:
    assert io_error("/m", OSError(5, "")) == Status(Code.UNKNOWN, "/m; Input/output error")
    assert io_error("/m", OSError(116, "")) == Status(Code.ABORTED, "/m; Stale file handle")


def test_what_cannot_be_measured_is_named_before_what_lies_deeper(base: Path) -> None:
    """The walk ends at the first directory with an entry that cannot be measured."""
    (base / "1" / "deep").mkdir(parents=True)
    (base / "1" / "deep" / "lost").symlink_to(base / "nowhere")
    (base / "1" / "deep" / "deeper").mkdir()
    (base / "1" / "deep" / "deeper").chmod(0o000)
    with as_somebody_else():
        status = Measure(DISK, f"{base}/1").run()
    assert status == Status(Code.NOT_FOUND, f"{base}/1/deep/lost; No such file or directory")
