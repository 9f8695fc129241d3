"""In which order the manager walks over its models: that of a C++ hash table, exactly.

One action is taken per tick in the whole server, so the order matters: with loads in line it decides which models come
up before a corrupt one holds everything up for its retries. TensorFlow Serving keeps its models in a
``std::unordered_multimap`` keyed by name (``ManagedMap`` in ``core/basic_manager.h``), and walks it from begin to end.
This is that table as libstdc++ has it, as far as its order goes: the hash of a string, the bucket it falls into, a new
bucket going to the front, and the shuffle when the table grows. Up to 13 versions the rule of thumb is: the model that
came last goes first.

Used by the manager. Deliberately not here: the versions themselves; their order within a model changes nothing.
"""

from __future__ import annotations

from collections import Counter

_WORD = 0xFFFFFFFFFFFFFFFF
_MULTIPLIER = 0xC6A4A7935BD1E995
_SEED = 0xC70F6907
_SIZES = (1, 13, 29, 59, 127, 257, 541, 1109, 2357, 5087, 10273, 20753, 42043, 85229, 172933, 351061, 712697)
"""How many buckets the table has, each time it grows; it never shrinks."""


def string_hash(text: str) -> int:
    """``std::hash<std::string>`` of libstdc++ on 64 bits: MurmurHash 2 with a fixed seed."""
    raw = text.encode("utf-8", "surrogateescape")
    whole = len(raw) & ~7
    value = _SEED ^ (len(raw) * _MULTIPLIER & _WORD)
    for at in range(0, whole, 8):
        word = _mixed(int.from_bytes(raw[at : at + 8], "little") * _MULTIPLIER & _WORD) * _MULTIPLIER & _WORD
        value = (value ^ word) * _MULTIPLIER & _WORD
    if whole < len(raw):
        value = (value ^ int.from_bytes(raw[whole:], "little")) * _MULTIPLIER & _WORD
    return _mixed(_mixed(value) * _MULTIPLIER & _WORD)


class Order:
    """The names in the table, in the order in which it is walked. A name is in it once per version."""

    __slots__ = ("_buckets", "_counts", "_hashes", "_size", "_walk")

    def __init__(self) -> None:
        self._size = 0
        self._buckets: list[tuple[int, list[str]]] = []  # in the order of the walk; each bucket's names stand together
        self._counts: Counter[str] = Counter()
        self._hashes: dict[str, int] = {}
        self._walk: tuple[str, ...] | None = ()

    def names(self) -> tuple[str, ...]:
        """Every name once."""
        if self._walk is None:
            self._walk = tuple(name for _, names in self._buckets for name in names)
        return self._walk

    def add(self, name: str) -> None:
        """One more version of this name; a name that is there keeps its place, unless the table has to grow."""
        if self._counts.total() + 1 > _SIZES[self._size]:
            self._grow()
        self._counts[name] += 1
        if self._counts[name] == 1:
            self._hashes[name] = string_hash(name)
            self._insert(name, after=None)
            self._walk = None

    def discard(self, name: str) -> None:
        """One version of this name less."""
        self._counts[name] -= 1
        if not self._counts[name]:
            del self._counts[name]
            for bucket in self._buckets:
                if name in bucket[1]:
                    bucket[1].remove(name)
            self._buckets = [bucket for bucket in self._buckets if bucket[1]]
            self._walk = None

    def _grow(self) -> None:
        """Every name moves to the bucket it has now, in the order of the walk so far."""
        moved = self.names()
        self._size, self._buckets, self._walk = self._size + 1, [], None
        previous: str | None = None
        for name in moved:
            self._insert(name, after=previous)
            previous = name

    def _insert(self, name: str, after: str | None) -> None:
        """To the front of its bucket, or right behind ``after`` if that is in there; a new bucket goes to the front."""
        number = self._bucket(name)
        for known, names in self._buckets:
            if known == number:
                together = after is not None and self._bucket(after) == number
                names.insert(names.index(after) + 1 if together and after is not None else 0, name)
                return
        self._buckets.insert(0, (number, [name]))

    def _bucket(self, name: str) -> int:
        return self._hashes[name] % _SIZES[self._size]


def _mixed(value: int) -> int:
    return value ^ (value >> 47)
