"""One base path in storage, as names, sizes and bytes: on a local disk, or behind any file system of fsspec.

Used by `storage_versions.py` and `storage_exports.py`. Reads are bounded: depth, number of files, nothing above what
is asked for. Links are followed (published versions are often links), a loop ends at the depth limit. Blocking.
"""

import hashlib
import itertools
import os
import stat
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO, Protocol
from urllib.parse import unquote, urlsplit

MAX_FILES = 20_000
"""Files below one version directory; more than that is no SavedModel."""

MAX_CHILDREN = 200_000
"""Names directly below a base path."""

MAX_DEPTH = 12
"""Folders within folders below one version directory."""

_CHUNK = 1 << 20


class NoSavedModel(Exception):
    """A directory holds what no SavedModel is made of: far too much, or a pipe, or a device."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One file below a version directory (`path` "" where the version itself is a file).

    `state` changes whenever the content may have; "" where the storage cannot say, and then nothing is remembered.
    `changed` is when the content last did, seconds since the epoch; 0 where the storage cannot say.
    """

    path: str
    size: int
    state: str = ""
    changed: float = 0.0


class Tree(Protocol):
    """One base path."""

    url: str

    def children(self) -> list[str] | None:
        """The names directly below; None where the base path does not exist."""
        ...

    def files(self, name: str) -> list[Entry] | None:
        """Every file below that child, ascending; None where it is gone."""
        ...

    def open(self, name: str, path: str) -> BinaryIO:
        """One file below that child, to read from any place in it."""
        ...


def tree_of(url: str) -> Tree:
    """The tree behind a URL; `file://` and plain paths take the short road."""
    parts = urlsplit(url)
    if parts.scheme in ("", "file"):
        return LocalTree(url, Path(unquote(parts.path) if parts.scheme else url))
    return RemoteTree(url)


class LocalTree:
    """A base path on a disk of this machine."""

    def __init__(self, url: str, root: Path) -> None:
        self.url = url
        self._root = root

    def children(self) -> list[str] | None:
        """See `Tree`."""
        try:
            with os.scandir(self._root) as children:
                return bounded((child.name for child in children), self.url)
        except (FileNotFoundError, NotADirectoryError):
            return None

    def files(self, name: str) -> list[Entry] | None:
        """See `Tree`."""
        top = self._root / name
        try:
            found = top.stat()
            if not stat.S_ISDIR(found.st_mode):
                return [_local_entry("", found)]
            entries: list[Entry] = []
            _walk(str(top), "", entries, MAX_DEPTH)
        except FileNotFoundError:
            return None
        return sorted(entries, key=lambda each: each.path)

    def open(self, name: str, path: str) -> BinaryIO:
        """See `Tree`."""
        return (self._root / name / path).open("rb")


def _walk(folder: str, prefix: str, entries: list[Entry], depth: int) -> None:
    if depth < 0:
        raise NoSavedModel(f"{folder} lies deeper than {MAX_DEPTH} folders; is there a loop of links?")
    with os.scandir(folder) as children:
        for child in children:
            path = f"{prefix}{child.name}"
            if child.is_dir():
                _walk(child.path, f"{path}/", entries, depth - 1)
            else:
                _keep(entries, _local_entry(path, child.stat()), folder)


def _local_entry(path: str, found: os.stat_result) -> Entry:
    if not stat.S_ISREG(found.st_mode):
        raise NoSavedModel(f"{path} is no regular file; opening it might hang")
    state = f"{found.st_size}:{found.st_mtime_ns}:{found.st_ino}:{found.st_ctime_ns}"
    return Entry(path, found.st_size, state, found.st_mtime)


class RemoteTree:
    """A base path behind any file system that fsspec knows by its scheme (gs, s3, abfs, memory, …)."""

    def __init__(self, url: str) -> None:
        import fsspec  # a megabyte, and its decompressors, that a service with local storage never needs

        self.url = url
        self._fs, self._root = fsspec.core.url_to_fs(url)

    def children(self) -> list[str] | None:
        """See `Tree`. An object store has no empty folders: there, nothing below means that it does not exist."""
        self._fs.invalidate_cache()
        try:
            found = self._fs.ls(self._root, detail=False)
        except (FileNotFoundError, NotADirectoryError):
            return None
        return bounded((str(each).rstrip("/").rpartition("/")[2] for each in found), self.url)

    def files(self, name: str) -> list[Entry] | None:
        """See `Tree`."""
        top = f"{self._root.rstrip('/')}/{name}"
        found: dict[str, Any] = self._fs.find(top, maxdepth=MAX_DEPTH, detail=True)
        entries: list[Entry] = []
        for path, facts in found.items():
            _keep(entries, _remote_entry(path[len(top) :].strip("/"), facts), top)
        if not entries and not self._fs.exists(top):
            return None
        return sorted(entries, key=lambda each: each.path)

    def open(self, name: str, path: str) -> BinaryIO:
        """See `Tree`."""
        opened: BinaryIO = self._fs.open(f"{self._root.rstrip('/')}/{name}/{path}", "rb")
        return opened


def _remote_entry(path: str, facts: dict[str, Any]) -> Entry:
    """Backends name the state of an object differently; any of these changes with its content."""
    said = [facts.get(key) for key in ("etag", "ETag", "md5Hash", "generation", "mtime", "LastModified", "created")]
    state = ":".join(str(each) for each in said if each is not None)
    size = int(facts.get("size") or 0)
    times = [facts.get(key) for key in ("mtime", "LastModified", "last_modified", "updated", "created")]
    changed = next((_seconds(each) for each in times if each is not None), 0.0)
    return Entry(path, size, f"{size}:{state}" if state else "", changed)


def _seconds(said: object) -> float:
    """A time as some backend writes it, in seconds since the epoch; 0 where it makes no sense."""
    try:
        read = datetime.fromisoformat(said) if isinstance(said, str) else said
        if isinstance(read, datetime):
            return (read if read.tzinfo else read.replace(tzinfo=UTC)).timestamp()
        return float(read) if isinstance(read, int | float) else 0.0
    except (ValueError, OverflowError):
        return 0.0


def digest(stream: BinaryIO) -> str:
    """The SHA-256 of what a stream holds, in hex."""
    found = hashlib.sha256()
    while chunk := stream.read(_CHUNK):
        found.update(chunk)
    return found.hexdigest()


def bounded(names: Iterable[str], url: str) -> list[str]:
    """The names below a URL. Raises NoSavedModel where there are more than anybody wants to look through."""
    found = list(itertools.islice(names, MAX_CHILDREN + 1))
    if len(found) > MAX_CHILDREN:
        raise NoSavedModel(f"more than {MAX_CHILDREN:,} names in {url}; remove what no server shall ever load")
    return found


def _keep(entries: list[Entry], entry: Entry, folder: str) -> None:
    entries.append(entry)
    if len(entries) > MAX_FILES:
        raise NoSavedModel(f"more than {MAX_FILES} files below {folder}; that is no SavedModel")
