"""Exports are read from storage, on disks and in buckets; what cannot be read is a problem in words."""

import os
import struct
import threading
from collections.abc import Iterator
from pathlib import Path

import fsspec
import pytest
from exports import saved_model
from google.protobuf import text_format

from reconciler.adapters import storage_trees
from reconciler.adapters.storage import FsspecStore
from reconciler.adapters.storage_exports import WARMUP
from reconciler.adapters.storage_versions import MAX_VERSIONS
from reconciler.state.desired import DesiredModel, DesiredServer, Fleet, StorageMapping
from reconciler.state.export import Export
from reconciler.state.versions import specific
from reconciler.wire import stubs


def server(url: str, *models: DesiredModel) -> DesiredServer:
    return DesiredServer(Fleet("f", storage=(StorageMapping("/models", url),)), "s", "here:8500", models=models)


@pytest.fixture
def store() -> Iterator[FsspecStore]:
    store = FsspecStore(deadline=2.0, shared_for=0.0, still_after=0.0)
    yield store
    store.close()


def put(folder: Path, **files: bytes) -> None:
    usual = {"variables/variables.index": b"index", "variables/variables.data-00000-of-00001": b"tensors"}
    for path, content in (usual | files).items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)


async def read(store: FsspecStore, root: Path, **files: bytes) -> Export:
    put(root / "m/1", **files)
    return await store.export(server(f"file://{root}"), "/models/m", 1)


def shown(export: Export) -> list[tuple[str, list[str], list[str]]]:
    return [
        (each.name, [str(spec) for spec in each.inputs], [str(spec) for spec in each.outputs])
        for each in export.signatures
    ]


async def test_signatures_version_warmup_and_size_are_read(store: FsspecStore, tmp_path: Path) -> None:
    content = saved_model({"serving_default": ("x", "y"), "raw": ("a", "b")}, graph=b"g" * 100_000)
    export = await read(store, tmp_path, **{"saved_model.pb": content, WARMUP: b""})
    assert shown(export) == [
        ("raw", ["float [-1]"], ["float [-1]"]),
        ("serving_default", ["float [-1]"], ["float [-1]"]),
    ]
    assert (export.tf_version, export.warmup, export.problem, export.warmup_problem) == ("2.20.0", True, "", "")
    assert export.size == len(content) + len(b"index") + len(b"tensors")
    assert export.fingerprint.startswith("sha256:")


async def test_text_form_is_read_where_there_is_no_binary_one(store: FsspecStore, tmp_path: Path) -> None:
    message = stubs.saved_model_pb2.SavedModel.FromString(saved_model())
    export = await read(store, tmp_path, **{"saved_model.pbtxt": text_format.MessageToString(message).encode()})
    assert (shown(export), export.problem) == ([("serving_default", ["float [-1]"], ["float [-1]"])], "")


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({}, "/m/1 has no saved_model.pb"),
        ({"saved_model.cpb": b"chunks"}, "saved_model.cpb is written in chunks, which cannot be read here"),
        ({"saved_model.pb": saved_model()[:-3]}, "saved_model.pb: it is cut short"),
        ({"saved_model.pb": b""}, "saved_model.pb: it has no graph tagged `serve` alone"),
        ({"saved_model.pb": b"garbage", "saved_model.pbtxt": b""}, "saved_model.pb: field 12 is of a kind 7"),
    ],
)
async def test_export_that_cannot_be_read_says_why(
    files: dict[str, bytes], said: str, store: FsspecStore, tmp_path: Path
) -> None:
    export = await read(store, tmp_path, **files)
    assert said in export.problem
    assert export.signatures == ()


def warmups(count: int) -> bytes:
    return (struct.pack("<QI", 5, 0) + b"hello" + b"sum!") * count


@pytest.mark.parametrize(
    ("content", "said"),
    [(warmups(1000), ""), (warmups(1001), "more than the 1,000"), (warmups(3)[:-1], "after 2 whole")],
)
async def test_warmup_requests_that_would_fail_the_load_are_found(
    content: bytes, said: str, store: FsspecStore, tmp_path: Path
) -> None:
    export = await read(store, tmp_path, **{"saved_model.pb": saved_model(), WARMUP: content})
    assert (said in export.warmup_problem, bool(export.warmup_problem), export.warmup) == (True, bool(said), True)


async def test_file_in_place_of_a_version_directory_is_a_problem(store: FsspecStore, tmp_path: Path) -> None:
    (tmp_path / "m").mkdir()
    (tmp_path / "m/1").write_bytes(saved_model())
    assert (await store.export(server(str(tmp_path)), "/models/m", 1)).problem.endswith("/m/1 has no saved_model.pb")


async def test_pipe_in_place_of_the_graph_is_a_problem_and_never_opened(store: FsspecStore, tmp_path: Path) -> None:
    put(tmp_path / "m/1")
    os.mkfifo(tmp_path / "m/1/saved_model.pb")
    assert "regular file" in (await store.export(server(str(tmp_path)), "/models/m", 1)).problem


