"""From plan and observation to what people are told: conditions, statuses, and commit statuses (`reports`).

Pure functions over values; the store keeps what they return, `expose/` renders it. Deliberately not here: writing to
the store (loop), texts for the terminal and a fleet's roll-up (expose).
"""

from reconciler.record.notices import rolled_back
from reconciler.record.pinned import pinned
from reconciler.record.statuses import halted, same_statuses, statuses

__all__ = ["halted", "pinned", "rolled_back", "same_statuses", "statuses"]
