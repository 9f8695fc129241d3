"""What the core needs from its owner: a disk to look at, and effects to carry out.

The owner is the real server or the simulator. It carries out the effects that ``Core.advance`` returns and reports back
with ``load_finished``, ``unload_finished``, ``answered`` (a ``Look`` or a ``Measure``) and ``reload_from_file``.
Deliberately not here: how any of that is done.
"""

from __future__ import annotations

from dataclasses import dataclass

from reconciler.modelserver.core.looking import Look, Measure
from reconciler.modelserver.core.values import LoadKey, Status, VersionStatus


@dataclass(frozen=True, slots=True)
class StartLoad:
    """Load ``key.path``; answer once with ``load_finished(key, status, now)``. A retry comes as a new key."""

    key: LoadKey


@dataclass(frozen=True, slots=True)
class StartUnload:
    """Free what was loaded under ``key``; answer once with ``unload_finished(key, now)``."""

    key: LoadKey


@dataclass(frozen=True, slots=True)
class ReadConfigFile:
    """Read the configuration file; answer once with ``reload_from_file``: what it says, or why it is unreadable.

    Only comes with ``model_config_file_poll_wait_seconds`` above zero.
    """


@dataclass(frozen=True, slots=True)
class Published:
    """A version's state as GetModelStatus shows it from now on. Nothing to do; good for logs and for tests."""

    model: str
    status: VersionStatus


@dataclass(frozen=True, slots=True)
class Log:
    """What TensorFlow Serving would write to its log."""

    text: str


Effect = StartLoad | StartUnload | Look | Measure | ReadConfigFile | Published | Log


@dataclass(slots=True)
class Ticket:
    """The answer to a call that may block. It fills in during a later ``advance``, or never."""

    status: Status | None = None
    finished_at: float | None = None

    @property
    def done(self) -> bool:
        """Whether there is an answer."""
        return self.status is not None

    def finish(self, status: Status, now: float) -> None:
        """Answer it; the core does this."""
        self.status, self.finished_at = status, now
