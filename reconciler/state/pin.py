"""A local pin: for a while, a model is held to what an older commit says of it, although git says something else.

Made by `rollback --local` while git cannot be reached, kept in the record, laid over what git asks for by `source/`.
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Pin:
    """What holds one model.

    document: the Model's metadata.name. to: the commit whose document counts, whole id. reason, by: why, and who asked.
    since, until: seconds since the epoch; ends: `until` as people read it. branch: where the commit that makes git say
    the same was proposed, "" while it was not. refused: why it could not be proposed for good, "" where it could.
    """

    document: str
    to: str
    reason: str
    by: str
    since: float
    until: float
    ends: str = ""
    branch: str = ""
    refused: str = ""

    @staticmethod
    def read(given: Mapping[str, object]) -> "Pin":
        """A pin as it was written down. Raises KeyError, TypeError and ValueError for what is none."""
        texts = {name: str(given.get(name, "")) for name in ("reason", "by", "ends", "branch", "refused")}
        since, until = (float(str(given[name])) for name in ("since", "until"))
        return Pin(str(given["document"]), str(given["to"]), since=since, until=until, **texts)

    def stands(self, at: float) -> bool:
        """Whether it holds at that time."""
        return at < self.until
