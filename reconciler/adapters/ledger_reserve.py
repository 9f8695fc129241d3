"""Room kept aside on the disk, so that healing and rollback can still be recorded when the disk is full.

Used by `adapters/ledger_file.py`: a file of real blocks beside the record. Each write that finds no room takes a slice
of it, so that what is left stays ours whoever else fills the disk. As long as a slice is missing the room is *tight*:
the loop then lets no change begin that is neither healing nor a way back. It is filled up again once the disk has more
room than that, at a start or while the service runs. A disk without room from the start means tight room from then on;
a file system that cannot set room aside, or a folder that cannot be written to, only means no second chance.
"""

import errno
import os
import shutil
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

RESERVE_BYTES = 16 * 2**20
"""Hundreds of passes with their memories."""

SLICE_BYTES = 2**20
"""What one write that finds no room is given: more than any transaction here."""

TRY_EVERY = 5.0
"""Seconds between two questions whether the disk has room again."""

_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


class Reserve:
    """The file that holds the room."""

    def __init__(self, path: Path, size: int = RESERVE_BYTES, seconds: Callable[[], float] = time.monotonic) -> None:
        """Nothing is made yet; `seconds` is a clock that never goes back."""
        self.path = path
        self.size = size
        self._seconds = seconds
        self._missing = False
        self._asked = 0.0

    def make(self) -> None:
        """Set the room aside, as far as it is missing; does without where the disk has none."""
        self._asked = self._seconds()
        try:
            file = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            self._missing = error.errno in _NO_ROOM
            return
        kept = os.fstat(file).st_size
        try:
            if kept < self.size:
                os.posix_fallocate(file, 0, self.size)
            self._missing = False
        except OSError as error:
            self._missing = error.errno in _NO_ROOM
            with suppress(OSError):
                os.ftruncate(file, kept)
        finally:
            os.close(file)

    @property
    def tight(self) -> bool:
        """Whether some of the room is in use; asks the disk now and then whether it can be set aside again."""
        if self._missing and self._seconds() >= self._asked + TRY_EVERY:
            self._asked = self._seconds()
            with suppress(OSError):
                # What was just freed looks like room: only more than twice as much is room that stays.
                if shutil.disk_usage(self.path.parent).free >= 2 * self.size:
                    self.make()
        return self._missing

    def give_up(self) -> bool:
        """Free a slice of the room. Returns whether there was any."""
        try:
            left = self.path.stat().st_size
            if left <= 0:
                return False
            os.truncate(self.path, max(0, left - SLICE_BYTES))
        except OSError:
            return False
        self._missing = True
        return True

    @property
    def left(self) -> int:
        """How many bytes are kept aside now."""
        try:
            return self.path.stat().st_size
        except OSError:
            return 0
