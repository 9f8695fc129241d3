"""Version directories as seen from here: found, missing, unseen; and cheap to look at again."""

import asyncio
import hashlib
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import fsspec
import pytest

from reconciler.adapters import storage, storage_trees, storage_versions
from reconciler.adapters.storage import FsspecStore
from reconciler.adapters.storage_threads import DaemonThreads
from reconciler.adapters.storage_versions import VersionFolders
from reconciler.state.desired import DesiredServer, Fleet, StorageMapping
from reconciler.state.look import Presence


def export(folder: Path, graph: bytes = b"graph") -> None:
    (folder / "variables").mkdir(parents=True)
    (folder / "saved_model.pb").write_bytes(graph)
    (folder / "variables/variables.index").write_bytes(b"index")
    (folder / "variables/variables.data-00000-of-00001").write_bytes(b"tensors")


def server(*mappings: tuple[str, str]) -> DesiredServer:
    return DesiredServer(Fleet("f", storage=tuple(StorageMapping(*each) for each in mappings)), "s", "here:8500")


@pytest.fixture
def store() -> Iterator[FsspecStore]:
    store = FsspecStore(deadline=2.0, shared_for=0.0, still_after=0.0)
    yield store
    store.close()


async def test_complete_versions_are_seen_ascending(store: FsspecStore, tmp_path: Path) -> None:
    for version in (10, 9):
        export(tmp_path / "m" / str(version))
    (tmp_path / "m/tmp").mkdir()
    facts = await store.facts(server(("/models", f"file://{tmp_path}")), "/models/m")
    assert (facts.base_path, facts.presence) == ("/models/m", Presence.SEEN)
    assert [(each.version, each.complete, each.size) for each in facts.versions] == [(9, True, 17), (10, True, 17)]


async def test_equal_exports_have_equal_fingerprints_wherever_they_lie(store: FsspecStore, tmp_path: Path) -> None:
    export(tmp_path / "m/1")
    export(tmp_path / "n/1")
    export(tmp_path / "n/2", graph=b"other")
    mapped = server(("/models", f"file://{tmp_path}"))
    first = await store.facts(mapped, "/models/m")
    second = await store.facts(mapped, "/models/n")
    assert first.versions[0].fingerprint == second.versions[0].fingerprint
    assert first.versions[0].fingerprint != second.versions[1].fingerprint


async def test_half_copied_directory_is_seen_and_lacks_parts(store: FsspecStore, tmp_path: Path) -> None:
    (tmp_path / "m/1").mkdir(parents=True)
    (tmp_path / "m/1/saved_model.pb").write_bytes(b"graph")
    facts = await store.facts(server(("/models", f"file://{tmp_path}")), "/models/m")
    assert "variables/variables.index" in facts.versions[0].lacks


async def test_file_named_like_a_version_is_no_directory(store: FsspecStore, tmp_path: Path) -> None:
    (tmp_path / "m").mkdir()
    (tmp_path / "m/15").write_bytes(b"x")
    facts = await store.facts(server(("/models", f"file://{tmp_path}")), "/models/m")
    assert facts.versions[0].lacks == ("a directory: it is a file",)


async def test_missing_base_path_is_missing(store: FsspecStore, tmp_path: Path) -> None:
    facts = await store.facts(server(("/models", f"file://{tmp_path}")), "/models/none")
    assert facts.presence is Presence.MISSING


async def test_uncovered_base_path_is_unseen_and_says_what_is_missing(store: FsspecStore) -> None:
    facts = await store.facts(server(("/models", "file:///x")), "/modelsother/m")
    assert (facts.presence, "/modelsother/m" in facts.detail) == (Presence.UNSEEN, True)


def test_longest_prefix_wins() -> None:
    mappings = server(("/", "file:///root"), ("/models/", "file:///a/"), ("/models/big", "file:///b")).fleet.storage
    assert storage.url_of(mappings, "/models/big/m") == "file:///b/m"
    assert storage.url_of(mappings, "/models/bigger") == "file:///a/bigger"
    assert storage.url_of(mappings, "/models/big") == "file:///b"
    assert storage.url_of(mappings, "/elsewhere") == "file:///root/elsewhere"


async def test_unknown_kind_of_storage_is_unseen(store: FsspecStore) -> None:
    facts = await store.facts(server(("/models", "nosuch://bucket")), "/models/m")
    assert (facts.presence, "nosuch" in facts.detail) == (Presence.UNSEEN, True)


async def test_unreadable_base_path_is_unseen(store: FsspecStore, tmp_path: Path) -> None:
    (tmp_path / "m").symlink_to("m")
    facts = await store.facts(server(("/models", f"file://{tmp_path}")), "/models/m")
    assert facts.presence is Presence.UNSEEN


async def test_loop_of_links_ends(store: FsspecStore, tmp_path: Path) -> None:
    export(tmp_path / "m/1")
    (tmp_path / "m/1/loop").symlink_to(tmp_path / "m/1")
    facts = await store.facts(server(("/models", f"file://{tmp_path}")), "/models/m")
    assert (facts.presence, "loop of links" in facts.detail) == (Presence.UNSEEN, True)


