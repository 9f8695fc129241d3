"""Keeping a mirror small: every fetch leaves a pack of its own, and looking through thousands of them is slow.

Used by `adapters/git.py` after a fetch. libgit2 never tidies up by itself, and git's own tool need not be installed.
Deliberately not here: forgetting anything; every object stays.
"""

from pathlib import Path

import pygit2


def unite_packs(mirror: pygit2.Repository, most: int) -> bool:
    """Put all objects into one pack where there are more packs than `most`. Returns whether that was done.

    Safe to be cut off at any moment: an old pack goes only when the new one lies on the disk.
    """
    folder = Path(mirror.path) / "objects" / "pack"
    before = sorted(folder.glob("*.pack"))
    if len(before) <= most:
        return False
    mirror.pack(n_threads=1)
    after = set(folder.glob("*.pack")) - set(before)
    for pack in before if after else []:
        for part in (pack.with_suffix(".idx"), pack.with_suffix(".rev"), pack):
            part.unlink(missing_ok=True)
    return bool(after)
