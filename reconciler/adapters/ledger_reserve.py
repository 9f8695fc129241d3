"""Room kept aside on the disk, so that healing and rollback can still be recorded when the disk is full.

Used by `adapters/ledger.py`: a file of real blocks beside the record, given up at the first write that finds no room.
It is made again at the next start that finds room. No reserve (a full disk from the start) only means no second chance.
"""

import os
from dataclasses import dataclass
from pathlib import Path

RESERVE_BYTES = 16 * 2**20  # hundreds of intents with their memories


@dataclass(frozen=True, slots=True)
class Reserve:
    """The file that holds the room, and how many bytes that is."""

    path: Path
    size: int = RESERVE_BYTES

    def make(self) -> None:
        """Set the room aside where it is not yet; does without where the disk has none."""
        try:
            file = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError:
            return
        try:
            os.posix_fallocate(file, 0, self.size)
        except OSError:
            self.path.unlink(missing_ok=True)
        finally:
            os.close(file)

    def give_up(self) -> bool:
        """Free the room. Returns whether there was any."""
        try:
            self.path.unlink()
        except OSError:
            return False
        return True