async def test_linked_version_directory_counts(store: FsspecStore, tmp_path: Path) -> None:
    export(tmp_path / "elsewhere")
    (tmp_path / "m").mkdir()
    (tmp_path / "m/1").symlink_to(tmp_path / "elsewhere")
    facts = await store.facts(server(("/models", f"file://{tmp_path}")), "/models/m")
    assert facts.versions[0].complete


class Hanging(fsspec.AbstractFileSystem):  # type: ignore[misc]  # fsspec ships no types
    """Storage behind a dead mount: a listing ends only when the test lets it."""

    protocol = "hanging"
    released = threading.Event()
    listings = 0

    def ls(self, path: str, detail: bool = True, **kwargs: object) -> list[str]:
        type(self).listings += 1
        self.released.wait(10)
        return []


async def test_hung_storage_is_unseen_and_is_not_asked_again() -> None:
    fsspec.register_implementation("hanging", Hanging, clobber=True)
    store = FsspecStore(deadline=0.05, shared_for=0.0)
    mapped = server(("/models", "hanging://there"))
    looks = [await store.facts(mapped, "/models/m") for _ in range(3)]
    Hanging.released.set()
    store.close()
    assert {each.presence for each in looks} == {Presence.UNSEEN}
    assert Hanging.listings == 1


async def test_pipe_among_the_files_is_never_opened(store: FsspecStore, tmp_path: Path) -> None:
    export(tmp_path / "m/1")
    os.mkfifo(tmp_path / "m/1/assets")
    facts = await store.facts(server(("/models", f"file://{tmp_path}")), "/models/m")
    assert (facts.presence, "regular file" in facts.detail) == (Presence.UNSEEN, True)


async def test_object_store_is_read_through_fsspec(store: FsspecStore) -> None:
    memory = fsspec.filesystem("memory")
    for name in ("saved_model.pb", "variables/variables.index", "variables/variables.data-00000-of-00001"):
        memory.pipe(f"/bucket-facts/m/7/{name}", b"content")
    mapped = server(("gs://bucket", "memory://bucket-facts"))
    facts = await store.facts(mapped, "gs://bucket/m")
    assert [(each.version, each.complete) for each in facts.versions] == [(7, True)]
    assert (await store.facts(mapped, "gs://bucket/none")).presence is Presence.MISSING


def test_content_is_digested_once_per_state_of_a_file(tmp_path: Path) -> None:
    export(tmp_path / "1")
    folders = VersionFolders(still_after=0.0)
    first = folders.facts(f"file://{tmp_path}")
    graph = tmp_path / "1/saved_model.pb"
    known = graph.stat()
    graph.write_bytes(b"GRAPH")
    os.utime(graph, ns=(known.st_atime_ns, known.st_mtime_ns))
    changed = folders.facts(f"file://{tmp_path}")
    assert first.versions[0].fingerprint != changed.versions[0].fingerprint
    assert folders.facts(f"file://{tmp_path}") == changed


def test_cache_forgets_the_least_recently_used() -> None:
    cache = storage_versions.DigestCache(limit=2)
    read: list[str] = []

    def digest(path: str) -> str:
        def content() -> str:
            read.append(path)
            return path

        return cache.digest("u", storage_trees.Entry(path, 1, "s"), content)

    for path in ("a", "b", "a", "c", "a", "b"):
        digest(path)
    assert read == ["a", "b", "c", "b"]


def test_file_without_a_known_state_is_read_every_time() -> None:
    cache = storage_versions.DigestCache()
    read = iter(["first", "second"])
    digests = [cache.digest("u", storage_trees.Entry("p", 1), lambda: next(read)) for _ in range(2)]
    assert digests == ["first", "second"]


async def test_versions_beyond_the_bound_are_counted(store: FsspecStore, tmp_path: Path) -> None:
    for version in range(1, storage_versions.MAX_VERSIONS + 4):
        (tmp_path / "m" / str(version)).mkdir(parents=True)
    facts = await store.facts(server(("/models", f"file://{tmp_path}")), "/models/m")
    assert facts.versions[0].version == 4
    assert facts.detail == "3 lower versions were not looked into"


def test_digest_is_of_the_content(tmp_path: Path) -> None:
    export(tmp_path / "1")
    with storage_trees.tree_of(str(tmp_path)).open("1", "saved_model.pb") as stream:
        assert storage_trees.digest(stream) == hashlib.sha256(b"graph").hexdigest()


async def test_storage_that_hangs_never_holds_up_the_end_of_the_process() -> None:
    released = threading.Event()
    threads = DaemonThreads(2, "test")
    hung = [threads.submit(released.wait) for _ in range(5)]
    assert all(thread.daemon for thread in threading.enumerate() if thread.name.startswith("test-"))
    assert len([thread for thread in threading.enumerate() if thread.name.startswith("test-")]) == 2
    released.set()
    assert all(await asyncio.gather(*hung))
    threads.close()
