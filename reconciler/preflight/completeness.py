"""Whether a version directory holds a whole SavedModel, and the fingerprint that identifies the export.

What a complete export has: `saved_model.pb` (or `.pbtxt`), not empty; `variables/variables.index`, not empty; and every
data shard that one of the shards names, none empty. `tf.saved_model.save` always writes the index, even for a module
without variables, so its absence means a copy under way or gone wrong (rule E19). An export by hand with no variables
at all is called incomplete too; re-export it.

What identifies an export: names and sizes of all files, and the content of `saved_model.pb`, `variables.index`,
`fingerprint.pb` and every file up to 1 MiB. The index holds a checksum of every tensor, so the shards, however large,
need not be read. Called by `adapters/storage_versions.py`. Deliberately not here: reading; and whether somebody still
writes (`stillness.py`).
"""

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from reconciler.state.look import VersionFiles

GRAPHS = ("saved_model.pb", "saved_model.pbtxt")
INDEX = "variables/variables.index"
_SHARD = re.compile(r"variables/variables\.data-([0-9]{5,9})-of-([0-9]{5,9})")
_IDENTIFYING = frozenset({*GRAPHS, INDEX, "fingerprint.pb"})

DIGEST_BELOW = 1 << 20
"""Files up to this many bytes count with their content: assets are small, and equal sizes are no proof."""

MAX_LACKS = 8
"""Missing files named one by one; more than that only as a number."""


@dataclass(frozen=True, slots=True)
class FileFact:
    """One file below a version directory: its path from there with `/`, its size in bytes.

    changed: when its content last changed as the storage says, seconds since the epoch; 0 where it does not.
    """

    path: str
    size: int
    changed: float = 0.0


def version_files(
    version: int,
    files: Sequence[FileFact],
    digests: Mapping[str, str],
    lacks: Iterable[str] = (),
    unrest: Iterable[str] = (),
) -> VersionFiles:
    """The judgement on one version directory.

    `digests` gives a content digest for each path of `wanted_digests`; `lacks` is what was found wanting before (its
    name), `unrest` what a directory lacks that is being written. Where something lacks there is no fingerprint.
    """
    growing = tuple(unrest)
    missing = (*lacks, *growing, *_missing({each.path: each.size for each in files}))
    shown = missing if len(missing) <= MAX_LACKS else (*missing[:MAX_LACKS], f"{len(missing) - MAX_LACKS} more files")
    size = sum(each.size for each in files)
    fingerprint = "" if missing else _fingerprint(files, digests)
    return VersionFiles(version, shown, size, fingerprint, growing=bool(growing))


def wanted_digests(files: Sequence[FileFact]) -> tuple[str, ...]:
    """The files whose content counts for the fingerprint, ascending; none where the directory is incomplete."""
    if _missing({each.path: each.size for each in files}):
        return ()
    return tuple(sorted(each.path for each in files if _counts(each)))


def _counts(file: FileFact) -> bool:
    if _SHARD.fullmatch(file.path):
        return False
    return file.path in _IDENTIFYING or file.size <= DIGEST_BELOW


def _missing(sizes: Mapping[str, int]) -> tuple[str, ...]:
    graph = () if any(sizes.get(name) for name in GRAPHS) else (_said(GRAPHS[0], sizes),)
    index = () if sizes.get(INDEX) else (_said(INDEX, sizes),)
    return (*graph, *index, *_missing_shards(sizes))


def _said(path: str, sizes: Mapping[str, int]) -> str:
    return f"{path} (it is empty)" if path in sizes else path


def _missing_shards(sizes: Mapping[str, int]) -> tuple[str, ...]:
    """The shards missing from the most complete set; a stale set beside a whole one does no harm."""
    totals: dict[int, set[int]] = {}
    for path, size in sizes.items():
        found = _SHARD.fullmatch(path)
        if found:
            totals.setdefault(int(found[2]), set())
            totals[int(found[2])] |= {int(found[1])} if size else set()
    if not totals:
        return ("variables/variables.data-00000-of-00001",)
    lacking = {total: total - len(present & set(range(total))) for total, present in totals.items() if total <= 1 << 16}
    if not lacking:
        return ("a believable number of variables.data shards",)
    total = min(lacking, key=lambda each: (lacking[each], each))
    missing = (shard for shard in range(total) if shard not in totals[total])
    return tuple(_said(f"variables/variables.data-{shard:05d}-of-{total:05d}", sizes) for shard in missing)


def _fingerprint(files: Sequence[FileFact], digests: Mapping[str, str]) -> str:
    lines = [f"{each.path}\0{each.size}\0{digests.get(each.path, '')}\n" for each in files]
    return "sha256:" + hashlib.sha256("".join(sorted(lines)).encode("utf-8", "surrogateescape")).hexdigest()
