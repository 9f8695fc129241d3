"""A commit that is still to be made: what it stands on, which files it writes, what it says.

Made by `revise/` (pure), turned into git objects and pushed by an adapter (`ports.Revisions`).
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Revision:
    """Files to write on top of the commit `base`, and the whole message, trailers included.

    files: (path from the repository's root, new content), ascending by path; None removes the file. Paths that are not
    named stay as they are in `base`.
    """

    base: str
    files: tuple[tuple[str, bytes | None], ...]
    message: str

    @property
    def subject(self) -> str:
        """The first line of the message."""
        return self.message.split("\n", 1)[0]
