"""Which commit is in force: follows the desired-state repository and keeps the last good commit under a bad head.

`Documents` turns a commit into what it asks for, reading only what changed; `Watch` decides, refresh by refresh, what
is in force and says what is wrong. Git itself is an adapter's (`adapters/git.py`), the language of documents `parse`'s.
"""

from reconciler.source.baseline import Baseline
from reconciler.source.documents import Documents
from reconciler.source.guarded import Guarded
from reconciler.source.inforce import Backoff, InForce, Trouble
from reconciler.source.pins import Pins
from reconciler.source.snapshot import Snapshot
from reconciler.source.trust import Judged, Trust
from reconciler.source.watch import Pauses, Terms, Watch

__all__ = [
    "Backoff",
    "Baseline",
    "Documents",
    "Guarded",
    "InForce",
    "Judged",
    "Pauses",
    "Pins",
    "Snapshot",
    "Terms",
    "Trouble",
    "Trust",
    "Watch",
]
