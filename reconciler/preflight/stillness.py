"""Whether somebody is still writing into a version directory: equal sizes over two looks, some time apart.

A shard half copied is not empty and has the right name, so a listing alone cannot tell. Called by
`adapters/storage_versions.py`, which keeps what was sighted. Publishing by copy under another name and rename shows a
directory that never grows; it is waited for all the same, once, because nobody can see how it came. A file system
whose clock is off errs towards waiting.

Deliberately not here: keeping anything, and the time.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from reconciler.preflight.completeness import FileFact

STILL_AFTER = 2.0
"""Seconds without a change after which a directory counts as written: above the one-second times of many storages."""


@dataclass(frozen=True, slots=True)
class Sighting:
    """What a version directory looked like (a hash of names, sizes and times) and since when, in seconds."""

    listing: int
    since: float


def sighted(before: Sighting | None, files: Sequence[FileFact], now: float, age: float) -> Sighting:
    """The sighting of now, given that of the look before.

    age: at the first look at a base path, the seconds for which the files themselves say that they are as they are;
    0 where there was a look before, for then what is new or different has changed since.
    """
    listing = hash(tuple((each.path, each.size, each.changed) for each in files))
    if before is not None and before.listing == listing:
        return before
    return Sighting(listing, now if before is not None else now - max(age, 0.0))


def age(files: Sequence[FileFact], now: float) -> float:
    """Seconds since the last of them changed, by the storage's own clock; many where it does not say."""
    return now - max((each.changed for each in files), default=0.0)


def unrest(sighting: Sighting, now: float, still_after: float = STILL_AFTER) -> tuple[str, ...]:
    """What a version directory lacks that is still growing, or may be; empty once it was still for long enough."""
    if now - sighting.since >= still_after:
        return ()
    return (f"rest: it is still growing, or was within the last {still_after:g} s",)