async def test_storage_of_an_unknown_kind_is_a_problem(store: FsspecStore) -> None:
    assert "nosuch" in (await store.export(server("nosuch://bucket"), "/models/m", 1)).problem


async def test_storage_that_does_not_answer_is_a_problem_and_no_endless_wait() -> None:
    store = FsspecStore(deadline=0.02, shared_for=0.0)
    fsspec.register_implementation("slowexports", Slow, clobber=True)
    first = await store.export(server("slowexports://there"), "/models/m", 1)
    store.close()
    assert "did not answer within 0.02 s" in first.problem


class Slow(fsspec.AbstractFileSystem):  # type: ignore[misc]  # fsspec ships no types
    """Storage whose listing takes longer than anybody waits."""

    protocol = "slowexports"

    def find(self, path: str, **kwargs: object) -> dict[str, object]:
        threading.Event().wait(0.5)
        return {}


async def test_export_whose_files_changed_is_read_again(store: FsspecStore, tmp_path: Path) -> None:
    before = await read(store, tmp_path, **{"saved_model.pb": saved_model()})
    (tmp_path / "m/1/saved_model.pb").write_bytes(saved_model({"other": ("x", "y")}))
    after = await store.export(server(str(tmp_path)), "/models/m", 1)
    assert [each.name for each in (*before.signatures, *after.signatures)] == ["serving_default", "other"]


async def test_export_in_a_bucket_is_read_through_fsspec(store: FsspecStore) -> None:
    memory = fsspec.filesystem("memory")
    content = saved_model(graph=b"g" * 300_000)
    for name in ("saved_model.pb", "variables/variables.index", "variables/variables.data-00000-of-00001"):
        memory.pipe(f"/bucket-exports/m/7/{name}", content)
    export = await store.export(server("memory://bucket-exports"), "/models/m", 7)
    assert (shown(export), export.problem) == ([("serving_default", ["float [-1]"], ["float [-1]"])], "")


async def test_same_export_seen_by_two_fleets_under_two_paths_bears_each_one_s_path(tmp_path: Path) -> None:
    put(tmp_path / "m/1", **{"saved_model.pb": saved_model()})
    store = FsspecStore(still_after=0.0)
    other = DesiredServer(Fleet("g", storage=(StorageMapping("/elsewhere", f"file://{tmp_path}"),)), "s", "here:8500")
    first = await store.export(server(f"file://{tmp_path}"), "/models/m", 1)
    second = await store.export(other, "/elsewhere/m", 1)
    store.close()
    assert (first.base_path, second.base_path) == ("/models/m", "/elsewhere/m")


async def test_versions_that_git_names_are_found_however_many_there_are(store: FsspecStore, tmp_path: Path) -> None:
    put(tmp_path / "m/2", **{"saved_model.pb": saved_model()})
    for version in range(100, 500):
        (tmp_path / "m" / str(version)).mkdir()
    wanted = server(str(tmp_path), DesiredModel("m", "m", "/models/m", specific(2)))
    assert [each.version for each in (await store.facts(wanted, "/models/m")).versions if each.complete] == [2]


def test_base_path_with_too_many_names_is_refused() -> None:
    names = (str(each) for each in range(storage_trees.MAX_CHILDREN + 1))
    with pytest.raises(storage_trees.NoSavedModel, match="more than 200,000 names"):
        storage_trees.bounded(names, "file:///m")


class Crowded(fsspec.AbstractFileSystem):  # type: ignore[misc]  # fsspec ships no types
    """A base path with fifty thousand versions, each of them whole; it counts those that are looked into."""

    protocol = "crowded"
    looked_into = 0

    def ls(self, path: str, detail: bool = True, **kwargs: object) -> list[str]:
        return [f"{path}/{version}" for version in range(1, 50_001)]

    def find(self, path: str, **kwargs: object) -> dict[str, dict[str, int]]:
        type(self).looked_into += 1
        return {f"{path}/saved_model.pb": {"size": 1}}


async def test_of_fifty_thousand_versions_the_highest_and_those_that_git_names_are_looked_into() -> None:
    store = FsspecStore(deadline=60.0, shared_for=0.0, still_after=0.0)
    fsspec.register_implementation("crowded", Crowded, clobber=True)
    wanted = server("crowded://there", DesiredModel("m", "m", "/models/m", specific(7)))
    facts = await store.facts(wanted, "/models/m")
    store.close()
    assert [each.version for each in facts.versions][:2] == [7, 50_001 - MAX_VERSIONS]
    assert Crowded.looked_into == 1 + MAX_VERSIONS
    assert facts.detail == f"{50_000 - 1 - MAX_VERSIONS} lower versions were not looked into"


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        (1.7e9, 1.7e9),
        ("2024-01-01T00:00:00Z", 1704067200.0),
        ("yesterday", 0.0),
        (None, 0.0),
        (1 << 2000, 0.0),
    ],
)
def test_time_of_an_object_is_understood_or_left_out(said: object, seconds: float) -> None:
    entry = storage_trees._remote_entry("p", {"size": 1, "updated": said})
    assert entry.changed == seconds
