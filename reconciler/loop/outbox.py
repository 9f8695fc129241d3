"""What reporting asks of the outside: an outbox that outlives the process, and a git host that shows commit statuses.

Protocols, implemented in `adapters/outbox.py` and `adapters/status_host.py`; beside their one user, because nothing
else of the system knows of either. No behaviour here.
"""

from collections.abc import Sequence
from typing import Protocol

from reconciler.state.report import Letter, Posted, Report


class Outbox(Protocol):
    """Commit statuses on their way to a git host: the newest of each commit and fleet, until the host has it.

    Part of the record, so that a restart neither forgets nor repeats one. Blocking, quick. Raises RecordError.
    """

    def reports(self) -> Sequence[Report]:
        """The newest report of every commit and fleet that is kept, oldest first."""
        ...

    def put(self, reports: Sequence[Report], at: float) -> None:
        """Keep these as the newest of their commits and fleets; those that are so already stay as they are."""
        ...

    def letters(self) -> Sequence[Letter]:
        """What the host does not have yet, oldest first."""
        ...

    def trying(self, report: Report) -> None:
        """It is about to be sent: from now on nobody knows whether the host has it."""
        ...

    def taken(self, report: Report, at: float) -> None:
        """The host has it, or needs no telling."""
        ...

    def returned(self, report: Report) -> None:
        """It did not arrive, and it is known that it did not."""
        ...


class StatusHost(Protocol):
    """The API of a git host that shows commit statuses. Every call has a deadline inside, and never raises."""

    def same(self, one: Report, other: Report) -> bool:
        """Whether this host would show the two alike, so that nothing is to be told."""
        ...

    async def post(self, report: Report) -> Posted:
        """Tell one."""
        ...

    async def has(self, report: Report) -> bool | None:
        """Whether the host shows just that; None where it did not say."""
        ...

    async def close(self) -> None:
        """Give the connection back."""
        ...
