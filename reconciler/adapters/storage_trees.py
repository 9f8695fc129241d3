"""One base path in storage, as names, sizes and bytes: on a local disk, or behind any file system of fsspec.

Used by `storage.py` only. Reads are bounded: depth, number of files, nothing above what is asked for. Links are
followed (published versions are often links), a loop ends at the depth limit. Blocking.
"""

import hashlib
import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import unquote, urlsplit

MAX_FILES = 20_000
"""Files below one version directory; more than that is no SavedModel."""

MAX_DEPTH = 12
"""Folders within folders below one version directory."""

_CHUNK = 1 << 20


class NoSavedModel(Exception):
    """A version directory holds what no SavedModel is made of: far too much, or a pipe, or a device."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One file below a version directory (`path` "" where the version itself is a file).

    `state` changes whenever the content may have; "" where the storage cannot say, and then nothing is remembered.
    """

    path: str
    size: int
    state: str = ""


class Tree(Protocol):
    """One base path."""

    url: str

    def children(self) -> list[str] | None:
        """The names directly below; None where the base path does not exist."""
        ...

    def files(self, name: str) -> list[Entry] | None:
        """Every file below that child, ascending; None where it is gone."""
        ...

    def digest(self, name: str, path: str) -> str:
        """The SHA-256 of one file, in hex."""
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
            return os.listdir(self._root)  # noqa: PTH208 — names are all we need
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

    def digest(self, name: str, path: str) -> str:
        """See `Tree`."""
        with (self._root / name / path).open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()


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
    return Entry(path, found.st_size, f"{found.st_size}:{found.st_mtime_ns}:{found.st_ino}:{found.st_ctime_ns}")


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
        return [str(each).rstrip("/").rpartition("/")[2] for each in found]

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

    def digest(self, name: str, path: str) -> str:
        """See `Tree`."""
        with self._fs.open(f"{self._root.rstrip('/')}/{name}/{path}", "rb") as file:
            digest = hashlib.sha256()
            while chunk := file.read(_CHUNK):
                digest.update(chunk)
        return digest.hexdigest()


def _remote_entry(path: str, facts: dict[str, Any]) -> Entry:
    """Backends name the state of an object differently; any of these changes with its content."""
    said = [facts.get(key) for key in ("etag", "ETag", "md5Hash", "generation", "mtime", "LastModified", "created")]
    state = ":".join(str(each) for each in said if each is not None)
    size = int(facts.get("size") or 0)
    return Entry(path, size, f"{size}:{state}" if state else "")


def _keep(entries: list[Entry], entry: Entry, folder: str) -> None:
    entries.append(entry)
    if len(entries) > MAX_FILES:
        raise NoSavedModel(f"more than {MAX_FILES} files below {folder}; that is no SavedModel")
