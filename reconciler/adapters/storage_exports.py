"""One version directory → what its export promises. Blocking; run in storage's threads. Reads protos, runs nothing.

Used by `storage.py`. Whatever is wrong with the files is the export's `problem`, never an exception. What was read is
kept per state of the files, so that a label which waits costs one listing per look. Deliberately not here: the formats
(`wire/exports.py`, `wire/tfrecords.py`), and comparing (`preflight/compatibility.py`).
"""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import replace
from typing import BinaryIO, Final

from reconciler import preflight
from reconciler.adapters.storage_trees import Entry, Tree, tree_of
from reconciler.adapters.storage_versions import VersionFolders, said
from reconciler.state.export import Export
from reconciler.wire import tfrecords

MAX_EXPORTS = 2_000
"""Exports kept as read; the least recently used go first."""

WARMUP = "assets.extra/tf_serving_warmup_requests"

_CHUNKED = "saved_model.cpb"

_State = tuple[tuple[str, str], ...]


class Exports:
    """Exports as read by this process; safe for several threads because each step on shared state is one call."""

    def __init__(self, folders: VersionFolders) -> None:
        self._folders: Final = folders
        self._held: OrderedDict[str, tuple[_State, Export]] = OrderedDict()

    def read(self, url: str, base_path: str, version: int) -> Export:
        """What the export of that version below a URL promises."""
        try:
            return self._read(url, base_path, version)
        except Exception as error:
            return Export(base_path, version, problem=said(f"{url}/{version}", error))

    def _read(self, url: str, base_path: str, version: int) -> Export:
        tree, name = tree_of(url), str(version)
        entries = tree.files(name)
        if entries is None:
            return Export(base_path, version, problem=f"{url}/{name} does not exist")
        files = self._folders.version(tree, preflight.Spelling(version, (name,)), entries)
        promised = self._promised(tree, version, entries)
        return replace(promised, base_path=base_path, fingerprint=files.fingerprint, size=files.size)

    def _promised(self, tree: Tree, version: int, entries: list[Entry]) -> Export:
        where = f"{tree.url}/{version}"
        state = tuple((each.path, each.state) for each in entries)
        known = self._held.pop(where, None)
        found = known[1] if known and known[0] == state else _promised(tree, version, entries)
        if all(each.state for each in entries):
            self._held[where] = (state, found)
            while len(self._held) > MAX_EXPORTS:
                self._held.popitem(last=False)
        return found


def _promised(tree: Tree, version: int, entries: list[Entry]) -> Export:
    """What the files say, without what the directory as a whole is judged by."""
    # Here, not above: the generated classes are 30 MB that `validate` and the like never need.
    from reconciler.wire import exports
    from reconciler.wire.pruning import MalformedError

    sizes = {each.path: each.size for each in entries}
    readers: dict[str, Callable[[BinaryIO, int], exports.Promise]] = {
        "saved_model.pb": exports.from_binary,
        "saved_model.pbtxt": exports.from_text,
    }
    path = next((each for each in readers if each in sizes), None)
    if path is None:
        return Export("", version, problem=_no_graph(tree, version, sizes))
    try:
        with tree.open(str(version), path) as stream:
            promise = readers[path](stream, sizes[path])
    except MalformedError as error:
        return Export("", version, problem=f"{tree.url}/{version}/{path}: {error}")
    warmup = sizes.get(WARMUP)
    problem = "" if warmup is None else _warmup_problem(tree, version, warmup)
    signatures, written_by = promise.signatures, promise.tf_version
    return Export("", version, "", signatures, written_by, warmup is not None, warmup_problem=problem)


def _no_graph(tree: Tree, version: int, sizes: dict[str, int]) -> str:
    if _CHUNKED in sizes:
        return f"{tree.url}/{version}/{_CHUNKED} is written in chunks, which cannot be read here"
    return f"{tree.url}/{version} has no saved_model.pb"


def _warmup_problem(tree: Tree, version: int, size: int) -> str:
    with tree.open(str(version), WARMUP) as stream:
        return tfrecords.warmup_problem(stream, size)
